/*
 * Requests to the API: variables and body out of the input ("NAME=value"
 * lines, an empty line, the body; API_TOKEN is that of the server).  Whatever
 * they are, the request is refused with a status that says so, or all that is
 * taken out of it is sound; its route is reached by who may, and no other; and
 * what is answered is JSON, under a head of as many lines as were written.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <json-c/json.h>

#include "../../cgi/api.h"
#include "../../cgi/request.h"
#include "base/utf8.h"
#include "report.h"

#define MOST 32

struct variables {
	const char *name[MOST], *value[MOST];
	size_t n;
};

static const char *
get(void *arg, const char *name)
{
	const struct variables *v = arg;

	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->name[i], name) == 0)
			return v->value[i];
	return NULL;
}

/* Cut up the head, which ends with a NUL; returns where the body begins. */
static char *
split(char *s, struct variables *v)
{
	char *end, *eq;

	while (*s != '\0' && *s != '\n' && v->n < MOST) {
		end = strchr(s, '\n');
		if (end == NULL)
			end = s + strlen(s);
		eq = memchr(s, '=', (size_t)(end - s));
		if (*end == '\n')
			*end++ = '\0';
		if (eq != NULL) {
			*eq = '\0';
			v->name[v->n] = s;
			v->value[v->n++] = eq + 1;
		}
		s = end;
	}
	return *s == '\n' ? s + 1 : s;
}

static void
check_text(const char *s)
{
	for (size_t n; *s != '\0'; s += n) {
		n = utf8_length(s);
		if (n == 0 || (unsigned char)*s < 0x20 || *s == 0x7f)
			abort();
	}
}

static void
check_pairs(const struct pairs *p)
{
	if (p->n > PAIRS_MOST)
		abort();
	for (size_t i = 0; i < p->n; i++) {
		check_text(p->v[i].name);
		check_text(p->v[i].text);
	}
}

/* 0 ends the list. */
static const int unread[] = { 400, 413, 414, 415, 0 };
static const int refused[] = { 400, 401, 403, 404, 405, 413, 414, 415, 422, 0 };

static void
check_status(const int *list, int status, const struct err *e)
{
	while (*list != 0 && *list != status)
		list++;
	if (*list == 0 || e->msg[0] == '\0')
		abort();
}

/* Routes: each is reached only by who may. */

static const struct variables *asked;
static const char *token; /* of the server; NULL: none */

/* As authorise.h has it, in other words. */
static int
may_write(const struct request *r)
{
	static const char *const proxies[] = { "HTTP_X_FORWARDED_FOR",
		"HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP" };
	const char *host = r->host != NULL ? r->host : "";
	const char *from = r->remote != NULL ? r->remote : "";
	const char *key = r->authorization;

	if (r->origin != NULL &&
	    (strncasecmp(r->origin, "http", 4) != 0 ||
		strlen(r->origin) <= strlen(host) ||
		strcasecmp(
		    r->origin + strlen(r->origin) - strlen(host), host) != 0))
		return 0;
	if (r->fetch_site != NULL && strstr(r->fetch_site, "cross") != NULL)
		return 0;
	if (token != NULL)
		return key != NULL && strlen(key) > strlen(token) &&
		       strcmp(key + strlen(key) - strlen(token), token) == 0 &&
		       strncasecmp(key, "bearer ", 7) == 0;
	for (size_t i = 0; i < sizeof(proxies) / sizeof(proxies[0]); i++)
		for (size_t j = 0; j < asked->n; j++)
			if (strcmp(asked->name[j], proxies[i]) == 0)
				return 0;
	return (strstr(from, "127.") != NULL || strstr(from, "::1") != NULL) &&
	       (strncasecmp(host, "localhost", 9) == 0 ||
		   strncmp(host, "127.0.0.1", 9) == 0 ||
		   strncmp(host, "[::1]", 5) == 0);
}

static int
reached(struct call *c, int writes)
{
	struct dataset d;
	struct err e = { 0 };

	if (writes && !may_write(c->request))
		abort();
	if (c->id[0] != '\0' && !task_is_id(c->id))
		abort();
	for (int i = 0; i < INPUT__MAX; i++)
		if (c->text[i] != NULL)
			check_text(c->text[i]);
	if (api_dataset(c, &d, &e) != 0 && e.msg[0] == '\0')
		abort();
	return 200;
}

#define READS(name)                                                            \
	int name(struct call *c, struct err *e)                                \
	{                                                                      \
		(void)e;                                                       \
		return reached(c, 0);                                          \
	}
#define WRITES(name)                                                           \
	int name(struct call *c, struct err *e)                                \
	{                                                                      \
		(void)e;                                                       \
		return reached(c, 1);                                          \
	}

/* clang-format off */
READS(stocks_get) READS(stocks_returns) READS(task_get) READS(queue_view)
READS(cache_view) READS(health) READS(health_live) READS(health_ready)
READS(openapi_get) READS(metrics) READS(scheduler_status)
WRITES(task_cancel) WRITES(task_requeue) WRITES(cache_clear_post)
WRITES(scheduler_start) WRITES(scheduler_stop) WRITES(scheduler_refresh_post)
WRITES(scheduler_force_post)
    /* clang-format on */

    /* Nobody asks for a task here. */
    void report_task_json(
	struct buf *b, const struct task *t, int64_t position, int64_t max)
{
	(void)b;
	(void)t;
	(void)position;
	(void)max;
}

/* Strictly JSON, in UTF-8. */
static void
check_json(const struct buf *b)
{
	struct json_tokener *t = json_tokener_new();
	struct json_object *o;

	if (t == NULL)
		return;
	json_tokener_set_flags(
	    t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	o = json_tokener_parse_ex(t, b->data, (int)b->len);
	if (o == NULL)
		abort();
	for (size_t i = 0; i + 1 < b->len; i++)
		if ((unsigned char)b->data[i] < 0x20)
			abort();
	json_object_put(o);
	json_tokener_free(t);
}

/* Lines of a head are "Name: value", without control characters. */
static void
check_head(const char *s)
{
	for (size_t n; *s != '\0' && *s != '\r'; s += n + 2) {
		n = strcspn(s, "\r\n");
		if (memcmp(s + n, "\r\n", 2) != 0 || memchr(s, ':', n) == NULL)
			abort();
		for (size_t i = 0; i < n; i++)
			if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
				abort();
	}
	if (strcmp(s, "\r\n") != 0)
		abort();
}

/* The whole way of a request that could be read. */
static void
answer(struct request *r, const char *body)
{
	static struct config config;
	struct api api = { .config = &config };
	struct err e = { 0 };
	struct answer a;
	struct buf head;
	int status;

	config.api_token[0] = '\0';
	if (token != NULL)
		memcpy(config.api_token, token, strlen(token) + 1);
	answer_init(&a);
	answer_clear(&a);
	buf_init(&head, 64u << 10);
	status = api_answer(&api, r, body, &a, &e);
	if (status != 200 && status != 204) {
		check_status(refused, status, &e);
		answer_problem(&a, r, status, &e);
		check_json(&a.body);
	}
	if (answer_head(&a, r, status, &head, &e) == RC_OK)
		check_head(head.data);
	buf_fini(&head);
	answer_fini(&a);
}

/* Bytes of the input, of their own size: overruns show. */
static char *
copy_of(const char *body, size_t have, struct request *r)
{
	char *copy;

	if (r->length > have)
		r->length = have;
	copy = malloc(r->length > 0 ? r->length : 1);
	if (copy != NULL)
		memcpy(copy, body, r->length);
	return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request *r = calloc(1, sizeof(*r));
	struct variables v = { .n = 0 };
	char *text = malloc(size + 1), *copy = NULL, *body;
	struct err e = { 0 };
	int status;

	if (r == NULL || text == NULL)
		goto out;
	memcpy(text, data, size);
	text[size] = '\0';
	body = split(text, &v);
	status = request_read(r, get, &v, &e);
	if (r->id[0] == '\0' || strlen(r->id) > REQUEST_ID)
		abort();
	request_has_tag(r->if_none_match, "0123456789abcdef");
	request_takes_gzip(r->accept_encoding);
	if (status == 0) {
		check_pairs(&r->query);
		copy = copy_of(body, (size_t)(text + size - body), r);
		if (copy == NULL)
			goto out;
		status = request_body(r, copy, &e);
		if (status == 0)
			check_pairs(&r->body);
		if (request_read(r, get, &v, &e) != 0)
			abort();
		if (r->length > (size_t)(text + size - body))
			r->length = (size_t)(text + size - body);
		asked = &v;
		token = get(&v, "API_TOKEN");
		if (token != NULL &&
		    (*token == '\0' || strlen(token) >= LIMIT_SETTING))
			token = NULL;
		answer(r, copy);
	}
	if (status != 0)
		check_status(unread, status, &e);
out:
	free(copy);
	free(text);
	free(r);
	return 0;
}
