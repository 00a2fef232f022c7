/*
 * Goal:   a batch's Ed25519 jobs are done by what was wished for, with the same verdicts, and lanes are counted.
 * Method: every wish that this machine has, with every number of jobs up to more than share a call; each third job is wrong,
 *         some keys are no points; and one at a time without a batch.
 */
#include "crypto/batch.h"
#include "crypto/probe.h"

#include "unit.h"

#define JOBS_MAX (CRYPTO_ED25519_JOBS_BEST + 10)

static struct crypto_verify_job jobs[JOBS_MAX];

static struct crypto_key *key_new(struct crypto_provider *provider, const uint8_t *point)
{
	struct crypto_key_octets octets = { .kind = CRYPTO_KEY_ED25519, .point = slice_of(point, 32) };
	struct crypto_key *key;

	assert_int_equal(crypto_key_new(provider, &octets, &key), 0);
	return key;
}

/* Job i: right, wrong by its message, wrong by its key. */
static void check_jobs(struct crypto_batch *batch, struct crypto_key *key, struct crypto_key *no_point, size_t count)
{
	static const struct slice right[] = { SLICE_INIT("a"), SLICE_INIT("bc") }, wrong[] = { SLICE_INIT("abd") };

	for (size_t i = 0; i < count; i++) {
		jobs[i] = (struct crypto_verify_job){ .key = i % 3 == 2 ? no_point : key, .hash = CRYPTO_SHA256, .parts = right,
			                              .parts_count = 2, .signature = crypto_probe_ed25519_signature };
		if (i % 3 == 1) {
			jobs[i].parts = wrong;
			jobs[i].parts_count = 1;
		}
		crypto_batch_add_verify(batch, &jobs[i]);
	}
	assert_int_equal(crypto_batch_run(batch), count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(jobs[i].verdict, i % 3 == 0 ? CRYPTO_VALID : CRYPTO_INVALID);
}

static void check_counters(const struct crypto_work_counters *counters, bool lanes, size_t jobs_done, size_t offered)
{
	assert_int_equal(counters->jobs, jobs_done);
	assert_int_equal(counters->faults, 0);
	assert_int_equal(counters->by_path[CRYPTO_PATH_LANES], lanes ? jobs_done : 0);
	assert_int_equal(counters->by_path[CRYPTO_PATH_OPENSSL], lanes ? 0 : jobs_done);
	assert_int_equal(counters->lanes_filled, lanes ? jobs_done : 0);
	assert_int_equal(counters->lanes_offered, lanes ? offered : 0);
}

static void check_wish(enum crypto_kernels_wish wish)
{
	static const uint8_t none[32] = { 2 }; /* no x for that y */
	struct crypto_provider provider;
	struct crypto_key *key, *no_point;
	struct crypto_batch batch;
	size_t done = 0, offered = 0;

	assert_int_equal(crypto_provider_init(&provider, wish), 0);
	assert_int_equal(crypto_batch_init(&batch, &provider), 0);
	key = key_new(&provider, crypto_probe_ed25519.point.ptr);
	no_point = key_new(&provider, none);
	assert_true(crypto_key_bytes(key) >= (provider.ed25519 ? crypto_ed25519_key_bytes() : 1000));
	for (size_t count = 1; count <= JOBS_MAX; count += count < 20 ? 1 : 9) {
		check_jobs(&batch, key, no_point, count);
		done += count;
		offered += (count + 7) / 8 * 8;
	}
	check_counters(&batch.counters[CRYPTO_WORK_ED25519], provider.kernels.ed25519_lanes, done, offered);
	assert_int_equal(crypto_key_verify(key, CRYPTO_SHA256, crypto_probe_digest(CRYPTO_SHA256),
	                                   crypto_probe_ed25519_signature), CRYPTO_VALID);
	assert_int_equal(crypto_key_verify(no_point, CRYPTO_SHA256, crypto_probe_digest(CRYPTO_SHA256),
	                                   crypto_probe_ed25519_signature), CRYPTO_INVALID);
	crypto_key_unref(key);
	crypto_key_unref(no_point);
	crypto_batch_deinit(&batch);
	crypto_provider_deinit(&provider);
}

/* While more is to come, few jobs wait for others, but not for ever; eight do not. */
static void test_waiting(void **state)
{
	struct crypto_provider provider;
	struct crypto_batch batch;
	struct crypto_key *key;
	const struct slice right[] = { SLICE("abc") };

	(void)state;
	assert_int_equal(crypto_provider_init(&provider, CRYPTO_KERNELS_AUTO), 0);
	if (!provider.kernels.ed25519_lanes) {
		crypto_provider_deinit(&provider);
		skip();
	}
	assert_int_equal(crypto_batch_init(&batch, &provider), 0);
	key = key_new(&provider, crypto_probe_ed25519.point.ptr);
	for (size_t i = 0; i < 7; i++) {
		jobs[i] = (struct crypto_verify_job){ .key = key, .hash = CRYPTO_SHA256, .parts = right, .parts_count = 1,
			                              .signature = crypto_probe_ed25519_signature };
		crypto_batch_add_verify(&batch, &jobs[i]);
	}
	for (int run = 0; run < CRYPTO_HELD_RUNS_MAX; run++)
		assert_int_equal(crypto_batch_run_some(&batch), 0);
	assert_true(crypto_batch_is_left(&batch));
	assert_int_equal(crypto_batch_run_some(&batch), 7);
	for (size_t i = 0; i < 8; i++) {
		jobs[i] = (struct crypto_verify_job){ .key = key, .hash = CRYPTO_SHA256, .parts = right, .parts_count = 1,
			                              .signature = crypto_probe_ed25519_signature };
		crypto_batch_add_verify(&batch, &jobs[i]);
		if (i == 0)
			assert_int_equal(crypto_batch_run_some(&batch), 0);
	}
	assert_int_equal(crypto_batch_run_some(&batch), 8);
	assert_int_equal(batch.counters[CRYPTO_WORK_ED25519].lanes_filled, 15);
	assert_int_equal(batch.counters[CRYPTO_WORK_ED25519].lanes_offered, 16);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(jobs[i].verdict, CRYPTO_VALID);
	crypto_key_unref(key);
	crypto_batch_deinit(&batch);
	crypto_provider_deinit(&provider);
}

static void test_wishes(void **state)
{
	struct crypto_ed25519 *ed25519;
	struct crypto_cpu cpu = crypto_cpu_detect();
	int built = crypto_ed25519_new(&cpu, &ed25519);
	struct crypto_provider provider;

	(void)state;
	for (int wish = 0; wish < CRYPTO_KERNELS_WISHES; wish++)
		if (crypto_kernels_are_available((enum crypto_kernels_wish)wish))
			check_wish((enum crypto_kernels_wish)wish);
	assert_int_equal(crypto_provider_init(&provider, CRYPTO_KERNELS_AUTO), 0);
	assert_int_equal(provider.kernels.ed25519_lanes, built == 0);
	assert_false(provider.kernels.ed25519_refused);
	crypto_provider_deinit(&provider);
	assert_int_equal(crypto_provider_init(&provider, CRYPTO_KERNELS_OPENSSL), 0);
	assert_null(provider.ed25519);
	crypto_provider_deinit(&provider);
	if (built == 0)
		crypto_ed25519_free(ed25519);
}

UNIT_MAIN(cmocka_unit_test(test_wishes), cmocka_unit_test(test_waiting))
