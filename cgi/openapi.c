#include <string.h>

#include "api.h"
#include "data/envelope.h"
#include "openapi.h"

static const char *
method_name(enum method m)
{
	return m == METHOD_GET ? "get" : m == METHOD_POST ? "post" : "delete";
}

/* What decides which answers a route may give. */
enum trait {
	ALL = 1,
	WRITES = 2,
	IS_TOLD = 4, /* an index, a sector and the like */
	IS_TASK = 8,
	CHANGES_TASK = 16,
	QUEUES = 32,
	IS_CACHED = 64, /* its answer has a tag, or waits for a task */
	NEEDS_REDIS = 128
};

static unsigned
traits_of(const struct route *r)
{
	unsigned traits = ALL;

	if (r->writes)
		traits |= WRITES;
	if ((r->query | r->body) != 0)
		traits |= IS_TOLD;
	if (strstr(r->path, "{id}") != NULL)
		traits |= IS_TASK | (r->writes ? CHANGES_TASK : 0u);
	if (r->answers[0].status == 202)
		traits |= QUEUES;
	if (r->answers[1].schema != NULL &&
	    strcmp(r->answers[1].schema, "Waiting") == 0)
		traits |= IS_CACHED;
	if (r->run != health_live && r->run != metrics && r->run != openapi_get)
		traits |= NEEDS_REDIS;
	return traits;
}

static void
names(struct buf *b, const struct dataset_name *v, size_t n)
{
	buf_adds(b, "{\"type\":\"string\",\"enum\":[");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(b, ',');
		envelope_string(b, v[i].name);
	}
	buf_adds(b, "]");
}

static void
input_schema(struct buf *b, enum input in)
{
	if (in == INPUT_INDEX) {
		names(b, dataset_indexes, DATASET_INDEXES);
		buf_adds(b, ",\"default\":");
		envelope_string(b, DATASET_DEFAULT_INDEX);
		buf_addc(b, '}');
	} else if (in == INPUT_SECTOR) {
		names(b, dataset_sectors, DATASET_SECTORS);
		buf_adds(b, ",\"default\":");
		envelope_string(b, DATASET_ANY);
		buf_addc(b, '}');
	} else if (in == INPUT_RETURNS) {
		buf_adds(b, "{\"type\":\"string\",\"enum\":[\"0\",\"1\"],"
			    "\"default\":\"0\"}");
	} else {
		buf_adds(b, "{\"type\":\"boolean\"}");
	}
}

static void
parameters(struct buf *b, const struct route *r)
{
	int n = 0;

	buf_adds(b, ",\"parameters\":[");
	if (traits_of(r) & IS_TASK) {
		buf_adds(b,
		    "{\"name\":\"id\",\"in\":\"path\",\"required\":true,"
		    "\"schema\":{\"type\":\"string\",\"format\":"
		    "\"uuid\"}}");
		n++;
	}
	for (int i = 0; i < INPUT__MAX; i++) {
		if (!(r->query & TAKES(i)))
			continue;
		buf_addf(b, "%s{\"name\":\"%s\",\"in\":\"query\",\"schema\":",
		    n++ > 0 ? "," : "", inputs[i].name);
		input_schema(b, (enum input)i);
		buf_addc(b, '}');
	}
	if (traits_of(r) & IS_CACHED)
		buf_addf(b,
		    "%s{\"name\":\"If-None-Match\",\"in\":\"header\","
		    "\"schema\":{\"type\":\"string\"}}",
		    n > 0 ? "," : "");
	buf_addc(b, ']');
}

static void
request_schema(struct buf *b, const struct route *r)
{
	int n = 0;

	buf_adds(b, ",\"requestBody\":{\"required\":false,\"content\":{"
		    "\"application/json\":{\"schema\":{\"type\":\"object\","
		    "\"additionalProperties\":false,\"properties\":{");
	for (int i = 0; i < INPUT__MAX; i++) {
		if (!(r->body & TAKES(i)))
			continue;
		buf_addf(b, "%s\"%s\":", n++ > 0 ? "," : "", inputs[i].name);
		input_schema(b, (enum input)i);
	}
	buf_adds(b, "}}}}}");
}

/* Header lines of an answer that say more than how to read it. */
static void
response_headers(struct buf *b, unsigned traits, int status, const char *schema)
{
	static const struct {
		int status;
		unsigned traits;
		const char *schema; /* NULL: of any */
		const char *name;
	} list[] = {
		{ 200, IS_CACHED, NULL, "ETag" },
		{ 304, IS_CACHED, NULL, "ETag" },
		{ 200, IS_CACHED, NULL, "Cache-Status" },
		{ 202, IS_CACHED, NULL, "Cache-Status" },
		{ 202, IS_CACHED, NULL, "Location" },
		{ 202, QUEUES, NULL, "Location" },
		{ 202, IS_CACHED, NULL, "Retry-After" },
		{ 401, WRITES, NULL, "WWW-Authenticate" },
		{ 503, ALL, "Problem", "Retry-After" },
	};
	int n = 0;

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (list[i].status == status && (list[i].traits & traits) &&
		    (list[i].schema == NULL ||
			(schema != NULL &&
			    strcmp(list[i].schema, schema) == 0)))
			buf_addf(b,
			    "%s\"%s\":{\"required\":true,\"schema\":{"
			    "\"type\":\"string\"}}",
			    n++ > 0 ? "," : ",\"headers\":{", list[i].name);
	if (n > 0)
		buf_addc(b, '}');
}

/* schema NULL: it has no body. */
static void
response(struct buf *b, unsigned traits, int status, const char *schema)
{
	buf_addf(
	    b, "\"%d\":{\"description\":\"%s\"", status, answer_phrase(status));
	response_headers(b, traits, status, schema);
	if (schema == NULL) {
		buf_adds(b, "},");
		return;
	}
	buf_adds(b, ",\"content\":{");
	if (strcmp(schema, "Text") == 0)
		buf_adds(b, "\"text/plain\":{\"schema\":{\"type\":\"string\"}");
	else
		buf_addf(b,
		    "\"application/%sjson\":{\"schema\":{\"$ref\":"
		    "\"#/components/schemas/%s\"}",
		    strcmp(schema, "Problem") == 0 ? "problem+" : "", schema);
	buf_adds(b, "}}},");
}

static int
is_answer_of(const struct route *r, int status)
{
	for (int i = 0; i < ROUTE_ANSWERS; i++)
		if (r->answers[i].status == status)
			return 1;
	return 0;
}

/* What the routes have in common: refusals, and what is unchanged. */
static void
common_responses(struct buf *b, const struct route *r)
{
	static const struct {
		int status;
		unsigned traits; /* one of them is enough */
	} list[] = {
		{ 304, IS_CACHED },
		{ 400, ALL },
		{ 401, WRITES },
		{ 403, WRITES },
		{ 404, IS_TASK | IS_CACHED },
		{ 409, CHANGES_TASK },
		{ 413, ALL },
		{ 414, ALL },
		{ 415, WRITES },
		{ 422, IS_TOLD },
		{ 503, NEEDS_REDIS },
	};
	unsigned traits = traits_of(r);

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if ((list[i].traits & traits) &&
		    !is_answer_of(r, list[i].status))
			response(b, traits, list[i].status,
			    list[i].status == 304 ? NULL : "Problem");
}

static void
operation(struct buf *b, const struct route *r)
{
	buf_addf(b, "\"%s\":{\"summary\":", method_name(r->method));
	envelope_string(b, r->summary);
	parameters(b, r);
	if (r->body != 0)
		request_schema(b, r);
	/* Writing needs the token, or none where the server has none. */
	if (r->writes)
		buf_adds(b, ",\"security\":[{\"token\":[]},{}]");
	buf_adds(b, ",\"responses\":{");
	for (int i = 0; i < ROUTE_ANSWERS; i++)
		if (r->answers[i].status != 0)
			response(b, traits_of(r), r->answers[i].status,
			    r->answers[i].schema);
	common_responses(b, r);
	buf_adds(b, "\"default\":{\"description\":\"A problem of the server: a "
		    "bug (500), or nginx refuses (429) or does without the API "
		    "(502, 504)\",\"content\":{"
		    "\"application/problem+json\":{\"schema\":{\"$ref\":"
		    "\"#/components/schemas/Problem\"}}}}}}");
}

/* Routes of one path stand together in the table. */
static void
paths(struct buf *b)
{
	for (size_t i = 0; i < nroutes; i++) {
		int same =
		    i > 0 && strcmp(routes[i].path, routes[i - 1].path) == 0;

		if (i > 0)
			buf_adds(b, same ? "," : "},");
		if (!same)
			buf_addf(b, "\"%s\":{", routes[i].path);
		operation(b, &routes[i]);
	}
	buf_addc(b, '}');
}

void
openapi_write(struct buf *b)
{
	buf_adds(b,
	    "{\"openapi\":\"3.1.0\",\"info\":{\"title\":"
	    "\"Stocknity Data\",\"version\":\"" VERSION "\","
	    "\"description\":\"HEAD is answered as GET, without a body; "
	    "OPTIONS with 204 and Allow; another method with 405.\"},"
	    "\"paths\":{");
	paths(b);
	buf_adds(b, "},\"components\":{\"securitySchemes\":{\"token\":{"
		    "\"type\":\"http\",\"scheme\":\"bearer\"}},\"schemas\":{");
	openapi_schemas(b);
	buf_adds(b, "}}}\n");
}

int
openapi_get(struct call *c, struct err *e)
{
	(void)e;
	openapi_write(&c->answer->body);
	return 200;
}
