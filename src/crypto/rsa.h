/*
 * rsa.h - RSASSA-PKCS1-v1_5 verification with arithmetic of our own: one signature, a few or eight at a time.
 *
 * Source:    RFC 8017 section 8.2.2; Montgomery, "Modular multiplication without trial division" (1985).
 * Decisions: OpenSSL's. RSAVP1 refuses a representative that is not below the modulus; the encoded message is built
 *            as section 9.2 says and compared as a whole, so nothing of what a signer encoded is parsed.
 * Purity:    no I/O, no clock. Only crypto_rsa_key_new() and crypto_rsa_lanes_new() allocate.
 * Timing:    depends on the numbers, which are all public: signatures, digests and public keys.
 * Ownership: a key is immutable. A workspace (struct crypto_rsa_lanes) is the caller's, of one thread, and holds
 *            nothing between calls.
 * Bounds:    CRYPTO_RSA_* of key.h: 512 to 8192 bits, exponents odd and below 2^32.
 */
#ifndef ASSAY_CRYPTO_RSA_H
#define ASSAY_CRYPTO_RSA_H

#include "crypto/provider.h"

#define CRYPTO_RSA_LANES   8
#define CRYPTO_RSA_FEW_MAX 3 /* side by side, where lanes would be empty */

/* How numbers are cut into limbs: what a kernel multiplies in one step. */
enum crypto_rsa_form {
	CRYPTO_RSA_FORM_52, /* 52 bits in 64, for AVX-512 IFMA: eight lanes, or a few side by side */
	CRYPTO_RSA_FORM_64, /* 64 bits, one signature at a time */
};

/* A public key with its Montgomery constants. R = 2^(bits of a limb * limbs). */
struct crypto_rsa_key {
	enum crypto_rsa_form form;
	uint32_t exponent;
	size_t octets;    /* of the modulus n, and so of signatures */
	size_t limbs;     /* form 52: 4n < R, and a multiple of CRYPTO_RSA_BLOCK; form 64: n < R */
	uint64_t inverse; /* -1/n modulo 2^(bits of a limb) */
	/* Least significant limb first. */
	const uint64_t *modulus, *r_squared; /* n; R^2 modulo n */
	uint64_t numbers[];
};

#define CRYPTO_RSA_BLOCK    10  /* columns that the kernel of eight lanes works on at once */
#define CRYPTO_RSA_LIMBS_MAX 160 /* 8192 bits: 158 limbs of 52 bits, up to the next block */

/* From big-endian octets within the bounds of key.h; free() gives it back. NULL: no memory. */
struct crypto_rsa_key *crypto_rsa_key_new(enum crypto_rsa_form form, struct slice modulus, struct slice exponent);
/* Of big-endian octets, no more than CRYPTO_RSA_EXPONENT_OCTETS_MAX. */
uint32_t crypto_rsa_exponent(struct slice exponent);
/* What it takes of memory. */
size_t crypto_rsa_key_bytes(enum crypto_rsa_form form, size_t modulus_octets);
size_t crypto_rsa_limbs(enum crypto_rsa_form form, size_t modulus_octets);

struct crypto_rsa_check {
	const struct crypto_rsa_key *key;
	enum crypto_hash hash;
	const uint8_t *digest;    /* of crypto_hash_octets(hash) */
	const uint8_t *signature; /* of key->octets, below the modulus: crypto_rsa_is_representative() */
	bool valid;               /* answered */
};

/* RFC 8017 section 8.2.2 step 1 and section 5.2.2 step 1: as long as the modulus, and below it. */
bool crypto_rsa_is_representative(struct slice modulus, struct slice signature);

/* One at a time, form 64. */
void crypto_rsa_verify(struct crypto_rsa_check *check);

/* Is the kernel of eight lanes part of this build? Whether the processor has what it needs is cpu.h's to say. */
bool crypto_rsa_lanes_are_built(void);

struct crypto_rsa_lanes;
struct crypto_rsa_lanes *crypto_rsa_lanes_new(void); /* NULL: no memory */
void crypto_rsa_lanes_free(struct crypto_rsa_lanes *lanes);
/*
 * 1 to CRYPTO_RSA_LANES at a time, form 52, of keys with the same number of limbs. The time is that of all lanes,
 * however many are used, and of the longest exponent.
 */
void crypto_rsa_lanes_verify(struct crypto_rsa_lanes *lanes, struct crypto_rsa_check *checks, size_t count);

/* Does crypto_rsa_few_verify() take keys with so many limbs? Up to 80: 4096 bits and a little more. Where lanes are built, so is it. */
bool crypto_rsa_few_can(size_t limbs);
/* Up to CRYPTO_RSA_LANES, form 52, of keys with the same number of limbs; CRYPTO_RSA_FEW_MAX of one exponent go side by side. */
void crypto_rsa_few_verify(struct crypto_rsa_check *checks, size_t count);
/* Do powers of all sizes, of one to CRYPTO_RSA_FEW_MAX, come out as the lanes have them? False also where there is no memory. */
bool crypto_rsa_few_agrees(struct crypto_rsa_lanes *lanes);

#endif
