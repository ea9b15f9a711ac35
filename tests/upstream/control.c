#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "market.h"
#include "sessions.h"

#define JSON "application/json"

/* POST adds rules, GET lists them; both answer with the list. */
void
control_faults(struct world *w, const struct request *rq,
    const struct fault *fault, struct answer *a)
{
	char why[128];

	(void)fault;
	if (strcmp(rq->method, "POST") == 0 && rq->body.len > 0 &&
	    faults_add(w->faults, rq->body.s, why, sizeof(why)) != 0) {
		answer_set(a, 400, JSON, "{\"error\":");
		text_json(&a->body, why);
		text_add(&a->body, "}\n");
		return;
	}
	answer_set(a, 200, JSON, "");
	faults_json(w->faults, &a->body);
	text_add(&a->body, "\n");
}

/* Faults, counters, log and Yahoo's sessions. */
void
control_reset(struct world *w, const struct request *rq,
    const struct fault *fault, struct answer *a)
{
	(void)fault;
	if (strcmp(rq->method, "POST") != 0) {
		answer_set(a, 405, JSON, "{\"error\":\"POST only\"}\n");
		return;
	}
	faults_clear(w->faults);
	calls_reset(w->calls);
	sessions_clear(w->sessions);
	answer_set(a, 200, JSON, "{\"reset\":true}\n");
}

void
control_calls(struct world *w, const struct request *rq,
    const struct fault *fault, struct answer *a)
{
	(void)fault;
	answer_set(a, 200, JSON, "");
	calls_json(w->calls, &a->body,
	    strtoul(request_arg(rq, "since"), NULL, 10),
	    request_arg(rq, "path"));
}

void
control_health(struct world *w, const struct request *rq,
    const struct fault *fault, struct answer *a)
{
	(void)rq;
	(void)fault;
	answer_set(a, 200, JSON, "");
	text_addf(&a->body,
	    "{\"demo\":true,\"companies\":%zu,\"era\":%d,\"seed\":%llu}\n",
	    w->market.n, w->opt.era, (unsigned long long)w->opt.seed);
}
