/*
 * block.h - 64 octets looked at together, or a part of 16: what they are, as the bits of a number.
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

/* At most a block of octets, copied; zeroes behind. Returns `copy`. */
static inline const uint8_t *block_copy(struct slice s, uint8_t copy[BLOCK_OCTETS])
{
	memset(copy, 0, BLOCK_OCTETS);
	memcpy(copy, s.ptr, s.len);
	return copy;
}

/* The octets of `s` from `at` (which is in it) on: where they stand when there are 64; else copied, zeroes behind. */
static inline const uint8_t *block_of(struct slice s, size_t at, uint8_t copy[BLOCK_OCTETS])
{
	size_t left = s.len - at;

	if (left >= BLOCK_OCTETS)
		return s.ptr + at;
	return block_copy(slice_of(s.ptr + at, left), copy);
}

#define BLOCK_PART_OCTETS 16

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

/* Octets of a part that are `c`. */
static inline uint64_t block_part_equal(const uint8_t *p, uint8_t c)
{
	return block_bits(_mm_cmpeq_epi8(block_load(p), _mm_set1_epi8((char)c)));
}

/* Octets of a part from `low` to `high`. */
static inline uint64_t block_part_within(const uint8_t *p, uint8_t low, uint8_t high)
{
	__m128i octets = block_load(p);
	__m128i clamped = _mm_min_epu8(_mm_max_epu8(octets, _mm_set1_epi8((char)low)), _mm_set1_epi8((char)high));

	return block_bits(_mm_cmpeq_epi8(octets, clamped));
}

/* A part in lower case. */
static inline void block_part_lower(const uint8_t *p, uint8_t *out)
{
	__m128i octets = block_load(p);
	__m128i shifted = _mm_add_epi8(octets, _mm_set1_epi8(0x80 - 'A')); /* 'A' is the least */
	__m128i letters = _mm_cmplt_epi8(shifted, _mm_set1_epi8(-0x80 + 26));

	_mm_storeu_si128((__m128i *)(void *)out, _mm_or_si128(octets, _mm_and_si128(letters, _mm_set1_epi8(0x20))));
}

/* Is one of the octets above 127? */
static inline bool block_has_high(const uint8_t *p)
{
	__m128i low = _mm_or_si128(block_load(p), block_load(p + 16));
	__m128i high = _mm_or_si128(block_load(p + 32), block_load(p + 48));

	return block_bits(_mm_or_si128(low, high)) != 0;
}
#else
static inline uint64_t block_part_equal(const uint8_t *p, uint8_t c)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < BLOCK_PART_OCTETS; i++)
		mask |= (uint64_t)(p[i] == c) << i;
	return mask;
}

static inline uint64_t block_part_within(const uint8_t *p, uint8_t low, uint8_t high)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < BLOCK_PART_OCTETS; i++)
		mask |= (uint64_t)(p[i] >= low && p[i] <= high) << i;
	return mask;
}

static inline void block_part_lower(const uint8_t *p, uint8_t *out)
{
	for (unsigned i = 0; i < BLOCK_PART_OCTETS; i++)
		out[i] = octet_lower(p[i]);
}

static inline bool block_has_high(const uint8_t *p)
{
	uint8_t all = 0;

	for (unsigned i = 0; i < BLOCK_OCTETS; i++)
		all |= p[i];
	return all > 127;
}
#endif

/* Octets that are `c`. */
static inline uint64_t block_equal(const uint8_t *p, uint8_t c)
{
	uint64_t mask = 0;

	for (unsigned at = 0; at < BLOCK_OCTETS; at += BLOCK_PART_OCTETS)
		mask |= block_part_equal(p + at, c) << at;
	return mask;
}

/* Octets from `low` to `high`. */
static inline uint64_t block_within(const uint8_t *p, uint8_t low, uint8_t high)
{
	uint64_t mask = 0;

	for (unsigned at = 0; at < BLOCK_OCTETS; at += BLOCK_PART_OCTETS)
		mask |= block_part_within(p + at, low, high) << at;
	return mask;
}

#endif
