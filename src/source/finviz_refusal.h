/*
 * Is an answer of Finviz a refusal?  Looked at before it is read, and by its
 * body first: the limit has come with status 200, challenges with 200, 403 and
 * 503.
 */
#ifndef SOURCE_FINVIZ_REFUSAL_H
#define SOURCE_FINVIZ_REFUSAL_H

#include "base/rc.h"
#include "net/http.h"

/* RC_OK: read it.  RC_LIMITED, RC_BLOCKED by body, header or status;
 * RC_UPSTREAM by status. */
enum rc finviz_refusal(const struct http_response *, struct err *);

#endif
