/* SHA-256 of sixteen and of thirty-two streams, with AVX-512. Rotations and functions of three words are one instruction each. */
#include "crypto/sha256_kernels.h"

#ifdef __x86_64__
#include <immintrin.h>

#define LANES        16
#define AVX512       __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define LANES_INLINE AVX512 static inline __attribute__((always_inline))
#define KEEP(v)      __asm__("" : "+v"(v))

typedef __m512i vector;

/* What VPTERNLOG gives for each of the eight cases of three bits. */
#define PARITY   0x96
#define CHOICE   0xca
#define MAJORITY 0xe8

/* Rotations' counts are part of the instruction. */
#define rotate_right(v, count) _mm512_ror_epi32(v, count)
#define shift_right(v, count)  _mm512_srli_epi32(v, count)

LANES_INLINE vector add(vector a, vector b) { return _mm512_add_epi32(a, b); }
LANES_INLINE vector subtract(vector a, vector b) { return _mm512_sub_epi32(a, b); }
LANES_INLINE vector xor_3(vector a, vector b, vector c) { return _mm512_ternarylogic_epi32(a, b, c, PARITY); }
LANES_INLINE vector choose(vector e, vector f, vector g) { return _mm512_ternarylogic_epi32(e, f, g, CHOICE); }
LANES_INLINE vector majority(vector a, vector b, vector c) { return _mm512_ternarylogic_epi32(a, b, c, MAJORITY); }
LANES_INLINE vector interleave_low_32(vector a, vector b) { return _mm512_unpacklo_epi32(a, b); }
LANES_INLINE vector interleave_high_32(vector a, vector b) { return _mm512_unpackhi_epi32(a, b); }
LANES_INLINE vector interleave_low_64(vector a, vector b) { return _mm512_unpacklo_epi64(a, b); }
LANES_INLINE vector interleave_high_64(vector a, vector b) { return _mm512_unpackhi_epi64(a, b); }
LANES_INLINE vector broadcast(uint32_t word) { return _mm512_set1_epi32((int)word); }

LANES_INLINE vector swap_octets(vector v)
{
	return _mm512_shuffle_epi8(v, _mm512_broadcast_i32x4(_mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203)));
}

LANES_INLINE __m128i load_128(const uint8_t *from) { return _mm_loadu_si128((const void *)from); }

/* Loads that leave the other lanes as they are: they need no place where octets are shuffled. */
LANES_INLINE vector gather_128(const uint8_t *const from[], size_t at)
{
	vector v = _mm512_castsi128_si512(load_128(from[0] + at));

	v = _mm512_mask_broadcast_i32x4(v, 0x00f0, load_128(from[4] + at));
	v = _mm512_mask_broadcast_i32x4(v, 0x0f00, load_128(from[8] + at));
	return _mm512_mask_broadcast_i32x4(v, 0xf000, load_128(from[12] + at));
}

LANES_INLINE void scatter_128(uint8_t *const to[], size_t at, vector v)
{
	_mm_storeu_si128((void *)(to[0] + at), _mm512_castsi512_si128(v));
	_mm_storeu_si128((void *)(to[4] + at), _mm512_extracti32x4_epi32(v, 1));
	_mm_storeu_si128((void *)(to[8] + at), _mm512_extracti32x4_epi32(v, 2));
	_mm_storeu_si128((void *)(to[12] + at), _mm512_extracti32x4_epi32(v, 3));
}

#include "crypto/sha256_lanes.h"

AVX512 void crypto_sha256_avx512_16(uint32_t *const states[], const uint8_t *const octets[], size_t blocks)
{
	lanes_run(states, octets, blocks);
}

/*
 * Thirty-two streams: two groups of sixteen, whose rounds are in turns.
 *
 * On Zen 5 a round of one group takes 9 cycles, most of which it waits for its own results; two groups' take 14, of which
 * 13.5 are what their 54 instructions need at four a cycle. Two states are 16 of the 32 registers, so the message schedules
 * are in memory, all but the two words that the next ones are made of soonest. FENCE keeps compilers, which do not know how
 * few registers are left, from holding more. The octets of later blocks are asked for one lane a round: all of them at
 * once would fill the processor's list of what it waits for.
 */
#define FENCE() __asm__ volatile("" ::: "memory")

struct group {
	vector state[8]; /* before the block */
	vector words[16];
};

/* What is in registers. Each has a name: compilers do not keep arrays in registers when there are two of them. */
struct working {
	vector a, b, c, d, e, f, g, h;
	vector even, odd; /* the last two words that were made */
};

LANES_INLINE struct working group_load(struct group *group, const uint8_t *const octets[], size_t at)
{
	const vector *s = group->state;
	vector words[16]; /* in registers until they are whole */

	message_load(words, octets, at);
#pragma GCC unroll 16
	for (unsigned i = 0; i < 16; i++)
		group->words[i] = words[i];
	FENCE();
	return (struct working){ s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], words[14], words[15] };
}

LANES_INLINE void group_add(struct group *group, const struct working *s)
{
	const vector after[8] = { s->a, s->b, s->c, s->d, s->e, s->f, s->g, s->h };

#pragma GCC unroll 8
	for (unsigned i = 0; i < 8; i++)
		group->state[i] = add(group->state[i], after[i]);
}

/* The word that takes the place of word i. `last` is the one two places behind it, then this one. */
LANES_INLINE void group_schedule(vector words[16], unsigned i, vector *last)
{
	vector next = words[(i + 1) % 16];

	KEEP(next); /* loaded once */
	words[i] = *last = schedule(words[i], next, words[(i + 9) % 16], *last);
}

#define GROUP_ROUND(s, words, i, constant, a, b, c, d, e, f, g, h, is_last)                            \
	do {                                                                                           \
		round_run(s.a, s.b, s.c, &s.d, s.e, s.f, s.g, &s.h, words[i], constant);               \
		if (!(is_last))                                                                        \
			group_schedule(words, i, (i) % 2 ? &s.odd : &s.even);                          \
		else                                                                                   \
			ask_ahead(*from++, at);                                                        \
		FENCE();                                                                               \
	} while (0)

/* Round i of both groups. */
#define ROUND(i, is_last, ...)                                                         \
	do {                                                                           \
		GROUP_ROUND(s_0, words_0, i, constants[i], __VA_ARGS__, is_last);      \
		GROUP_ROUND(s_1, words_1, i, constants[i], __VA_ARGS__, is_last);      \
	} while (0)

#define ROUNDS_8(i, is_last)                                     \
	do {                                                     \
		ROUND((i) + 0, is_last, a, b, c, d, e, f, g, h); \
		ROUND((i) + 1, is_last, h, a, b, c, d, e, f, g); \
		ROUND((i) + 2, is_last, g, h, a, b, c, d, e, f); \
		ROUND((i) + 3, is_last, f, g, h, a, b, c, d, e); \
		ROUND((i) + 4, is_last, e, f, g, h, a, b, c, d); \
		ROUND((i) + 5, is_last, d, e, f, g, h, a, b, c); \
		ROUND((i) + 6, is_last, c, d, e, f, g, h, a, b); \
		ROUND((i) + 7, is_last, b, c, d, e, f, g, h, a); \
	} while (0)

LANES_INLINE void groups_block_run(struct group groups[2], const uint8_t *const octets[], size_t at)
{
	const uint32_t *constants = crypto_sha256_constants;
	const uint8_t *const *from = octets;
	vector *words_0 = groups[0].words, *words_1 = groups[1].words;
	struct working s_0 = group_load(&groups[0], octets, at), s_1 = group_load(&groups[1], octets + LANES, at);

#pragma GCC unroll 1
	for (unsigned sixteen = 0; sixteen < 3; sixteen++, constants += 16) {
		ROUNDS_8(0, false);
		ROUNDS_8(8, false);
	}
	ROUNDS_8(0, true);
	ROUNDS_8(8, true);
	group_add(&groups[0], &s_0);
	group_add(&groups[1], &s_1);
}

AVX512 void crypto_sha256_avx512_32(uint32_t *const states[], const uint8_t *const octets[], size_t blocks)
{
	struct group groups[2];

	__asm__ volatile("" ::"r"(groups) : "memory"); /* what FENCE is about */
	states_load(groups[0].state, states);
	states_load(groups[1].state, states + LANES);
	for (size_t i = 0; i < blocks; i++)
		groups_block_run(groups, octets, i * CRYPTO_SHA256_BLOCK_OCTETS);
	states_store(groups[0].state, states);
	states_store(groups[1].state, states + LANES);
}
#endif
