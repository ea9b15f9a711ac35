#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scheduler_slots.h"

#define NOW  INT64_C(1763985600) /* 2025-11-24T12:00:00Z, a Monday of W48 */
#define HOUR INT64_C(3600)
#define DAY  (24 * HOUR)

static int64_t
utc(int64_t at)
{
	(void)at;
	return 0;
}

static int64_t
kiritimati(int64_t at)
{
	(void)at;
	return 14 * HOUR;
}

/* What is due later than now is in the future, if it was accepted later than
 * now, or if nobody on earth could have accepted it yet. */
static void
a_slot_in_the_future_is_told_from_one_of_another_zone(void **state)
{
	static const struct {
		const char *name;
		enum scheduler_job job;
		int64_t accepted; /* seconds from now */
		int future;
	} cases[] = {
		{ "daily:2025-11-24", JOB_DAILY, -HOUR, 0 },
		{ "daily:2025-11-24", JOB_DAILY, DAY, 0 },   /* due today */
		{ "daily:2025-11-25", JOB_DAILY, -HOUR, 0 }, /* in Auckland */
		{ "daily:2025-11-25", JOB_DAILY, 119, 0 },
		{ "daily:2025-11-25", JOB_DAILY, 121, 1 },
		{ "daily:2025-11-26", JOB_DAILY, -HOUR, 1 },
		{ "daily:2099-01-01", JOB_DAILY, -HOUR, 1 },
		{ "warm:2025-11-24", JOB_WARM, DAY, 0 },
		{ "warm:2025-11-27", JOB_WARM, -HOUR, 1 },
		{ "weekly:2025-W47", JOB_WEEKLY, DAY, 0 },
		{ "weekly:2025-W48", JOB_WEEKLY, -HOUR, 1 },
		{ "hourly:2025-11-24T12Z", JOB_HOURLY, HOUR, 0 },
		{ "hourly:2025-11-24T13Z", JOB_HOURLY, -60, 0 },
		{ "hourly:2025-11-24T13Z", JOB_HOURLY, HOUR, 1 },
		{ "hourly:2025-11-24T14Z", JOB_HOURLY, -60, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scheduler_slot slot = { .job = cases[i].job,
			.accepted_us = (NOW + cases[i].accepted) * 1000000 };

		memcpy(slot.name, cases[i].name, strlen(cases[i].name) + 1);
		if (scheduler_is_future(&slot, NOW * 1000000, utc) !=
		    cases[i].future)
			fail_msg("%s, accepted %lld s from now", cases[i].name,
			    (long long)cases[i].accepted);
	}
}

static void
what_is_due_here_is_not_in_the_future(void **state)
{
	struct scheduler_slot slot = { .name = "daily:2025-11-25",
		.accepted_us = (NOW + DAY) * 1000000,
		.job = JOB_DAILY };

	(void)state;
	assert_int_equal(scheduler_is_future(&slot, NOW * 1000000, utc), 1);
	assert_int_equal(
	    scheduler_is_future(&slot, NOW * 1000000, kiritimati), 0);
}

/* Of each job the newest one counts. */
static void
the_newest_of_each_job_is_named(void **state)
{
	static struct scheduler_slots slots = { .n = 4,
		.list = { { .name = "daily:2025-11-24", .job = JOB_DAILY },
		    { .name = "weekly:2098-W01", .job = JOB_WEEKLY },
		    { .name = "weekly:2099-W01", .job = JOB_WEEKLY },
		    { .name = "weekly:2025-W40", .job = JOB_WEEKLY } } };
	char names[JOB__MAX][SCHEDULER_SLOT];

	(void)state;
	scheduler_future(&slots, NOW * 1000000, utc, names);
	assert_string_equal(names[JOB_DAILY], "");
	assert_string_equal(names[JOB_HOURLY], "");
	assert_string_equal(names[JOB_WARM], "");
	assert_string_equal(names[JOB_WEEKLY], "weekly:2099-W01");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_slot_in_the_future_is_told_from_one_of_another_zone),
		cmocka_unit_test(what_is_due_here_is_not_in_the_future),
		cmocka_unit_test(the_newest_of_each_job_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
