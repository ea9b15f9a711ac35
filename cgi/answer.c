#include <stdarg.h>
#include <stdio.h>

#include "answer.h"
#include "base/limits.h"
#include "data/envelope.h"

#define HEAD_MOST (16u << 10)
/* A dataset with its annual returns is put together in the body. */
#define BODY_MOST  (LIMIT_ENVELOPE + (4u << 20))
#define EXTRA_MOST (16u << 10)
#define BODY_KEPT  (64u << 10) /* for the next answer */

void
answer_init(struct answer *a)
{
	*a = (struct answer){ 0 };
	buf_init(&a->head, HEAD_MOST);
	buf_init(&a->body, BODY_MOST);
	buf_init(&a->extra, EXTRA_MOST);
}

void
answer_fini(struct answer *a)
{
	buf_fini(&a->head);
	buf_fini(&a->body);
	buf_fini(&a->extra);
	cache_entry_fini(&a->served.entry);
}

void
answer_clear(struct answer *a)
{
	buf_clear(&a->head);
	buf_clear(&a->body);
	buf_clear(&a->extra);
	cache_entry_fini(&a->served.entry);
	a->served = (struct cache_served){ 0 };
	a->bytes = NULL;
	a->len = 0;
	a->type = "application/json";
	a->cache = "no-cache";
}

void
answer_release(struct answer *a)
{
	cache_entry_fini(&a->served.entry);
	a->bytes = NULL;
	a->len = 0;
	if (a->body.cap > BODY_KEPT)
		buf_fini(&a->body);
}

void
answer_header(struct answer *a, const char *name, const char *fmt, ...)
{
	char value[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	buf_addf(&a->head, "%s: %s\r\n", name, value);
}

static const struct {
	int status;
	const char *phrase;
} phrases[] = {
	{ 200, "OK" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 409, "Conflict" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 422, "Unprocessable Content" },
	{ 429, "Too Many Requests" },
	{ 500, "Internal Server Error" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
};

const char *
answer_phrase(int status)
{
	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return "Unknown";
}

void
answer_problem(
    struct answer *a, const struct request *r, int status, const struct err *e)
{
	struct buf *b = &a->body;

	cache_entry_fini(&a->served.entry);
	a->bytes = NULL;
	a->len = 0;
	a->type = "application/problem+json";
	buf_clear(b);
	buf_addf(b,
	    "{\"success\":false,\"type\":\"about:blank\",\"title\":\"%s\","
	    "\"status\":%d,\"code\":\"%s\",\"detail\":",
	    answer_phrase(status), status, rc_name(e->rc));
	envelope_string(b, e->msg);
	buf_adds(b, ",\"error\":");
	envelope_string(b, e->msg);
	buf_addf(b, ",\"instance\":\"urn:request:%s\"", r->id);
	if (a->extra.len > 0)
		buf_add(b, a->extra.data, a->extra.len);
	buf_adds(b, "}\n");
}

enum rc
answer_head(const struct answer *a, const struct request *r, int status,
    struct buf *out, struct err *e)
{
	int lasts = status == 200 || status == 304;

	buf_addf(out, "Status: %d %s\r\n", status, answer_phrase(status));
	if (status != 204 && status != 304)
		buf_addf(out, "Content-Type: %s\r\nContent-Length: %zu\r\n",
		    a->type, a->body.len + a->len);
	buf_addf(out, "Cache-Control: %s\r\n", lasts ? a->cache : "no-store");
	/* Not on what a cache may hand to others. */
	if (!lasts || a->served.entry.reply == NULL)
		buf_addf(out, "X-Request-Id: %s\r\n", r->id);
	if (a->head.len > 0)
		buf_add(out, a->head.data, a->head.len);
	buf_adds(out, "\r\n");
	return a->head.rc != RC_OK ? buf_check(&a->head, "header", e)
				   : buf_check(out, "header", e);
}
