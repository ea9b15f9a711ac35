/*
 * A source is sans-I/O: a small state machine that hands out requests and is
 * fed answers.  It never touches the network, Redis or a clock.  drive.c
 * drives it (guard, http, feed); fetch -f hands it one saved body.
 *
 * A new source is one file, one line in sources[] (source.c), and its bodies
 * in the tests.
 */
#ifndef SOURCE_SOURCE_H
#define SOURCE_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/config.h"
#include "base/rc.h"
#include "base/zone.h"
#include "data/dataset.h"
#include "data/table.h"
#include "net/http.h"

/* A company of an index; all borrowed. */
struct member {
	const char *ticker;  /* in Finviz notation: BRK-B */
	const char *company; /* NULL: not known */
	const char *sector;  /* NULL: not known */
};

/* What is wanted.  Borrowed until end(). */
struct query {
	struct dataset dataset;
	const struct config *config;
	const struct member *members; /* for sources that need them */
	size_t nmembers;
	int fills; /* gaps of another's table: figures of few will do */
	struct returns *returns; /* of source_yahoo_year: a place a member */
};

/* What a source must not exceed. */
struct policy {
	double rate;     /* calls a second, by all processes together */
	int burst;       /* calls at once after a rest */
	int connections; /* of this process at a time */
	int day_quota;   /* calls a day, by all together; 0: no such limit */
	enum zone zone;  /* whose midnight begins that day */
	int need; /* calls that are booked of the day with the first; 0: one */
	int64_t book_ms; /* and how long they stay booked without a call */
};

enum step {
	STEP_REQUEST, /* *out is a request to send */
	STEP_WAIT,    /* nothing to hand out until an answer is fed */
	STEP_SESSION, /* nothing until session() was called */
	STEP_DONE     /* all answers are in: finish() */
};

struct conversation; /* each source has its own, behind this name */

struct source {
	const char *name;   /* in config, logs, keys, metrics, results */
	const char *origin; /* its own address, "https://finviz.com" */
	const enum field *required; /* what its tables must have */
	size_t nrequired;
	int needs_members;
	int may_miss; /* rows may be missing of what was asked: partial */

	/* May it have this field?  Who may not is not asked for it. */
	int (*serves)(enum field);

	/* The base address that the settings give it. */
	const char *(*address)(const struct config *);
	void (*policy)(const struct config *, struct policy *);

	/* RC_NOTFOUND: it cannot serve this dataset, and why. */
	enum rc (*begin)(
	    struct conversation **, const struct query *, struct err *);

	/*
	 * The next request.  May be called again before feed(), so that pages
	 * are in flight together.
	 */
	enum step (*next)(struct conversation *, struct http_request *out);

	/*
	 * Take an answer, or the news that none came (status 0: most
	 * sources leave that to source_status).  Not RC_OK: the answer was not
	 * taken, and the same request may be sent again.  RC_INVALID: the
	 * conversation has failed as a whole.
	 */
	enum rc (*feed)(
	    struct conversation *, const struct http_response *, struct err *);

	/*
	 * What the breaker is told of the answer fed last, where it was taken
	 * although it is none: the conversation goes on without it.  NULL: what
	 * feed said.
	 */
	enum rc (*verdict)(const struct conversation *);

	/*
	 * After STEP_SESSION: use this session (text that made() gave some
	 * process), or make one (NULL).  Both NULL where a source has none.
	 */
	void (*session)(struct conversation *, const char *session);
	/* A session made since the last call, to be shared; else NULL.  The
	 * text is borrowed until the next call of any function here. */
	const char *(*made)(struct conversation *);
	/* The session that was refused, so that an equal one is not handed
	 * back; NULL: none was.  Borrowed as above. */
	const char *(*refused)(struct conversation *);

	/*
	 * Is the answer to a request that was handed out, but not sent yet,
	 * still of use?  NULL: it always is.
	 */
	int (*wants)(const struct conversation *, unsigned tag);

	/*
	 * How many calls the conversation has still to make, the one that was
	 * handed out last among them: they are booked of the source's day
	 * before the first.  NULL: nobody counts them.
	 */
	int (*calls)(const struct conversation *);
	/*
	 * After RC_LIMITED: the pause that the body asks for in milliseconds,
	 * less than a Retry-After says; SOURCE_DAY_OVER: until the source's
	 * midnight, whatever that says; -1, and NULL: it names none.
	 */
	int64_t (*pause_ms)(const struct conversation *);

	/* Records so far and in all (-1: not known yet). */
	void (*progress)(
	    const struct conversation *, int64_t *rows, int64_t *total);

	/* After STEP_DONE: move the records to *table (initialised, empty).
	 * *total is the site's own; -1: it has none. */
	enum rc (*finish)(struct conversation *, struct table *, int64_t *total,
	    struct err *);
	void (*end)(struct conversation *); /* takes NULL */

	/*
	 * fetch -f: one saved body.  RC_OK: rows; RC_EMPTY: legitimately none
	 * (*total is set as in finish); else as feed.
	 */
	enum rc (*read)(const struct http_response *, struct table *,
	    int64_t *total, struct err *);

	/*
	 * fetch -f: a saved body of another kind than read's, as one JSON
	 * object appended to out, of a failure too.  *known 0: it is none, and
	 * read's.  NULL: the source has no other kind.
	 */
	enum rc (*object)(const struct http_response *, struct buf *out,
	    int *known, struct err *);
};

#define SOURCE_DAY_OVER INT64_MAX

extern const struct source source_finviz;
extern const struct source source_yahoo;
extern const struct source source_alphavantage;
extern const struct source source_polygon;
extern const struct source source_iex;

/*
 * A year of daily bars of each member, from Yahoo's charts.  It makes no
 * table: what comes of a member is in query.returns as soon as it is answered.
 * A symbol that Yahoo does not know is answered with the reason; one that fails
 * twice (unreadable, an error, no answer) is left out.  Three in a row that
 * bring an error or no answer, or nothing else, are the conversation's failure.
 * Not of the list: its name is Yahoo's, whose limits it shares.
 */
extern const struct source source_yahoo_year;

extern const struct source *const sources[];
extern const size_t nsources;

/* RC_USAGE with the allowed names. */
enum rc source_by_name(const char *, const struct source **, struct err *);

/* The list of a SOURCES setting: at most LIMIT_SOURCES, each once.
 * RC_CONFIG names the unknown one. */
enum rc source_list(
    const char *setting, const struct source **out, size_t *n, struct err *);

/*
 * What every source looks at first: the status alone, without the body.
 * Where no answer came, why.  RC_OK for 200; RC_LIMITED for 429 and 999;
 * RC_BLOCKED for 401, 403, 407 and 451, or a cf-mitigated header; RC_UPSTREAM
 * for the rest.
 */
enum rc source_status(const struct http_response *, struct err *);

#endif
