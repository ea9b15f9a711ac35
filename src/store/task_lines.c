#include <ctype.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "store/task_lines.h"

struct task_lines {
	struct json_tokener *tokener;
};

/* The members of a line, before type says what they mean. */
struct members {
	const char *type, *index, *sector, *id;
	char priority[16];
	int64_t force, delay;
};

enum rc
task_lines_new(struct task_lines **out, struct err *e)
{
	struct task_lines *l = calloc(1, sizeof(*l));

	if (l != NULL)
		l->tokener = json_tokener_new_ex(2);
	if (l == NULL || l->tokener == NULL) {
		free(l);
		return err_set(e, RC_NOMEM, "lines: out of memory");
	}
	json_tokener_set_flags(
	    l->tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8 |
			    JSON_TOKENER_ALLOW_TRAILING_CHARS);
	*out = l;
	return RC_OK;
}

void
task_lines_free(struct task_lines *l)
{
	if (l == NULL)
		return;
	json_tokener_free(l->tokener);
	free(l);
}

static int
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The object that the line is; nothing may follow it. */
static enum rc
parse(struct task_lines *l, const char *line, size_t len,
    struct json_object **out, struct err *e)
{
	struct json_object *o;
	size_t end;

	while (len > 0 && is_blank(line[len - 1]))
		len--;
	if (len > TASK_LINE_MAX)
		return err_set(
		    e, RC_PARSE, "longer than %d bytes", TASK_LINE_MAX);
	if (memchr(line, '\0', len) != NULL)
		return err_set(e, RC_PARSE, "a NUL byte");
	json_tokener_reset(l->tokener);
	o = json_tokener_parse_ex(l->tokener, line, (int)len);
	end = json_tokener_get_parse_end(l->tokener);
	if (o == NULL || end != len ||
	    !json_object_is_type(o, json_type_object)) {
		enum json_tokener_error why =
		    json_tokener_get_error(l->tokener);

		json_object_put(o);
		return err_set(e, RC_PARSE, "not a JSON object: %s",
		    why == json_tokener_continue  ? "cut off"
		    : why != json_tokener_success ? json_tokener_error_desc(why)
		    : end != len                  ? "something follows it"
						  : "another value");
	}
	*out = o;
	return RC_OK;
}

/* The text of a string; NULL where it is none or has a NUL in it. */
static const char *
text_of(struct json_object *v)
{
	const char *s;

	if (!json_object_is_type(v, json_type_string))
		return NULL;
	s = json_object_get_string(v);
	return strlen(s) == (size_t)json_object_get_string_len(v) ? s : NULL;
}

static int
set_type(struct members *m, struct json_object *v)
{
	m->type = text_of(v);
	return m->type != NULL;
}

static int
set_index(struct members *m, struct json_object *v)
{
	m->index = text_of(v);
	return m->index != NULL;
}

static int
set_sector(struct members *m, struct json_object *v)
{
	m->sector = text_of(v);
	return m->sector != NULL;
}

static int
set_id(struct members *m, struct json_object *v)
{
	m->id = text_of(v);
	return m->id != NULL;
}

/* A name, or a number as itself or as a string. */
static int
set_priority(struct members *m, struct json_object *v)
{
	const char *s = json_object_is_type(v, json_type_int)
			    ? json_object_get_string(v)
			    : text_of(v);
	size_t n = s != NULL ? strlen(s) : 0;

	if (n == 0 || n >= sizeof(m->priority))
		return 0;
	for (size_t i = 0; i <= n; i++)
		m->priority[i] = (char)tolower((unsigned char)s[i]);
	return 1;
}

static int
set_force(struct members *m, struct json_object *v)
{
	m->force = json_object_get_boolean(v);
	return json_object_is_type(v, json_type_boolean);
}

static int
set_delay(struct members *m, struct json_object *v)
{
	double seconds = json_object_get_double(v);

	if ((!json_object_is_type(v, json_type_int) &&
		!json_object_is_type(v, json_type_double)) ||
	    !(seconds >= 0 && seconds <= TASK_DELAY_MAX))
		return 0;
	m->delay = (int64_t)(seconds * 1000);
	return 1;
}

static const struct member {
	const char *name;
	int (*set)(struct members *, struct json_object *);
	const char *kind;
} known[] = {
	{ "type", set_type, "a string" },
	{ "index", set_index, "a string" },
	{ "sector", set_sector, "a string" },
	{ "priority", set_priority,
	    "low, normal, high, urgent or a number from 1 to 4" },
	{ "force", set_force, "true or false" },
	{ "delay", set_delay, "seconds from 0 to 2592000" },
	{ "id", set_id, "a string" },
};

#define KNOWN (sizeof(known) / sizeof(known[0]))

static enum rc
take_member(
    struct members *m, const char *name, struct json_object *v, struct err *e)
{
	for (size_t i = 0; i < KNOWN; i++) {
		if (strcmp(name, known[i].name) != 0)
			continue;
		if (v == NULL || known[i].set(m, v))
			return RC_OK;
		return err_set(
		    e, RC_USAGE, "\"%s\" is not %s", name, known[i].kind);
	}
	return err_set(e, RC_USAGE,
	    "unknown member \"%.40s\": type, index, sector, priority, force, "
	    "delay or id",
	    name);
}

/* One text of a probe. */
static enum rc
copy_text(char out[TASK_LINE_TEXT + 1], const char *text, struct err *e)
{
	size_t n = strlen(text);

	if (n > TASK_LINE_TEXT)
		return err_set(
		    e, RC_USAGE, "a text longer than %d bytes", TASK_LINE_TEXT);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return err_set(
			    e, RC_USAGE, "a control character in a text");
	memcpy(out, text, n + 1);
	return RC_OK;
}

enum rc
task_line_dataset(
    struct task_line *t, const char *index, const char *sector, struct err *e)
{
	struct dataset d = { t->index, t->sector };
	enum rc rc;

	if (task_types[t->spec.type].has_dataset) {
		d = (struct dataset){ DATASET_DEFAULT_INDEX, DATASET_ANY };
		rc = index == NULL ? RC_OK : dataset_index(index, &d.index, e);
		if (rc == RC_OK && sector != NULL)
			rc = dataset_sector(sector, &d.sector, e);
		if (rc == RC_OK && t->spec.type == TASK_RETURNS &&
		    (strcmp(d.sector, DATASET_ANY) != 0 ||
			strcmp(d.index, DATASET_ANY) == 0))
			rc = err_set(e, RC_USAGE,
			    "annual returns are of a whole index, and of one: "
			    "no sector, and not %s",
			    DATASET_ANY);
	} else {
		rc = copy_text(t->index, index != NULL ? index : "", e);
		if (rc == RC_OK)
			rc = copy_text(
			    t->sector, sector != NULL ? sector : "", e);
		if (rc == RC_OK &&
		    strlen(t->index) + strlen(t->sector) > TASK_LINE_TEXT)
			rc = err_set(e, RC_USAGE,
			    "texts longer than %d bytes together",
			    TASK_LINE_TEXT);
	}
	if (rc == RC_OK)
		t->spec.dataset = d;
	return rc;
}

static enum rc
understand(const struct members *m, struct task_line *t, struct err *e)
{
	enum rc rc;

	if (m->type == NULL)
		return err_set(e, RC_USAGE, "\"type\" is missing");
	rc = task_type_of(m->type, &t->spec.type, e);
	if (rc == RC_OK)
		rc = task_line_dataset(t, m->index, m->sector, e);
	if (rc == RC_OK && m->priority[0] != '\0')
		rc = task_priority_of(m->priority, &t->spec.priority, e);
	if (rc == RC_OK && m->id != NULL && !task_is_id(m->id))
		rc = err_set(e, RC_USAGE,
		    "\"id\" is not a UUID in lower case: \"%.40s\"", m->id);
	if (rc == RC_OK && m->id != NULL)
		memcpy(t->spec.id, m->id, TASK_ID + 1);
	t->spec.force = m->force != 0;
	t->spec.delay_ms = m->delay;
	return rc;
}

enum rc
task_line_read(struct task_lines *l, const char *line, size_t len,
    struct task_line *out, struct err *e)
{
	struct members m = { 0 };
	struct json_object_iter it;
	struct json_object *o = NULL;
	enum rc rc = parse(l, line, len, &o, e);

	if (rc != RC_OK)
		return rc;
	json_object_object_foreachC(o, it)
	{
		rc = take_member(&m, it.key, it.val, e);
		if (rc != RC_OK)
			break;
	}
	/* In place: the texts of a probe are pointed at. */
	*out = (struct task_line){ .spec.priority = PRIORITY_NORMAL };
	if (rc == RC_OK)
		rc = understand(&m, out, e);
	json_object_put(o);
	return rc;
}
