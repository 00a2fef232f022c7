#include "crypto/signer.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>

struct crypto_signer {
	EVP_PKEY *pkey;
	EVP_PKEY_CTX *context; /* ready to sign */
	size_t octets;
};

/* Nobody is there to type one. */
static int no_password(char *buffer, int size, int writing, void *arg)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static EVP_PKEY *pem_read(struct crypto_provider *provider, struct slice pem)
{
	BIO *bio = pem.len <= INT_MAX ? BIO_new_mem_buf(pem.ptr, (int)pem.len) : NULL;
	EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey_ex(bio, NULL, no_password, NULL, provider->library, NULL) : NULL;

	BIO_free(bio);
	return pkey;
}

static EVP_PKEY_CTX *context_new(struct crypto_provider *provider, EVP_PKEY *pkey)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(provider->library, pkey, NULL);

	if (context && EVP_PKEY_sign_init(context) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(context, provider->digests[CRYPTO_SHA256]) == 1)
		return context;
	EVP_PKEY_CTX_free(context);
	return NULL;
}

/* What is wrong with a key that could be read; NULL: nothing. */
static const char *pkey_problem(EVP_PKEY *pkey)
{
	if (!EVP_PKEY_is_a(pkey, "RSA"))
		return "is no RSA key";
	if (EVP_PKEY_get_bits(pkey) < CRYPTO_SIGNER_BITS_MIN)
		return "has fewer than 1024 bits";
	if (EVP_PKEY_get_bits(pkey) > CRYPTO_SIGNER_BITS_MAX)
		return "has more than 4096 bits";
	return NULL;
}

/* Numbers that do not belong together show in the first signature. */
static bool signer_works(struct crypto_provider *provider, struct crypto_signer *signer)
{
	static const uint8_t digest[32] = { 1 };
	uint8_t signature[CRYPTO_SIGNATURE_OCTETS_MAX];
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(provider->library, signer->pkey, NULL);
	bool works = crypto_signer_sign(signer, slice_of(digest, sizeof(digest)), signature) && context &&
	             EVP_PKEY_verify_init(context) == 1 && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
	             EVP_PKEY_CTX_set_signature_md(context, provider->digests[CRYPTO_SHA256]) == 1 &&
	             EVP_PKEY_verify(context, signature, signer->octets, digest, sizeof(digest)) == 1;

	EVP_PKEY_CTX_free(context);
	return works;
}

static int signer_make(struct crypto_provider *provider, EVP_PKEY *pkey, struct crypto_signer **out,
                       const char **problem_out)
{
	struct crypto_signer *signer = calloc(1, sizeof(*signer));

	if (!signer) {
		EVP_PKEY_free(pkey);
		return -ENOMEM;
	}
	signer->pkey = pkey;
	signer->octets = (size_t)EVP_PKEY_get_size(pkey);
	signer->context = context_new(provider, pkey);
	*problem_out = "does not sign: its numbers do not belong together";
	if (signer->context && signer_works(provider, signer)) {
		*out = signer;
		*problem_out = NULL;
		return 0;
	}
	crypto_signer_free(signer);
	return CRYPTO_SIGNER_UNUSABLE;
}

int crypto_signer_new(struct crypto_provider *provider, struct slice pem, struct crypto_signer **signer_out,
                      const char **problem_out)
{
	EVP_PKEY *pkey = pem_read(provider, pem);
	int result = CRYPTO_SIGNER_UNUSABLE;

	*problem_out = pkey ? pkey_problem(pkey) : "holds no private key in PEM form without a password";
	if (!*problem_out)
		result = signer_make(provider, pkey, signer_out, problem_out);
	else
		EVP_PKEY_free(pkey);
	ERR_clear_error();
	return result;
}

void crypto_signer_free(struct crypto_signer *signer)
{
	if (!signer)
		return;
	EVP_PKEY_CTX_free(signer->context);
	EVP_PKEY_free(signer->pkey);
	free(signer);
}

size_t crypto_signer_octets(const struct crypto_signer *signer)
{
	return signer->octets;
}

bool crypto_signer_sign(struct crypto_signer *signer, struct slice digest, uint8_t out[CRYPTO_SIGNATURE_OCTETS_MAX])
{
	size_t len = CRYPTO_SIGNATURE_OCTETS_MAX;

	ASSERT(digest.len == crypto_hash_octets(CRYPTO_SHA256));
	return EVP_PKEY_sign(signer->context, out, &len, digest.ptr, digest.len) == 1 && len == signer->octets;
}
