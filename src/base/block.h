/*
 * block.h - 64 octets looked at together: what they are, as the bits of a number.
 *
 * Bit i of a mask is of octet i. On x86-64 by SSE2, which every such processor has; elsewhere octet by octet.
 * Purity:    no allocation, no I/O.
 * Bounds:    a block is 64 octets that can be read; block_of() makes one of what is left at an end.
 */
#ifndef ASSAY_BASE_BLOCK_H
#define ASSAY_BASE_BLOCK_H

#include "base/slice.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define BLOCK_OCTETS 64

/* The octets of `s` from `at` (which is in it) on: where they stand when there are 64; else copied, zeroes behind. */
static inline const uint8_t *block_of(struct slice s, size_t at, uint8_t copy[BLOCK_OCTETS])
{
	size_t left = s.len - at;

	if (left >= BLOCK_OCTETS)
		return s.ptr + at;
	memset(copy, 0, BLOCK_OCTETS);
	memcpy(copy, s.ptr + at, left);
	return copy;
}

/* The first `count` (below 64) bits. */
static inline uint64_t block_bits_below(size_t count)
{
	return (UINT64_C(1) << count) - 1;
}

#if defined(__SSE2__)
static inline __m128i block_load(const uint8_t *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static inline uint64_t block_bits(__m128i truth)
{
	return (uint64_t)(unsigned)_mm_movemask_epi8(truth);
}

/* Octets that are `c`. */
static inline uint64_t block_equal(const uint8_t *p, uint8_t c)
{
	const __m128i all = _mm_set1_epi8((char)c);
	uint64_t mask = 0;

	for (int i = 0; i < 4; i++)
		mask |= block_bits(_mm_cmpeq_epi8(block_load(p + 16 * i), all)) << (16 * i);
	return mask;
}

/* Octets from `low` to `high`. */
static inline uint64_t block_within(const uint8_t *p, uint8_t low, uint8_t high)
{
	const __m128i lows = _mm_set1_epi8((char)low), highs = _mm_set1_epi8((char)high);
	uint64_t mask = 0;

	for (int i = 0; i < 4; i++) {
		__m128i octets = block_load(p + 16 * i);
		__m128i clamped = _mm_min_epu8(_mm_max_epu8(octets, lows), highs);

		mask |= block_bits(_mm_cmpeq_epi8(octets, clamped)) << (16 * i);
	}
	return mask;
}
#else
static inline uint64_t block_equal(const uint8_t *p, uint8_t c)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < BLOCK_OCTETS; i++)
		mask |= (uint64_t)(p[i] == c) << i;
	return mask;
}

static inline uint64_t block_within(const uint8_t *p, uint8_t low, uint8_t high)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < BLOCK_OCTETS; i++)
		mask |= (uint64_t)(p[i] >= low && p[i] <= high) << i;
	return mask;
}
#endif

#endif
