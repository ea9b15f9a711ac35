/*
 * The only file that reads a clock.  Pure code takes "now" as an argument;
 * impure code asks here once a step, not once a run.
 *
 * What processes share (leases, limits, freshness) is timed by Redis TIME
 * instead, see store/redis.h.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Milliseconds of a clock that never jumps; for waits and deadlines. */
int64_t clock_mono_ms(void);

/* Microseconds since the epoch. */
int64_t clock_wall_us(void);

/*
 * Milliseconds since the epoch, or SOURCE_DATE_EPOCH (seconds) where that is
 * set, so that the output of fetch -f compares.
 */
int64_t clock_stamp_ms(void);

/* "2026-11-23T13:00:12Z"; needs 21 bytes. */
void clock_utc(int64_t ms, char *buf, size_t size);

/* "2026-11-23T08:00:12": local time without zone; needs 20 bytes. */
void clock_local(int64_t ms, char *buf, size_t size);

/* Sleep, or until a signal comes. */
void clock_sleep_ms(int64_t ms);

#endif
