/*
 * prng.h - a seeded generator of numbers: the same seed gives the same numbers, everywhere and for ever.
 *
 * Source:  xoshiro256** and splitmix64 (Blackman and Vigna), both in the public domain as algorithms.
 * Streams: each purpose draws from a stream of its own, named by a text and a number, so that one more draw in one
 *          place does not change everything behind it. Not for secrets.
 */
#ifndef ASSAY_BENCH_PRNG_H
#define ASSAY_BENCH_PRNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prng {
	uint64_t state[4];
};

void prng_init(struct prng *prng, uint64_t seed, const char *stream, uint64_t number);

uint64_t prng_next(struct prng *prng);
/* 0 to `end` - 1; `end` is at least 1. */
uint64_t prng_below(struct prng *prng, uint64_t end);
/* `from` to `to`, both included. */
unsigned prng_between(struct prng *prng, unsigned from, unsigned to);
/* 0 <= x < 1. */
double prng_unit(struct prng *prng);
/* True in `percent` of 100 draws. */
bool prng_chance(struct prng *prng, double percent);
/* Standard normal distribution. */
double prng_normal(struct prng *prng);
void prng_octets(struct prng *prng, uint8_t *octets, size_t count);

#endif
