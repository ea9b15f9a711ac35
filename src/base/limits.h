/*
 * Every ceiling of the project in one place.  Sizes are bytes unless the name
 * says otherwise.  What a user may change is a setting (base/config.h); these
 * are the bounds that no setting lifts.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

/* Foreign bodies */
#define LIMIT_BODY        (8u << 20)   /* an HTTP answer, decoded */
#define LIMIT_FILE        (64u << 20)  /* a FILE of fetch -f */
#define LIMIT_COLUMNS     512          /* columns of one table */
#define LIMIT_ROWS        20000        /* records of one table */
#define LIMIT_CELL        512          /* text of one cell */
#define LIMIT_JSON_DEPTH  32           /* nesting of a JSON document */
#define LIMIT_JSON_COST   500000       /* values in JSON; a branch counts 8 */
#define LIMIT_HTML_DEPTH  1024         /* open elements */
#define LIMIT_HTML_TOKEN  (64u << 10)  /* one tag or comment */
#define LIMIT_HTML_ATTRS  512          /* attributes of one element */
#define LIMIT_HTML_EVENTS (2u << 20)   /* tags and texts of one page */
#define LIMIT_COOKIES     32           /* Set-Cookie lines of one answer */
#define LIMIT_HEAD        (256u << 10) /* all header bytes of one answer */
#define LIMIT_HTML_TABLES 32           /* tables inside tables */
#define LIMIT_TEXT        (32u << 20)  /* all texts of one table */

/* Ours */
#define LIMIT_TICKER   16          /* characters of a ticker */
#define LIMIT_RECORD   (64u << 10) /* a record as JSON */
#define LIMIT_URL      4096        /* a request's URL */
#define LIMIT_HEADERS  (64u << 10) /* header text kept of one answer */
#define LIMIT_ENVELOPE (64u << 20) /* a dataset as JSON */
#define LIMIT_KEY      256         /* a Redis key */
#define LIMIT_SETTING  512         /* the value of one setting */
#define LIMIT_STATE    (64u << 10) /* the limiter's file */
#define LIMIT_CONF     (64u << 10) /* the file of STOCKNITY_CONF */
#define LIMIT_REQUEST  (64u << 10) /* body of a request to the API */

/* Loops over the network */
#define LIMIT_REDIRECTS      5
#define LIMIT_CALLS_PER_PAGE 2 /* a sweep makes at most this x its pages */
#define LIMIT_SWEEP_CALLS    4000
#define LIMIT_DATASETS       64 /* datasets of one fetch */
#define LIMIT_ATTEMPTS       16 /* attempts listed in one answer */
#define LIMIT_SOURCES        8

#endif
