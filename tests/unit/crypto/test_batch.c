/*
 * Goal:   a batch answers as one job at a time would, calls back only when all of a run is done, and takes a fault
 *         for neither a right nor a wrong signature; keys are bounded before any arithmetic, and the cache by
 *         bytes.
 * Method: refused keys and damaged signatures first; known answers (FIPS 180-4; the
 *         signatures of src/crypto/probe.h); callbacks that add and take back jobs; OpenSSL's allocations
 *         fail from each one on.
 */
#include "crypto/batch.h"
#include "crypto/keys.h"
#include "crypto/probe.h"

#include "unit.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

/* Allocations until one fails, and all behind it; below 0: none will. */
static long allocations_left = -1;
static bool allocation_failed;

static bool allocation_may_go(void)
{
	if (allocations_left < 0)
		return true;
	if (allocations_left > 0) {
		allocations_left--;
		return true;
	}
	allocation_failed = true;
	return false;
}

static void *counted_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return allocation_may_go() ? malloc(size) : NULL;
}

static void *counted_realloc(void *ptr, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return allocation_may_go() ? realloc(ptr, size) : NULL;
}

static void counted_free(void *ptr, const char *file, int line)
{
	(void)file;
	(void)line;
	free(ptr);
}

/* Before anything else of OpenSSL: it takes these functions only while it has allocated nothing. */
__attribute__((constructor)) static void allocations_take_over(void)
{
	if (!CRYPTO_set_mem_functions(counted_malloc, counted_realloc, counted_free))
		abort();
}

static struct crypto_provider provider;
static enum crypto_kernels_wish wish;

static int provider_up(void **state)
{
	(void)state;
	return crypto_provider_init(&provider, wish);
}

static int provider_down(void **state)
{
	(void)state;
	crypto_provider_deinit(&provider);
	return 0;
}

static void test_provider(void **state)
{
	struct crypto_provider none = { 0 };

	(void)state;
	crypto_provider_deinit(&none);
	assert_true(provider.features.sha256 && provider.features.rsa_sha256);
	assert_int_equal(crypto_hash_octets(CRYPTO_SHA256), 32);
	assert_int_equal(crypto_hash_octets(CRYPTO_SHA1), 20);
}

/* STANDARDS 2.8: what a signer chooses is bounded before it costs anything. */
static void test_refused_keys(void **state)
{
	static uint8_t large[CRYPTO_RSA_MODULUS_OCTETS_MAX + 1], point[33];
	const struct slice n = crypto_probe_rsa.modulus, e = SLICE("\x01\x00\x01");
	const struct {
		const char *name;
		struct crypto_key_octets octets;
	} cases[] = {
		{ "nothing", { .kind = CRYPTO_KEY_RSA } },
		{ "no_exponent", { .kind = CRYPTO_KEY_RSA, .modulus = n } },
		{ "exponent_1", { .kind = CRYPTO_KEY_RSA, .modulus = n, .exponent = SLICE("\x01") } },
		{ "exponent_even", { .kind = CRYPTO_KEY_RSA, .modulus = n, .exponent = SLICE("\x04") } },
		{ "exponent_zero_first", { .kind = CRYPTO_KEY_RSA, .modulus = n, .exponent = SLICE("\x00\x03") } },
		{ "exponent_33_bits",
		  { .kind = CRYPTO_KEY_RSA, .modulus = n, .exponent = SLICE("\x01\x00\x00\x00\x01") } },
		{ "modulus_short", { .kind = CRYPTO_KEY_RSA, .modulus = slice_from(n, n.len - 63), .exponent = e } },
		{ "modulus_long",
		  { .kind = CRYPTO_KEY_RSA, .modulus = slice_of(large, sizeof(large)), .exponent = e } },
		{ "modulus_even", { .kind = CRYPTO_KEY_RSA, .modulus = slice_sub(n, 0, 64), .exponent = e } },
		{ "modulus_zero_first", { .kind = CRYPTO_KEY_RSA, .modulus = slice_of(large, 128), .exponent = e } },
		{ "point_missing", { .kind = CRYPTO_KEY_ED25519 } },
		{ "point_short", { .kind = CRYPTO_KEY_ED25519, .point = slice_of(point, 31) } },
		{ "point_long", { .kind = CRYPTO_KEY_ED25519, .point = slice_of(point, 33) } },
	};
	uint8_t even[64];

	(void)state;
	memset(large, 1, sizeof(large));
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct crypto_key_octets octets = cases[i].octets;
		struct crypto_key *key;

		if (strcmp(cases[i].name, "modulus_even") == 0) {
			memset(even, 2, sizeof(even));
			octets.modulus = slice_of(even, sizeof(even));
		} else if (strcmp(cases[i].name, "modulus_zero_first") == 0) {
			large[0] = 0;
		}
		if (crypto_key_new(&provider, &octets, &key) != CRYPTO_KEY_UNUSABLE)
			fail_msg("%s", cases[i].name);
	}
}

static struct crypto_key *key_new(const struct crypto_key_octets *octets)
{
	struct crypto_key *key;

	assert_int_equal(crypto_key_new(&provider, octets, &key), 0);
	return key;
}

/* Every bit of a right signature matters, and its length. */
static void check_signature(const struct crypto_key_octets *octets, enum crypto_hash hash, struct slice signature)
{
	struct slice digest = crypto_probe_digest(hash);
	struct crypto_key *key = key_new(octets);
	uint8_t damaged[256] = { 0 };

	assert_true(signature.len < sizeof(damaged));
	for (size_t bit = 0; bit < 8 * signature.len; bit += 5) {
		memcpy(damaged, signature.ptr, signature.len);
		damaged[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		assert_int_equal(crypto_key_verify(key, hash, digest, slice_of(damaged, signature.len)),
		                 CRYPTO_INVALID);
	}
	memcpy(damaged, signature.ptr, signature.len);
	for (size_t len = 0; len <= signature.len + 1; len++)
		assert_int_equal(crypto_key_verify(key, hash, digest, slice_of(damaged, len)),
		                 len == signature.len ? CRYPTO_VALID : CRYPTO_INVALID);
	crypto_key_unref(key);
}

static void test_signatures(void **state)
{
	(void)state;
	check_signature(&crypto_probe_rsa, CRYPTO_SHA256, crypto_probe_rsa_signature[CRYPTO_SHA256]);
	if (provider.features.rsa_sha1)
		check_signature(&crypto_probe_rsa, CRYPTO_SHA1, crypto_probe_rsa_signature[CRYPTO_SHA1]);
	if (provider.features.ed25519)
		check_signature(&crypto_probe_ed25519, CRYPTO_SHA256, crypto_probe_ed25519_signature);
}

/* "abc" in two pieces, so many times. */
struct source {
	unsigned left;
};

static bool source_next(void *arg, struct slice *out)
{
	struct source *source = arg;

	if (source->left == 0)
		return false;
	source->left--;
	*out = source->left % 2 ? SLICE("ab") : SLICE("c");
	return true;
}

#define JOBS 9

struct run {
	struct crypto_batch batch;
	struct crypto_hash_job hashes[JOBS];
	struct source sources[JOBS];
	struct crypto_verify_job checks[JOBS];
	struct crypto_key *rsa, *ed25519;
	unsigned called;
};

static void run_add_hash(struct run *run, size_t i, void (*done)(struct crypto_job *job))
{
	run->sources[i] = (struct source){ 2 };
	run->hashes[i] = (struct crypto_hash_job){
		.job = { .done = done, .owner = run },
		.hash = i % 2 ? CRYPTO_SHA1 : CRYPTO_SHA256,
		.next = source_next,
		.source = &run->sources[i],
		.octets_max = UINT64_MAX,
	};
	crypto_batch_add_hash(&run->batch, &run->hashes[i]);
}

static void run_add_check(struct run *run, size_t i, void (*done)(struct crypto_job *job))
{
	static const struct slice parts[] = { { (const uint8_t *)"a", 1 }, { NULL, 0 }, { (const uint8_t *)"bc", 2 } };
	bool ed25519 = i % 3 == 2;

	run->checks[i] = (struct crypto_verify_job){
		.job = { .done = done, .owner = run },
		.key = ed25519 ? run->ed25519 : run->rsa,
		.hash = i % 3 == 1 ? CRYPTO_SHA1 : CRYPTO_SHA256,
		.parts = parts,
		/* The last ones lack a part: they are wrong. */
		.parts_count = i < JOBS - 3 ? 3 : 2,
		.signature = ed25519 ? crypto_probe_ed25519_signature : crypto_probe_rsa_signature[i % 3],
	};
	crypto_batch_add_verify(&run->batch, &run->checks[i]);
}

static struct run *run_new(void)
{
	struct run *run = calloc(1, sizeof(*run));

	assert_non_null(run);
	assert_int_equal(crypto_batch_init(&run->batch, &provider), 0);
	run->rsa = key_new(&crypto_probe_rsa);
	run->ed25519 = key_new(&crypto_probe_ed25519);
	return run;
}

static void run_free(struct run *run)
{
	crypto_batch_deinit(&run->batch);
	crypto_key_unref(run->rsa);
	crypto_key_unref(run->ed25519);
	free(run);
}

static void assert_hashed(const struct run *run, size_t i)
{
	enum crypto_hash hash = run->hashes[i].hash;

	assert_false(run->hashes[i].failed);
	assert_int_equal(run->hashes[i].octets, 3);
	assert_slice_equal(slice_of(run->hashes[i].digest, crypto_hash_octets(hash)), crypto_probe_digest(hash));
}

/* Called first, it finds all jobs of the run answered. */
static void done_all_answered(struct crypto_job *job)
{
	struct run *run = job->owner;

	run->called++;
	for (size_t i = 0; i < JOBS; i++) {
		assert_hashed(run, i);
		assert_int_equal(run->checks[i].verdict, i < JOBS - 3 ? CRYPTO_VALID : CRYPTO_INVALID);
	}
}

static void test_run(void **state)
{
	struct run *run = run_new();

	(void)state;
	assert_int_equal(crypto_batch_run(&run->batch), 0);
	for (size_t i = 0; i < JOBS; i++) {
		run_add_check(run, i, done_all_answered);
		run_add_hash(run, i, done_all_answered);
		assert_int_equal(run->checks[i].verdict, CRYPTO_PENDING);
	}
	assert_int_equal(crypto_batch_waiting(&run->batch, CRYPTO_WORK_SHA256), 5);
	assert_int_equal(crypto_batch_waiting(&run->batch, CRYPTO_WORK_SHA1), 4);
	assert_int_equal(crypto_batch_waiting(&run->batch, CRYPTO_WORK_RSA), 6);
	assert_int_equal(crypto_batch_waiting(&run->batch, CRYPTO_WORK_ED25519), 3);
	assert_int_equal(crypto_batch_run(&run->batch), 2 * JOBS);
	assert_int_equal(run->called, 2 * JOBS);
	assert_int_equal(crypto_batch_run(&run->batch), 0);
	assert_int_equal(run->batch.counters[CRYPTO_WORK_RSA].jobs, 6);
	assert_int_equal(run->batch.counters[CRYPTO_WORK_RSA].runs, 1);
	assert_int_equal(run->batch.counters[CRYPTO_WORK_SHA256].octets, 15);
	assert_int_equal(run->batch.counters[CRYPTO_WORK_RSA].octets, 4 * 3 + 2 * 1);
	run_free(run);
}

/* A callback gathers the next job, and ends others that were done with it: those are not called back. */
static void done_add_and_remove(struct crypto_job *job)
{
	struct run *run = job->owner;

	run->called++;
	if (run->called == 1) {
		crypto_batch_remove(&run->batch, &run->hashes[1].job);
		memset(&run->hashes[1], 0xee, sizeof(run->hashes[1]));
		run_add_hash(run, 3, done_add_and_remove);
		run_add_check(run, 0, done_add_and_remove);
	}
}

static void test_callbacks_add_and_remove(void **state)
{
	struct run *run = run_new();

	(void)state;
	run_add_hash(run, 0, done_add_and_remove);
	run_add_hash(run, 1, done_add_and_remove);
	run_add_hash(run, 2, NULL);
	run_add_hash(run, 4, done_add_and_remove);
	crypto_batch_remove(&run->batch, &run->hashes[4].job);
	crypto_batch_remove(&run->batch, &run->hashes[4].job); /* in no batch any more */
	assert_int_equal(crypto_batch_waiting(&run->batch, CRYPTO_WORK_SHA256), 2);
	assert_int_equal(crypto_batch_run(&run->batch), 3);
	assert_int_equal(run->called, 1);
	assert_hashed(run, 2);
	assert_int_equal(run->hashes[4].octets, 0);
	assert_int_equal(crypto_batch_run(&run->batch), 2);
	assert_int_equal(run->called, 3);
	assert_hashed(run, 3);
	assert_int_equal(run->checks[0].verdict, CRYPTO_VALID);
	run_add_hash(run, 0, done_add_and_remove); /* forgotten when the batch ends */
	run_free(run);
}

/* LESSONS row 10: the digest is of the first octets, the count of all. */
/* "abc" so often that a run's budget ends in it: slices cost more than their octets. */
#define LARGE_SLICES ((unsigned)(3 * CRYPTO_RUN_COST_MAX / CRYPTO_SLICE_COST) & ~1u)

static void add_large(struct run *run, size_t i)
{
	run_add_hash(run, i, NULL);
	run->sources[i].left = LARGE_SLICES;
}

/* LESSONS row 6, STANDARDS S13: a body that takes long is hashed over several runs, and keeps nobody waiting. */
static void test_large_body_is_spread(void **state)
{
	struct run *run = run_new();
	EVP_MD_CTX *direct = EVP_MD_CTX_new();
	uint8_t digest[32];
	unsigned runs = 1;
	bool together = run->batch.hasher; /* several at once: the small one goes on with the large ones */

	(void)state;
	add_large(run, 0);
	add_large(run, 2);
	run_add_hash(run, 4, NULL);
	run_add_hash(run, 1, NULL); /* SHA-1 has a budget of its own */
	run_add_check(run, 0, NULL);
	assert_int_equal(crypto_batch_run(&run->batch), together ? 3 : 2);
	assert_hashed(run, 1);
	assert_int_equal(run->checks[0].verdict, CRYPTO_VALID);
	assert_int_equal(crypto_batch_waiting(&run->batch, CRYPTO_WORK_SHA256), together ? 2 : 3);
	/* One at a time, the small one comes before those begun, once the second has had its turn. */
	while (run->hashes[4].octets == 0) {
		assert_int_equal(run->sources[0].left == 0, false);
		assert_true(++runs < 5);
		(void)crypto_batch_run(&run->batch);
	}
	crypto_batch_remove(&run->batch, &run->hashes[2].job); /* begun: what it holds is given back */
	while (crypto_batch_waiting(&run->batch, CRYPTO_WORK_SHA256)) {
		assert_true(++runs < 20);
		(void)crypto_batch_run(&run->batch);
	}
	assert_hashed(run, 4);
	assert_false(run->hashes[0].failed);
	assert_int_equal(run->hashes[0].octets, LARGE_SLICES / 2 * 3);
	EVP_DigestInit_ex(direct, EVP_sha256(), NULL);
	for (unsigned i = 0; i < LARGE_SLICES / 2; i++)
		EVP_DigestUpdate(direct, "abc", 3);
	EVP_DigestFinal_ex(direct, digest, NULL);
	assert_memory_equal(run->hashes[0].digest, digest, sizeof(digest));
	EVP_MD_CTX_free(direct);
	add_large(run, 2);
	(void)crypto_batch_run(&run->batch); /* begun, and forgotten when the batch ends */
	run_free(run);
}

static void test_octets_max(void **state)
{
	static const char all[] = "abcabc";
	struct run *run = run_new();

	(void)state;
	for (size_t max = 0; max <= 7; max++) {
		uint8_t want[EVP_MAX_MD_SIZE];
		unsigned len;

		run_add_hash(run, 0, NULL);
		run->sources[0].left = 4;
		run->hashes[0].octets_max = max;
		assert_int_equal(crypto_batch_run(&run->batch), 1);
		assert_int_equal(run->hashes[0].octets, 6);
		assert_int_equal(EVP_Digest(all, max < 6 ? max : 6, want, &len, EVP_sha256(), NULL), 1);
		assert_slice_equal(slice_of(run->hashes[0].digest, 32), slice_of(want, 32));
	}
	run_free(run);
}

/* LESSONS row 8: an algorithm that is not there is a fault, and no verdict. */
static void test_missing_algorithm(void **state)
{
	struct run *run = run_new();
	struct evp_md_st *sha1 = provider.digests[CRYPTO_SHA1];

	(void)state;
	provider.digests[CRYPTO_SHA1] = NULL;
	run_add_hash(run, 1, NULL);
	run_add_check(run, 1, NULL);
	run_add_check(run, 0, NULL);
	assert_int_equal(crypto_batch_run(&run->batch), 3);
	assert_true(run->hashes[1].failed);
	assert_int_equal(run->checks[1].verdict, CRYPTO_FAULT);
	assert_int_equal(run->checks[0].verdict, CRYPTO_VALID);
	assert_int_equal(run->batch.counters[CRYPTO_WORK_SHA1].faults, 1);
	assert_int_equal(run->batch.counters[CRYPTO_WORK_RSA].faults, 1);
	provider.digests[CRYPTO_SHA1] = sha1;
	run_free(run);
}

/* Another key than the probe's for every `number`: its point or modulus says which. */
static int cache_get(struct crypto_keys *keys, uint8_t number, struct crypto_key **key_out)
{
	uint8_t modulus[128];
	struct crypto_key_octets octets = crypto_probe_rsa;

	memcpy(modulus, octets.modulus.ptr, sizeof(modulus));
	modulus[1] = number;
	octets.modulus = slice_of(modulus, sizeof(modulus));
	return crypto_keys_get(keys, &octets, key_out);
}

static void cache_touch(struct crypto_keys *keys, uint8_t number)
{
	struct crypto_key *key;

	assert_int_equal(cache_get(keys, number, &key), 0);
	assert_true(keys->bytes <= keys->bytes_max);
	crypto_key_unref(key);
}

static void test_cache(void **state)
{
	struct crypto_key_octets even = crypto_probe_rsa;
	struct crypto_keys keys;
	struct crypto_key *held, *same;
	size_t bytes;

	(void)state;
	even.exponent = SLICE("\x02");
	held = key_new(&crypto_probe_rsa);
	bytes = crypto_key_bytes(held);
	crypto_key_unref(held);
	assert_int_equal(crypto_keys_init(&keys, &provider, 3 * bytes + bytes / 2, 7), 0);
	assert_int_equal(crypto_keys_get(&keys, &even, &held), CRYPTO_KEY_UNUSABLE);
	assert_int_equal(keys.counters.unusable, 1);
	assert_int_equal(cache_get(&keys, 1, &held), 0);
	assert_int_equal(cache_get(&keys, 1, &same), 0);
	assert_ptr_equal(held, same);
	crypto_key_unref(same);
	cache_touch(&keys, 2);
	cache_touch(&keys, 3);
	cache_touch(&keys, 1);
	cache_touch(&keys, 4); /* 2 was used longest ago */
	assert_int_equal(keys.count, 3);
	assert_int_equal(keys.counters.evictions, 1);
	assert_int_equal(keys.counters.hits, 2);
	cache_touch(&keys, 3);
	cache_touch(&keys, 1);
	assert_int_equal(keys.counters.hits, 4);
	cache_touch(&keys, 2);
	assert_int_equal(keys.counters.misses, 6);
	for (uint8_t number = 10; number < 200; number++)
		cache_touch(&keys, number);
	/* Long evicted, and alive in its holder's hands. */
	assert_int_equal(crypto_key_verify(held, CRYPTO_SHA256, crypto_probe_digest(CRYPTO_SHA256),
	                                   crypto_probe_rsa_signature[CRYPTO_SHA256]),
	                 CRYPTO_INVALID);
	crypto_key_unref(held);
	crypto_keys_deinit(&keys);
}

static void test_cache_too_small(void **state)
{
	struct crypto_keys keys;

	(void)state;
	assert_int_equal(crypto_keys_init(&keys, &provider, 10, 7), 0);
	cache_touch(&keys, 1);
	cache_touch(&keys, 1);
	assert_int_equal(keys.count, 0);
	assert_int_equal(keys.counters.misses, 2);
	crypto_keys_deinit(&keys);
}

/* RSA and Ed25519 keys of the same octets are two keys. */
static void test_cache_kinds(void **state)
{
	struct crypto_keys keys;
	struct crypto_key *rsa, *ed25519;

	(void)state;
	assert_int_equal(crypto_keys_init(&keys, &provider, 1 << 20, 7), 0);
	assert_int_equal(crypto_keys_get(&keys, &crypto_probe_rsa, &rsa), 0);
	assert_int_equal(crypto_keys_get(&keys, &crypto_probe_ed25519, &ed25519), 0);
	assert_int_equal(crypto_key_kind(rsa), CRYPTO_KEY_RSA);
	assert_int_equal(crypto_key_kind(ed25519), CRYPTO_KEY_ED25519);
	crypto_key_unref(rsa);
	crypto_key_unref(ed25519);
	crypto_keys_deinit(&keys);
}

/* When OpenSSL runs out of memory, a right signature is not called wrong, and no key comes of it. */
static void check_memory(const struct crypto_key_octets *octets, struct slice signature)
{
	struct slice digest = crypto_probe_digest(CRYPTO_SHA256);
	struct crypto_key *key;

	for (long n = 0;; n++) {
		int made;

		allocation_failed = false;
		allocations_left = n;
		made = crypto_key_new(&provider, octets, &key);
		allocations_left = -1;
		if (made == 0)
			crypto_key_unref(key);
		else
			assert_int_equal(made, -ENOMEM);
		if (!allocation_failed)
			break;
		assert_true(n < 1000);
	}
	key = key_new(octets);
	for (long n = 0;; n++) {
		enum crypto_verdict verdict;

		allocation_failed = false;
		allocations_left = n;
		verdict = crypto_key_verify(key, CRYPTO_SHA256, digest, signature);
		allocations_left = -1;
		if (verdict != CRYPTO_VALID)
			assert_int_equal(verdict, CRYPTO_FAULT);
		if (!allocation_failed)
			break;
		assert_true(n < 1000);
	}
	assert_int_equal(crypto_key_verify(key, CRYPTO_SHA256, digest, signature), CRYPTO_VALID);
	crypto_key_unref(key);
}

/* A shard that could not be set up to the end takes down what it never made. */
static void test_deinit_of_zeroes(void **state)
{
	struct crypto_batch batch = { .provider = NULL };
	struct crypto_keys keys = { .provider = NULL };
	struct crypto_provider none = { .library = NULL };

	(void)state;
	crypto_batch_deinit(&batch);
	crypto_keys_deinit(&keys);
	crypto_provider_deinit(&none);
}

static void test_memory(void **state)
{
	(void)state;
	check_memory(&crypto_probe_rsa, crypto_probe_rsa_signature[CRYPTO_SHA256]);
	if (provider.features.ed25519)
		check_memory(&crypto_probe_ed25519, crypto_probe_ed25519_signature);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_provider),
		cmocka_unit_test(test_refused_keys),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_callbacks_add_and_remove),
		cmocka_unit_test(test_large_body_is_spread),
		cmocka_unit_test(test_octets_max),
		cmocka_unit_test(test_missing_algorithm),
		cmocka_unit_test(test_cache),
		cmocka_unit_test(test_cache_too_small),
		cmocka_unit_test(test_cache_kinds),
		cmocka_unit_test(test_deinit_of_zeroes),
		cmocka_unit_test(test_memory),
	};

	int failed = 0;

	/* Whoever does the arithmetic, all of it holds. */
	for (wish = CRYPTO_KERNELS_AUTO; wish < CRYPTO_KERNELS_WISHES; wish++)
		if (crypto_kernels_are_available(wish))
			failed += cmocka_run_group_tests(tests, provider_up, provider_down);
	return failed;
}
