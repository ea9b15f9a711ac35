#include <string.h>
#include <strings.h>

#include "source/source.h"
#include "source/tree.h"
#include "source/yahoo_body.h"

struct phrase {
	const char *text;
	enum rc rc;
	const char *means;
};

/* Texts that say it all, with whatever status they come. */
static const struct phrase phrases[] = {
	{ "name=\"csrfToken\"", RC_BLOCKED, YAHOO_CONSENT },
	{ "collectConsent", RC_BLOCKED, YAHOO_CONSENT },
	{ "consent.yahoo.com", RC_BLOCKED, YAHOO_CONSENT },
	{ "guce.yahoo.com/consent", RC_BLOCKED, YAHOO_CONSENT },
	{ "Too Many Requests", RC_LIMITED, "Yahoo says \"Too Many Requests\"" },
	{ "error 999", RC_LIMITED, "Yahoo says \"error 999\"" },
	{ "Unable to process request at this time", RC_LIMITED,
	    "Yahoo says \"Unable to process request at this time\"" },
};

struct verdict {
	const char *code; /* "": any */
	const char *part; /* of the description; "": any */
	enum rc rc;
};

/* Error envelopes; the first that fits. */
static const struct verdict verdicts[] = {
	{ "Unauthorized", "", RC_BLOCKED },
	{ "Forbidden", "", RC_BLOCKED },
	{ "Too Many Requests", "", RC_LIMITED },
	{ "", "Too Many Requests", RC_LIMITED },
	{ "Not Found", "No data found", RC_EMPTY },
	{ "Not Found", "Quote not found", RC_EMPTY },
	{ "Not Found", "No fundamentals data found", RC_EMPTY },
	/* A path that is no more: theirs has changed, or ours is wrong. */
	{ "Not Found", "", RC_PARSE },
	{ "Bad Request", "Data doesn't exist", RC_EMPTY },
	{ "Bad Request", "", RC_PARSE },
	{ "argument-error", "", RC_PARSE },
	{ "internal-error", "", RC_UPSTREAM },
};

/* Bodies that Yahoo has besides quotes. */
static const char *const others[] = { "chart", "spark", "quoteSummary",
	"finance", "optionChain" };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *
first(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

static int
is_json(const char *body)
{
	char c = *first(body);

	return c == '{' || c == '[';
}

enum rc
yahoo_body_text(const struct http_response *r, struct err *e)
{
	for (size_t i = 0; i < COUNT(phrases) && !is_json(r->body); i++)
		if (strcasestr(r->body, phrases[i].text) != NULL)
			return err_set(
			    e, phrases[i].rc, "%s", phrases[i].means);
	return source_status(r, e);
}

const char *
yahoo_body_member(struct json_object *o, const char *name)
{
	return tree_text(o, name);
}

/* The error under any key; NULL where there is none. */
static struct json_object *
find_error(struct json_object *root)
{
	struct json_object_iterator i = json_object_iter_begin(root);
	struct json_object_iterator end = json_object_iter_end(root);
	struct json_object *o, *error;

	for (; !json_object_iter_equal(&i, &end); json_object_iter_next(&i)) {
		o = json_object_iter_peek_value(&i);
		if (json_object_is_type(o, json_type_object) &&
		    json_object_object_get_ex(o, "error", &error) &&
		    error != NULL)
			return error;
	}
	return NULL;
}

/* What an error envelope means; status is what source_status() said. */
static enum rc
judge(struct json_object *error, const struct http_response *r, enum rc status,
    struct yahoo_body *body, struct err *e)
{
	const char *code = yahoo_body_member(error, "code");
	const char *text = yahoo_body_member(error, "description");
	enum rc rc = status != RC_OK ? status : RC_UPSTREAM;

	code = code != NULL ? code : "error";
	text = text != NULL ? text : "";
	/* Refusals and 5xx speak by their status, whatever the text. */
	for (size_t i = 0; i < COUNT(verdicts); i++) {
		if (status == RC_BLOCKED || r->status >= 500)
			break;
		if ((verdicts[i].code[0] == '\0' ||
			strcasecmp(code, verdicts[i].code) == 0) &&
		    strcasestr(text, verdicts[i].part) != NULL) {
			rc = verdicts[i].rc;
			break;
		}
	}
	if (rc == RC_BLOCKED && strcasecmp(code, "Unauthorized") == 0)
		body->unauthorized = 1;
	return err_set(e, rc, "Yahoo says \"%.40s: %.120s\"", code, text);
}

/* JSON without an error: is what we want in it? */
static enum rc
find_result(const struct http_response *r, const char *want, enum rc status,
    struct yahoo_body *body, struct err *e)
{
	struct json_object *o, *result;

	for (size_t i = 0; i < COUNT(others); i++) {
		if (!json_object_object_get_ex(body->root, others[i], &o))
			continue;
		if (r->status == 404 &&
		    json_object_object_get_ex(o, "result", &result) &&
		    json_object_is_type(result, json_type_array) &&
		    json_object_array_length(result) == 0)
			return err_set(e, RC_EMPTY,
			    "Yahoo has no %s of this symbol", others[i]);
		if (status == RC_OK && strcmp(others[i], want) != 0)
			return err_set(e, RC_PARSE,
			    "this is a \"%s\" body of Yahoo: only quotes and "
			    "charts are read",
			    others[i]);
	}
	if (status != RC_OK)
		return status;
	if (!json_object_object_get_ex(body->root, want, &o))
		return err_set(e, RC_PARSE, "no \"%s\" in the JSON", want);
	if (!json_object_object_get_ex(o, "result", &result) ||
	    !json_object_is_type(result, json_type_array))
		return err_set(e, RC_PARSE, "\"%s\" has no result", want);
	body->result = result;
	return RC_OK;
}

enum rc
yahoo_body_read(const struct http_response *r, const char *want,
    struct yahoo_body *body, struct err *e)
{
	struct json_object *error;
	enum rc status, rc;
	struct err why;

	*body = (struct yahoo_body){ 0 };
	status = yahoo_body_text(r, e);
	body->unauthorized = r->status == 401 && status == RC_BLOCKED;
	if (status == RC_LIMITED)
		return status;
	if (!is_json(r->body)) {
		if (status != RC_OK)
			return status;
		return err_set(e, RC_PARSE, "%s where JSON is due",
		    *first(r->body) == '\0'  ? "an empty body"
		    : *first(r->body) == '<' ? "HTML"
					     : "text");
	}
	rc = tree_parse(r->body, r->len, &body->root, &why);
	if (rc == RC_OK && !json_object_is_type(body->root, json_type_object))
		rc = err_set(&why, RC_PARSE, "the JSON is not an object");
	if (rc != RC_OK && (status == RC_OK || rc == RC_NOMEM))
		status = err_set(e, rc, "%s", why.msg);
	else if (rc == RC_OK && (error = find_error(body->root)) != NULL)
		status = judge(error, r, status, body, e);
	else if (rc == RC_OK)
		status = find_result(r, want, status, body, e);
	if (status != RC_OK)
		yahoo_body_fini(body);
	return status;
}

void
yahoo_body_fini(struct yahoo_body *body)
{
	json_object_put(body->root);
	body->root = NULL;
	body->result = NULL;
}
