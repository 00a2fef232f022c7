/* SHA-256 of eight streams, with AVX2: for processors without the instructions for SHA-256. */
#include "crypto/sha256_kernels.h"

#ifdef __x86_64__
#include <immintrin.h>

#define LANES        8
#define AVX2         __attribute__((target("avx2")))
#define LANES_INLINE AVX2 static inline __attribute__((always_inline))
#define KEEP(v)      __asm__("" : "+x"(v))

typedef __m256i vector;

#define shift_right(v, count)  _mm256_srli_epi32(v, count)
#define rotate_right(v, count) _mm256_or_si256(_mm256_srli_epi32(v, count), _mm256_slli_epi32(v, 32 - (count)))

LANES_INLINE vector add(vector a, vector b) { return _mm256_add_epi32(a, b); }
LANES_INLINE vector subtract(vector a, vector b) { return _mm256_sub_epi32(a, b); }
LANES_INLINE vector xor_3(vector a, vector b, vector c) { return _mm256_xor_si256(_mm256_xor_si256(a, b), c); }
LANES_INLINE vector interleave_low_32(vector a, vector b) { return _mm256_unpacklo_epi32(a, b); }
LANES_INLINE vector interleave_high_32(vector a, vector b) { return _mm256_unpackhi_epi32(a, b); }
LANES_INLINE vector interleave_low_64(vector a, vector b) { return _mm256_unpacklo_epi64(a, b); }
LANES_INLINE vector interleave_high_64(vector a, vector b) { return _mm256_unpackhi_epi64(a, b); }
LANES_INLINE vector broadcast(uint32_t word) { return _mm256_set1_epi32((int)word); }

/* Bits of f where e has ones, of g where it has zeroes. */
LANES_INLINE vector choose(vector e, vector f, vector g)
{
	return _mm256_xor_si256(g, _mm256_and_si256(e, _mm256_xor_si256(f, g)));
}

/* Where a and b differ c decides, else they do. */
LANES_INLINE vector majority(vector a, vector b, vector c)
{
	return _mm256_xor_si256(b, _mm256_and_si256(_mm256_xor_si256(a, b), _mm256_xor_si256(b, c)));
}

LANES_INLINE vector swap_octets(vector v)
{
	return _mm256_shuffle_epi8(v, _mm256_broadcastsi128_si256(_mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203)));
}

LANES_INLINE __m128i load_128(const uint8_t *from) { return _mm_loadu_si128((const void *)from); }

LANES_INLINE vector gather_128(const uint8_t *const from[], size_t at)
{
	return _mm256_inserti128_si256(_mm256_castsi128_si256(load_128(from[0] + at)), load_128(from[4] + at), 1);
}

LANES_INLINE void scatter_128(uint8_t *const to[], size_t at, vector v)
{
	_mm_storeu_si128((void *)(to[0] + at), _mm256_castsi256_si128(v));
	_mm_storeu_si128((void *)(to[4] + at), _mm256_extracti128_si256(v, 1));
}

#include "crypto/sha256_lanes.h"

AVX2 void crypto_sha256_avx2_8(uint32_t *const states[], const uint8_t *const octets[], size_t blocks)
{
	lanes_run(states, octets, blocks);
}
#endif
