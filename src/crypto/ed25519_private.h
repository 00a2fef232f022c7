/*
 * ed25519_private.h - what the parts of the Ed25519 kernel share: tables of multiples, and how scalars fit them.
 *
 * To verify is to add up multiples: [s]B + [k](-A) = sum of digits of s times multiples of B, and of k times those of
 * -A. k is cut into ED25519_KEY_DIGITS signed digits of 5 bits, and these into rows of ED25519_STEPS, one below the other:
 *
 *   [k](-A) = sum over step j of 2^(5 j) (sum over row i of digit[STEPS i + j] * P_i),  P_i = [2^(5 STEPS i)](-A)
 *
 * so that only 5 (STEPS - 1) doublings are left and all rows share them. A key's table holds P_i times 1 to 16 for each
 * row. The digits of s have 10 bits and are added at every second step; the table of B has 512 multiples in each row.
 */
#ifndef ASSAY_CRYPTO_ED25519_PRIVATE_H
#define ASSAY_CRYPTO_ED25519_PRIVATE_H

#include "crypto/ed25519.h"
#include "crypto/ed25519_point.h"
#include "crypto/ed25519_scalar.h"

/* Measured: 7 steps save doublings, a sixth of the time, and cost a table of 16 KiB for each key instead of 8. */
#define ED25519_STEPS 13

#define ED25519_KEY_WIDTH     5
#define ED25519_KEY_DIGITS    51 /* 253 bits and a sign */
#define ED25519_KEY_MULTIPLES (1 << (ED25519_KEY_WIDTH - 1))
#define ED25519_KEY_ROWS      ((ED25519_KEY_DIGITS + ED25519_STEPS - 1) / ED25519_STEPS)

#define ED25519_BASE_WIDTH     (2 * ED25519_KEY_WIDTH)
#define ED25519_BASE_STEPS     ((ED25519_STEPS + 1) / 2) /* a row's digits: one at every second step */
#define ED25519_BASE_DIGITS    26
#define ED25519_BASE_MULTIPLES (1 << (ED25519_BASE_WIDTH - 1))
#define ED25519_BASE_ROWS      ((ED25519_BASE_DIGITS + ED25519_BASE_STEPS - 1) / ED25519_BASE_STEPS)

/* A multiple with Z = 1: y+x, y-x, 2dxy in limbs as struct fe8's; two cache lines. */
struct ed25519_entry {
	_Alignas(64) uint64_t word[16]; /* the last one is unused */
};

struct crypto_ed25519 {
	struct ed25519_entry row[ED25519_BASE_ROWS][ED25519_BASE_MULTIPLES];
};

enum ed25519_key_state {
	ED25519_KEY_NEW,     /* the table is not made */
	ED25519_KEY_CHOSEN,  /* it is about to be */
	ED25519_KEY_READY,
	ED25519_KEY_REFUSED, /* the octets are no point */
};

struct crypto_ed25519_key {
	struct ed25519_entry row[ED25519_KEY_ROWS][ED25519_KEY_MULTIPLES]; /* of -A */
	uint8_t point[CRYPTO_ED25519_KEY_OCTETS];
	enum ed25519_key_state state;
};

/* Fills the table of B. */
void ed25519_base_make(struct crypto_ed25519 *ed25519);
/* Decodes 1 to 8 different keys and fills their tables: each is READY or REFUSED afterwards. */
void ed25519_keys_make(struct crypto_ed25519_key *const keys[], size_t count);

/* SHA-512 of R || A || message for 1 to 8 jobs, whose signatures have 64 octets; jobs that are NULL have no digest. */
void ed25519_hash(const struct crypto_ed25519_job *const jobs[ED25519_LANES], uint8_t digests[ED25519_LANES][64]);

#endif
