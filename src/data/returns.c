#include <math.h>
#include <string.h>

#include "base/num.h"
#include "data/envelope.h"
#include "data/returns.h"

/* Two passes: the mean first, so that equal returns have no risk. */
static double
deviation(const double *p, size_t n)
{
	double mean = 0, squares = 0;

	for (size_t i = 1; i < n; i++)
		mean += (p[i] / p[i - 1] - 1) / (double)(n - 1);
	for (size_t i = 1; i < n; i++) {
		double off = p[i] / p[i - 1] - 1 - mean;

		squares += off * off;
	}
	return sqrt(squares / (double)(n - 2));
}

enum rc
returns_of(struct returns *r, const double *p, size_t n)
{
	r->points = n;
	r->has_figures = r->has_ratio = 0;
	if (n > 0) {
		r->first = p[0];
		r->last = p[n - 1];
	}
	if (n < RETURNS_LEAST)
		return err_set(&r->error, RC_EMPTY,
		    "%zu point%s: at least %d are needed", n, n == 1 ? "" : "s",
		    RETURNS_LEAST);
	r->annual_return = r->last / r->first - 1;
	r->annual_risk = deviation(p, n) * sqrt(RETURNS_DAYS);
	if (!isfinite(r->annual_return) || !isfinite(r->annual_risk))
		return err_set(
		    &r->error, RC_INVALID, "figures out of any range");
	r->has_figures = 1;
	r->ratio = r->annual_return / r->annual_risk;
	r->has_ratio = r->annual_risk > 0 && isfinite(r->ratio);
	r->error.rc = RC_OK;
	return RC_OK;
}

static void
number(struct buf *b, const char *name, double v, int there)
{
	char text[NUM_TEXT];

	buf_addf(b, ",\"%s\":", name);
	if (there)
		buf_add(b, text, num_print(v, text));
	else
		buf_adds(b, "null");
}

static void
text(struct buf *b, const char *v)
{
	if (*v != '\0')
		envelope_string(b, v);
	else
		buf_adds(b, "null");
}

void
returns_members(struct buf *b, const struct returns *r)
{
	buf_addf(b, "\"points\":%zu,\"nulls\":%zu", r->points, r->nulls);
	number(b, "first", r->first, r->points > 0);
	number(b, "last", r->last, r->points > 0);
	number(b, "expected_annual_return", r->annual_return, r->has_figures);
	number(b, "expected_annual_risk", r->annual_risk, r->has_figures);
	number(b, "return_risk_ratio", r->ratio, r->has_ratio);
	buf_adds(b, ",\"error\":");
	text(b, r->error.rc != RC_OK ? r->error.msg : "");
}

void
returns_object(
    struct buf *b, const struct returns *r, const char *source, int success)
{
	buf_addf(b, "{\"success\":%s,\"symbol\":", success ? "true" : "false");
	text(b, r->symbol);
	buf_adds(b, ",\"source\":");
	text(b, source);
	buf_adds(b, ",\"currency\":");
	text(b, r->currency);
	buf_addc(b, ',');
	returns_members(b, r);
	buf_addc(b, '}');
}

void
returns_record(struct buf *b, const struct returns *r, const char *ticker)
{
	buf_adds(b, "{\"Ticker\":");
	envelope_string(b, ticker);
	buf_adds(b, ",\"currency\":");
	text(b, r->currency);
	buf_addc(b, ',');
	returns_members(b, r);
	buf_addc(b, '}');
}

int
returns_record_has_figures(const char *record)
{
	/* A quote in a text is escaped: the match is the member. */
	return strstr(record, "\"expected_annual_return\":null") == NULL;
}
