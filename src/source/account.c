#include <stddef.h>
#include <string.h>

#include "source/account.h"

#define MOST_AT_ONCE 3

/* Settings that a source cannot do without; the first that is empty is told. */
static const struct need {
	const char *source;
	size_t offset;
	const char *why;
} needs[] = {
	{ "alphavantage", offsetof(struct config, alphavantage_key),
	    "no key: ALPHAVANTAGE_KEY is not set" },
	{ "polygon", offsetof(struct config, polygon_key),
	    "no key: POLYGON_KEY is not set" },
	{ "iex", offsetof(struct config, iex_url),
	    "IEX Cloud ended on 2024-08-31: it is off unless IEX_URL names a "
	    "server that speaks as it did" },
	{ "iex", offsetof(struct config, iex_token),
	    "no key: IEX_TOKEN is not set" },
};

static const struct key {
	const char *source;
	size_t offset;
} keys[] = {
	{ "finviz", offsetof(struct config, finviz_auth) },
	{ "alphavantage", offsetof(struct config, alphavantage_key) },
	{ "polygon", offsetof(struct config, polygon_key) },
	{ "iex", offsetof(struct config, iex_token) },
};

/* Settings that are calls a second. */
static const struct rate {
	const char *source;
	size_t offset;
} rates[] = {
	{ "finviz", offsetof(struct config, rate_limit) },
	{ "yahoo", offsetof(struct config, yahoo_rate_limit) },
	{ "alphavantage", offsetof(struct config, alphavantage_rate_limit) },
	{ "iex", offsetof(struct config, iex_rate_limit) },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const char *
account_lacks(const struct config *c, const char *source)
{
	for (size_t i = 0; i < COUNT(needs); i++)
		if (strcmp(needs[i].source, source) == 0 &&
		    *((const char *)c + needs[i].offset) == '\0')
			return needs[i].why;
	return NULL;
}

void
account_hide(const struct config *c, const char *source, char *text)
{
	const char *key = "";
	size_t n;

	for (size_t i = 0; i < COUNT(keys); i++)
		if (strcmp(keys[i].source, source) == 0)
			key = (const char *)c + keys[i].offset;
	n = strlen(key);
	while (n > 0 && (text = strstr(text, key)) != NULL) {
		memset(text, '*', n);
		text += n;
	}
}

/*
 * A bucket of b calls that gets r a second back lets b + 60 r pass in a
 * minute: b of the quota at once, the rest over the minute.
 */
int
account_minute_burst(const struct config *c)
{
	int64_t half = (c->polygon_minute_quota + 1) / 2;

	return half < MOST_AT_ONCE ? (int)half : MOST_AT_ONCE;
}

static double
minute_rate(const struct config *c)
{
	int64_t rest = c->polygon_minute_quota - account_minute_burst(c);

	return (double)(rest > 0 ? rest : 1) / 60;
}

double
account_rate(const struct config *c, const char *source)
{
	double rate = 0;

	if (strcmp(source, "polygon") == 0)
		return minute_rate(c);
	for (size_t i = 0; i < COUNT(rates); i++)
		if (strcmp(rates[i].source, source) == 0)
			memcpy(&rate, (const char *)c + rates[i].offset,
			    sizeof(rate));
	return rate;
}

int
account_minute_quota(const struct config *c, const char *source)
{
	return strcmp(source, "polygon") == 0 ? (int)c->polygon_minute_quota
					      : 0;
}

int
account_day_quota(const struct config *c, const char *source, enum zone *zone)
{
	if (strcmp(source, "alphavantage") != 0)
		return 0;
	/* Alpha Vantage does not say when its day ends; every time that it
	 * states is US/Eastern. */
	if (zone != NULL)
		*zone = ZONE_NEW_YORK;
	return (int)c->alphavantage_day_quota;
}
