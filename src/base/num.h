/*
 * Strict numbers out of foreign text, and numbers back into text.
 *
 * Scale is applied in the text, and the text is converted once: "7.06%"
 * becomes 7.06e-2 and "4374.48B" 4374.48e9, because 7.06 / 100 is wrong in the
 * last digit.  "nan", "inf", hexadecimal, leftovers and overflow are refused.
 */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"

#define NUM_TEXT 32 /* bytes that num_print needs at most */

/*
 * A figure as Finviz prints it, in HTML or CSV: sign, digits with or without
 * thousands commas, a decimal point, and at the end nothing, '%' (a hundredth)
 * or one of K M B T.  White space around it is skipped.  exp10 is added to the
 * exponent: 6 where the column is in millions.  A suffix and exp10 exclude one
 * another: "1.2B" in a column of millions is 1.2e9 ('%' likewise).
 *
 * RC_OK; RC_NOTFOUND for the marks of a missing value ("-" and ""), with *out
 * untouched; RC_PARSE for anything else.
 */
enum rc num_figure(const char *text, int exp10, double *out, struct err *e);

/*
 * A decimal number as JSON and Java write it ("-4.4950072E-4"), times
 * 10^exp10.  RC_OK or RC_PARSE.
 */
enum rc num_decimal(const char *text, int exp10, double *out, struct err *e);

/* A whole number in the range; the whole text.  RC_OK or RC_PARSE. */
enum rc num_int(
    const char *text, int64_t min, int64_t max, int64_t *out, struct err *e);

/*
 * "6/27/1995", "05/28/2025" (month first) or "1995-06-27" to "1995-06-27"
 * (out has 11 bytes).  RC_OK, RC_NOTFOUND as num_figure, RC_PARSE.
 */
enum rc num_date(const char *text, char out[11], struct err *e);

/* The shortest of %.15g, %.16g and %.17g that reads back equal; v is finite.
 * Returns the length. */
size_t num_print(double v, char out[NUM_TEXT]);

#endif
