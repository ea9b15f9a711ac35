#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "deliver.h"
#include "faults.h"
#include "gzip.h"
#include "market.h"

enum { MIB = 1024 * 1024, BLOCK = 32768, TICK_MS = 100 };

/* An answer on its way; freed by MHD through delivery_free(). */
struct delivery {
	struct MHD_Connection *con;
	struct text body;
	long n;
};

static int
socket_of(struct MHD_Connection *con)
{
	return MHD_get_connection_info(con, MHD_CONNECTION_INFO_CONNECTION_FD)
	    ->connect_fd;
}

/* MHD_stop_daemon() shuts each socket down, so this ends with the server. */
int
deliver_wait(struct MHD_Connection *con, long ms)
{
	struct pollfd p = { .fd = socket_of(con), .events = POLLRDHUP };

	return poll(&p, 1, (int)ms) == 0;
}

/*
 * Linux sends a RST at once when a connected socket is made to connect to
 * nothing; SO_LINGER would not help, as MHD calls shutdown() before close().
 */
void
deliver_reset(struct MHD_Connection *con)
{
	struct sockaddr nowhere = { .sa_family = AF_UNSPEC };

	(void)connect(socket_of(con), &nowhere, sizeof(nowhere));
}

/* Copy the body from pos on, at most max bytes. */
static ssize_t
copy(const struct delivery *d, uint64_t pos, char *buf, size_t max)
{
	size_t left = d->body.len - (size_t)pos;

	if (left == 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (left > max)
		left = max;
	memcpy(buf, d->body.s + pos, left);
	return (ssize_t)left;
}

static ssize_t
read_slow(void *cls, uint64_t pos, char *buf, size_t max)
{
	struct delivery *d = cls;
	size_t tick = (size_t)d->n * TICK_MS / 1000;

	if (!deliver_wait(d->con, TICK_MS))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	tick = tick > 0 ? tick : 1;
	return copy(d, pos, buf, max < tick ? max : tick);
}

/* Does the body break off here?  Then -1, else how much may be copied. */
static ssize_t
until_break(const struct delivery *d, uint64_t pos, size_t max)
{
	uint64_t limit = d->n > 0 ? (uint64_t)d->n : d->body.len / 2;

	if (pos >= limit)
		return -1;
	return limit - pos < max ? (ssize_t)(limit - pos) : (ssize_t)max;
}

static ssize_t
read_short(void *cls, uint64_t pos, char *buf, size_t max)
{
	struct delivery *d = cls;
	ssize_t n = until_break(d, pos, max);

	if (n < 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	return copy(d, pos, buf, (size_t)n);
}

static ssize_t
read_reset(void *cls, uint64_t pos, char *buf, size_t max)
{
	struct delivery *d = cls;
	ssize_t n = until_break(d, pos, max);

	if (n >= 0)
		return copy(d, pos, buf, (size_t)n);
	deliver_reset(d->con);
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

static ssize_t
read_stall(void *cls, uint64_t pos, char *buf, size_t max)
{
	struct delivery *d = cls;

	(void)pos;
	(void)buf;
	(void)max;
	deliver_wait(d->con, d->n * 1000);
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

static ssize_t
read_endless(void *cls, uint64_t pos, char *buf, size_t max)
{
	static const char line[] =
	    "<tr><td>demo market without end</td></tr>\n";
	struct delivery *d = cls;
	size_t i;

	if (pos >= (uint64_t)d->n * MIB)
		return MHD_CONTENT_READER_END_OF_STREAM;
	for (i = 0; i < max; i++)
		buf[i] = line[(pos + i) % (sizeof(line) - 1)];
	return (ssize_t)max;
}

/* How the body is read under each fault; all others are sent as they are. */
static const struct way {
	MHD_ContentReaderCallback read;
	enum fault_kind kind;
	int endless; /* the length is not told */
} ways[] = {
	{ read_slow, FAULT_SLOW, 0 },
	{ read_short, FAULT_SHORT, 0 },
	{ read_reset, FAULT_RESET, 0 },
	{ read_stall, FAULT_STALL, 0 },
	{ read_endless, FAULT_ENDLESS, 1 },
};

/* How the fault has the body read; NULL when it does not mind. */
static const struct way *
find_way(const struct fault *f)
{
	size_t i;

	for (i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if (ways[i].kind == f->kind)
			return &ways[i];
	return NULL;
}

int
deliver_lasts(const struct fault *f)
{
	return f->kind == FAULT_SILENCE || find_way(f) != NULL;
}

static void
delivery_free(void *cls)
{
	struct delivery *d = cls;

	text_free(&d->body);
	free(d);
}

/* A response that owns the answer's body. */
static struct MHD_Response *
make_response(const struct request *rq, struct answer *a, const struct fault *f)
{
	const struct way *way = find_way(f);
	struct MHD_Response *r;
	struct delivery *d;

	if (way != NULL) {
		d = mem_new(sizeof(*d));
		*d = (struct delivery){ rq->con, a->body, f->n };
		a->body = (struct text){ 0 };
		return MHD_create_response_from_callback(
		    way->endless ? MHD_SIZE_UNKNOWN : d->body.len, BLOCK,
		    way->read, d, delivery_free);
	}
	r = MHD_create_response_from_buffer(
	    a->body.len, a->body.s, MHD_RESPMEM_MUST_FREE);
	if (r != NULL)
		a->body = (struct text){ 0 };
	return r;
}

/* Pack the body if the client may have it so; 1 when it was packed. */
static int
pack(const struct request *rq, struct answer *a, const struct fault *f)
{
	const char *accept = request_header(rq, "Accept-Encoding");

	if (f->kind == FAULT_BOMB) {
		gzip_bomb(&a->body, (size_t)f->n);
		return 1;
	}
	if (f->kind == FAULT_BADGZIP && f->n == 0)
		return 1;
	if (f->kind == FAULT_ENDLESS)
		return 0; /* it is made up while it is sent */
	if (strstr(accept, "gzip") == NULL && f->kind != FAULT_BADGZIP)
		return 0;
	gzip_pack(&a->body);
	if (f->kind == FAULT_BADGZIP)
		memset(a->body.s + a->body.len / 2, 0xff, a->body.len / 4);
	return 1;
}

static void
add_headers(struct MHD_Response *r, const struct answer *a, int packed)
{
	size_t i;

	MHD_add_response_header(r, "Server", "stocknity-demo-market");
	MHD_add_response_header(r, "X-Market", "demo");
	MHD_add_response_header(r, "Content-Type", a->type);
	MHD_add_response_header(r, "Vary", "Accept-Encoding");
	if (packed)
		MHD_add_response_header(r, "Content-Encoding", "gzip");
	for (i = 0; i < a->nheaders; i++)
		MHD_add_response_header(
		    r, a->headers[i].name, a->headers[i].value);
}

enum MHD_Result
deliver(const struct request *rq, struct answer *a, const struct fault *f)
{
	int packed = pack(rq, a, f), status = a->status;
	struct MHD_Response *r;
	enum MHD_Result rc;

	r = make_response(rq, a, f);
	if (r == NULL)
		return MHD_NO;
	add_headers(r, a, packed);
	rc = MHD_queue_response(rq->con, (unsigned)status, r);
	MHD_destroy_response(r);
	return rc;
}
