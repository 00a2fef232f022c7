/*
 * Goal:   a private key is taken when it can sign and refused with a reason when not; what it signs verifies; a batch of
 *         signatures leaves others their turn.
 * Method: key files in every shape that is no key first; then signatures, checked with the public half.
 */
#include "crypto/batch.h"

#include "test_key.h"
#include "unit.h"

#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>

static struct crypto_provider provider;

/* A new private key in PEM form; to be freed. */
static char *pem_of(EVP_PKEY *pkey, const EVP_CIPHER *cipher)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *octets, *text;
	long len;

	assert_int_equal(PEM_write_bio_PrivateKey(bio, pkey, cipher, (const unsigned char *)"secret", cipher ? 6 : 0, NULL, NULL), 1);
	len = BIO_get_mem_data(bio, &octets);
	text = calloc(1, (size_t)len + 1);
	assert_non_null(text);
	memcpy(text, octets, (size_t)len);
	BIO_free(bio);
	EVP_PKEY_free(pkey);
	return text;
}

/* Of four primes, which are found sooner than two large ones. */
static EVP_PKEY *rsa_long(unsigned bits)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, NULL);
	EVP_PKEY *pkey = NULL;

	assert_int_equal(EVP_PKEY_keygen_init(context), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(context, (int)bits), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_primes(context, 4), 1);
	assert_int_equal(EVP_PKEY_generate(context, &pkey), 1);
	EVP_PKEY_CTX_free(context);
	return pkey;
}

static void check_refused(const char *name, char *pem, const char *why)
{
	struct crypto_signer *signer;
	const char *problem;

	if (crypto_signer_new(&provider, slice_of_str(pem), &signer, &problem) != CRYPTO_SIGNER_UNUSABLE ||
	    !strstr(problem, why))
		fail_msg("%s: %s", name, problem);
	free(pem);
}

static void test_refused(void **state)
{
	static char public_half[] = "-----BEGIN PUBLIC KEY-----\n"
				    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6\n"
				    "Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/\n"
				    "e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G\n"
				    "+2kryOTIKT+l/K4w3QIDAQAB\n-----END PUBLIC KEY-----\n";
	char *cut = strdup(TEST_KEY_PEM), *changed = strdup(TEST_KEY_PEM);

	(void)state;
	check_refused("empty", strdup(""), "no private key");
	check_refused("words", strdup("hello"), "no private key");
	check_refused("public", strdup(public_half), "no private key");
	cut[strlen(cut) / 2] = 0;
	check_refused("cut", cut, "no private key");
	memcpy(strstr(changed, "kHlOQ"), "kHlOR", 5); /* the modulus */
	check_refused("changed", changed, "do not belong together");
	check_refused("password", pem_of(EVP_RSA_gen(1024), EVP_aes_128_cbc()), "no private key");
	check_refused("short", pem_of(EVP_RSA_gen(768), NULL), "fewer than 1024");
	check_refused("long", pem_of(rsa_long(4104), NULL), "more than 4096");
	check_refused("ec", pem_of(EVP_EC_gen("P-256"), NULL), "no RSA key");
}

static struct crypto_signer *signer_new(const char *pem)
{
	struct crypto_signer *signer;
	const char *problem;

	assert_int_equal(crypto_signer_new(&provider, slice_of_str(pem), &signer, &problem), 0);
	assert_null(problem);
	return signer;
}

/* The public half of the key in PEM form. */
static struct crypto_key *key_of(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	uint8_t modulus[1024], exponent[] = { 1, 0, 1 };
	struct crypto_key_octets octets = { .kind = CRYPTO_KEY_RSA, .exponent = { exponent, sizeof(exponent) } };
	struct crypto_key *key;
	BIGNUM *n = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(pkey, "n", &n), 1);
	octets.modulus = slice_of(modulus, (size_t)BN_bn2bin(n, modulus));
	assert_int_equal(crypto_key_new(&provider, &octets, &key), 0);
	BN_free(n);
	EVP_PKEY_free(pkey);
	BIO_free(bio);
	return key;
}

#define JOBS 20

struct run {
	struct crypto_sign_job jobs[JOBS];
	unsigned called;
};

static void on_done(struct crypto_job *job)
{
	((struct run *)job->owner)->called++;
}

/* Each run signs a few, however many wait; and each signature is of its own octets. */
static void check_batch(const char *pem)
{
	static const struct slice parts[] = { SLICE_INIT("a"), SLICE_INIT(""), SLICE_INIT("bc"), SLICE_INIT("d") };
	static struct run run;
	struct crypto_signer *signer = signer_new(pem);
	struct crypto_key *key = key_of(pem);
	struct crypto_batch batch;
	unsigned runs = 0;

	run = (struct run){ .called = 0 };
	assert_int_equal(crypto_batch_init(&batch, &provider), 0);
	for (size_t i = 0; i < JOBS; i++) {
		run.jobs[i] = (struct crypto_sign_job){
			.job = { .done = on_done, .owner = &run }, .signer = signer, .parts = parts, .parts_count = 3 + i % 2
		};
		crypto_batch_add_sign(&batch, &run.jobs[i]);
	}
	crypto_batch_remove(&batch, &run.jobs[JOBS - 1].job);
	for (; crypto_batch_is_left(&batch); runs++)
		assert_in_range(crypto_batch_run(&batch), 1, CRYPTO_RUN_COST_MAX / CRYPTO_SIGN_COST);
	assert_in_range(runs, 5, JOBS);
	assert_int_equal(run.called, JOBS - 1);
	for (size_t i = 0; i < JOBS - 1; i++) {
		uint8_t digest[32];

		assert_true(EVP_Digest(i % 2 ? "abcd" : "abc", 3 + i % 2, digest, NULL, EVP_sha256(), NULL));
		assert_false(run.jobs[i].failed);
		assert_int_equal(crypto_key_verify(key, CRYPTO_SHA256, slice_of(digest, 32),
						   slice_of(run.jobs[i].signature, run.jobs[i].signature_len)),
				 CRYPTO_VALID);
	}
	assert_true(run.jobs[JOBS - 1].failed);
	crypto_batch_deinit(&batch);
	crypto_key_unref(key);
	crypto_signer_free(signer);
}

static void test_signatures(void **state)
{
	char *pkcs8 = pem_of(EVP_RSA_gen(2048), NULL);

	(void)state;
	check_batch(TEST_KEY_PEM); /* PKCS#1 */
	check_batch(pkcs8);
	free(pkcs8);
}

static void test_no_signer(void **state)
{
	(void)state;
	crypto_signer_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_no_signer),
	};
	int failed;

	if (crypto_provider_init(&provider, CRYPTO_KERNELS_AUTO) < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	crypto_provider_deinit(&provider);
	return failed;
}
