#include <stdlib.h>

#include "api.h"
#include "data/envelope.h"
#include "report.h"

static struct report
reporter(const struct call *c)
{
	return (struct report){ .config = c->api->config,
		.redis = c->api->redis,
		.queue = c->api->queue,
		.json = 1 };
}

int
queue_view(struct call *c, struct err *e)
{
	struct buf *b = &c->answer->body;
	struct queue_stats s;
	enum rc rc = queue_stats(c->api->queue, &s, e);

	if (rc != RC_OK)
		return api_status(rc);
	buf_adds(b, "{\"success\":true,\"queue\":");
	report_queue_json(b, &s);
	buf_adds(b, "}\n");
	return 200;
}

int
cache_view(struct call *c, struct err *e)
{
	struct report r = reporter(c);
	struct report_state *s = malloc(sizeof(*s));
	struct buf *b = &c->answer->body;
	enum rc rc;

	if (s == NULL) {
		err_set(e, RC_NOMEM, "out of memory");
		return 500;
	}
	rc = report_read(&r, REPORT_OF_CACHE, s, e);
	if (rc == RC_OK) {
		buf_adds(b, "{\"success\":true,");
		report_cache_json(b, s);
		buf_adds(b, ",\"sources\":");
		report_sources_json(b, r.config, s);
		buf_adds(b, "}\n");
	}
	free(s);
	return rc == RC_OK ? 200 : api_status(rc);
}

/* Which datasets a call of cache/clear means.  0 or 422. */
static int
what_to_clear(struct call *c, struct dataset *d, struct err *e)
{
	int all = c->flag[INPUT_ALL];
	int named =
	    c->text[INPUT_INDEX] != NULL || c->text[INPUT_SECTOR] != NULL;

	*d = (struct dataset){ NULL, NULL };
	if (all != named && all)
		return 0;
	if (all == named || c->text[INPUT_INDEX] == NULL) {
		err_set(e, RC_USAGE,
		    "say which: an index, an index and a sector, or all: true");
		return 422;
	}
	return api_dataset(c, d, e);
}

int
cache_clear_post(struct call *c, struct err *e)
{
	const char *sector = c->text[INPUT_SECTOR];
	struct dataset d;
	int status = what_to_clear(c, &d, e);
	int64_t n = 0;
	enum rc rc;

	if (status != 0)
		return status;
	rc = sector != NULL ? cache_clear(c->api->redis, &d, &n, e)
			    : cache_clear_all(c->api->redis, d.index, &n, e);
	if (rc != RC_OK)
		return api_status(rc);
	buf_addf(&c->answer->body,
	    "{\"success\":true,\"message\":\"Cache cleared\","
	    "\"cleared\":%lld}\n",
	    (long long)n);
	return 200;
}

/* What was found, as status --check finds it; no Redis is one finding. */
static int
health_body(
    struct buf *b, enum rc rc, const struct err *e, const struct buf *findings)
{
	int down = rc != RC_OK && rc != RC_UNHEALTHY;

	buf_addf(b, "{\"success\":%s,\"status\":\"%s\",\"error\":",
	    down ? "false" : "true",
	    down          ? "down"
	    : rc == RC_OK ? "ok"
			  : "degraded");
	if (down)
		envelope_string(b, e->msg);
	else
		buf_adds(b, "null");
	buf_adds(b, ",\"checks\":[");
	if (down) {
		buf_adds(b, "{\"name\":\"redis\",\"text\":");
		envelope_string(b, e->msg);
		buf_addc(b, '}');
	} else if (findings->len > 0) {
		buf_add(b, findings->data, findings->len);
	}
	buf_adds(b, "]}\n");
	return down ? api_status(rc) : 200;
}

int
health(struct call *c, struct err *e)
{
	struct report r = reporter(c);
	struct buf findings;
	enum rc rc, whole;
	int status;

	buf_init(&findings, 64u << 10);
	rc = report_findings(&r, &findings, e);
	whole = buf_check(&findings, "findings", e);
	if (whole != RC_OK)
		rc = whole;
	status = health_body(&c->answer->body, rc, e, &findings);
	buf_fini(&findings);
	return status;
}

int
health_live(struct call *c, struct err *e)
{
	(void)e;
	buf_adds(&c->answer->body, "{\"success\":true,\"status\":\"ok\"}\n");
	return 200;
}

int
health_ready(struct call *c, struct err *e)
{
	int64_t now;
	enum rc rc = redis_time_us(c->api->redis, &now, e);

	return rc == RC_OK ? health_live(c, e) : api_status(rc);
}

/* Without Redis too: then they say so. */
int
metrics(struct call *c, struct err *e)
{
	struct report r = reporter(c);
	enum rc rc;

	c->answer->type = "text/plain; version=0.0.4; charset=utf-8";
	rc = report_prometheus(&r, &c->answer->body, e);
	return rc == RC_NOMEM ? 500 : 200;
}
