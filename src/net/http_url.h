/*
 * Addresses: the host for messages, and where a redirect may lead.  Private
 * to http*.c and its test.  Parsed by curl's own parser, so that what is
 * judged here is what is asked then.
 */
#ifndef NET_HTTP_URL_H
#define NET_HTTP_URL_H

#include <stddef.h>

#include "base/rc.h"

#define HTTP_HOST 128 /* bytes of a host in messages; longer ones are cut */

/* The host of an http or https address.  RC_CONFIG: it is none (the message
 * does not quote it), RC_NOMEM. */
enum rc http_url_host(const char *url, char host[HTTP_HOST], struct err *);

/*
 * The address that a Location header leads to, seen from the address that
 * answered with it.  Scheme, host and port must stay the same; only from http
 * to https on the default ports is allowed besides.  RC_BLOCKED: it leads
 * elsewhere; RC_UPSTREAM: unreadable, or longer than size.
 */
enum rc http_url_follow(const char *from, const char *location, char *out,
    size_t size, struct err *);

#endif
