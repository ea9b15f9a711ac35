/*
 * calculate_annual_returns, of the table in handler.c.
 *
 * The task of an index ("Any" for a sector) takes its tickers from the cached
 * dataset of the index; where that is not fresh it asks for a refresh and puts
 * itself back for 30 s.  It begins the work (store/returns.h) and enqueues a
 * task of each chunk.  Without force nothing is done while the cache has fresh
 * returns.  Result: {"tickers":503,"chunks":11,"cached":false}
 *
 * The task of a chunk ("3/11") asks for its tickers, keeps each as it comes,
 * and says when it has ended; the last one writes the document.  One that fails
 * for good has ended, too: its tickers are missing then, and the document is
 * partial.  Result: {"tickers":50,"asked":50,"last":false}
 */
#ifndef HANDLER_RETURNS_H
#define HANDLER_RETURNS_H

#include "handler.h"

handler handler_returns;

#endif
