/*
 * What the tests of the guard share.  What would take minutes is done by
 * turning the recorded times back.
 */
#ifndef TESTS_GUARD_FIXTURE_H
#define TESTS_GUARD_FIXTURE_H

#include "store/guard.h"
#include "store_fixture.h"

#define HASH   "stocknity:guard:{finviz}"
#define GRANTS HASH ":grants"
#define LONG   600000 /* ms that a test is ready to wait */

static const struct policy fast = {
	.rate = 1000, .burst = 1, .connections = 2
};
static const struct policy slow = { .rate = 1, .burst = 1, .connections = 2 };

static inline struct guard *
open_guard(struct fixture *f)
{
	struct guard *g = NULL;

	assert_int_equal(guard_open(&g, &f->config, f->r, NULL), RC_OK);
	return g;
}

/* One take; the grant is new where g is NULL. */
static inline enum rc
take(struct guard *guard, const struct policy *p, int64_t max_wait,
    struct grant *g, int64_t *wait)
{
	struct grant fresh = { 0 };
	int64_t dummy;

	return guard_take(guard, "finviz", p, max_wait, g ? g : &fresh,
	    wait ? wait : &dummy, NULL);
}

/* Take until GO. */
static inline struct grant
go(struct guard *guard)
{
	struct grant g = { 0 };

	for (int i = 0; i < 1000; i++) {
		assert_int_equal(take(guard, &fast, LONG, &g, NULL), RC_OK);
		if (g.wait_ms == 0)
			return g;
	}
	fail_msg("no GO");
	return g;
}

static inline int64_t
report(struct guard *guard, const struct grant *g, enum rc what, int64_t after)
{
	int64_t hold = -1;

	assert_int_equal(
	    guard_report(guard, "finviz", g, what, after, &hold, NULL), RC_OK);
	return hold;
}

static inline void
call(struct guard *guard, enum rc what)
{
	struct grant g = go(guard);

	report(guard, &g, what, -1);
}

/* Let s seconds pass for the state: its times are turned back. */
static inline void
pass(struct fixture *f, int64_t s)
{
	static const char *const names[] = { "tat_us", "hold_until_us",
		"open_until_us", "probe_until_us" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (ctl(f, "HGET " HASH " %s", names[i]) > s * SECOND)
			ctl(f, "HINCRBY " HASH " %s %lld", names[i],
			    ll(-s * SECOND));
}

/* Roughly, but never more: some time passes in the test itself. */
static inline void
assert_about(int64_t ms, int64_t want)
{
	if (ms > want || ms < want - 900)
		fail_msg(
		    "%lld ms, not about %lld", (long long)ms, (long long)want);
}

#endif
