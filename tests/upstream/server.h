#ifndef UPSTREAM_SERVER_H
#define UPSTREAM_SERVER_H

#include <stdint.h>

struct server;
struct world;

/*
 * The HTTP side: listens on 127.0.0.1, a thread a connection.  The world is
 * borrowed and must outlive the server.  NULL when the port is taken.
 */
struct server *server_new(struct world *, uint16_t *port);

/* Breaks all connections off and returns when no thread is left. */
void server_free(struct server *);

#endif
