/*
 * Numbers: whatever is read is finite, prints, and reads back as the same
 * number; dates read back as themselves.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"

#define HOLDS(x)  ((x) ? (void)0 : abort())
#define UNTOUCHED 123456.75

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
prints_and_reads_back(double v)
{
	char text[NUM_TEXT];
	double back = 0;
	size_t n;

	HOLDS(isfinite(v));
	n = num_print(v, text);
	HOLDS(n > 0 && n < NUM_TEXT && strlen(text) == n);
	HOLDS(num_decimal(text, 0, &back, NULL) == RC_OK);
	HOLDS(back == v);
	HOLDS(v != 0 || text[0] != '-');
}

static void
figures(const char *text)
{
	static const int exponents[] = { 0, 3, 6, -2 };
	double v;
	enum rc rc;

	for (size_t i = 0; i < 4; i++) {
		v = UNTOUCHED;
		rc = num_figure(text, exponents[i], &v, NULL);
		HOLDS(rc == RC_OK || rc == RC_NOTFOUND || rc == RC_PARSE);
		HOLDS(rc == RC_OK || v == UNTOUCHED);
		if (rc == RC_OK)
			prints_and_reads_back(v);
		v = UNTOUCHED;
		rc = num_decimal(text, exponents[i], &v, NULL);
		HOLDS(rc == RC_OK || (rc == RC_PARSE && v == UNTOUCHED));
		if (rc == RC_OK)
			prints_and_reads_back(v);
		/* What it takes without an exponent, strtod takes alike. */
		if (rc == RC_OK && exponents[i] == 0)
			HOLDS(strtod(text, NULL) == v);
	}
}

static void
whole_numbers(const char *text)
{
	int64_t v = 7, back = 0;
	char print[32];
	enum rc rc = num_int(text, INT64_MIN, INT64_MAX, &v, NULL);

	HOLDS(rc == RC_OK || (rc == RC_PARSE && v == 7));
	if (rc == RC_OK) {
		snprintf(print, sizeof(print), "%lld", (long long)v);
		HOLDS(num_int(print, v, v, &back, NULL) == RC_OK);
		HOLDS(back == v);
	}
	v = 7;
	rc = num_int(text, -100, 100, &v, NULL);
	HOLDS(rc != RC_OK || (v >= -100 && v <= 100));
}

static void
dates(const char *text)
{
	char date[11] = "untouched", back[11];
	enum rc rc = num_date(text, date, NULL);

	if (rc != RC_OK) {
		HOLDS(rc == RC_NOTFOUND || rc == RC_PARSE);
		HOLDS(strcmp(date, "untouched") == 0);
		return;
	}
	HOLDS(strlen(date) == 10 && date[4] == '-' && date[7] == '-');
	HOLDS(num_date(date, back, NULL) == RC_OK);
	HOLDS(strcmp(date, back) == 0);
}

/* Any double at all must print so that it reads back. */
static void
any_double(const uint8_t *data, size_t size)
{
	double v;

	for (; size >= sizeof(v); size -= sizeof(v), data += sizeof(v)) {
		memcpy(&v, data, sizeof(v));
		if (isfinite(v))
			prints_and_reads_back(v);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	figures(text);
	whole_numbers(text);
	dates(text);
	any_double(data, size);
	free(text);
	return 0;
}
