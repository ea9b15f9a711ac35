#ifndef UPSTREAM_SCREEN_H
#define UPSTREAM_SCREEN_H

#include "companies.h"
#include "text.h"

struct fault;

/*
 * One page of the screener before it is markup: which columns, which rows,
 * which count.  The faults that concern content change it here (spoil.c), so
 * that the two eras of markup know nothing of them.
 */

enum {
	PAGE_ROWS = 20 /* what free users get */
};

/* What was asked for; the strings are borrowed from the request. */
struct screen_query {
	const char *path; /* "/screener" or "/screener.ashx" */
	const char *v, *f, *o, *r, *c, *t;
};

struct page_row {
	const struct company *company;
	size_t no;
	char *ticker, *name; /* as shown: a fault may alter them */
};

struct page {
	int era;    /* 2021 or 2026 */
	int view;   /* 11 overview ... 17 technical, or another without table */
	int panel;  /* the filter panel is asked for */
	int charts; /* not a view with a table */
	int strange; /* fault: a layout that nobody knows */
	size_t cols[COLUMNS], ncols;
	char *heads[COLUMNS];   /* by place in cols */
	char *figures[COLUMNS]; /* fault: by place in columns[], or NULL */
	size_t filler;          /* fault: so many columns more */
	struct page_row rows[PAGE_ROWS + 1];
	size_t nrows;
	size_t found; /* companies that match */
	size_t total; /* what the count element says */
	size_t first; /* number of the first row */
	int sorted;   /* place of the sort column in columns[] */
	int descending;
	struct text link; /* "screener?v=152&f=...&o=...", safe in HTML */
	struct text same; /* the same without o= */
	char *filters;    /* "sec:technology idx:sp500" */
};

/*
 * Answer a query; what it asks for and the site does not know is ignored, as
 * the site does.  The fault may be one that alters the selection.
 */
void screen_page(struct page *, const struct market *,
    const struct screen_query *, int era, const struct fault *);
/* The same without rows: all companies of the query, found of them, in order.
 * To be freed. */
const struct company **screen_list(struct page *, const struct market *,
    const struct screen_query *, int era, const struct fault *);
void page_free(struct page *);

/* Alter the page as the fault says (spoil.c). */
void page_spoil(struct page *, const struct fault *);

/* Text of the cell in column col (place in columns[]) of a row. */
const char *page_cell(const struct page *, const struct page_row *, size_t col,
    char *buf, size_t size);

/* -1, 0 or 1: is the figure worth a colour? */
int page_sign(const struct page_row *, size_t col);

/* Pages in all, and which of them (from 0) this is. */
size_t page_count(const struct page *);
size_t page_number(const struct page *);

/* Write the page in the markup of its era. */
void markup_2021(struct text *, const struct page *);
void markup_2026(struct text *, const struct page *);

#endif
