#ifndef UPSTREAM_FAULTS_H
#define UPSTREAM_FAULTS_H

#include <stddef.h>
#include <stdint.h>

struct text;

/*
 * Faults on demand.  The grammar of rules stands in faults.c; `market -h`
 * prints it.
 */

enum fault_kind {
	FAULT_NONE,
	/* another answer */
	FAULT_STATUS, /* kind=429, 403, 500, 999 ... */
	FAULT_BUSY,
	FAULT_CHALLENGE,
	FAULT_REDIRECT,
	FAULT_LOOP,
	FAULT_CONSENT,
	FAULT_HTML,
	FAULT_CRUMB,
	FAULT_TOKEN,
	/* another connection */
	FAULT_RESET,
	FAULT_SILENCE,
	FAULT_STALL,
	FAULT_SLOW,
	FAULT_SHORT,
	FAULT_ENDLESS,
	/* another encoding */
	FAULT_BOMB,
	FAULT_BADGZIP,
	FAULT_LATIN1,
	/* another page */
	FAULT_CUT,
	FAULT_LAYOUT,
	FAULT_RENAME,
	FAULT_REORDER,
	FAULT_REFUSE,
	FAULT_WIDE,
	FAULT_SHRINK,
	FAULT_COUNT,
	FAULT_TWICE,
	FAULT_MISSING,
	FAULT_CONTROL,
	FAULT_FIGURE,
	/* another word of a source behind a key */
	FAULT_QUOTA,
	FAULT_BURST,
	FAULT_PREMIUM,
	FAULT_DELISTED,
	FAULT_HOLIDAY
};

/* The fault that one call meets. */
struct fault {
	enum fault_kind kind;
	char name[16];        /* the word of the rule; "" for none */
	int status;           /* of FAULT_STATUS */
	long n;               /* see the grammar */
	int column;           /* column id, -1 for none given */
	char to[128];         /* replacement or target, "" for none given */
	char retry_after[64]; /* "" for none */
};

struct faults;

struct faults *faults_new(uint64_t seed);
void faults_free(struct faults *);

/*
 * Add the rules in s, all of them or, when one is malformed, none: then -1 is
 * returned, and why says which line and what.
 */
int faults_add(struct faults *, const char *s, char *why, size_t size);
void faults_clear(struct faults *);

/* Which fault, if any, this call meets; counts the call for each rule. */
void faults_pick(
    struct faults *, const char *path, const char *query, struct fault *);

/* The rules and how often each was seen and fired, as a JSON array. */
void faults_json(struct faults *, struct text *);

/* Add the grammar and the kinds, for people. */
void faults_help(struct text *);

#endif
