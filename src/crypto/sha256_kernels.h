/*
 * sha256_kernels.h - the SHA-256 compression of FIPS 180-4 section 6.2.2, for one stream of blocks and for several at
 * once; private to src/crypto, its tests and its measurements.
 *
 * A kernel takes as many streams as it has lanes, and the same number of blocks of each. Which kernel is the quickest for
 * so many streams differs from one processor to the next (four streams of SHA-NI are four times as fast as one on one
 * kind, and twice on its successor, which is better off with sixteen lanes of AVX-512), so it is measured at start.
 *
 * Purity:    no I/O and no allocation. crypto_sha256_plan_measure() reads the time stamp counter: what it chooses
 *            may differ between two runs, what is computed may not.
 * Threading: everything here is immutable or the caller's.
 */
#ifndef ASSAY_CRYPTO_SHA256_KERNELS_H
#define ASSAY_CRYPTO_SHA256_KERNELS_H

#include "crypto/cpu.h"

#include <stddef.h>
#include <stdint.h>

#define CRYPTO_SHA256_LANES_MAX    32
#define CRYPTO_SHA256_KERNELS_MAX  12
#define CRYPTO_SHA256_WORDS        8  /* of a state */
#define CRYPTO_SHA256_BLOCK_OCTETS 64

/*
 * Works `blocks` blocks, which lie one behind the other at octets[i], into states[i], for every lane. Lanes may share
 * octets; a state that several lanes share holds nothing of worth afterwards.
 */
typedef void crypto_sha256_kernel_fn(uint32_t *const states[], const uint8_t *const octets[], size_t blocks);

struct crypto_sha256_kernel {
	const char *name;
	unsigned lanes; /* 1 to CRYPTO_SHA256_LANES_MAX */
	crypto_sha256_kernel_fn *run;
};

struct crypto_sha256_kernels {
	struct crypto_sha256_kernel kernels[CRYPTO_SHA256_KERNELS_MAX];
	size_t count; /* 0: this processor has nothing that OpenSSL would not do as well */
};

/* Which kernel takes how many streams: with fewer lanes than streams it takes the first, and the rest are looked up anew. */
struct crypto_sha256_plan {
	struct crypto_sha256_kernel kernels[CRYPTO_SHA256_LANES_MAX + 1]; /* [streams]; [0] is unused */
};

/* Those that a processor with these features can run. The first one is OpenSSL's, of one lane. */
void crypto_sha256_kernels_find(const struct crypto_cpu *cpu, struct crypto_sha256_kernels *out);
/* Leaves out those that do not give the known answer in each of their lanes. */
void crypto_sha256_kernels_probe(struct crypto_sha256_kernels *kernels);
/* The quickest plan out of `kernels`, of which there is one or more. Takes about 0.3 ms. */
void crypto_sha256_plan_measure(const struct crypto_sha256_kernels *kernels, struct crypto_sha256_plan *plan);
/* Every number of streams with this kernel. */
void crypto_sha256_plan_force(const struct crypto_sha256_kernel *kernel, struct crypto_sha256_plan *plan);
/* Runs as many kernels as the plan wants for `streams` streams, 1 to CRYPTO_SHA256_LANES_MAX. */
void crypto_sha256_plan_run(const struct crypto_sha256_plan *plan, unsigned streams, uint32_t *const states[],
                            const uint8_t *const octets[], size_t blocks);

/* FIPS 180-4 sections 5.3.3 and 4.2.2. */
extern const uint32_t crypto_sha256_initial[CRYPTO_SHA256_WORDS];
extern const uint32_t crypto_sha256_constants[64];

#ifdef __x86_64__
/* The number of lanes is in the name. */
crypto_sha256_kernel_fn crypto_sha256_ni_1, crypto_sha256_ni_2, crypto_sha256_ni_3, crypto_sha256_ni_4, crypto_sha256_ni_6,
        crypto_sha256_ni_8, crypto_sha256_avx2_8, crypto_sha256_avx512_16, crypto_sha256_avx512_32;
#endif

#endif
