#ifndef UPSTREAM_DELIVER_H
#define UPSTREAM_DELIVER_H

#include <microhttpd.h>

struct answer;
struct fault;
struct request;

/* Send the answer, or what the fault makes of it; takes the answer's body. */
enum MHD_Result deliver(
    const struct request *, struct answer *, const struct fault *);

/* Does the fault keep an answer under way after it has been handed over? */
int deliver_lasts(const struct fault *);

/* Wait: 1 when the time has passed, 0 when the client or the server left. */
int deliver_wait(struct MHD_Connection *, long ms);

/* Break the connection off with a RST. */
void deliver_reset(struct MHD_Connection *);

#endif
