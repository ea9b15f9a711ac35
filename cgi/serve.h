/*
 * One request from its first byte to its last, whatever it comes by: a
 * FastCGI connection, or the environment and pipes of a CGI program.
 */
#ifndef CGI_SERVE_H
#define CGI_SERVE_H

#include "api.h"

struct channel {
	request_get *get;
	/* Up to n bytes of the body; fewer only at its end. */
	size_t (*read)(void *arg, char *to, size_t n);
	/* All n bytes; 0: the other side is gone. */
	int (*write)(void *arg, const char *bytes, size_t n);
	void *arg;
};

struct server;

enum rc server_new(struct server **, const struct config *, struct err *e);
void server_free(struct server *);

/* Answer, and log a failure.  What fails is the request, never the server. */
void server_serve(struct server *, const struct channel *);

#endif
