/*
 * ed25519_examples.h - signatures made for the corners of the decision table in crypto/ed25519.h.
 */
#ifndef ASSAY_TESTS_ED25519_EXAMPLES_H
#define ASSAY_TESTS_ED25519_EXAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct example {
	char name[120];
	uint8_t key[32], signature[64], message[32];
	bool valid; /* as the table says */
};

#define EXAMPLES_MAX 4096

struct examples {
	size_t count;
	struct example of[EXAMPLES_MAX];
};

/*
 * Every pair of a key and an R out of: the points of small order in all encodings, and each of them added to an ordinary
 * point, with the s that belongs to them; where the parts of small order cancel (valid) and where they do not (which who
 * multiplies by the cofactor would take). Then each valid one with s + L, with the largest s + m L, and with bits above.
 * Needs oracle_init().
 */
void examples_make(struct examples *examples);

bool openssl_takes(const uint8_t key[32], const uint8_t *signature, size_t signature_len, const uint8_t *message,
                   size_t message_len);

#endif
