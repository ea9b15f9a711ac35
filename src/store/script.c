#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/redis.h"

/* EVAL or EVALSHA of body. */
static enum rc
run(struct redis *r, const char *how, const char *body, int nkeys, int argc,
    const char *const *argv, const size_t *lens, redisReply **out,
    struct err *e)
{
	size_t n = (size_t)argc + 3, *sizes = calloc(n, sizeof(*sizes));
	const char **args = calloc(n, sizeof(*args));
	char keys[16];
	enum rc rc;

	if (args == NULL || sizes == NULL) {
		rc = err_set(e, RC_NOMEM, "redis: out of memory");
		goto out;
	}
	snprintf(keys, sizeof(keys), "%d", nkeys);
	args[0] = how;
	args[1] = body;
	args[2] = keys;
	for (int i = 0; i < argc; i++)
		args[i + 3] = argv[i];
	for (size_t i = 0; i < n; i++)
		sizes[i] =
		    i >= 3 && lens != NULL ? lens[i - 3] : strlen(args[i]);
	rc = redis_call(r, (int)n, args, sizes, out, e);
out:
	free(args);
	free(sizes);
	return rc;
}

enum rc
redis_script(struct redis *r, const struct script *s, int nkeys, int argc,
    const char *const *argv, const size_t *lens, redisReply **out,
    struct err *e)
{
	struct err why = { 0 };
	enum rc rc;

	rc = run(r, "EVALSHA", s->sha, nkeys, argc, argv, lens, out, &why);
	if (rc == RC_STORE && strstr(why.msg, ": NOSCRIPT ") != NULL)
		rc =
		    run(r, "EVAL", s->text, nkeys, argc, argv, lens, out, &why);
	if (rc == RC_OK)
		return RC_OK;
	return err_set(e, rc, "%.200s (in %s)", why.msg, s->name);
}
