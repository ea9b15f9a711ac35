/*
 * The fields of a record, out of one table, fields.def.  Parsing, validation,
 * JSON, CSV and the terminal table all follow it: a new field is one line
 * there.
 *
 * A record has every field, always; a missing one is null.  Fractions stand
 * for percentages (7.06 % is 0.0706), plain units for money and counts, dates
 * are ISO 8601.
 */
#ifndef DATA_FIELD_H
#define DATA_FIELD_H

#include <stddef.h>
#include <stdio.h>

enum field_type {
	FIELD_TEXT,
	FIELD_DATE,     /* text in ISO 8601 */
	FIELD_NUMBER,   /* a plain number or a price */
	FIELD_FRACTION, /* of 1; upstream prints percent */
	FIELD_MONEY,    /* dollars */
	FIELD_COUNT     /* shares, people, trades */
};

enum field {
#define FIELD(id, ...) FIELD_##id,
#include "data/fields.def"
#undef FIELD
	FIELD__MAX, /* none, and the end of those that a dataset has */
	/* What annual returns have of a company: to be looked at beside the
	 * fields of its dataset (returns_beside.h), and never stored there. */
	FIELD_ANNUAL_RETURN,
	FIELD_ANNUAL_RISK,
	FIELD_RETURN_RISK,
	FIELD__ALL
};

struct field_info {
	const char *name;    /* in JSON and CSV, as the application reads it */
	const char *label;   /* heading of the terminal table */
	const char *aliases; /* headers of every era, '|' between them */
	const char *yahoo;   /* member of a v7 quote, NULL: Yahoo has none */
	enum field_type type;
	int finviz_id;   /* of the site's c= parameter; -1: has none */
	int elite_exp10; /* power of ten of the Elite export's unit */
	int yahoo_exp10; /* -2 where that is in percent */
	double min, max; /* the valid range of a number */
};

extern const struct field_info fields[FIELD__ALL];

/* Fields in an order of somebody's choice. */
struct field_list {
	enum field v[FIELD__ALL];
	size_t n;
};

/* By JSON name or label, without regard to case; FIELD__MAX: none.  One beyond
 * that is of the annual returns. */
enum field field_by_name(const char *name);

/* By a header of any era (trimmed, without regard to case). */
enum field field_by_header(const char *header);

/* Is it a number (of any of the four kinds)? */
int field_is_number(enum field);

/* A Markdown table of the fields, for README.md. */
void field_document(FILE *out);

#endif
