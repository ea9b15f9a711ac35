/*
 * api: the FastCGI process behind /api/; without a FastCGI socket, a CGI
 * program that answers one request.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <fcgiapp.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "base/opt.h"
#include "serve.h"

#define PROG       "api"
#define SYSTEMD_FD 3 /* the first socket that systemd hands over */
#define TIRED_MS   100

static const char help[] =
    "usage: api [-v]\n"
    "\n"
    "Answers /api/ and /metrics: as FastCGI on the listening socket that is\n"
    "its standard input (spawn-fcgi, multiwatch) or that systemd hands over,\n"
    "else one request as a CGI program.  SIGTERM or SIGUSR1 ends it after the\n"
    "running request.\n"
    "\n"
    "  -v               log what is done; twice for more\n"
    "  -h, --help       this text\n"
    "  --version        the version\n"
    "\n"
    "Exit status: 0 done; 64 usage; 71 system; 78 configuration.\n";

static volatile sig_atomic_t stop;

static void
on_stop(int sig)
{
	(void)sig;
	stop = 1;
}

/* Only to end a read or write that waits. */
static void
on_alarm(int sig)
{
	(void)sig;
}

/* FastCGI */

static const char *
fcgi_get(void *arg, const char *name)
{
	FCGX_Request *r = arg;

	return FCGX_GetParam(name, r->envp);
}

static size_t
fcgi_read(void *arg, char *to, size_t n)
{
	FCGX_Request *r = arg;
	int got = FCGX_GetStr(to, (int)n, r->in);

	return got > 0 ? (size_t)got : 0;
}

static int
fcgi_write(void *arg, const char *bytes, size_t n)
{
	FCGX_Request *r = arg;

	return FCGX_PutStr(bytes, (int)n, r->out) == (int)n;
}

/* CGI */

static const char *
cgi_get(void *arg, const char *name)
{
	(void)arg;
	return getenv(name);
}

static size_t
cgi_read(void *arg, char *to, size_t n)
{
	size_t at = 0;
	ssize_t got;

	(void)arg;
	while (at < n && (got = read(STDIN_FILENO, to + at, n - at)) > 0)
		at += (size_t)got;
	return at;
}

static int
cgi_write(void *arg, const char *bytes, size_t n)
{
	size_t at = 0;
	ssize_t put;

	(void)arg;
	while (at < n && (put = write(STDOUT_FILENO, bytes + at, n - at)) > 0)
		at += (size_t)put;
	return at == n;
}

static void
set_alarm(int64_t seconds)
{
	/* Again every second: it may come between two waits. */
	struct itimerval t = { .it_value.tv_sec = seconds,
		.it_interval.tv_sec = seconds > 0 };

	setitimer(ITIMER_REAL, &t, NULL);
}

static int
is_listening(int fd)
{
	int on = 0;
	socklen_t len = sizeof(on);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on;
}

/* The socket to listen on; -1: there is none, this is CGI. */
static int
listening_socket(void)
{
	const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");
	int64_t v;

	if (pid != NULL && n != NULL &&
	    num_int(pid, 1, INT32_MAX, &v, NULL) == RC_OK && v == getpid() &&
	    num_int(n, 1, 1, &v, NULL) == RC_OK && is_listening(SYSTEMD_FD))
		return SYSTEMD_FD;
	return is_listening(STDIN_FILENO) ? STDIN_FILENO : -1;
}

/*
 * Signals come only while nothing is being answered.  The socket does not
 * block: of several processes that wake up for one connection, the others go
 * back to wait where a signal reaches them.
 */
static int
wait_for_connection(int fd, const sigset_t *waiting)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (!stop)
		if (ppoll(&p, 1, NULL, waiting) > 0)
			return 1;
	return 0;
}

/* The last is what multiwatch sends. */
static const int ending[] = { SIGTERM, SIGINT, SIGUSR1 };

/* What ends the loop is blocked but for the wait. */
static void
handle_signals(sigset_t *waiting)
{
	struct sigaction end = { .sa_handler = on_stop };
	struct sigaction alarm = { .sa_handler = on_alarm };
	sigset_t block;

	sigemptyset(&block);
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++) {
		sigaction(ending[i], &end, NULL);
		sigaddset(&block, ending[i]);
	}
	sigaction(SIGALRM, &alarm, NULL);
	sigprocmask(SIG_BLOCK, &block, waiting);
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		sigdelset(waiting, ending[i]);
}

static enum rc
loop(struct server *server, int fd, int64_t slow_s, struct err *e)
{
	struct channel ch = { fcgi_get, fcgi_read, fcgi_write, NULL };
	FCGX_Request request;
	int flags = fcntl(fd, F_GETFL), rc;
	sigset_t waiting;

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    FCGX_Init() != 0 ||
	    FCGX_InitRequest(&request, fd, FCGI_FAIL_ACCEPT_ON_INTR) != 0)
		return err_set(e, RC_SYS, "no FastCGI: %s", strerror(errno));
	/* After libfcgi has set its own. */
	handle_signals(&waiting);
	ch.arg = &request;
	while (wait_for_connection(fd, &waiting)) {
		set_alarm(slow_s);
		rc = FCGX_Accept_r(&request);
		if (rc == 0) {
			server_serve(server, &ch);
			/* One that is kept open would keep out all others. */
			request.keepConnection = 0;
			FCGX_Finish_r(&request);
		} else if (rc != -EAGAIN && rc != -EINTR &&
			   rc != -ECONNABORTED) {
			log_warn("accept: %s", strerror(rc < 0 ? -rc : rc));
			clock_sleep_ms(TIRED_MS);
		}
		set_alarm(0);
	}
	FCGX_Free(&request, 1);
	return RC_OK;
}

static void
options(int argc, char *argv[])
{
	static const struct option list[] = { { "help", no_argument, NULL,
						  'h' },
		{ "version", no_argument, NULL, 'V' }, { 0 } };
	int c;

	while ((c = getopt_long(argc, argv, "hv", list, NULL)) != -1) {
		if (c == 'v')
			log_set_level(
			    log_level() < LOG_INFO ? LOG_INFO : LOG_DEBUG);
		else if (c == 'h')
			opt_help(help);
		else if (c == 'V')
			opt_version(PROG);
		else
			opt_fail(PROG, "wrong option or missing argument");
	}
	if (argc != optind)
		opt_fail(PROG, "an argument without an option");
}

int
main(int argc, char *argv[])
{
	struct channel cgi = { cgi_get, cgi_read, cgi_write, NULL };
	static struct config config;
	struct server *server = NULL;
	struct err e;
	enum rc rc;
	int fd;

	opt_descriptors();
	rc = config_load(&config, &e);
	log_init(PROG, rc == RC_OK ? log_level_of(config.log_level) : LOG_WARN);
	fd = listening_socket();
	/* The arguments of a CGI program may be the query: not options. */
	if (fd >= 0 || getenv("REQUEST_METHOD") == NULL)
		options(argc, argv);
	if (fd < 0 && getenv("REQUEST_METHOD") == NULL)
		opt_fail(PROG, "no FastCGI socket, and no CGI request");
	signal(SIGPIPE, SIG_IGN);
	if (rc == RC_OK)
		rc = server_new(&server, &config, &e);
	if (rc == RC_OK && fd >= 0)
		rc = loop(server, fd, config.request_timeout, &e);
	else if (rc == RC_OK)
		server_serve(server, &cgi);
	server_free(server);
	return rc == RC_OK ? 0 : opt_report(PROG, &e);
}
