#include "outcome.h"

enum rc
outcome_of(int64_t count, int partial)
{
	if (partial)
		return RC_PARTIAL;
	return count == 0 ? RC_EMPTY : RC_OK;
}

static int
weight(enum rc rc)
{
	switch (rc) {
	case RC_EMPTY:
		return 0;
	case RC_OK:
		return 1;
	case RC_STALE:
		return 2;
	case RC_PARTIAL:
		return 3;
	default:
		return rc_exit(rc) == rc_exit(RC_LIMITED) ? 4 : 5;
	}
}

enum rc
outcome_worse(enum rc a, enum rc b)
{
	return weight(b) > weight(a) ? b : a;
}
