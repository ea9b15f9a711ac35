/*
 * Return and risk of a year, out of a series of daily prices (adjusted close,
 * oldest first, all positive):
 *
 *	daily return     r_i = p_i / p_(i-1) - 1, from one point to the next
 *	expected_annual_return  = p_n / p_1 - 1, over the whole series
 *	expected_annual_risk    = s x sqrt(252), s the sample standard deviation
 *	                          (n - 1) of the daily returns
 *	return_risk_ratio       = return / risk
 *
 * Fractions, not percentages (0.0706 is 7.06 %), in full precision.  252 are
 * the trading days of a year, whatever the series is of.  A series of fewer
 * than RETURNS_LEAST points has no figures, but the reason; without any risk
 * (all prices equal) there is no ratio.
 */
#ifndef DATA_RETURNS_H
#define DATA_RETURNS_H

#include <stddef.h>

#include "base/buf.h"
#include "base/rc.h"

#define RETURNS_LEAST  60
#define RETURNS_DAYS   252
#define RETURNS_SYMBOL 32
#define RETURNS_MONEY  8

/* What is known of a symbol. */
struct returns {
	char symbol[RETURNS_SYMBOL + 1];  /* "": not known */
	char currency[RETURNS_MONEY + 1]; /* "GBp" is pence; "": not known */
	size_t points;                    /* prices used */
	size_t nulls;                     /* left out: they had none */
	double first, last;               /* of the prices; 0 points: none */
	int has_figures, has_ratio;
	double annual_return, annual_risk, ratio;
	struct err error; /* why there are no figures; RC_OK: there are */
	int answered;     /* of a sweep: the source has said all of it */
};

/* Fill all but symbol, currency and nulls out of n prices.  RC_OK: it has
 * figures; RC_EMPTY: no price, or too few; RC_INVALID: figures that no double
 * holds.  Anything but RC_OK is in r->error too. */
enum rc returns_of(struct returns *r, const double *prices, size_t n);

/*
 * Append the members points nulls first last expected_annual_return
 * expected_annual_risk return_risk_ratio error, without braces.
 */
void returns_members(struct buf *, const struct returns *);

/*
 * Append the object of fetch -f: success symbol source currency and those
 * members.
 */
void returns_object(
    struct buf *, const struct returns *, const char *source, int success);

/* Append a record of the document: Ticker currency and those members. */
void returns_record(struct buf *, const struct returns *, const char *ticker);
/* Has a record of ours figures? */
int returns_record_has_figures(const char *record);

#endif
