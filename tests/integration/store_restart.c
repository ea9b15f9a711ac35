/*
 * Redis servers that are restarted, killed and stalled in the midst: our own,
 * in the folder STORE_TMP.
 */
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/flight.h"
#include "store_fixture.h"

struct server {
	char path[128];
	pid_t pid;
};

static int
answers(const char *path)
{
	redisContext *c = redisConnectUnix(path);
	redisReply *reply = NULL;
	int ok;

	if (c != NULL && c->err == 0)
		reply = redisCommand(c, "PING");
	ok = reply != NULL && reply->type == REDIS_REPLY_STATUS;
	freeReplyObject(reply);
	if (c != NULL)
		redisFree(c);
	return ok;
}

static void
server_start(struct server *s)
{
	const char *tmp = getenv("STORE_TMP");
	int null;

	assert_non_null(tmp);
	snprintf(s->path, sizeof(s->path), "%s/own.sock", tmp);
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* none is left behind */
		null = open("/dev/null", O_WRONLY);
		dup2(null, STDOUT_FILENO);
		execlp("redis-server", "redis-server", "--port", "0",
		    "--unixsocket", s->path, "--save", "", "--appendonly", "no",
		    "--dir", tmp, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 500 && !answers(s->path); i++)
		clock_sleep_ms(10);
	assert_true(answers(s->path));
}

static void
server_kill(struct server *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
}

static struct redis *
connect_to(struct fixture *f, const struct server *s)
{
	struct config c = f->config;
	struct redis *r = NULL;

	snprintf(c.redis_url, sizeof(c.redis_url), "unix://%s", s->path);
	assert_int_equal(redis_open(&r, &c, NULL), RC_OK);
	return r;
}

static void
a_server_restarted_between_two_calls_is_connected_to_anew(void **state)
{
	struct fixture *f = *state;
	struct flight flight;
	struct redis *r;
	struct server s;

	server_start(&s);
	r = connect_to(f, &s);
	assert_int_equal(call1(r, "SET", "k", "v", NULL), RC_OK);
	server_kill(&s);
	server_start(&s);
	assert_int_equal(call1(r, "SET", "k", "v", NULL), RC_OK);
	server_kill(&s);
	server_start(&s);
	/* a script, which the new server does not know */
	assert_int_equal(flight_take(r, "DJIA", "", &flight, NULL), RC_OK);
	redis_close(r);
	server_kill(&s);
}

static void
a_server_that_is_gone_is_told_at_once(void **state)
{
	const char *get[] = { "GET", "k" };
	redisReply *v[1] = { NULL };
	struct fixture *f = *state;
	struct server s;
	struct redis *r;
	struct err e;
	int64_t t0;

	server_start(&s);
	r = connect_to(f, &s);
	assert_int_equal(redis_add(r, 2, get, NULL, NULL), RC_OK);
	server_kill(&s);
	t0 = clock_mono_ms();
	assert_int_equal(redis_fetch(r, v, 1, &e), RC_STORE);
	assert_null(v[0]);
	assert_int_equal(call1(r, "GET", "k", NULL, &e), RC_STORE);
	assert_non_null(strstr(e.msg, "own.sock"));
	assert_true(clock_mono_ms() - t0 < 1000);
	server_start(&s);
	assert_int_equal(call1(r, "GET", "k", NULL, &e), RC_OK);
	redis_close(r);
	server_kill(&s);
}

static void
a_server_that_stalls_is_given_up_after_the_timeout(void **state)
{
	struct fixture *f = *state;
	struct server s;
	struct redis *r;
	struct err e;
	int64_t t0, ms;

	server_start(&s);
	r = connect_to(f, &s);
	kill(s.pid, SIGSTOP);
	t0 = clock_mono_ms();
	assert_int_equal(call1(r, "GET", "k", NULL, &e), RC_STORE);
	ms = clock_mono_ms() - t0;
	assert_non_null(strstr(e.msg, "no answer within 1 s"));
	assert_true(ms >= 900 && ms < 3000);
	kill(s.pid, SIGCONT);
	assert_int_equal(call1(r, "GET", "k", NULL, &e), RC_OK);
	redis_close(r);
	server_kill(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_REDIS(
		    a_server_restarted_between_two_calls_is_connected_to_anew),
		WITH_REDIS(a_server_that_is_gone_is_told_at_once),
		WITH_REDIS(a_server_that_stalls_is_given_up_after_the_timeout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
