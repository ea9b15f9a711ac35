/*
 * Who may write.  With API_TOKEN set: who sends it as a bearer token.  Else
 * who calls from this machine, by its own name and without a proxy between.
 * A page of another site may not, whoever its reader is.
 *
 * The time of the comparison says nothing of the token but its length: every
 * byte of it is compared whatever was sent, with that byte, or with the NUL at
 * its end where it is shorter; the differences are gathered in a volatile,
 * which the compiler may neither leave out nor stop at, and nothing branches on
 * them before the last.  This is assured by reading it, not by a timed test.
 */
#ifndef CGI_AUTHORISE_H
#define CGI_AUTHORISE_H

#include "base/config.h"
#include "request.h"

/* 0: it may; else 401 or 403. */
int authorise(const struct config *, const struct request *, struct err *e);

#endif
