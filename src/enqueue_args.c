#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/opt.h"
#include "enqueue_args.h"
#include "scheduled.h"

#define PROG "enqueue"

static const char help[] =
    "usage: enqueue stock-data [--index NAME] [--sector NAME] [options]\n"
    "       enqueue stock-data --all [options]\n"
    "       enqueue annual-returns [--index NAME | --all] [options]\n"
    "       enqueue probe [TEXT] [options]\n"
    "       enqueue -\n"
    "       enqueue --requeue ID|TYPE|all | --cancel ID | --resume\n"
    "       enqueue --pause REASON [--for SEC] | --purge DAYS\n"
    "       enqueue --audit [--repair] [--json]\n"
    "\n"
    "Put tasks into the queue and print their ids.  Equal work is one task:\n"
    "the id is then that of the task that waits or runs already.\n"
    "\n"
    "  stock-data       refresh a dataset (S&P 500 and Any by default)\n"
    "  annual-returns   return and risk of a year of each company of an "
    "index\n"
    "                   (S&P 500): puts a task for every 50 into the queue\n"
    "  probe            nothing but the way through the queue; TEXT (40 "
    "bytes)\n"
    "                   tells one from another; one that begins with "
    "sleep:MS\n"
    "                   takes so long, with fail or refuse fails\n"
    "  -                tasks from standard input, an object of JSON a line:\n"
    "                   type, index, sector, priority, force, delay, id;\n"
    "                   prints a result a line: line, id, status\n"
    "  --all            one task for each index of SCHEDULER_INDEXES\n"
    "  --force          fetch even if the dataset is fresh\n"
    "  --priority P     low, normal (default), high, urgent, or 1 to 4\n"
    "  --delay SEC      not before that (0-2592000)\n"
    "  --id UUID        the id it shall have; the same id is the same task\n"
    "  --wait           follow it to its end; the exit status is its own\n"
    "  -t SEC           wait no longer than that (0-86400; 3600)\n"
    "  --json           print a result as JSON: id, status (of --cancel, too); "
    "of\n"
    "                   --audit, its counts\n"
    "\n"
    "  --requeue ID|TYPE|all\n"
    "                    failed tasks wait again, with fresh attempts; by "
    "its id\n"
    "                    a cancelled one too\n"
    "  --cancel ID       a task is not done, or its worker is told to stop;\n"
    "                    prints which\n"
    "  --pause REASON    nothing is taken from the queue (1-64 bytes), --for "
    "SEC\n"
    "                    (1-31536000) or until\n"
    "  --resume          it is again\n"
    "  --purge DAYS      forget what ended longer ago (0-3650)\n"
    "  --audit           look for what cannot be; --repair mends it\n"
    "\n"
    "  -v               say what is done; twice for more (or "
    "LOG_LEVEL=debug)\n"
    "  -h, --help       this text\n"
    "  --version        the version\n"
    "\n"
    "Exit status: 0 done; 1 the audit found something; 64 usage; 65 a line "
    "was\n"
    "wrong (the rest is done), or it cannot be done to that task; 66 no such "
    "task;\n"
    "69 no Redis, or it does not let us; 70 our bug; 71 system; 75 full, or "
    "the\n"
    "task was cancelled or had not ended; 78 configuration.  With --wait "
    "also how\n"
    "the task failed.\n";

enum long_option {
	OPT_INDEX = 256,
	OPT_SECTOR,
	OPT_ALL,
	OPT_FORCE,
	OPT_PRIORITY,
	OPT_DELAY,
	OPT_ID,
	OPT_WAIT,
	OPT_JSON,
	OPT_FOR,
	OPT_REPAIR,
	OPT_VERSION,
	OPT_ACTION /* and up: an action, by its number */
};

static const struct option options[] = {
	{ "index", required_argument, NULL, OPT_INDEX },
	{ "sector", required_argument, NULL, OPT_SECTOR },
	{ "all", no_argument, NULL, OPT_ALL },
	{ "force", no_argument, NULL, OPT_FORCE },
	{ "priority", required_argument, NULL, OPT_PRIORITY },
	{ "delay", required_argument, NULL, OPT_DELAY },
	{ "id", required_argument, NULL, OPT_ID },
	{ "wait", no_argument, NULL, OPT_WAIT },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "for", required_argument, NULL, OPT_FOR },
	{ "repair", no_argument, NULL, OPT_REPAIR },
	{ "requeue", required_argument, NULL, OPT_ACTION + ENQUEUE_REQUEUE },
	{ "cancel", required_argument, NULL, OPT_ACTION + ENQUEUE_CANCEL },
	{ "pause", required_argument, NULL, OPT_ACTION + ENQUEUE_PAUSE },
	{ "resume", no_argument, NULL, OPT_ACTION + ENQUEUE_RESUME },
	{ "purge", required_argument, NULL, OPT_ACTION + ENQUEUE_PURGE },
	{ "audit", no_argument, NULL, OPT_ACTION + ENQUEUE_AUDIT },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

/* What the options say, before it is put together. */
struct asked {
	const char *index, *sector;
	struct task_spec spec;
	int all, time, action, task; /* task: an option of a task was given */
};

static void
need(enum rc rc, const struct err *e)
{
	if (rc != RC_OK)
		opt_fail(PROG, "%s", e->msg);
}

static void
take_action(struct enqueue *q, struct asked *a, enum enqueue_action action)
{
	enum task_type type;

	if (a->action)
		opt_fail(PROG, "one of --requeue, --cancel, --pause, --resume, "
			       "--purge and --audit at a time");
	a->action = 1;
	q->action = action;
	q->text = optarg;
	if (action == ENQUEUE_PURGE)
		q->purge_days = opt_int(PROG, "--purge", optarg, 0, 3650);
	if (action == ENQUEUE_PAUSE &&
	    (*optarg == '\0' || strlen(optarg) > TASK_TEXT))
		opt_fail(PROG, "--pause: a reason of 1 to %d bytes", TASK_TEXT);
	if (action == ENQUEUE_REQUEUE &&
	    (strcmp(optarg, "all") == 0 ||
		task_type_of(optarg, &type, NULL) == RC_OK))
		return;
	if ((action == ENQUEUE_CANCEL || action == ENQUEUE_REQUEUE) &&
	    !task_is_id(optarg))
		opt_fail(PROG, "\"%.60s\" is not the id of a task%s", optarg,
		    action == ENQUEUE_REQUEUE ? ", nor a type, nor all" : "");
}

/* An option of a task. */
static int
take_task(struct asked *a, int c)
{
	struct err e;

	switch (c) {
	case OPT_INDEX:
		a->index = optarg;
		break;
	case OPT_SECTOR:
		a->sector = optarg;
		break;
	case OPT_ALL:
		a->all = 1;
		break;
	case OPT_FORCE:
		a->spec.force = 1;
		break;
	case OPT_PRIORITY:
		need(task_priority_of(optarg, &a->spec.priority, &e), &e);
		break;
	case OPT_DELAY:
		a->spec.delay_ms =
		    opt_int(PROG, "--delay", optarg, 0, TASK_DELAY_MAX) * 1000;
		break;
	case OPT_ID:
		if (!task_is_id(optarg))
			opt_fail(PROG,
			    "--id: \"%.60s\" is not a UUID in lower case",
			    optarg);
		memcpy(a->spec.id, optarg, TASK_ID + 1);
		break;
	default:
		return 0;
	}
	a->task = 1;
	return 1;
}

static void
take(struct enqueue *q, struct asked *a, int c)
{
	if (take_task(a, c))
		return;
	switch (c) {
	case OPT_WAIT:
		q->wait = 1;
		break;
	case 't':
		q->wait_s = opt_int(PROG, "-t", optarg, 0, 86400);
		a->time = 1;
		break;
	case OPT_JSON:
		q->json = 1;
		break;
	case OPT_FOR:
		q->for_ms = opt_int(PROG, "--for", optarg, 1, 31536000) * 1000;
		break;
	case OPT_REPAIR:
		q->repair = 1;
		break;
	case 'v':
		log_set_level(log_level() < LOG_INFO ? LOG_INFO : LOG_DEBUG);
		break;
	case 'h':
		opt_help(help);
	case OPT_VERSION:
		opt_version(PROG);
	default:
		if (c < OPT_ACTION)
			opt_fail(PROG, "wrong option or missing argument");
		take_action(q, a, (enum enqueue_action)(c - OPT_ACTION));
	}
}

/* Types by the word that the command line has for them. */
static const struct word {
	const char *name;
	enum task_type type;
} words[] = {
	{ "stock-data", TASK_FETCH },
	{ "annual-returns", TASK_RETURNS },
	{ "probe", TASK_PROBE },
};

#define WORDS (sizeof(words) / sizeof(words[0]))

static enum task_type
type_of(const char *name)
{
	const char *names[WORDS], *near;

	for (size_t i = 0; i < WORDS; i++) {
		names[i] = words[i].name;
		if (strcmp(name, words[i].name) == 0 ||
		    strcmp(name, task_types[words[i].type].name) == 0)
			return words[i].type;
	}
	near = dataset_nearest(name, names, WORDS);
	opt_fail(PROG,
	    "unknown task \"%.40s\": stock-data, annual-returns, probe or "
	    "-%s%s%s",
	    name, near ? " (did you mean \"" : "", near ? near : "",
	    near ? "\"?)" : "");
}

static void
check(const struct enqueue *q, const struct asked *a, int words_given)
{
	int tasks = q->action == ENQUEUE_TASKS;

	if (a->action && (words_given > 0 || a->task))
		opt_fail(PROG, "--requeue, --cancel, --pause, --resume, "
			       "--purge and --audit go without a task");
	if (!a->action && words_given == 0)
		opt_fail(PROG, "what? stock-data, annual-returns, probe or -");
	if (q->action == ENQUEUE_LINES && a->task)
		opt_fail(PROG, "- takes all of a task from its line");
	if (!tasks && q->wait)
		opt_fail(PROG,
		    "--wait goes with stock-data, annual-returns and probe");
	if (a->time && !q->wait)
		opt_fail(PROG, "-t goes with --wait");
	if (q->for_ms != 0 && q->action != ENQUEUE_PAUSE)
		opt_fail(PROG, "--for goes with --pause");
	if (q->repair && q->action != ENQUEUE_AUDIT)
		opt_fail(PROG, "--repair goes with --audit");
	if (a->all &&
	    (a->index != NULL || a->sector != NULL || a->spec.id[0] != '\0'))
		opt_fail(PROG, "--all goes without --index, --sector and --id");
}

static void
add_task(struct enqueue *q, const struct asked *a, const char *index)
{
	struct task_line *t = &q->tasks[q->ntasks++];
	struct err e;

	t->spec = a->spec;
	need(task_line_dataset(t, index, a->sector, &e), &e);
}

static void
add_tasks(struct enqueue *q, struct asked *a, int argc, char *argv[])
{
	const char *indexes[DATASET_INDEXES];
	size_t n = 0;
	struct err e;

	a->spec.type = type_of(argv[0]);
	if (!task_types[a->spec.type].has_dataset) {
		if (a->all || a->index != NULL || a->sector != NULL)
			opt_fail(PROG, "%s is of no dataset", argv[0]);
		a->index = argc > 1 ? argv[1] : NULL;
	}
	if (argc > (task_types[a->spec.type].has_dataset ? 1 : 2))
		opt_fail(PROG, "unexpected argument \"%.60s\"", argv[argc - 1]);
	if (!a->all) {
		add_task(q, a, a->index);
		return;
	}
	if (scheduled_indexes(q->config, indexes, &n, &e) != RC_OK)
		exit(opt_report(PROG, &e));
	for (size_t i = 0; i < n; i++)
		add_task(q, a, indexes[i]);
}

void
enqueue_args(struct enqueue *q, struct config *config, int argc, char *argv[])
{
	struct asked a = { .spec.priority = PRIORITY_NORMAL };
	struct err e;
	enum rc rc;
	int c;

	*q = (struct enqueue){
		.config = config, .prog = PROG, .out = stdout, .wait_s = 3600
	};
	rc = config_load(config, &e);
	log_init(
	    PROG, rc == RC_OK ? log_level_of(config->log_level) : LOG_WARN);
	while ((c = getopt_long(argc, argv, "ht:v", options, NULL)) != -1)
		take(q, &a, c);
	argc -= optind;
	argv += optind;
	if (!a.action && argc == 1 && strcmp(argv[0], "-") == 0) {
		q->action = ENQUEUE_LINES;
		q->fd = STDIN_FILENO;
	}
	check(q, &a, argc);
	if (rc != RC_OK)
		exit(opt_report(PROG, &e));
	if (q->action == ENQUEUE_TASKS)
		add_tasks(q, &a, argc, argv);
}
