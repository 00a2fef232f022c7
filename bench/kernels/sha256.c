/*
 * SHA-256 of streams the size of mail.
 */
#include "kernels/kernels.h"

#include "crypto/provider.h"

#include <openssl/evp.h>

#define OCTETS 16384

struct sha256_state {
	EVP_MD *digest;
	EVP_MD_CTX *context;
	uint8_t octets[OCTETS];
};

static double openssl_run(void *arg)
{
	struct sha256_state *state = arg;
	uint8_t digest[EVP_MAX_MD_SIZE];

	kernel_require(EVP_DigestInit_ex2(state->context, state->digest, NULL) == 1 &&
	               EVP_DigestUpdate(state->context, state->octets, OCTETS) == 1 &&
	               EVP_DigestFinal_ex(state->context, digest, NULL) == 1, "SHA-256");
	return OCTETS;
}

void kernels_sha256_add(struct kernel_cases *cases)
{
	static struct sha256_state state;

	state.digest = EVP_MD_fetch(NULL, "SHA2-256", NULL);
	state.context = EVP_MD_CTX_new();
	kernel_require(state.digest && state.context, "no SHA-256");
	kernel_random(1, state.octets, OCTETS);
	kernel_add(cases, &(struct kernel_case){ .name = "sha256", .unit = "octets/s", .state = &state,
	                                         .run = { openssl_run, openssl_run } });
}
