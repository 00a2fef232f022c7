#include "crypto/key.h"

#include "crypto/key_private.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

/* Measured with OpenSSL 3.0: EVP_PKEY, its contexts, and for RSA the Montgomery form of the modulus. */
#define RSA_BYTES_FIXED     1536
#define RSA_BYTES_PER_OCTET 4
#define ED25519_BYTES_FIXED 1024

static bool is_odd(struct slice number)
{
	return number.len > 0 && (number.ptr[number.len - 1] & 1);
}

static bool rsa_is_bounded(const struct crypto_key_octets *octets)
{
	struct slice n = octets->modulus, e = octets->exponent;

	return n.len >= CRYPTO_RSA_MODULUS_OCTETS_MIN && n.len <= CRYPTO_RSA_MODULUS_OCTETS_MAX && n.ptr[0] != 0 &&
	       is_odd(n) && e.len >= 1 && e.len <= CRYPTO_RSA_EXPONENT_OCTETS_MAX && e.ptr[0] != 0 && is_odd(e) &&
	       (e.len > 1 || e.ptr[0] >= 3);
}

static bool octets_are_bounded(const struct crypto_provider *provider, const struct crypto_key_octets *octets)
{
	switch (octets->kind) {
	case CRYPTO_KEY_RSA: return rsa_is_bounded(octets);
	case CRYPTO_KEY_ED25519:
		return octets->point.len == CRYPTO_ED25519_POINT_OCTETS && provider->features.ed25519;
	}
	return false;
}

static OSSL_PARAM *rsa_params(const BIGNUM *n, const BIGNUM *e)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;

	if (builder && n && e && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e))
		params = OSSL_PARAM_BLD_to_param(builder);
	OSSL_PARAM_BLD_free(builder);
	return params;
}

static EVP_PKEY *rsa_pkey_new(OSSL_LIB_CTX *library, const struct crypto_key_octets *octets)
{
	BIGNUM *n = BN_bin2bn(octets->modulus.ptr, (int)octets->modulus.len, NULL);
	BIGNUM *e = BN_bin2bn(octets->exponent.ptr, (int)octets->exponent.len, NULL);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(library, "RSA", NULL);
	OSSL_PARAM *params = rsa_params(n, e);
	EVP_PKEY *pkey = NULL;

	if (context && params && EVP_PKEY_fromdata_init(context) == 1)
		(void)EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, params);
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(context);
	BN_free(n);
	BN_free(e);
	return pkey;
}

/* A context that has its key, padding and digest: a verification then fetches and decodes nothing. */
static EVP_PKEY_CTX *rsa_context_new(struct crypto_key *key, enum crypto_hash hash)
{
	EVP_MD *digest = key->provider->digests[hash];
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(key->provider->library, key->pkey, NULL);

	if (digest && context && EVP_PKEY_verify_init(context) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(context, digest) == 1)
		return context;
	EVP_PKEY_CTX_free(context);
	return NULL;
}

static EVP_MD_CTX *ed25519_context_new(struct crypto_key *key)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	if (context && EVP_DigestVerifyInit_ex(context, NULL, NULL, key->provider->library, NULL, key->pkey, NULL) == 1)
		return context;
	EVP_MD_CTX_free(context);
	return NULL;
}

/* OpenSSL's part of an RSA key, for this hash. */
static bool rsa_openssl_prepare(struct crypto_key *key, enum crypto_hash hash)
{
	if (!key->pkey)
		key->pkey = rsa_pkey_new(key->provider->library, &key->octets);
	if (key->pkey && !key->rsa[hash])
		key->rsa[hash] = rsa_context_new(key, hash);
	return key->rsa[hash];
}

/* What a key with this exponent is for. */
static enum crypto_rsa_path rsa_path(const struct crypto_kernels *kernels, struct slice exponent)
{
	bool is_openssls = kernels->rsa == CRYPTO_RSA_BY_LANES &&
	                   crypto_rsa_exponent(exponent) > kernels->rsa_lanes_exponent_max;

	return is_openssls ? CRYPTO_RSA_BY_OPENSSL : kernels->rsa;
}

static bool rsa_prepare(struct crypto_key *key)
{
	enum crypto_rsa_form form = CRYPTO_RSA_FORM_52;

	switch (rsa_path(&key->provider->kernels, key->octets.exponent)) {
	case CRYPTO_RSA_BY_OPENSSL: return rsa_openssl_prepare(key, CRYPTO_SHA256);
	case CRYPTO_RSA_BY_SCALAR: form = CRYPTO_RSA_FORM_64; break;
	case CRYPTO_RSA_BY_FEW:
	case CRYPTO_RSA_BY_LANES: break;
	}
	key->rsa_key = crypto_rsa_key_new(form, key->octets.modulus, key->octets.exponent);
	return key->rsa_key;
}

static bool ed25519_prepare(struct crypto_key *key)
{
	struct slice point = key->octets.point;

	if (key->provider->ed25519)
		return crypto_ed25519_key_new(point.ptr, &key->ed25519_key) == 0;
	key->pkey = EVP_PKEY_new_raw_public_key_ex(key->provider->library, "ED25519", NULL, point.ptr, point.len);
	key->ed25519 = key->pkey ? ed25519_context_new(key) : NULL;
	return key->ed25519;
}

static bool key_prepare(struct crypto_key *key)
{
	return key->octets.kind == CRYPTO_KEY_RSA ? rsa_prepare(key) : ed25519_prepare(key);
}

static struct slice octets_keep(uint8_t **at, struct slice s)
{
	struct slice kept = slice_of(*at, s.len);

	if (s.len)
		memcpy(*at, s.ptr, s.len);
	*at += s.len;
	return kept;
}

/* Drains OpenSSL's queue of errors and says whether lack of memory is among them. */
static bool errors_tell_no_memory(void)
{
	bool no_memory = false;
	unsigned long error;

	while ((error = ERR_get_error()) != 0)
		no_memory |= ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE;
	return no_memory;
}

/* Where a kernel for a few is, nothing is left to OpenSSL: the lanes take what is too long for it, however few there are. */
static bool openssl_has_few(const struct crypto_kernels *kernels)
{
	return kernels->rsa_lanes_min > 1 && !kernels->rsa_few;
}

enum crypto_rsa_path crypto_key_rsa_path(const struct crypto_key *key, size_t count)
{
	const struct crypto_kernels *kernels = &key->provider->kernels;

	if (!key->rsa_key)
		return CRYPTO_RSA_BY_OPENSSL;
	if (key->rsa_key->form == CRYPTO_RSA_FORM_64)
		return CRYPTO_RSA_BY_SCALAR;
	if (count >= kernels->rsa_lanes_min)
		return CRYPTO_RSA_BY_LANES;
	if (openssl_has_few(kernels))
		return CRYPTO_RSA_BY_OPENSSL;
	return crypto_rsa_few_can(key->rsa_key->limbs) ? CRYPTO_RSA_BY_FEW : CRYPTO_RSA_BY_LANES;
}

static size_t rsa_bytes(const struct crypto_kernels *kernels, const struct crypto_key_octets *key)
{
	size_t octets = key->modulus.len, openssl = RSA_BYTES_FIXED + RSA_BYTES_PER_OCTET * octets;

	switch (rsa_path(kernels, key->exponent)) {
	case CRYPTO_RSA_BY_OPENSSL: break;
	case CRYPTO_RSA_BY_SCALAR: return crypto_rsa_key_bytes(CRYPTO_RSA_FORM_64, octets);
	case CRYPTO_RSA_BY_FEW:
	case CRYPTO_RSA_BY_LANES:
		/* Where OpenSSL does what does not fill the lanes, the key may come to have its part too. */
		return crypto_rsa_key_bytes(CRYPTO_RSA_FORM_52, octets) + (openssl_has_few(kernels) ? openssl : 0);
	}
	return openssl;
}

static size_t key_bytes(const struct crypto_key *key, size_t octets)
{
	const struct crypto_provider *provider = key->provider;
	size_t ed25519 = provider->ed25519 ? crypto_ed25519_key_bytes() : ED25519_BYTES_FIXED;

	return sizeof(*key) + octets +
	       (key->octets.kind == CRYPTO_KEY_RSA ? rsa_bytes(&provider->kernels, &key->octets) : ed25519);
}

int crypto_key_new(struct crypto_provider *provider, const struct crypto_key_octets *octets,
                   struct crypto_key **key_out)
{
	size_t len = octets->modulus.len + octets->exponent.len + octets->point.len;
	struct crypto_key *key;
	uint8_t *at;

	if (!octets_are_bounded(provider, octets))
		return CRYPTO_KEY_UNUSABLE;
	key = calloc(1, sizeof(*key) + len);
	if (!key)
		return -ENOMEM;
	key->provider = provider;
	key->references = 1;
	at = key->storage;
	key->octets.kind = octets->kind;
	key->octets.modulus = octets_keep(&at, octets->modulus);
	key->octets.exponent = octets_keep(&at, octets->exponent);
	key->octets.point = octets_keep(&at, octets->point);
	key->bytes = key_bytes(key, len);
	if (!key_prepare(key)) {
		/* Its numbers are in order: that it could not be made is no fault of the key's. */
		ERR_clear_error();
		crypto_key_unref(key);
		return -ENOMEM;
	}
	*key_out = key;
	return 0;
}

struct crypto_key *crypto_key_ref(struct crypto_key *key)
{
	ASSERT(key->references > 0);
	key->references++;
	return key;
}

void crypto_key_unref(struct crypto_key *key)
{
	if (!key || --key->references > 0)
		return;
	for (int hash = 0; hash < CRYPTO_HASHES; hash++)
		EVP_PKEY_CTX_free(key->rsa[hash]);
	EVP_MD_CTX_free(key->ed25519);
	EVP_PKEY_free(key->pkey);
	free(key->rsa_key);
	crypto_ed25519_key_free(key->ed25519_key);
	free(key);
}

enum crypto_key_kind crypto_key_kind(const struct crypto_key *key)
{
	return key->octets.kind;
}

size_t crypto_key_bytes(const struct crypto_key *key)
{
	return key->bytes;
}

static enum crypto_verdict rsa_openssl_verify(struct crypto_key *key, enum crypto_hash hash, struct slice digest,
                                              struct slice signature)
{
	if (!rsa_openssl_prepare(key, hash)) {
		ERR_clear_error();
		return CRYPTO_FAULT;
	}
	if (signature.len != key->octets.modulus.len) /* RFC 8017 section 8.2.2, step 1 */
		return CRYPTO_INVALID;
	if (EVP_PKEY_verify(key->rsa[hash], signature.ptr, signature.len, digest.ptr, digest.len) == 1)
		return CRYPTO_VALID;
	return errors_tell_no_memory() ? CRYPTO_FAULT : CRYPTO_INVALID;
}

static enum crypto_verdict rsa_verify(struct crypto_key *key, enum crypto_hash hash, struct slice digest,
                                      struct slice signature)
{
	struct crypto_rsa_check check = { key->rsa_key, hash, digest.ptr, signature.ptr, false };
	enum crypto_rsa_path path = crypto_key_rsa_path(key, 1);

	if (path == CRYPTO_RSA_BY_OPENSSL)
		return rsa_openssl_verify(key, hash, digest, signature);
	if (!key->provider->digests[hash])
		return CRYPTO_FAULT;
	if (!crypto_rsa_is_representative(key->octets.modulus, signature))
		return CRYPTO_INVALID;
	if (path == CRYPTO_RSA_BY_SCALAR)
		crypto_rsa_verify(&check);
	else if (path == CRYPTO_RSA_BY_FEW)
		crypto_rsa_few_verify(&check, 1);
	else
		crypto_rsa_lanes_verify(key->provider->rsa_lanes, &check, 1);
	return check.valid ? CRYPTO_VALID : CRYPTO_INVALID;
}

/* OpenSSL's Ed25519 allocates a SHA-512 context and says nothing when it cannot: try the like of it. */
static bool memory_is_there(struct crypto_key *key)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool there = context && EVP_DigestInit_ex2(context, key->provider->digests[CRYPTO_SHA256], NULL) == 1;

	EVP_MD_CTX_free(context);
	return there;
}

static enum crypto_verdict ed25519_verify(struct crypto_key *key, struct slice digest, struct slice signature)
{
	struct crypto_ed25519_job job = { key->ed25519_key, signature, digest, false };

	if (key->ed25519_key) {
		crypto_ed25519_verify(key->provider->ed25519, &job, 1);
		return job.valid ? CRYPTO_VALID : CRYPTO_INVALID;
	}
	/* Starts the kept context over, which later versions of OpenSSL than 3.0 ask for; it fetches nothing. */
	if (EVP_DigestVerifyInit(key->ed25519, NULL, NULL, NULL, NULL) != 1) {
		ERR_clear_error();
		return CRYPTO_FAULT;
	}
	if (EVP_DigestVerify(key->ed25519, signature.ptr, signature.len, digest.ptr, digest.len) == 1)
		return CRYPTO_VALID;
	return errors_tell_no_memory() || !memory_is_there(key) ? CRYPTO_FAULT : CRYPTO_INVALID;
}

enum crypto_verdict crypto_key_verify(struct crypto_key *key, enum crypto_hash hash, struct slice digest,
                                      struct slice signature)
{
	ASSERT(digest.len == crypto_hash_octets(hash));
	return key->octets.kind == CRYPTO_KEY_RSA ? rsa_verify(key, hash, digest, signature)
	                                          : ed25519_verify(key, digest, signature);
}
