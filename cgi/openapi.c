#include <string.h>

#include "api.h"
#include "data/envelope.h"
#include "openapi.h"

static const char *
method_name(enum method m)
{
	return m == METHOD_GET ? "get" : m == METHOD_POST ? "post" : "delete";
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
	if (strstr(r->path, "{id}") != NULL) {
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

static void
response(struct buf *b, int status, const char *schema)
{
	buf_addf(b, "\"%d\":{\"description\":\"%s\",\"content\":{", status,
	    answer_phrase(status));
	if (strcmp(schema, "Text") == 0)
		buf_adds(b, "\"text/plain\":{\"schema\":{\"type\":\"string\"}");
	else
		buf_addf(b,
		    "\"application/%sjson\":{\"schema\":{\"$ref\":"
		    "\"#/components/schemas/%s\"}",
		    strcmp(schema, "Problem") == 0 ? "problem+" : "", schema);
	buf_adds(b, "}}},");
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
			response(b, r->answers[i].status, r->answers[i].schema);
	/* What comes out of the cache has a tag. */
	if (r->answers[1].schema != NULL &&
	    strcmp(r->answers[1].schema, "Waiting") == 0)
		buf_adds(b, "\"304\":{\"description\":\"Not Modified\"},");
	buf_adds(b, "\"default\":{\"description\":\"A problem\",\"content\":{"
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
	buf_adds(b, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":"
		    "\"Stocknity Data\",\"version\":\"" VERSION "\"},"
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
