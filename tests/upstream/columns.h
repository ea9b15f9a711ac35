#ifndef UPSTREAM_COLUMNS_H
#define UPSTREAM_COLUMNS_H

#include <stddef.h>

struct text;

/*
 * The columns of the screener, and how a figure is written in each.  Raw
 * figures are in the units of companies.csv (those of the Elite export).
 */

enum column_kind {
	COLUMN_ROW, /* number of the row; no figure */
	COLUMN_TICKER,
	COLUMN_TEXT,
	COLUMN_EARNINGS,
	COLUMN_DATE,
	COLUMN_NUMBER,    /* 36.03 */
	COLUMN_PERCENT,   /* -0.80% */
	COLUMN_COUNT,     /* 34,422,117 */
	COLUMN_THOUSANDS, /* raw in thousands: 118.73K */
	COLUMN_MILLIONS   /* raw in millions: 4374.48B */
};

struct column {
	int id;
	const char *key;
	enum column_kind kind;
	int left;              /* aligned left, else right */
	const char *head_2021; /* empty: not offered then */
	const char *head_2026;
};

/* Places in columns[]: AT_79 is that of column id 79. */
enum column_place {
#define COLUMN(id, ...) AT_##id,
#include "columns.def"
#undef COLUMN
	COLUMNS,
	AT_TICKER = AT_1,
	AT_COMPANY = AT_2,
	AT_SECTOR = AT_3,
	AT_MARKET_CAP = AT_6,
	AT_PRICE = AT_65,
	AT_CHANGE = AT_66,
	AT_VOLUME = AT_67,
	AT_INDEX = AT_79,
	AT_EXCHANGE = AT_129
};

extern const struct column columns[COLUMNS];

/* Position in columns[], or -1. */
int column_by_id(long id);
int column_by_key(const char *key); /* in any case */

/* Add a raw figure as the site shows it; an empty one is "-". */
void column_show(struct text *, const struct column *, const char *raw);

#endif
