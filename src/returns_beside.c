#include <string.h>

#include <json-c/json.h>

#include "data/envelope.h"
#include "returns_beside.h"

static void
set(struct table *t, struct json_object *of)
{
	struct json_object *ticker = json_object_object_get(of, "Ticker");
	struct record *r = json_object_is_type(ticker, json_type_string)
			       ? table_find(t, json_object_get_string(ticker))
			       : NULL;

	for (int f = FIELD__MAX + 1; r != NULL && f < FIELD__ALL; f++) {
		struct json_object *v =
		    json_object_object_get(of, fields[f].name);

		if (json_object_is_type(v, json_type_double) ||
		    json_object_is_type(v, json_type_int))
			table_set_number(
			    r, (enum field)f, json_object_get_double(v));
	}
}

enum rc
returns_beside(struct table *t, const char *document,
    struct returns_beside *out, struct err *e)
{
	struct json_object *doc, *data;
	struct envelope_head head;
	enum rc rc;

	*out = (struct returns_beside){ 0 };
	if (document == NULL)
		return RC_OK;
	rc = envelope_read(document, strlen(document), &head, NULL, e);
	if (rc != RC_OK)
		return rc;
	doc = json_tokener_parse(document);
	data = json_object_object_get(doc, "data");
	if (!json_object_is_type(data, json_type_array)) {
		json_object_put(doc);
		return err_set(e, RC_PARSE, "the annual returns are not ours");
	}
	for (size_t i = 0; i < json_object_array_length(data); i++)
		set(t, json_object_array_get_idx(data, i));
	for (int f = FIELD__MAX + 1; f < FIELD__ALL; f++)
		t->have[f] = 1;
	memcpy(out->source, head.source, sizeof(out->source));
	out->fetched_ms = head.fetched_ms;
	out->fresh_ms = head.fresh_ms;
	json_object_put(doc);
	return RC_OK;
}
