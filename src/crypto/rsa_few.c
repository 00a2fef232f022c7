/*
 * One, two or three signatures at a time, with AVX-512 IFMA: a number lies along registers, eight of its limbs of 52 bits
 * in each. Eight lanes take the same time however few are filled; this takes a third of theirs for one, three fifths for three.
 *
 * Montgomery multiplication by rows. With each limb b[i], a * b[i] is added to the sums, then the multiple q of n that
 * makes the lowest sum 0 modulo 2^52; what is left of it is carried, and all sums move down by a limb, before the high
 * halves are added, which belong a limb higher. After `limbs` rows that is (a * b + q * n) / R with R = 2^(52 * limbs).
 * A row's q waits for the row before: about 18 cycles, in which one signature of 2048 bits has 11 for the multipliers
 * (21 instructions, two a cycle). So others beside it are cheap, as long as the sums fit into registers.
 *
 * Limbs that are multiplied are below 2^52: the instructions look at no more bits. Those above `limbs` are zero.
 *
 * Sums fit into 64 bits: a row adds four halves of products to one, each below 2^52, while it moves down from the highest
 * place to the lowest, so with what is carried into the lowest it is below (4 * limbs + 1) * 2^52.
 *
 * Results are below 2n when a and b are, as with eight lanes (rsa_ifma.c), and then below R / 2.
 */
#include "crypto/rsa_parts.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(4 * RSA_FEW_LIMBS_MAX + 1 < 1 << 10, "what is carried from a sum would be above 2^10");
_Static_assert(CRYPTO_RSA_FEW_MAX == 3, "products() knows so many");

#if defined(__x86_64__) && !defined(CRYPTO_OPENSSL_ALONE)
#include "crypto/ifma.h"

#define VECTORS_MAX (RSA_FEW_LIMBS_MAX / 8)

bool crypto_rsa_few_can(size_t limbs)
{
	return limbs <= RSA_FEW_LIMBS_MAX;
}

/* out = a * b / R modulo n; out may be a or b. */
struct product {
	const struct rsa_number *a, *b, *n;
	struct rsa_number *out;
	uint64_t inverse;
};

IFMA_INLINE limb8 limbs_at(const struct rsa_number *number, int vector)
{
	return _mm512_load_si512(&number->limbs[8 * vector]);
}

__extension__ typedef unsigned __int128 bits128; /* a bit of each limb; an exception as limb8 is */

/* The bits that `carries` are carried to when those above them, `full`, hand them on: as a number's own addition does it. */
static inline bits128 carried(bits128 carries, bits128 full, const int vectors)
{
	uint64_t carries64 = (uint64_t)carries, full64 = (uint64_t)full;

	if (vectors <= 8)
		return ((carries64 | full64) + carries64) ^ full64;
	return ((carries | full) + carries) ^ full;
}

/* What is carried from sums is below 2^10; with that added to the rest of the next one it is 1, or goes on from a full one. */
IFMA_INLINE void sums_finish(limb8 *sums, struct rsa_number *out, const int vectors)
{
	limb8 carry, below = _mm512_setzero_si512();
	bits128 carries = 0, full = 0;

	UNROLLED
	for (int v = 0; v < vectors; v++) {
		carry = _mm512_srli_epi64(sums[v], 52);
		sums[v] = _mm512_add_epi64(_mm512_and_si512(sums[v], mask52()), _mm512_alignr_epi64(carry, below, 7));
		below = carry;
		carries |= (bits128)_mm512_cmpgt_epu64_mask(sums[v], mask52()) << (8 * v);
		full |= (bits128)_mm512_cmpeq_epu64_mask(sums[v], mask52()) << (8 * v);
	}
	carries = carried(carries, full, vectors);
	UNROLLED
	for (int v = 0; v < vectors; v++) {
		__mmask8 plus = (__mmask8)(carries >> (8 * v));
		limb8 sum = _mm512_mask_add_epi64(sums[v], plus, sums[v], _mm512_set1_epi64(1));

		_mm512_store_si512(&out->limbs[8 * v], _mm512_and_si512(sum, mask52()));
	}
}

/* The lowest sums have their own way, for they are what the next row waits for: nothing is added to them but at its end. */
IFMA_INLINE void row(const struct product *p, limb8 *sums, limb8 b, const int vectors)
{
	limb8 zero = _mm512_setzero_si512(), inverse = _mm512_set1_epi64((long long)p->inverse), quotient, high, carry;

	sums[0] = _mm512_add_epi64(sums[0], _mm512_madd52lo_epu64(zero, limbs_at(p->a, 0), b));
	quotient = _mm512_madd52lo_epu64(zero, sums[0], inverse);
	quotient = _mm512_broadcastq_epi64(_mm512_castsi512_si128(quotient));
	high = _mm512_madd52hi_epu64(_mm512_madd52hi_epu64(zero, limbs_at(p->a, 0), b), limbs_at(p->n, 0), quotient);
	sums[0] = _mm512_madd52lo_epu64(sums[0], limbs_at(p->n, 0), quotient);
	carry = _mm512_maskz_srli_epi64(1, sums[0], 52);
	UNROLLED
	for (int v = 1; v < vectors; v++) {
		sums[v] = _mm512_madd52lo_epu64(sums[v], limbs_at(p->a, v), b);
		sums[v] = _mm512_madd52lo_epu64(sums[v], limbs_at(p->n, v), quotient);
	}
	sums[0] = _mm512_add_epi64(_mm512_alignr_epi64(sums[1], sums[0], 1), _mm512_add_epi64(high, carry));
	UNROLLED
	for (int v = 1; v < vectors; v++) {
		sums[v] = _mm512_alignr_epi64(v + 1 < vectors ? sums[v + 1] : zero, sums[v], 1);
		sums[v] = _mm512_madd52hi_epu64(sums[v], limbs_at(p->a, v), b);
		sums[v] = _mm512_madd52hi_epu64(sums[v], limbs_at(p->n, v), quotient);
	}
}

/* `count` products side by side, of numbers in so many vectors. */
IFMA_INLINE void multiply(const struct product *p, size_t limbs, const int count, const int vectors)
{
	limb8 sums[CRYPTO_RSA_FEW_MAX][VECTORS_MAX];

	UNROLLED
	for (int i = 0; i < count; i++)
		UNROLLED
		for (int v = 0; v < vectors; v++)
			sums[i][v] = _mm512_setzero_si512();
	for (size_t limb = 0; limb < limbs; limb++)
		UNROLLED
		for (int i = 0; i < count; i++)
			row(&p[i], sums[i], _mm512_set1_epi64((long long)p[i].b->limbs[limb]), vectors);
	UNROLLED
	for (int i = 0; i < count; i++)
		sums_finish(sums[i], p[i].out, vectors);
}

IFMA static void multiply_24(const struct product *p, size_t limbs, size_t count)
{
	switch (count) {
	case 1: multiply(p, limbs, 1, 3); return;
	case 2: multiply(p, limbs, 2, 3); return;
	default: multiply(p, limbs, 3, 3); return;
	}
}

IFMA static void multiply_40(const struct product *p, size_t limbs, size_t count)
{
	switch (count) {
	case 1: multiply(p, limbs, 1, 5); return;
	case 2: multiply(p, limbs, 2, 5); return;
	default: multiply(p, limbs, 3, 5); return;
	}
}

/* Of larger ones no two fit into the registers, and side by side they are no quicker than one after the other. */
IFMA static void multiply_64(const struct product *p, size_t limbs)
{
	multiply(p, limbs, 1, 8);
}

IFMA static void multiply_80(const struct product *p, size_t limbs)
{
	multiply(p, limbs, 1, 10);
}

/* How many vectors the products of such numbers are made of. */
static size_t vectors_of(size_t limbs)
{
	return limbs <= 24 ? 3 : limbs <= 40 ? 5 : limbs <= 64 ? 8 : 10;
}

static void products(const struct product *p, size_t limbs, size_t count)
{
	size_t vectors = vectors_of(limbs);

	if (vectors == 3)
		multiply_24(p, limbs, count);
	else if (vectors == 5)
		multiply_40(p, limbs, count);
	else
		for (size_t i = 0; i < count; i++)
			(vectors == 8 ? multiply_64 : multiply_80)(&p[i], limbs);
}

/* `limbs` of it were or will be set. */
static void zeroes_above(struct rsa_number *number, size_t limbs)
{
	memset(&number->limbs[limbs], 0, (8 * vectors_of(limbs) - limbs) * sizeof(uint64_t));
}

static void number_set(struct rsa_number *number, const uint64_t *from, size_t limbs)
{
	memcpy(number->limbs, from, limbs * sizeof(uint64_t));
	zeroes_above(number, limbs);
}

static void load(struct rsa_few *few, const struct crypto_rsa_check *check)
{
	const struct crypto_rsa_key *key = check->key;

	number_set(&few->modulus, key->modulus, key->limbs);
	number_set(&few->power, key->r_squared, key->limbs);
	rsa_limbs_from_octets(CRYPTO_RSA_FORM_52, slice_of(check->signature, key->octets), key->limbs, few->base.limbs, 1);
	zeroes_above(&few->base, key->limbs);
}

/* From the exponent's most significant bit on; the last factor is s itself, not s * R, which takes R out again. */
void rsa_few_power(struct rsa_few *few, struct crypto_rsa_check *const checks[], size_t count)
{
	struct product first[CRYPTO_RSA_FEW_MAX], square[CRYPTO_RSA_FEW_MAX], times[CRYPTO_RSA_FEW_MAX];
	size_t limbs = checks[0]->key->limbs;
	uint32_t exponent = checks[0]->key->exponent;

	ASSERT(count >= 1 && count <= CRYPTO_RSA_FEW_MAX && crypto_rsa_few_can(limbs) && exponent >= 3 && exponent % 2);
	for (size_t i = 0; i < count; i++) {
		const struct crypto_rsa_key *key = checks[i]->key;
		struct rsa_few *one = &few[i];

		ASSERT(key->form == CRYPTO_RSA_FORM_52 && key->limbs == limbs && key->exponent == exponent);
		load(one, checks[i]);
		square[i] = (struct product){ &one->power, &one->power, &one->modulus, &one->power, key->inverse };
		first[i] = times[i] = square[i];
		first[i].a = &one->base;
		first[i].out = &one->base_r;
		times[i].b = &one->base_r;
	}
	products(first, limbs, count); /* R^2 was loaded there */
	for (size_t i = 0; i < count; i++)
		number_set(&few[i].power, few[i].base_r.limbs, limbs);
	for (int bit = 30 - __builtin_clz(exponent); bit >= 0; bit--) {
		products(square, limbs, count);
		for (size_t i = 0; bit == 0 && i < count; i++)
			times[i].b = &few[i].base;
		if (exponent >> bit & 1)
			products(times, limbs, count);
	}
}

#else
bool crypto_rsa_few_can(size_t limbs)
{
	(void)limbs;
	return false;
}

void rsa_few_power(struct rsa_few *few, struct crypto_rsa_check *const checks[], size_t count)
{
	(void)few, (void)checks, (void)count;
	ASSERT(false);
}
#endif

/* Is the power that number, or that plus the modulus? */
static bool power_is(const struct rsa_few *few, const uint64_t *expected, size_t limbs)
{
	uint64_t other = 0, other_plus = 0, carry = 0;

	for (size_t i = 0; i < limbs; i++) {
		uint64_t sum = expected[i] + few->modulus.limbs[i] + carry;

		other |= few->power.limbs[i] ^ expected[i];
		other_plus |= few->power.limbs[i] ^ (sum & (((uint64_t)1 << 52) - 1));
		carry = sum >> 52;
	}
	return other == 0 || other_plus == 0;
}

/* Those of one exponent beside each other. */
static void by_exponent(struct crypto_rsa_check *checks, size_t count, struct crypto_rsa_check *out[])
{
	for (size_t i = 0; i < count; i++) {
		size_t at = i;

		for (; at > 0 && out[at - 1]->key->exponent > checks[i].key->exponent; at--)
			out[at] = out[at - 1];
		out[at] = &checks[i];
	}
}

/* How many of the next go together: those of one exponent, and rather two and two than three and one. */
static size_t together(struct crypto_rsa_check *const checks[], size_t left)
{
	size_t same = 1;

	while (same < left && checks[same]->key->exponent == checks[0]->key->exponent)
		same++;
	return same == 4 ? 2 : same < CRYPTO_RSA_FEW_MAX ? same : CRYPTO_RSA_FEW_MAX;
}

void crypto_rsa_few_verify(struct crypto_rsa_check *checks, size_t count)
{
	struct crypto_rsa_check *sorted[CRYPTO_RSA_LANES];
	struct rsa_few few[CRYPTO_RSA_FEW_MAX];

	ASSERT(count <= CRYPTO_RSA_LANES);
	by_exponent(checks, count, sorted);
	for (size_t at = 0, n; at < count; at += n) {
		n = together(&sorted[at], count - at);
		rsa_few_power(few, &sorted[at], n);
		for (size_t i = 0; i < n; i++) {
			struct crypto_rsa_check *check = sorted[at + i];
			uint8_t encoded[CRYPTO_RSA_MODULUS_OCTETS_MAX];
			uint64_t expected[RSA_FEW_LIMBS_MAX];

			rsa_encode(check, encoded);
			rsa_limbs_from_octets(CRYPTO_RSA_FORM_52, slice_of(encoded, check->key->octets), check->key->limbs,
			                      expected, 1);
			check->valid = power_is(&few[i], expected, check->key->limbs);
		}
	}
}

/* A number made up for a comparison, other octets for each `which`; odd, and with its highest bit. */
static void octets_make(uint8_t *out, size_t len, unsigned which)
{
	ASSERT(len > 0);
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(i * i + 31 * i + 89 * which + 7);
	out[0] = 0xff;
	out[len - 1] |= 1;
}

/* Does lane `lane` of the lanes have that power, up to the modulus? */
static bool agrees(const struct rsa_few *few, const struct crypto_rsa_lanes *lanes, size_t lane, size_t limbs)
{
	struct rsa_few other = *few;
	uint64_t power[RSA_FEW_LIMBS_MAX];

	for (size_t i = 0; i < limbs; i++)
		power[i] = other.power.limbs[i] = lanes->power.limbs[i][lane];
	return power_is(few, power, limbs) || power_is(&other, few->power.limbs, limbs);
}

/* `count` keys of so many octets, each with another modulus and base. */
static bool size_agrees(struct crypto_rsa_lanes *lanes, size_t octets, size_t count)
{
	static const uint8_t exponent[] = { 1, 0, 1 };
	struct crypto_rsa_check checks[CRYPTO_RSA_FEW_MAX], *each[CRYPTO_RSA_FEW_MAX];
	struct crypto_rsa_key *keys[CRYPTO_RSA_FEW_MAX] = { NULL };
	uint8_t bases[CRYPTO_RSA_FEW_MAX][CRYPTO_RSA_MODULUS_OCTETS_MAX];
	struct rsa_few few[CRYPTO_RSA_FEW_MAX];
	bool same = true;

	for (size_t i = 0; i < count; i++) {
		uint8_t modulus[CRYPTO_RSA_MODULUS_OCTETS_MAX];

		octets_make(modulus, octets, (unsigned)i);
		octets_make(bases[i], octets, (unsigned)i + 3);
		bases[i][0] = 0x7f;
		keys[i] = crypto_rsa_key_new(CRYPTO_RSA_FORM_52, slice_of(modulus, octets), slice_of(exponent, sizeof(exponent)));
		same = same && keys[i];
		checks[i] = (struct crypto_rsa_check){ .key = keys[i], .signature = bases[i] };
		each[i] = &checks[i];
	}
	if (same) {
		rsa_lanes_load(lanes, checks, count);
		rsa_lanes_power(lanes, keys[0]->limbs);
		rsa_few_power(few, each, count);
	}
	for (size_t i = 0; i < count; i++)
		same = same && agrees(&few[i], lanes, i, keys[i]->limbs);
	for (size_t i = 0; i < count; i++)
		free(keys[i]);
	return same;
}

bool crypto_rsa_few_agrees(struct crypto_rsa_lanes *lanes)
{
	static const size_t bits[] = { 1024, 2048, 3072, 4096 }; /* a number of vectors each */
	bool same = true;

	for (size_t size = 0; size < sizeof(bits) / sizeof(*bits); size++)
		for (size_t count = 1; count <= CRYPTO_RSA_FEW_MAX; count++)
			same = same && size_agrees(lanes, bits[size] / 8, count);
	return same;
}
