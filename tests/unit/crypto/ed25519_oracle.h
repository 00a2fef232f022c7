/*
 * ed25519_oracle.h - the curve of RFC 8032 in plain numbers of OpenSSL's BN, slow and simple: to check the kernel with, and
 * to make keys and signatures that nobody makes who follows the rules.
 *
 * Out of memory ends the test. One user a program.
 */
#ifndef ASSAY_TESTS_ED25519_ORACLE_H
#define ASSAY_TESTS_ED25519_ORACLE_H

#include <openssl/bn.h>
#include <stdbool.h>
#include <stdint.h>

struct oracle {
	BN_CTX *context;
	BIGNUM *p, *d, *order;
};

extern struct oracle oracle;

struct oracle_point {
	BIGNUM *x, *y;
};

#define ORACLE_TORSION 8 /* points of small order */

void oracle_init(void);
void oracle_deinit(void);

/* The caller frees what these return. */
BIGNUM *oracle_number(const uint8_t *octets, size_t len); /* little-endian */
struct oracle_point oracle_base(void);
struct oracle_point oracle_neutral(void);
struct oracle_point oracle_add(const struct oracle_point *a, const struct oracle_point *b);
struct oracle_point oracle_mul(const BIGNUM *k, const struct oracle_point *a);
/* Of order 8: its multiples are all points of small order. */
struct oracle_point oracle_torsion(void);
void oracle_point_free(struct oracle_point *a);

void oracle_encode(const struct oracle_point *a, uint8_t octets[32]);
/* y modulo p, x = 0 with either sign; false: no point. */
bool oracle_decode(const uint8_t octets[32], struct oracle_point *out);
/* SHA-512(R || A || message) modulo the order. */
BIGNUM *oracle_challenge(const uint8_t r[32], const uint8_t key[32], const uint8_t *message, size_t len);

#endif
