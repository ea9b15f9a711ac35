# Stocknity Data.  make help lists the targets.

VERSION = 1.0.0
PREFIX  = /usr/local
DESTDIR =
SYSCONFDIR = /etc
RUNDIR  = /run
LOGDIR  = /var/log/nginx
CC      = gcc
CFLAGS  = -O2 -g
SECONDS = 5
CHAOS   = 1
Q       = $(if $(V),,@)

B       = $(if $(SAN),build/san,build/rel)
P       = $(if $(SAN),$B/)
SANFLAGS = -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer
WARN    = -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla \
	-Wimplicit-fallthrough -Wformat=2
DEFS    = -std=c11 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -iquote src \
	-I/usr/include/libxml2
ALL     = $(DEFS) $(WARN) $(CFLAGS) $(if $(SAN),$(SANFLAGS))
LIBS    = -Wl,--as-needed -lcurl -lhiredis -lxml2 -ljson-c -lz -lm

CORE    = $(patsubst %.c,$B/%.o,$(wildcard src/*.c src/*/*.c)) $B/lua.o
LUA     = $(sort $(wildcard src/store/lua/*.lua))
PROGS   = fetch fetch-live enqueue drain-queue status schedule
BIN     = $(addprefix $Pbin/,$(PROGS)) $Pcgi/api
CGI     = $(patsubst %.c,$B/%.o,$(wildcard cgi/*.c))
TESTS   = $(patsubst %.c,$B/%,$(wildcard tests/test_*.c))
DRIVERS = $(patsubst tests/integration/%.c,$B/tests/%, \
	$(wildcard tests/integration/*.c))
CHAOTIC = $(patsubst %.c,$B/%,$(wildcard tests/chaos/*.c))
QBENCH  = $(patsubst tests/bench/queue/%.c,$B/tests/queue/%, \
	$(wildcard tests/bench/queue/*.c))
MARKET  = $B/tests/market
REPLAY  = $B/tests/replay
FUZZERS = $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/*.c))
MAN     = $(wildcard man/*.[178])
PYTHON  = PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3

.PHONY: all help deps check golden integration chaos torture fuzz test bench \
	bench-api bench-fetch bench-queue bench-replay bench-web lint fmt demo run stop install uninstall clean
.DELETE_ON_ERROR:
.SECONDARY:

#: make               the programs, into bin/
all: $(BIN)

#: make V=1           showing the commands
#: make help          this list
help:
	@sed -n 's/^#: //p' Makefile

$B/libstocknity.a: $(CORE)
	@echo AR $@
	$Qrm -f $@ && $(AR) rcs $@ $^
$B/lua.c: src/store/lua2c.sh $(LUA)
	@mkdir -p $(@D)
	$Qsrc/store/lua2c.sh $(LUA) >$@.part && mv $@.part $@
$B/lua.o: $B/lua.c
	@echo CC $<
	$Q$(CC) $(ALL) -MMD -MP -c -o $@ $<
$B/%.o: %.c
	@mkdir -p $(@D)
	@echo CC $<
	$Q$(CC) $(ALL) -MMD -MP -c -o $@ $<
$Pbin/fetch $Pbin/fetch-live: $B/bin/fetch_args.o
$Pbin/%: $B/bin/%.o $B/libstocknity.a
	@mkdir -p $(@D)
	@echo LD $@
	$Q$(CC) $(ALL) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS)
$Pcgi/api: $(CGI) $B/libstocknity.a
	@mkdir -p $(@D)
	@echo LD $@
	$Q$(CC) $(ALL) $(LDFLAGS) -o $@ $^ -lfcgi $(LIBS)
$B/tests/test_%: $B/tests/test_%.o $B/libstocknity.a
	@echo LD $@
	$Q$(CC) $(ALL) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) \
	    -lcmocka $(LIBS)
$B/tests/%: $B/tests/integration/%.o $B/libstocknity.a
	@echo LD $@
	$Q$(CC) $(ALL) $(LDFLAGS) -o $@ $^ -lcmocka $(LIBS)
$B/tests/%: $B/tests/bench/%.o $B/libstocknity.a
	@echo LD $@
	$Q$(CC) $(ALL) $(LDFLAGS) -o $@ $^ $(LIBS)
$B/tests/chaos/%: $B/tests/chaos/%.o $B/libstocknity.a
	@echo LD $@
	$Q$(CC) $(ALL) $(LDFLAGS) -o $@ $^ $(LIBS)
$B/tests/queue/%: $B/tests/bench/queue/%.o $B/libstocknity.a
	@mkdir -p $(@D)
	@echo LD $@
	$Q$(CC) $(ALL) $(LDFLAGS) -o $@ $^ $(LIBS)
$B/tests/torture: $B/tests/torture.o $B/libstocknity.a
	@echo LD $@
	$Q$(CC) $(ALL) $(LDFLAGS) -o $@ $^ $(LIBS) \
	    -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup
$(MARKET): $(patsubst %.c,$B/%.o,$(wildcard tests/upstream/*.c))
	@echo LD $@
	$Q$(CC) $(ALL) -o $@ $^ -lmicrohttpd -ljson-c -lz -lm
FUZZED  = $(patsubst %.c,build/fuzz/%.o,$(wildcard src/*/*.c)) \
	build/fuzz/build/rel/lua.o
FUZZCC  = clang $(DEFS) $(WARN) -O1 -g -fno-sanitize-recover=undefined
build/fuzz/build/rel/lua.o: build/rel/lua.c
build/fuzz/%.o: %.c
	@mkdir -p $(@D)
	$Q$(FUZZCC) -fsanitize=fuzzer-no-link,address,undefined -MMD -MP \
	    -c -o $@ $<
build/fuzz/%: build/fuzz/tests/fuzz/%.o $(FUZZED)
	@echo FUZZ $@
	$Q$(FUZZCC) -fsanitize=fuzzer,address,undefined -o $@ $^ $(LIBS)
DECODE  = cgi/request cgi/pairs
$B/tests/test_request: $(DECODE:%=$B/%.o) $B/cgi/authorise.o
ROUTE   = cgi/dispatch cgi/routes cgi/authorise cgi/answer
build/fuzz/fuzz_request: $(patsubst %,build/fuzz/%.o,$(DECODE) $(ROUTE))
# They are made beside the objects: without a rule that says so, make looks for
# one through every pattern above, for seconds.
MADE    = $(shell find $B build/fuzz -name '*.d' 2>/dev/null)
$(MADE): ;
-include $(MADE)

#: make deps          install what is missing (apt), and nothing if nothing is
deps:
	@tools/deps.sh

#: make check         unit tests: fast, no server (SAN=1: under ASan and UBSan)
# Run every test, then fail if any failed.
check: $(TESTS)
	@tools/runner.sh $(TESTS)

golden: $(BIN)
	@FETCH=$Pbin/fetch $(PYTHON) tests/golden/golden.py
integration: $(BIN) $(MARKET) $(REPLAY) $(DRIVERS)
	@B=$B P=$P tools/runner.sh $(wildcard tests/integration/*_test.*) \
	    tests/upstream/selftest.sh
torture: $B/tests/torture
	@$<

#: make chaos         what the queue bears: kills, stops, a Redis that dies
#:                    (CHAOS=20: so many times longer)
chaos: $(BIN) $(MARKET) $(CHAOTIC)
	@B=$B P=$P CHAOS=$(CHAOS) tools/runner.sh tests/chaos/chaos_test.py

#: make fuzz          every fuzz target for SECONDS=5 each
fuzz: $(FUZZERS)
	@SECONDS_EACH=$(SECONDS) tools/fuzz.sh $(FUZZERS)

# Long, and not about how long a thing takes: beside each other.
BESIDE = $(if $(SAN),,tools/fuzz.sh) $(patsubst %,tests/integration/%, \
	page_test.py stack_test.sh drain_break_test.py curl_test.sh \
	cron_test.py api_test.py) tests/golden/golden.py
#: make test          the whole suite, on a bare machine too (SAN=1: likewise)
test:
	@tools/deps.sh build run test
	@$(MAKE) --no-print-directory -j$$(nproc) all $(TESTS) $(MARKET) \
	    $(REPLAY) $(DRIVERS) \
	    $(CHAOTIC) $B/tests/torture $(if $(SAN),,$(FUZZERS))
	@B=$B P=$P CHAOS=$(CHAOS) SECONDS_EACH=$(SECONDS) FETCH=$Pbin/fetch \
	    JOBS=$$(nproc) tools/runner.sh $(BESIDE) -- \
	    $(filter-out $(BESIDE),$(TESTS) $B/tests/torture \
	    tests/upstream/selftest.sh \
	    $(sort $(wildcard tests/integration/*_test.*)) \
	    tests/chaos/chaos_test.py)

#: make bench         the ratios of README.md, measured anew: all of these
bench: bench-fetch bench-replay
	@$(MAKE) --no-print-directory bench-queue
	@$(MAKE) --no-print-directory bench-api
	@$(MAKE) --no-print-directory bench-web
#: make bench-fetch   fetch, its parser, the limiter
bench-fetch:
	@tools/deps.sh build run bench
	@$(MAKE) --no-print-directory all $(MARKET) build/rel/tests/bench_page
	@$(PYTHON) tests/bench/bench.py
#: make bench-replay  an access log against what the cache decides, no waiting
bench-replay: $(REPLAY)
	@$< 1
	@$< 1 60

#: make bench-api     the API process against a bare libfcgi program
bench-api:
	@tools/deps.sh build run test bench
	@$(MAKE) --no-print-directory all $(MARKET) build/rel/tests/bare
	@$(PYTHON) tests/bench/api/bench_api.py
build/rel/tests/bare: build/rel/tests/bench/api/bare.o
	@echo LD $@
	$Q$(CC) $(ALL) -o $@ $^ -lfcgi -lhiredis

#: make bench-web     nginx's cache against a bare one, node and Flask
# A peer that is not to be had is left out, and listed as such.
bench-web:
	@tools/deps.sh build run
	@tools/deps.sh web-bench || echo "not all peers are to be had"
	@mkdir -p build/bench
	@[ -d build/bench/node_modules/ioredis ] || npm install --silent \
	    --no-audit --no-fund --prefix build/bench ioredis@5 || \
	    echo "ioredis is not to be had"
	@$(MAKE) --no-print-directory all $(MARKET)
	@$(PYTHON) tests/bench/web/bench_web.py

#: make bench-queue   the queue against BullMQ, Celery, RQ, beanstalkd
# A peer that is not to be had is left out, and listed as such.
bench-queue:
	@tools/deps.sh build run
	@tools/deps.sh queue-bench || echo "not all peers are to be had"
	@mkdir -p build/bench
	@[ -d build/bench/node_modules/bullmq ] || npm install --silent \
	    --no-audit --no-fund --prefix build/bench bullmq@6.7.0 ioredis@5 || \
	    echo "BullMQ is not to be had"
	@$(MAKE) --no-print-directory all $(QBENCH)
	@B=$B P=$P $(PYTHON) tests/bench/queue/bench_queue.py

#: make lint          clang-format, clang-tidy, shellcheck, man pages
lint:
	@tools/deps.sh build run test lint
	@$(MAKE) --no-print-directory build/rel/lua.c
	@tools/lint.sh

#: make fmt           format every C file
fmt:
	clang-format -i $$(git ls-files '*.c' '*.h')

#: make demo          a stack of its own on a demo market, and a refresh
#: make run           the same on the live sources
#: make stop          end either
demo run:
	@tools/deps.sh build run
	@$(MAKE) --no-print-directory all $(MARKET)
	@tools/stack.sh $@
stop:
	@tools/stack.sh stop

#: make install       programs, page, nginx site, units, settings, man pages
#:                    (PREFIX, DESTDIR, SYSCONFDIR=/etc); what was edited stays
ETC     = $(DESTDIR)$(SYSCONFDIR)
SHARE   = $(DESTDIR)$(PREFIX)/share/stocknity
UNITS   = $(DESTDIR)$(PREFIX)/lib/systemd/system
CONF    = $(SYSCONFDIR)/stocknity.conf
# fill FILE TO: a template with the places of this installation filled in
# lay FILE TO [MODE]: the same below /etc, but for what was edited there
FILL    = fill() { tools/fill.sh $$1 SOCKET=$(RUNDIR)/stocknity-api.sock \
	CACHE=$(RUNDIR)/stocknity-cache SNIPPETS=$(SYSCONFDIR)/nginx/snippets \
	WWW=$(PREFIX)/share/stocknity/www LISTEN=127.0.0.1:5001 LOG=$(LOGDIR) \
	RUN=$(RUNDIR) BIN=$(PREFIX)/bin LIB=$(PREFIX)/lib/stocknity \
	ETC=$(SYSCONFDIR) >$$2 && chmod 644 $$2; }; \
	lay() { fill $$1 $(SHARE)/new && tools/lay.sh $${3-644} $(SHARE)/new \
	$(ETC)/$$2 $(SHARE)/made/$$2 && rm $(SHARE)/new; }
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/stocknity \
	    $(DESTDIR)$(PREFIX)/share/man/man1 \
	    $(DESTDIR)$(PREFIX)/share/man/man7 $(DESTDIR)$(PREFIX)/share/man/man8
	for p in $(PROGS); do \
	    install bin/$$p $(DESTDIR)$(PREFIX)/bin/stocknity-$$p || exit; \
	done
	install -D cgi/api $(DESTDIR)$(PREFIX)/lib/stocknity/api
	install -m 644 data/members.csv $(DESTDIR)$(PREFIX)/share/stocknity
	install -d $(SHARE)/www/js $(SHARE)/www/lib $(UNITS)
	install -m 644 nginx/www/*.* $(SHARE)/www
	install -m 644 nginx/www/js/*.js $(SHARE)/www/js
	for l in d3-array d3-hierarchy; do \
	    ln -sfn /usr/share/nodejs/$$l/dist/$$l.min.js $(SHARE)/www/lib/$$l.js; \
	done
	sed -e 's|^PATH=/usr/local/bin:|PATH=$(PREFIX)/bin:|' \
	    -e 's|^#STOCKNITY_CONF=.*|STOCKNITY_CONF=$(CONF)|' cron/stocknity \
	    >$(SHARE)/crontab
	$(FILL); set -e; \
	    lay nginx/http.conf nginx/conf.d/stocknity.conf; \
	    for s in fastcgi headers problems; do \
		lay nginx/$$s.conf nginx/snippets/stocknity-$$s.conf; \
	    done; \
	    lay nginx/snippet.conf nginx/snippets/stocknity.conf; \
	    lay nginx/site.conf nginx/sites-available/stocknity; \
	    lay $(SHARE)/crontab cron.d/stocknity; \
	    lay etc/stocknity.conf stocknity.conf 640; \
	    fill systemd/stocknity-api.socket $(UNITS)/stocknity-api.socket; \
	    fill systemd/stocknity-api.service $(UNITS)/stocknity-api.service
	rm $(SHARE)/crontab
	@[ -n "$(DESTDIR)" ] || chgrp stocknity $(CONF) 2>/dev/null || \
	    echo "cron's programs cannot read $(CONF) yet: adduser --system" \
		"--group --no-create-home stocknity, then make install"
	install -m 644 man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 man/*.7 $(DESTDIR)$(PREFIX)/share/man/man7
	install -m 644 man/*.8 $(DESTDIR)$(PREFIX)/share/man/man8

#: make uninstall     what install laid down, but for an edited stocknity.conf
LAID    = nginx/conf.d/stocknity.conf nginx/snippets/stocknity.conf \
	nginx/snippets/stocknity-fastcgi.conf \
	nginx/snippets/stocknity-headers.conf \
	nginx/snippets/stocknity-problems.conf nginx/sites-available/stocknity \
	nginx/sites-enabled/stocknity cron.d/stocknity
uninstall:
	rm -f $(patsubst %,$(DESTDIR)$(PREFIX)/bin/stocknity-%,$(PROGS)) \
	    $(patsubst man/%.1,$(DESTDIR)$(PREFIX)/share/man/man1/%.1,$(wildcard man/*.1)) \
	    $(patsubst man/%.7,$(DESTDIR)$(PREFIX)/share/man/man7/%.7,$(wildcard man/*.7)) \
	    $(patsubst man/%.8,$(DESTDIR)$(PREFIX)/share/man/man8/%.8,$(wildcard man/*.8))
	rm -f $(LAID:%=$(ETC)/%) $(LAID:%=$(ETC)/%.new) $(ETC)/stocknity.conf.new \
	    $(UNITS)/stocknity-api.socket $(UNITS)/stocknity-api.service
	@if cmp -s $(ETC)/stocknity.conf $(SHARE)/made/stocknity.conf; then \
		rm $(ETC)/stocknity.conf; \
	elif [ -e $(ETC)/stocknity.conf ]; then \
		echo "kept, as it was edited: $(ETC)/stocknity.conf"; \
	fi
	rm -rf $(SHARE) $(DESTDIR)$(PREFIX)/lib/stocknity

#: make clean         what was built
clean:
	rm -rf build $(addprefix bin/,$(PROGS)) cgi/api
