/*
 * The description of the API (OpenAPI 3.1), made of the table of routes and
 * the table of fields.
 */
#ifndef CGI_OPENAPI_H
#define CGI_OPENAPI_H

#include "base/buf.h"

/* The whole document. */
void openapi_write(struct buf *);

/* "Name":{…},… : the schemas that routes[] names, and those they need. */
void openapi_schemas(struct buf *);

#endif
