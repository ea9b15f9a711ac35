/*
 * status: how queue, sources, cache and Redis stand.  It only looks; enqueue
 * changes.
 */
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/opt.h"
#include "report.h"

#define PROG "status"

static const char help[] =
    "usage: status [view] [--json] [-v]\n"
    "\n"
    "How queue, sources, cache and Redis stand.  Never writes.\n"
    "\n"
    "  (no view)        all in short\n"
    "  --queue          the queue\n"
    "  --task ID        all of a task; --watch follows it to its end\n"
    "  --failed         the failed tasks, newest first; --limit N (1-1000; "
    "20)\n"
    "  --sources        rate limit, hold, circuit breaker and last error\n"
    "  --cache          the datasets and annual returns: age, rows, source, "
    "reads\n"
    "  --doctor         is Redis as it should be, and what to do\n"
    "  --check          a line for everything that is wrong, nothing if all "
    "is\n"
    "                   well: for cron and monitors\n"
    "  --prometheus     all in short, as metrics for Prometheus\n"
    "  --json           as JSON\n"
    "  -v               say what is done; twice for more\n"
    "  -h, --help       this text\n"
    "  --version        the version\n"
    "\n"
    "Exit status: 0 done; 1 --check or --doctor found something; 64 usage;\n"
    "65 a task or a key in Redis that cannot be read; 66 no such task;\n"
    "69 no Redis; 71 system; 75 try later; 78 configuration.\n";

enum long_option {
	OPT_JSON = 256,
	OPT_WATCH,
	OPT_LIMIT,
	OPT_VERSION,
	OPT_VIEW /* and up: a view, by its number */
};

static const struct option options[] = {
	{ "queue", no_argument, NULL, OPT_VIEW + REPORT_QUEUE },
	{ "task", required_argument, NULL, OPT_VIEW + REPORT_TASK },
	{ "failed", no_argument, NULL, OPT_VIEW + REPORT_FAILED },
	{ "sources", no_argument, NULL, OPT_VIEW + REPORT_SOURCES },
	{ "cache", no_argument, NULL, OPT_VIEW + REPORT_CACHE },
	{ "doctor", no_argument, NULL, OPT_VIEW + REPORT_DOCTOR },
	{ "check", no_argument, NULL, OPT_VIEW + REPORT_CHECK },
	{ "prometheus", no_argument, NULL, OPT_VIEW + REPORT_PROMETHEUS },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "watch", no_argument, NULL, OPT_WATCH },
	{ "limit", required_argument, NULL, OPT_LIMIT },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static void
take(struct report *r, int c)
{
	if (c == OPT_JSON) {
		r->json = 1;
	} else if (c == OPT_WATCH) {
		r->watch = 1;
	} else if (c == OPT_LIMIT) {
		r->limit = opt_int(PROG, "--limit", optarg, 1, 1000);
	} else if (c == 'v') {
		log_set_level(log_level() < LOG_INFO ? LOG_INFO : LOG_DEBUG);
	} else if (c == 'h') {
		opt_help(help);
	} else if (c == OPT_VERSION) {
		opt_version(PROG);
	} else if (c < OPT_VIEW) {
		opt_fail(PROG, "wrong option or missing argument");
	} else {
		if (r->view != REPORT_OVERVIEW)
			opt_fail(PROG, "one view at a time");
		r->view = (enum report_view)(c - OPT_VIEW);
		r->id = optarg;
	}
}

static void
check(const struct report *r, int arguments)
{
	if (arguments > 0)
		opt_fail(PROG, "an argument without an option");
	if (r->watch && r->view != REPORT_TASK)
		opt_fail(PROG, "--watch goes with --task");
	if (r->json && r->view == REPORT_PROMETHEUS)
		opt_fail(PROG, "--json or --prometheus");
	if (r->limit != 0 && r->view != REPORT_FAILED)
		opt_fail(PROG, "--limit goes with --failed");
	if (r->view == REPORT_TASK && !task_is_id(r->id))
		opt_fail(PROG, "\"%.60s\" is not the id of a task", r->id);
}

int
main(int argc, char *argv[])
{
	struct report r = { .out = stdout, .width = 80 };
	static struct config config;
	struct redis *redis = NULL;
	struct err e;
	struct winsize w;
	enum rc rc;
	int c;

	opt_descriptors();
	rc = config_load(&config, &e);
	log_init(PROG, rc == RC_OK ? log_level_of(config.log_level) : LOG_WARN);
	while ((c = getopt_long(argc, argv, "hv", options, NULL)) != -1)
		take(&r, c);
	check(&r, argc - optind);
	if (r.limit == 0)
		r.limit = 20;
	r.terminal = isatty(STDOUT_FILENO);
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
		r.width = w.ws_col;
	signal(SIGPIPE, SIG_IGN);
	r.config = &config;
	if (rc == RC_OK)
		rc = redis_open_as(&redis, &config, REDIS_LATER, &e);
	r.redis = redis;
	if (rc == RC_OK)
		rc = queue_open(&r.queue, &config, redis, &e);
	if (rc == RC_OK)
		rc = report_run(&r, &e);
	else if (r.view == REPORT_PROMETHEUS)
		report_run(&r, NULL); /* that Redis is down */
	queue_close(r.queue);
	redis_close(redis);
	/* What a check found is written already. */
	if (rc == RC_UNHEALTHY)
		return rc_exit(rc);
	return rc == RC_OK ? 0 : opt_report(PROG, &e);
}
