/*
 * chaos_breaker [-p processes] [-n rounds]
 *
 * Processes at one open breaker, all at once: exactly one gets the probe.  It
 * is killed, and its slot is free when its lease is over; or it reports a
 * failure, and the breaker opens anew.  What would take minutes is done by
 * turning the recorded times back.
 */
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "driver.h"
#include "store/guard.h"

#define SOURCE   "chaos"
#define HASH     "stocknity:guard:{" SOURCE "}"
#define MOST     256
#define PATIENCE 30000 /* ms for a round */

enum { WAITING, PROBE, REFUSED, THROUGH, BROKEN };

struct seat {
	_Atomic int round; /* the last one answered */
	_Atomic int got;
	_Atomic int report; /* enum rc + 1, of the probe; 0: not yet */
};

struct shared {
	_Atomic int round;
	struct seat seat[MOST];
};

struct crowd {
	struct driver d;
	struct shared *shared;
	pid_t pid[MOST];
	int processes, round;
};

static const struct policy policy = {
	.rate = 1000, .burst = 1, .connections = 2
};

static int
ask(struct guard *guard, struct grant *g)
{
	int64_t wait;
	struct err e;
	enum rc rc;

	do {
		rc = guard_take(guard, SOURCE, &policy, 60000, g, &wait, &e);
		if (rc == RC_OK && g->wait_ms > 0)
			clock_sleep_ms(g->wait_ms);
	} while (rc == RC_OK && g->wait_ms > 0);
	if (rc == RC_OPEN)
		return REFUSED;
	if (rc != RC_OK) {
		printf("FAIL take: %s\n", e.msg);
		return BROKEN;
	}
	return g->probe != 0 ? PROBE : THROUGH;
}

_Noreturn static void
caller(struct crowd *c, struct seat *seat, pid_t parent)
{
	static struct driver d;
	struct shared *s = c->shared;
	struct grant g, held = { 0 }; /* the last probe */
	struct guard *guard;
	int last = atomic_load(&seat->round);
	struct err e;

	driver_open(&d, NULL, 1);
	need(guard_open(&guard, &d.config, d.redis, &e), "guard_open", &e);
	while (getppid() == parent) {
		int report = atomic_load(&seat->report);

		if (report != 0) {
			need(guard_report(guard, SOURCE, &held,
				 (enum rc)(report - 1), -1, NULL, &e),
			    "report", &e);
			atomic_store(&seat->report, 0);
		}
		if (atomic_load(&s->round) == last) {
			clock_sleep_ms(2);
			continue;
		}
		last = atomic_load(&s->round);
		g = (struct grant){ 0 };
		atomic_store(&seat->got, ask(guard, &g));
		if (g.probe != 0)
			held = g;
		atomic_store(&seat->round, last);
	}
	_exit(0);
}

static void
start(struct crowd *c, int i)
{
	struct seat *seat = &c->shared->seat[i];
	pid_t self = getpid();

	atomic_store(&seat->round, c->round);
	atomic_store(&seat->report, 0);
	fflush(stdout);
	c->pid[i] = fork();
	if (c->pid[i] < 0)
		broken("fork");
	if (c->pid[i] == 0)
		caller(c, seat, self);
}

static void
end(struct crowd *c, int i)
{
	if (c->pid[i] <= 0)
		return;
	kill(c->pid[i], SIGKILL);
	waitpid(c->pid[i], NULL, 0);
	c->pid[i] = 0;
}

static void
give_up(struct crowd *c, const char *what, int n, int want)
{
	for (int i = 0; i < c->processes; i++)
		end(c, i);
	broken("round %d: %s %d times instead of %d", c->round, what, n, want);
}

/* All take at once; how many got what, and who the probe. */
static void
take_all(struct crowd *c, int probes, int through, int *prober)
{
	int64_t until = clock_mono_ms() + PATIENCE;
	int n[BROKEN + 1] = { 0 };

	atomic_store(&c->shared->round, ++c->round);
	for (int i = 0; i < c->processes; i++) {
		struct seat *seat = &c->shared->seat[i];

		while (atomic_load(&seat->round) != c->round) {
			if (clock_mono_ms() > until)
				give_up(c, "answered", i, c->processes);
			clock_sleep_ms(1);
		}
		n[seat->got]++;
		if (seat->got == PROBE && prober != NULL)
			*prober = i;
	}
	if (n[PROBE] != probes)
		give_up(c, "probe", n[PROBE], probes);
	if (n[THROUGH] != through)
		give_up(c, "through", n[THROUGH], through);
	if (n[BROKEN] != 0)
		give_up(c, "broken", n[BROKEN], 0);
}

static void
report(struct crowd *c, int i, enum rc rc)
{
	int64_t until = clock_mono_ms() + PATIENCE;

	atomic_store(&c->shared->seat[i].report, (int)rc + 1);
	while (atomic_load(&c->shared->seat[i].report) != 0)
		if (clock_mono_ms() > until)
			give_up(c, "report", 0, 1);
		else
			clock_sleep_ms(1);
}

/* The opening is over; what it was before. */
static void
over(struct crowd *c)
{
	order(c->d.redis, "HSET " HASH " open_until_us 1");
}

static void
one_round(struct crowd *c, int killed)
{
	int prober = -1;

	take_all(c, 0, 0, NULL); /* open */
	over(c);
	take_all(c, 1, 0, &prober);
	take_all(c, 0, 0, NULL); /* leased */
	if (killed) {
		end(c, prober);
		start(c, prober);
		take_all(c, 0, 0, NULL); /* leased still */
		order(c->d.redis, "HSET " HASH " probe_until_us 1");
		take_all(c, 1, 0, &prober);
	}
	report(c, prober, RC_TIMEOUT);
}

static void
open_breaker(struct crowd *c)
{
	struct guard *guard;
	struct grant g;
	struct err e;

	need(guard_open(&guard, &c->d.config, c->d.redis, &e), "guard", &e);
	for (int i = 0; i < 5; i++) {
		g = (struct grant){ 0 };
		if (ask(guard, &g) != THROUGH)
			broken("not closed to begin with");
		need(guard_report(guard, SOURCE, &g, RC_TIMEOUT, -1, NULL, &e),
		    "report", &e);
	}
	guard_close(guard);
}

int
main(int argc, char *argv[])
{
	static struct crowd c = { .processes = 64 };
	int64_t rounds = 4;
	int opt, prober = -1;

	while ((opt = getopt(argc, argv, "n:p:")) != -1) {
		if (opt == 'n')
			rounds = whole(optarg);
		else if (opt == 'p')
			c.processes = (int)whole(optarg);
		else
			return 64;
	}
	if (c.processes < 2 || c.processes > MOST)
		return 64;
	c.shared = mmap(NULL, sizeof(*c.shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c.shared == NULL || c.shared == MAP_FAILED)
		broken("mmap");
	driver_open(&c.d, NULL, 1);
	open_breaker(&c);
	for (int i = 0; i < c.processes; i++)
		start(&c, i);
	for (int i = 0; i < rounds; i++)
		one_round(&c, i % 2 == 0);
	over(&c);
	for (int i = 0; i < 2; i++) { /* two successes close it */
		take_all(&c, 1, 0, &prober);
		report(&c, prober, RC_OK);
	}
	take_all(&c, 0, c.processes, NULL);
	for (int i = 0; i < c.processes; i++)
		end(&c, i);
	driver_close(&c.d);
	printf(
	    "%d takes of %d processes\n", c.round * c.processes, c.processes);
	return 0;
}
