/*
 * The days of the sources: where a quota is a day's, the day is that of the
 * source's own zone, with its daylight saving time.  Pure: the time is an
 * argument.  New York's rules are those of 2007, which still hold.
 */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H

#include <stddef.h>
#include <stdint.h>

enum zone { ZONE_UTC, ZONE_NEW_YORK };

/* Seconds east of UTC at s, seconds since the epoch. */
int64_t zone_offset(enum zone, int64_t s);

/* The local date at s, in days since 1970. */
int64_t zone_day(enum zone, int64_t s);

/* When the next local day begins, in seconds since the epoch. */
int64_t zone_midnight(enum zone, int64_t s);

#define ZONE_TEXT 256

/*
 * The offsets of last year, this and the next as "since:offset since:offset …"
 * in seconds, for who looks at another clock than ours (store/lua).
 */
void zone_text(enum zone, int64_t s, char out[ZONE_TEXT]);

/* Days since 1970 of a date of the Gregorian calendar, and back. */
int64_t zone_days(int year, int month, int day);
void zone_date(int64_t days, int *year, int *month, int *day);

#endif
