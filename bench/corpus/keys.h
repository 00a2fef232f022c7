/*
 * keys.h - signing keys that follow from a seed.
 *
 * OpenSSL's key generation cannot be seeded, so the primes are searched here: numbers from the seeded generator, a
 * sieve, Fermat's test to four bases (for numbers drawn at random the chance of an error is far below that of
 * a broken memory cell). Moduli are products of pairs of few primes: k primes give k(k-1)/2 distinct keys, which
 * makes a hundred thousand of them cheap. Two such keys may share a prime: they are worthless as keys, and cost a
 * verifier exactly what others cost.
 */
#ifndef ASSAY_BENCH_KEYS_H
#define ASSAY_BENCH_KEYS_H

#include "corpus/text.h"

#include <openssl/types.h>

enum key_kind { KEY_RSA_1024, KEY_RSA_2048, KEY_RSA_4096, KEY_ED25519, KEY_KINDS };

struct key_pool;

struct key_pool *key_pool_new(uint64_t seed);
void key_pool_free(struct key_pool *pool);

/* Adds what stands in p= of the key record: base64 of a SubjectPublicKeyInfo, or of the 32 octets of Ed25519. */
void key_public(struct key_pool *pool, enum key_kind kind, unsigned number, struct octets *out);
/* Adds base64 of the signature of `octets` by rsa-sha256 or ed25519-sha256 (RFC 8463: over the SHA-256). */
void key_sign(struct key_pool *pool, enum key_kind kind, unsigned number, const uint8_t *octets, size_t len,
              struct octets *out);
/* "rsa-sha256" or "ed25519-sha256". */
const char *key_algorithm(enum key_kind kind);
unsigned key_bits(enum key_kind kind);

#endif
