/*
 * ifma.h - how functions with AVX-512 IFMA are compiled; private to the RSA kernels, and of x86-64 alone.
 */
#ifndef ASSAY_CRYPTO_IFMA_H
#define ASSAY_CRYPTO_IFMA_H

#include "base/asan.h"

#include <immintrin.h>

#define IFMA __attribute__((target("avx512f,avx512ifma")))

/* Sums stay in registers only where all is inlined and unrolled; what sanitizers make of that takes minutes to compile. */
#if ASAN_IS_ON || TSAN_IS_ON
#define IFMA_INLINE static __attribute__((noinline, target("avx512f,avx512ifma")))
#define UNROLLED
#else
#define IFMA_INLINE static inline __attribute__((always_inline, target("avx512f,avx512ifma")))
#if defined(__clang__)
#define UNROLLED _Pragma("unroll")
#else
#define UNROLLED _Pragma("GCC unroll 16")
#endif
#endif

typedef __m512i limb8; /* eight limbs; an exception to the rule against typedefs, as __m512i is itself */

IFMA_INLINE limb8 mask52(void)
{
	return _mm512_set1_epi64(((long long)1 << 52) - 1);
}

#endif
