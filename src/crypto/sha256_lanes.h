/*
 * sha256_lanes.h - SHA-256 with one stream in each 32-bit lane of a vector: FIPS 180-4 section 6.2.2 as it stands, for
 * LANES streams in one go. What an including file defines beforehand:
 *
 *   LANES, LANES_INLINE           how many streams; the attributes of a function that is put in and may use the vectors
 *   vector                        the type, of LANES 32-bit words
 *   add, subtract, shift_right, rotate_right, xor_3, choose, majority
 *                                 of FIPS 180-4 section 4.1.2, choose(e, f, g) and majority(a, b, c) for whole vectors
 *   interleave_low_32, interleave_high_32, interleave_low_64, interleave_high_64, swap_octets, broadcast
 *                                 of words in each 128 bits; big-endian words; a word for all lanes
 *   gather_128(from, at)          16 octets at from[4k] + at for each 128 bits k, as one vector
 *   scatter_128(to, at, v)        the way back
 *   KEEP(v)                       an empty asm statement that has v for in- and output
 */
#ifndef ASSAY_CRYPTO_SHA256_LANES_H
#define ASSAY_CRYPTO_SHA256_LANES_H

#include "crypto/sha256_kernels.h"

/* Rows of four words each, in each 128 bits, become columns. */
LANES_INLINE void turn_4(vector rows[4])
{
	vector low_01 = interleave_low_32(rows[0], rows[1]), high_01 = interleave_high_32(rows[0], rows[1]);
	vector low_23 = interleave_low_32(rows[2], rows[3]), high_23 = interleave_high_32(rows[2], rows[3]);

	rows[0] = interleave_low_64(low_01, low_23);
	rows[1] = interleave_high_64(low_01, low_23);
	rows[2] = interleave_low_64(high_01, high_23);
	rows[3] = interleave_high_64(high_01, high_23);
}

/* words[i]: the i-th word at from[lane] + at, for every lane. */
LANES_INLINE void words_4_load(vector words[4], const uint8_t *const from[], size_t at)
{
#pragma GCC unroll 4
	for (unsigned i = 0; i < 4; i++)
		words[i] = gather_128(from + i, at);
	turn_4(words);
}

LANES_INLINE void words_4_store(vector words[4], uint8_t *const to[], size_t at)
{
	turn_4(words);
#pragma GCC unroll 4
	for (unsigned i = 0; i < 4; i++)
		scatter_128(to + i, at, words[i]);
}

/*
 * So many streams side by side are more than processors foresee: this asks for the octets of a later block. Of 32 streams
 * four blocks each are 8 KiB of the first cache, and 4,000 cycles ahead; eight blocks were 3 % slower.
 */
#define AHEAD_OCTETS 256

LANES_INLINE void ask_ahead(const uint8_t *octets, size_t at)
{
	__builtin_prefetch(octets + at + AHEAD_OCTETS);
}

LANES_INLINE void message_load(vector words[16], const uint8_t *const octets[], size_t at)
{
#pragma GCC unroll 4
	for (unsigned i = 0; i < 16; i += 4)
		words_4_load(words + i, octets, at + (size_t)4 * i);
#pragma GCC unroll 16
	for (unsigned i = 0; i < 16; i++)
		words[i] = swap_octets(words[i]);
}

/*
 * A round, of which the words d and h become the next e and the next a.
 *
 * Its latency is what counts: the next e waits for Sigma1 of this one, and the next a for Sigma0. KEEP keeps compilers, for
 * which sums may be formed in any order, from putting those in front of other terms: the sum of all that does not depend
 * on this round's e is ready when Sigma1 comes, and one addition follows. With T1 = (next e) - d, the next a takes no more
 * than eight additions in all, one more than the fewest.
 */
LANES_INLINE void round_run(vector a, vector b, vector c, vector *d, vector e, vector f, vector g, vector *h, vector word,
                            uint32_t constant)
{
	vector sigma_1 = xor_3(rotate_right(e, 6), rotate_right(e, 11), rotate_right(e, 25));
	vector next_e = add(add(*h, broadcast(constant)), word), next_a, sigma_0;

	KEEP(next_e);
	next_e = add(next_e, *d);
	KEEP(next_e);
	next_e = add(next_e, choose(e, f, g));
	KEEP(next_e);
	next_e = add(next_e, sigma_1);
	KEEP(next_e);
	next_a = subtract(majority(a, b, c), *d);
	KEEP(next_a);
	sigma_0 = xor_3(rotate_right(a, 2), rotate_right(a, 13), rotate_right(a, 22));
	next_a = add(next_e, next_a);
	KEEP(next_a);
	*d = next_e;
	*h = add(next_a, sigma_0);
	KEEP(*h);
}

/* The words a to h of FIPS 180-4 in round i: they stay in their places, and their names move on by one each round. */
#define NAMED(s, word, i) (s)[((word) - (i)) % 8]

/* Round i, of the state s. `i` is a constant wherever this is put in. */
LANES_INLINE void round_i_run(vector s[8], unsigned i, vector word, uint32_t constant)
{
	round_run(NAMED(s, 0u, i), NAMED(s, 1u, i), NAMED(s, 2u, i), &NAMED(s, 3u, i), NAMED(s, 4u, i), NAMED(s, 5u, i),
	          NAMED(s, 6u, i), &NAMED(s, 7u, i), word, constant);
}

/* The word 16 places on from `word`: it takes those behind it by 1, by 9 and by 14. */
LANES_INLINE vector schedule(vector word, vector next, vector ninth, vector before_last)
{
	vector sigma_0 = xor_3(rotate_right(next, 7), rotate_right(next, 18), shift_right(next, 3));
	vector sigma_1 = xor_3(rotate_right(before_last, 17), rotate_right(before_last, 19), shift_right(before_last, 10));

	return add(add(add(word, ninth), sigma_0), sigma_1);
}

LANES_INLINE void block_run(vector s[8], const uint8_t *const octets[], size_t at)
{
	const uint32_t *constants = crypto_sha256_constants;
	vector words[16], before[8];

	for (unsigned lane = 0; lane < LANES; lane++)
		ask_ahead(octets[lane], at);
	message_load(words, octets, at);
#pragma GCC unroll 8
	for (unsigned i = 0; i < 8; i++)
		before[i] = s[i];
#pragma GCC unroll 1
	for (unsigned sixteen = 0; sixteen < 3; sixteen++, constants += 16) {
#pragma GCC unroll 16
		for (unsigned i = 0; i < 16; i++) {
			round_i_run(s, i, words[i], constants[i]);
			words[i] = schedule(words[i], words[(i + 1) % 16], words[(i + 9) % 16], words[(i + 14) % 16]);
		}
	}
#pragma GCC unroll 16
	for (unsigned i = 0; i < 16; i++)
		round_i_run(s, i, words[i], constants[i]);
#pragma GCC unroll 8
	for (unsigned i = 0; i < 8; i++)
		s[i] = add(s[i], before[i]);
}

LANES_INLINE void states_load(vector s[8], uint32_t *const states[])
{
	const uint8_t *lanes[LANES];

	for (unsigned lane = 0; lane < LANES; lane++)
		lanes[lane] = (const uint8_t *)states[lane];
	words_4_load(s, lanes, 0);
	words_4_load(s + 4, lanes, 16);
}

LANES_INLINE void states_store(vector s[8], uint32_t *const states[])
{
	uint8_t *lanes[LANES];

	for (unsigned lane = 0; lane < LANES; lane++)
		lanes[lane] = (uint8_t *)states[lane];
	words_4_store(s, lanes, 0);
	words_4_store(s + 4, lanes, 16);
}

LANES_INLINE void lanes_run(uint32_t *const states[], const uint8_t *const octets[], size_t blocks)
{
	vector s[8];

	states_load(s, states);
	for (size_t i = 0; i < blocks; i++)
		block_run(s, octets, i * CRYPTO_SHA256_BLOCK_OCTETS);
	states_store(s, states);
}

#endif
