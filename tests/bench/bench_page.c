/*
 * bench_page FILE PAIRS: parse a saved page PAIRS times by turns as the Finviz
 * source and as bare htmlReadMemory (libxml2's DOM, with the same options),
 * and print the nanoseconds of both, a pair a line.
 */
#include <libxml/HTMLparser.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "source/source.h"

static long
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

static long
ours(const struct buf *b)
{
	struct http_response r = { .status = 200,
		.body = b->data,
		.len = b->len,
		.headers = "",
		.retry_after_ms = -1 };
	long begin = now_ns();
	struct table t;
	struct err e;
	int64_t total;

	table_init(&t);
	if (source_finviz.read(&r, &t, &total, &e) != RC_OK) {
		fprintf(stderr, "bench_page: %s\n", e.msg);
		exit(1);
	}
	table_fini(&t);
	return now_ns() - begin;
}

static long
dom(const struct buf *b)
{
	long begin = now_ns();
	xmlDocPtr doc = htmlReadMemory(b->data, (int)b->len, NULL, "UTF-8",
	    HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
		HTML_PARSE_NONET);

	xmlFreeDoc(doc);
	return now_ns() - begin;
}

int
main(int argc, char *argv[])
{
	FILE *f = argc == 3 ? fopen(argv[1], "r") : NULL;
	char part[65536];
	struct buf b;
	size_t n;

	if (f == NULL) {
		fprintf(stderr, "usage: bench_page FILE PAIRS\n");
		return 64;
	}
	buf_init(&b, LIMIT_BODY);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(&b, part, n);
	fclose(f);
	for (long i = strtol(argv[2], NULL, 10); i > 0; i--) {
		long a = ours(&b);

		printf("%ld %ld\n", a, dom(&b));
	}
	buf_fini(&b);
	return 0;
}
