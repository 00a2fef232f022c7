/*
 * rsa_parts.h - what the RSA kernels share; private to them and to their tests.
 */
#ifndef ASSAY_CRYPTO_RSA_PARTS_H
#define ASSAY_CRYPTO_RSA_PARTS_H

#include "crypto/key.h"
#include "crypto/rsa.h"

/* Big-endian octets into limbs, least significant first, at out[0], out[stride], ...; what is above is zero. */
void rsa_limbs_from_octets(enum crypto_rsa_form form, struct slice octets, size_t limbs, uint64_t *out, size_t stride);

/* The encoded message that the check's digest and key ask for (RFC 8017 section 9.2): key->octets of them. */
void rsa_encode(const struct crypto_rsa_check *check, uint8_t out[CRYPTO_RSA_MODULUS_OCTETS_MAX]);

/* A number of each lane: limb by limb, as the kernel loads them. */
struct rsa_numbers {
	_Alignas(64) uint64_t limbs[CRYPTO_RSA_LIMBS_MAX][CRYPTO_RSA_LANES];
};

struct crypto_rsa_lanes {
	struct rsa_numbers modulus;
	struct rsa_numbers base;      /* the signatures s */
	struct rsa_numbers base_r;    /* s * R, up to a multiple of n; below 2n as all that multiply and square return */
	struct rsa_numbers power;     /* where the result grows */
	struct rsa_numbers quotients; /* by which the modulus is added */
	struct rsa_numbers spare;
	_Alignas(64) uint64_t inverse[CRYPTO_RSA_LANES];
	uint32_t exponents[CRYPTO_RSA_LANES];
};

/* Loads 1 to CRYPTO_RSA_LANES; the lanes above `count` do again what the first does. */
void rsa_lanes_load(struct crypto_rsa_lanes *lanes, const struct crypto_rsa_check *checks, size_t count);
/* lanes->power: signature ^ exponent modulo the modulus, or that plus the modulus once. `limbs`: of every key. */
void rsa_lanes_power(struct crypto_rsa_lanes *lanes, size_t limbs);
/* A bit for each lane whose lanes->power is lanes->spare, or that plus the modulus. */
unsigned rsa_lanes_equal(const struct crypto_rsa_lanes *lanes, size_t limbs);

/* A number of one signature, as rsa_few.c has it: zeroes behind its limbs. */
#define RSA_FEW_LIMBS_MAX 80 /* 519 octets: more than 4096 bits */
struct rsa_number {
	_Alignas(64) uint64_t limbs[RSA_FEW_LIMBS_MAX];
};

struct rsa_few {
	struct rsa_number modulus, base, base_r, power; /* as in struct crypto_rsa_lanes */
};

/*
 * few[i].power: signature ^ exponent modulo the modulus, or that plus the modulus once, of 1 to CRYPTO_RSA_FEW_MAX keys with
 * the same number of limbs and the same exponent.
 */
void rsa_few_power(struct rsa_few *few, struct crypto_rsa_check *const checks[], size_t count);

/* out: signature ^ exponent modulo the modulus, below it. One lane, form 64. */
#define RSA_LIMBS64_MAX (CRYPTO_RSA_MODULUS_OCTETS_MAX / 8)
void rsa_power(const struct crypto_rsa_key *key, const uint8_t *signature, uint64_t out[RSA_LIMBS64_MAX]);

#endif
