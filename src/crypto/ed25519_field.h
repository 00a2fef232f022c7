/*
 * ed25519_field.h - numbers modulo p = 2^255 - 19, one in each of eight lanes.
 *
 * A number is five limbs of 51 bits: x = x0 + x1 2^51 + x2 2^102 + x3 2^153 + x4 2^204. It is kept in one of two forms,
 * each a type of its own, so that the compiler refuses what the bounds below do not cover:
 *
 *   fe8   limbs < FE8_LIMB_MAX = 2^51 + 2^18. Fits the 52-bit inputs of the multiply-add.
 *   wide  limbs < 2^64: a product that was folded but not carried, or a few of them added up.
 *
 * Only fe8_carry() leads from the second to the first, so sums and differences of products are made before it and cost
 * no carry of their own.
 *
 * Purity: arithmetic only. Time depends on nothing that a lane holds.
 */
#ifndef ASSAY_CRYPTO_ED25519_FIELD_H
#define ASSAY_CRYPTO_ED25519_FIELD_H

#include "crypto/ed25519_lanes.h"

#define FE8_LIMBS     5
#define FE8_LIMB_BITS 51
#define FE8_MASK      ((UINT64_C(1) << FE8_LIMB_BITS) - 1)
#define FE8_LIMB_MAX  ((UINT64_C(1) << 51) + (UINT64_C(1) << 18))
/* Above any limb of one product: see fe8_mul_wide(). */
#define FE8_PRODUCT_MAX (UINT64_C(267) << 52)

struct fe8 {
	__m512i limb[FE8_LIMBS];
};

struct fe8_wide {
	__m512i limb[FE8_LIMBS];
};

/* A constant of five limbs in every lane. */
ED25519_INLINE struct fe8 fe8_all(const uint64_t limbs[FE8_LIMBS])
{
	return (struct fe8){ { lanes_all(limbs[0]), lanes_all(limbs[1]), lanes_all(limbs[2]), lanes_all(limbs[3]),
		               lanes_all(limbs[4]) } };
}

ED25519_INLINE struct fe8 fe8_small(uint64_t number)
{
	return (struct fe8){ { lanes_all(number), lanes_all(0), lanes_all(0), lanes_all(0), lanes_all(0) } };
}

ED25519_INLINE struct fe8_wide fe8_widen(struct fe8 a)
{
	return (struct fe8_wide){ { a.limb[0], a.limb[1], a.limb[2], a.limb[3], a.limb[4] } };
}

/*
 * Any limbs < 2^64. What is above 51 bits, < 2^13, goes to the next limb, and from the last one 19 times to the first
 * (2^255 = 19 mod p): limb 0 < 2^51 + 19 2^13 < 2^51 + 2^17.3, the others < 2^51 + 2^13. All are fe8.
 */
ED25519_INLINE struct fe8 fe8_carry(struct fe8_wide a)
{
	const __m512i mask = lanes_all(FE8_MASK), zero = lanes_all(0);
	__m512i c0 = _mm512_srli_epi64(a.limb[0], 51), c1 = _mm512_srli_epi64(a.limb[1], 51);
	__m512i c2 = _mm512_srli_epi64(a.limb[2], 51), c3 = _mm512_srli_epi64(a.limb[3], 51);
	__m512i c4 = _mm512_madd52lo_epu64(zero, _mm512_srli_epi64(a.limb[4], 51), lanes_all(19)); /* < 2^18 */

	return (struct fe8){ {
		_mm512_add_epi64(_mm512_and_si512(a.limb[0], mask), c4),
		_mm512_add_epi64(_mm512_and_si512(a.limb[1], mask), c0),
		_mm512_add_epi64(_mm512_and_si512(a.limb[2], mask), c1),
		_mm512_add_epi64(_mm512_and_si512(a.limb[3], mask), c2),
		_mm512_add_epi64(_mm512_and_si512(a.limb[4], mask), c3),
	} };
}

/* The caller sees to it that no limb reaches 2^64. */
ED25519_INLINE struct fe8_wide fe8_add_wide(struct fe8_wide a, struct fe8_wide b)
{
	ED25519_UNROLL
	for (int i = 0; i < FE8_LIMBS; i++)
		a.limb[i] = _mm512_add_epi64(a.limb[i], b.limb[i]);
	return a;
}

/*
 * a - b + 1024 p, where b is one product or smaller: its limbs are < 267 2^52 = 534 2^51, those of 1024 p are at least
 * 1024 (2^51 - 19), so no limb falls below 0. The caller sees to it that a's limbs stay < 2^64 - 2^61.
 */
ED25519_INLINE struct fe8_wide fe8_sub_wide(struct fe8_wide a, struct fe8_wide b)
{
	a.limb[0] = _mm512_add_epi64(a.limb[0], lanes_all((FE8_MASK - 18) << 10));
	ED25519_UNROLL
	for (int i = 1; i < FE8_LIMBS; i++)
		a.limb[i] = _mm512_add_epi64(a.limb[i], lanes_all(FE8_MASK << 10));
	ED25519_UNROLL
	for (int i = 0; i < FE8_LIMBS; i++)
		a.limb[i] = _mm512_sub_epi64(a.limb[i], b.limb[i]);
	return a;
}

/* column[j] += the low (high) 52 bits of a b[j]. */
ED25519_INLINE void fe8_row_low(__m512i *column, __m512i a, const struct fe8 *b)
{
	ED25519_UNROLL
	for (int j = 0; j < FE8_LIMBS; j++)
		column[j] = _mm512_madd52lo_epu64(column[j], a, b->limb[j]);
}

ED25519_INLINE void fe8_row_high(__m512i *column, __m512i a, const struct fe8 *b)
{
	ED25519_UNROLL
	for (int j = 0; j < FE8_LIMBS; j++)
		column[j] = _mm512_madd52hi_epu64(column[j], a, b->limb[j]);
}

ED25519_INLINE void fe8_columns_double(__m512i *column, int count)
{
	ED25519_UNROLL
	for (int i = 0; i < count; i++)
		column[i] = _mm512_add_epi64(column[i], column[i]);
}

/* Columns 5 to 9 have weight 2^255 times that of 0 to 4, which is 19 mod p. */
ED25519_INLINE struct fe8_wide fe8_fold(const __m512i column[2 * FE8_LIMBS])
{
	struct fe8_wide out;

	ED25519_UNROLL
	for (int i = 0; i < FE8_LIMBS; i++)
		out.limb[i] = _mm512_add_epi64(column[i], _mm512_mullo_epi64(column[i + FE8_LIMBS], lanes_all(19)));
	return out;
}

/*
 * Limbs of a and b < 2^52 are enough. A product a_i b_j is low + 2^52 high, both < 2^52; low belongs to column i + j,
 * high, whose weight is 2 2^51, twice to column i + j + 1. Counted in units of 2^52, column k holds less than
 * (products with i + j = k) + 2 (products with i + j = k - 1):
 *
 *   k        0  1  2   3   4   5   6  7  8  9
 *   low      1  2  3   4   5   4   3  2  1  0
 *   high     0  1  2   3   4   5   4  3  2  1
 *   column   1  4  7  10  13  14  11  8  5  2      < 2^56
 *
 * folded, limb k is column k + 19 column k + 5: 267, 213, 159, 105, 51. So all are below FE8_PRODUCT_MAX < 2^60.1.
 */
ED25519_INLINE struct fe8_wide fe8_mul_wide(struct fe8 a, struct fe8 b)
{
	__m512i column[2 * FE8_LIMBS];

	ED25519_UNROLL
	for (int i = 0; i < 2 * FE8_LIMBS; i++)
		column[i] = lanes_all(0);
	ED25519_UNROLL
	for (int i = 0; i < FE8_LIMBS; i++)
		fe8_row_high(column + i + 1, a.limb[i], &b);
	fe8_columns_double(column + 1, 9);
	ED25519_UNROLL
	for (int i = 0; i < FE8_LIMBS; i++)
		fe8_row_low(column + i, a.limb[i], &b);
	return fe8_fold(column);
}

/*
 * As fe8_mul_wide(a, a), with the products of different limbs counted twice by doubling their columns: a column is
 * 2 (2 high' + low' + high) + low, where ' marks those with i < j. The sum is the same, and so are the bounds.
 */
ED25519_INLINE struct fe8_wide fe8_sqr_wide(struct fe8 a)
{
	__m512i column[2 * FE8_LIMBS];

	ED25519_UNROLL
	for (int i = 0; i < 2 * FE8_LIMBS; i++)
		column[i] = lanes_all(0);
	ED25519_UNROLL
	for (int i = 0; i < FE8_LIMBS; i++)
		ED25519_UNROLL
		for (int j = i + 1; j < FE8_LIMBS; j++)
			column[i + j + 1] = _mm512_madd52hi_epu64(column[i + j + 1], a.limb[i], a.limb[j]);
	fe8_columns_double(column + 2, 7);
	ED25519_UNROLL
	for (int i = 0; i < FE8_LIMBS; i++) {
		column[2 * i + 1] = _mm512_madd52hi_epu64(column[2 * i + 1], a.limb[i], a.limb[i]);
		ED25519_UNROLL
		for (int j = i + 1; j < FE8_LIMBS; j++)
			column[i + j] = _mm512_madd52lo_epu64(column[i + j], a.limb[i], a.limb[j]);
	}
	fe8_columns_double(column + 1, 9);
	ED25519_UNROLL
	for (int i = 0; i < FE8_LIMBS; i++)
		column[2 * i] = _mm512_madd52lo_epu64(column[2 * i], a.limb[i], a.limb[i]);
	return fe8_fold(column);
}

ED25519_INLINE struct fe8 fe8_mul(struct fe8 a, struct fe8 b)
{
	return fe8_carry(fe8_mul_wide(a, b));
}

ED25519_INLINE struct fe8 fe8_sqr(struct fe8 a)
{
	return fe8_carry(fe8_sqr_wide(a));
}

ED25519_INLINE struct fe8 fe8_add(struct fe8 a, struct fe8 b)
{
	return fe8_carry(fe8_add_wide(fe8_widen(a), fe8_widen(b)));
}

ED25519_INLINE struct fe8 fe8_sub(struct fe8 a, struct fe8 b)
{
	return fe8_carry(fe8_sub_wide(fe8_widen(a), fe8_widen(b)));
}

ED25519_INLINE struct fe8 fe8_neg(struct fe8 a)
{
	return fe8_sub(fe8_small(0), a);
}

/* Lane by lane: b where the mask has a bit, else a. */
ED25519_INLINE struct fe8 fe8_choose(__mmask8 mask, struct fe8 a, struct fe8 b)
{
	ED25519_UNROLL
	for (int i = 0; i < FE8_LIMBS; i++)
		a.limb[i] = _mm512_mask_blend_epi64(mask, a.limb[i], b.limb[i]);
	return a;
}

/*
 * The same number below p, limbs < 2^51. The value of an fe8 is < 2^255 + 2^18 (1 + 2^51 + ... + 2^204) < 2 p, so
 * q = floor((a + 19) / 2^255), which the first chain works out, is 1 if a >= p and else 0; a + 19 q - q 2^255 is below p.
 */
ED25519_INLINE struct fe8 fe8_canonical(struct fe8 a)
{
	const __m512i mask = lanes_all(FE8_MASK);
	__m512i q = lanes_all(19);

	ED25519_UNROLL
	for (int i = 0; i < FE8_LIMBS; i++)
		q = _mm512_srli_epi64(_mm512_add_epi64(a.limb[i], q), 51);
	q = _mm512_madd52lo_epu64(lanes_all(0), q, lanes_all(19));
	ED25519_UNROLL
	for (int i = 0; i < FE8_LIMBS; i++) {
		__m512i sum = _mm512_add_epi64(a.limb[i], q);

		a.limb[i] = _mm512_and_si512(sum, mask);
		q = _mm512_srli_epi64(sum, 51);
	}
	return a;
}

/* The lanes in which a is 0 mod p. */
ED25519_INLINE __mmask8 fe8_is_zero(struct fe8 a)
{
	struct fe8 c = fe8_canonical(a);
	__m512i any = _mm512_or_si512(_mm512_or_si512(c.limb[0], c.limb[1]), _mm512_or_si512(c.limb[2], c.limb[3]));

	any = _mm512_or_si512(any, c.limb[4]);
	return _mm512_testn_epi64_mask(any, any);
}

/* From 256 bits a lane, little-endian words; bit 255 is left out. Not reduced: up to 2^255 - 1. */
ED25519_INLINE struct fe8 fe8_from_words(const __m512i w[4])
{
	const __m512i mask = lanes_all(FE8_MASK);
	__m512i l1 = _mm512_or_si512(_mm512_srli_epi64(w[0], 51), _mm512_slli_epi64(w[1], 13));
	__m512i l2 = _mm512_or_si512(_mm512_srli_epi64(w[1], 38), _mm512_slli_epi64(w[2], 26));
	__m512i l3 = _mm512_or_si512(_mm512_srli_epi64(w[2], 25), _mm512_slli_epi64(w[3], 39));

	return (struct fe8){ { _mm512_and_si512(w[0], mask), _mm512_and_si512(l1, mask), _mm512_and_si512(l2, mask),
		               _mm512_and_si512(l3, mask), _mm512_and_si512(_mm512_srli_epi64(w[3], 12), mask) } };
}

/* The number below p, as 255 bits a lane; bit 255 is 0. */
ED25519_INLINE void fe8_to_words(struct fe8 a, __m512i w[4])
{
	struct fe8 c = fe8_canonical(a);

	w[0] = _mm512_or_si512(c.limb[0], _mm512_slli_epi64(c.limb[1], 51));
	w[1] = _mm512_or_si512(_mm512_srli_epi64(c.limb[1], 13), _mm512_slli_epi64(c.limb[2], 38));
	w[2] = _mm512_or_si512(_mm512_srli_epi64(c.limb[2], 26), _mm512_slli_epi64(c.limb[3], 25));
	w[3] = _mm512_or_si512(_mm512_srli_epi64(c.limb[3], 39), _mm512_slli_epi64(c.limb[4], 12));
}

/* a^(2^n). */
ED25519_VECTOR static inline struct fe8 fe8_sqr_times(struct fe8 a, int n)
{
	for (int i = 0; i < n; i++)
		a = fe8_sqr(a);
	return a;
}

/* a^(2^250 - 1), and a^11 on the way. */
ED25519_VECTOR static inline struct fe8 fe8_pow_2_250_1(struct fe8 a, struct fe8 *a11_out)
{
	struct fe8 a2 = fe8_sqr(a);
	struct fe8 a9 = fe8_mul(fe8_sqr_times(a2, 2), a);
	struct fe8 a11 = fe8_mul(a9, a2);
	struct fe8 e5 = fe8_mul(fe8_sqr(a11), a9); /* 22 + 9 = 2^5 - 1 */
	struct fe8 e10 = fe8_mul(fe8_sqr_times(e5, 5), e5);
	struct fe8 e20 = fe8_mul(fe8_sqr_times(e10, 10), e10);
	struct fe8 e40 = fe8_mul(fe8_sqr_times(e20, 20), e20);
	struct fe8 e50 = fe8_mul(fe8_sqr_times(e40, 10), e10);
	struct fe8 e100 = fe8_mul(fe8_sqr_times(e50, 50), e50);
	struct fe8 e200 = fe8_mul(fe8_sqr_times(e100, 100), e100);

	*a11_out = a11;
	return fe8_mul(fe8_sqr_times(e200, 50), e50);
}

/* a^(p - 2) = a^(2^255 - 21) = 1 / a; 0 for 0. */
ED25519_VECTOR static inline struct fe8 fe8_invert(struct fe8 a)
{
	struct fe8 a11, e250 = fe8_pow_2_250_1(a, &a11);

	return fe8_mul(fe8_sqr_times(e250, 5), a11);
}

/* a^((p - 5) / 8) = a^(2^252 - 3). */
ED25519_VECTOR static inline struct fe8 fe8_pow_p58(struct fe8 a)
{
	struct fe8 a11, e250 = fe8_pow_2_250_1(a, &a11);

	return fe8_mul(fe8_sqr_times(e250, 2), a);
}

#endif
