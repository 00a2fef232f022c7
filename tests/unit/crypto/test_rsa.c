/*
 * Goal:   the arithmetic of all RSA kernels is exact for every modulus, exponent and base, in every lane.
 * Method: powers are compared with OpenSSL's BN_mod_exp_mont(), over moduli of every size between the bounds and of every
 *         awkward shape (any odd number is a modulus here), bases at the ends of their range and with limbs at theirs,
 *         exponents of every length, 1 to 8 lanes or 1 to 3 side by side of different keys. ASSAY_RSA_CASES asks for
 *         more than the default number of cases, ASSAY_RSA_SEED for others.
 */
#include "crypto/cpu.h"
#include "crypto/rsa_parts.h"
#include "unit.h"

#include <openssl/bn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CASES_DEFAULT 4000

static uint64_t random_state, cases_wanted;
static BN_CTX *context;

static uint64_t random_next(void)
{
	uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static size_t random_below(size_t bound)
{
	return (size_t)(random_next() % bound);
}

static void random_octets(uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)random_next();
}

struct number {
	uint8_t octets[CRYPTO_RSA_MODULUS_OCTETS_MAX];
	size_t len;
};

static BIGNUM *bn_of(const struct number *number)
{
	BIGNUM *bn = BN_bin2bn(number->octets, (int)number->len, NULL);

	assert_non_null(bn);
	return bn;
}

/* Runs of ones and zeroes that begin and end at any bit, or at the limbs of either form. */
static void runs_fill(struct number *number)
{
	static const size_t steps[] = { 52, 64, 520, 1 };
	size_t step = steps[random_below(4)], bit = 0;
	bool one = random_below(2);

	memset(number->octets, 0, number->len);
	while (bit < number->len * 8) {
		size_t end = bit + step * (1 + random_below(step == 1 ? 150 : 3));

		for (; bit < end && bit < number->len * 8; bit++)
			number->octets[number->len - 1 - bit / 8] |= (uint8_t)(one << bit % 8);
		one = !one;
	}
}

enum shape { SHAPE_RANDOM, SHAPE_ONES, SHAPE_POWER_PLUS_1, SHAPE_RUNS, SHAPE_SHORT_TOP, SHAPES };

/* Odd, of exactly `bits`. */
static void modulus_fill(struct number *n, size_t bits, enum shape shape)
{
	n->len = (bits + 7) / 8;
	switch (shape) {
	case SHAPE_ONES: memset(n->octets, 0xff, n->len); break;
	case SHAPE_POWER_PLUS_1: memset(n->octets, 0, n->len); break;
	case SHAPE_RUNS: runs_fill(n); break;
	default: random_octets(n->octets, n->len); break;
	}
	n->octets[0] &= (uint8_t)(0xff >> (n->len * 8 - bits));
	n->octets[0] |= (uint8_t)(1 << (bits - 1) % 8);
	if (shape == SHAPE_SHORT_TOP)
		memset(n->octets + 1, 0, random_below(n->len - 1));
	n->octets[n->len - 1] |= 1;
}

enum base { BASE_RANDOM, BASE_0, BASE_1, BASE_MINUS_1, BASE_MINUS_SMALL, BASE_RUNS, BASE_SMALL, BASES };

/* Below the modulus, as long. */
static void base_fill(struct number *base, const struct number *modulus, enum base kind)
{
	BIGNUM *n = bn_of(modulus), *b;

	base->len = modulus->len;
	memset(base->octets, 0, base->len);
	if (kind == BASE_RUNS)
		runs_fill(base);
	if (kind == BASE_RANDOM)
		random_octets(base->octets, base->len);
	b = bn_of(base);
	if (kind == BASE_1)
		BN_one(b);
	if (kind == BASE_SMALL)
		BN_set_word(b, random_next());
	if (kind == BASE_MINUS_1 || kind == BASE_MINUS_SMALL) {
		BN_copy(b, n);
		BN_sub_word(b, kind == BASE_MINUS_1 ? 1 : 1 + random_below(1000));
	}
	assert_true(BN_mod(b, b, n, context));
	assert_int_equal(BN_bn2binpad(b, base->octets, (int)base->len), base->len);
	BN_free(b);
	BN_free(n);
}

static uint32_t exponent_random(void)
{
	static const uint32_t usual[] = { 3, 5, 17, 257, 65537, 65537, 65539, 0xffffffff, 0x80000001, 0xfffffffd };

	if (random_below(4))
		return usual[random_below(sizeof(usual) / sizeof(*usual))];
	return ((uint32_t)random_next() >> random_below(30)) | 3;
}

/* Every size has its turn; the small ones more often, for they cost less. */
static size_t bits_random(void)
{
	static const size_t usual[] = { 505, 512, 1024, 2048, 3072, 4096, 8192 };

	switch (random_below(64)) {
	case 0: return 505 + random_below(8192 - 505 + 1);
	case 1: return usual[random_below(7)];
	case 2: return 2048 - random_below(70);
	case 3: return 4096 - random_below(70);
	default: return random_below(2) ? 505 + random_below(100) : 950 + random_below(100);
	}
}

struct job {
	struct number modulus, base, exponent;
	struct crypto_rsa_key *key;
	BIGNUM *expected;
};

static void exponent_set(struct number *exponent, uint32_t value)
{
	exponent->len = 0;
	for (int shift = 24; shift >= 0; shift -= 8)
		if (value >> shift)
			exponent->octets[exponent->len++] = (uint8_t)(value >> shift);
}

static void job_make(struct job *job, enum crypto_rsa_form form, size_t bits, uint32_t exponent)
{
	BIGNUM *n, *s, *e;

	modulus_fill(&job->modulus, bits, (enum shape)random_below(SHAPES));
	base_fill(&job->base, &job->modulus, (enum base)(random_below(2) ? BASE_RANDOM : random_below(BASES)));
	exponent_set(&job->exponent, exponent);
	job->key = crypto_rsa_key_new(form, slice_of(job->modulus.octets, job->modulus.len),
	                              slice_of(job->exponent.octets, job->exponent.len));
	assert_non_null(job->key);
	assert_int_equal(job->key->exponent, exponent);
	n = bn_of(&job->modulus);
	s = bn_of(&job->base);
	e = bn_of(&job->exponent);
	job->expected = BN_new();
	assert_true(BN_mod_exp_mont(job->expected, s, e, n, context, NULL));
	BN_free(n);
	BN_free(s);
	BN_free(e);
}

static void job_free(struct job *job)
{
	free(job->key);
	BN_free(job->expected);
}

/* From limbs at numbers[0], numbers[stride], ... */
static BIGNUM *bn_of_limbs(const uint64_t *limbs, size_t count, size_t stride, int bits)
{
	BIGNUM *bn = BN_new(), *limb = BN_new();

	assert_true(bn && limb);
	for (size_t i = count; i-- > 0;) {
		assert_true(bits == 64 || limbs[i * stride] >> bits == 0);
		assert_true(BN_lshift(bn, bn, bits) && BN_set_word(limb, limbs[i * stride]) && BN_add(bn, bn, limb));
	}
	BN_free(limb);
	return bn;
}

/* The result, or with `almost` that plus the modulus. */
static void expect(const struct job *job, BIGNUM *found, bool almost)
{
	BIGNUM *n = bn_of(&job->modulus);

	if (almost && BN_cmp(found, n) >= 0)
		BN_sub(found, found, n);
	if (BN_cmp(found, job->expected) != 0) {
		printf("seed state %llu, modulus ", (unsigned long long)random_state);
		BN_print_fp(stdout, n);
		fail_msg(" of %zu octets, exponent %u: wrong power", job->modulus.len, job->key->exponent);
	}
	BN_free(n);
	BN_free(found);
}

static void scalar_case(size_t bits, uint32_t exponent)
{
	uint64_t power[RSA_LIMBS64_MAX];
	struct job job;

	job_make(&job, CRYPTO_RSA_FORM_64, bits, exponent);
	rsa_power(job.key, job.base.octets, power);
	expect(&job, bn_of_limbs(power, job.key->limbs, 1, 64), false);
	job_free(&job);
}

static void scalar_random(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < cases_wanted; i++)
		scalar_case(bits_random(), exponent_random());
}

static bool lanes_are_there(void)
{
	return crypto_rsa_lanes_are_built() && crypto_cpu_detect().avx512_ifma;
}

/* Keys of about the same size share a number of limbs. */
static size_t bits_near(size_t bits)
{
	size_t limbs = crypto_rsa_limbs(CRYPTO_RSA_FORM_52, (bits + 7) / 8), near;

	for (int tries = 0; tries < 8; tries++) {
		near = bits > 600 ? bits - 50 + random_below(100) : bits + random_below(8);
		if (near <= 8192 && crypto_rsa_limbs(CRYPTO_RSA_FORM_52, (near + 7) / 8) == limbs)
			return near;
	}
	return bits;
}

/* One call of the kernel; `exponent` 0: any, and another in each lane. */
static void lanes_case(struct crypto_rsa_lanes *lanes, size_t bits, size_t count, uint32_t exponent)
{
	struct crypto_rsa_check checks[CRYPTO_RSA_LANES] = { 0 };
	struct job jobs[CRYPTO_RSA_LANES];
	size_t limbs = crypto_rsa_limbs(CRYPTO_RSA_FORM_52, (bits + 7) / 8);

	for (size_t i = 0; i < count; i++) {
		job_make(&jobs[i], CRYPTO_RSA_FORM_52, i ? bits_near(bits) : bits, exponent ? exponent : exponent_random());
		checks[i].key = jobs[i].key;
		checks[i].signature = jobs[i].base.octets;
	}
	rsa_lanes_load(lanes, checks, count);
	rsa_lanes_power(lanes, limbs);
	for (size_t i = 0; i < count; i++) {
		expect(&jobs[i], bn_of_limbs(&lanes->power.limbs[0][i], limbs, CRYPTO_RSA_LANES, 52), true);
		job_free(&jobs[i]);
	}
}

static void lanes_random(void **state)
{
	struct crypto_rsa_lanes *lanes = crypto_rsa_lanes_new();
	uint64_t done = 0;

	(void)state;
	if (!lanes_are_there())
		skip();
	assert_non_null(lanes);
	while (done < cases_wanted) {
		size_t count = 1 + random_below(CRYPTO_RSA_LANES);

		lanes_case(lanes, bits_random(), count, random_below(2) ? 0 : exponent_random());
		done += count;
	}
	crypto_rsa_lanes_free(lanes);
	printf("%llu cases of the eight-lane kernel\n", (unsigned long long)done);
}

/* One call of the kernel for a few, which have one exponent. */
static void few_case(size_t bits, size_t count)
{
	struct crypto_rsa_check checks[CRYPTO_RSA_FEW_MAX] = { 0 }, *each[CRYPTO_RSA_FEW_MAX];
	struct rsa_few few[CRYPTO_RSA_FEW_MAX];
	struct job jobs[CRYPTO_RSA_FEW_MAX];
	size_t limbs = crypto_rsa_limbs(CRYPTO_RSA_FORM_52, (bits + 7) / 8);
	uint32_t exponent = exponent_random();

	memset(few, 0xff, sizeof(few)); /* what was there before is nobody's */
	for (size_t i = 0; i < count; i++) {
		job_make(&jobs[i], CRYPTO_RSA_FORM_52, i ? bits_near(bits) : bits, exponent);
		checks[i].key = jobs[i].key;
		checks[i].signature = jobs[i].base.octets;
		each[i] = &checks[i];
	}
	rsa_few_power(few, each, count);
	for (size_t i = 0; i < count; i++) {
		for (size_t limb = limbs; limb < (limbs + 7) / 8 * 8; limb++)
			assert_int_equal(few[i].power.limbs[limb], 0);
		expect(&jobs[i], bn_of_limbs(few[i].power.limbs, limbs, 1, 52), true);
		job_free(&jobs[i]);
	}
}

static bool few_can(size_t bits)
{
	return lanes_are_there() && crypto_rsa_few_can(crypto_rsa_limbs(CRYPTO_RSA_FORM_52, (bits + 7) / 8));
}

static void few_random(void **state)
{
	struct crypto_rsa_lanes *lanes;
	uint64_t done = 0;

	(void)state;
	if (!lanes_are_there())
		skip();
	assert_true(few_can(4096) && !few_can(4200));
	lanes = crypto_rsa_lanes_new();
	assert_non_null(lanes);
	assert_true(crypto_rsa_few_agrees(lanes)); /* as at a start */
	crypto_rsa_lanes_free(lanes);
	while (done < cases_wanted) {
		size_t count = 1 + random_below(CRYPTO_RSA_FEW_MAX), bits = bits_random();

		if (!few_can(bits))
			continue;
		few_case(bits, count);
		done += count;
	}
	printf("%llu cases of the kernel for a few\n", (unsigned long long)done);
}

/* Every number of octets once: each number of limbs, each remainder. */
static void sizes(void **state)
{
	struct crypto_rsa_lanes *lanes = crypto_rsa_lanes_new();

	(void)state;
	for (size_t octets = 64; octets <= 1024; octets += octets < 260 ? 1 : 13) {
		size_t bits = octets * 8 - random_below(8);

		scalar_case(bits, 3);
		if (lanes_are_there())
			lanes_case(lanes, bits, 1 + random_below(CRYPTO_RSA_LANES), octets % 16 ? 3 : 0);
		if (few_can(bits))
			few_case(bits, 1 + random_below(CRYPTO_RSA_FEW_MAX));
	}
	crypto_rsa_lanes_free(lanes);
}

static uint64_t number_from_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

static int start(void **state)
{
	(void)state;
	random_state = number_from_environment("ASSAY_RSA_SEED", 5);
	cases_wanted = number_from_environment("ASSAY_RSA_CASES", CASES_DEFAULT);
	context = BN_CTX_new();
	return context ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	BN_CTX_free(context);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(scalar_random),
		cmocka_unit_test(lanes_random),
		cmocka_unit_test(few_random),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
