#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

#include "calls.h"
#include "deliver.h"
#include "market.h"
#include "server.h"

enum { BODY_MAX = 65536, CONNECTIONS_MAX = 1000, IDLE_SECONDS = 120 };

struct server {
	struct world *world;
	struct MHD_Daemon *daemon;
	atomic_ulong connections;
};

const char *
request_arg(const struct request *rq, const char *name)
{
	const char *s;

	s = MHD_lookup_connection_value(rq->con, MHD_GET_ARGUMENT_KIND, name);
	return s != NULL ? s : "";
}

const char *
request_header(const struct request *rq, const char *name)
{
	const char *s;

	s = MHD_lookup_connection_value(rq->con, MHD_HEADER_KIND, name);
	return s != NULL ? s : "";
}

/* Connections have numbers from 1, kept in place of a pointer. */
static void
on_connection(void *cls, struct MHD_Connection *con, void **context,
    enum MHD_ConnectionNotificationCode code)
{
	struct server *s = cls;

	(void)con;
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		*context = (void *)(uintptr_t)(++s->connections);
}

static unsigned long
connection_number(struct MHD_Connection *con)
{
	const union MHD_ConnectionInfo *info;

	info = MHD_get_connection_info(con, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return (unsigned long)(uintptr_t)info->socket_context;
}

/* The first line of a call has been read: the moment that the log shows. */
static void *
on_uri(void *cls, const char *uri, struct MHD_Connection *con)
{
	struct server *s = cls;
	struct request *rq = mem_new(sizeof(*rq));

	rq->con = con;
	rq->uri = mem_dup(uri);
	rq->query = strchr(rq->uri, '?');
	rq->query = rq->query != NULL ? rq->query + 1 : "";
	if (strncmp(uri, "/_/", 3) != 0)
		rq->call =
		    calls_begin(s->world->calls, uri, connection_number(con));
	return rq;
}

static void
end_call(struct world *w, struct request *rq)
{
	if (rq->call != 0 && !rq->ended)
		calls_end(w->calls, rq->call);
	rq->ended = 1;
}

static void
on_end(void *cls, struct MHD_Connection *con, void **context,
    enum MHD_RequestTerminationCode code)
{
	struct server *s = cls;
	struct request *rq = *context;

	(void)con;
	(void)code;
	if (rq == NULL)
		return;
	end_call(s->world, rq);
	text_free(&rq->body);
	free(rq->uri);
	free(rq);
	*context = NULL;
}

/*
 * An answer that is sent at once counts as ended before its first byte leaves:
 * else a client that makes one call after the other would seem to overlap.
 */
static void
note(struct world *w, struct request *rq, int status, const struct fault *f)
{
	calls_answer(w->calls, rq->call, status, f->name,
	    request_header(rq, "User-Agent"));
	if (!deliver_lasts(f))
		end_call(w, rq);
	if (w->opt.verbose)
		fprintf(stderr, "market: %s %s %d %s\n", rq->method, rq->uri,
		    status, f->name);
}

static enum MHD_Result
answer_control(struct world *w, const struct request *rq, handler *handle)
{
	static const struct fault none = { .kind = FAULT_NONE };
	struct answer a = { 0 };
	enum MHD_Result rc;

	handle(w, rq, &none, &a);
	rc = deliver(rq, &a, &none);
	answer_free(&a);
	return rc;
}

/* Faults without any answer: 1 when the connection is to be closed. */
static int
no_answer(struct world *w, struct request *rq, const struct fault *f)
{
	if (f->kind != FAULT_SILENCE && (f->kind != FAULT_RESET || f->n > 0))
		return 0;
	note(w, rq, 0, f);
	if (f->kind == FAULT_SILENCE)
		deliver_wait(rq->con, f->n * 1000);
	else
		deliver_reset(rq->con);
	return 1;
}

static enum MHD_Result
answer_market(struct world *w, struct request *rq, handler *handle)
{
	struct answer a = { 0 };
	enum MHD_Result rc;
	struct fault f;

	if (w->opt.latency_ms > 0 && !deliver_wait(rq->con, w->opt.latency_ms))
		return MHD_NO;
	faults_pick(w->faults, rq->path, rq->query, &f);
	if (no_answer(w, rq, &f))
		return MHD_NO;
	if (strcmp(rq->method, "GET") != 0 && strcmp(rq->method, "HEAD") != 0)
		answer_set(&a, 405, "text/plain", "GET only\n");
	else if (!fault_answer(w, rq, &f, &a))
		handle(w, rq, &f, &a);
	if (f.kind == FAULT_CUT)
		fault_cut(&a.body);
	note(w, rq, a.status, &f);
	rc = deliver(rq, &a, &f);
	answer_free(&a);
	return rc;
}

/* MHD calls this for the head, for each piece of body, and at their end. */
static enum MHD_Result
on_call(void *cls, struct MHD_Connection *con, const char *path,
    const char *method, const char *version, const char *upload,
    size_t *upload_size, void **context)
{
	struct server *s = cls;
	struct request *rq = *context;
	handler *handle;
	int control;

	(void)con;
	(void)version;
	rq->path = path;
	rq->method = method;
	if (!rq->begun) {
		rq->begun = 1;
		return MHD_YES;
	}
	if (*upload_size > 0) {
		if (rq->body.len + *upload_size > BODY_MAX)
			return MHD_NO;
		text_addn(&rq->body, upload, *upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	handle = route_find(path, &control);
	if (control)
		return answer_control(s->world, rq, handle);
	return answer_market(s->world, rq, handle);
}

static struct MHD_Daemon *
start(struct server *s, uint16_t port)
{
	struct sockaddr_in here = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD |
			 MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL;

	if (s->world->opt.verbose)
		flags |= MHD_USE_ERROR_LOG;
	return MHD_start_daemon(flags, port, NULL, NULL, on_call, s,
	    MHD_OPTION_SOCK_ADDR, &here, MHD_OPTION_URI_LOG_CALLBACK, on_uri, s,
	    MHD_OPTION_NOTIFY_COMPLETED, on_end, s,
	    MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
	    MHD_OPTION_END);
}

struct server *
server_new(struct world *w, uint16_t *port)
{
	struct server *s = mem_new(sizeof(*s));

	s->world = w;
	s->daemon = start(s, *port);
	if (s->daemon == NULL) {
		free(s);
		return NULL;
	}
	*port = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
	return s;
}

void
server_free(struct server *s)
{
	if (s == NULL)
		return;
	MHD_stop_daemon(s->daemon);
	free(s);
}
