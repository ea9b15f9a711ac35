#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"
#include "market.h"
#include "server.h"
#include "sessions.h"

#define USAGE                                                                  \
	"market [-hv] [--port N] [--port-file FILE] [--companies FILE]\n"      \
	"       [--era 2026|2021] [--label TEXT] [--latency MS] [--seed N]\n"  \
	"       [--today YYYY-MM-DD|now] [--with-parent]\n"

enum {
	DATA_DAY = 20320 /* 2025-08-20, the last close before the figures */
};

enum option_code {
	OPT_PORT = 256,
	OPT_PORT_FILE,
	OPT_COMPANIES,
	OPT_ERA,
	OPT_LABEL,
	OPT_LATENCY,
	OPT_SEED,
	OPT_TODAY,
	OPT_WITH_PARENT
};

static const struct option longs[] = {
	{ "port", required_argument, NULL, OPT_PORT },
	{ "port-file", required_argument, NULL, OPT_PORT_FILE },
	{ "companies", required_argument, NULL, OPT_COMPANIES },
	{ "era", required_argument, NULL, OPT_ERA },
	{ "label", required_argument, NULL, OPT_LABEL },
	{ "latency", required_argument, NULL, OPT_LATENCY },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "today", required_argument, NULL, OPT_TODAY },
	{ "with-parent", no_argument, NULL, OPT_WITH_PARENT },
	{ NULL, 0, NULL, 0 },
};

static _Noreturn void
help(void)
{
	struct text t = { 0 };

	text_add(&t, "usage: " USAGE
		     "A local market for tests: speaks Finviz (/screener), "
		     "Yahoo (/cookie, /v1, /v7, /v8),\nand behind any key but "
		     "wrong-key Alpha Vantage (/query), Polygon (/v2/aggs)\n"
		     "and IEX (/stable).\n"
		     "/export/screener is Finviz Elite's, with auth="
		     "\"" ELITE_TOKEN "\".\n\n");
	faults_help(&t);
	text_add(&t, "GET /_/faults lists them; POST /_/reset clears all; "
		     "GET /_/calls[?since=N&path=PREFIX]\nhas counts and the "
		     "log; GET /_/health.\n");
	fputs(t.s, stdout);
	text_free(&t);
	exit(EX_OK);
}

static _Noreturn void
usage(void)
{
	fputs("usage: " USAGE, stderr);
	exit(EX_USAGE);
}

static unsigned long long
number(const char *name, const char *s, unsigned long long max)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(s, &end, 10);
	if (errno != 0 || *s == '-' || end == s || *end != '\0' || n > max)
		errx(EX_USAGE, "--%s: not a number up to %llu: %s", name, max,
		    s);
	return n;
}

/* Days since 1970. */
static int64_t
date(const char *s)
{
	struct tm tm = { 0 };
	const char *end;

	if (strcmp(s, "now") == 0)
		return time(NULL) / 86400;
	end = strptime(s, "%Y-%m-%d", &tm);
	if (end == NULL || *end != '\0')
		errx(EX_USAGE, "--today: not a date: %s", s);
	return timegm(&tm) / 86400;
}

static void
set_option(struct options *o, int c, const char *arg)
{
	switch (c) {
	case OPT_PORT:
		o->port = (uint16_t)number("port", arg, 65535);
		break;
	case OPT_PORT_FILE:
		o->port_file = arg;
		break;
	case OPT_COMPANIES:
		o->companies = arg;
		break;
	case OPT_ERA:
		o->era = (int)number("era", arg, 2026);
		if (o->era != 2021 && o->era != 2026)
			errx(EX_USAGE, "--era: 2021 or 2026");
		break;
	case OPT_LABEL:
		o->label = arg;
		break;
	case OPT_LATENCY:
		o->latency_ms = (int)number("latency", arg, 600000);
		break;
	case OPT_SEED:
		o->seed = number("seed", arg, UINT64_MAX);
		break;
	case OPT_TODAY:
		o->today = date(arg);
		break;
	}
}

/* The parent may have died before we asked to be told. */
static void
die_with_parent(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		exit(EX_OK);
}

static void
read_options(struct options *o, int argc, char *argv[])
{
	pid_t parent = getppid();
	int c;

	*o = (struct options){
		.companies = "tests/upstream/companies.csv",
		.label = "",
		.era = 2026,
		.seed = 1,
		.today = DATA_DAY,
	};
	while ((c = getopt_long(argc, argv, "hv", longs, NULL)) != -1)
		if (c == 'h')
			help();
		else if (c == 'v')
			o->verbose++;
		else if (c == OPT_WITH_PARENT)
			die_with_parent(parent);
		else if (c == '?')
			usage();
		else
			set_option(o, c, optarg);
	if (optind != argc)
		usage();
}

/* Say where we listen: who waits for the file finds it whole. */
static void
tell_port(const struct options *o, uint16_t port)
{
	struct text part = { 0 };
	FILE *f;

	if (o->port_file == NULL) {
		printf("http://127.0.0.1:%u\n", port);
		fflush(stdout);
		return;
	}
	text_addf(&part, "%s.part", o->port_file);
	f = fopen(part.s, "w");
	if (f == NULL || fprintf(f, "%u\n", port) < 0 || fclose(f) != 0 ||
	    rename(part.s, o->port_file) != 0)
		err(EX_CANTCREAT, "%s", o->port_file);
	text_free(&part);
}

/* Serve until a signal; they are blocked, so that only this thread has them. */
static int
serve(struct world *w, const sigset_t *signals)
{
	uint16_t port = w->opt.port;
	struct server *s = server_new(w, &port);
	int got;

	if (s == NULL) {
		warnx("cannot listen on port %u", w->opt.port);
		return EX_UNAVAILABLE;
	}
	tell_port(&w->opt, port);
	sigwait(signals, &got);
	server_free(s);
	return EX_OK;
}

int
main(int argc, char *argv[])
{
	struct world w = { 0 };
	sigset_t signals;
	int status;

	read_options(&w.opt, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);

	if (market_load(&w.market, w.opt.companies, w.opt.label) != 0)
		return EX_DATAERR;
	w.faults = faults_new(w.opt.seed);
	w.calls = calls_new();
	w.sessions = sessions_new(w.opt.seed);
	status = serve(&w, &signals);
	sessions_free(w.sessions);
	calls_free(w.calls);
	faults_free(w.faults);
	market_free(&w.market);
	return status;
}
