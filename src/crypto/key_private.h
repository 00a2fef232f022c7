/*
 * key_private.h - what a key is made of: for key.c, for the cache that links keys, and for kernels.
 */
#ifndef ASSAY_CRYPTO_KEY_PRIVATE_H
#define ASSAY_CRYPTO_KEY_PRIVATE_H

#include "crypto/ed25519.h"
#include "crypto/key.h"
#include "crypto/rsa.h"

struct crypto_key {
	/* The cache's (keys.c); unused by keys outside one. */
	uint64_t digest;
	struct crypto_key *same_slot;
	bool used; /* since it was last looked at for room */
	uint32_t references;
	struct crypto_key_octets octets; /* point into storage */
	struct crypto_key *newer, *older; /* the cache's */
	struct crypto_provider *provider;
	size_t bytes;
	struct crypto_rsa_key *rsa_key; /* for our kernels; NULL: RSA is OpenSSL's */
	struct crypto_ed25519_key *ed25519_key; /* for our kernel; NULL: Ed25519 is OpenSSL's */
	/* OpenSSL's: with kernels of ours made when they are first needed, for they take longer to make than ours. */
	struct evp_pkey_st *pkey;
	struct evp_pkey_ctx_st *rsa[CRYPTO_HASHES]; /* ready to verify; SHA-1's is always made when it is first needed */
	struct evp_md_ctx_st *ed25519;
	uint8_t storage[];
};

/* What checks so many signatures together, of this RSA key and others with as many limbs. */
enum crypto_rsa_path crypto_key_rsa_path(const struct crypto_key *key, size_t count);

#endif
