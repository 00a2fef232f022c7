/*
 * Goal:   every path accepts and refuses RSA signatures exactly as OpenSSL does.
 * Method: private keys of several sizes and exponents sign encoded messages with every fault that padding can have, each
 *         octet changed in turn; signatures that are no representatives; and batches of 1 to 8 signatures in every
 *         rotation, right and wrong ones of different keys side by side. The expected verdict is given, and asked of
 *         OpenSSL too.
 */
#include "crypto/batch.h"
#include "crypto/key_private.h"
#include "unit.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>

/* The first eight share a number of limbs in form 52. */
static const struct {
	size_t bits;
	uint32_t exponent;
} kinds[] = {
	{ 1024, 65537 }, { 1031, 17 }, { 1000, 3 }, { 1032, 257 }, { 1017, 0xfffffffd }, { 1024, 3 }, { 991, 65537 }, { 1025, 5 },
	{ 512, 65537 },  { 519, 3 },   { 1559, 65537 }, { 2047, 3 }, { 2048, 65537 }, { 4096, 65537 },
};

#define KINDS COUNT_OF(kinds)

static struct crypto_provider providers[CRYPTO_KERNELS_WISHES]; /* without a library: not available */

struct signing_key {
	BIGNUM *n, *d;
	size_t octets;
	struct crypto_key *keys[CRYPTO_KERNELS_WISHES];
};

static struct signing_key signing_keys[KINDS];
static BN_CTX *context;

/* --- making --- */

static BIGNUM *number_get(EVP_PKEY *pkey, const char *name)
{
	BIGNUM *number = NULL;

	assert_true(EVP_PKEY_get_bn_param(pkey, name, &number));
	return number;
}

static EVP_PKEY *pkey_make(size_t bits, uint32_t exponent)
{
	EVP_PKEY_CTX *keygen = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *e = BN_new();
	EVP_PKEY *pkey = NULL;

	assert_true(keygen && e && BN_set_word(e, exponent) && EVP_PKEY_keygen_init(keygen) == 1);
	assert_true(EVP_PKEY_CTX_set_rsa_keygen_bits(keygen, (int)bits) == 1);
	assert_true(EVP_PKEY_CTX_set_rsa_keygen_primes(keygen, bits < 2047 ? 2 : bits < 4096 ? 3 : 4) == 1);
	assert_true(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(keygen, e) == 1);
	assert_true(EVP_PKEY_generate(keygen, &pkey) == 1);
	EVP_PKEY_CTX_free(keygen);
	BN_free(e);
	return pkey;
}

static void signing_key_make(struct signing_key *key, size_t bits, uint32_t exponent)
{
	EVP_PKEY *pkey = pkey_make(bits, exponent);
	uint8_t modulus[CRYPTO_RSA_MODULUS_OCTETS_MAX], e[4];
	struct crypto_key_octets octets = { .kind = CRYPTO_KEY_RSA };
	size_t skip = 0;

	key->n = number_get(pkey, OSSL_PKEY_PARAM_RSA_N);
	key->d = number_get(pkey, OSSL_PKEY_PARAM_RSA_D);
	key->octets = (size_t)BN_num_bytes(key->n);
	assert_int_equal(BN_num_bits(key->n), bits);
	BN_bn2bin(key->n, modulus);
	for (size_t i = 0; i < 4; i++)
		e[i] = (uint8_t)(exponent >> (24 - 8 * i));
	while (e[skip] == 0)
		skip++;
	octets.modulus = slice_of(modulus, key->octets);
	octets.exponent = slice_of(e + skip, 4 - skip);
	for (int wish = 0; wish < CRYPTO_KERNELS_WISHES; wish++)
		if (providers[wish].library)
			assert_int_equal(crypto_key_new(&providers[wish], &octets, &key->keys[wish]), 0);
	EVP_PKEY_free(pkey);
}

static int start(void **state)
{
	(void)state;
	context = BN_CTX_new();
	for (int wish = 0; wish < CRYPTO_KERNELS_WISHES; wish++)
		if (crypto_kernels_are_available((enum crypto_kernels_wish)wish) &&
		    crypto_provider_init(&providers[wish], (enum crypto_kernels_wish)wish) != 0)
			return -1;
	for (size_t i = 0; i < KINDS; i++)
		signing_key_make(&signing_keys[i], kinds[i].bits, kinds[i].exponent);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		for (int wish = 0; wish < CRYPTO_KERNELS_WISHES; wish++)
			crypto_key_unref(signing_keys[i].keys[wish]);
		BN_free(signing_keys[i].n);
		BN_free(signing_keys[i].d);
	}
	for (int wish = 0; wish < CRYPTO_KERNELS_WISHES; wish++)
		crypto_provider_deinit(&providers[wish]);
	BN_CTX_free(context);
	return 0;
}

struct octets {
	uint8_t at[CRYPTO_RSA_MODULUS_OCTETS_MAX + 1];
	size_t len;
};

static struct octets octets_of(const BIGNUM *number, size_t len)
{
	struct octets out = { .len = len };

	assert_int_equal(BN_bn2binpad(number, out.at, (int)len), len);
	return out;
}

/* encoded ^ d: what OpenSSL would not sign. Of an encoded message that is not below the modulus: of its remainder. */
static struct octets sign(const struct signing_key *key, const struct octets *encoded)
{
	BIGNUM *m = BN_bin2bn(encoded->at, (int)encoded->len, NULL);
	struct octets out;

	assert_true(m && BN_mod(m, m, key->n, context) && BN_mod_exp_mont(m, m, key->d, key->n, context, NULL));
	out = octets_of(m, key->octets);
	BN_free(m);
	return out;
}

/* --- checking --- */

static const uint8_t digest_octets[32] = "0123456789abcdefghijklmnopqrstuv";

static void expect(const char *name, const struct signing_key *key, enum crypto_hash hash, const struct octets *signature,
                   bool valid)
{
	struct slice digest = slice_of(digest_octets, crypto_hash_octets(hash));

	for (int wish = 0; wish < CRYPTO_KERNELS_WISHES; wish++) {
		enum crypto_verdict verdict;

		if (!providers[wish].library)
			continue;
		verdict = crypto_key_verify(key->keys[wish], hash, digest, slice_of(signature->at, signature->len));
		if (verdict != (valid ? CRYPTO_VALID : CRYPTO_INVALID))
			fail_msg("%s, %d bits, kernels %d: verdict %d", name, BN_num_bits(key->n), wish, (int)verdict);
	}
}

static const struct slice sha256_info = SLICE_INIT("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20");
static const struct slice sha256_no_null = SLICE_INIT("\x30\x2f\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x04\x20");
static const struct slice sha256_long_form =
	SLICE_INIT("\x30\x81\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20");
static const struct slice sha384_info = SLICE_INIT("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x20");
static const struct slice sha1_info = SLICE_INIT("\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14");

struct form {
	const char *name;
	bool valid;
	const struct slice *info; /* NULL: none */
	size_t digest;     /* octets of it */
	uint8_t first, type, filling, separator;
	size_t filled;     /* 0: as many as fit */
	size_t behind;     /* octets of rubbish behind the digest */
};

#define PLAIN 0, 1, 0xff, 0

static const struct form forms[] = {
	{ "no_null", false, &sha256_no_null, 32, PLAIN, 0, 0 },
	{ "long_form_length", false, &sha256_long_form, 32, PLAIN, 0, 0 },
	{ "other_algorithm", false, &sha384_info, 32, PLAIN, 0, 0 },
	{ "info_of_sha1", false, &sha1_info, 20, PLAIN, 0, 0 },
	{ "digest_short", false, &sha256_info, 31, PLAIN, 0, 0 },
	{ "no_info", false, NULL, 32, PLAIN, 0, 0 },
	{ "no_digest", false, &sha256_info, 0, PLAIN, 0, 0 },
	{ "type_0", false, &sha256_info, 32, 0, 0, 0, 0, 0, 0 },
	{ "type_2", false, &sha256_info, 32, 0, 2, 0xff, 0, 0, 0 },
	{ "first_not_zero", false, &sha256_info, 32, 1, 1, 0xff, 0, 0, 0 },
	{ "filled_with_fe", false, &sha256_info, 32, 0, 1, 0xfe, 0, 0, 0 },
	{ "separator_1", false, &sha256_info, 32, 0, 1, 0xff, 1, 0, 0 },
	{ "separator_ff", false, &sha256_info, 32, 0, 1, 0xff, 0xff, 0, 0 },
	{ "filled_8_then_rubbish", false, &sha256_info, 32, PLAIN, 8, 1 }, /* RFC 8017 section 8.2.2's warning: e = 3 forgeries */
	{ "filled_7", false, &sha256_info, 32, PLAIN, 7, 1 },
	{ "rubbish_behind", false, &sha256_info, 32, PLAIN, 0, 1 },
	{ "right", true, &sha256_info, 32, PLAIN, 0, 0 },
};

static struct octets form_make(const struct form *form, size_t len)
{
	struct octets out = { .len = len };
	struct slice info = form->info ? *form->info : slice_of(NULL, 0);
	uint8_t *at = out.at;
	size_t room = len - 3 - info.len - form->digest, filled = form->filled ? form->filled : room - form->behind;

	memset(out.at, 0x5a, len);
	*at++ = form->first;
	*at++ = form->type;
	memset(at, form->filling, filled);
	at += filled;
	*at++ = form->separator;
	if (info.len)
		memcpy(at, info.ptr, info.len);
	memcpy(at + info.len, digest_octets, form->digest);
	return out;
}

static void padding_faults(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		const struct signing_key *key = &signing_keys[k];

		for (size_t i = 0; i < COUNT_OF(forms); i++) {
			struct octets encoded = form_make(&forms[i], key->octets), signature = sign(key, &encoded);

			expect(forms[i].name, key, CRYPTO_SHA256, &signature, forms[i].valid);
		}
	}
}

static void sha1(void **state)
{
	static const struct form right = { "sha1", true, &sha1_info, 20, PLAIN, 0, 0 };

	(void)state;
	if (!providers[CRYPTO_KERNELS_OPENSSL].features.rsa_sha1)
		skip();
	for (size_t k = 0; k < KINDS; k++) {
		const struct signing_key *key = &signing_keys[k];
		struct octets encoded = form_make(&right, key->octets), signature = sign(key, &encoded);

		expect("sha1", key, CRYPTO_SHA1, &signature, true);
		expect("sha1_as_sha256", key, CRYPTO_SHA256, &signature, false);
	}
}

/* Every octet of the encoded message, some bit of it; of large ones every 37th. */
static void every_octet(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		const struct signing_key *key = &signing_keys[k];
		const struct form *right = &forms[COUNT_OF(forms) - 1];

		for (size_t i = 0; i < key->octets; i += key->octets > 150 ? 37 : 1) {
			struct octets encoded = form_make(right, key->octets), signature;

			encoded.at[i] ^= (uint8_t)(1u << i % 8);
			signature = sign(key, &encoded);
			expect("changed octet", key, CRYPTO_SHA256, &signature, false);
		}
	}
}

static void representatives(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		const struct signing_key *key = &signing_keys[k];
		struct octets encoded = form_make(&forms[COUNT_OF(forms) - 1], key->octets), right = sign(key, &encoded), s;
		BIGNUM *sum = BN_bin2bn(right.at, (int)right.len, NULL);

		assert_true(sum && BN_add(sum, sum, key->n));
		s = right;
		s.len--;
		expect("without its last octet", key, CRYPTO_SHA256, &s, false);
		s.len += 2;
		expect("one octet more", key, CRYPTO_SHA256, &s, false);
		memmove(s.at + 1, s.at, right.len);
		s.at[0] = 0;
		expect("a zero in front", key, CRYPTO_SHA256, &s, false);
		s.len = 0;
		expect("nothing", key, CRYPTO_SHA256, &s, false);
		if ((size_t)BN_num_bytes(sum) <= key->octets) {
			s = octets_of(sum, key->octets);
			expect("the same modulo n", key, CRYPTO_SHA256, &s, false);
		}
		s = octets_of(key->n, key->octets);
		expect("n", key, CRYPTO_SHA256, &s, false);
		s.at[key->octets - 1]--; /* n is odd */
		expect("n - 1", key, CRYPTO_SHA256, &s, false);
		memset(s.at, 0xff, key->octets);
		expect("all ones", key, CRYPTO_SHA256, &s, false);
		memset(s.at, 0, key->octets);
		expect("0", key, CRYPTO_SHA256, &s, false);
		s.at[key->octets - 1] = 1;
		expect("1", key, CRYPTO_SHA256, &s, false);
		BN_free(sum);
	}
}

/* --- batches --- */

#define JOBS_MAX 40

struct checks {
	struct crypto_batch batch;
	struct crypto_verify_job jobs[JOBS_MAX];
	struct octets signatures[JOBS_MAX];
	bool valid[JOBS_MAX];
	size_t count, called;
};

static void on_done(struct crypto_job *job)
{
	((struct checks *)job->owner)->called++;
}

/* The message "abc" under the key of that kind. */
static void check_add(struct checks *checks, enum crypto_kernels_wish wish, size_t kind, bool valid)
{
	static const struct slice abc = SLICE_INIT("abc");
	const struct signing_key *key = &signing_keys[kind];
	struct octets encoded = form_make(&forms[COUNT_OF(forms) - 1], key->octets), *signature;
	size_t i = checks->count++;

	assert_true(EVP_Digest("abc", 3, encoded.at + key->octets - 32, NULL, EVP_sha256(), NULL));
	encoded.at[key->octets - 1] ^= (uint8_t)!valid;
	signature = &checks->signatures[i];
	*signature = sign(key, &encoded);
	checks->valid[i] = valid;
	checks->jobs[i] = (struct crypto_verify_job){
		.job = { .done = on_done, .owner = checks },
		.key = key->keys[wish],
		.hash = CRYPTO_SHA256,
		.parts = &abc,
		.parts_count = 1,
		.signature = slice_of(signature->at, signature->len),
	};
	crypto_batch_add_verify(&checks->batch, &checks->jobs[i]);
}

static struct checks *checks_new(enum crypto_kernels_wish wish)
{
	struct checks *checks = calloc(1, sizeof(*checks));

	assert_non_null(checks);
	assert_int_equal(crypto_batch_init(&checks->batch, &providers[wish]), 0);
	return checks;
}

static void checks_free(struct checks *checks)
{
	crypto_batch_deinit(&checks->batch);
	free(checks);
}

static void checks_expect(const struct checks *checks)
{
	for (size_t i = 0; i < checks->count; i++)
		assert_int_equal(checks->jobs[i].verdict, checks->valid[i] ? CRYPTO_VALID : CRYPTO_INVALID);
}

/* `count` signatures of keys that share their lanes, from the `first` kind on; those in `wrong` are not right. */
static void lanes_try(enum crypto_kernels_wish wish, size_t count, size_t first, unsigned wrong)
{
	struct checks *checks = checks_new(wish);

	for (size_t i = 0; i < count; i++)
		check_add(checks, wish, (first + i) % 8, !(wrong >> i & 1));
	assert_int_equal(crypto_batch_run(&checks->batch), count);
	checks_expect(checks);
	assert_int_equal(checks->called, count);
	checks_free(checks);
}

static void every_count_and_order(void **state)
{
	(void)state;
	for (int wish = 0; wish < CRYPTO_KERNELS_WISHES; wish++)
		for (size_t count = 1; providers[wish].library && count <= 8; count++)
			for (size_t first = 0; first < 8; first++)
				lanes_try((enum crypto_kernels_wish)wish, count, first,
				          first == 0 ? 0u : first == 1 ? 0xffu : 0x2du << first % 3);
}

/* Sizes mixed: each has its lanes; what is counted is what was done. */
static void mixed_sizes(void **state)
{
	(void)state;
	for (int wish = 0; wish < CRYPTO_KERNELS_WISHES; wish++) {
		const struct crypto_work_counters *counters;
		struct checks *checks;

		if (!providers[wish].library)
			continue;
		checks = checks_new((enum crypto_kernels_wish)wish);
		for (size_t i = 0; i < JOBS_MAX; i++)
			check_add(checks, (enum crypto_kernels_wish)wish, i % KINDS, i % 5 != 3);
		assert_int_equal(crypto_batch_run(&checks->batch), JOBS_MAX);
		checks_expect(checks);
		counters = &checks->batch.counters[CRYPTO_WORK_RSA];
		assert_int_equal(counters->jobs, JOBS_MAX);
		assert_int_equal(counters->by_path[CRYPTO_PATH_LANES] + counters->by_path[CRYPTO_PATH_FEW] +
		                 counters->by_path[CRYPTO_PATH_SCALAR] + counters->by_path[CRYPTO_PATH_OPENSSL], JOBS_MAX);
		if (wish == CRYPTO_KERNELS_IFMA)
			assert_int_equal(counters->by_path[CRYPTO_PATH_LANES], JOBS_MAX);
		if (wish == CRYPTO_KERNELS_SCALAR)
			assert_int_equal(counters->by_path[CRYPTO_PATH_SCALAR], JOBS_MAX);
		if (wish == CRYPTO_KERNELS_OPENSSL)
			assert_int_equal(counters->by_path[CRYPTO_PATH_OPENSSL], JOBS_MAX);
		assert_int_equal(counters->lanes_filled, counters->by_path[CRYPTO_PATH_LANES]);
		assert_int_equal(counters->lanes_offered % CRYPTO_RSA_LANES, 0);
		assert_true(counters->lanes_offered >= counters->lanes_filled);
		checks_free(checks);
	}
}

/* Where more is to come, lanes wait to be filled, but not for ever; and may be taken back meanwhile. */
static void held_for_more(void **state)
{
	struct checks *checks;

	(void)state;
	if (!providers[CRYPTO_KERNELS_IFMA].library)
		skip();
	checks = checks_new(CRYPTO_KERNELS_IFMA);
	for (size_t i = 0; i < 11; i++)
		check_add(checks, CRYPTO_KERNELS_IFMA, i % 8, i != 9);
	assert_int_equal(crypto_batch_run_some(&checks->batch), 8);
	assert_int_equal(checks->called, 8);
	assert_true(crypto_batch_is_left(&checks->batch));
	crypto_batch_remove(&checks->batch, &checks->jobs[8].job);
	for (size_t i = 0; i < 6; i++)
		check_add(checks, CRYPTO_KERNELS_IFMA, i % 8, true);
	assert_int_equal(crypto_batch_run_some(&checks->batch), 8);
	assert_int_equal(checks->jobs[9].verdict, CRYPTO_INVALID);
	assert_int_equal(checks->batch.counters[CRYPTO_WORK_RSA].lanes_offered, 16);
	check_add(checks, CRYPTO_KERNELS_IFMA, 12, true);
	for (unsigned i = 0; i < CRYPTO_HELD_RUNS_MAX; i++)
		assert_int_equal(crypto_batch_run_some(&checks->batch), 0);
	assert_int_equal(crypto_batch_run_some(&checks->batch), 1);
	check_add(checks, CRYPTO_KERNELS_IFMA, 12, false);
	assert_int_equal(crypto_batch_run_some(&checks->batch), 0);
	assert_int_equal(crypto_batch_run(&checks->batch), 1);
	assert_int_equal(checks->jobs[18].verdict, CRYPTO_INVALID);
	/* Each message hashed once, however long it waited. */
	assert_int_equal(checks->batch.counters[CRYPTO_WORK_RSA].octets, 3 * checks->count);
	checks_free(checks);
}

/* Fewer signatures than that are OpenSSL's, whose part of the key is made only then. */
static void few_are_openssls(void **state)
{
	struct crypto_provider *provider = &providers[CRYPTO_KERNELS_IFMA];
	struct checks *checks;

	(void)state;
	if (!provider->library)
		skip();
	provider->kernels.rsa_lanes_min = 3;
	checks = checks_new(CRYPTO_KERNELS_IFMA);
	assert_null(signing_keys[0].keys[CRYPTO_KERNELS_IFMA]->pkey);
	check_add(checks, CRYPTO_KERNELS_IFMA, 0, true);
	check_add(checks, CRYPTO_KERNELS_IFMA, 1, false);
	assert_int_equal(crypto_batch_run(&checks->batch), 2);
	assert_int_equal(checks->batch.counters[CRYPTO_WORK_RSA].by_path[CRYPTO_PATH_OPENSSL], 2);
	assert_non_null(signing_keys[0].keys[CRYPTO_KERNELS_IFMA]->pkey);
	for (size_t i = 2; i < 5; i++)
		check_add(checks, CRYPTO_KERNELS_IFMA, i, i != 3);
	assert_int_equal(crypto_batch_run(&checks->batch), 3);
	assert_int_equal(checks->batch.counters[CRYPTO_WORK_RSA].by_path[CRYPTO_PATH_LANES], 3);
	assert_null(signing_keys[2].keys[CRYPTO_KERNELS_IFMA]->pkey);
	checks_expect(checks);
	checks_free(checks);
	provider->kernels.rsa_lanes_min = 1;
}

/*
 * Where that is built, they go side by side: of one exponent or of several, every number of them, each in turn a wrong one; and
 * nothing of OpenSSL's is made for their keys. Keys 11 and 12 have 2048 bits, the others 1024.
 */
static void few_go_side_by_side(void **state)
{
	struct crypto_provider *provider = &providers[CRYPTO_KERNELS_AUTO];
	unsigned lanes_min = provider->kernels.rsa_lanes_min;
	static const uint8_t of_one_exponent[] = { 0, 6, 0, 6, 6, 0, 0 }, of_several[] = { 0, 2, 6, 5, 1, 3, 0 };
	static const uint8_t of_2048_bits[] = { 12, 12, 12, 11, 12, 11, 11 };
	const uint8_t *const orders[] = { of_one_exponent, of_several, of_2048_bits };

	(void)state;
	if (!provider->kernels.rsa_few)
		skip();
	provider->kernels.rsa_lanes_min = CRYPTO_RSA_LANES + 1;
	for (size_t count = 1; count <= COUNT_OF(of_several); count++) {
		for (size_t wrong = 0; wrong <= count; wrong++) {
			for (size_t order = 0; order < COUNT_OF(orders); order++) {
				struct checks *checks = checks_new(CRYPTO_KERNELS_AUTO);

				for (size_t i = 0; i < count; i++)
					check_add(checks, CRYPTO_KERNELS_AUTO, orders[order][i], i != wrong);
				assert_int_equal(crypto_batch_run(&checks->batch), count);
				checks_expect(checks);
				assert_int_equal(checks->batch.counters[CRYPTO_WORK_RSA].by_path[CRYPTO_PATH_FEW], count);
				assert_int_equal(checks->batch.counters[CRYPTO_WORK_RSA].lanes_offered, 0);
				checks_free(checks);
			}
		}
	}
	for (size_t i = 0; i < COUNT_OF(of_several); i++) {
		assert_null(signing_keys[of_several[i]].keys[CRYPTO_KERNELS_AUTO]->pkey);
		assert_null(signing_keys[of_2048_bits[i]].keys[CRYPTO_KERNELS_AUTO]->pkey);
	}
	provider->kernels.rsa_lanes_min = lanes_min;
}

/* The longest exponent is what all lanes take: without being asked to, no lanes for those that nobody uses. */
static void large_exponents_are_openssls(void **state)
{
	enum crypto_kernels_wish wish = CRYPTO_KERNELS_AUTO;
	struct checks *checks;
	size_t large = 0;

	(void)state;
	if (providers[wish].kernels.rsa != CRYPTO_RSA_BY_LANES)
		skip();
	checks = checks_new(wish);
	for (size_t i = 0; i < 16; i++) {
		check_add(checks, wish, i % 8, i % 5 != 3);
		large += kinds[i % 8].exponent > 65537;
	}
	assert_int_equal(large, 2);
	assert_int_equal(crypto_batch_run(&checks->batch), 16);
	checks_expect(checks);
	/* Of the fourteen others eight fill lanes; the six behind them do if that pays here, or go a few side by side. */
	assert_int_equal(checks->batch.counters[CRYPTO_WORK_RSA].by_path[CRYPTO_PATH_OPENSSL],
	                 large + (providers[wish].kernels.rsa_lanes_min > 6 && !providers[wish].kernels.rsa_few ? 6 : 0));
	assert_null(signing_keys[4].keys[wish]->rsa_key);
	checks_free(checks);
}

/*
 * As a shard at saturation: more comes in each round than a run finishes, of sizes as keys have them. Signatures that would
 * leave lanes empty wait for others, so the lanes are full but for those that waited their longest.
 */
static void lanes_are_full_at_saturation(void **state)
{
	/* Sixteen that come together: 2048 bits mostly (kinds 12 and 11), 1024 (0 and 5), and now and then a rare size. */
	static const uint8_t arrivals[] = { 12, 12, 0, 12, 11, 12, 5, 12, 12, 0, 12, 12, 11, 12, 0, 12 };
	const struct crypto_work_counters *counters;
	struct checks *checks;
	size_t jobs = 0, more = 0;
	double mean;

	(void)state;
	if (!providers[CRYPTO_KERNELS_IFMA].library)
		skip();
	checks = checks_new(CRYPTO_KERNELS_IFMA);
	for (size_t round = 0; round < 60; round++) {
		size_t kept = 0;

		/* What is held goes on where it is: only free places of the table are filled. */
		for (size_t i = 0; i < COUNT_OF(arrivals); i++) {
			while (kept < JOBS_MAX && checks->jobs[kept].job.next)
				kept++;
			assert_true(kept < JOBS_MAX);
			checks->count = kept++;
			check_add(checks, CRYPTO_KERNELS_IFMA, i == 7 && round % 20 == 7 ? 13 : arrivals[i], true);
			jobs++;
		}
		more += crypto_batch_run_some(&checks->batch);
	}
	more += crypto_batch_run(&checks->batch);
	assert_int_equal(more, jobs);
	counters = &checks->batch.counters[CRYPTO_WORK_RSA];
	assert_int_equal(counters->lanes_filled, jobs);
	mean = (double)counters->lanes_filled * CRYPTO_RSA_LANES / (double)counters->lanes_offered;
	print_message("lanes filled of 8: %.2f\n", mean);
	assert_true(mean > 7);
	checks_free(checks);
}

static void wishes(void **state)
{
	static const char *const words[] = { "auto", "openssl", "scalar", "ifma" };
	enum crypto_kernels_wish wish;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		assert_true(crypto_kernels_read(words[i], &wish));
		assert_int_equal(wish, i);
	}
	assert_false(crypto_kernels_read("avx2", &wish));
	assert_false(crypto_kernels_read("", &wish));
	assert_true(crypto_kernels_are_available(CRYPTO_KERNELS_AUTO));
	assert_true(crypto_kernels_are_available(CRYPTO_KERNELS_OPENSSL));
	for (int i = 0; i < CRYPTO_KERNELS_WISHES; i++) {
		const struct crypto_kernels *kernels = &providers[i].kernels;
		char text[CRYPTO_KERNELS_TEXT_SIZE];

		if (!providers[i].library)
			continue;
		crypto_kernels_describe(kernels, text);
		assert_false(kernels->rsa_refused || kernels->rsa_few_refused);
		assert_true(slice_starts_with(slice_of_str(text), kernels->rsa == CRYPTO_RSA_BY_OPENSSL ? SLICE("RSA: OpenSSL;")
		                                                  : kernels->rsa == CRYPTO_RSA_BY_SCALAR
		                                                          ? SLICE("RSA: scalar;")
		                                                  : kernels->rsa_lanes_min > CRYPTO_RSA_LANES
		                                                          ? SLICE("RSA: up to 3 side by side ")
		                                                          : SLICE("RSA: 8 lanes ")));
		assert_int_equal(kernels->rsa_few, strstr(text, " side by side") != NULL);
		assert_true(slice_ends_with_nocase(slice_of_str(text), kernels->ed25519_lanes ? SLICE("; Ed25519: 8 lanes")
		                                                                              : SLICE("; Ed25519: OpenSSL")));
		assert_true(i != CRYPTO_KERNELS_IFMA || kernels->rsa == CRYPTO_RSA_BY_LANES);
		assert_true(i != CRYPTO_KERNELS_SCALAR || kernels->rsa == CRYPTO_RSA_BY_SCALAR);
		assert_true(i != CRYPTO_KERNELS_OPENSSL || kernels->rsa == CRYPTO_RSA_BY_OPENSSL);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(wishes),          cmocka_unit_test(padding_faults), cmocka_unit_test(sha1),
		cmocka_unit_test(every_octet),     cmocka_unit_test(representatives), cmocka_unit_test(few_are_openssls),
		cmocka_unit_test(few_go_side_by_side),
		cmocka_unit_test(every_count_and_order), cmocka_unit_test(mixed_sizes), cmocka_unit_test(held_for_more),
		cmocka_unit_test(large_exponents_are_openssls), cmocka_unit_test(lanes_are_full_at_saturation),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
