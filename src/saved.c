#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "data/envelope.h"
#include "saved.h"

static enum rc
slurp(const char *path, struct buf *b, struct err *e)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
	char part[65536];
	enum rc rc = RC_OK;
	size_t n;

	if (f == NULL)
		return err_set(
		    e, RC_SYS, "cannot open %.180s: %s", path, strerror(errno));
	while ((n = fread(part, 1, sizeof(part), f)) > 0 && b->rc == RC_OK)
		buf_add(b, part, n);
	if (ferror(f))
		rc = err_set(
		    e, RC_SYS, "cannot read %.180s: %s", path, strerror(errno));
	if (f != stdin)
		fclose(f);
	return rc;
}

enum rc
saved_read(const struct config *c, const struct source *source,
    const struct dataset *ds, const char *path, int status, struct buf *out,
    int *object, struct err *e)
{
	struct http_response r = { .status = status,
		.headers = "",
		.body = "",
		.retry_after_ms = -1 };
	struct attempts attempts = { .n = 0 };
	struct envelope env = { .dataset = *ds,
		.source = source->name,
		.total = -1,
		.attempts = &attempts };
	struct err why = { 0 };
	struct buf body;
	struct table t;
	enum rc rc;

	table_init(&t);
	buf_init(&body, LIMIT_FILE);
	*object = 0;
	rc = slurp(path, &body, e);
	if (rc != RC_OK)
		goto out;
	rc = buf_check(&body, path, &why);
	if (rc == RC_INVALID)
		why.rc = rc = RC_PARSE;
	if (rc == RC_OK) {
		if (body.len > 0)
			r.body = body.data;
		r.len = body.len;
		if (source->object != NULL)
			rc = source->object(&r, out, object, e);
		if (*object)
			goto out;
		rc = source->read(&r, &t, &env.total, &why);
	}
	env.fetched_ms = clock_stamp_ms();
	env.fresh_ms = env.fetched_ms + c->cache_ttl * 1000;
	env.table = &t;
	if (rc != RC_OK && rc != RC_EMPTY) {
		if (e != NULL)
			*e = why;
		attempts_add(&attempts, source->name, 0, &why);
		env.error = &why;
		env.fresh_ms = env.fetched_ms;
		env.source = NULL;
		env.table = NULL;
		env.total = -1;
	}
	if (rc == RC_EMPTY && why.msg[0] != '\0')
		err_set(e, rc, "no records: %.200s", why.msg);
	else if (rc == RC_EMPTY)
		err_set(e, rc, "no records of a total of %lld",
		    (long long)env.total);
	envelope_write(out, &env);
	if (buf_check(out, "envelope", e) != RC_OK)
		rc = out->rc;
out:
	buf_fini(&body);
	table_fini(&t);
	return rc;
}
