/*
 * Goal:   what a batch hashes together comes out as OpenSSL's hash of each: bodies of every size in slices of every size,
 *         cut off at octets_max and put off to later runs, between the octets of signatures to be checked.
 * Method: crowds of jobs at random, by kernels of our own and by OpenSSL alone; then single cases: a run ends inside a slice
 *         and behind octets_max; more signatures than lanes beside bodies that take longer than a run; jobs taken back when
 *         they are begun.
 */
#include "crypto/batch.h"
#include "crypto/probe.h"

#include "unit.h"

#include <openssl/evp.h>
#include <stdlib.h>

#define POOL_OCTETS ((size_t)6 << 20)
#define BODIES      50
#define CHECKS      40
#define ROUNDS      40

static struct crypto_provider provider;
static uint8_t *pool;
static uint32_t random_state = 1;

static size_t random_below(size_t below)
{
	random_state = random_state * 1664525 + 1013904223;
	return (size_t)(((uint64_t)random_state * below) >> 32);
}

static int set_up(enum crypto_kernels_wish wish)
{
	pool = malloc(POOL_OCTETS);
	if (!pool)
		return -1;
	for (size_t i = 0; i < POOL_OCTETS; i++)
		pool[i] = (uint8_t)random_below(256);
	return crypto_provider_init(&provider, wish);
}

static int set_up_kernels(void **state)
{
	(void)state;
	return set_up(CRYPTO_KERNELS_AUTO);
}

static int set_up_openssl(void **state)
{
	(void)state;
	return set_up(CRYPTO_KERNELS_OPENSSL);
}

static int tear_down(void **state)
{
	(void)state;
	free(pool);
	crypto_provider_deinit(&provider);
	return 0;
}

struct body {
	struct slice octets, left;
	size_t cut_max; /* 0: one slice */
	bool ended;
	unsigned done;
	struct crypto_hash_job job;
};

struct crowd {
	struct crypto_batch batch;
	struct crypto_key *key;
	size_t bodies_count;
	struct body bodies[BODIES];
	struct crypto_verify_job checks[CHECKS];
	unsigned checks_done;
};

static bool body_next(void *source, struct slice *out)
{
	struct body *body = source;
	size_t len = body->cut_max ? random_below(body->cut_max) + 1 : body->left.len;

	assert_false(body->ended);
	*out = slice_sub(body->left, 0, len);
	body->left = slice_from(body->left, out->len);
	body->ended = out->len == 0;
	return !body->ended;
}

static void body_done(struct crypto_job *job)
{
	struct body *body = job->owner;

	body->done++;
}

static void body_add(struct crowd *crowd, size_t len, size_t cut_max, uint64_t octets_max)
{
	struct body *body = &crowd->bodies[crowd->bodies_count++];

	assert_true(crowd->bodies_count <= BODIES && len <= POOL_OCTETS);
	memset(body, 0, sizeof(*body)); /* one that was taken back is filled otherwise */
	body->octets = body->left = slice_of(pool + random_below(POOL_OCTETS - len + 1), len);
	body->cut_max = cut_max;
	body->job = (struct crypto_hash_job){
		.job = { .done = body_done, .owner = body },
		.hash = CRYPTO_SHA256,
		.next = body_next,
		.source = body,
		.octets_max = octets_max,
		.octets_likely = random_below(2) ? len : random_below(100000), /* no more than a guess */
	};
	crypto_batch_add_hash(&crowd->batch, &body->job);
}

static void check_done(struct crypto_job *job)
{
	((struct crowd *)job->owner)->checks_done++;
}

/* "abc" in pieces, some of them empty; those of odd numbers lack a piece and are wrong. */
static void checks_add(struct crowd *crowd, size_t count)
{
	static const struct slice parts[] = {
		{ NULL, 0 }, { (const uint8_t *)"a", 1 }, { NULL, 0 }, { (const uint8_t *)"b", 1 }, { (const uint8_t *)"c", 1 },
	};

	for (size_t i = 0; i < count; i++) {
		crowd->checks[i] = (struct crypto_verify_job){
			.job = { .done = check_done, .owner = crowd },
			.key = crowd->key,
			.hash = CRYPTO_SHA256,
			.parts = parts,
			.parts_count = COUNT_OF(parts) - i % 2,
			.signature = crypto_probe_rsa_signature[CRYPTO_SHA256],
		};
		crypto_batch_add_verify(&crowd->batch, &crowd->checks[i]);
	}
}

static struct crowd *crowd_new(void)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));

	assert_non_null(crowd);
	assert_int_equal(crypto_batch_init(&crowd->batch, &provider), 0);
	assert_int_equal(crypto_key_new(&provider, &crypto_probe_rsa, &crowd->key), 0);
	return crowd;
}

static void crowd_free(struct crowd *crowd)
{
	crypto_batch_deinit(&crowd->batch);
	crypto_key_unref(crowd->key);
	free(crowd);
}

static unsigned run_all(struct crowd *crowd)
{
	unsigned runs = 0;

	do {
		(void)crypto_batch_run(&crowd->batch);
		assert_true(++runs < 200);
	} while (crypto_batch_is_left(&crowd->batch));
	return runs;
}

static void check_body(const struct body *body)
{
	size_t len = body->job.octets_max < body->octets.len ? (size_t)body->job.octets_max : body->octets.len;
	uint8_t want[EVP_MAX_MD_SIZE];

	assert_int_equal(EVP_Digest(body->octets.ptr, len, want, NULL, EVP_sha256(), NULL), 1);
	assert_int_equal(body->done, 1);
	assert_true(body->ended);
	assert_false(body->job.failed);
	assert_int_equal(body->job.octets, body->octets.len);
	assert_slice_equal(slice_of(body->job.digest, 32), slice_of(want, 32));
}

static void check_crowd(const struct crowd *crowd, size_t checks)
{
	for (size_t i = 0; i < crowd->bodies_count; i++)
		check_body(&crowd->bodies[i]);
	assert_int_equal(crowd->checks_done, checks);
	for (size_t i = 0; i < checks; i++)
		assert_int_equal(crowd->checks[i].verdict, i % 2 ? CRYPTO_INVALID : CRYPTO_VALID);
}

static void test_crowds(void **state)
{
	static const size_t cuts[] = { 0, 0, 1, 64, 78, 511, 512, 4096, 70000 };
	static const size_t lengths[] = { 1, 100, 1000, 20000, 20000, 20000, 400000 };

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct crowd *crowd = crowd_new();
		size_t bodies = random_below(BODIES + 1), checks = random_below(CHECKS + 1);

		for (size_t i = 0; i < bodies; i++) {
			size_t len = random_below(lengths[random_below(COUNT_OF(lengths))]);
			size_t cut = cuts[random_below(COUNT_OF(cuts))];

			body_add(crowd, len, cut, random_below(4) ? UINT64_MAX : random_below(len + 2));
		}
		checks_add(crowd, checks);
		while (random_below(2))
			(void)crypto_batch_run_some(&crowd->batch);
		(void)run_all(crowd);
		check_crowd(crowd, checks);
		if (crowd->batch.hasher && bodies + checks > 16) {
			const struct crypto_work_counters *counters = &crowd->batch.counters[CRYPTO_WORK_SHA256];

			assert_true(counters->lanes_filled > 0 && counters->lanes_filled <= counters->lanes_offered);
			assert_int_equal(counters->by_path[CRYPTO_PATH_OPENSSL], 0);
			assert_int_equal(counters->by_path[CRYPTO_PATH_LANES], bodies);
		}
		crowd_free(crowd);
	}
}

/* A body of one slice is put off inside it, at least where kernels of ours hash: their steps are small. */
static void test_run_ends_inside_a_slice(void **state)
{
	struct crowd *crowd = crowd_new();

	(void)state;
	body_add(crowd, POOL_OCTETS, 0, UINT64_MAX);
	body_add(crowd, POOL_OCTETS - 1, 0, UINT64_MAX);
	(void)crypto_batch_run(&crowd->batch);
	assert_int_equal(crypto_batch_waiting(&crowd->batch, CRYPTO_WORK_SHA256), 2);
	if (crowd->batch.hasher)
		assert_true(run_all(crowd) >= 2);
	else
		(void)run_all(crowd);
	check_crowd(crowd, 0);
	crowd_free(crowd);
}

/* What is read for its length only takes its time, too. */
static void test_run_ends_behind_octets_max(void **state)
{
	struct crowd *crowd = crowd_new();

	(void)state;
	body_add(crowd, POOL_OCTETS, 100, 5);
	(void)crypto_batch_run(&crowd->batch);
	assert_int_equal(crypto_batch_waiting(&crowd->batch, CRYPTO_WORK_SHA256), 1);
	assert_true(crowd->bodies[0].left.len > POOL_OCTETS / 4);
	(void)run_all(crowd);
	check_crowd(crowd, 0);
	crowd_free(crowd);
}

/* Signatures wait for no body: all of a run's are checked in it, however many bodies are put off. */
static void test_signatures_beside_large_bodies(void **state)
{
	struct crowd *crowd = crowd_new();

	(void)state;
	for (size_t i = 0; i < 20; i++)
		body_add(crowd, POOL_OCTETS / 2, 3000, UINT64_MAX);
	checks_add(crowd, CHECKS);
	(void)crypto_batch_run(&crowd->batch);
	assert_int_equal(crowd->checks_done, CHECKS);
	assert_int_equal(crypto_batch_waiting(&crowd->batch, CRYPTO_WORK_RSA), 0);
	assert_true(crypto_batch_waiting(&crowd->batch, CRYPTO_WORK_SHA256) >= 19);
	(void)run_all(crowd);
	check_crowd(crowd, CHECKS);
	crowd_free(crowd);
}

/* Long ones that were put off do not keep short ones waiting, even when they are as many as lanes. */
static void test_short_bodies_pass_long_ones(void **state)
{
	struct crowd *crowd = crowd_new();

	(void)state;
	for (size_t i = 0; i < 20; i++)
		body_add(crowd, POOL_OCTETS, 0, UINT64_MAX);
	(void)crypto_batch_run(&crowd->batch);
	for (size_t i = 20; i < BODIES; i++)
		body_add(crowd, 1000, 0, UINT64_MAX);
	for (size_t i = 0; i < BODIES; i++)
		crowd->bodies[i].job.octets_likely = crowd->bodies[i].octets.len;
	/* OpenSSL's are one after another, each to the end of its only slice. */
	for (int runs = 0; runs < (crowd->batch.hasher ? 6 : 22); runs++) /* the 4 never begun, then the short ones, behind them the others */
		(void)crypto_batch_run(&crowd->batch);
	for (size_t i = 20; i < BODIES; i++)
		check_body(&crowd->bodies[i]);
	if (crowd->batch.hasher)
		assert_true(crypto_batch_waiting(&crowd->batch, CRYPTO_WORK_SHA256) >= 10);
	crowd_free(crowd);
}

/* A long one goes on beside others while there are more, gets further each time, and waits for nobody when there are none. */
static void test_few_wait_for_more(void **state)
{
	struct crowd *crowd = crowd_new();
	uint64_t got = 0;

	(void)state;
	body_add(crowd, POOL_OCTETS / 2, 0, UINT64_MAX);
	for (size_t round = 0; round < 3; round++) {
		for (size_t i = 0; i < 12; i++)
			body_add(crowd, 1000, 0, UINT64_MAX);
		(void)crypto_batch_run_some(&crowd->batch);
		assert_int_equal(crypto_batch_waiting(&crowd->batch, CRYPTO_WORK_SHA256), crowd->batch.hasher ? 1 : 0);
		assert_true(!crowd->batch.hasher || crowd->batch.hasher->blocks > got);
		got = crowd->batch.hasher ? crowd->batch.hasher->blocks : 0;
	}
	/* No others to wait for: it does not. */
	(void)crypto_batch_run_some(&crowd->batch);
	assert_int_equal(crypto_batch_waiting(&crowd->batch, CRYPTO_WORK_SHA256), 0);
	check_crowd(crowd, 0);
	crowd_free(crowd);
}

/* Begun, and taken back: its memory may go, and the others come out right. */
static void test_begun_jobs_are_removed(void **state)
{
	struct crowd *crowd = crowd_new();

	(void)state;
	for (size_t i = 0; i < 4; i++)
		body_add(crowd, POOL_OCTETS, 1000, UINT64_MAX);
	(void)crypto_batch_run(&crowd->batch);
	crypto_batch_remove(&crowd->batch, &crowd->bodies[3].job.job);
	memset(&crowd->bodies[3], 0xee, sizeof(crowd->bodies[3]));
	crowd->bodies_count = 3;
	(void)run_all(crowd);
	check_crowd(crowd, 0);
	body_add(crowd, POOL_OCTETS, 1000, UINT64_MAX);
	(void)crypto_batch_run(&crowd->batch); /* begun, and forgotten when the batch ends */
	crowd_free(crowd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crowds),
		cmocka_unit_test(test_run_ends_inside_a_slice),
		cmocka_unit_test(test_run_ends_behind_octets_max),
		cmocka_unit_test(test_signatures_beside_large_bodies),
		cmocka_unit_test(test_short_bodies_pass_long_ones),
		cmocka_unit_test(test_few_wait_for_more),
		cmocka_unit_test(test_begun_jobs_are_removed),
	};

	return cmocka_run_group_tests_name("kernels", tests, set_up_kernels, tear_down) +
	       cmocka_run_group_tests_name("openssl", tests, set_up_openssl, tear_down);
}
