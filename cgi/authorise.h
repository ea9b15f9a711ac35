/*
 * Who may write.  With API_TOKEN set: who sends it as a bearer token.  Else
 * who calls from this machine, by its own name and without a proxy between.
 * A page of another site may not, whoever its reader is.
 */
#ifndef CGI_AUTHORISE_H
#define CGI_AUTHORISE_H

#include "base/config.h"
#include "request.h"

/* 0: it may; else 401 or 403. */
int authorise(const struct config *, const struct request *, struct err *e);

#endif
