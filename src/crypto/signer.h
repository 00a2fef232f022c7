/*
 * signer.h - a private key that signs: RSASSA-PKCS1-v1_5 over SHA-256 (RFC 8017 section 8.2.1).
 *
 * Ownership: the signer keeps its own copy of the key, which OpenSSL wipes when it is freed; nothing gives it out.
 * Threading: of one thread, as its provider.
 * Bounds:    1024 to 4096 bits (RFC 8301 section 3.2; larger signatures are not verified everywhere).
 */
#ifndef ASSAY_CRYPTO_SIGNER_H
#define ASSAY_CRYPTO_SIGNER_H

#include "crypto/provider.h"

#define CRYPTO_SIGNER_BITS_MIN   1024
#define CRYPTO_SIGNER_BITS_MAX   4096
#define CRYPTO_SIGNATURE_OCTETS_MAX (CRYPTO_SIGNER_BITS_MAX / 8)

struct crypto_signer;

#define CRYPTO_SIGNER_UNUSABLE 1

/*
 * `pem`: PKCS#8 or PKCS#1, without a password. CRYPTO_SIGNER_UNUSABLE: *problem_out says why (static text); -ENOMEM.
 * The key has signed once when it returns 0.
 */
MUST_CHECK int crypto_signer_new(struct crypto_provider *provider, struct slice pem, struct crypto_signer **signer_out,
                                 const char **problem_out);
void crypto_signer_free(struct crypto_signer *signer); /* NULL is ignored */

/* Octets of a signature: those of the modulus. */
size_t crypto_signer_octets(const struct crypto_signer *signer);
/* `digest`: SHA-256. False: a fault, and `out` means nothing. */
bool crypto_signer_sign(struct crypto_signer *signer, struct slice digest, uint8_t out[CRYPTO_SIGNATURE_OCTETS_MAX]);

#endif
