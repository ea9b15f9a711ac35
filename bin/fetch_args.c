#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/opt.h"
#include "fetch_args.h"
#include "fill.h"
#include "store/cache.h"

#define PROG "fetch"

static const char help[] =
    "usage: fetch [options]\n"
    "       fetch --async [--index NAME] [--sector NAME] [--all] [--refresh]\n"
    "             [--format json|ndjson]\n"
    "       fetch --returns [--index NAME] [--refresh] [--max-age SEC]\n"
    "             [--format FORMAT]\n"
    "       fetch --forget [--index NAME] [--sector NAME] [--returns] [--all] "
    "[-v]\n"
    "       fetch -f FILE --source NAME [--status N] [options]\n"
    "\n"
    "Print a dataset: the companies of an index and sector with their "
    "figures,\n"
    "out of the cache while it is fresh, else from the sources.\n"
    "\n"
    "  --index NAME     S&P 500 (default), DJIA, NASDAQ 100, RUSSELL 2000, "
    "Any\n"
    "  --sector NAME    Any (default), Basic Materials, Communication "
    "Services,\n"
    "                   Consumer Cyclical, Consumer Defensive, Energy, "
    "Financial,\n"
    "                   Healthcare, Industrials, Real Estate, Technology,\n"
    "                   Utilities\n"
    "                   Both may be given more than once: every pair is "
    "fetched,\n"
    "                   all together.\n"
    "  --all            every sector of the indexes of SCHEDULER_INDEXES\n"
    "  --returns        return and risk of a year of each company of the "
    "index, from\n"
    "                   Yahoo: a call each, one a second\n"
    "  --refresh        fetch, even if the cache is fresh\n"
    "  --max-age SEC    take what is cached only if it is not older "
    "(0-31536000)\n"
    "  --source NAME    ask this source only, and not the cache: finviz, "
    "yahoo,\n"
    "                   alphavantage, polygon, iex (these need keys)\n"
    "  --fill[=A,B]     where the source has no figure of a company, take that "
    "of\n"
    "                   another of SOURCES; of these fields only, else of all. "
    "The\n"
    "                   envelope's \"filled\" says which; FILL_FIELDS makes it "
    "a\n"
    "                   habit\n"
    "  --async          do not fetch, but put a task for each dataset into "
    "the\n"
    "                   queue (with --refresh one that fetches in any case) "
    "and\n"
    "                   print their ids, with --format json or ndjson as "
    "JSON;\n"
    "                   a sector goes with Any of its index, where that is "
    "asked\n"
    "                   for too\n"
    "  --forget         fetch nothing, but take these datasets out of the "
    "cache:\n"
    "                   an index and sector; with --returns the annual "
    "returns of\n"
    "                   an index; all of an index, those too; or with --all\n"
    "                   every one there is\n"
    "\n"
    "  --format FORMAT  json (default in a pipe): the envelope, one a line;\n"
    "                   ndjson: a record a line; csv; table (default on a\n"
    "                   terminal)\n"
    "  --fields A,B     these fields only, in this order; their names are in\n"
    "                   stocknity(7) and README.md; besides them\n"
    "                   expected_annual_return, expected_annual_risk and\n"
    "                   return_risk_ratio, of the cached annual returns\n"
    "  --sort [-]FIELD  sorted by a field, - for descending; null last\n"
    "  --limit N        at most N records (0-20000)\n"
    "\n"
    "  -f FILE          parse one saved body of the source, - for standard\n"
    "                   input: no network, no Redis\n"
    "  --status N       the HTTP status that it came with (100-999; 200)\n"
    "\n"
    "  --settings       print the settings in effect, without secrets\n"
    "  -v               say what is done; twice for more (or LOG_LEVEL=debug)\n"
    "  -h, --help       this text\n"
    "  --version        the version\n"
    "\n"
    "Exit status: 0 done; 3 stale data served; 4 rows are missing; 64 usage;\n"
    "65 unreadable data; 66 legitimately nothing; 69 no source, with --async "
    "no\n"
    "Redis; 70 our bug; 71 system; 75 try later; 78 configuration.\n"
    "\n"
    "Settings come from the environment or the file that STOCKNITY_CONF "
    "names:\n"
    "see stocknity(7) or README.md.\n";

/* Options without a letter. */
enum long_option {
	OPT_INDEX = 256,
	OPT_SECTOR,
	OPT_ALL,
	OPT_RETURNS,
	OPT_REFRESH,
	OPT_MAX_AGE,
	OPT_SOURCE,
	OPT_FILL,
	OPT_ASYNC,
	OPT_FORGET,
	OPT_FORMAT,
	OPT_FIELDS,
	OPT_SORT,
	OPT_LIMIT,
	OPT_STATUS,
	OPT_SETTINGS,
	OPT_VERSION
};

static const struct option options[] = {
	{ "index", required_argument, NULL, OPT_INDEX },
	{ "sector", required_argument, NULL, OPT_SECTOR },
	{ "all", no_argument, NULL, OPT_ALL },
	{ "returns", no_argument, NULL, OPT_RETURNS },
	{ "refresh", no_argument, NULL, OPT_REFRESH },
	{ "max-age", required_argument, NULL, OPT_MAX_AGE },
	{ "source", required_argument, NULL, OPT_SOURCE },
	{ "fill", optional_argument, NULL, OPT_FILL },
	{ "async", no_argument, NULL, OPT_ASYNC },
	{ "forget", no_argument, NULL, OPT_FORGET },
	{ "format", required_argument, NULL, OPT_FORMAT },
	{ "fields", required_argument, NULL, OPT_FIELDS },
	{ "sort", required_argument, NULL, OPT_SORT },
	{ "limit", required_argument, NULL, OPT_LIMIT },
	{ "status", required_argument, NULL, OPT_STATUS },
	{ "settings", no_argument, NULL, OPT_SETTINGS },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

/* What the options name, before it is paired. */
struct asked {
	const char *indexes[DATASET_INDEXES * 2];
	const char *sectors[DATASET_SECTORS * 2];
	size_t nindexes, nsectors;
	int all, status_given, settings;
	const char *fill;  /* fields, NULL: not given */
	int format, shape; /* --format, another option of the view */
};

static void
need(enum rc rc, const struct err *e)
{
	if (rc != RC_OK)
		opt_fail(PROG, "%s", e->msg);
}

/* Each name once. */
static void
add(const char **list, size_t *n, size_t most, const char *name)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp(list[i], name) == 0)
			return;
	if (*n < most)
		list[(*n)++] = name;
}

/* An option of how it is shown. */
static int
take_view(struct view *v, struct asked *q, int c)
{
	struct err e;

	switch (c) {
	case OPT_FORMAT:
		need(view_format(v, optarg, &e), &e);
		q->format = 1;
		return 1;
	case OPT_FIELDS:
		need(view_fields(v, optarg, &e), &e);
		break;
	case OPT_SORT:
		need(view_sort(v, optarg, &e), &e);
		break;
	case OPT_LIMIT:
		v->limit = opt_int(PROG, "--limit", optarg, 0, LIMIT_ROWS);
		break;
	default:
		return 0;
	}
	q->shape = 1;
	return 1;
}

static void
take(struct fetch_args *a, struct asked *q, int c)
{
	const char *name = NULL;
	struct err e;

	if (take_view(&a->view, q, c))
		return;
	switch (c) {
	case OPT_INDEX:
		need(dataset_index(optarg, &name, &e), &e);
		add(q->indexes, &q->nindexes, DATASET_INDEXES, name);
		break;
	case OPT_SECTOR:
		need(dataset_sector(optarg, &name, &e), &e);
		add(q->sectors, &q->nsectors, DATASET_SECTORS, name);
		break;
	case OPT_ALL:
		q->all = 1;
		break;
	case OPT_RETURNS:
		a->returns = 1;
		break;
	case OPT_REFRESH:
		a->refresh = 1;
		break;
	case OPT_MAX_AGE:
		a->max_age_ms =
		    opt_int(PROG, "--max-age", optarg, 0, 31536000) * 1000;
		break;
	case OPT_SOURCE:
		a->source = optarg;
		break;
	case OPT_FILL:
		q->fill = optarg != NULL ? optarg : "all";
		a->fill = 1;
		break;
	case OPT_ASYNC:
		a->async = 1;
		break;
	case OPT_FORGET:
		a->forget = 1;
		break;
	case OPT_STATUS:
		a->status = (int)opt_int(PROG, "--status", optarg, 100, 999);
		q->status_given = 1;
		break;
	case OPT_SETTINGS:
		q->settings = 1;
		break;
	case 'f':
		a->file = optarg;
		break;
	case 'v':
		log_set_level(log_level() < LOG_INFO ? LOG_INFO : LOG_DEBUG);
		break;
	case 'h':
		opt_help(help);
	case OPT_VERSION:
		opt_version(PROG);
	default:
		opt_fail(PROG, "wrong option or missing argument");
	}
}

static void
add_sectors(struct asked *q)
{
	for (int i = 0; i < DATASET_SECTORS; i++)
		add(q->sectors, &q->nsectors, DATASET_SECTORS,
		    dataset_sectors[i].name);
}

/* What is forgotten is named: all there is, or indexes with or without
 * sectors. */
static void
add_forgotten(struct fetch_args *a, struct asked *q)
{
	for (int i = 0; i < DATASET_INDEXES && q->all; i++)
		add(q->indexes, &q->nindexes, DATASET_INDEXES,
		    dataset_indexes[i].name);
	a->whole = q->nsectors == 0 && !a->returns;
}

/* The indexes of the setting. */
static void
add_scheduled(struct asked *q, const struct config *c)
{
	char name[64];
	const char *p = c->scheduler_indexes, *known;
	struct err e;

	for (;;) {
		size_t n = strcspn(p, ",");

		snprintf(name, sizeof(name), "%.*s", (int)n, p);
		if (dataset_index(name, &known, &e) != RC_OK) {
			fprintf(
			    stderr, "%s: SCHEDULER_INDEXES: %s\n", PROG, e.msg);
			exit(rc_exit(RC_CONFIG));
		}
		add(q->indexes, &q->nindexes, DATASET_INDEXES, known);
		if (p[n] == '\0')
			break;
		p += n + 1;
	}
	add_sectors(q);
}

static void
pair(struct fetch_args *a, struct asked *q, const struct config *c)
{
	if (a->forget)
		add_forgotten(a, q);
	else if (q->all)
		add_scheduled(q, c);
	if (q->nindexes == 0)
		add(q->indexes, &q->nindexes, 1, DATASET_DEFAULT_INDEX);
	if (a->returns)
		q->sectors[q->nsectors++] = CACHE_RETURNS;
	if (q->nsectors == 0)
		add(q->sectors, &q->nsectors, 1, DATASET_ANY);
	for (size_t i = 0; i < q->nindexes; i++)
		for (size_t j = 0; j < q->nsectors; j++)
			a->datasets[a->ndatasets++] =
			    (struct dataset){ q->indexes[i], q->sectors[j] };
}

/* A task says which dataset, and no more. */
static void
check_async(struct fetch_args *a, const struct asked *q)
{
	int json =
	    a->view.format == FORMAT_JSON || a->view.format == FORMAT_NDJSON;

	if (!a->async)
		return;
	if (a->file != NULL || a->source != NULL || a->max_age_ms >= 0 ||
	    a->fill || q->shape)
		opt_fail(PROG, "--async goes without -f, --source, --max-age, "
			       "--fill, --fields, --sort and --limit");
	if (q->format && !json)
		opt_fail(PROG, "--async goes with --format json or ndjson");
	a->json = q->format;
}

static void
check_forget(const struct fetch_args *a, const struct asked *q)
{
	if (!a->forget)
		return;
	if (a->file != NULL || a->source != NULL || a->max_age_ms >= 0 ||
	    a->refresh || a->async || q->shape || q->format)
		opt_fail(PROG, "--forget goes with --index, --sector, "
			       "--returns, --all and -v only");
	if (!q->all && q->nindexes == 0)
		opt_fail(PROG, "--forget what: --index NAME, or --all?");
}

static void
check(const struct fetch_args *a, const struct asked *q)
{
	if (q->all && (q->nindexes > 0 || q->nsectors > 0))
		opt_fail(PROG, "--all goes without --index and --sector");
	if (a->file == NULL && q->status_given)
		opt_fail(PROG, "--status goes with -f");
	if (a->file == NULL)
		return;
	if (a->source == NULL)
		opt_fail(PROG, "-f needs --source");
	if (a->refresh || a->fill || a->max_age_ms >= 0 || q->all ||
	    q->nindexes > 1 || q->nsectors > 1)
		opt_fail(PROG,
		    "-f is one body: it goes without --refresh, --fill, "
		    "--max-age, --all and a second --index or --sector");
}

static void
check_returns(const struct fetch_args *a, const struct asked *q)
{
	if (!a->returns)
		return;
	if (q->all || q->nsectors > 0 || q->shape || a->async ||
	    a->file != NULL || a->source != NULL)
		opt_fail(PROG, "--returns goes with --index, --refresh, "
			       "--forget, --max-age and --format only");
	for (size_t i = 0; i < q->nindexes; i++)
		if (strcmp(q->indexes[i], DATASET_ANY) == 0)
			opt_fail(PROG, "--returns: of an index, not of Any");
}

static void
terminal(struct view *v)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	struct winsize w;

	v->format = FORMAT_TABLE;
	v->width = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
		v->width = w.ws_col;
	v->colour = (no_color == NULL || *no_color == '\0') &&
		    (term == NULL || strcmp(term, "dumb") != 0);
}

/* The fields of --fill go before those of FILL_FIELDS. */
static void
take_fill(struct config *c, const struct asked *q)
{
	unsigned char want[FIELD__MAX];
	struct err e;
	enum rc rc;

	if (q->fill != NULL &&
	    (*q->fill == '\0' || strlen(q->fill) >= sizeof(c->fill_fields)))
		opt_fail(PROG, "--fill= names fields, with commas, or all");
	if (q->fill != NULL)
		snprintf(c->fill_fields, sizeof(c->fill_fields), "%s", q->fill);
	rc = fill_parse(q->fill != NULL ? "--fill" : "FILL_FIELDS",
	    c->fill_fields, want, &e);
	if (rc != RC_OK && q->fill != NULL)
		opt_fail(PROG, "%s", e.msg);
	if (rc != RC_OK)
		exit(opt_report(PROG, &e));
}

_Static_assert(
    LIMIT_DATASETS >= DATASET_INDEXES * DATASET_SECTORS, "every pair has room");

void
fetch_args(struct fetch_args *a, struct config *c, int argc, char *argv[])
{
	struct asked q = { 0 };
	struct err e;
	enum rc rc;
	int ch;

	*a = (struct fetch_args){ .max_age_ms = -1, .status = 200 };
	view_init(&a->view);
	if (isatty(STDOUT_FILENO))
		terminal(&a->view);
	rc = config_load(c, &e);
	log_init(PROG, rc == RC_OK ? log_level_of(c->log_level) : LOG_WARN);
	/* -h and wrong options go before a wrong setting. */
	while ((ch = getopt_long(argc, argv, "f:hv", options, NULL)) != -1)
		take(a, &q, ch);
	if (optind != argc)
		opt_fail(PROG, "unexpected argument \"%.60s\"", argv[optind]);
	check_async(a, &q);
	check_returns(a, &q);
	check_forget(a, &q);
	check(a, &q);
	if (rc != RC_OK)
		exit(opt_report(PROG, &e));
	take_fill(c, &q);
	if (q.settings) {
		config_print(c, stdout);
		exit(fflush(stdout) == 0 ? 0 : rc_exit(RC_SYS));
	}
	pair(a, &q, c);
}
