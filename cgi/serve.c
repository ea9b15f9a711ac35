#include <malloc.h>
#include <stdlib.h>

#include "base/log.h"
#include "scheduler.h"
#include "serve.h"

#define HEAD_MOST (20u << 10)
#define BIG       (1u << 20)

struct server {
	struct api api;
	struct request request;
	struct answer answer;
	struct buf head;
	char body[LIMIT_REQUEST + 1];
};

enum rc
server_new(struct server **out, const struct config *config, struct err *e)
{
	struct server *s = calloc(1, sizeof(*s));
	enum rc rc;

	if (s == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	s->api.config = config;
	answer_init(&s->answer);
	buf_init(&s->head, HEAD_MOST);
	/* Without Redis it starts as well, and answers as much as it can. */
	rc = redis_open_as(
	    &s->api.redis, config, REDIS_UNCONNECTED | REDIS_WARY, e);
	if (rc == RC_OK)
		rc = queue_open(&s->api.queue, config, s->api.redis, e);
	if (rc == RC_OK)
		rc = scheduler_open(
		    &s->api.scheduler, config, s->api.redis, s->api.queue, e);
	if (rc == RC_OK)
		*out = s;
	else
		server_free(s);
	return rc;
}

void
server_free(struct server *s)
{
	if (s == NULL)
		return;
	scheduler_close(s->api.scheduler);
	queue_close(s->api.queue);
	redis_close(s->api.redis);
	answer_fini(&s->answer);
	buf_fini(&s->head);
	free(s);
}

/* Read and judge the request, run its route; the status. */
static int
answer(struct server *s, const struct channel *ch, struct err *e)
{
	struct request *r = &s->request;
	int status = request_read(r, ch->get, ch->arg, e);

	if (status != 0)
		return status;
	if (api_wants_body(r) &&
	    ch->read(ch->arg, s->body, r->length) != r->length) {
		err_set(e, RC_USAGE, "the body is shorter than it said");
		return 400;
	}
	return api_answer(&s->api, r, s->body, &s->answer, e);
}

/* Ours to mend, somebody at the door, or a caller's mistake. */
static void
log_failure(const struct server *s, const struct channel *ch, int status,
    const struct err *e)
{
	static const char line[] = "id=%s %s %.200s status=%d rc=%s: %s";
	const char *method = ch->get(ch->arg, "REQUEST_METHOD");

	if (method == NULL)
		method = "-";
	if (status >= 500)
		log_error(line, s->request.id, method, s->request.path, status,
		    rc_name(e->rc), e->msg);
	else
		log_warn(line, s->request.id, method, s->request.path, status,
		    rc_name(e->rc), e->msg);
}

/* The failure as the answer; a route may have written its own. */
static void
fail(struct server *s, int status, const struct err *e)
{
	struct answer *a = &s->answer;
	int written = status == 503 && a->body.len > 0 &&
		      a->body.data[a->body.len - 1] == '\n';

	if (status == 503)
		answer_header(
		    a, "Retry-After", "%d", e->rc == RC_FULL ? 10 : 2);
	if (!written)
		answer_problem(a, &s->request, status, e);
}

static int
send_all(struct server *s, const struct channel *ch, int status)
{
	const struct answer *a = &s->answer;
	int bare =
	    s->request.method == METHOD_HEAD || status == 204 || status == 304;

	return ch->write(ch->arg, s->head.data, s->head.len) &&
	       (bare || a->body.len == 0 ||
		   ch->write(ch->arg, a->body.data, a->body.len)) &&
	       (bare || a->len == 0 || ch->write(ch->arg, a->bytes, a->len));
}

void
server_serve(struct server *s, const struct channel *ch)
{
	struct err e = { 0 };
	int status, is_big;

	answer_clear(&s->answer);
	buf_clear(&s->head);
	status = answer(s, ch, &e);
	if (status < 400 && buf_check(&s->answer.body, "answer", &e) != RC_OK)
		status = 500;
	if (status >= 400) {
		fail(s, status, &e);
		log_failure(s, ch, status, &e);
	}
	if (answer_head(&s->answer, &s->request, status, &s->head, &e) != RC_OK)
		log_error("id=%s not answered: %s", s->request.id, e.msg);
	else if (!send_all(s, ch, status))
		log_info("id=%s the other side is gone", s->request.id);
	is_big = s->answer.served.entry.len > BIG;
	answer_release(&s->answer);
	if (is_big) {
		/* The heap's end is not given back by itself where a small
		 * block has come behind the big ones meanwhile. */
		redis_shrink(s->api.redis);
		malloc_trim(0);
	}
}
