#include <string.h>

#include "api.h"
#include "authorise.h"
#include "data/envelope.h"
#include "report.h"

#define ID_MARK "{id}"

/* Does the path fit?  What stands for {id} is copied out. */
static int
fits(const char *pattern, const char *path, char id[TASK_ID + 1])
{
	const char *mark = strstr(pattern, ID_MARK);
	size_t head;

	id[0] = '\0';
	if (mark == NULL)
		return strcmp(pattern, path) == 0;
	head = (size_t)(mark - pattern);
	if (strncmp(pattern, path, head) != 0 ||
	    strlen(path + head) < TASK_ID ||
	    strcmp(path + head + TASK_ID, mark + strlen(ID_MARK)) != 0)
		return 0;
	memcpy(id, path + head, TASK_ID);
	id[TASK_ID] = '\0';
	return task_is_id(id);
}

/* HEAD is answered by what answers GET. */
static unsigned
answered_by(const struct route *route)
{
	return route->method | (route->method == METHOD_GET ? METHOD_HEAD : 0u);
}

static void
header_allow(struct answer *a, unsigned allowed)
{
	answer_header(a, "Allow", "%s%s%s%sOPTIONS",
	    allowed & METHOD_GET ? "GET, HEAD" : "",
	    allowed & METHOD_GET ? ", " : "",
	    allowed & METHOD_POST ? "POST, " : "",
	    allowed & METHOD_DELETE ? "DELETE, " : "");
}

/* 0, 404, 405, or 204 for OPTIONS. */
static int
find(const struct request *r, const struct route **out, char id[TASK_ID + 1],
    struct answer *a, struct err *e)
{
	unsigned allowed = 0;

	for (size_t i = 0; i < nroutes; i++) {
		if (!fits(routes[i].path, r->path, id))
			continue;
		allowed |= answered_by(&routes[i]);
		if (answered_by(&routes[i]) & r->method) {
			*out = &routes[i];
			return 0;
		}
	}
	if (allowed == 0) {
		err_set(e, RC_NOTFOUND,
		    "there is nothing here; /api/openapi.json lists what is");
		return 404;
	}
	header_allow(a, allowed);
	if (r->method == METHOD_OPTIONS)
		return 204;
	err_set(e, RC_METHOD, "not with this method");
	return 405;
}

static int
unknown(const struct pair *p, struct err *e)
{
	err_set(e, RC_USAGE, "unknown parameter \"%.60s\"", p->name);
	return 400;
}

/* Known ones into the call: each whole, and once. */
static int
take_pairs(
    struct call *c, const struct pairs *pairs, unsigned takes, struct err *e)
{
	unsigned seen = 0;

	for (size_t i = 0; i < pairs->n; i++) {
		const struct pair *p = &pairs->v[i];
		int in = 0;

		while (in < INPUT__MAX && strcmp(inputs[in].name, p->name) != 0)
			in++;
		if (in == INPUT__MAX || !(takes & TAKES(in)))
			return unknown(p, e);
		if (seen & TAKES(in)) {
			err_set(e, RC_USAGE, "\"%s\" is given twice", p->name);
			return 400;
		}
		seen |= TAKES(in);
		if (p->kind == PAIR_NULL)
			continue;
		if (inputs[in].is_flag
			? p->kind != PAIR_TRUE && p->kind != PAIR_FALSE
			: p->kind != PAIR_TEXT) {
			err_set(e, RC_USAGE, "\"%s\" is not %s", p->name,
			    inputs[in].is_flag ? "true or false" : "a text");
			return 422;
		}
		c->text[in] = p->text;
		c->flag[in] = p->kind == PAIR_TRUE;
	}
	return 0;
}

static int
may(struct call *c, struct err *e)
{
	int status = authorise(c->api->config, c->request, e);

	if (status == 401)
		answer_header(c->answer, "WWW-Authenticate",
		    "Bearer realm=\"stocknity\"%s",
		    c->request->authorization != NULL
			? ", error=\"invalid_token\""
			: "");
	return status;
}

int
api_wants_body(const struct request *r)
{
	return r->length > 0 &&
	       (r->method == METHOD_POST || r->method == METHOD_DELETE);
}

int
api_answer(struct api *api, struct request *r, const char *body,
    struct answer *a, struct err *e)
{
	struct call c = { .api = api, .request = r, .answer = a };
	const struct route *route = NULL;
	char id[TASK_ID + 1];
	int status = find(r, &route, id, a, e);

	if (status != 0)
		return status;
	c.id = id;
	if (route->writes)
		status = may(&c, e);
	if (status == 0)
		status = take_pairs(&c, &r->query, route->query, e);
	if (status == 0 && api_wants_body(r))
		status = request_body(r, body, e);
	if (status == 0)
		status = take_pairs(&c, &r->body, route->body, e);
	return status != 0 ? status : route->run(&c, e);
}

/* The names that would have been right, as a member of the problem. */
static int
not_known(struct call *c, enum input input, const struct dataset_name *names,
    size_t n)
{
	struct buf *b = &c->answer->extra;

	buf_addf(b, ",\"parameter\":\"%s\",\"allowed\":[", inputs[input].name);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(b, ',');
		envelope_string(b, names[i].name);
	}
	buf_addc(b, ']');
	return 422;
}

int
api_dataset(struct call *c, struct dataset *out, struct err *e)
{
	struct dataset d = { DATASET_DEFAULT_INDEX, DATASET_ANY };
	const char *index = c->text[INPUT_INDEX];
	const char *sector = c->text[INPUT_SECTOR];

	if (index != NULL && dataset_index(index, &d.index, e) != RC_OK)
		return not_known(
		    c, INPUT_INDEX, dataset_indexes, DATASET_INDEXES);
	if (sector != NULL && dataset_sector(sector, &d.sector, e) != RC_OK)
		return not_known(
		    c, INPUT_SECTOR, dataset_sectors, DATASET_SECTORS);
	*out = d;
	return 0;
}

int
api_status(enum rc rc)
{
	/* What the store cannot do now, it can later. */
	return rc == RC_DENIED ? 503 : rc_http(rc);
}

static enum rc
write_task(struct call *c, const char *id, struct task *t, struct err *e)
{
	int64_t position;
	enum rc rc = queue_get(c->api->queue, id, t, &position, e);

	if (rc == RC_OK)
		report_task_json(&c->answer->body, t, position,
		    c->api->config->task_max_attempts);
	return rc;
}

enum rc
api_task(struct call *c, const char *id, struct task *t, struct err *e)
{
	buf_addf(&c->answer->body, ",\"task_id\":\"%s\",\"task\":", id);
	return write_task(c, id, t, e);
}

enum rc
api_task_json(struct call *c, const char *id, struct err *e)
{
	struct task t;

	return write_task(c, id, &t, e);
}
