/*
 * Fetches addresses through net/http.h and prints what came of each, for
 * http_test.py: "status length rc message" a line, in order of arrival.
 */
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/http.h"

static const char usage[] =
    "http_get [-c cookie] [-a accept] [-d ms] [-j n] [-x ms] [-r n]\n"
    "    [-g header] [-Hkmpw] url...\n"
    "  -c  the Cookie header of the first request\n"
    "  -H  stop after the headers\n"
    "  -d  deadline of each request, from its start (default 60000)\n"
    "  -j  requests in flight together (default 1)\n"
    "  -w  the first alone, then the rest together\n"
    "  -x  cancel everything after ms\n"
    "  -k  the first answer cancels everything else\n"
    "  -m  print the peak of memory at the end, \"peak KiB\"\n"
    "  -r  go through the list n times\n"
    "  -g  print each header of that name as the message\n"
    "  -p  print the body, too\n";

#define IDS 64

struct run {
	struct http *http;
	struct http_request request; /* what all have in common */
	char **urls;
	int nurls;
	int total;   /* to start in all */
	int started; /* whatever came of it */
	int ended;
	int together;
	int warm;
	int kill;
	int stopped;
	int print;
	const char *header;
	int64_t deadline_ms;
	unsigned ids[IDS]; /* the latest; old ones have ended */
};

typedef int lookup(
    const char *, const char *, const struct addrinfo *, struct addrinfo **);

/* Stands before the C library's own: names that begin with "slow" are those
 * of a name server that does not answer. */
int
getaddrinfo(const char *name, const char *service, const struct addrinfo *req,
    struct addrinfo **pai)
{
	lookup *real = (lookup *)dlsym(RTLD_NEXT, "getaddrinfo");

	if (name != NULL && strncmp(name, "slow", 4) == 0) {
		sleep(4);
		return EAI_AGAIN;
	}
	return real != NULL ? real(name, service, req, pai) : EAI_FAIL;
}

static void
cancel_all(struct run *r)
{
	size_t before = http_active(r->http);

	r->stopped = 1;
	for (int i = 0; i < IDS; i++)
		http_cancel(r->http, r->ids[i]);
	printf("cancelled %zu, active %zu\n", before, http_active(r->http));
}

static void
report(struct run *r, const struct http_response *a)
{
	char value[512];

	printf("%d %zu %s", a->status, a->len, rc_name(a->why.rc));
	if (a->status == 0)
		printf(" %s", a->why.msg);
	else if (a->retry_after_ms >= 0)
		printf(" retry-after=%lld", (long long)a->retry_after_ms);
	for (int i = 0; r->header != NULL &&
			http_header(a, r->header, i, value, sizeof(value));
	     i++)
		printf(" [%s]", value);
	putchar('\n');
	if (r->print)
		printf("%.*s\n", (int)a->len, a->body);
}

static void start_some(struct run *r);

static void
on_done(void *arg, const struct http_response *a)
{
	struct run *r = arg;

	r->ended++;
	report(r, a);
	if (r->kill && !r->stopped)
		cancel_all(r);
	start_some(r);
}

static void
start_one(struct run *r)
{
	struct http_response none = {
		.body = "", .headers = "", .retry_after_ms = -1
	};
	const char *url = r->urls[r->started % r->nurls];

	if (r->started > 0)
		r->request.cookie[0] = '\0';
	snprintf(r->request.url, sizeof(r->request.url), "%s", url);
	r->request.tag = (unsigned)r->started;
	if (http_start(r->http, &r->request, clock_mono_ms() + r->deadline_ms,
		on_done, r, &r->ids[r->started % IDS], &none.why) != RC_OK) {
		r->ended++;
		report(r, &none);
	}
	r->started++;
}

static void
start_some(struct run *r)
{
	int most = r->warm && r->ended == 0 ? 1 : r->together;

	while (!r->stopped && r->started < r->total &&
	       http_active(r->http) < (size_t)most)
		start_one(r);
}

static void
run(struct run *r, int64_t cancel_ms)
{
	int64_t end = clock_mono_ms() + cancel_ms, now;
	struct err e = { 0 };

	start_some(r);
	while (http_active(r->http) > 0) {
		now = clock_mono_ms();
		if (cancel_ms > 0 && now >= end) {
			cancel_all(r);
			return;
		}
		if (http_poll(r->http, cancel_ms > 0 ? end - now : 1000, &e) !=
		    RC_OK) {
			printf("poll: %s\n", e.msg);
			return;
		}
	}
}

/* Not ru_maxrss, which begins with what the caller of exec had. */
static void
print_peak(void)
{
	char line[256];
	FILE *f = fopen("/proc/self/status", "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "VmHWM:", 6) == 0)
			printf("peak %ld\n", strtol(line + 6, NULL, 10));
	if (f != NULL)
		fclose(f);
}

static int
number(const char *text)
{
	return (int)strtol(text, NULL, 10);
}

int
main(int argc, char *argv[])
{
	struct run r = { .together = 1, .deadline_ms = 60000 };
	struct config config;
	struct err e = { 0 };
	int c, repeat = 1, cancel_ms = 0, peak = 0;

	while ((c = getopt(argc, argv, "a:c:d:g:j:r:x:Hkmpw")) != -1)
		if (c == 'a')
			r.request.accept = optarg;
		else if (c == 'c')
			snprintf(r.request.cookie, sizeof(r.request.cookie),
			    "%s", optarg);
		else if (c == 'd')
			r.deadline_ms = number(optarg);
		else if (c == 'g')
			r.header = optarg;
		else if (c == 'j')
			r.together = number(optarg);
		else if (c == 'r')
			repeat = number(optarg);
		else if (c == 'x')
			cancel_ms = number(optarg);
		else if (c == 'H')
			r.request.head_only = 1;
		else if (c == 'k')
			r.kill = 1;
		else if (c == 'm')
			peak = 1;
		else if (c == 'p')
			r.print = 1;
		else if (c == 'w')
			r.warm = 1;
		else
			break;
	if (c != -1 || optind == argc) {
		fputs(usage, stderr);
		return 64;
	}
	r.urls = argv + optind;
	r.nurls = argc - optind;
	r.total = r.nurls * repeat;
	if (config_load(&config, &e) != RC_OK ||
	    http_open(&r.http, &config, &e) != RC_OK) {
		fprintf(stderr, "http_get: %s\n", e.msg);
		return rc_exit(e.rc);
	}
	run(&r, cancel_ms);
	if (peak)
		print_peak();
	http_close(r.http);
	return 0;
}
