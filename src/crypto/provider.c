#include "crypto/provider.h"

#include "crypto/ed25519.h"
#include "crypto/key.h"
#include "crypto/probe.h"
#include "crypto/rsa.h"

#include <openssl/err.h>
#include <openssl/evp.h>

size_t crypto_hash_octets(enum crypto_hash hash)
{
	return hash == CRYPTO_SHA1 ? 20 : 32;
}

static bool probe_digest(struct crypto_provider *provider, enum crypto_hash hash)
{
	struct slice expected = crypto_probe_digest(hash);
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	return provider->digests[hash] && EVP_Digest("abc", 3, digest, &len, provider->digests[hash], NULL) == 1 &&
	       slice_equal(slice_of(digest, len), expected);
}

/* Both ways: a signature that is right, and the same over another digest. */
static bool probe_signature(struct crypto_provider *provider, const struct crypto_key_octets *octets,
                            enum crypto_hash hash, struct slice signature)
{
	static const uint8_t other[CRYPTO_DIGEST_OCTETS_MAX] = { 1 };
	struct crypto_key *key;
	bool works;

	if (crypto_key_new(provider, octets, &key))
		return false;
	works = crypto_key_verify(key, hash, crypto_probe_digest(hash), signature) == CRYPTO_VALID &&
	        crypto_key_verify(key, hash, slice_of(other, crypto_hash_octets(hash)), signature) == CRYPTO_INVALID;
	crypto_key_unref(key);
	return works;
}

static void provider_probe(struct crypto_provider *provider)
{
	struct crypto_features *features = &provider->features;

	features->sha256 = probe_digest(provider, CRYPTO_SHA256);
	features->sha1 = probe_digest(provider, CRYPTO_SHA1);
	features->ed25519 = true; /* or no key could be made to try it */
	features->ed25519 = features->sha256 && probe_signature(provider, &crypto_probe_ed25519, CRYPTO_SHA256,
	                                                        crypto_probe_ed25519_signature);
	features->rsa_sha256 = features->sha256 && probe_signature(provider, &crypto_probe_rsa, CRYPTO_SHA256,
	                                                           crypto_probe_rsa_signature[CRYPTO_SHA256]);
	features->rsa_sha1 = features->sha1 && probe_signature(provider, &crypto_probe_rsa, CRYPTO_SHA1,
	                                                       crypto_probe_rsa_signature[CRYPTO_SHA1]);
}

int crypto_provider_init(struct crypto_provider *provider, enum crypto_kernels_wish wish)
{
	int result = -ENOTSUP;

	*provider = (struct crypto_provider){ .library = OSSL_LIB_CTX_new() };
	if (!provider->library)
		return -ENOMEM;
	provider->digests[CRYPTO_SHA256] = EVP_MD_fetch(provider->library, "SHA2-256", NULL);
	provider->digests[CRYPTO_SHA1] = EVP_MD_fetch(provider->library, "SHA1", NULL);
	provider_probe(provider);
	if (provider->features.rsa_sha256)
		result = crypto_kernels_choose(provider, wish);
	ERR_clear_error();
	if (result < 0)
		crypto_provider_deinit(provider);
	return result;
}

void crypto_provider_deinit(struct crypto_provider *provider)
{
	for (int hash = 0; hash < CRYPTO_HASHES; hash++)
		EVP_MD_free(provider->digests[hash]);
	crypto_rsa_lanes_free(provider->rsa_lanes);
	crypto_ed25519_free(provider->ed25519);
	OSSL_LIB_CTX_free(provider->library);
	*provider = (struct crypto_provider){ 0 };
}
