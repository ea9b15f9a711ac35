/*
 * The peer of bench_api.py: as little as a program on libfcgi can do that
 * answers with what lies under one key of Redis.
 *
 *	bare SOCKET KEY TYPE	(listens on its standard input)
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <fcgiapp.h>
#include <hiredis/hiredis.h>

int
main(int argc, char *argv[])
{
	const char *get[] = { "GET", NULL };
	FCGX_Request request;
	redisReply *reply;
	redisContext *c;

	if (argc != 4)
		errx(EX_USAGE, "usage: bare SOCKET KEY TYPE");
	get[1] = argv[2];
	c = redisConnectUnix(argv[1]);
	if (c == NULL || c->err != 0)
		errx(EX_UNAVAILABLE, "no Redis");
	if (FCGX_Init() != 0 || FCGX_InitRequest(&request, 0, 0) != 0)
		errx(EX_OSERR, "no FastCGI");
	while (FCGX_Accept_r(&request) == 0) {
		reply = redisCommandArgv(c, 2, get, NULL);
		if (reply == NULL || reply->type != REDIS_REPLY_STRING)
			errx(EX_UNAVAILABLE, "no value");
		FCGX_FPrintF(request.out,
		    "Content-Type: %s\r\nContent-Length: %d\r\n\r\n", argv[3],
		    (int)reply->len);
		FCGX_PutStr(reply->str, (int)reply->len, request.out);
		freeReplyObject(reply);
		FCGX_Finish_r(&request);
	}
	redisFree(c);
	return 0;
}
