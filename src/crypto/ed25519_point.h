/*
 * ed25519_point.h - points of the curve -x^2 + y^2 = 1 + d x^2 y^2, one in each of eight lanes.
 *
 * Source: RFC 8032 section 5.1.4; the formulas are those of Hisil, Wong, Carter and Dawson for a = -1 (the "extended"
 *         coordinates). -1 is a square mod p and d is none, so they are complete: they hold for every two points of the
 *         curve, the neutral one, equal ones and those of small order too, and Z is never 0. Nothing here has a case
 *         that hostile input could miss.
 *
 * A point passes through three shapes, so that no sum is carried twice:
 *   ge8_p2     X : Y : Z, x = X/Z, y = Y/Z     what is doubled
 *   ge8_sd     Y+X, Y-X, Z and T = XY/Z        what is added to
 *   ge8_whole  E, F, G, H with X = EF, Y = GH, Z = FG, T = EH: what doubling and adding make
 */
#ifndef ASSAY_CRYPTO_ED25519_POINT_H
#define ASSAY_CRYPTO_ED25519_POINT_H

#include "crypto/ed25519_field.h"

struct ge8_p2 {
	struct fe8 x, y, z;
};

struct ge8_sd {
	struct fe8 sum, diff, z, t;
};

struct ge8_whole {
	struct fe8 e, f, g, h;
};

/* A point with Z = 1 to add: y+x, y-x, 2dxy. */
struct ge8_affine {
	struct fe8 sum, diff, t2d;
};

/* A point with any Z to add: Y+X, Y-X, 2Z, 2dT. */
struct ge8_cached {
	struct fe8 sum, diff, z2, t2d;
};

ED25519_INLINE struct ge8_p2 ge8_to_p2(struct ge8_whole a)
{
	return (struct ge8_p2){ fe8_mul(a.e, a.f), fe8_mul(a.g, a.h), fe8_mul(a.f, a.g) };
}

/* Limbs: product + product, and product + 2^61 - product; both < 2^62. */
ED25519_INLINE struct ge8_sd ge8_to_sd(struct ge8_whole a)
{
	struct fe8_wide x = fe8_mul_wide(a.e, a.f), y = fe8_mul_wide(a.g, a.h);

	return (struct ge8_sd){ fe8_carry(fe8_add_wide(y, x)), fe8_carry(fe8_sub_wide(y, x)), fe8_mul(a.f, a.g),
		                fe8_mul(a.e, a.h) };
}

/*
 * E = 2XY, F = 2Z^2 - G, G = Y^2 - X^2, H = X^2 + Y^2. (The formula's F and H with the other sign, which changes the
 * sign of all of X, Y, Z, T.) Limbs of F: 2 products, one more and 2^61, < 2^62.5; of the others < 2^62.
 */
ED25519_INLINE struct ge8_whole ge8_double(struct ge8_p2 a)
{
	struct fe8_wide xx = fe8_sqr_wide(a.x), yy = fe8_sqr_wide(a.y), zz = fe8_sqr_wide(a.z);
	struct fe8_wide xy = fe8_mul_wide(a.x, a.y);

	return (struct ge8_whole){
		.e = fe8_carry(fe8_add_wide(xy, xy)),
		.f = fe8_carry(fe8_sub_wide(fe8_add_wide(fe8_add_wide(zz, zz), xx), yy)),
		.g = fe8_carry(fe8_sub_wide(yy, xx)),
		.h = fe8_carry(fe8_add_wide(yy, xx)),
	};
}

/* E = B - A, F = D - C, G = D + C, H = B + A. Limbs: at most a product, another and 2^61, < 2^62. */
ED25519_INLINE struct ge8_whole ge8_combine(struct fe8_wide a, struct fe8_wide b, struct fe8_wide c, struct fe8_wide d)
{
	return (struct ge8_whole){
		.e = fe8_carry(fe8_sub_wide(b, a)),
		.f = fe8_carry(fe8_sub_wide(d, c)),
		.g = fe8_carry(fe8_add_wide(d, c)),
		.h = fe8_carry(fe8_add_wide(b, a)),
	};
}

/* D = 2Z has limbs < 2^53, less than a product's bound. */
ED25519_INLINE struct ge8_whole ge8_add_affine(struct ge8_sd a, struct ge8_affine b)
{
	struct fe8_wide z = fe8_widen(a.z);

	return ge8_combine(fe8_mul_wide(a.diff, b.diff), fe8_mul_wide(a.sum, b.sum), fe8_mul_wide(a.t, b.t2d),
	                   fe8_add_wide(z, z));
}

ED25519_INLINE struct ge8_whole ge8_add_cached(struct ge8_sd a, struct ge8_cached b)
{
	return ge8_combine(fe8_mul_wide(a.diff, b.diff), fe8_mul_wide(a.sum, b.sum), fe8_mul_wide(a.t, b.t2d),
	                   fe8_mul_wide(a.z, b.z2));
}

/* The neutral point: x = 0, y = 1. */
ED25519_INLINE struct ge8_sd ge8_neutral(void)
{
	return (struct ge8_sd){ fe8_small(1), fe8_small(1), fe8_small(1), fe8_small(0) };
}

#endif
