/*
 * The single flight in a real Redis.
 */
#include "store/flight.h"
#include "store_fixture.h"

#define FLIGHT "stocknity:flight:{S&P_500}"

static void
one_holds_and_others_wait(void **state)
{
	struct fixture *f = *state;
	struct flight a, b;

	assert_int_equal(flight_take(f->r, "S&P_500", "", &a, NULL), RC_OK);
	assert_true(a.fence_us > 0 && a.fence_us <= redis_now(f));
	assert_int_equal(flight_take(f->r, "S&P_500", "", &b, NULL), RC_BUSY);
	assert_int_equal(b.fence_us, 0);
	assert_in_range(b.wait_ms, FLIGHT_LEASE_MS - 5000, FLIGHT_LEASE_MS);
	assert_int_equal(flight_take(f->r, "DJIA", "", &b, NULL), RC_OK);
	flight_release(f->r, &b);
	flight_release(f->r, &a);
	assert_int_equal(a.fence_us, 0);
	assert_int_equal(flight_take(f->r, "S&P_500", "", &b, NULL), RC_OK);
	assert_in_range(ctl(f, "PTTL " FLIGHT), 86400000 - 5000, 86400000);
}

static void
fences_grow_even_if_the_clock_does_not(void **state)
{
	struct fixture *f = *state;
	int64_t far = redis_now(f) + 3600 * SECOND;
	struct flight a;

	assert_int_equal(flight_take(f->r, "S&P_500", "", &a, NULL), RC_OK);
	flight_release(f->r, &a);
	ctl(f, "HSET " FLIGHT " fence %lld", (long long)far);
	assert_int_equal(flight_take(f->r, "S&P_500", "", &a, NULL), RC_OK);
	assert_int_equal(a.fence_us, far + 1);
	/* a lease that the clock left far behind binds nobody */
	ctl(f, "HSET " FLIGHT " lease_until_us %lld", (long long)far);
	assert_int_equal(flight_take(f->r, "S&P_500", "", &a, NULL), RC_OK);
	assert_int_equal(a.fence_us, far + 2);
}

static void
a_dead_holder_is_followed_when_its_lease_ran_out(void **state)
{
	struct fixture *f = *state;
	struct flight dead, next, third;

	assert_int_equal(flight_take(f->r, "S&P_500", "", &dead, NULL), RC_OK);
	ctl(f, "HSET " FLIGHT " lease_until_us 1");
	/* nobody came yet: it may still go on */
	assert_int_equal(flight_renew(f->r, &dead, NULL), RC_OK);
	assert_int_equal(
	    flight_take(f->r, "S&P_500", "", &third, NULL), RC_BUSY);
	ctl(f, "HSET " FLIGHT " lease_until_us 1");
	assert_int_equal(flight_take(f->r, "S&P_500", "", &next, NULL), RC_OK);
	assert_true(next.fence_us > dead.fence_us);
	assert_int_equal(flight_renew(f->r, &dead, NULL), RC_BUSY);
	flight_release(f->r, &dead); /* not its own any more */
	assert_int_equal(
	    flight_take(f->r, "S&P_500", "", &third, NULL), RC_BUSY);
	assert_int_equal(flight_renew(f->r, &next, NULL), RC_OK);
}

static void
a_renewed_lease_is_a_whole_one(void **state)
{
	struct fixture *f = *state;
	struct flight a, b;

	flight_take(f->r, "S&P_500", "", &a, NULL);
	ctl(f, "HINCRBY " FLIGHT " lease_until_us -50000000");
	assert_int_equal(flight_take(f->r, "S&P_500", "", &b, NULL), RC_BUSY);
	assert_true(b.wait_ms <= 10000);
	assert_int_equal(flight_renew(f->r, &a, NULL), RC_OK);
	assert_int_equal(flight_take(f->r, "S&P_500", "", &b, NULL), RC_BUSY);
	assert_true(b.wait_ms > 50000);
}

static void
a_second_sector_within_a_minute_is_widened(void **state)
{
	static const struct {
		const char *first, *second;
		int64_t later; /* seconds */
		int widen;
	} cases[] = {
		{ "Energy", "Technology", 1, 1 },
		{ "Energy", "Technology", 55, 1 },
		{ "Energy", "Technology", 61, 0 },
		{ "Energy", "Energy", 1, 0 },
		{ "Energy", "Any", 1, 0 },
		{ "Any", "Energy", 1, 0 },
		{ "", "Energy", 1, 0 },
		{ "Energy", "", 1, 0 },
	};
	struct fixture *f = *state;
	struct flight a, b;
	char sector[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ctl(f, "FLUSHALL");
		assert_int_equal(
		    flight_take(f->r, "S&P_500", cases[i].first, &a, NULL),
		    RC_OK);
		assert_int_equal(a.widen, 0);
		flight_release(f->r, &a);
		ctl(f, "HINCRBY " FLIGHT " began_us %lld",
		    ll(-cases[i].later * SECOND));
		assert_int_equal(
		    flight_take(f->r, "S&P_500", cases[i].second, &b, NULL),
		    RC_OK);
		assert_int_equal(b.widen, cases[i].widen);
		ctl_text(f, sector, "HGET " FLIGHT " sector");
		assert_string_equal(
		    sector, cases[i].widen ? "Any" : cases[i].second);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_REDIS(one_holds_and_others_wait),
		WITH_REDIS(fences_grow_even_if_the_clock_does_not),
		WITH_REDIS(a_dead_holder_is_followed_when_its_lease_ran_out),
		WITH_REDIS(a_renewed_lease_is_a_whole_one),
		WITH_REDIS(a_second_sector_within_a_minute_is_widened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
