/*
 * ed25519_lanes.h - eight 64-bit lanes of an AVX-512 register, and rows of memory turned into them.
 *
 * Included only by code for x86-64; called only where crypto_cpu_detect() found avx512_ifma. The attribute, not the
 * compiler's flags, lets a function use the instructions: the rest of the program is built for any x86-64.
 */
#ifndef ASSAY_CRYPTO_ED25519_LANES_H
#define ASSAY_CRYPTO_ED25519_LANES_H

#include "base/asan.h"

#include <immintrin.h>
#include <stdint.h>

#define ED25519_LANES  8
#define ED25519_VECTOR __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512ifma")))

/* Numbers stay in registers only where all is inlined; what sanitizers make of that takes minutes to compile. */
#if ASAN_IS_ON || TSAN_IS_ON
#define ED25519_INLINE ED25519_VECTOR static __attribute__((noinline, unused))
#else
#define ED25519_INLINE ED25519_VECTOR static inline __attribute__((always_inline))
#endif

/* Before a loop whose turns shall be written out, so that arrays they index become registers. */
#if defined(__clang__)
#define ED25519_UNROLL _Pragma("unroll")
#else
#define ED25519_UNROLL _Pragma("GCC unroll 16")
#endif

ED25519_INLINE __m512i lanes_load(const uint64_t words[ED25519_LANES])
{
	return _mm512_loadu_si512((const void *)words);
}

ED25519_INLINE void lanes_store(uint64_t words[ED25519_LANES], __m512i v)
{
	_mm512_storeu_si512((void *)words, v);
}

ED25519_INLINE __m512i lanes_all(uint64_t word)
{
	return _mm512_set1_epi64((long long)word);
}

/* Row i, word j becomes row j, word i: what eight places hold one after the other becomes a vector a word. */
ED25519_INLINE void lanes_transpose(__m512i row[ED25519_LANES])
{
	__m512i a0 = _mm512_unpacklo_epi64(row[0], row[1]), a1 = _mm512_unpackhi_epi64(row[0], row[1]);
	__m512i a2 = _mm512_unpacklo_epi64(row[2], row[3]), a3 = _mm512_unpackhi_epi64(row[2], row[3]);
	__m512i a4 = _mm512_unpacklo_epi64(row[4], row[5]), a5 = _mm512_unpackhi_epi64(row[4], row[5]);
	__m512i a6 = _mm512_unpacklo_epi64(row[6], row[7]), a7 = _mm512_unpackhi_epi64(row[6], row[7]);
	/* Quarters 0 and 2, then 1 and 3, of two registers: words 0|4 and 2|6 of four rows. */
	__m512i b0 = _mm512_shuffle_i64x2(a0, a2, 0x88), b2 = _mm512_shuffle_i64x2(a0, a2, 0xdd);
	__m512i b1 = _mm512_shuffle_i64x2(a1, a3, 0x88), b3 = _mm512_shuffle_i64x2(a1, a3, 0xdd);
	__m512i b4 = _mm512_shuffle_i64x2(a4, a6, 0x88), b6 = _mm512_shuffle_i64x2(a4, a6, 0xdd);
	__m512i b5 = _mm512_shuffle_i64x2(a5, a7, 0x88), b7 = _mm512_shuffle_i64x2(a5, a7, 0xdd);

	row[0] = _mm512_shuffle_i64x2(b0, b4, 0x88);
	row[4] = _mm512_shuffle_i64x2(b0, b4, 0xdd);
	row[1] = _mm512_shuffle_i64x2(b1, b5, 0x88);
	row[5] = _mm512_shuffle_i64x2(b1, b5, 0xdd);
	row[2] = _mm512_shuffle_i64x2(b2, b6, 0x88);
	row[6] = _mm512_shuffle_i64x2(b2, b6, 0xdd);
	row[3] = _mm512_shuffle_i64x2(b3, b7, 0x88);
	row[7] = _mm512_shuffle_i64x2(b3, b7, 0xdd);
}

#endif
