/*
 * provider.h - the algorithms of OpenSSL, fetched once, and what of them works here.
 *
 * A system's crypto policy may switch algorithms off, SHA-1 first of all (LESSONS row 8). So they are used in a
 * library context of our own, which reads no system configuration, and tried with known answers at start.
 *
 * Threading: one provider a thread; nothing of it is shared.
 * Errors:    0; -ENOMEM; -ENOTSUP: not even SHA-256 and RSA with it work.
 */
#ifndef ASSAY_CRYPTO_PROVIDER_H
#define ASSAY_CRYPTO_PROVIDER_H

#include "base/error.h"
#include "base/slice.h"
#include "crypto/kernels.h"

enum crypto_hash { CRYPTO_SHA256, CRYPTO_SHA1, CRYPTO_HASHES };

#define CRYPTO_DIGEST_OCTETS_MAX 32

struct crypto_features { /* each one was tried with a known answer */
	bool sha256, sha1;
	bool rsa_sha256, rsa_sha1; /* signatures, PKCS#1 v1.5 */
	bool ed25519;
};

struct crypto_provider {
	struct ossl_lib_ctx_st *library;
	struct evp_md_st *digests[CRYPTO_HASHES]; /* NULL: not there */
	struct crypto_features features;
	struct crypto_kernels kernels;
	struct crypto_rsa_lanes *rsa_lanes; /* the kernel's workspace; NULL: no such kernel */
	struct crypto_ed25519 *ed25519;     /* the kernel's constants; NULL: no such kernel */
};

/* Also -ENOTSUP: kernels are wished that are not available. */
MUST_CHECK int crypto_provider_init(struct crypto_provider *provider, enum crypto_kernels_wish wish);
/* After every key and batch made with it. Also of a zeroed provider, or one whose init failed. */
void crypto_provider_deinit(struct crypto_provider *provider);

/* 32 for SHA-256, 20 for SHA-1. */
size_t crypto_hash_octets(enum crypto_hash hash);

#endif
