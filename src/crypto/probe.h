/*
 * probe.h - known answers for the three octets "abc", to try algorithms with.
 *
 * Digests: FIPS 180-4, as in RFC 6234 section 8.5. Signatures: over those digests, with keys made for this table and
 * thrown away.
 */
#ifndef ASSAY_CRYPTO_PROBE_H
#define ASSAY_CRYPTO_PROBE_H

#include "crypto/key.h"

struct slice crypto_probe_digest(enum crypto_hash hash);

extern const struct crypto_key_octets crypto_probe_rsa, crypto_probe_ed25519;
extern const struct slice crypto_probe_rsa_signature[CRYPTO_HASHES];
extern const struct slice crypto_probe_ed25519_signature; /* over the SHA-256 digest's octets (RFC 8463 section 3) */

#endif
