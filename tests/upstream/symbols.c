#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "yahoo.h"

enum { DAY = 86400, HOUR = 3600 };

/* Append the company of one symbol, if there is one and it is new. */
static size_t
take(const struct market *m, const char *symbol, size_t len,
    const struct company **list, size_t n)
{
	const struct company *c;
	char name[16];
	size_t i;

	if (len >= sizeof(name))
		return n;
	memcpy(name, symbol, len);
	name[len] = '\0';
	c = market_find(m, name);
	for (i = 0; i < n; i++)
		if (list[i] == c)
			return n;
	if (c != NULL)
		list[n++] = c;
	return n;
}

const struct company **
yahoo_symbols(
    const struct market *m, const char *list, size_t *n, size_t *asked)
{
	const struct company **found;
	const char *s;
	size_t len;

	*asked = *list != '\0';
	for (s = list; *s != '\0'; s++)
		*asked += *s == ',';
	found = mem_new((*asked + 1) * sizeof(const struct company *));
	for (s = list, *n = 0; *s != '\0'; s += len + (s[len] == ',')) {
		len = strcspn(s, ",");
		*n = take(m, s, len, found, *n);
	}
	return found;
}

const char *
yahoo_exchange(const struct company *c, int full)
{
	if (strcmp(c->raw[AT_EXCHANGE], "NASD") == 0)
		return full ? "NasdaqGS" : "NMS";
	if (strcmp(c->raw[AT_EXCHANGE], "NYSE") == 0)
		return full ? "NYSE" : "NYQ";
	return "YHD";
}

/* Days since 1970; Howard Hinnant's days_from_civil. */
static long long
civil(int y, int m, int d)
{
	int era, doe;

	y -= m <= 2;
	era = y / 400;
	doe = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	y -= era * 400;
	doe += y * 365 + y / 4 - y / 100;
	return era * 146097LL + doe - 719468;
}

int
yahoo_first_trade(const struct company *c, long long *t)
{
	int y, m, d;

	/* M/D/YYYY, from our own file */
	if (sscanf(c->raw[AT_70], "%2d/%2d/%4d", &m, &d, &y) != 3)
		return 0;
	*t = yahoo_opening(civil(y, m, d));
	return 1;
}

/* From the second Sunday of March to before the first Sunday of November. */
int
yahoo_summer(long long day)
{
	int y = 1970 + (int)((double)day / 365.2425);
	long long march = civil(y, 3, 8), november = civil(y, 11, 1);

	/* Day 0 was a Thursday; Sunday is 3 days on. */
	march += (10 - march % 7) % 7;
	november += (10 - november % 7) % 7;
	return day >= march && day < november;
}

long long
yahoo_opening(long long day)
{
	return day * DAY + (yahoo_summer(day) ? 13LL : 14LL) * HOUR + HOUR / 2;
}

long long
yahoo_closing(long long day)
{
	return day * DAY + (yahoo_summer(day) ? 20LL : 21LL) * HOUR;
}
