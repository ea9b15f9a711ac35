/*
 * A table: records of companies, each with every field, found by ticker.
 *
 * Texts lie in the table's own arena and live as long as it.  The order of
 * the records is that of their arrival, until table_sort.
 */
#ifndef DATA_TABLE_H
#define DATA_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "data/field.h"

enum value_kind { VALUE_NULL, VALUE_NUMBER, VALUE_TEXT };

struct value {
	enum value_kind kind; /* "no value" is a state, not 0 */
	union {
		double number;
		const char *text; /* borrowed from the table */
	} u;
};

struct record {
	struct value v[FIELD__ALL];
};

struct table {
	struct record *rows;
	size_t count;
	size_t cap;
	unsigned char have[FIELD__ALL]; /* fields that the source delivered,
					   even if null in every record */
	uint32_t *slots; /* hash of tickers: index + 1, 0 is free */
	size_t nslots;
	struct table_chunk *arena;
	size_t text_bytes;
};

void table_init(struct table *);
void table_fini(struct table *);
/* Empty it, give the memory back. */
void table_clear(struct table *);

/*
 * The record of a ticker: found, or added with every other field null.
 * *added (may be NULL) tells which.  The pointer holds until the next record
 * is added.  RC_PARSE: not a well-formed ticker; RC_PARSE too beyond
 * LIMIT_ROWS; RC_NOMEM.
 */
enum rc table_record(struct table *, const char *ticker, struct record **out,
    int *added, struct err *);

/* NULL where there is none. */
struct record *table_find(const struct table *, const char *ticker);

/* Is it 1 to LIMIT_TICKER of A-Z 0-9 . - ^ = & with a letter or digit? */
int table_is_ticker(const char *text);

/* NULL and "" are null; RC_PARSE: longer than LIMIT_CELL, or all texts are
 * longer than LIMIT_TEXT.  The ticker is the key and stays as it is. */
enum rc table_set_text(struct table *, struct record *, enum field,
    const char *text, struct err *);
/* What is not finite becomes null. */
void table_set_number(struct record *, enum field, double);

/*
 * Set a field from a cell of Finviz by the field's own type: figures by
 * num_figure, dates by num_date, text trimmed with "-" as null.  exp10 is 0,
 * or the field's elite_exp10 in an Elite export.  RC_OK also for a missing
 * value; RC_PARSE names field and ticker.  A fraction must carry its '%'
 * (every recording does): without, it is another column, wrong by a hundred.
 */
enum rc table_set_cell(struct table *, struct record *, enum field,
    const char *cell, int exp10, struct err *);

/*
 * Join by ticker: fields that src delivered go into dst's record of the same
 * ticker where it is null there; tickers that dst lacks are left out.  dst
 * has afterwards what either had.  After a failure dst holds a part of it.
 */
enum rc table_join(struct table *dst, const struct table *src, struct err *);

/* Add copies of the records of src whose field is the text (all: NULL). */
enum rc table_copy_where(struct table *dst, const struct table *src, enum field,
    const char *text, struct err *);

/* By a field; null last in either direction; ties by ticker. */
void table_sort(struct table *, enum field, int descending);

#endif
