#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "data/dataset.h"

#define WORD_MAX 64 /* longer words are near to nothing */
#define SHOWN    20 /* bytes of an unknown name that a message quotes */

/* Any stands last in both. */
const struct dataset_name dataset_indexes[DATASET_INDEXES] = {
	{ "S&P 500", "idx_sp500" },
	{ "DJIA", "idx_dji" },
	{ "NASDAQ 100", "idx_ndx" },
	{ "RUSSELL 2000", "idx_rut" },
	{ DATASET_ANY, "" },
};

const struct dataset_name dataset_sectors[DATASET_SECTORS] = {
	{ "Basic Materials", "sec_basicmaterials" },
	{ "Communication Services", "sec_communicationservices" },
	{ "Consumer Cyclical", "sec_consumercyclical" },
	{ "Consumer Defensive", "sec_consumerdefensive" },
	{ "Energy", "sec_energy" },
	{ "Financial", "sec_financial" },
	{ "Healthcare", "sec_healthcare" },
	{ "Industrials", "sec_industrials" },
	{ "Real Estate", "sec_realestate" },
	{ "Technology", "sec_technology" },
	{ "Utilities", "sec_utilities" },
	{ DATASET_ANY, "" },
};

static size_t
min3(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Edit distance without regard to case; both have at most WORD_MAX bytes. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1], n = strlen(b), diagonal, above;

	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		diagonal = row[0];
		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			int same = tolower((unsigned char)a[i]) ==
				   tolower((unsigned char)b[j]);

			above = row[j + 1];
			row[j + 1] =
			    min3(above + 1, row[j] + 1, diagonal + !same);
			diagonal = above;
		}
	}
	return row[n];
}

const char *
dataset_nearest(const char *text, const char *const *words, size_t n)
{
	size_t len = strlen(text), best = WORD_MAX, d;
	const char *near = NULL;
	int near_enough, begins;

	if (len == 0 || len > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (strlen(words[i]) > WORD_MAX)
			continue;
		d = distance(text, words[i]);
		/* A third is wrong, or it is just the beginning: "tech". */
		near_enough = d <= len / 3 + 1 && d < len;
		begins = len >= 3 && strncasecmp(words[i], text, len) == 0;
		if (d < best && (near_enough || begins)) {
			best = d;
			near = words[i];
		}
	}
	return near;
}

static enum rc
unknown(const char *what, const struct dataset_name *list, size_t n,
    const char *text, struct err *e)
{
	const char *names[DATASET_SECTORS], *near;
	char allowed[200], hint[48] = "";
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		names[i] = list[i].name;
		if (len < sizeof(allowed))
			len += (size_t)snprintf(allowed + len,
			    sizeof(allowed) - len, "%s%s", i > 0 ? ", " : "",
			    names[i]);
	}
	near = dataset_nearest(text, names, n);
	if (near != NULL)
		snprintf(hint, sizeof(hint), ": did you mean \"%s\"?", near);
	return err_set(e, RC_USAGE, "unknown %s \"%.*s%s\"%s%s Allowed: %s",
	    what, SHOWN, text, strlen(text) > SHOWN ? "..." : "", hint,
	    near != NULL ? "" : ".", allowed);
}

static enum rc
spell(const char *what, const struct dataset_name *list, size_t n,
    const char *text, const char **out, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(list[i].name, text) == 0) {
			*out = list[i].name;
			return RC_OK;
		}
	return unknown(what, list, n, text, e);
}

enum rc
dataset_index(const char *text, const char **out, struct err *e)
{
	return spell("index", dataset_indexes, DATASET_INDEXES, text, out, e);
}

enum rc
dataset_sector(const char *text, const char **out, struct err *e)
{
	return spell("sector", dataset_sectors, DATASET_SECTORS, text, out, e);
}

const char *
dataset_finviz(const char *name)
{
	for (size_t i = 0; i < DATASET_INDEXES; i++)
		if (strcmp(dataset_indexes[i].name, name) == 0)
			return dataset_indexes[i].finviz;
	for (size_t i = 0; i < DATASET_SECTORS; i++)
		if (strcmp(dataset_sectors[i].name, name) == 0)
			return dataset_sectors[i].finviz;
	return NULL;
}
