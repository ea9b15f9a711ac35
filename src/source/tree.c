#include <string.h>

#include "base/limits.h"
#include "base/num.h"
#include "source/tree.h"

#define BRANCH_COST 8 /* json-c takes 300 to 700 bytes for an empty one */

/*
 * Would json-c need modest memory?  "[[],[],…" takes it a hundred times the
 * bytes that it has.  Like json-c it takes both quotes for quotes.
 */
static int
is_modest(const char *p, size_t n)
{
	size_t cost = 0;
	char quote = '\0';

	for (size_t i = 0; i < n && cost <= LIMIT_JSON_COST; i++) {
		if (quote != '\0') {
			if (p[i] == '\\')
				i++;
			else if (p[i] == quote)
				quote = '\0';
		} else if (p[i] == '"' || p[i] == '\'') {
			quote = p[i];
		} else if (p[i] == ',') {
			cost++;
		} else if (p[i] == '{' || p[i] == '[') {
			cost += BRANCH_COST;
		}
	}
	return cost <= LIMIT_JSON_COST;
}

enum rc
tree_parse(
    const char *body, size_t len, struct json_object **out, struct err *e)
{
	struct json_tokener *tok;
	enum json_tokener_error why;

	if (len > LIMIT_BODY || !is_modest(body, len))
		return err_set(e, RC_PARSE, "the JSON is too large");
	if (memchr(body, '\0', len) != NULL)
		return err_set(e, RC_PARSE, "the JSON has a NUL byte");
	tok = json_tokener_new_ex(LIMIT_JSON_DEPTH);
	if (tok == NULL)
		return err_set(e, RC_NOMEM, "JSON: out of memory");
	/* Strict refuses what follows the document, too. */
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
	*out = json_tokener_parse_ex(tok, body, (int)len);
	why = json_tokener_get_error(tok);
	json_tokener_free(tok);
	if (*out != NULL)
		return RC_OK;
	if (why == json_tokener_success)
		return err_set(e, RC_NOMEM, "JSON: out of memory");
	if (why == json_tokener_continue)
		return err_set(e, RC_PARSE, "the JSON is cut off");
	return err_set(
	    e, RC_PARSE, "malformed JSON: %s", json_tokener_error_desc(why));
}

/* As text without a NUL byte in it; NULL: it is none. */
static const char *
whole_text(struct json_object *v)
{
	const char *text;

	if (!json_object_is_type(v, json_type_string))
		return NULL;
	text = json_object_get_string(v);
	return strlen(text) == (size_t)json_object_get_string_len(v) ? text
								     : NULL;
}

const char *
tree_text(struct json_object *o, const char *name)
{
	struct json_object *v;

	return json_object_object_get_ex(o, name, &v) ? whole_text(v) : NULL;
}

/* json-c keeps the text of all but whole numbers; those it clips at the ends
 * of 64 bits. */
enum rc
tree_number(struct json_object *v, int exp10, double *out, struct err *e)
{
	const char *text = json_object_get_string(v);

	if (text == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if (json_object_is_type(v, json_type_int) &&
	    (json_object_get_uint64(v) == UINT64_MAX ||
		json_object_get_int64(v) == INT64_MIN))
		return err_set(e, RC_PARSE, "a whole number of over 64 bits");
	return num_decimal(text, exp10, out, e);
}

/* A figure that is written as a text; RC_NOTFOUND: a mark of a missing one. */
static enum rc
text_figure(struct json_object *v, int exp10, double *out, struct err *e)
{
	const char *text = whole_text(v);
	size_t n;

	if (text == NULL)
		return err_set(e, RC_PARSE, "a NUL byte");
	n = strlen(text);
	if (n == 0 || strcmp(text, "None") == 0 || strcmp(text, "-") == 0)
		return RC_NOTFOUND;
	if (text[n - 1] == '%')
		return num_figure(text, 0, out, e);
	return num_decimal(text, exp10, out, e);
}

enum rc
tree_figure(struct json_object *o, const struct tree_field *f, double *out,
    struct err *e)
{
	struct json_object *v;
	struct err why;
	double d = 0;
	enum rc rc;

	if (!json_object_object_get_ex(o, f->name, &v) || v == NULL)
		return RC_NOTFOUND;
	if (json_object_is_type(v, json_type_int) ||
	    json_object_is_type(v, json_type_double))
		rc = tree_number(v, f->exp10, &d, &why);
	else if (f->as_text && json_object_is_type(v, json_type_string))
		rc = text_figure(v, f->exp10, &d, &why);
	else
		rc = err_set(&why, RC_PARSE, "%s where a number is due",
		    json_type_to_name(json_object_get_type(v)));
	if (rc == RC_OK && d == 0 && f->zero_is_none)
		rc = RC_NOTFOUND;
	if (rc == RC_OK)
		*out = d;
	else if (rc != RC_NOTFOUND)
		err_set(e, rc, "%s: %s", f->name, why.msg);
	return rc;
}

enum rc
tree_figures(struct record *rec, struct json_object *o,
    const struct tree_field *list, size_t n, struct err *e)
{
	enum rc rc;
	double v;

	for (size_t i = 0; i < n; i++) {
		rc = tree_figure(o, &list[i], &v, e);
		if (rc == RC_OK)
			table_set_number(rec, list[i].field, v);
		else if (rc != RC_NOTFOUND)
			return rc;
	}
	return RC_OK;
}

enum rc
tree_words(struct table *t, struct record *rec, enum field field,
    struct json_object *o, const char *name, struct err *e)
{
	const char *text = tree_text(o, name);

	if (text == NULL || strcmp(text, "None") == 0 || strcmp(text, "-") == 0)
		return RC_OK;
	text += strspn(text, " \t\r\n");
	return table_set_text(t, rec, field, text, e);
}
