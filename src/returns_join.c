#include <string.h>

#include <json-c/json.h>

#include "returns_join.h"

static const char *const figures[] = { "expected_annual_return",
	"expected_annual_risk", "return_risk_ratio" };

#define FIGURES (sizeof(figures) / sizeof(figures[0]))
#define DATA    "\"data\":["

static struct json_object *
member(struct json_object *o, const char *name)
{
	struct json_object *v = NULL;

	return json_object_object_get_ex(o, name, &v) ? v : NULL;
}

static struct json_object *
parse(const char *bytes, struct err *e)
{
	struct json_object *o = json_tokener_parse(bytes);

	if (json_object_is_type(member(o, "data"), json_type_array))
		return o;
	json_object_put(o);
	err_set(e, RC_PARSE, "not a document of ours");
	return NULL;
}

/* The records of a document by their tickers; borrowed of it. */
static struct json_object *
by_ticker(struct json_object *doc)
{
	struct json_object *map = json_object_new_object();
	struct json_object *data = member(doc, "data");
	size_t n = data != NULL ? json_object_array_length(data) : 0;

	for (size_t i = 0; i < n && map != NULL; i++) {
		struct json_object *r = json_object_array_get_idx(data, i);
		struct json_object *ticker = member(r, "Ticker");

		if (json_object_is_type(ticker, json_type_string))
			json_object_object_add(map,
			    json_object_get_string(ticker), json_object_get(r));
	}
	return map;
}

/* Put its figures behind a record. */
static void
join(struct json_object *record, struct json_object *map)
{
	struct json_object *ticker = member(record, "Ticker");
	struct json_object *r =
	    ticker != NULL ? member(map, json_object_get_string(ticker)) : NULL;

	for (size_t i = 0; i < FIGURES; i++)
		json_object_object_add(
		    record, figures[i], json_object_get(member(r, figures[i])));
}

static void
add_json(struct buf *b, struct json_object *o)
{
	buf_adds(
	    b, json_object_to_json_string_ext(
		   o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* What stands before the records stays as it is, byte for byte. */
static void
write_joined(struct buf *b, const char *stocks, size_t head,
    struct json_object *data, struct json_object *map, struct json_object *at)
{
	buf_add(b, stocks, head);
	buf_adds(b, "\"returns_fetched_at\":");
	add_json(b, at);
	buf_adds(b, "," DATA);
	for (size_t i = 0; i < json_object_array_length(data); i++) {
		struct json_object *r = json_object_array_get_idx(data, i);

		join(r, map);
		buf_adds(b, i > 0 ? "," : "");
		add_json(b, r);
	}
	buf_adds(b, "]}");
}

enum rc
returns_join(
    struct buf *b, const char *stocks, const char *returns, struct err *e)
{
	struct json_object *doc = parse(stocks, e), *from = NULL, *map = NULL;
	const char *data = strstr(stocks, DATA);
	enum rc rc = doc != NULL && data != NULL
			 ? RC_OK
			 : err_set(e, RC_PARSE, "not a dataset of ours");

	if (rc == RC_OK && returns != NULL) {
		from = parse(returns, e);
		rc = from != NULL ? RC_OK : RC_PARSE;
	}
	if (rc == RC_OK) {
		map = by_ticker(from);
		rc =
		    map != NULL ? RC_OK : err_set(e, RC_NOMEM, "out of memory");
	}
	if (rc == RC_OK) {
		write_joined(b, stocks, (size_t)(data - stocks),
		    member(doc, "data"), map, member(from, "fetched_at"));
		rc = buf_check(b, "stocks with returns", e);
	}
	json_object_put(map);
	json_object_put(from);
	json_object_put(doc);
	return rc;
}
