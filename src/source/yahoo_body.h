/*
 * What an answer of Yahoo is, before anyone looks at a quote: JSON with a
 * result, or one of the refusals that come with any status.
 *
 * Yahoo says "Too Many Requests" as text, sends its consent page with 200,
 * and wraps errors under a key that need not be the endpoint's own: the
 * status alone tells little.
 */
#ifndef SOURCE_YAHOO_BODY_H
#define SOURCE_YAHOO_BODY_H

#include <json-c/json.h>

#include "base/rc.h"
#include "net/http.h"

#define YAHOO_CONSENT                                                          \
	"Yahoo asks for consent (EU/UK): from this address it serves no data"

struct yahoo_body {
	struct json_object *root;   /* owned; yahoo_body_fini */
	struct json_object *result; /* array of what is wanted; borrowed */
	int unauthorized; /* the session was refused; set on failure too */
};

/*
 * want: the body's own member, "quoteResponse" or "chart".
 * RC_OK: result is an array of them (or of none).  RC_EMPTY: Yahoo knows no
 * such symbol, or has no data in this range.  RC_LIMITED, RC_BLOCKED,
 * RC_UPSTREAM by status or text.  RC_PARSE: neither that nor an error.
 */
enum rc yahoo_body_read(const struct http_response *, const char *want,
    struct yahoo_body *, struct err *);
void yahoo_body_fini(struct yahoo_body *);

/*
 * An answer that should be text: RC_OK where it is 200 and none of the known
 * refusals; else as above.
 */
enum rc yahoo_body_text(const struct http_response *, struct err *);

/* The text of a member; NULL where it is absent, not a text, or has a NUL
 * byte in it.  Borrowed. */
const char *yahoo_body_member(struct json_object *, const char *name);

#endif
