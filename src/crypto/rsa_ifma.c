/*
 * Eight signatures at a time, with AVX-512 IFMA: every register holds one limb of 52 bits of each lane.
 *
 * Montgomery multiplication by columns. Column k of a * b + q * n is the sum of what has the weight 2^52k: the low
 * halves of a[i] * b[k - i] and q[i] * n[k - i], the high halves of those of column k - 1, and the carry. Going up
 * through the columns, q[k] is chosen for k < limbs so that column k becomes 0 modulo 2^52; the columns from `limbs` on
 * are the result, (a * b + q * n) / R with R = 2^(52 * limbs). CRYPTO_RSA_BLOCK columns are summed at a time, in registers,
 * with the sums of low and high halves apart: each of their 20 chains of additions gets one product a row, so that the
 * processor has always enough that does not wait for anything.
 *
 * Limbs that are multiplied are below 2^52: the instructions look at no more bits.
 *
 * Sums fit into 64 bits. A half of a product is below 2^52. Of the pairs (i, j) with i + j = k there are at most `limbs`
 * (a square takes pairs with i < j once and doubles them: not more in all), so lo[] and hi[] each have at most `limbs`
 * of a * b and as many of q * n: below 2 * limbs * 2^52. A column is lo[] + hi[] of the one before + carry, where carry
 * <= column / 2^52 + 1 of the one before; with carry < 8 * limbs, a column is below 4 * limbs * 2^52 + 8 * limbs, and the
 * next carry below 4 * limbs + 2 again. limbs <= 160 makes that less than 2^62.
 *
 * Results are below 2n when a and b are, for 4n < R (crypto_rsa_limbs() sees to it): a * b + q * n < 4n^2 + R * n, and
 * over R that is less than n * (4n / R + 1) < 2n. So nothing is subtracted between steps, and the last column carries
 * nothing out: 2n < R.
 */
#include "crypto/rsa_parts.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(4 * CRYPTO_RSA_LIMBS_MAX + 2 < 8 * CRYPTO_RSA_LIMBS_MAX && 4 * CRYPTO_RSA_LIMBS_MAX < 1 << 10,
               "a column's sum would not fit");
_Static_assert(CRYPTO_RSA_BLOCK % 2 == 0, "squares would begin within a pair of columns");

struct crypto_rsa_lanes *crypto_rsa_lanes_new(void)
{
	struct crypto_rsa_lanes *lanes = aligned_alloc(64, sizeof(*lanes));

	if (lanes)
		memset(lanes, 0, sizeof(*lanes));
	return lanes;
}

void crypto_rsa_lanes_free(struct crypto_rsa_lanes *lanes)
{
	free(lanes);
}

static void numbers_set(struct rsa_numbers *numbers, size_t lane, const uint64_t *limbs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		numbers->limbs[i][lane] = limbs[i];
}

static void numbers_set_octets(struct rsa_numbers *numbers, size_t lane, const uint8_t *octets,
                               const struct crypto_rsa_key *key)
{
	rsa_limbs_from_octets(CRYPTO_RSA_FORM_52, slice_of(octets, key->octets), key->limbs, &numbers->limbs[0][lane],
	                      CRYPTO_RSA_LANES);
}

void rsa_lanes_load(struct crypto_rsa_lanes *lanes, const struct crypto_rsa_check *checks, size_t count)
{
	ASSERT(count >= 1 && count <= CRYPTO_RSA_LANES);
	for (size_t lane = 0; lane < CRYPTO_RSA_LANES; lane++) {
		const struct crypto_rsa_check *check = &checks[lane < count ? lane : 0];
		const struct crypto_rsa_key *key = check->key;

		ASSERT(key->form == CRYPTO_RSA_FORM_52 && key->limbs == checks[0].key->limbs);
		numbers_set(&lanes->modulus, lane, key->modulus, key->limbs);
		numbers_set(&lanes->power, lane, key->r_squared, key->limbs);
		numbers_set_octets(&lanes->base, lane, check->signature, key);
		lanes->inverse[lane] = key->inverse;
		lanes->exponents[lane] = key->exponent;
	}
}

#if defined(__x86_64__) && !defined(CRYPTO_OPENSSL_ALONE)
#include "crypto/ifma.h"

bool crypto_rsa_lanes_are_built(void)
{
	return true;
}

enum { BLOCK = CRYPTO_RSA_BLOCK };

/* The sums of a block of columns, whose first is `first`. */
struct columns {
	limb8 lo[BLOCK], hi[BLOCK]; /* of the halves; hi[c] belongs to the column after c */
};

IFMA_INLINE void columns_zero(struct columns *sums)
{
	UNROLLED
	for (int c = 0; c < BLOCK; c++)
		sums->lo[c] = sums->hi[c] = _mm512_setzero_si512();
}

/* a * b[0], a * b[1], ... into the columns from..to - 1. */
IFMA_INLINE void row(struct columns *sums, limb8 a, const limb8 *b, int from, int to)
{
	UNROLLED
	for (int c = from; c < to; c++) {
		sums->lo[c] = _mm512_madd52lo_epu64(sums->lo[c], a, b[c - from]);
		sums->hi[c] = _mm512_madd52hi_epu64(sums->hi[c], a, b[c - from]);
	}
}

/* The rows i of which all of the block's columns have a product. */
IFMA_INLINE void rows(struct columns *sums, const limb8 *a, const limb8 *b, size_t first, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		row(sums, a[i], &b[first - i], 0, BLOCK);
}

/* first < limbs: the rows i >= first, which begin within the block, at b[0]. */
IFMA_INLINE void rows_begin(struct columns *sums, const limb8 *a, const limb8 *b, size_t first)
{
	UNROLLED
	for (int d = 0; d < BLOCK; d++)
		row(sums, a[first + (size_t)d], b, d, BLOCK);
}

/* first >= limbs: the rows i <= first - limbs + BLOCK - 1, which end within the block, at b[limbs - 1]. */
IFMA_INLINE void rows_end(struct columns *sums, const limb8 *a, const limb8 *b, size_t first, size_t limbs)
{
	UNROLLED
	for (int d = 0; d < BLOCK - 1; d++)
		row(sums, a[first - limbs + 1 + (size_t)d], &b[limbs - 1 - (size_t)d], 0, d + 1);
}

/* The pairs i < j about i = j = first / 2. */
IFMA_INLINE void square_middle(struct columns *sums, const limb8 *a, size_t first)
{
	UNROLLED
	for (int d = 0; d < BLOCK / 2; d++) {
		size_t i = first / 2 + (size_t)d;

		row(sums, a[i], &a[i + 1], 2 * d + 1, BLOCK);
	}
}

/* The pairs i < j of the last block, in which rows begin and end: first is 2 * limbs - BLOCK. */
IFMA_INLINE void square_last(struct columns *sums, const limb8 *a, size_t limbs)
{
	const limb8 *top = a + limbs - BLOCK;

	UNROLLED
	for (int i = 1; i < BLOCK; i++) {
		int j = i + 1 > BLOCK - i ? i + 1 : BLOCK - i;

		row(sums, top[i], &top[j], i + j - BLOCK, i);
	}
}

/* Twice the pairs i < j, and the squares of limbs, which are in the even columns. */
IFMA_INLINE void square_double(struct columns *sums, const limb8 *a, size_t first)
{
	UNROLLED
	for (int c = 0; c < BLOCK; c++) {
		sums->lo[c] = _mm512_add_epi64(sums->lo[c], sums->lo[c]);
		sums->hi[c] = _mm512_add_epi64(sums->hi[c], sums->hi[c]);
	}
	UNROLLED
	for (int d = 0; d < BLOCK / 2; d++) {
		limb8 limb = a[first / 2 + (size_t)d];

		row(sums, limb, &a[first / 2 + (size_t)d], 2 * d, 2 * d + 1);
	}
}

/* What column c of the block comes to; carry: from the column before it, into the first also its high halves. */
IFMA_INLINE limb8 column_sum(const struct columns *sums, int c, limb8 carry)
{
	limb8 sum = _mm512_add_epi64(sums->lo[c], carry);

	return c > 0 ? _mm512_add_epi64(sum, sums->hi[c - 1]) : sum;
}

/*
 * first < limbs: chooses q[first..] and adds the rows of q * n that begin in the block. Column c becomes t + lo(q * n[0]),
 * which is 0 modulo 2^52; as lo() is below 2^52, that is t rounded up to the next multiple of 2^52: so the carry is known
 * without waiting for q. Returns what is carried into the next block.
 */
IFMA_INLINE limb8 columns_reduce(struct columns *sums, limb8 *q, const limb8 *n, size_t first, limb8 inverse, limb8 carry)
{
	UNROLLED
	for (int c = 0; c < BLOCK; c++) {
		limb8 t = column_sum(sums, c, carry), quotient;

		quotient = _mm512_madd52lo_epu64(_mm512_setzero_si512(), t, inverse);
		q[first + (size_t)c] = quotient;
		carry = _mm512_srli_epi64(_mm512_add_epi64(t, mask52()), 52);
		sums->hi[c] = _mm512_madd52hi_epu64(sums->hi[c], quotient, n[0]);
		row(sums, quotient, &n[1], c + 1, BLOCK);
	}
	return _mm512_add_epi64(carry, sums->hi[BLOCK - 1]);
}

/* first >= limbs: the columns as limbs of the result. Returns what is carried into the next block. */
IFMA_INLINE limb8 columns_finish(const struct columns *sums, limb8 *out, limb8 carry)
{
	UNROLLED
	for (int c = 0; c < BLOCK; c++) {
		limb8 t = column_sum(sums, c, carry);

		out[c] = _mm512_and_si512(t, mask52());
		carry = _mm512_srli_epi64(t, 52);
	}
	return _mm512_add_epi64(carry, sums->hi[BLOCK - 1]);
}

struct modulus8 {
	const limb8 *n;
	limb8 *q;
	limb8 inverse;
	size_t limbs;
};

/* The rows of q * n in a block from `limbs` on: all of q is known. */
IFMA_INLINE void reduce_rows(struct columns *sums, const struct modulus8 *m, size_t first)
{
	rows_end(sums, m->q, m->n, first, m->limbs);
	rows(sums, m->q, m->n, first, first - m->limbs + BLOCK, m->limbs);
}

/*
 * out = a * b / R modulo n, below 2n. `out` may be a or b: the limbs that a block writes are below those that any later
 * block reads.
 */
IFMA static void multiply(const struct modulus8 *m, const limb8 *a, const limb8 *b, limb8 *out)
{
	limb8 carry = _mm512_setzero_si512();
	size_t first = 0, limbs = m->limbs;
	struct columns sums;

	for (; first < limbs; first += BLOCK) {
		columns_zero(&sums);
		rows(&sums, a, b, first, 0, first);
		rows_begin(&sums, a, b, first);
		rows(&sums, m->q, m->n, first, 0, first);
		carry = columns_reduce(&sums, m->q, m->n, first, m->inverse, carry);
	}
	for (; first < 2 * limbs; first += BLOCK) {
		columns_zero(&sums);
		rows_end(&sums, a, b, first, limbs);
		rows(&sums, a, b, first, first - limbs + BLOCK, limbs);
		reduce_rows(&sums, m, first);
		carry = columns_finish(&sums, &out[first - limbs], carry);
	}
}

/* out = a * a / R modulo n, as multiply(), in three quarters of its time. */
IFMA static void square(const struct modulus8 *m, const limb8 *a, limb8 *out)
{
	limb8 carry = _mm512_setzero_si512();
	size_t first = 0, limbs = m->limbs;
	struct columns sums;

	for (; first < limbs; first += BLOCK) {
		columns_zero(&sums);
		rows(&sums, a, a, first, 0, first / 2);
		square_middle(&sums, a, first);
		square_double(&sums, a, first);
		rows(&sums, m->q, m->n, first, 0, first);
		carry = columns_reduce(&sums, m->q, m->n, first, m->inverse, carry);
	}
	for (; first < 2 * limbs - BLOCK; first += BLOCK) {
		columns_zero(&sums);
		rows_end(&sums, a, a, first, limbs);
		rows(&sums, a, a, first, first - limbs + BLOCK, first / 2);
		square_middle(&sums, a, first);
		square_double(&sums, a, first);
		reduce_rows(&sums, m, first);
		carry = columns_finish(&sums, &out[first - limbs], carry);
	}
	columns_zero(&sums);
	square_last(&sums, a, limbs);
	square_double(&sums, a, first);
	reduce_rows(&sums, m, first);
	(void)columns_finish(&sums, &out[first - limbs], carry);
}

IFMA_INLINE limb8 *numbers_at(struct rsa_numbers *numbers)
{
	return (limb8 *)&numbers->limbs[0][0];
}

/* to = from in the lanes of `chosen`. */
IFMA static void numbers_blend(struct rsa_numbers *to, struct rsa_numbers *from, __mmask8 chosen, size_t limbs)
{
	limb8 *a = numbers_at(to), *b = numbers_at(from);

	for (size_t i = 0; i < limbs; i++)
		a[i] = _mm512_mask_mov_epi64(a[i], chosen, b[i]);
}

#define ALL_LANES 0xff

/* The lanes whose exponent is not 0 when shifted, and with `odd` those in which it is odd then. */
static unsigned exponents_mask(const struct crypto_rsa_lanes *lanes, int shift, bool odd)
{
	unsigned mask = 0;

	for (unsigned lane = 0; lane < CRYPTO_RSA_LANES; lane++) {
		uint64_t shifted = (uint64_t)lanes->exponents[lane] >> shift;

		mask |= (unsigned)(odd ? shifted & 1 : shifted != 0) << lane;
	}
	return mask;
}

/* power *= factor in the lanes of `chosen`. */
IFMA static void power_multiply(struct crypto_rsa_lanes *lanes, const struct modulus8 *m, struct rsa_numbers *factor,
                                unsigned chosen)
{
	limb8 *power = numbers_at(&lanes->power);

	if (chosen == ALL_LANES) {
		multiply(m, power, numbers_at(factor), power);
	} else if (chosen) {
		multiply(m, power, numbers_at(factor), numbers_at(&lanes->spare));
		numbers_blend(&lanes->power, &lanes->spare, (__mmask8)chosen, m->limbs);
	}
}

/*
 * Square and multiply, from the most significant bit of the longest exponent on; a lane with a shorter one stays at s * R
 * until its own most significant bit has passed. Exponents are odd and at least 3, so bit 0 is the same for all, and
 * its factor is s itself instead of s * R, which takes R out again: (x * R) * s / R. That result is below
 * (2n * n + R * n) / R < 1.5n.
 */
IFMA void rsa_lanes_power(struct crypto_rsa_lanes *lanes, size_t limbs)
{
	struct modulus8 m = { numbers_at(&lanes->modulus), numbers_at(&lanes->quotients),
		              _mm512_load_si512(lanes->inverse), limbs };
	limb8 *power = numbers_at(&lanes->power);
	int bit = 31;

	multiply(&m, numbers_at(&lanes->base), power, numbers_at(&lanes->base_r)); /* R^2 was loaded there */
	numbers_blend(&lanes->power, &lanes->base_r, ALL_LANES, limbs);
	while (!exponents_mask(lanes, bit, false))
		bit--;
	while (bit-- > 0) {
		unsigned begun = exponents_mask(lanes, bit + 1, false), odd = exponents_mask(lanes, bit, true);

		square(&m, power, power);
		if (begun != ALL_LANES)
			numbers_blend(&lanes->power, &lanes->base_r, (__mmask8)~begun, limbs);
		power_multiply(lanes, &m, bit > 0 ? &lanes->base_r : &lanes->base, begun & odd);
	}
}

/* Limbs of both are below 2^52 but for the sum's, whose carry is 0 or 1. */
IFMA unsigned rsa_lanes_equal(const struct crypto_rsa_lanes *lanes, size_t limbs)
{
	const limb8 *power = (const limb8 *)&lanes->power, *expected = (const limb8 *)&lanes->spare;
	const limb8 *n = (const limb8 *)&lanes->modulus;
	__mmask8 same = ALL_LANES, same_plus = ALL_LANES;
	limb8 carry = _mm512_setzero_si512();

	for (size_t i = 0; i < limbs; i++) {
		limb8 sum = _mm512_add_epi64(_mm512_add_epi64(expected[i], n[i]), carry);

		same &= _mm512_cmpeq_epi64_mask(power[i], expected[i]);
		same_plus &= _mm512_cmpeq_epi64_mask(power[i], _mm512_and_si512(sum, mask52()));
		carry = _mm512_srli_epi64(sum, 52);
	}
	return (unsigned)(same | same_plus);
}

#else
bool crypto_rsa_lanes_are_built(void)
{
	return false;
}

void rsa_lanes_power(struct crypto_rsa_lanes *lanes, size_t limbs)
{
	(void)lanes, (void)limbs;
	ASSERT(false);
}

unsigned rsa_lanes_equal(const struct crypto_rsa_lanes *lanes, size_t limbs)
{
	(void)lanes, (void)limbs;
	return 0;
}
#endif

void crypto_rsa_lanes_verify(struct crypto_rsa_lanes *lanes, struct crypto_rsa_check *checks, size_t count)
{
	size_t limbs = checks[0].key->limbs;
	unsigned equal;

	rsa_lanes_load(lanes, checks, count);
	rsa_lanes_power(lanes, limbs);
	for (size_t lane = 0; lane < CRYPTO_RSA_LANES; lane++) {
		const struct crypto_rsa_check *check = &checks[lane < count ? lane : 0];
		uint8_t encoded[CRYPTO_RSA_MODULUS_OCTETS_MAX];

		rsa_encode(check, encoded);
		numbers_set_octets(&lanes->spare, lane, encoded, check->key);
	}
	equal = rsa_lanes_equal(lanes, limbs);
	for (size_t lane = 0; lane < count; lane++)
		checks[lane].valid = equal >> lane & 1;
}
