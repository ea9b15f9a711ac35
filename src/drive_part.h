/*
 * What the parts of drive share: drive.c asks, drive_answer.c takes what comes
 * and decides what becomes of a page that failed.  Nobody else includes this.
 */
#ifndef DRIVE_PART_H
#define DRIVE_PART_H

#include "drive.h"
#include "store/flight.h"

#define DRIVE_SLOTS 8 /* requests of one conversation in flight at most */

enum slot_state {
	SLOT_FREE,
	SLOT_TAKE,   /* has a request, needs a grant */
	SLOT_SLEEP,  /* has a grant that is due at wake_ms */
	SLOT_FLIGHT, /* is on its way */
};

struct slot {
	struct drive *drive;
	enum slot_state state;
	struct http_request request;
	struct grant grant;
	int64_t wake_ms;
	unsigned id; /* of http */
	int tries;
	int limited;
	int hops;  /* redirects that its page has led through */
	int again; /* a call more than the source counted on */
};

struct drive {
	const struct drive_env *env;
	const struct source *source;
	struct conversation *talk;
	struct policy policy;
	int64_t deadline_ms;
	struct slot slots[DRIVE_SLOTS];
	int nslots;
	int pages;
	int64_t wait_ms;
	int begun;            /* a call was made */
	int64_t booking;      /* our calls of the source's day; 0: none */
	int64_t session_ms;   /* look for a session again then; 0: need none */
	struct flight making; /* of our making a session */
	struct err last;   /* what the last answer lacked; rc RC_OK: nothing */
	int64_t hold_ms;   /* its source is to be left alone after it */
	struct err failed; /* rc RC_OK: not failed */
};

/* For http_start; arg is the slot. */
void drive_answered(void *arg, const struct http_response *);

/* The source has failed, for the first reason of all. */
void drive_fail(struct drive *, const struct err *why, int64_t wait_ms);

#endif
