#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/config.h"

enum kind {
	TEXT,
	SECRET,
	WHOLE,
	REAL,
	URL,
	CHOICE,
	LIST,
	TIME_OF_DAY,
	TIME_OR_OFF
};

struct setting {
	const char *name;
	enum kind kind;
	size_t offset;
	size_t size;     /* of a text */
	double min, max; /* of a number */
	const char *deflt;
	const char *what; /* for the manual */
};

#define AT(member)                                                             \
	offsetof(struct config, member), sizeof(((struct config *)0)->member)

static const struct setting settings[] = {
	{ "REDIS_URL", SECRET, AT(redis_url), 0, 0, "",
	    "`redis://[[user]:password@]host[:port][/db]` or "
	    "`unix:///path[?db=N]`; goes before the five below" },
	{ "REDIS_HOST", TEXT, AT(redis_host), 0, 0, "localhost",
	    "host of Redis, or the path of its unix socket" },
	{ "REDIS_PORT", WHOLE, AT(redis_port), 1, 65535, "6379", "its port" },
	{ "REDIS_DB", WHOLE, AT(redis_db), 0, 15, "0", "its database" },
	{ "REDIS_USERNAME", TEXT, AT(redis_username), 0, 0, "",
	    "user of Redis 6 access lists" },
	{ "REDIS_PASSWORD", SECRET, AT(redis_password), 0, 0, "",
	    "its password" },
	{ "REDIS_TIMEOUT", WHOLE, AT(redis_timeout), 1, 60, "5",
	    "seconds to connect to Redis, and for each of its answers" },
	{ "CACHE_TTL", WHOLE, AT(cache_ttl), 1, 604800, "3600",
	    "seconds that a dataset is fresh" },
	{ "ANNUAL_RETURNS_TTL", WHOLE, AT(annual_returns_ttl), 1, 2592000,
	    "86400", "seconds the annual returns of an index are fresh" },
	{ "STALE_TTL", WHOLE, AT(stale_ttl), 0, 31536000, "604800",
	    "seconds that it is kept as stale after that" },
	{ "EARLY_REFRESH", REAL, AT(early_refresh), 0, 100, "1",
	    "how early the API has a dataset fetched that is fresh still: "
	    "β of XFetch; 0: not before it is stale" },
	{ "SCHEDULER_DAILY_REFRESH", TIME_OF_DAY, AT(scheduler_daily_refresh),
	    0, 0, "08:00", "when `schedule run daily` is due, local time" },
	{ "SCHEDULER_HOURLY_CHECK", TIME_OF_DAY, AT(scheduler_hourly_check), 0,
	    0, "00:00", "the same of `hourly`: only its minutes count" },
	{ "SCHEDULER_WEEKLY_CLEANUP", TIME_OF_DAY, AT(scheduler_weekly_cleanup),
	    0, 0, "02:00", "the same of `weekly`, on Sunday" },
	{ "SCHEDULER_WARM", TIME_OR_OFF, AT(scheduler_warm), 0, 0, "09:00",
	    "the same of `warm`, Monday to Friday; empty: never" },
	{ "SCHEDULER_INDEXES", LIST, AT(scheduler_indexes), 0, 0,
	    "DJIA,S&P 500", "the indexes that are kept fresh" },
	{ "API_TOKEN", SECRET, AT(api_token), 0, 0, "",
	    "what writing to the API takes (`Authorization: Bearer …`); "
	    "without it only callers on this machine may write" },
	{ "SOURCES", LIST, AT(sources), 0, 0, "finviz,yahoo",
	    "the sources, in the order in which they are tried" },
	{ "FILL_FIELDS", TEXT, AT(fill_fields), 0, 0, "",
	    "fields, with commas, or `all`: where the source that answers has "
	    "no figure of a company, the other sources are asked for it; "
	    "empty: they are not" },
	{ "FINVIZ_URL", URL, AT(finviz_url), 0, 0, "https://finviz.com",
	    "where Finviz is" },
	{ "FINVIZ_AUTH", SECRET, AT(finviz_auth), 0, 0, "",
	    "token of Finviz Elite: its export is asked for instead of "
	    "pages" },
	{ "RATE_LIMIT", REAL, AT(rate_limit), 0.01, 1000, "2",
	    "calls a second to Finviz, by all processes together" },
	{ "YAHOO_URL", URL, AT(yahoo_url), 0, 0,
	    "https://query1.finance.yahoo.com", "where Yahoo Finance is" },
	{ "YAHOO_COOKIE_URL", URL, AT(yahoo_cookie_url), 0, 0,
	    "https://fc.yahoo.com/", "where Yahoo gives its cookie" },
	{ "YAHOO_RATE_LIMIT", REAL, AT(yahoo_rate_limit), 0.01, 1000, "1",
	    "calls a second to Yahoo, by all processes together" },
	{ "ALPHAVANTAGE_KEY", SECRET, AT(alphavantage_key), 0, 0, "",
	    "key of Alpha Vantage; without it the source is passed over" },
	{ "ALPHAVANTAGE_URL", URL, AT(alphavantage_url), 0, 0,
	    "https://www.alphavantage.co", "where Alpha Vantage is" },
	{ "ALPHAVANTAGE_RATE_LIMIT", REAL, AT(alphavantage_rate_limit), 0.01,
	    1000, "1", "calls a second to it" },
	{ "ALPHAVANTAGE_DAY_QUOTA", WHOLE, AT(alphavantage_day_quota), 0,
	    1000000, "25",
	    "calls a day to it, New York's; 0: as many as one likes" },
	{ "POLYGON_KEY", SECRET, AT(polygon_key), 0, 0, "",
	    "key of Polygon (Massive); without it the source is passed over" },
	{ "POLYGON_URL", URL, AT(polygon_url), 0, 0, "https://api.massive.com",
	    "where Polygon is; `https://api.polygon.io` is its former "
	    "address" },
	{ "POLYGON_MINUTE_QUOTA", WHOLE, AT(polygon_minute_quota), 1, 100000,
	    "5", "calls a minute to it" },
	{ "IEX_URL", URL, AT(iex_url), 0, 0, "",
	    "a server that speaks as IEX Cloud did until 2024-08-31; without "
	    "it the source is passed over" },
	{ "IEX_TOKEN", SECRET, AT(iex_token), 0, 0, "", "its token" },
	{ "IEX_RATE_LIMIT", REAL, AT(iex_rate_limit), 0.01, 1000, "5",
	    "calls a second to it" },
	{ "REQUEST_TIMEOUT", WHOLE, AT(request_timeout), 1, 600, "30",
	    "seconds for one request" },
	{ "CONNECT_TIMEOUT", WHOLE, AT(connect_timeout), 1, 600, "10",
	    "seconds to connect to a source" },
	{ "STALL_TIMEOUT", WHOLE, AT(stall_timeout), 1, 600, "10",
	    "seconds without a byte until a request is given up" },
	{ "TASK_DEADLINE", WHOLE, AT(task_deadline), 1, 86400, "600",
	    "seconds for all requests of one dataset" },
	{ "MAX_WAIT", WHOLE, AT(max_wait), 0, 3600, "10",
	    "seconds that a fetch waits for its first call; "
	    "more is *try later*" },
	{ "QUEUE_MAX", WHOLE, AT(queue_max), 1, 10000000, "100000",
	    "tasks that may wait; low priority may fill 70 % of it, normal 80, "
	    "high 90, urgent all" },
	{ "TASK_MAX_ATTEMPTS", WHOLE, AT(task_max_attempts), 1, 8, "3",
	    "runs of a task until it has failed" },
	{ "TASK_LEASE", WHOLE, AT(task_lease), 1, 3600, "60",
	    "seconds that a worker may be silent until its task is taken "
	    "back" },
	{ "RETRY_DELAY", WHOLE, AT(retry_delay), 0, 900, "30",
	    "seconds before the first retry, doubling up to 15 minutes" },
	{ "WORKERS", WHOLE, AT(workers), 1, 64, "3",
	    "processes of drain-queue" },
	{ "MAX_WORKERS", WHOLE, AT(max_workers), 1, 64, "8",
	    "processes of `drain-queue --workers auto` at most" },
	{ "USER_AGENT", TEXT, AT(user_agent), 0, 0,
	    "Mozilla/5.0 (compatible; stocknity-data/" VERSION ")",
	    "how we present ourselves to the sources" },
	{ "TLS_CIPHERS", TEXT, AT(tls_ciphers), 0, 0, "",
	    "OpenSSL cipher list for TLS 1.2, where a source asks for it" },
	{ "DATA_DIR", TEXT, AT(data_dir), 0, 0, "",
	    "folder of `members.csv`; default: beside the program" },
	{ "STATE_DIR", TEXT, AT(state_dir), 0, 0, "",
	    "folder of the limiter's file where there is no Redis; default: "
	    "`$XDG_STATE_HOME/stocknity` or `~/.local/state/stocknity`" },
	{ "LOG_LEVEL", CHOICE, AT(log_level), 0, 0, "warn",
	    "how much is logged" },
};

/* What a choice may be, and the members of a list. */
static const struct {
	const char *name, *words;
} choices[] = {
	{ "SCHEDULER_INDEXES", "S&P 500|DJIA|NASDAQ 100|RUSSELL 2000|Any" },
	{ "SOURCES", "finviz|yahoo|alphavantage|polygon|iex" },
	{ "LOG_LEVEL", "error|warn|info|debug" },
};

#define URL_MOST 200 /* characters: with a path behind it, it stays one */

#define SETTINGS (sizeof(settings) / sizeof(settings[0]))

static enum rc
bad_range(const struct setting *s, const char *value, struct err *e)
{
	return err_set(e, RC_CONFIG,
	    "%s is \"%.60s\": not a %s from %.15g "
	    "to %.15g",
	    s->name, value, s->kind == WHOLE ? "whole number" : "number",
	    s->min, s->max);
}

static enum rc
set_number(
    struct config *c, const struct setting *s, const char *value, struct err *e)
{
	void *at = (char *)c + s->offset;
	char *end;
	double d;

	errno = 0;
	d = strtod(value, &end);
	if (end == value || *end != '\0' || errno != 0 ||
	    strspn(value, "0123456789.eE+-") != strlen(value) ||
	    !(d >= s->min && d <= s->max))
		return bad_range(s, value, e);
	if (s->kind == REAL) {
		memcpy(at, &d, sizeof(d));
		return RC_OK;
	}
	if (d != floor(d) || strchr(value, '.') != NULL)
		return bad_range(s, value, e);
	memcpy(at, &(int64_t){ (int64_t)d }, sizeof(int64_t));
	return RC_OK;
}

static const char *
choices_of(const struct setting *s)
{
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)
		if (strcmp(choices[i].name, s->name) == 0)
			return choices[i].words;
	return "";
}

/* The choice that the n bytes of value are, without regard to case; *len its
 * length.  NULL: none. */
static const char *
choice_of(const struct setting *s, const char *value, size_t n, size_t *len)
{
	for (const char *p = choices_of(s); *p != '\0'; p += *len) {
		p += *p == '|';
		*len = strcspn(p, "|");
		if (*len == n && strncasecmp(p, value, n) == 0)
			return p;
	}
	return NULL;
}

static enum rc
not_allowed(const struct setting *s, const char *value, struct err *e)
{
	return err_set(e, RC_CONFIG, "%s is \"%.60s\": not %s %s", s->name,
	    value, s->kind == LIST ? "a list, with commas, of" : "one of",
	    choices_of(s));
}

/* Names of the choices with commas between them, kept in their own spelling
 * and without blanks. */
static enum rc
set_list(
    struct config *c, const struct setting *s, const char *value, struct err *e)
{
	char out[LIMIT_SETTING], *to = out;
	const char *p = value, *name;
	size_t n, len;

	for (;; p += n + 1) {
		const char *word = p + strspn(p, " ");

		n = strcspn(p, ",");
		len = n - (size_t)(word - p);
		while (len > 0 && word[len - 1] == ' ')
			len--;
		name = choice_of(s, word, len, &len);
		if (name == NULL || len + 2 > sizeof(out) - (size_t)(to - out))
			return not_allowed(s, value, e);
		if (to != out)
			*to++ = ',';
		memcpy(to, name, len);
		to += len;
		if (p[n] == '\0')
			break;
	}
	*to = '\0';
	memcpy((char *)c + s->offset, out, (size_t)(to - out) + 1);
	return RC_OK;
}

/* http or https, a host, no user and no blanks: what it names is shown. */
static int
is_url(const char *value)
{
	const char *host = strstr(value, "://");
	size_t n;

	if (strncmp(value, "http://", 7) != 0 &&
	    strncmp(value, "https://", 8) != 0)
		return 0;
	host += 3;
	n = strcspn(host, "/?#");
	return n > 0 && *host != ':' && memchr(host, '@', n) == NULL &&
	       (*host != '[' || memchr(host, ']', n) != NULL) &&
	       strchr(value, ' ') == NULL && strlen(value) <= URL_MOST;
}

/* "HH:MM", 00:00 to 23:59 */
static int
is_time_of_day(const char *s)
{
	return strlen(s) == 5 && s[2] == ':' && strspn(s, "0123456789") == 2 &&
	       strspn(s + 3, "0123456789") == 2 && memcmp(s, "24", 2) < 0 &&
	       s[3] < '6';
}

static enum rc
set_text(
    struct config *c, const struct setting *s, const char *value, struct err *e)
{
	size_t n = strlen(value), len;

	if ((s->kind == TIME_OF_DAY || (s->kind == TIME_OR_OFF && n > 0)) &&
	    !is_time_of_day(value))
		return err_set(e, RC_CONFIG,
		    "%s is \"%.60s\": not a time from 00:00 to 23:59", s->name,
		    value);
	if (n >= s->size)
		return err_set(e, RC_CONFIG,
		    "%s has %zu characters: at most "
		    "%zu",
		    s->name, n, s->size - 1);
	for (const char *p = value; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return err_set(e, RC_CONFIG,
			    "%s has a control character", s->name);
	if (s->kind == LIST)
		return set_list(c, s, value, e);
	/* Not quoted: what makes it wrong may be a password in it. */
	if (s->kind == URL && (n > 0 || *s->deflt != '\0') && !is_url(value))
		return err_set(e, RC_CONFIG,
		    "%s is not an http:// or https:// "
		    "address (without a user, of at most %d characters)",
		    s->name, URL_MOST);
	if (s->kind == CHOICE && choice_of(s, value, n, &len) == NULL)
		return not_allowed(s, value, e);
	memcpy((char *)c + s->offset, value, n + 1);
	return RC_OK;
}

static enum rc
set(struct config *c, const struct setting *s, const char *value, struct err *e)
{
	if (s->kind == WHOLE || s->kind == REAL)
		return set_number(c, s, value, e);
	return set_text(c, s, value, e);
}

static const struct setting *
find(const char *name, size_t n)
{
	for (size_t i = 0; i < SETTINGS; i++)
		if (strlen(settings[i].name) == n &&
		    memcmp(settings[i].name, name, n) == 0)
			return &settings[i];
	return NULL;
}

/* One line of the file; *s is cut up.  Unknown names are left alone: the file
 * may serve the whole of Stocknity. */
static enum rc
file_line(struct config *c, char *s, struct err *e)
{
	const struct setting *set_;
	char *value, *end;

	s += strspn(s, " \t");
	if (*s == '\0' || *s == '#')
		return RC_OK;
	if (strncmp(s, "export ", 7) == 0)
		s += 7;
	value = strchr(s, '=');
	if (value == NULL)
		return err_set(e, RC_CONFIG, "no \"=\" in it");
	end = value++;
	while (end > s && strchr(" \t", end[-1]) != NULL)
		end--;
	set_ = find(s, (size_t)(end - s));
	value += strspn(value, " \t");
	end = value + strlen(value);
	while (end > value && strchr(" \t\r", end[-1]) != NULL)
		*--end = '\0';
	if (end - value >= 2 && (*value == '"' || *value == '\'') &&
	    end[-1] == *value) {
		end[-1] = '\0';
		value++;
	}
	return set_ == NULL ? RC_OK : set(c, set_, value, e);
}

static enum rc
load_file(struct config *c, const char *path, struct err *e)
{
	char line[LIMIT_SETTING + 64];
	FILE *f = fopen(path, "r");
	enum rc rc = RC_OK;
	size_t bytes = 0;
	int n = 0;

	if (f == NULL)
		return err_set(e, RC_CONFIG,
		    "STOCKNITY_CONF: cannot open %s: "
		    "%s",
		    path, strerror(errno));
	while (rc == RC_OK && fgets(line, sizeof(line), f) != NULL) {
		n++;
		if (strchr(line, '\n') == NULL && !feof(f)) {
			rc = err_set(e, RC_CONFIG, "line too long");
			break;
		}
		bytes += strlen(line);
		if (bytes > LIMIT_CONF) {
			rc = err_set(
			    e, RC_CONFIG, "more than %u bytes", LIMIT_CONF);
			break;
		}
		line[strcspn(line, "\n")] = '\0';
		rc = file_line(c, line, e);
	}
	if (rc == RC_OK && ferror(f))
		rc = err_set(e, RC_CONFIG, "cannot read it");
	fclose(f);
	if (rc != RC_OK && e != NULL)
		err_wrap(e, "%s, line %d", path, n);
	return rc;
}

enum rc
config_load(struct config *c, struct err *e)
{
	const char *path = getenv("STOCKNITY_CONF"), *value;
	struct config fresh = { 0 };
	enum rc rc = RC_OK;
	size_t i;

	for (i = 0; i < SETTINGS && rc == RC_OK; i++)
		rc = set(&fresh, &settings[i], settings[i].deflt, e);
	if (rc == RC_OK && path != NULL && *path != '\0')
		rc = load_file(&fresh, path, e);
	for (i = 0; i < SETTINGS && rc == RC_OK; i++) {
		value = getenv(settings[i].name);
		if (value != NULL &&
		    (*value != '\0' || settings[i].kind == TIME_OR_OFF))
			rc = set(&fresh, &settings[i], value, e);
	}
	if (rc == RC_OK)
		*c = fresh;
	return rc;
}

void
config_print(const struct config *c, FILE *out)
{
	for (size_t i = 0; i < SETTINGS; i++) {
		const struct setting *s = &settings[i];
		const char *at = (const char *)c + s->offset;
		int64_t n;
		double d;

		if (s->kind == WHOLE) {
			memcpy(&n, at, sizeof(n));
			fprintf(out, "%s=%lld\n", s->name, (long long)n);
		} else if (s->kind == REAL) {
			memcpy(&d, at, sizeof(d));
			fprintf(out, "%s=%.15g\n", s->name, d);
		} else {
			fprintf(out, "%s=%s\n", s->name,
			    s->kind == SECRET && *at != '\0' ? "(set)" : at);
		}
	}
}

void
config_document(FILE *out)
{
	fprintf(out, "| setting | default | range | what |\n"
		     "| --- | --- | --- | --- |\n");
	for (size_t i = 0; i < SETTINGS; i++) {
		const struct setting *s = &settings[i];
		const char *quote = *s->deflt != '\0' ? "`" : "";

		fprintf(
		    out, "| `%s` | %s%s%s | ", s->name, quote, s->deflt, quote);
		if (s->kind == WHOLE || s->kind == REAL)
			fprintf(out, "%.15g–%.15g", s->min, s->max);
		if (s->kind == TIME_OF_DAY || s->kind == TIME_OR_OFF)
			fputs("00:00–23:59", out);
		if (s->kind == TIME_OR_OFF)
			fputs(", or empty", out);
		for (const char *p = choices_of(s); *p != '\0'; p++) {
			fputc(*p == '|' ? ',' : *p, out);
			if (*p == '|')
				fputc(' ', out);
		}
		fprintf(out, " | %s |\n", s->what);
	}
}
