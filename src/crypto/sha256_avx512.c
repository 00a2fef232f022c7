/* SHA-256 of sixteen streams, with AVX-512. Rotations and functions of three words are one instruction each. */
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

LANES_INLINE vector gather_128(const uint8_t *const from[], size_t at)
{
	vector v = _mm512_castsi128_si512(load_128(from[0] + at));

	v = _mm512_inserti32x4(v, load_128(from[4] + at), 1);
	v = _mm512_inserti32x4(v, load_128(from[8] + at), 2);
	return _mm512_inserti32x4(v, load_128(from[12] + at), 3);
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
#endif
