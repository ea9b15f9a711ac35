#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/redis.h"

/* Add EVAL or EVALSHA of body to the pipeline. */
static enum rc
add(struct redis *r, const char *how, const char *body, int nkeys, int argc,
    const char *const *argv, const size_t *lens, struct err *e)
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
	rc = redis_add(r, (int)n, args, sizes, e);
out:
	free(args);
	free(sizes);
	return rc;
}

enum rc
redis_script_add(struct redis *r, const struct script *s, int nkeys, int argc,
    const char *const *argv, const size_t *lens, struct err *e)
{
	return add(r, "EVALSHA", s->sha, nkeys, argc, argv, lens, e);
}

enum rc
redis_script_fetch(struct redis *r, const struct script *s, int nkeys, int argc,
    const char *const *argv, const size_t *lens, redisReply **out,
    struct err *e)
{
	struct err why = { 0 };
	redisReply *reply = NULL;
	enum rc rc = redis_fetch(r, NULL, 0, e); /* a greeting, if due */

	if (rc != RC_OK)
		return rc;
	rc = redis_fetch(r, &reply, 1, &why);
	if (rc == RC_STORE && strstr(why.msg, ": NOSCRIPT ") != NULL) {
		rc = add(r, "EVAL", s->text, nkeys, argc, argv, lens, &why);
		if (rc == RC_OK)
			rc = redis_fetch(r, &reply, 1, &why);
	}
	if (rc != RC_OK)
		return err_set(e, rc, "%.200s (in %s)", why.msg, s->name);
	*out = reply;
	return RC_OK;
}

enum rc
redis_script(struct redis *r, const struct script *s, int nkeys, int argc,
    const char *const *argv, const size_t *lens, redisReply **out,
    struct err *e)
{
	enum rc rc = redis_idle(r, e);

	if (rc == RC_OK)
		rc = redis_script_add(r, s, nkeys, argc, argv, lens, e);
	if (rc != RC_OK)
		return rc;
	return redis_script_fetch(r, s, nkeys, argc, argv, lens, out, e);
}
