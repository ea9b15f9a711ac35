/*
 * schedule: what cron's lines run, the switch over it, and how it stands.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/opt.h"
#include "scheduler.h"

#define PROG "schedule"

static const char help[] =
    "usage: schedule run daily|hourly|weekly|warm [--at HH:MM] [-v]\n"
    "       schedule start|stop [-v]\n"
    "       schedule show [--history N] [--json]\n"
    "       schedule crontab [--user | --system[=USER]] [--bin DIR]\n"
    "\n"
    "What cron runs, and when; each slot runs once, on however many hosts.\n"
    "\n"
    "  run daily        refresh the indexes of SCHEDULER_INDEXES\n"
    "  run hourly       health, refresh what will be read, catch up what was "
    "missed\n"
    "  run weekly       forget old tasks and datasets, audit the queue\n"
    "  run warm         refresh them before the market opens, unhurriedly\n"
    "  start, stop      the switch over all of them; it stays; start drops "
    "slots\n"
    "                   that lie in the future\n"
    "  show             the switch, the last runs of each job, the next ones\n"
    "  crontab          the lines for crontab(1), or for /etc/cron.d\n"
    "\n"
    "  --at HH:MM       what the crontab's line was made for; if the setting "
    "is\n"
    "                   another by now, say so (78) when the run is done\n"
    "  --history N      so many runs of each job (0-50; 5)\n"
    "  --json           as JSON\n"
    "  --user           lines of a user's own crontab (default)\n"
    "  --system[=USER]  lines of /etc/cron.d, run as USER (stocknity)\n"
    "  --bin DIR        where the programs are (/usr/local/bin)\n"
    "  -v               say what is done; twice for more\n"
    "  -h, --help       this text\n"
    "  --version        the version\n"
    "\n"
    "Exit status: 0 done, or nothing to do; 1 health or audit found "
    "something;\n"
    "64 usage; 65 a key in Redis that cannot be read; 69 no Redis, or it does "
    "not\n"
    "let us; 71 system; 75 try later (the queue or Redis is full: the hourly "
    "run\n"
    "catches a daily or weekly slot up, a warming is not made; a clock is or "
    "was\n"
    "ahead; another run has taken the slot up); 78 configuration.\n";

enum long_option {
	OPT_AT = 256,
	OPT_JSON,
	OPT_HISTORY,
	OPT_USER,
	OPT_SYSTEM,
	OPT_BIN,
	OPT_VERSION
};

static const struct option options[] = {
	{ "at", required_argument, NULL, OPT_AT },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "history", required_argument, NULL, OPT_HISTORY },
	{ "user", no_argument, NULL, OPT_USER },
	{ "system", optional_argument, NULL, OPT_SYSTEM },
	{ "bin", required_argument, NULL, OPT_BIN },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

struct asked {
	const struct config *config;
	struct scheduler *scheduler; /* NULL: not needed */
	enum scheduler_job job;
	const char *at; /* HH:MM of the line in the crontab; NULL: none */
	int64_t history;
	int json;
	int user;
	int say; /* what was done, although it is no failure */
	struct scheduler_crontab crontab;
	unsigned given; /* bits of the options that belong to one command */
};

enum { GIVEN_SHOW = 1, GIVEN_CRONTAB = 2, GIVEN_RUN = 4 };

static void
take(struct asked *a, int c)
{
	if (c == OPT_AT) {
		if (calendar_minutes(optarg) < 0)
			opt_fail(PROG, "--at: 00:00 to 23:59");
		a->at = optarg;
		a->given |= GIVEN_RUN;
	} else if (c == OPT_JSON) {
		a->json = 1;
		a->given |= GIVEN_SHOW;
	} else if (c == OPT_HISTORY) {
		a->history =
		    opt_int(PROG, "--history", optarg, 0, SCHEDULER_HISTORY);
		a->given |= GIVEN_SHOW;
	} else if (c == OPT_USER) {
		a->user = 1;
		a->given |= GIVEN_CRONTAB;
	} else if (c == OPT_SYSTEM) {
		a->crontab.user = optarg != NULL ? optarg : "stocknity";
		a->given |= GIVEN_CRONTAB;
	} else if (c == OPT_BIN) {
		a->crontab.bin = optarg;
		a->given |= GIVEN_CRONTAB;
	} else if (c == 'v') {
		log_set_level(log_level() < LOG_INFO ? LOG_INFO : LOG_DEBUG);
		a->say = 1;
	} else if (c == 'h') {
		opt_help(help);
	} else if (c == OPT_VERSION) {
		opt_version(PROG);
	} else {
		opt_fail(PROG, "wrong option or missing argument");
	}
}

static enum rc
write_out(const struct buf *b, struct err *e)
{
	if (b->len == 0 || (fwrite(b->data, 1, b->len, stdout) == b->len &&
			       fflush(stdout) == 0))
		return RC_OK;
	return err_set(e, RC_SYS, "cannot write: %s", strerror(errno));
}

/* Why nothing was done is no failure: cron need not mail it. */
static void
say_outcome(const struct asked *a, const struct scheduler_outcome *o)
{
	static const char *const words[] = {
		[SCHEDULER_STOPPED] = "it is stopped (schedule start)",
		[SCHEDULER_NEVER] = "SCHEDULER_WARM is empty",
		[SCHEDULER_TAKEN] = "it was accepted before",
		[SCHEDULER_OLDER] = "a later one was accepted before",
		[SCHEDULER_OVERLAP] = "another run is at it",
	};

	if (!a->say)
		return;
	if (o->what == SCHEDULER_RAN && o->run.enqueued < 0)
		fprintf(stderr, PROG ": %s: done, its tasks were there\n",
		    o->run.slot);
	else if (o->what == SCHEDULER_RAN)
		fprintf(stderr, PROG ": %s: done, %lld tasks, %lld merged\n",
		    o->run.slot, (long long)o->run.enqueued,
		    (long long)o->run.merged);
	else
		fprintf(stderr, PROG ": %s: nothing done: %s\n",
		    o->run.slot[0] != '\0' ? o->run.slot
					   : calendar_job_name(a->job),
		    words[o->what]);
}

static enum rc
run(const struct asked *a, struct err *e)
{
	struct scheduler_outcome o;
	enum rc rc =
	    scheduler_run(a->scheduler, a->job, clock_wall_us(), &o, e);

	if (rc == RC_UNHEALTHY && o.text[0] != '\0')
		return err_set(e, rc, "%.255s", o.text);
	if (rc == RC_OK)
		say_outcome(a, &o);
	if (rc == RC_OK && a->at != NULL)
		rc = scheduler_check_line(a->config, a->job, a->at, e);
	return rc;
}

static enum rc
turn(const struct asked *a, int on, struct err *e)
{
	struct scheduler_turn turn;
	enum rc rc = scheduler_switch(a->scheduler, on, &turn, e);

	if (rc != RC_OK || !a->say)
		return rc;
	fprintf(stderr, PROG ": %s%s\n", on ? "running" : "stopped",
	    turn.was == on ? ", as before" : "");
	if (turn.dropped > 0)
		fprintf(stderr, PROG ": slots in the future dropped: %zu\n",
		    turn.dropped);
	return RC_OK;
}

static enum rc
start(const struct asked *a, struct err *e)
{
	return turn(a, 1, e);
}

static enum rc
stop(const struct asked *a, struct err *e)
{
	return turn(a, 0, e);
}

static enum rc
show(const struct asked *a, struct err *e)
{
	struct buf b;
	enum rc rc;

	buf_init(&b, 1u << 20);
	rc = scheduler_show(a->scheduler, (size_t)a->history, a->json, &b, e);
	if (rc == RC_OK)
		rc = write_out(&b, e);
	buf_fini(&b);
	return rc;
}

static enum rc
crontab(const struct asked *a, struct err *e)
{
	struct buf b;
	enum rc rc;

	buf_init(&b, 16384);
	rc = scheduler_crontab(a->config, &a->crontab, &b, e);
	if (rc == RC_OK)
		rc = write_out(&b, e);
	buf_fini(&b);
	return rc;
}

static const struct command {
	const char *name;
	enum rc (*run)(const struct asked *, struct err *);
	int arguments;
	int redis; /* it needs one */
	unsigned options;
} commands[] = {
	{ "run", run, 1, 1, GIVEN_RUN },
	{ "start", start, 0, 1, 0 },
	{ "stop", stop, 0, 1, 0 },
	{ "show", show, 0, 1, GIVEN_SHOW },
	{ "crontab", crontab, 0, 0, GIVEN_CRONTAB },
};

/* The command of the arguments; ends the program where they are wrong. */
static const struct command *
command_of(struct asked *a, int argc, char *argv[])
{
	const struct command *c = commands;
	size_t left = sizeof(commands) / sizeof(commands[0]);
	struct err e;

	if (argc == 0)
		opt_fail(PROG, "run, start, stop, show or crontab?");
	for (; strcmp(c->name, argv[0]) != 0; c++)
		if (--left == 0)
			opt_fail(PROG,
			    "no command is \"%.40s\"; allowed: run, start, "
			    "stop, show, crontab",
			    argv[0]);
	if (argc - 1 != c->arguments)
		opt_fail(PROG, c->arguments == 1
				   ? "run what: daily, hourly, weekly or warm?"
				   : "an argument too many");
	if ((a->given & ~c->options) != 0)
		opt_fail(PROG, "an option that %s does not have", c->name);
	if (a->user && a->crontab.user != NULL)
		opt_fail(PROG, "--user or --system, not both");
	if (c->arguments == 1 && calendar_job_of(argv[1], &a->job, &e) != RC_OK)
		opt_fail(PROG, "%s", e.msg);
	return c;
}

static enum rc
with_redis(const struct command *command, struct asked *a, struct err *e)
{
	struct redis *redis = NULL;
	struct queue *queue = NULL;
	enum rc rc = redis_open(&redis, a->config, e);

	if (rc == RC_OK)
		rc = queue_open(&queue, a->config, redis, e);
	if (rc == RC_OK)
		rc = scheduler_open(&a->scheduler, a->config, redis, queue, e);
	if (rc == RC_OK)
		rc = command->run(a, e);
	scheduler_close(a->scheduler);
	queue_close(queue);
	redis_close(redis);
	return rc;
}

int
main(int argc, char *argv[])
{
	struct asked a = { .history = 5 };
	const struct command *command;
	static struct config config;
	struct err e = { 0 };
	const char *conf;
	enum rc rc;
	int c;

	opt_descriptors();
	a.say = isatty(STDERR_FILENO);
	rc = config_load(&config, &e);
	log_init(PROG, rc == RC_OK ? log_level_of(config.log_level) : LOG_WARN);
	while ((c = getopt_long(argc, argv, "hv", options, NULL)) != -1)
		take(&a, c);
	command = command_of(&a, argc - optind, argv + optind);
	signal(SIGPIPE, SIG_IGN);
	a.config = &config;
	conf = getenv("STOCKNITY_CONF");
	if (conf != NULL && *conf != '\0')
		a.crontab.conf = conf;
	if (rc == RC_OK)
		rc = command->redis ? with_redis(command, &a, &e)
				    : command->run(&a, &e);
	return rc == RC_OK ? 0 : opt_report(PROG, &e);
}
