#include "chance.h"

/* splitmix64, by Sebastiano Vigna (public domain). */
uint64_t
chance_next(uint64_t *state)
{
	uint64_t z;

	z = *state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t
chance_below(uint64_t *state, uint64_t n)
{
	return chance_next(state) % n;
}

double
chance_real(uint64_t *state)
{
	return (double)(chance_next(state) >> 11) * 0x1p-53;
}

/* The sum of twelve uniform numbers: good enough for prices, and no libm. */
double
chance_normal(uint64_t *state)
{
	double sum = -6;
	int i;

	for (i = 0; i < 12; i++)
		sum += chance_real(state);
	return sum;
}

/* FNV-1a over s, from the seed on. */
uint64_t
chance_for(uint64_t seed, const char *s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ seed;

	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	return chance_next(&h);
}
