#ifndef UPSTREAM_CHANCE_H
#define UPSTREAM_CHANCE_H

#include <stdint.h>

/*
 * Chance that repeats: the same seed, the same market and the same faults.
 * Pure functions; the caller keeps the state.
 */

/* The next 64 bits of the stream that *state stands in. */
uint64_t chance_next(uint64_t *state);

/* A number below n (n > 0). */
uint64_t chance_below(uint64_t *state, uint64_t n);

/* At least 0, below 1. */
double chance_real(uint64_t *state);

/* About normal: mean 0, deviation 1, within 6. */
double chance_normal(uint64_t *state);

/* A state of its own for what s names. */
uint64_t chance_for(uint64_t seed, const char *s);

#endif
