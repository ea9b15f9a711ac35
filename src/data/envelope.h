/*
 * The envelope: the one JSON document that the cache stores, the API answers
 * and fetch prints (README.md, "The envelope").  Members in this order:
 *
 *	success index sector source [origin] error timestamp fetched_at
 *	fresh_until partial count total missing_fields [filled] [members]
 *	data_hash [attempts] data
 *
 * origin stands only where the source was not at its own address (a test or
 * demo market), filled only where gaps were to be filled from other sources
 * (fill.h), members only where the source took its list of companies from
 * elsewhere, attempts only in a failure.
 */
#ifndef DATA_ENVELOPE_H
#define DATA_ENVELOPE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/rc.h"
#include "data/dataset.h"
#include "data/table.h"

/* One source that was tried and failed. */
struct attempt {
	const char *source; /* borrowed, of the list of sources */
	int64_t wait_ms;    /* the wait that it asked for, 0: none */
	struct err why;
};

/* A source that was passed over (no key): RC_NOSOURCE, which none that was
 * asked says. */
int attempt_is_none(const struct attempt *);

struct attempts {
	struct attempt v[LIMIT_ATTEMPTS];
	size_t n; /* a further one replaces the last */
};

void attempts_add(struct attempts *, const char *source, int64_t wait_ms,
    const struct err *why);

/* Figures that are another source's than the envelope's own. */
struct filled {
	char source[LIMIT_SOURCES][32];
	size_t nsources;
	size_t rows; /* records of the dataset */
	uint32_t count[FIELD__MAX][LIMIT_SOURCES];
};

/* The place of the one source that all figures of a field are filled from;
 * -1: it is not so. */
int filled_whole(const struct filled *, enum field);

struct envelope {
	struct dataset dataset;
	const char *source;  /* NULL where no source answered */
	const char *origin;  /* NULL: the source's own address */
	const char *members; /* "cache 2026-11-23T…Z" or "file 2026-08-08" */
	const struct filled *filled;     /* NULL: nobody was to fill gaps */
	const struct err *error;         /* NULL: success */
	const struct attempts *attempts; /* NULL or empty: none failed */
	int64_t fetched_ms;        /* since the epoch: the start of the sweep */
	int64_t fresh_ms;          /* since the epoch: fresh until then */
	int64_t total;             /* the page's own; -1: it gave none (null) */
	const struct table *table; /* NULL: no data */
	const char *const *records; /* of another kind of data: ready JSON */
	size_t nrecords;
	const unsigned char *only; /* fields to write, NULL: all; FIELD__ALL */
	int64_t returns_ms; /* of the annual returns among them; 0: none are */
};

/* Append the envelope; look at b->rc.  No line feed at its end. */
void envelope_write(struct buf *, const struct envelope *);

/* One record as JSON; index and fetched_ms make Index and Last_Updated. */
void envelope_record(struct buf *, const struct record *, const char *index,
    int64_t fetched_ms, const unsigned char *only);

/* Text as a JSON string, quotes included; invalid UTF-8 becomes U+FFFD. */
void envelope_string(struct buf *, const char *text);

/*
 * XXH3, 128 bits, of the records as lines of JSON without Index and
 * Last_Updated, with every field: the same figures in the same order, the same
 * hash.  32 hexadecimal digits and a NUL.
 */
void envelope_hash(const struct table *, char out[33]);

/*
 * A stale answer: {"stale":true,"attempts":[…], and the stored bytes from
 * their second on.  Nothing is parsed.
 */
void envelope_stale(
    struct buf *, const char *stored, size_t len, const struct attempts *);

/*
 * Out of the head of our own envelope, without parsing it: how many records it
 * has, and whether rows are missing.  0 where bytes do not look like one.
 */
int envelope_peek(const char *bytes, int64_t *count, int *partial);

/* Likewise: were gaps to be filled? */
int envelope_is_filled(const char *bytes);

/* Likewise: is it of that source? */
int envelope_is_of(const char *bytes, const char *source);

/* What is read back of a stored envelope. */
struct envelope_head {
	struct dataset dataset;
	char source[32];
	char origin[256]; /* "" where there is none */
	char members[64];
	int is_filled;
	struct filled filled;
	int64_t fetched_ms;
	int64_t fresh_ms;
	int64_t total;
	int partial;
	int success;
};

/*
 * Read an envelope back, a stale one too.  What table (initialised) held is
 * given back first; NULL: only the head is wanted, and the records are not
 * looked at, which costs the same for any size.  RC_PARSE: it is not ours;
 * data must be the last member.
 */
enum rc envelope_read(const char *bytes, size_t len, struct envelope_head *,
    struct table *, struct err *);

#endif
