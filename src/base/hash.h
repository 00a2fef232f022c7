/*
 * hash.h - keyed hashing of octets that anyone may choose: names, keys.
 *
 * Without the seed nobody can find two that meet in one bucket. Not for cryptography.
 */
#ifndef ASSAY_BASE_HASH_H
#define ASSAY_BASE_HASH_H

#include "base/slice.h"

#include <string.h>

static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = a;

	product *= b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/*
 * `hash`: of what came before. A folded multiplication for each 8 octets; the seed stands in both factors, so that no zero
 * can be chosen. One more at the end: names that differ in their last octets only are multiples of one factor apart after
 * the first, which for some seeds leaves a dozen of them with the same uppermost bits.
 */
static inline uint64_t hash_octets(uint64_t hash, uint64_t seed, struct slice s)
{
	uint64_t word;

	for (; s.len >= sizeof(word); s = slice_from(s, sizeof(word))) {
		memcpy(&word, s.ptr, sizeof(word));
		hash = hash_fold(hash ^ word ^ 0x9e3779b97f4a7c15u, seed ^ 0xd1b54a32d192ed03u);
	}
	word = (uint64_t)s.len << 56 | slice_word_short(s);
	return hash_fold(hash_fold(hash ^ word, seed ^ 0xe7037ed1a0b428dbu), 0x8ebc6af09c88c6e3u);
}

#endif
