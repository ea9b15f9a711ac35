/*
 * The export of Finviz Elite (FINVIZ_AUTH): a whole screen in one CSV answer.
 *
 * The token stands in the URL, as the site wants it, and nowhere else: no
 * message quotes it.  It goes to Finviz's own Elite host, or to the host of
 * FINVIZ_URL where that is another one; redirects stay on it (net/http_url.h).
 */
#ifndef SOURCE_FINVIZ_ELITE_H
#define SOURCE_FINVIZ_ELITE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/config.h"
#include "base/rc.h"
#include "data/table.h"
#include "net/http.h"

/* The address of the export: of view, filter ("&f=…" or "") and columns
 * ("&c=…"), sorted by ticker. */
void finviz_elite_url(struct buf *, const struct config *, int view,
    const char *filter, const char *columns);

/*
 * Read an answer into *table (initialised, empty).  RC_EMPTY: a header alone.
 * RC_BLOCKED: the token was not taken (a login page, HTML, words that say so,
 * nothing at all, a redirect to another host, 401, 402 or 403), or as
 * finviz_refusal.  RC_PARSE: not
 * an export, or cut off; *table stays empty.
 */
enum rc finviz_elite_read(
    const struct http_response *, struct table *, struct err *);

#endif
