/*
 * kernels.h - which code does the arithmetic: OpenSSL's, or kernels of our own.
 *
 * What is best on this machine is found when a provider is made: what the processor has, what a known answer comes out
 * right with, and what a measurement of about a millisecond finds cheaper. A wish overrules it, for comparisons and for
 * who trusts OpenSSL alone.
 */
#ifndef ASSAY_CRYPTO_KERNELS_H
#define ASSAY_CRYPTO_KERNELS_H

#include "base/error.h"
#include "base/slice.h"
#include "crypto/cpu.h"

#include <stdint.h>

enum crypto_kernels_wish {
	CRYPTO_KERNELS_AUTO,    /* what is best here */
	CRYPTO_KERNELS_OPENSSL, /* nothing of our own */
	CRYPTO_KERNELS_SCALAR,  /* of our own, but nothing that does several at a time */
	CRYPTO_KERNELS_IFMA,    /* RSA in eight lanes, however many are filled, and all else that the processor has */
	CRYPTO_KERNELS_WISHES,
};

/* BY_FEW: what is chosen BY_LANES and would leave them empty (rsa.h). */
enum crypto_rsa_path { CRYPTO_RSA_BY_OPENSSL, CRYPTO_RSA_BY_SCALAR, CRYPTO_RSA_BY_FEW, CRYPTO_RSA_BY_LANES };

struct crypto_kernels {
	enum crypto_kernels_wish wish;
	struct crypto_cpu cpu;    /* what kernels of ours may use: nothing with the wishes openssl and scalar */
	enum crypto_rsa_path rsa; /* not BY_FEW */
	unsigned rsa_lanes_min;   /* with RSA_BY_LANES: fewer signatures than this go side by side, or are OpenSSL's */
	bool rsa_few;             /* with RSA_BY_LANES: they go side by side */
	/* With RSA_BY_LANES: keys with a larger exponent are OpenSSL's. Their power takes up to 3.5 times as long, and all lanes wait. */
	uint32_t rsa_lanes_exponent_max;
	bool rsa_refused;         /* the kernel failed its known answer, and OpenSSL does its work */
	bool rsa_few_refused;     /* the kernel for a few did, or did not agree with the lanes: OpenSSL does what is its */
	bool ed25519_lanes;       /* eight lanes do all Ed25519, which is cheaper for a single signature too; else OpenSSL */
	bool ed25519_refused;     /* as rsa_refused */
};

/* "auto", "openssl", "scalar" or "ifma". False: another word. */
MUST_CHECK bool crypto_kernels_read(const char *word, enum crypto_kernels_wish *out);
/* Can this build on this processor do it? */
bool crypto_kernels_are_available(enum crypto_kernels_wish wish);

#define CRYPTO_KERNELS_TEXT_SIZE 192
/* For people: "RSA: 8 lanes (AVX-512 IFMA) from 5 signatures on, fewer up to 3 side by side; Ed25519: 8 lanes", ... */
void crypto_kernels_describe(const struct crypto_kernels *kernels, char out[CRYPTO_KERNELS_TEXT_SIZE]);

struct crypto_provider;
/*
 * Fills in provider->kernels and makes the kernels' workspace; the provider's features are known. Last step of making a
 * provider. 0, -ENOMEM, or -ENOTSUP: what is wished is not available.
 */
MUST_CHECK int crypto_kernels_choose(struct crypto_provider *provider, enum crypto_kernels_wish wish);

#endif
