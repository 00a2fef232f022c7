/*
 * cpu.h - what the processor can do that a kernel of ours needs.
 *
 * Threading: none of it is kept: whoever starts asks once and passes it on.
 * Errors:    none: what is not known to be there is not there.
 */
#ifndef ASSAY_CRYPTO_CPU_H
#define ASSAY_CRYPTO_CPU_H

#include <stdbool.h>

struct crypto_cpu {
	bool sha_ni;      /* SHA-256 rounds, SSSE3 and SSE4.1 with them */
	bool avx2;        /* 256-bit integers, BMI2 with them */
	bool avx512;      /* F, BW, DQ and VL, and the system saves the registers */
	bool avx512_ifma; /* 52-bit multiply-add, and all of avx512 */
};

/* What this processor has, asked of it and of the system now. On anything but x86-64: nothing. */
struct crypto_cpu crypto_cpu_detect(void);

#endif
