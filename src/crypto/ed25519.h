/*
 * ed25519.h - Ed25519 signatures verified eight at a time, with the AVX-512 IFMA instructions.
 *
 * Source:    RFC 8032 section 5.1.7 (pure Ed25519), decided as OpenSSL 3.0 does (below).
 * Purity:    no I/O, no clock; memory is allocated for a key and for the constants, and nowhere else. Public data only:
 *            time depends on it.
 * Ownership: the constants and keys are the caller's, to be freed by the functions here.
 * Threading: the constants are only read after they were made; a key changes when it is first used: one thread a key.
 * Errors:    0; -ENOMEM; CRYPTO_ED25519_UNSUPPORTED, CRYPTO_ED25519_WRONG.
 * Bounds:    any number of jobs; a job's time follows from its message's length alone, not from key or signature.
 *
 * What is valid
 * -------------
 * Let A be the key's 32 octets, R and s the signature's halves, k = SHA-512(R || A || message) mod L. OpenSSL computes
 * [s]B + [k](-A), encodes it and compares 32 octets with R ("cofactorless"). All of the following was found by trying
 * it on OpenSSL and is tried again by tests/unit/crypto/test_ed25519.c:
 *
 *   A, 32 octets: y in 255 bits, and the sign of x
 *     y >= p (19 values, "not canonical")         taken, as y - p; k is of the octets as they came
 *     no x for that y                             invalid
 *     x = 0 (y = 1 or -1) with the sign bit set   taken, as x = 0
 *     a point of order 1, 2, 4 or 8               taken
 *     a point outside the base point's subgroup   taken, and k is not multiplied by 8: the part of small order counts
 *   s
 *     s >= L, the three top bits included         invalid
 *     s = 0                                       taken
 *   R, 32 octets
 *     never decoded: any octets but those of the one canonical encoding of [s]B + [k](-A) are invalid. So y >= p
 *     is, and x = 0 with the sign bit; a point of small order is valid where the sum is that point
 *   signature of other than 64 octets             invalid
 *
 * Whatever A is, the key can be made: that it is no point makes its signatures invalid, as with OpenSSL.
 *
 * How many make it worth while: one. A call for a single signature with a key used before costs a fifth of OpenSSL's,
 * and one for eight hardly more; a key's first use costs about half an OpenSSL verification, whether for one key or eight.
 */
#ifndef ASSAY_CRYPTO_ED25519_H
#define ASSAY_CRYPTO_ED25519_H

#include "base/error.h"
#include "base/slice.h"
#include "crypto/cpu.h"

#define CRYPTO_ED25519_LANES            8
#define CRYPTO_ED25519_KEY_OCTETS       32
#define CRYPTO_ED25519_SIGNATURE_OCTETS 64

/* Of many jobs so many share an inversion: they cost a little less each than eight. */
#define CRYPTO_ED25519_JOBS_BEST        64

/* Multiples of the base point. */
struct crypto_ed25519;
/* A public key, and when it was used, multiples of its point. */
struct crypto_ed25519_key;

#define CRYPTO_ED25519_UNSUPPORTED 1 /* the processor, or the build */
#define CRYPTO_ED25519_WRONG       2 /* known answers came out wrong */

/* Constants that have verified known answers, right and wrong ones, in every lane. */
MUST_CHECK int crypto_ed25519_new(const struct crypto_cpu *cpu, struct crypto_ed25519 **ed25519_out);
void crypto_ed25519_free(struct crypto_ed25519 *ed25519); /* NULL is ignored */

/* `point` is copied. Takes no time: what has to be worked out is when it is first used, for up to eight keys at once. */
MUST_CHECK int crypto_ed25519_key_new(const uint8_t point[CRYPTO_ED25519_KEY_OCTETS], struct crypto_ed25519_key **key_out);
void crypto_ed25519_key_free(struct crypto_ed25519_key *key); /* NULL is ignored */
/* What a key, and what the constants take of memory. */
size_t crypto_ed25519_key_bytes(void);
size_t crypto_ed25519_bytes(void);

struct crypto_ed25519_job {
	/* Asked. */
	struct crypto_ed25519_key *key;
	struct slice signature;
	struct slice message;
	/* Answered. */
	bool valid;
};

/* Several jobs may have the same key. */
void crypto_ed25519_verify(const struct crypto_ed25519 *ed25519, struct crypto_ed25519_job *jobs, size_t count);

#endif
