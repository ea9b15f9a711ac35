#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "calls.h"
#include "text.h"

enum { RING = 10000 };

struct call {
	unsigned long no, connection;
	int64_t arrived_us, done_us; /* monotonic; done 0: under way */
	char *path, *query, *agent;
	char fault[16];
	int status;
};

struct path_count {
	char *path;
	unsigned long n;
};

struct calls {
	pthread_mutex_t lock;
	unsigned long last;      /* number of the last call, never reset */
	unsigned long forgotten; /* number of the last call before the reset */
	unsigned long under_way, peak, connections, newest_connection;
	struct path_count *paths;
	size_t npaths;
	struct call ring[RING]; /* call n at n % RING */
};

struct calls *
calls_new(void)
{
	struct calls *c = mem_new(sizeof(*c));

	pthread_mutex_init(&c->lock, NULL);
	return c;
}

static void
forget(struct call *call)
{
	free(call->path);
	free(call->query);
	free(call->agent);
	*call = (struct call){ 0 };
}

static void
forget_all(struct calls *c)
{
	size_t i;

	for (i = 0; i < RING; i++)
		forget(&c->ring[i]);
	for (i = 0; i < c->npaths; i++)
		free(c->paths[i].path);
	free(c->paths);
	c->paths = NULL;
	c->npaths = 0;
}

void
calls_free(struct calls *c)
{
	if (c == NULL)
		return;
	forget_all(c);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static int64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void
count_path(struct calls *c, const char *path)
{
	struct path_count *grown;
	size_t i;

	for (i = 0; i < c->npaths; i++)
		if (strcmp(c->paths[i].path, path) == 0) {
			c->paths[i].n++;
			return;
		}
	grown = realloc(c->paths, (c->npaths + 1) * sizeof(*grown));
	if (grown == NULL)
		return; /* the log still has the call */
	c->paths = grown;
	c->paths[c->npaths++] = (struct path_count){ mem_dup(path), 1 };
}

/* Numbers of connections only grow, so a new one is above all before. */
static void
count_connection(struct calls *c, unsigned long connection)
{
	size_t i;

	if (connection > c->newest_connection) {
		c->newest_connection = connection;
		c->connections++;
		return;
	}
	for (i = 0; i < RING; i++)
		if (c->ring[i].connection == connection)
			return;
	c->connections++;
}

unsigned long
calls_begin(struct calls *c, const char *uri, unsigned long connection)
{
	int64_t now = now_us();
	size_t len = strcspn(uri, "?");
	struct call *call;
	unsigned long no;

	pthread_mutex_lock(&c->lock);
	count_connection(c, connection);
	no = ++c->last;
	call = &c->ring[no % RING];
	forget(call);
	call->no = no;
	call->connection = connection;
	call->arrived_us = now;
	call->query = mem_dup(uri[len] == '?' ? uri + len + 1 : "");
	call->path = mem_dup(uri);
	call->path[len] = '\0';
	count_path(c, call->path);
	if (++c->under_way > c->peak)
		c->peak = c->under_way;
	pthread_mutex_unlock(&c->lock);
	return no;
}

void
calls_answer(struct calls *c, unsigned long no, int status, const char *fault,
    const char *agent)
{
	struct call *call = &c->ring[no % RING];

	pthread_mutex_lock(&c->lock);
	if (call->no == no) {
		call->status = status;
		snprintf(call->fault, sizeof(call->fault), "%s", fault);
		free(call->agent);
		call->agent = mem_dup(agent);
	}
	pthread_mutex_unlock(&c->lock);
}

void
calls_end(struct calls *c, unsigned long no)
{
	struct call *call = &c->ring[no % RING];

	pthread_mutex_lock(&c->lock);
	c->under_way--;
	if (call->no == no)
		call->done_us = now_us();
	pthread_mutex_unlock(&c->lock);
}

/* Calls under way stay so. */
void
calls_reset(struct calls *c)
{
	pthread_mutex_lock(&c->lock);
	forget_all(c);
	c->forgotten = c->last;
	c->peak = c->under_way;
	c->connections = 0;
	c->newest_connection = 0;
	pthread_mutex_unlock(&c->lock);
}

static void
call_json(struct text *t, const struct call *call)
{
	text_addf(t, "{\"n\":%lu,\"us\":%lld,\"done_us\":%lld,", call->no,
	    (long long)call->arrived_us, (long long)call->done_us);
	text_addf(t,
	    "\"connection\":%lu,\"status\":%d,\"path\":", call->connection,
	    call->status);
	text_json(t, call->path);
	text_add(t, ",\"query\":");
	text_json(t, call->query);
	text_add(t, ",\"fault\":");
	text_json(t, call->fault);
	text_add(t, ",\"agent\":");
	text_json(t, call->agent != NULL ? call->agent : "");
	text_add(t, "}");
}

static void
log_json(const struct calls *c, struct text *t, unsigned long since,
    const char *prefix)
{
	unsigned long no = c->last > RING ? c->last - RING + 1 : 1;
	const struct call *call;
	const char *sep = "";

	if (no <= c->forgotten)
		no = c->forgotten + 1;
	if (no <= since)
		no = since + 1;
	text_add(t, ",\"log\":[");
	for (; no <= c->last; no++) {
		call = &c->ring[no % RING];
		if (call->no != no ||
		    strncmp(call->path, prefix, strlen(prefix)) != 0)
			continue;
		text_add(t, sep);
		call_json(t, call);
		sep = ",";
	}
	text_add(t, "]");
}

void
calls_json(
    struct calls *c, struct text *t, unsigned long since, const char *prefix)
{
	size_t i;

	pthread_mutex_lock(&c->lock);
	text_addf(t,
	    "{\"total\":%lu,\"last\":%lu,\"connections\":%lu,"
	    "\"under_way\":%lu,\"peak\":%lu,\"now_us\":%lld,\"paths\":{",
	    c->last - c->forgotten, c->last, c->connections, c->under_way,
	    c->peak, (long long)now_us());
	for (i = 0; i < c->npaths; i++) {
		text_add(t, i ? "," : "");
		text_json(t, c->paths[i].path);
		text_addf(t, ":%lu", c->paths[i].n);
	}
	text_add(t, "}");
	log_json(c, t, since, prefix);
	text_add(t, "}\n");
	pthread_mutex_unlock(&c->lock);
}
