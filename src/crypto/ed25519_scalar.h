/*
 * ed25519_scalar.h - numbers modulo L = 2^252 + 27742317777372353535851937790883648493, the order of the base point.
 *
 * Source: RFC 8032 section 5.1. Purity: arithmetic only; plain C for any machine.
 */
#ifndef ASSAY_CRYPTO_ED25519_SCALAR_H
#define ASSAY_CRYPTO_ED25519_SCALAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ED25519_SCALAR_WORDS 4 /* of 64 bits, the lowest first */

struct ed25519_scalar {
	uint64_t word[ED25519_SCALAR_WORDS];
};

/* From 32 octets, little-endian. False: not below L. */
bool ed25519_scalar_read(const uint8_t octets[32], struct ed25519_scalar *scalar_out);
/* 64 octets, little-endian, modulo L. */
struct ed25519_scalar ed25519_scalar_reduce(const uint8_t octets[64]);

/*
 * Signed digits of `width` bits, the lowest first: k = sum of digit[i] 2^(width i), exactly and not only modulo L (a
 * key's point may have a part of small order, for which that is not the same). All but the last, which is never
 * negative, are in [-2^(width-1), 2^(width-1) - 1]. digit[i] goes to out[stride i]. k < L; width 2 to 15;
 * `count` digits have to hold 253 bits: width (count - 1) < 253 <= width count - 1.
 */
void ed25519_scalar_digits(const struct ed25519_scalar *k, unsigned width, unsigned count, int16_t *out, size_t stride);

#endif
