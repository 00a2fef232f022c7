/*
 * Goal:   the kernel's arithmetic is right at every place its bounds allow: numbers mod p and mod L, digits, SHA-512, and
 *         tables of multiples.
 * Method: against BN and EVP. Limbs are taken from their extremes as often as at random, and results are held against
 *         the bounds that the next step relies on.
 */
#include "crypto/ed25519_private.h"

#include "ed25519_oracle.h"
#include "unit.h"

#include <openssl/evp.h>
#include <stdlib.h>

#define ROUNDS 300

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

/* Numbers of eight lanes, as words that code without vectors can look at. */
struct lanes {
	uint64_t limb[FE8_LIMBS][ED25519_LANES];
};

/* Of the extremes below `max`, or at random. */
static uint64_t random_limb(uint64_t max)
{
	const uint64_t extremes[] = { 0, 1, 18, 19, FE8_MASK - 19, FE8_MASK - 18, FE8_MASK, FE8_MASK + 1, max - 2, max - 1 };

	return (random_word() & 1 ? extremes[random_word() % COUNT_OF(extremes)] : random_word()) % max;
}

static struct lanes random_lanes(uint64_t max)
{
	struct lanes lanes;

	for (int i = 0; i < FE8_LIMBS; i++)
		for (int lane = 0; lane < ED25519_LANES; lane++)
			lanes.limb[i][lane] = random_limb(max);
	/* Lane 0: all as large as they come, or p, or 0. */
	for (int i = 0; i < FE8_LIMBS; i++)
		lanes.limb[i][0] = random_state & 64 ? max - 1 : random_state & 128 ? FE8_MASK - (i ? 0 : 18) : 0;
	return lanes;
}

static BIGNUM *number_of(const struct lanes *lanes, int lane)
{
	BIGNUM *sum = BN_new();

	for (int i = FE8_LIMBS - 1; i >= 0; i--) {
		assert_int_equal(BN_lshift(sum, sum, FE8_LIMB_BITS), 1);
		assert_int_equal(BN_add_word(sum, lanes->limb[i][lane]), 1);
	}
	return sum;
}

ED25519_VECTOR static struct fe8 load(const struct lanes *lanes)
{
	struct fe8 a;

	for (int i = 0; i < FE8_LIMBS; i++)
		a.limb[i] = lanes_load(lanes->limb[i]);
	return a;
}

ED25519_VECTOR static void store(struct lanes *lanes, struct fe8 a)
{
	for (int i = 0; i < FE8_LIMBS; i++)
		lanes_store(lanes->limb[i], a.limb[i]);
}

enum op { MUL, SQR, ADD, SUB, NEG, INVERT, CANONICAL, WORDS, MUL_WIDE, SQR_WIDE, CARRY, F_OF_DOUBLE, OPS };

static const char *const op_names[OPS] = { "mul", "sqr", "add", "sub", "neg", "invert", "canonical", "words",
	                                   "mul_wide", "sqr_wide", "carry", "f_of_double" };

/* Inputs up to what the operation is specified for; CARRY: any words. */
static uint64_t input_max(enum op op)
{
	return op == MUL_WIDE || op == SQR_WIDE ? UINT64_C(1) << 52 : op == CARRY ? UINT64_MAX : FE8_LIMB_MAX;
}

static uint64_t output_max(enum op op)
{
	return op == MUL_WIDE || op == SQR_WIDE    ? FE8_PRODUCT_MAX
	       : op == CANONICAL || op == WORDS ? FE8_MASK + 1
	                                        : FE8_LIMB_MAX;
}

ED25519_VECTOR static struct fe8 through_words(struct fe8 a)
{
	__m512i words[4];

	fe8_to_words(a, words);
	return fe8_from_words(words);
}

ED25519_VECTOR static struct fe8 wide_as_it_is(struct fe8_wide a)
{
	return (struct fe8){ { a.limb[0], a.limb[1], a.limb[2], a.limb[3], a.limb[4] } };
}

/* 2 a^2 + b^2 - ab: the largest sum that point arithmetic carries. */
ED25519_VECTOR static struct fe8 largest_sum(struct fe8 a, struct fe8 b)
{
	struct fe8_wide aa = fe8_sqr_wide(a), bb = fe8_sqr_wide(b);

	return fe8_carry(fe8_sub_wide(fe8_add_wide(fe8_add_wide(aa, aa), bb), fe8_mul_wide(a, b)));
}

ED25519_VECTOR static void compute(enum op op, const struct lanes *left, const struct lanes *right, struct lanes *out)
{
	struct fe8 a = load(left), b = load(right);

	switch (op) {
	case MUL: a = fe8_mul(a, b); break;
	case SQR: a = fe8_sqr(a); break;
	case ADD: a = fe8_add(a, b); break;
	case SUB: a = fe8_sub(a, b); break;
	case NEG: a = fe8_neg(a); break;
	case INVERT: a = fe8_invert(a); break;
	case CANONICAL: a = fe8_canonical(a); break;
	case WORDS: a = through_words(a); break;
	case MUL_WIDE: a = wide_as_it_is(fe8_mul_wide(a, b)); break;
	case SQR_WIDE: a = wide_as_it_is(fe8_sqr_wide(a)); break;
	case CARRY: a = fe8_carry(fe8_widen(a)); break;
	case F_OF_DOUBLE: a = largest_sum(a, b); break;
	case OPS: break;
	}
	store(out, a);
}

static void expect(enum op op, BIGNUM *a, BIGNUM *b)
{
	BIGNUM *t = BN_new();

	switch (op) {
	case MUL:
	case MUL_WIDE: BN_mul(a, a, b, oracle.context); break;
	case SQR:
	case SQR_WIDE: BN_sqr(a, a, oracle.context); break;
	case ADD: BN_add(a, a, b); break;
	case SUB: BN_sub(a, a, b); break;
	case NEG: BN_set_negative(a, 1); break;
	case INVERT:
		BN_nnmod(a, a, oracle.p, oracle.context);
		if (!BN_is_zero(a))
			BN_mod_inverse(a, a, oracle.p, oracle.context);
		break;
	case F_OF_DOUBLE:
		BN_sqr(t, a, oracle.context);
		BN_lshift1(t, t);
		BN_mul(a, a, b, oracle.context);
		BN_sqr(b, b, oracle.context);
		BN_sub(a, b, a);
		BN_add(a, a, t);
		break;
	default: break;
	}
	BN_nnmod(a, a, oracle.p, oracle.context);
	BN_free(t);
}

static void check_op(enum op op)
{
	struct lanes a = random_lanes(input_max(op)), b = random_lanes(input_max(op)), out;

	compute(op, &a, &b, &out);
	for (int lane = 0; lane < ED25519_LANES; lane++) {
		BIGNUM *want = number_of(&a, lane), *other = number_of(&b, lane), *got = number_of(&out, lane);

		for (int i = 0; i < FE8_LIMBS; i++)
			if (out.limb[i][lane] >= output_max(op))
				fail_msg("%s: limb %d is above its bound", op_names[op], i);
		expect(op, want, other);
		if (op != CANONICAL && op != WORDS)
			BN_nnmod(got, got, oracle.p, oracle.context);
		if (BN_cmp(got, want))
			fail_msg("%s: got %s, want %s", op_names[op], BN_bn2hex(got), BN_bn2hex(want));
		BN_free(want);
		BN_free(other);
		BN_free(got);
	}
}

static void test_field(void **state)
{
	(void)state;
	for (int round = 0; round < ROUNDS; round++)
		for (int op = 0; op < OPS; op++)
			check_op((enum op)op);
}

ED25519_VECTOR static unsigned zero_lanes(const struct lanes *lanes)
{
	return fe8_is_zero(load(lanes));
}

static void test_is_zero(void **state)
{
	static const uint64_t p_limb_0 = FE8_MASK - 18;
	struct lanes lanes = { 0 };

	(void)state;
	for (int lane = 0; lane < ED25519_LANES; lane++) { /* 0, then p + lane - 2 */
		lanes.limb[0][lane] = lane ? p_limb_0 + (uint64_t)lane - 2 : 0;
		for (int i = 1; lane && i < FE8_LIMBS; i++)
			lanes.limb[i][lane] = FE8_MASK;
	}
	assert_int_equal(zero_lanes(&lanes), 1u << 0 | 1u << 2);
}

ED25519_VECTOR static void transpose(uint64_t words[ED25519_LANES][ED25519_LANES])
{
	__m512i row[ED25519_LANES];

	for (int i = 0; i < ED25519_LANES; i++)
		row[i] = lanes_load(words[i]);
	lanes_transpose(row);
	for (int i = 0; i < ED25519_LANES; i++)
		lanes_store(words[i], row[i]);
}

static void test_transpose(void **state)
{
	uint64_t words[ED25519_LANES][ED25519_LANES];

	(void)state;
	for (unsigned i = 0; i < 64; i++)
		words[i / 8][i % 8] = i;
	transpose(words);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(words[i % 8][i / 8], i);
}

static BIGNUM *scalar_number(const struct ed25519_scalar *scalar)
{
	BIGNUM *sum = BN_new();

	for (int i = ED25519_SCALAR_WORDS - 1; i >= 0; i--) {
		BN_lshift(sum, sum, 64);
		BN_add_word(sum, scalar->word[i]);
	}
	return sum;
}

static void check_digits(const struct ed25519_scalar *k, unsigned width, unsigned count)
{
	BIGNUM *want = scalar_number(k), *got = BN_new();
	int16_t digits[3 * ED25519_KEY_DIGITS];

	ed25519_scalar_digits(k, width, count, digits, 3);
	for (unsigned i = count; i-- > 0;) {
		int digit = digits[3 * i], half = 1 << (width - 1);

		assert_true(digit >= (i + 1 < count ? -half : 0) && digit <= (i + 1 < count ? half - 1 : half));
		BN_lshift(got, got, (int)width);
		if (digit < 0)
			BN_sub_word(got, (BN_ULONG)-digit);
		else
			BN_add_word(got, (BN_ULONG)digit);
	}
	assert_int_equal(BN_cmp(got, want), 0);
	BN_free(want);
	BN_free(got);
}

static void check_scalar(const uint8_t octets[64])
{
	struct ed25519_scalar reduced = ed25519_scalar_reduce(octets), read;
	BIGNUM *want = oracle_number(octets, 64), *low = oracle_number(octets, 32), *got = scalar_number(&reduced);

	BN_nnmod(want, want, oracle.order, oracle.context);
	assert_int_equal(BN_cmp(got, want), 0);
	check_digits(&reduced, ED25519_KEY_WIDTH, ED25519_KEY_DIGITS);
	check_digits(&reduced, ED25519_BASE_WIDTH, ED25519_BASE_DIGITS);
	assert_int_equal(ed25519_scalar_read(octets, &read), BN_cmp(low, oracle.order) < 0);
	BN_free(got);
	got = scalar_number(&read);
	assert_int_equal(BN_cmp(got, low), 0);
	BN_free(want);
	BN_free(low);
	BN_free(got);
}

/* Around every multiple of L that was thought of, and at the ends. */
static void check_scalars_near(const BIGNUM *factor)
{
	BIGNUM *n = BN_new();

	for (unsigned below = 0; below < 4; below++) {
		uint8_t octets[64];

		BN_mul(n, oracle.order, factor, oracle.context);
		BN_add_word(n, 1);
		BN_sub_word(n, below);
		if (!BN_is_negative(n) && BN_bn2lebinpad(n, octets, 64) == 64)
			check_scalar(octets);
	}
	BN_free(n);
}

static void test_scalar(void **state)
{
	BIGNUM *factor = BN_new();
	uint8_t octets[64];

	(void)state;
	for (int bit = 0; bit < 260; bit++) {
		for (unsigned less = 0; less < 2; less++) {
			BN_zero(factor);
			BN_set_bit(factor, bit);
			BN_sub_word(factor, less);
			check_scalars_near(factor);
		}
	}
	for (int round = 0; round < 20 * ROUNDS; round++) {
		random_octets(octets, sizeof(octets));
		for (size_t i = random_word() % 65; i < 64; i++)
			octets[i] = round & 1 ? 0xff : 0;
		check_scalar(octets);
	}
	BN_free(factor);
}

static void check_hash(size_t lanes, size_t len_max)
{
	static uint8_t messages[ED25519_LANES][1024];
	uint8_t signatures[ED25519_LANES][64], digests[ED25519_LANES][64];
	struct crypto_ed25519_key *keys[ED25519_LANES];
	struct crypto_ed25519_job jobs[ED25519_LANES];
	const struct crypto_ed25519_job *at[ED25519_LANES] = { NULL };

	for (size_t i = 0; i < ED25519_LANES; i++) {
		uint8_t point[32];

		random_octets(messages[i], sizeof(messages[i]));
		random_octets(signatures[i], sizeof(signatures[i]));
		random_octets(point, sizeof(point));
		assert_int_equal(crypto_ed25519_key_new(point, &keys[i]), 0);
		jobs[i] = (struct crypto_ed25519_job){ keys[i], slice_of(signatures[i], 64),
			                               slice_of(messages[i], random_word() % (len_max + 1)), false };
		at[i] = lanes >> i & 1 ? &jobs[i] : NULL;
	}
	ed25519_hash(at, digests);
	for (size_t i = 0; i < ED25519_LANES; i++) {
		uint8_t all[64 + 1024], want[64];

		memcpy(all, signatures[i], 32);
		memcpy(all + 32, keys[i]->point, 32);
		memcpy(all + 64, messages[i], jobs[i].message.len);
		assert_int_equal(EVP_Digest(all, 64 + jobs[i].message.len, want, NULL, EVP_sha512(), NULL), 1);
		if (at[i])
			assert_memory_equal(digests[i], want, 64);
		crypto_ed25519_key_free(keys[i]);
	}
}

static void test_hash(void **state)
{
	(void)state;
	for (size_t lanes = 0; lanes < 256; lanes++) {
		check_hash(lanes, 47);
		check_hash(lanes, 1024);
	}
}

static void check_entry(const struct ed25519_entry *entry, const struct oracle_point *want, const char *where, int index)
{
	BIGNUM *x = BN_new(), *y = BN_new(), *t = BN_new();
	BIGNUM *part[3];

	for (int n = 0; n < 3; n++) {
		struct lanes lanes;

		for (int i = 0; i < FE8_LIMBS; i++) {
			lanes.limb[i][0] = entry->word[FE8_LIMBS * n + i];
			assert_true(lanes.limb[i][0] < FE8_LIMB_MAX);
		}
		part[n] = number_of(&lanes, 0);
		BN_nnmod(part[n], part[n], oracle.p, oracle.context);
	}
	BN_mod_add(y, want->y, want->x, oracle.p, oracle.context);
	BN_mod_sub(x, want->y, want->x, oracle.p, oracle.context);
	BN_mod_mul(t, want->x, want->y, oracle.p, oracle.context);
	BN_mod_mul(t, t, oracle.d, oracle.p, oracle.context);
	BN_mod_lshift1(t, t, oracle.p, oracle.context);
	if (BN_cmp(part[0], y) || BN_cmp(part[1], x) || BN_cmp(part[2], t))
		fail_msg("%s, multiple %d", where, index + 1);
	for (int n = 0; n < 3; n++)
		BN_free(part[n]);
	BN_free(x);
	BN_free(y);
	BN_free(t);
}

/* Multiples 1 to `count` of `point`. */
static void check_row(const struct ed25519_entry *row, int count, const struct oracle_point *point, const char *where)
{
	struct oracle_point multiple = oracle_neutral();

	for (int i = 0; i < count; i++) {
		struct oracle_point next = oracle_add(&multiple, point);

		oracle_point_free(&multiple);
		multiple = next;
		check_entry(&row[i], &multiple, where, i);
	}
	oracle_point_free(&multiple);
}

static struct oracle_point times_power_of_2(const struct oracle_point *a, int power)
{
	BIGNUM *k = BN_new();
	struct oracle_point product;

	BN_set_bit(k, power);
	product = oracle_mul(k, a);
	BN_free(k);
	return product;
}

static void test_base_table(void **state)
{
	struct crypto_cpu cpu = crypto_cpu_detect();
	struct oracle_point base = oracle_base();
	struct crypto_ed25519 *ed25519;

	(void)state;
	assert_int_equal(crypto_ed25519_new(&cpu, &ed25519), 0);
	for (int i = 0; i < ED25519_BASE_ROWS; i++) {
		struct oracle_point first = times_power_of_2(&base, ED25519_BASE_WIDTH * ED25519_BASE_STEPS * i);

		check_row(ed25519->row[i], ED25519_BASE_MULTIPLES, &first, "base");
		oracle_point_free(&first);
	}
	oracle_point_free(&base);
	crypto_ed25519_free(ed25519);
}

static void check_key_table(const struct crypto_ed25519_key *key)
{
	struct oracle_point a;

	if (!oracle_decode(key->point, &a)) {
		assert_int_equal(key->state, ED25519_KEY_REFUSED);
		return;
	}
	assert_int_equal(key->state, ED25519_KEY_READY);
	BN_mod_sub(a.x, oracle.p, a.x, oracle.p, oracle.context);
	for (int i = 0; i < ED25519_KEY_ROWS; i++) {
		struct oracle_point first = times_power_of_2(&a, ED25519_KEY_WIDTH * ED25519_STEPS * i);

		check_row(key->row[i], ED25519_KEY_MULTIPLES, &first, "key");
		oracle_point_free(&first);
	}
	oracle_point_free(&a);
}

/* All y of 0 to 18 and p - 2 to p + 18 with both signs, which has all special cases, then random ones; 1 to 8 at once. */
static void test_key_tables(void **state)
{
	enum { SPECIAL = 80, KEYS = SPECIAL + 40 };
	struct crypto_ed25519_key *keys[KEYS];
	size_t done = 0;

	(void)state;
	for (unsigned i = 0; i < KEYS; i++) {
		uint8_t point[32];

		random_octets(point, sizeof(point));
		if (i < SPECIAL) {
			memset(point, i / 2 < 19 ? 0 : 0xff, sizeof(point));
			point[0] = (uint8_t)(i / 2 < 19 ? i / 2 : 0xeb + i / 2 - 19);
			point[31] = (uint8_t)((point[31] & 0x7f) | i % 2 << 7);
		}
		assert_int_equal(crypto_ed25519_key_new(point, &keys[i]), 0);
	}
	for (size_t n = 1; done < KEYS; done += n, n = n % ED25519_LANES + 1) {
		n = n < KEYS - done ? n : KEYS - done;
		ed25519_keys_make(keys + done, n);
	}
	for (unsigned i = 0; i < KEYS; i++) {
		check_key_table(keys[i]);
		crypto_ed25519_key_free(keys[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_field),   cmocka_unit_test(test_is_zero),    cmocka_unit_test(test_transpose),
		cmocka_unit_test(test_scalar),  cmocka_unit_test(test_hash),       cmocka_unit_test(test_base_table),
		cmocka_unit_test(test_key_tables),
	};
	int failed;

	if (!crypto_cpu_detect().avx512_ifma)
		return 77;
	oracle_init();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	oracle_deinit();
	return failed;
}
