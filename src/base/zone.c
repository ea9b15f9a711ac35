#include <stdio.h>

#include "base/zone.h"

#define DAY      INT64_C(86400)
#define HOUR     INT64_C(3600)
#define STANDARD (-5 * HOUR)
#define DAYLIGHT (-4 * HOUR)

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
int64_t
zone_days(int year, int month, int day)
{
	int64_t y = year - (month <= 2), era = floor_div(y, 400);
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

void
zone_date(int64_t days, int *year, int *month, int *day)
{
	int64_t z = days + 719468, era = floor_div(z, 146097);
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*day = (int)(doy - (153 * mp + 2) / 5 + 1);
	*month = (int)(mp < 10 ? mp + 3 : mp - 9);
	*year = (int)(yoe + era * 400 + (*month <= 2));
}

/* The first Sunday from a date on; day 3 was one. */
static int64_t
sunday(int year, int month, int day)
{
	int64_t d = zone_days(year, month, day);

	return 3 + (floor_div(d - 4, 7) + 1) * 7;
}

static int
year_of(int64_t s)
{
	int year, month, day;

	zone_date(floor_div(s, DAY), &year, &month, &day);
	return year;
}

/* Daylight saving time of a year: from 2:00 standard time of the second
 * Sunday of March to 2:00 daylight time of the first of November. */
static void
summer(int year, int64_t *begin, int64_t *end)
{
	*begin = sunday(year, 3, 8) * DAY + 2 * HOUR - STANDARD;
	*end = sunday(year, 11, 1) * DAY + 2 * HOUR - DAYLIGHT;
}

int64_t
zone_offset(enum zone zone, int64_t s)
{
	int64_t begin, end;

	if (zone == ZONE_UTC)
		return 0;
	summer(year_of(s), &begin, &end);
	return s >= begin && s < end ? DAYLIGHT : STANDARD;
}

int64_t
zone_day(enum zone zone, int64_t s)
{
	return floor_div(s + zone_offset(zone, s), DAY);
}

int64_t
zone_midnight(enum zone zone, int64_t s)
{
	int64_t local = (zone_day(zone, s) + 1) * DAY;

	/* No change is near midnight: which offset finds it does not matter. */
	return local - zone_offset(zone, local - zone_offset(zone, s));
}

void
zone_text(enum zone zone, int64_t s, char out[ZONE_TEXT])
{
	int64_t begin, end;
	size_t n;

	if (zone == ZONE_UTC) {
		snprintf(out, ZONE_TEXT, "0:0");
		return;
	}
	n = (size_t)snprintf(out, ZONE_TEXT, "0:%lld", (long long)STANDARD);
	for (int y = year_of(s) - 1; y <= year_of(s) + 1; y++) {
		summer(y, &begin, &end);
		n += (size_t)snprintf(out + n, ZONE_TEXT - n,
		    " %lld:%lld %lld:%lld", (long long)begin,
		    (long long)DAYLIGHT, (long long)end, (long long)STANDARD);
	}
}
