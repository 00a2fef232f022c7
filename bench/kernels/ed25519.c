/*
 * Ed25519 signatures over SHA-256 digests (RFC 8463), checked with keys made ready before.
 */
#include "kernels/kernels.h"

#include "crypto/key.h"

#include <openssl/evp.h>

#define KEYS             8
#define DIGEST_OCTETS    32
#define SIGNATURE_OCTETS 64

struct ed25519_state {
	EVP_MD_CTX *contexts[KEYS];
	uint8_t digests[KEYS][DIGEST_OCTETS], signatures[KEYS][SIGNATURE_OCTETS];
};

static double openssl_run(void *arg)
{
	struct ed25519_state *state = arg;

	for (size_t i = 0; i < KEYS; i++)
		kernel_require(EVP_DigestVerifyInit(state->contexts[i], NULL, NULL, NULL, NULL) == 1 &&
		               EVP_DigestVerify(state->contexts[i], state->signatures[i], SIGNATURE_OCTETS, state->digests[i],
		                                DIGEST_OCTETS) == 1, "an Ed25519 signature is not valid");
	return KEYS;
}

static void key_make(struct ed25519_state *state, size_t i)
{
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	EVP_MD_CTX *signing = EVP_MD_CTX_new();
	size_t len = SIGNATURE_OCTETS;

	kernel_random(i, state->digests[i], DIGEST_OCTETS);
	state->contexts[i] = EVP_MD_CTX_new();
	kernel_require(pkey && signing && state->contexts[i] && EVP_DigestSignInit(signing, NULL, NULL, NULL, pkey) == 1 &&
	               EVP_DigestSign(signing, state->signatures[i], &len, state->digests[i], DIGEST_OCTETS) == 1 &&
	               EVP_DigestVerifyInit(state->contexts[i], NULL, NULL, NULL, pkey) == 1, "no Ed25519");
	EVP_MD_CTX_free(signing);
	EVP_PKEY_free(pkey);
}

void kernels_ed25519_add(struct kernel_cases *cases)
{
	static struct ed25519_state state;

	for (size_t i = 0; i < KEYS; i++)
		key_make(&state, i);
	kernel_add(cases, &(struct kernel_case){ .name = "ed25519", .unit = "ops/s", .state = &state,
	                                         .run = { openssl_run, openssl_run } });
}
