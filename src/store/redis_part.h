/*
 * What the files of the connection share, and nobody else.
 */
#ifndef STORE_REDIS_PART_H
#define STORE_REDIS_PART_H

#include <sys/time.h>

#include "store/redis.h"
#include "store/redis_address.h"

struct redis {
	struct redis_address address;
	const char *setting; /* that says the password, for messages */
	unsigned how;        /* enum redis_how */
	char name[LIMIT_SETTING + 32];
	struct timeval timeout;
	redisContext *c;  /* NULL: not connected */
	size_t pending;   /* commands added and not yet fetched */
	size_t told;      /* commands whose answers are dropped */
	int64_t used_ms;  /* when an answer came last */
	int64_t again_ms; /* it hangs: not to be asked before; 0: it does not */
	int greeting;     /* its answers are to be read before any other */
	char eviction[32]; /* maxmemory-policy; "": not asked, or not told */
};

/* Close the connection; what is pending is forgotten. */
void redis_drop(struct redis *);

/* An answer came. */
void redis_answers(struct redis *);

/* The connection failed, as r->c says; it is dropped. */
enum rc redis_lost(struct redis *, struct err *);

/* An error reply as a code; what (may be NULL) was asked. */
enum rc redis_refused(
    const struct redis *, const redisReply *, const char *what, struct err *);

/* What a new connection begins with, all in one write: password, database, is
 * somebody there, how it evicts.  In two halves: ask, and read. */
enum rc redis_greet_ask(struct redis *, struct err *);
enum rc redis_greet_read(struct redis *, struct err *);

#endif
