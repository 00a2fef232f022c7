/*
 * key.h - a public key made ready: whatever of its work does not depend on a signature is done once.
 *
 * Source:    RFC 8017 section 8.2.2 (RSASSA-PKCS1-v1_5), RFC 8032 section 5.1.7 (Ed25519).
 * Ownership: counted by references; the last crypto_key_unref() frees it.
 * Threading: of one thread, as its provider.
 * Bounds:    CRYPTO_RSA_* below, looked at before any arithmetic: a signer chooses these numbers. Callers may
 *            (and for DKIM do) bound them further.
 */
#ifndef ASSAY_CRYPTO_KEY_H
#define ASSAY_CRYPTO_KEY_H

#include "crypto/provider.h"

enum crypto_key_kind { CRYPTO_KEY_RSA, CRYPTO_KEY_ED25519 };

struct crypto_key_octets {
	enum crypto_key_kind kind;
	struct slice modulus;  /* RSA: big-endian, no leading zero octets */
	struct slice exponent; /* RSA: big-endian, no leading zero octets */
	struct slice point;    /* Ed25519: 32 octets */
};

#define CRYPTO_RSA_MODULUS_OCTETS_MIN  64   /* 512 bits */
#define CRYPTO_RSA_MODULUS_OCTETS_MAX  1024 /* 8192 bits */
#define CRYPTO_RSA_EXPONENT_OCTETS_MAX 4    /* e < 2^32: its size sets the cost as much as the modulus's */
#define CRYPTO_ED25519_POINT_OCTETS    32

struct crypto_key;

#define CRYPTO_KEY_UNUSABLE 1

/*
 * A key with one reference, the caller's; `octets` are copied. CRYPTO_KEY_UNUSABLE: outside the bounds above,
 * modulus or exponent even, exponent below 3, or the provider does not know the algorithm. -ENOMEM.
 */
MUST_CHECK int crypto_key_new(struct crypto_provider *provider, const struct crypto_key_octets *octets,
                              struct crypto_key **key_out);
struct crypto_key *crypto_key_ref(struct crypto_key *key);
/* NULL is no key and ignored. */
void crypto_key_unref(struct crypto_key *key);

enum crypto_key_kind crypto_key_kind(const struct crypto_key *key);
/* What the key takes of memory, OpenSSL's part estimated from measurements. */
size_t crypto_key_bytes(const struct crypto_key *key);

enum crypto_verdict {
	CRYPTO_PENDING,
	CRYPTO_VALID,
	CRYPTO_INVALID,
	CRYPTO_FAULT, /* not checked, for lack of memory or of the algorithm; says nothing about the signature */
};

/* One signature at once, without a batch: over a digest of that hash (Ed25519: over the digest's octets, RFC 8463). */
enum crypto_verdict crypto_key_verify(struct crypto_key *key, enum crypto_hash hash, struct slice digest,
                                      struct slice signature);

#endif
