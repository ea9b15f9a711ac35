#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "source/yahoo_body.h"
#include "source/yahoo_chart.h"

#define DAY       86400
#define DAY_LEAST 82800 /* a clock put forward makes a day that short */

/* The series as it is read: bars that have a price. */
struct series {
	double *price;
	int64_t *at; /* seconds since the epoch */
	size_t n;
	int64_t offset; /* of the exchange's clock in seconds */
};

/* The arrays of a chart; all of the same length. */
struct arrays {
	struct json_object *time, *close, *adjusted;
	size_t n;
};

static struct json_object *
array(struct json_object *o, const char *name)
{
	struct json_object *v = json_object_object_get(o, name);

	return json_object_is_type(v, json_type_array) ? v : NULL;
}

/* indicators.NAME[0].WHAT; NULL where there is none. */
static struct json_object *
indicator(struct json_object *chart, const char *name, const char *what)
{
	struct json_object *list =
	    array(json_object_object_get(chart, "indicators"), name);

	return list == NULL || json_object_array_length(list) == 0
		   ? NULL
		   : array(json_object_array_get_idx(list, 0), what);
}

static void
copy(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text != NULL ? text : "");
}

/* Find the arrays.  RC_EMPTY: Yahoo has no bars of this symbol. */
static enum rc
find_arrays(struct json_object *chart, struct arrays *a, struct err *e)
{
	a->time = array(chart, "timestamp");
	a->close = indicator(chart, "quote", "close");
	a->adjusted = indicator(chart, "adjclose", "adjclose");
	a->n = a->time != NULL ? json_object_array_length(a->time) : 0;
	if (a->n == 0 && a->close == NULL && a->adjusted == NULL)
		return err_set(e, RC_EMPTY, "Yahoo has no bars of this symbol");
	if (a->time == NULL)
		return err_set(e, RC_PARSE, "closes without timestamps");
	if (a->close == NULL || a->adjusted == NULL)
		return err_set(e, RC_PARSE, "timestamps without %s",
		    a->close == NULL ? "closes" : "adjusted closes");
	if (json_object_array_length(a->close) != a->n ||
	    json_object_array_length(a->adjusted) != a->n)
		return err_set(e, RC_PARSE,
		    "%zu timestamps, %zu closes, %zu adjusted closes", a->n,
		    (size_t)json_object_array_length(a->close),
		    (size_t)json_object_array_length(a->adjusted));
	return RC_OK;
}

static int
is_number(struct json_object *v)
{
	return json_object_is_type(v, json_type_double) ||
	       json_object_is_type(v, json_type_int);
}

/* RC_NOTFOUND: null. */
static enum rc
price_of(struct json_object *v, double *out, struct err *e)
{
	if (v == NULL)
		return RC_NOTFOUND;
	*out = is_number(v) ? json_object_get_double(v) : NAN;
	if (!isfinite(*out) || *out <= 0)
		return err_set(e, RC_PARSE,
		    "\"%.40s\" is not a price: a positive number",
		    json_object_to_json_string(v));
	return RC_OK;
}

static int64_t
day_of(const struct series *s, int64_t at)
{
	int64_t local = at + s->offset;

	return local >= 0 ? local / DAY : (local - DAY + 1) / DAY;
}

/* One more bar; of a day that is there already it takes the place. */
static void
add_bar(struct series *s, int64_t at, double price)
{
	if (s->n > 0 && at - s->at[s->n - 1] < DAY_LEAST &&
	    day_of(s, at) == day_of(s, s->at[s->n - 1]))
		s->n--;
	s->at[s->n] = at;
	s->price[s->n++] = price;
}

static enum rc
read_bars(
    const struct arrays *a, struct series *s, size_t *nulls, struct err *e)
{
	int64_t before = INT64_MIN;

	for (size_t i = 0; i < a->n; i++) {
		struct json_object *t = json_object_array_get_idx(a->time, i);
		double close, adjusted;
		int64_t at = json_object_get_int64(t);
		enum rc rc, also;

		if (!json_object_is_type(t, json_type_int) || at <= before ||
		    at < -(INT64_C(1) << 40) || at > INT64_C(1) << 40)
			return err_set(e, RC_PARSE,
			    "timestamp %zu is none, or not after the one "
			    "before",
			    i);
		before = at;
		rc =
		    price_of(json_object_array_get_idx(a->close, i), &close, e);
		also = price_of(
		    json_object_array_get_idx(a->adjusted, i), &adjusted, e);
		if (rc == RC_PARSE || also == RC_PARSE)
			return RC_PARSE;
		if (rc == RC_OK && also == RC_OK)
			add_bar(s, at, adjusted);
		else
			++*nulls;
	}
	return RC_OK;
}

static enum rc
read_series(struct json_object *chart, struct returns *out, struct err *e)
{
	struct json_object *meta = json_object_object_get(chart, "meta");
	const char *step = yahoo_body_member(meta, "dataGranularity");
	struct series s = { .offset = json_object_get_int(
				json_object_object_get(meta, "gmtoffset")) };
	struct arrays a;
	enum rc rc;

	copy(out->symbol, sizeof(out->symbol),
	    yahoo_body_member(meta, "symbol"));
	copy(out->currency, sizeof(out->currency),
	    yahoo_body_member(meta, "currency"));
	rc = find_arrays(chart, &a, e);
	if (rc != RC_OK)
		return rc;
	if (step == NULL || strcmp(step, "1d") != 0)
		return err_set(e, RC_INVALID,
		    "not by the day: the granularity is %.20s",
		    step != NULL ? step : "not said");
	s.price = calloc(a.n + 1, sizeof(*s.price));
	s.at = calloc(a.n + 1, sizeof(*s.at));
	rc = s.price == NULL || s.at == NULL
		 ? err_set(e, RC_NOMEM, "out of memory")
		 : read_bars(&a, &s, &out->nulls, e);
	if (rc == RC_OK && s.n == 0)
		rc = err_set(e, RC_EMPTY, "all %zu bars are null", a.n);
	else if (rc == RC_OK && returns_of(out, s.price, s.n) == RC_INVALID)
		rc = err_set(e, RC_INVALID, "%s", out->error.msg);
	free(s.price);
	free(s.at);
	return rc;
}

enum rc
yahoo_chart_read(
    const struct http_response *r, struct returns *out, struct err *e)
{
	struct json_object *chart;
	struct yahoo_body body;
	struct err why = { 0 };
	enum rc rc;

	*out = (struct returns){ 0 };
	rc = yahoo_body_read(r, "chart", &body, &why);
	if (rc == RC_OK) {
		chart = json_object_array_length(body.result) > 0
			    ? json_object_array_get_idx(body.result, 0)
			    : NULL;
		rc = chart == NULL
			 ? err_set(&why, RC_EMPTY, "Yahoo has no such symbol")
		     : json_object_is_type(chart, json_type_object)
			 ? read_series(chart, out, &why)
			 : err_set(&why, RC_PARSE, "the chart is no object");
		yahoo_body_fini(&body);
	}
	if (rc == RC_OK)
		return RC_OK;
	out->error = why;
	return err_set(e, rc, "%s", why.msg);
}

int
yahoo_chart_is(const struct http_response *r)
{
	static const char key[] = "\"chart\"";
	const char *p = r->body + strspn(r->body, " \t\r\n");

	if (*p++ != '{')
		return 0;
	p += strspn(p, " \t\r\n");
	if (strncmp(p, key, sizeof(key) - 1) != 0)
		return 0;
	p += sizeof(key) - 1;
	return p[strspn(p, " \t\r\n")] == ':';
}
