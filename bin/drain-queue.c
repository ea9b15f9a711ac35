/*
 * drain-queue: run what is in the task queue.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/opt.h"
#include "supervisor.h"

#define PROG     "drain-queue"
#define WAIT_S   70 /* of --wait without -t */
#define MAX_S    86400
#define MAX_RUNS 1000000000

static const char help[] =
    "usage: drain-queue [options]\n"
    "\n"
    "Run the tasks of the queue, in worker processes, until none is left that\n"
    "could run now.\n"
    "\n"
    "  --workers N    so many workers (1-64; WORKERS, 3)\n"
    "  --workers auto as many as the backlog asks for, up to MAX_WORKERS\n"
    "  --wait         wait for more tasks when the queue is empty\n"
    "  -t SEC         begin no task after that many seconds (0-86400; 0: no\n"
    "                 end, which is the default; 70 with --wait).  What runs\n"
    "                 then ends by TASK_DEADLINE\n"
    "  -n TASKS       begin at most that many tasks\n"
    "  -v             say what is done; twice for more (or LOG_LEVEL=debug)\n"
    "  -h, --help     this text\n"
    "  --version      the version\n"
    "\n"
    "SIGTERM, SIGINT and SIGHUP abort what runs, hand it back to the queue\n"
    "uncharged, and end the program within a second, with 0.\n"
    "\n"
    "It says what failed for good, else nothing; on a terminal, or with -v, "
    "also\n"
    "what it did, and that the queue is paused, why and until when.\n"
    "\n"
    "Exit status: 0 done, also where tasks failed (see status --failed) or "
    "the\n"
    "queue is paused; 64 usage; 65 a task or a key in Redis that cannot be "
    "read;\n"
    "69 no Redis, or it does not let us; 70 our bug; 71 system; 75 Redis is "
    "full\n"
    "or loading; 78 configuration, or a Redis that evicts tasks.\n";

enum long_option { OPT_WORKERS = 256, OPT_WAIT, OPT_VERSION };

static const struct option options[] = {
	{ "workers", required_argument, NULL, OPT_WORKERS },
	{ "wait", no_argument, NULL, OPT_WAIT },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

/* What the command line says; -1: nothing. */
struct args {
	int64_t workers, seconds, tasks;
	int wait, verbose;
};

static void
parse(struct args *a, int argc, char *argv[])
{
	int c;

	while ((c = getopt_long(argc, argv, "hn:t:v", options, NULL)) != -1)
		switch (c) {
		case OPT_WORKERS:
			a->workers = strcmp(optarg, "auto") == 0
					 ? 0
					 : opt_int(PROG, "--workers", optarg, 1,
					       SUPERVISOR_WORKERS);
			break;
		case OPT_WAIT:
			a->wait = 1;
			break;
		case OPT_VERSION:
			opt_version(PROG);
		case 't':
			a->seconds = opt_int(PROG, "-t", optarg, 0, MAX_S);
			break;
		case 'n':
			a->tasks = opt_int(PROG, "-n", optarg, 1, MAX_RUNS);
			break;
		case 'v':
			a->verbose++;
			break;
		case 'h':
			opt_help(help);
		default:
			opt_fail(PROG, "wrong options");
		}
	if (optind < argc)
		opt_fail(PROG, "unexpected argument \"%s\"", argv[optind]);
}

static void
set_log(const struct args *a, const struct config *c)
{
	enum log_level level = log_level_of(c->log_level);

	if (a->verbose > 0 && level < LOG_INFO)
		level = LOG_INFO;
	if (a->verbose > 1)
		level = LOG_DEBUG;
	log_set_level(level);
}

static void
summary(const struct drained *d)
{
	long long n = d->completed + d->retried + d->failed + d->cancelled;

	printf("drained %lld task%s: %lld completed, %lld retried, %lld "
	       "failed, ",
	    n, n == 1 ? "" : "s", (long long)d->completed,
	    (long long)d->retried, (long long)d->failed);
	if (d->cancelled > 0)
		printf("%lld cancelled, ", (long long)d->cancelled);
	if (d->lost > 0)
		printf("%lld lost, ", (long long)d->lost);
	printf("%lld handed back in %.1f s\n", (long long)d->released,
	    (double)d->ms / 1000);
}

/* Why nothing more was done. */
static void
tell_pause(const struct drained *d)
{
	char until[32] = "enqueue --resume";
	struct err say;

	if (d->pause_until_us > 0)
		clock_utc(d->pause_until_us / 1000, until, sizeof(until));
	err_set(&say, RC_BUSY, "the queue is paused until %s: %s", until,
	    d->pause_reason[0] != '\0' ? d->pause_reason : "no reason given");
	opt_report(PROG, &say);
}

int
main(int argc, char *argv[])
{
	struct args a = { .workers = -1, .seconds = -1 };
	struct config config;
	struct drain drain;
	struct drained drained;
	struct err e = { 0 };
	enum rc rc;

	opt_descriptors();
	log_init(PROG, LOG_WARN);
	parse(&a, argc, argv);
	if (config_load(&config, &e) != RC_OK)
		return opt_report(PROG, &e);
	set_log(&a, &config);
	signal(SIGPIPE, SIG_IGN);
	drain = (struct drain){
		.workers = (int)(a.workers >= 0 ? a.workers : config.workers),
		.wait = a.wait,
		.seconds = a.seconds >= 0 ? a.seconds
			   : a.wait       ? WAIT_S
					  : 0,
		.tasks = a.tasks,
		.progress = isatty(STDERR_FILENO),
		.watch_pause = a.verbose > 0 || isatty(STDERR_FILENO) ||
			       isatty(STDOUT_FILENO),
	};
	rc = supervisor_run(&config, &drain, &drained, &e);
	if (rc != RC_OK)
		opt_report(PROG, &e);
	if (isatty(STDOUT_FILENO) || a.verbose > 0)
		summary(&drained);
	if (drained.paused)
		tell_pause(&drained);
	if (fflush(stdout) != 0 && rc == RC_OK)
		rc = RC_SYS;
	return rc_exit(rc);
}
