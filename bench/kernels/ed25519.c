/*
 * Ed25519 signatures over SHA-256 digests (RFC 8463). The first figure is what a full group of the daemon's costs: eight
 * jobs, eight keys made ready and used before. OpenSSL's side checks the same jobs one after another with kept contexts;
 * for `cold` and `cold_one` both sides make their keys anew each time.
 */
#include "kernels/kernels.h"

#include "crypto/ed25519.h"

#include <openssl/evp.h>

#define KEYS             CRYPTO_ED25519_JOBS_BEST
#define DIGEST_OCTETS    32
#define SIGNATURE_OCTETS CRYPTO_ED25519_SIGNATURE_OCTETS
#define KEY_OCTETS       CRYPTO_ED25519_KEY_OCTETS

static struct {
	struct crypto_ed25519 *ed25519; /* NULL: this machine has no kernel, OpenSSL is on both sides */
	struct crypto_ed25519_key *keys[KEYS];
	EVP_MD_CTX *contexts[KEYS];
	uint8_t points[KEYS][KEY_OCTETS], digests[KEYS][DIGEST_OCTETS], signatures[KEYS][SIGNATURE_OCTETS];
} shared;

struct ed25519_state {
	size_t jobs;
	bool cold;
};

static EVP_MD_CTX *context_make(const uint8_t point[KEY_OCTETS])
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, point, KEY_OCTETS);
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	kernel_require(pkey && context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, pkey) == 1, "no Ed25519");
	EVP_PKEY_free(pkey);
	return context;
}

static void openssl_check(EVP_MD_CTX *context, size_t i)
{
	kernel_require(EVP_DigestVerify(context, shared.signatures[i], SIGNATURE_OCTETS, shared.digests[i],
	                                DIGEST_OCTETS) == 1, "an Ed25519 signature is not valid");
}

static double openssl_run(void *arg)
{
	const struct ed25519_state *state = arg;

	for (size_t i = 0; i < state->jobs; i++) {
		EVP_MD_CTX *context = state->cold ? context_make(shared.points[i]) : shared.contexts[i];

		if (!state->cold)
			kernel_require(EVP_DigestVerifyInit(context, NULL, NULL, NULL, NULL) == 1, "no Ed25519");
		openssl_check(context, i);
		if (state->cold)
			EVP_MD_CTX_free(context);
	}
	return (double)state->jobs;
}

static double ours_run(void *arg)
{
	const struct ed25519_state *state = arg;
	struct crypto_ed25519_job jobs[KEYS];

	for (size_t i = 0; i < state->jobs; i++) {
		jobs[i] = (struct crypto_ed25519_job){ shared.keys[i], slice_of(shared.signatures[i], SIGNATURE_OCTETS),
			                               slice_of(shared.digests[i], DIGEST_OCTETS), false };
		if (state->cold)
			kernel_require(crypto_ed25519_key_new(shared.points[i], &jobs[i].key) == 0, "no key");
	}
	crypto_ed25519_verify(shared.ed25519, jobs, state->jobs);
	for (size_t i = 0; i < state->jobs; i++) {
		kernel_require(jobs[i].valid, "an Ed25519 signature is not valid to us");
		if (state->cold)
			crypto_ed25519_key_free(jobs[i].key);
	}
	return (double)state->jobs;
}

static void key_make(size_t i)
{
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	EVP_MD_CTX *signing = EVP_MD_CTX_new();
	size_t len = SIGNATURE_OCTETS, point_len = KEY_OCTETS;

	kernel_random(i, shared.digests[i], DIGEST_OCTETS);
	kernel_require(pkey && signing && EVP_DigestSignInit(signing, NULL, NULL, NULL, pkey) == 1 &&
	               EVP_DigestSign(signing, shared.signatures[i], &len, shared.digests[i], DIGEST_OCTETS) == 1 &&
	               EVP_PKEY_get_raw_public_key(pkey, shared.points[i], &point_len) == 1, "no Ed25519");
	shared.contexts[i] = context_make(shared.points[i]);
	if (shared.ed25519)
		kernel_require(crypto_ed25519_key_new(shared.points[i], &shared.keys[i]) == 0, "no key");
	EVP_MD_CTX_free(signing);
	EVP_PKEY_free(pkey);
}

static void figure_add(struct kernel_cases *cases, struct ed25519_state *state, const char *figure)
{
	kernel_add(cases, &(struct kernel_case){ .name = "ed25519", .figure = figure, .unit = "ops/s", .state = state,
	                                         .run = { shared.ed25519 ? ours_run : openssl_run, openssl_run } });
}

void kernels_ed25519_add(struct kernel_cases *cases)
{
	static struct ed25519_state eight = { 8, false }, many = { KEYS, false }, one = { 1, false };
	static struct ed25519_state cold = { 8, true }, cold_one = { 1, true };
	struct crypto_cpu cpu = crypto_cpu_detect();

	if (crypto_ed25519_new(&cpu, &shared.ed25519))
		shared.ed25519 = NULL;
	for (size_t i = 0; i < KEYS; i++)
		key_make(i);
	figure_add(cases, &eight, "eight");
	figure_add(cases, &many, "many");
	figure_add(cases, &one, "one");
	figure_add(cases, &cold, "cold");
	figure_add(cases, &cold_one, "cold_one");
}
