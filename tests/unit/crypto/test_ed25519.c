/*
 * Goal:   the kernel takes and refuses exactly the signatures that OpenSSL does, whatever key, R, s and message are, in
 *         every lane and beside any neighbours.
 * Method: the decision table of crypto/ed25519.h, row by row, with what it says held against OpenSSL first; the vectors
 *         of RFC 8032; every number of jobs and every place of a wrong one among them; then cases at random, most of
 *         them damaged, each decided by OpenSSL too. ASSAY_ED25519_CASES=2000000 tries so many (some ten minutes), from
 *         ASSAY_ED25519_SEED on.
 */
#include "crypto/ed25519_private.h"

#include "ed25519_examples.h"
#include "ed25519_oracle.h"
#include "unit.h"

#include <openssl/evp.h>
#include <stdlib.h>

#define CASES_DEFAULT 3000
#define BATCH_MAX     24
#define SIGNERS       24

static struct crypto_ed25519 *ed25519;
static struct examples examples;

static uint64_t random_state = 1;

static uint64_t random_word(void)
{
	uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static void random_octets(uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)random_word();
}

static struct crypto_ed25519_key *key_new(const uint8_t point[32])
{
	struct crypto_ed25519_key *key;

	assert_int_equal(crypto_ed25519_key_new(point, &key), 0);
	return key;
}

static struct crypto_ed25519_job job_of(const struct example *example, struct crypto_ed25519_key *key)
{
	return (struct crypto_ed25519_job){ key, slice_of(example->signature, 64),
		                            slice_of(example->message, sizeof(example->message)), !example->valid };
}

/* Without the instructions there are no constants, and so nothing that could call the kernel. */
static void test_new(void **state)
{
	struct crypto_cpu none = { .avx512 = true };
	struct crypto_ed25519 *other;

	(void)state;
	assert_int_equal(crypto_ed25519_new(&none, &other), CRYPTO_ED25519_UNSUPPORTED);
	crypto_ed25519_free(NULL);
	crypto_ed25519_key_free(NULL);
	crypto_ed25519_verify(ed25519, NULL, 0);
	assert_true(crypto_ed25519_key_bytes() > 0 && crypto_ed25519_bytes() > 0);
}

static void test_table_is_openssls(void **state)
{
	size_t valid = 0;

	(void)state;
	for (size_t i = 0; i < examples.count; i++) {
		const struct example *example = &examples.of[i];

		if (openssl_takes(example->key, example->signature, 64, example->message, sizeof(example->message)) !=
		    example->valid)
			fail_msg("%s: OpenSSL differs from the table", example->name);
		valid += example->valid;
	}
	/* 22 encodings of keys with as many of R; each sort has to be there for the table to be tried. */
	assert_true(examples.count > 1500 && valid > 100);
}

/* All at once, then each alone. */
static void test_table(void **state)
{
	struct crypto_ed25519_job *jobs = calloc(examples.count, sizeof(*jobs));

	(void)state;
	assert_non_null(jobs);
	for (size_t i = 0; i < examples.count; i++)
		jobs[i] = job_of(&examples.of[i], key_new(examples.of[i].key));
	for (int round = 0; round < 2; round++) { /* keys are new, then ready */
		crypto_ed25519_verify(ed25519, jobs, examples.count);
		for (size_t i = 0; i < examples.count; i++)
			if (jobs[i].valid != examples.of[i].valid)
				fail_msg("%s: got %d", examples.of[i].name, jobs[i].valid);
	}
	for (size_t i = 0; i < examples.count; i++) {
		jobs[i].valid = !examples.of[i].valid;
		crypto_ed25519_verify(ed25519, &jobs[i], 1);
		if (jobs[i].valid != examples.of[i].valid)
			fail_msg("%s, alone: got %d", examples.of[i].name, jobs[i].valid);
		crypto_ed25519_key_free(jobs[i].key);
	}
	free(jobs);
}

static const struct example *find(bool valid, const char *part)
{
	for (size_t i = 0; i < examples.count; i++)
		if (examples.of[i].valid == valid && strstr(examples.of[i].name, part))
			return &examples.of[i];
	fail_msg("no example with %s", part);
	return NULL;
}

/* Rows of the table by name: that the examples have them. */
static void test_rows_are_there(void **state)
{
	static const struct {
		bool valid;
		const char *part;
	} rows[] = {
		{ true, "A 0 canonical, R 0 canonical, cancels" },
		{ true, "A 0 y + p, R 0 canonical, cancels" },
		{ true, "A 0 sign of 0, R 0 canonical, cancels" },
		{ true, "A 0 y + p and sign of 0, R r+0 canonical, cancels" },
		{ true, "A 4 sign of 0, R 4 canonical, cancels" },
		{ true, "A 2 y + p, R 2 canonical, cancels" },
		{ true, "A 1 canonical, R 3 canonical, cancels" },
		{ true, "A a+0 canonical, R r+0 canonical, cancels" },
		{ true, "A a+1 canonical, R r+5 canonical, cancels" },
		{ false, "A a+1 canonical, R r+5 canonical, does not" },
		{ false, "A a+0 canonical, R r+4 canonical, does not" },
		{ false, "A 0 canonical, R 0 y + p, cancels" },
		{ false, "A 0 canonical, R 0 sign of 0, cancels" },
		{ false, "A 0 canonical, R 0 y + p and sign of 0, cancels" },
		{ false, "A 4 canonical, R 4 sign of 0, cancels" },
		{ false, "A a+0 canonical, R r+0 canonical, cancels, s + 1 L" },
		{ false, "A a+0 canonical, R r+0 canonical, cancels, s + 15 L" },
		{ false, "A a+0 canonical, R r+0 canonical, cancels, s + 2^255" },
		{ false, "A 0 canonical, R 0 canonical, cancels, s + 1 L" }, /* s = L where 0 is valid */
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		(void)find(rows[i].valid, rows[i].part);
}

/* s of 0, 1, L - 1, L, L + 1 and all ones, where [s]B is compared with an R that is right but for s being L or more. */
static void test_s_at_its_ends(void **state)
{
	struct oracle_point base = oracle_base();
	BIGNUM *s = BN_new(), *ones = BN_new();
	uint8_t neutral_key[32] = { 1 };

	(void)state;
	assert_int_equal(BN_set_bit(ones, 256), 1);
	BN_sub_word(ones, 1);
	for (int i = 0; i < 6; i++) {
		struct crypto_ed25519_key *key = key_new(neutral_key);
		struct example example = { .valid = i < 3 };
		struct crypto_ed25519_job job;
		struct oracle_point r;

		BN_copy(s, i == 5 ? ones : oracle.order);
		if (i < 2)
			BN_set_word(s, (BN_ULONG)i);
		else if (i == 2)
			BN_sub_word(s, 1);
		else if (i == 4)
			BN_add_word(s, 1);
		r = oracle_mul(s, &base);
		oracle_encode(&r, example.signature);
		oracle_point_free(&r);
		assert_int_equal(BN_bn2lebinpad(s, example.signature + 32, 32), 32);
		assert_int_equal(openssl_takes(neutral_key, example.signature, 64, example.message, 32), example.valid);
		job = job_of(&example, key);
		crypto_ed25519_verify(ed25519, &job, 1);
		assert_int_equal(job.valid, example.valid);
		crypto_ed25519_key_free(key);
	}
	BN_free(s);
	BN_free(ones);
	oracle_point_free(&base);
}

static void test_signature_lengths(void **state)
{
	const struct example *good = find(true, "A a+0 canonical, R r+0");
	struct crypto_ed25519_key *key = key_new(good->key);
	uint8_t octets[65] = { 0 };

	(void)state;
	memcpy(octets, good->signature, 64);
	for (size_t len = 0; len <= 65; len++) {
		struct crypto_ed25519_job jobs[2] = { job_of(good, key), job_of(good, key) };

		jobs[0].signature = len ? slice_of(octets, len) : SLICE_EMPTY;
		crypto_ed25519_verify(ed25519, jobs, 2);
		assert_int_equal(jobs[0].valid, len == 64);
		assert_true(jobs[1].valid);
	}
	crypto_ed25519_key_free(key);
}

/* Whatever is in its table: with a key that was refused nothing is valid, not even what would be. */
static void test_refused_key(void **state)
{
	const struct example *good = find(true, "A a+0 canonical, R r+0");
	struct crypto_ed25519_key *key = key_new(good->key);
	struct crypto_ed25519_job job = job_of(good, key);

	(void)state;
	crypto_ed25519_verify(ed25519, &job, 1);
	assert_true(job.valid);
	key->state = ED25519_KEY_REFUSED;
	crypto_ed25519_verify(ed25519, &job, 1);
	assert_false(job.valid);
	crypto_ed25519_key_free(key);
}

static size_t hex_read(const char *text, uint8_t *out)
{
	size_t len = strlen(text) / 2;

	for (size_t i = 0; i < len; i++) {
		unsigned octet;

		assert_int_equal(sscanf(text + 2 * i, "%2x", &octet), 1);
		out[i] = (uint8_t)octet;
	}
	return len;
}

/* RFC 8032 section 7.1: tests 1, 2, 3 and SHA(abc). */
static void test_rfc8032(void **state)
{
	static const struct {
		const char *key, *message, *signature;
	} vectors[] = {
		{ "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
		  "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0"
		  "595bbe24655141438e7a100b" },
		{ "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
		  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eae"
		  "b4302aeeb00d291612bb0c00" },
		{ "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
		  "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9"
		  "716ed28dc027beceea1ec40a" },
		{ "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
		  "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423"
		  "643ce80e2a9ac94fa54ca49f",
		  "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c"
		  "138ac17ad9bef1177331a704" },
	};
	uint8_t keys[COUNT_OF(vectors)][32], signatures[COUNT_OF(vectors)][64], messages[COUNT_OF(vectors)][64];
	struct crypto_ed25519_job jobs[COUNT_OF(vectors)];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		assert_int_equal(hex_read(vectors[i].key, keys[i]), 32);
		assert_int_equal(hex_read(vectors[i].signature, signatures[i]), 64);
		jobs[i] = (struct crypto_ed25519_job){ key_new(keys[i]), slice_of(signatures[i], 64),
			                               slice_of(messages[i], hex_read(vectors[i].message, messages[i])), false };
	}
	crypto_ed25519_verify(ed25519, jobs, COUNT_OF(jobs));
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		assert_true(jobs[i].valid);
		messages[i][0] ^= 1;
	}
	crypto_ed25519_verify(ed25519, jobs, COUNT_OF(jobs));
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		assert_int_equal(jobs[i].valid, jobs[i].message.len == 0);
		crypto_ed25519_key_free(jobs[i].key);
	}
}

/* Ordinary keys of OpenSSL's making. */
static EVP_PKEY *signers[SIGNERS];
static uint8_t signer_points[SIGNERS][32];

static void signers_make(void)
{
	for (size_t i = 0; i < SIGNERS; i++) {
		uint8_t seed[32];
		size_t len = 32;

		random_octets(seed, sizeof(seed));
		signers[i] = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
		assert_non_null(signers[i]);
		assert_int_equal(EVP_PKEY_get_raw_public_key(signers[i], signer_points[i], &len), 1);
	}
}

static void sign(size_t signer, const uint8_t *message, size_t len, uint8_t signature[64])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t signature_len = 64;

	assert_non_null(context);
	assert_int_equal(EVP_DigestSignInit(context, NULL, NULL, NULL, signers[signer]), 1);
	assert_int_equal(EVP_DigestSign(context, signature, &signature_len, message, len), 1);
	EVP_MD_CTX_free(context);
}

/* `count` jobs of which those in the mask are wrong; keys are mixed and some of them shared. */
static void check_lanes(size_t count, uint32_t wrong, struct crypto_ed25519_key *const keys[SIGNERS],
                        const struct example *signed_by)
{
	struct crypto_ed25519_job jobs[BATCH_MAX];

	for (size_t i = 0; i < count; i++) {
		size_t signer = random_word() % SIGNERS;

		jobs[i] = job_of(&signed_by[signer], keys[signer]);
		if (wrong >> i & 1)
			jobs[i].key = keys[(signer + 1) % SIGNERS];
	}
	crypto_ed25519_verify(ed25519, jobs, count);
	for (size_t i = 0; i < count; i++)
		if (jobs[i].valid != !(wrong >> i & 1))
			fail_msg("job %zu of %zu, wrong ones %#x", i, count, wrong);
}

static void test_lanes(void **state)
{
	struct crypto_ed25519_key *keys[SIGNERS];
	struct example signed_by[SIGNERS] = { 0 };

	(void)state;
	for (size_t i = 0; i < SIGNERS; i++) {
		keys[i] = key_new(signer_points[i]);
		random_octets(signed_by[i].message, 32);
		sign(i, signed_by[i].message, 32, signed_by[i].signature);
	}
	for (size_t count = 1; count <= BATCH_MAX; count++) {
		check_lanes(count, 0, keys, signed_by);
		check_lanes(count, (1u << count) - 1, keys, signed_by);
		for (size_t i = 0; i < count; i++)
			check_lanes(count, 1u << i, keys, signed_by);
	}
	for (uint32_t wrong = 0; wrong < 256; wrong++)
		check_lanes(8, wrong, keys, signed_by);
	for (size_t i = 0; i < SIGNERS; i++)
		crypto_ed25519_key_free(keys[i]);
}

/* More than share one inversion, with every key new and in several jobs. */
static void test_many(void **state)
{
	enum { JOBS = 150 };
	static struct crypto_ed25519_job jobs[JOBS];
	static struct example signed_by[JOBS];
	struct crypto_ed25519_key *keys[SIGNERS];

	(void)state;
	for (size_t i = 0; i < SIGNERS; i++)
		keys[i] = key_new(signer_points[i]);
	for (size_t i = 0; i < JOBS; i++) {
		random_octets(signed_by[i].message, 32);
		sign(i % SIGNERS, signed_by[i].message, 32, signed_by[i].signature);
		jobs[i] = job_of(&signed_by[i], keys[i % SIGNERS]);
	}
	signed_by[77].signature[3] ^= 4;
	crypto_ed25519_verify(ed25519, jobs, JOBS);
	for (size_t i = 0; i < JOBS; i++)
		assert_int_equal(jobs[i].valid, i != 77);
	for (size_t i = 0; i < SIGNERS; i++)
		crypto_ed25519_key_free(keys[i]);
}

/* A case at random: who signed what, and what became of it. */
struct random_case {
	uint8_t key[32], signature[64], message[160];
	size_t message_len;
	struct crypto_ed25519_key *shared; /* NULL: a key of its own is made */
};

enum damage { NONE, FLIP_R, FLIP_S, FLIP_KEY, FLIP_MESSAGE, OTHER_KEY, OTHER_R, RANDOM_S, EXAMPLE, EXAMPLE_FLIPPED,
	      NOT_CANONICAL, RANDOM_ALL, DAMAGES };

static void flip(uint8_t *octets, size_t len)
{
	size_t bit = random_word() % (8 * len);

	octets[bit / 8] = (uint8_t)(octets[bit / 8] ^ 1u << bit % 8);
}

static void example_take(struct random_case *made)
{
	const struct example *example = &examples.of[random_word() % examples.count];

	memcpy(made->key, example->key, 32);
	memcpy(made->signature, example->signature, 64);
	memcpy(made->message, example->message, 32);
	made->message_len = 32;
	made->shared = NULL;
}

/* y of p - 2 to 2^255 - 1 in place of the key or of R. */
static void not_canonical(uint8_t octets[32])
{
	memset(octets, 0xff, 32);
	octets[0] = (uint8_t)(0xeb + random_word() % 21);
	octets[31] = random_word() & 1 ? 0xff : 0x7f;
}

static void damage(struct random_case *made, enum damage kind)
{
	switch (kind) {
	case FLIP_R: flip(made->signature, 32); break;
	case FLIP_S: flip(made->signature + 32, 32); break;
	case FLIP_KEY: flip(made->key, 32); break;
	case FLIP_MESSAGE:
		if (made->message_len)
			flip(made->message, made->message_len);
		break;
	case OTHER_KEY: memcpy(made->key, signer_points[random_word() % SIGNERS], 32); break;
	case OTHER_R: memcpy(made->signature, signer_points[random_word() % SIGNERS], 32); break;
	case RANDOM_S: random_octets(made->signature + 32, 31); break;
	case EXAMPLE: example_take(made); break;
	case EXAMPLE_FLIPPED:
		example_take(made);
		flip(made->signature, 64);
		break;
	case NOT_CANONICAL: not_canonical(random_word() & 1 ? made->key : made->signature); break;
	case RANDOM_ALL:
		random_octets(made->key, 32);
		random_octets(made->signature, 64);
		break;
	case NONE:
	case DAMAGES: break;
	}
	if (kind == FLIP_KEY || kind == OTHER_KEY || kind == NOT_CANONICAL || kind == RANDOM_ALL)
		made->shared = NULL;
}

static void random_case_make(struct random_case *made, struct crypto_ed25519_key *const keys[SIGNERS])
{
	size_t signer = random_word() % SIGNERS;

	made->message_len = random_word() & 3 ? 32 : random_word() % (sizeof(made->message) + 1);
	random_octets(made->message, made->message_len);
	sign(signer, made->message, made->message_len, made->signature);
	memcpy(made->key, signer_points[signer], 32);
	made->shared = random_word() & 7 ? keys[signer] : NULL;
	damage(made, random_word() & 1 ? NONE : (enum damage)(random_word() % DAMAGES));
}

static size_t random_batch(struct crypto_ed25519_key *const keys[SIGNERS], size_t count)
{
	struct random_case made[BATCH_MAX];
	struct crypto_ed25519_job jobs[BATCH_MAX];
	size_t valid = 0;

	for (size_t i = 0; i < count; i++) {
		random_case_make(&made[i], keys);
		jobs[i] = (struct crypto_ed25519_job){ made[i].shared ? made[i].shared : key_new(made[i].key),
			                               slice_of(made[i].signature, 64),
			                               slice_of(made[i].message, made[i].message_len), false };
	}
	crypto_ed25519_verify(ed25519, jobs, count);
	for (size_t i = 0; i < count; i++) {
		if (jobs[i].valid !=
		    openssl_takes(made[i].key, made[i].signature, 64, made[i].message, made[i].message_len))
			fail_msg("state %#llx: job %zu of %zu is %d to us", (unsigned long long)random_state, i, count,
			         jobs[i].valid);
		if (!made[i].shared)
			crypto_ed25519_key_free(jobs[i].key);
		valid += jobs[i].valid;
	}
	return valid;
}

static void test_random(void **state)
{
	const char *wanted = getenv("ASSAY_ED25519_CASES");
	size_t cases = wanted ? strtoul(wanted, NULL, 10) : CASES_DEFAULT, done = 0, valid = 0;
	struct crypto_ed25519_key *keys[SIGNERS];

	(void)state;
	for (size_t i = 0; i < SIGNERS; i++)
		keys[i] = key_new(signer_points[i]);
	while (done < cases) {
		size_t count = 1 + random_word() % BATCH_MAX;

		valid += random_batch(keys, count);
		done += count;
	}
	for (size_t i = 0; i < SIGNERS; i++)
		crypto_ed25519_key_free(keys[i]);
	if (wanted)
		printf("%zu cases, %zu valid, none decided otherwise than by OpenSSL\n", done, valid);
	assert_true(valid > done / 3 && valid < done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_table_is_openssls),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_rows_are_there),
		cmocka_unit_test(test_s_at_its_ends),
		cmocka_unit_test(test_signature_lengths),
		cmocka_unit_test(test_refused_key),
		cmocka_unit_test(test_rfc8032),
		cmocka_unit_test(test_lanes),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_random),
	};
	struct crypto_cpu cpu = crypto_cpu_detect();
	const char *seed = getenv("ASSAY_ED25519_SEED");
	int failed;

	if (!cpu.avx512_ifma)
		return 77;
	random_state = seed ? strtoull(seed, NULL, 0) : 1;
	if (crypto_ed25519_new(&cpu, &ed25519)) {
		fprintf(stderr, "the kernel fails its known answers\n");
		return 1;
	}
	oracle_init();
	examples_make(&examples);
	signers_make();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	for (size_t i = 0; i < SIGNERS; i++)
		EVP_PKEY_free(signers[i]);
	oracle_deinit();
	crypto_ed25519_free(ed25519);
	return failed;
}
