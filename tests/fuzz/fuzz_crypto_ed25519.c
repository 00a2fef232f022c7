/*
 * Goal:   whatever key, signature and message are, the lanes decide as OpenSSL does (crypto/ed25519.h).
 * Method: the input is up to JOBS_MAX records of 32 octets of key, 64 of signature, one that says how long the message is,
 *         and the message; what is missing at the end makes the last one short. All are verified in one call, keys that are
 *         equal being one key, and then each by OpenSSL. Nothing to do where there is no kernel.
 */
#include "crypto/ed25519.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#define JOBS_MAX 20

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* NULL: not on this processor, or not in this build. */
static const struct crypto_ed25519 *kernel(void)
{
	static struct crypto_ed25519 *ed25519;
	static bool tried;
	struct crypto_cpu cpu = crypto_cpu_detect();

	if (!tried) {
		int result = crypto_ed25519_new(&cpu, &ed25519);

		ASSERT(result == 0 || result == CRYPTO_ED25519_UNSUPPORTED);
	}
	tried = true;
	return ed25519;
}

static struct slice cut(struct slice *rest, size_t len)
{
	struct slice piece = slice_sub(*rest, 0, len);

	*rest = slice_from(*rest, len);
	return piece;
}

/* The key of an earlier record, or a new one. */
static struct crypto_ed25519_key *key_of(const struct slice points[], const struct crypto_ed25519_job jobs[], size_t count)
{
	struct crypto_ed25519_key *key;

	for (size_t i = 0; i < count; i++)
		if (slice_equal(points[i], points[count]))
			return jobs[i].key;
	ASSERT(crypto_ed25519_key_new(points[count].ptr, &key) == 0);
	return key;
}

static void keys_free(const struct crypto_ed25519_job jobs[], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bool is_first = true;

		for (size_t j = 0; j < i; j++)
			is_first = is_first && jobs[j].key != jobs[i].key;
		if (is_first)
			crypto_ed25519_key_free(jobs[i].key);
	}
}

static bool openssl_takes(struct slice point, const struct crypto_ed25519_job *job)
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, point.ptr, point.len);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool takes;

	ASSERT(pkey && context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, pkey) == 1);
	takes = EVP_DigestVerify(context, job->signature.ptr, job->signature.len, job->message.ptr, job->message.len) == 1;
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return takes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct crypto_ed25519_job jobs[JOBS_MAX];
	struct slice points[JOBS_MAX], rest = slice_of(data, size);
	size_t count = 0;

	if (!kernel())
		return 0;
	for (; count < JOBS_MAX && rest.len >= CRYPTO_ED25519_KEY_OCTETS; count++) {
		points[count] = cut(&rest, CRYPTO_ED25519_KEY_OCTETS);
		jobs[count] = (struct crypto_ed25519_job){ .key = key_of(points, jobs, count),
			                                   .signature = cut(&rest, CRYPTO_ED25519_SIGNATURE_OCTETS) };
		if (rest.len > 0)
			jobs[count].message = cut(&rest, cut(&rest, 1).ptr[0]);
	}
	crypto_ed25519_verify(kernel(), jobs, count);
	for (size_t i = 0; i < count; i++)
		ASSERT(jobs[i].valid == openssl_takes(points[i], &jobs[i]));
	keys_free(jobs, count);
	return 0;
}
