#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "data/json_walk.h"
#include "returns_join.h"

static const char *const figures[] = { "\"expected_annual_return\"",
	"\"expected_annual_risk\"", "\"return_risk_ratio\"" };

#define FIGURES (sizeof(figures) / sizeof(figures[0]))

/* What the annual returns have of a company; len 0: nothing. */
struct company {
	struct json_part ticker, figures[FIGURES];
	int empty; /* its record has no member at all */
};

struct companies {
	struct company *list; /* by ticker */
	size_t n, cap;
	struct json_part fetched_at;
};

static enum rc
foreign(const char *what, struct err *e)
{
	return err_set(e, RC_PARSE, "not a document of ours: %s", what);
}

/* Members of the document up to "data", and into its array; at: where its name
 * stands.  fetched_at may be NULL. */
static enum rc
enter_data(struct json_walk *w, const char **at, struct json_part *fetched_at,
    struct err *e)
{
	struct json_part name, value;

	if (!json_enter(w, '{'))
		return foreign("its beginning", e);
	while (json_member(w, &name, &value) == 1) {
		if (fetched_at != NULL && json_is(&name, "\"fetched_at\""))
			*fetched_at = value;
		if (!json_is(&name, "\"data\""))
			continue;
		*at = name.p;
		w->p = value.p;
		return json_enter(w, '[') ? RC_OK : foreign("data", e);
	}
	return foreign("no data", e);
}

static int
compare(const void *a, const void *b)
{
	const struct json_part *x = &((const struct company *)a)->ticker;
	const struct json_part *y = &((const struct company *)b)->ticker;
	int order = memcmp(x->p, y->p, x->len < y->len ? x->len : y->len);

	return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* What the join wants of a record; its end is where its bracket stands.  0: it
 * is none. */
static int
read_record(const struct json_part *record, struct company *out)
{
	struct json_walk w = { record->p, record->p + record->len };
	struct json_part name, value;
	int more;

	*out = (struct company){ .ticker.p = "", .empty = 1 };
	if (!json_enter(&w, '{'))
		return 0;
	while ((more = json_member(&w, &name, &value)) == 1) {
		out->empty = 0;
		if (json_is(&name, "\"Ticker\""))
			out->ticker = value;
		for (size_t i = 0; i < FIGURES; i++)
			if (json_is(&name, figures[i]) &&
			    json_is_figure(&value))
				out->figures[i] = value;
	}
	return more == 0;
}

static enum rc
add(struct companies *all, const struct company *one, struct err *e)
{
	size_t cap = all->cap > 0 ? 2 * all->cap : 512;
	struct company *list = all->list;

	if (all->n == all->cap) {
		list = realloc(list, cap * sizeof(*list));
		if (list == NULL)
			return err_set(e, RC_NOMEM, "out of memory");
		all->list = list;
		all->cap = cap;
	}
	list[all->n++] = *one;
	return RC_OK;
}

/* The companies of the annual returns. */
static enum rc
read_returns(const char *bytes, struct companies *all, struct err *e)
{
	struct json_walk w = { bytes, bytes + strlen(bytes) };
	struct json_part record;
	struct company one;
	const char *at;
	enum rc rc = enter_data(&w, &at, &all->fetched_at, e);
	int more = 0;

	while (rc == RC_OK && (more = json_element(&w, &record)) == 1)
		rc = read_record(&record, &one) ? add(all, &one, e)
						: foreign("a record", e);
	if (rc == RC_OK && more != 0)
		rc = foreign("data", e);
	if (rc == RC_OK && all->n > 1)
		qsort(all->list, all->n, sizeof(*all->list), compare);
	return rc;
}

static void
add_part(struct buf *b, const struct json_part *part)
{
	if (part->len > 0)
		buf_add(b, part->p, part->len);
	else
		buf_adds(b, "null");
}

/* A record with its figures before its bracket. */
static int
write_record(
    struct buf *b, const struct json_part *record, const struct companies *all)
{
	static const struct company nothing;
	const struct company *with = NULL;
	struct company key;

	if (!read_record(record, &key))
		return 0;
	if (key.ticker.len > 0 && all->n > 0)
		with = bsearch(
		    &key, all->list, all->n, sizeof(*all->list), compare);
	buf_add(b, record->p, record->len - 1);
	for (size_t i = 0; i < FIGURES; i++) {
		if (i > 0 || !key.empty)
			buf_addc(b, ',');
		buf_adds(b, figures[i]);
		buf_addc(b, ':');
		add_part(b, &(with != NULL ? with : &nothing)->figures[i]);
	}
	buf_addc(b, '}');
	return 1;
}

/* What stands before, between and behind the records stays as it is. */
static enum rc
write_joined(struct buf *b, const char *stocks, const struct companies *all,
    struct err *e)
{
	struct json_walk w = { stocks, stocks + strlen(stocks) };
	struct json_part record, name;
	const char *data = stocks, *from;
	enum rc rc = enter_data(&w, &data, NULL, e);
	int more;

	if (rc != RC_OK)
		return rc;
	buf_add(b, stocks, (size_t)(data - stocks));
	buf_adds(b, "\"returns_fetched_at\":");
	add_part(b, &all->fetched_at);
	buf_addc(b, ',');
	for (from = data; (more = json_element(&w, &record)) == 1; from = w.p) {
		buf_add(b, from, (size_t)(record.p - from));
		if (!write_record(b, &record, all))
			return foreign("a record", e);
	}
	if (more == 0)
		do
			more = json_member(&w, &name, &record);
		while (more == 1);
	if (more != 0)
		return foreign("its end", e);
	buf_add(b, from, (size_t)(w.end - from));
	return buf_check(b, "stocks with returns", e);
}

enum rc
returns_join(
    struct buf *b, const char *stocks, const char *returns, struct err *e)
{
	struct companies all = { 0 };
	size_t len = b->len;
	enum rc rc = returns != NULL ? read_returns(returns, &all, e) : RC_OK;

	if (rc == RC_OK)
		rc = write_joined(b, stocks, &all, e);
	if (rc != RC_OK && b->len > len)
		b->data[b->len = len] = '\0';
	free(all.list);
	return rc;
}
