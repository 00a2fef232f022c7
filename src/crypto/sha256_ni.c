/*
 * SHA-256 with the processor's own instructions for its rounds and its message schedule.
 *
 * One stream waits most of the time: each of the 32 SHA256RNDS2 of a block needs the result of the one before, which takes
 * four cycles. So the instructions of several streams are written between each other; how many pay, and whether the 16
 * registers that these instructions can name hold them, is the processor's and the compiler's affair, and measured.
 */
#include "crypto/sha256_kernels.h"

#ifdef __x86_64__
#include <immintrin.h>

#define NI        __attribute__((target("sha,sse4.1,ssse3")))
#define NI_INLINE NI static inline __attribute__((always_inline))
#define LANES_MAX 8

/* SHA256RNDS2 wants the words a to h as two vectors, high words first: a b e f and c d g h. */
struct pair {
	__m128i abef, cdgh;
};

NI_INLINE __m128i load(const void *from)
{
	return _mm_loadu_si128(from);
}

NI_INLINE struct pair state_load(const uint32_t state[CRYPTO_SHA256_WORDS])
{
	__m128i cdab = _mm_shuffle_epi32(load(state), 0xb1), efgh = _mm_shuffle_epi32(load(state + 4), 0x1b);

	return (struct pair){ .abef = _mm_alignr_epi8(cdab, efgh, 8), .cdgh = _mm_blend_epi16(efgh, cdab, 0xf0) };
}

NI_INLINE void state_store(uint32_t state[CRYPTO_SHA256_WORDS], struct pair pair)
{
	__m128i feba = _mm_shuffle_epi32(pair.abef, 0x1b), dchg = _mm_shuffle_epi32(pair.cdgh, 0xb1);

	_mm_storeu_si128((void *)state, _mm_blend_epi16(feba, dchg, 0xf0));
	_mm_storeu_si128((void *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

/* Words 4r to 4r + 3 of the message schedule, in the place of the four that are 16 words older. */
NI_INLINE __m128i schedule(__m128i words[4], unsigned r)
{
	__m128i seventh = _mm_alignr_epi8(words[(r + 3) & 3], words[(r + 2) & 3], 4);
	__m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(words[r & 3], words[(r + 1) & 3]), seventh);

	return words[r & 3] = _mm_sha256msg2_epu32(sum, words[(r + 3) & 3]);
}

NI_INLINE void rounds_4(struct pair *pair, __m128i words, unsigned r)
{
	__m128i sum = _mm_add_epi32(words, load(crypto_sha256_constants + 4 * r));

	pair->cdgh = _mm_sha256rnds2_epu32(pair->cdgh, pair->abef, sum);
	pair->abef = _mm_sha256rnds2_epu32(pair->abef, pair->cdgh, _mm_shuffle_epi32(sum, 0x0e));
}

/* `lanes` is a constant wherever this is put in. */
NI_INLINE void block_run(struct pair pairs[], const uint8_t *const octets[], size_t at, const unsigned lanes)
{
	const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	struct pair before[LANES_MAX];
	__m128i words[LANES_MAX][4];

	for (unsigned lane = 0; lane < lanes; lane++)
		before[lane] = pairs[lane];
#pragma GCC unroll 16
	for (unsigned r = 0; r < 16; r++) {
#pragma GCC unroll 8
		for (unsigned lane = 0; lane < lanes; lane++) {
			if (r < 4)
				words[lane][r] = _mm_shuffle_epi8(load(octets[lane] + at + (size_t)16 * r), big_endian);
			rounds_4(&pairs[lane], r < 4 ? words[lane][r & 3] : schedule(words[lane], r), r);
		}
	}
	for (unsigned lane = 0; lane < lanes; lane++) {
		pairs[lane].abef = _mm_add_epi32(pairs[lane].abef, before[lane].abef);
		pairs[lane].cdgh = _mm_add_epi32(pairs[lane].cdgh, before[lane].cdgh);
	}
}

NI_INLINE void lanes_run(uint32_t *const states[], const uint8_t *const octets[], size_t blocks, const unsigned lanes)
{
	struct pair pairs[LANES_MAX];

	for (unsigned lane = 0; lane < lanes; lane++)
		pairs[lane] = state_load(states[lane]);
	for (size_t i = 0; i < blocks; i++)
		block_run(pairs, octets, i * CRYPTO_SHA256_BLOCK_OCTETS, lanes);
	for (unsigned lane = 0; lane < lanes; lane++)
		state_store(states[lane], pairs[lane]);
}

#define KERNEL(n)                                                                                        \
	NI void crypto_sha256_ni_##n(uint32_t *const states[], const uint8_t *const octets[], size_t blocks) \
	{                                                                                                \
		lanes_run(states, octets, blocks, n);                                                    \
	}

KERNEL(1)
KERNEL(2)
KERNEL(3)
KERNEL(4)
KERNEL(6)
KERNEL(8)
#endif
