/*
 * RSA signatures over SHA-256 digests, checked with keys made ready before: KEYS keys, a signature of each. The first figure
 * is of a full group, the others of what comes three or one at a time; OpenSSL checks one after another in any case.
 */
#include "kernels/kernels.h"

#include "crypto/key_private.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#define KEYS          8
#define DIGEST_OCTETS 32
#define OCTETS_MAX    512

struct rsa_state {
	size_t octets;
	struct crypto_rsa_lanes *lanes; /* borrowed of the provider */
	EVP_PKEY_CTX *contexts[KEYS];
	struct crypto_key *keys[KEYS];
	uint8_t digests[KEYS][DIGEST_OCTETS], signatures[KEYS][OCTETS_MAX];
};

static double openssl_run(void *arg)
{
	struct rsa_state *state = arg;

	for (size_t i = 0; i < KEYS; i++)
		kernel_require(EVP_PKEY_verify(state->contexts[i], state->signatures[i], state->octets, state->digests[i],
		                               DIGEST_OCTETS) == 1, "an RSA signature is not valid");
	return KEYS;
}

/* All of a signature's own work that the batch does. */
static void checks_make(const struct rsa_state *state, struct crypto_rsa_check checks[KEYS])
{
	for (size_t i = 0; i < KEYS; i++) {
		kernel_require(crypto_rsa_is_representative(state->keys[i]->octets.modulus,
		                                            slice_of(state->signatures[i], state->octets)), "not below the modulus");
		checks[i] = (struct crypto_rsa_check){ state->keys[i]->rsa_key, CRYPTO_SHA256, state->digests[i],
			                               state->signatures[i], false };
	}
}

static void checks_require(const struct crypto_rsa_check checks[KEYS])
{
	for (size_t i = 0; i < KEYS; i++)
		kernel_require(checks[i].valid, "an RSA signature is not valid to us");
}

static double ours_eight_run(void *arg)
{
	struct rsa_state *state = arg;
	struct crypto_rsa_check checks[KEYS];

	checks_make(state, checks);
	crypto_rsa_lanes_verify(state->lanes, checks, KEYS);
	checks_require(checks);
	return KEYS;
}

static double ours_three_run(void *arg)
{
	struct rsa_state *state = arg;
	struct crypto_rsa_check checks[KEYS];

	checks_make(state, checks);
	for (size_t at = 0; at < KEYS; at += CRYPTO_RSA_FEW_MAX)
		crypto_rsa_few_verify(&checks[at], KEYS - at < CRYPTO_RSA_FEW_MAX ? KEYS - at : CRYPTO_RSA_FEW_MAX);
	checks_require(checks);
	return KEYS;
}

/* One at a time, by whatever path the provider has chosen for that. */
static double ours_one_run(void *arg)
{
	struct rsa_state *state = arg;

	for (size_t i = 0; i < KEYS; i++)
		kernel_require(crypto_key_verify(state->keys[i], CRYPTO_SHA256, slice_of(state->digests[i], DIGEST_OCTETS),
		                                 slice_of(state->signatures[i], state->octets)) == CRYPTO_VALID,
		               "an RSA signature is not valid to us");
	return KEYS;
}

/* Several primes make large keys quickly; verification does not see them. */
static EVP_PKEY *pkey_make(size_t bits)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *pkey = NULL;

	kernel_require(context && EVP_PKEY_keygen_init(context) == 1 &&
	               EVP_PKEY_CTX_set_rsa_keygen_bits(context, (int)bits) == 1 &&
	               EVP_PKEY_CTX_set_rsa_keygen_primes(context, bits < 2048 ? 2 : bits < 4096 ? 3 : 4) == 1 &&
	               EVP_PKEY_generate(context, &pkey) == 1, "no RSA key");
	EVP_PKEY_CTX_free(context);
	return pkey;
}

static EVP_PKEY_CTX *context_make(EVP_PKEY *pkey, int (*init)(EVP_PKEY_CTX *context))
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);

	kernel_require(context && init(context) == 1 && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
	               EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1, "no RSA");
	return context;
}

static struct slice number_get(EVP_PKEY *pkey, const char *name, uint8_t *octets)
{
	BIGNUM *number = NULL;
	int len;

	kernel_require(EVP_PKEY_get_bn_param(pkey, name, &number) == 1, name);
	len = BN_bn2bin(number, octets);
	BN_free(number);
	return slice_of(octets, (size_t)len);
}

static void key_make(struct rsa_state *state, struct crypto_provider *provider, size_t i)
{
	EVP_PKEY *pkey = pkey_make(state->octets * 8);
	EVP_PKEY_CTX *signing = context_make(pkey, EVP_PKEY_sign_init);
	size_t len = state->octets;
	uint8_t modulus[OCTETS_MAX], exponent[OCTETS_MAX];
	struct crypto_key_octets octets = {
		.kind = CRYPTO_KEY_RSA,
		.modulus = number_get(pkey, OSSL_PKEY_PARAM_RSA_N, modulus),
		.exponent = number_get(pkey, OSSL_PKEY_PARAM_RSA_E, exponent),
	};

	kernel_random(i, state->digests[i], DIGEST_OCTETS);
	kernel_require(EVP_PKEY_sign(signing, state->signatures[i], &len, state->digests[i], DIGEST_OCTETS) == 1, "signing");
	state->contexts[i] = context_make(pkey, EVP_PKEY_verify_init);
	kernel_require(crypto_key_new(provider, &octets, &state->keys[i]) == 0, "no key");
	EVP_PKEY_CTX_free(signing);
	EVP_PKEY_free(pkey);
}

/* ASSAY_KERNELS: a wish as in the configuration; auto where nothing is said. */
static enum crypto_kernels_wish wish_read(void)
{
	enum crypto_kernels_wish wish = CRYPTO_KERNELS_AUTO;
	const char *word = getenv("ASSAY_KERNELS");

	kernel_require(!word || crypto_kernels_read(word, &wish), "ASSAY_KERNELS: not the name of kernels");
	return wish;
}

static void figure_add(struct kernel_cases *cases, struct rsa_state *state, const char *name, const char *figure,
                       double (*ours)(void *arg))
{
	kernel_add(cases, &(struct kernel_case){ .name = name, .figure = figure, .unit = "ops/s", .state = state,
	                                         .run = { ours, openssl_run } });
}

static void rsa_add(struct kernel_cases *cases, struct crypto_provider *provider, struct rsa_state *state,
                    const char *name, size_t bits)
{
	const struct crypto_kernels *kernels = &provider->kernels;

	state->octets = bits / 8;
	state->lanes = provider->rsa_lanes;
	for (size_t i = 0; i < KEYS; i++)
		key_make(state, provider, i);
	figure_add(cases, state, name, "eight", kernels->rsa == CRYPTO_RSA_BY_LANES ? ours_eight_run : ours_one_run);
	figure_add(cases, state, name, "three", kernels->rsa_few ? ours_three_run : ours_one_run);
	figure_add(cases, state, name, "one", ours_one_run);
}

void kernels_rsa_add(struct kernel_cases *cases)
{
	static struct crypto_provider provider;
	static struct rsa_state states[4];

	kernel_require(crypto_provider_init(&provider, wish_read()) == 0, "no provider");
	rsa_add(cases, &provider, &states[0], "rsa1024", 1024);
	rsa_add(cases, &provider, &states[1], "rsa2048", 2048);
	rsa_add(cases, &provider, &states[2], "rsa3072", 3072);
	rsa_add(cases, &provider, &states[3], "rsa4096", 4096);
}
