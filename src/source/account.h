/*
 * What the settings say of a source, without any code of the source: whether
 * it can be asked at all, and how often.  So who only shows it (status) links
 * neither libcurl nor a parser.
 */
#ifndef SOURCE_ACCOUNT_H
#define SOURCE_ACCOUNT_H

#include "base/config.h"
#include "base/zone.h"

/*
 * Why a source is off: "no key: POLYGON_KEY is not set".  NULL: it is not.  A
 * source that is off is passed over, and is no failure.
 */
const char *account_lacks(const struct config *, const char *source);

/* Put *** over the source's key wherever text has it: a body that we quote may
 * repeat it. */
void account_hide(const struct config *, const char *source, char *text);

/* Calls a second that the settings allow; 0: it has no setting. */
double account_rate(const struct config *, const char *source);

/*
 * Most calls at once, so that no minute has more than POLYGON_MINUTE_QUOTA:
 * with account_rate it makes quota in every 60 s.
 */
int account_minute_burst(const struct config *);

/* Calls a minute, where that is the limit; 0: it is not. */
int account_minute_quota(const struct config *, const char *source);

/* Calls a day; 0: as many as one likes.  *zone (may be NULL): whose day. */
int account_day_quota(
    const struct config *, const char *source, enum zone *zone);

#endif
