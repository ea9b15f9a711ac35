/*
 * Where Redis is, out of the settings, and what its errors mean: the part of
 * redis.c that needs no server.
 *
 *	redis://[[user]:password@]host[:port][/db]
 *	unix://[[user]:password@]/path[?db=N]
 *
 * User, password and path are percent-decoded.  REDIS_URL says all of it;
 * without one, REDIS_HOST (a path where it begins with '/'), REDIS_PORT,
 * REDIS_DB, REDIS_USERNAME and REDIS_PASSWORD do.
 */
#ifndef STORE_REDIS_ADDRESS_H
#define STORE_REDIS_ADDRESS_H

#include <stdint.h>

#include "base/config.h"
#include "base/limits.h"
#include "base/rc.h"

struct redis_address {
	int is_unix;
	char host[LIMIT_SETTING]; /* or the path of the socket */
	int64_t port;
	int64_t db;
	char user[LIMIT_SETTING];
	char password[LIMIT_SETTING];
};

/* RC_CONFIG: cannot be read; the message does not quote a REDIS_URL, since a
 * password may stand in it. */
enum rc redis_address_read(
    const struct config *, struct redis_address *, struct err *);

/* The code of an error reply, see store/redis.h; also where a script passes
 * it on ("ERR Error running script …: -OOM …").  *advice says what it means
 * for the user; NULL: the reply says it well enough. */
enum rc redis_error_rc(const char *text, const char **advice);

#endif
