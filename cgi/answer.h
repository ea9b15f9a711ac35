/*
 * An answer, whole before its first byte is sent: so a late failure is still a
 * true status.  It goes out as CGI does (Status: and header lines, an empty
 * line, the body).
 */
#ifndef CGI_ANSWER_H
#define CGI_ANSWER_H

#include "base/buf.h"
#include "base/rc.h"
#include "request.h"
#include "store/cache.h"

struct answer {
	const char *type;  /* of the body */
	const char *cache; /* Cache-Control of a 200 or 304 */
	struct buf head;   /* further header lines */
	struct buf body;
	const char *bytes; /* follow the body: borrowed of served */
	size_t len;
	struct cache_served served;
	struct buf extra; /* further members of a problem, each with its comma
			     before it */
};

void answer_init(struct answer *);
void answer_fini(struct answer *);
/* Forget all, keep the memory. */
void answer_clear(struct answer *);

/* It is sent: give back what the next answer will hardly need. */
void answer_release(struct answer *);

/* A header line; the value holds no line end. */
void answer_header(struct answer *, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* RFC 9457: the body becomes a problem with the message of e. */
void answer_problem(
    struct answer *, const struct request *, int status, const struct err *e);

/* Status line, header lines and the empty line.  RC_NOMEM. */
enum rc answer_head(const struct answer *, const struct request *, int status,
    struct buf *out, struct err *e);

/* "Not Found" */
const char *answer_phrase(int status);

#endif
