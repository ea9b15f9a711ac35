#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"

#define BLANK " \t\r\n\f\v"
#define SHOWN 40 /* characters of a bad text that a message quotes */

/* What stands between leading and trailing blanks. */
static size_t
trim(const char **text)
{
	size_t n;

	*text += strspn(*text, BLANK);
	n = strlen(*text);
	while (n > 0 && strchr(BLANK, (*text)[n - 1]) != NULL)
		n--;
	return n;
}

static int
is_missing(const char *s, size_t n)
{
	return n == 0 || (n == 1 && *s == '-');
}

static int
suffix_exponent(char c)
{
	switch (c) {
	case '%':
		return -2;
	case 'K':
		return 3;
	case 'M':
		return 6;
	case 'B':
		return 9;
	case 'T':
		return 12;
	default:
		return 0;
	}
}

static int
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * Copy the mantissa (sign, digits, groups of three after commas, point) to
 * out without its commas.  Returns 0 where it is none.
 */
static int
mantissa(const char *s, size_t n, char *out, size_t size)
{
	size_t i = 0, o = 0, digits = 0, group = 0;
	int commas = 0, point = 0;

	if (n >= size)
		return 0;
	if (i < n && (s[i] == '-' || s[i] == '+'))
		out[o++] = s[i++];
	for (; i < n; i++) {
		if (is_digit(s[i])) {
			digits++;
			group++;
			out[o++] = s[i];
		} else if (s[i] == ',' && !point && group > 0 &&
			   (commas ? group == 3 : group <= 3)) {
			commas = 1;
			group = 0;
		} else if (s[i] == '.' && !point && digits > 0 &&
			   (!commas || group == 3)) {
			point = 1;
			group = 3;
			out[o++] = s[i];
			if (i + 1 == n)
				return 0;
		} else {
			return 0;
		}
	}
	out[o] = '\0';
	return digits > 0 && (!commas || point || group == 3);
}

static enum rc
convert(
    const char *digits, int exp10, const char *text, double *out, struct err *e)
{
	char scaled[96];
	double v;

	/* The only conversion there is: mantissa and exponent together. */
	snprintf(scaled, sizeof(scaled), "%se%d", digits, exp10);
	errno = 0;
	v = strtod(scaled, NULL);
	if (!isfinite(v))
		return err_set(e, RC_PARSE,
		    "\"%.*s\" is too large for a "
		    "number",
		    SHOWN, text);
	*out = v;
	return RC_OK;
}

enum rc
num_figure(const char *text, int exp10, double *out, struct err *e)
{
	const char *s = text;
	size_t n = trim(&s);
	char digits[64];
	int suffix;

	if (is_missing(s, n))
		return RC_NOTFOUND;
	suffix = suffix_exponent(s[n - 1]);
	if (!mantissa(s, n - (suffix != 0), digits, sizeof(digits)))
		return err_set(
		    e, RC_PARSE, "\"%.*s\" is not a figure", SHOWN, text);
	return convert(digits, suffix != 0 ? suffix : exp10, text, out, e);
}

enum rc
num_decimal(const char *text, int exp10, double *out, struct err *e)
{
	char digits[64];
	const char *p;
	char *end;
	long power = 0;
	size_t n = strcspn(text, "eE");

	if (!mantissa(text, n, digits, sizeof(digits)) ||
	    memchr(text, ',', n) != NULL)
		goto bad;
	p = text + n;
	if (*p != '\0') {
		p++;
		if (!is_digit(p[*p == '-' || *p == '+']))
			goto bad;
		power = strtol(p, &end, 10);
		if (*end != '\0')
			goto bad;
		/* Far beyond any double: convert() says which way. */
		power = power > 9999 ? 9999 : power < -9999 ? -9999 : power;
	}
	return convert(digits, (int)power + exp10, text, out, e);
bad:
	return err_set(e, RC_PARSE, "\"%.*s\" is not a number", SHOWN, text);
}

enum rc
num_int(const char *text, int64_t min, int64_t max, int64_t *out, struct err *e)
{
	const char *digits = text + (*text == '-');
	char *end;
	long long v;

	errno = 0;
	v = strtoll(text, &end, 10);
	if (!is_digit(*digits) || *end != '\0' || errno != 0 || v < min ||
	    v > max)
		return err_set(e, RC_PARSE,
		    "\"%.*s\" is not a whole number "
		    "from %lld to %lld",
		    SHOWN, text, (long long)min, (long long)max);
	*out = v;
	return RC_OK;
}

static int
is_date(int y, int m, int d)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	int leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

	return y >= 1700 && y <= 9999 && m >= 1 && m <= 12 && d >= 1 &&
	       d <= days[m - 1] + (m == 2 && leap);
}

enum rc
num_date(const char *text, char out[11], struct err *e)
{
	const char *s = text;
	size_t n = trim(&s);
	char copy[16];
	int y, m, d, used = 0;

	if (is_missing(s, n))
		return RC_NOTFOUND;
	if (n < sizeof(copy)) {
		memcpy(copy, s, n);
		copy[n] = '\0';
		if (strspn(copy, "0123456789/-") == n &&
		    ((sscanf(copy, "%2d/%2d/%4d%n", &m, &d, &y, &used) == 3 &&
			 (size_t)used == n) ||
			(sscanf(copy, "%4d-%2d-%2d%n", &y, &m, &d, &used) ==
				3 &&
			    (size_t)used == n)) &&
		    is_date(y, m, d)) {
			snprintf(out, 11, "%04u-%02u-%02u", (unsigned)y % 10000,
			    (unsigned)m % 100, (unsigned)d % 100);
			return RC_OK;
		}
	}
	return err_set(e, RC_PARSE, "\"%.*s\" is not a date", SHOWN, text);
}

/*
 * The short way for nearly all figures, as snprintf and strtod are most of the
 * time of writing a table: v is the quotient of a whole number below 10^15 and
 * a power of ten, both exact, so the quotient is what strtod would read, and
 * at most 15 digits that read back equal are those of %.15g.  0: v is no such
 * number, or %g would print an exponent.
 */
static size_t
print_short(double v, char out[NUM_TEXT])
{
	static const double tens[] = { 1, 1e2, 1e4, 1e6, 1e8 };
	double whole, size = fabs(v);
	char digits[NUM_TEXT];
	size_t places, n = 0, o = 0;
	uint64_t left;

	if (!(size >= 1e-4 && size < 1e15))
		return 0;
	for (places = 0; places < sizeof(tens) / sizeof(tens[0]); places++) {
		whole = nearbyint(size * tens[places]);
		if (whole >= 1e15)
			return 0;
		if (whole / tens[places] == size)
			break;
	}
	if (places == sizeof(tens) / sizeof(tens[0]))
		return 0;
	places *= 2;
	for (left = (uint64_t)whole; left > 0 || n <= places; left /= 10)
		digits[n++] = (char)('0' + left % 10);
	if (v < 0)
		out[o++] = '-';
	while (n > places)
		out[o++] = digits[--n];
	if (places > 0) {
		out[o++] = '.';
		while (n > 0)
			out[o++] = digits[--n];
		while (out[o - 1] == '0')
			o--;
	}
	out[o] = '\0';
	return o;
}

size_t
num_print(double v, char out[NUM_TEXT])
{
	int n = 0;
	size_t len;

	if (v == 0)
		v = 0; /* -0 is 0 */
	len = print_short(v, out);
	if (len > 0)
		return len;
	for (int digits = 15; digits <= 17; digits++) {
		n = snprintf(out, NUM_TEXT, "%.*g", digits, v);
		if (strtod(out, NULL) == v)
			break;
	}
	return (size_t)n;
}
