/* Points out of their octets, and tables of their multiples: a lane a key, or a lane a part of the base point's table. */
#include "crypto/ed25519_private.h"

/* Limbs of d = -121665/121666, of 2d, and of a square root of -1. */
static const uint64_t curve_d[FE8_LIMBS] = { 0x34dca135978a3, 0x1a8283b156ebd, 0x5e7a26001c029, 0x739c663a03cbb,
	                                     0x52036cee2b6ff };
static const uint64_t curve_2d[FE8_LIMBS] = { 0x69b9426b2f159, 0x35050762add7a, 0x3cf44c0038052, 0x6738cc7407977,
	                                      0x2406d9dc56dff };
static const uint64_t root_of_minus_1[FE8_LIMBS] = { 0x61b274a0ea0b0, 0x0d5a5fc8f189d, 0x7ef5e9cbd0c60,
	                                             0x78595a6804c9e, 0x2b8324804fc1d };

/* Multiples made at once: their Z have one inversion together. */
#define MULTIPLES ED25519_KEY_MULTIPLES

struct ge8_xy {
	struct fe8 x, y;
};

/* Eight lanes of four little-endian words. */
ED25519_VECTOR static void octets_load(const uint8_t octets[ED25519_LANES][32], __m512i words[4])
{
	uint64_t word[4][ED25519_LANES];

	for (int lane = 0; lane < ED25519_LANES; lane++)
		for (int i = 0; i < 4; i++)
			memcpy(&word[i][lane], octets[lane] + 8 * i, 8);
	for (int i = 0; i < 4; i++)
		words[i] = lanes_load(word[i]);
}

/*
 * RFC 8032 section 5.1.3, but for what OpenSSL leaves out: y is taken modulo p, and x = 0 has either sign. Returns the
 * lanes that have a point; the others' numbers mean nothing.
 *
 * u/v = x^2 with u = y^2 - 1, v = d y^2 + 1 (never 0, as -1/d is no square); x = u v^3 (u v^7)^((p-5)/8) is a root of
 * u/v or of -u/v or there is none.
 */
ED25519_VECTOR static __mmask8 point_decode(const uint8_t octets[ED25519_LANES][32], struct ge8_xy *point_out)
{
	struct fe8 one = fe8_small(1), y, yy, u, v, v3, uv3, x, vxx;
	__mmask8 root, other_root, negative, odd;
	__m512i words[4], x_words[4];

	octets_load(octets, words);
	y = fe8_from_words(words);
	yy = fe8_sqr(y);
	u = fe8_sub(yy, one);
	v = fe8_add(fe8_mul(yy, fe8_all(curve_d)), one);
	v3 = fe8_mul(fe8_sqr(v), v);
	uv3 = fe8_mul(u, v3);
	x = fe8_mul(uv3, fe8_pow_p58(fe8_mul(uv3, fe8_sqr(fe8_sqr(v)))));
	vxx = fe8_mul(v, fe8_sqr(x));
	root = fe8_is_zero(fe8_sub(vxx, u));
	other_root = fe8_is_zero(fe8_add(vxx, u));
	x = fe8_choose(root, fe8_mul(x, fe8_all(root_of_minus_1)), x);
	fe8_to_words(x, x_words);
	odd = _mm512_test_epi64_mask(x_words[0], lanes_all(1));
	negative = _mm512_test_epi64_mask(words[3], lanes_all(UINT64_C(1) << 63));
	point_out->x = fe8_choose((__mmask8)(odd ^ negative), x, fe8_neg(x));
	point_out->y = y;
	return (__mmask8)(root | other_root);
}

ED25519_VECTOR static struct ge8_sd sd_of(struct ge8_xy a)
{
	return (struct ge8_sd){ fe8_add(a.y, a.x), fe8_sub(a.y, a.x), fe8_small(1), fe8_mul(a.x, a.y) };
}

ED25519_VECTOR static struct ge8_cached cached_of(struct ge8_sd a)
{
	return (struct ge8_cached){ a.sum, a.diff, fe8_add(a.z, a.z), fe8_mul(a.t, fe8_all(curve_2d)) };
}

/* (Y+X) - (Y-X) = 2X, (Y+X) + (Y-X) = 2Y: all of the point's coordinates are doubled. */
ED25519_VECTOR static struct ge8_p2 p2_of(struct ge8_sd a)
{
	return (struct ge8_p2){ fe8_sub(a.sum, a.diff), fe8_add(a.sum, a.diff), fe8_add(a.z, a.z) };
}

/* [2^times] a; times > 0. */
ED25519_VECTOR static struct ge8_sd doubled(struct ge8_sd a, int times)
{
	struct ge8_p2 p = p2_of(a);

	for (int i = 1; i < times; i++)
		p = ge8_to_p2(ge8_double(p));
	return ge8_to_sd(ge8_double(p));
}

ED25519_VECTOR static void entries_store(struct ed25519_entry *const row[ED25519_LANES], int index, struct ge8_affine a)
{
	uint64_t word[3 * FE8_LIMBS][ED25519_LANES];

	for (int i = 0; i < FE8_LIMBS; i++) {
		lanes_store(word[i], a.sum.limb[i]);
		lanes_store(word[FE8_LIMBS + i], a.diff.limb[i]);
		lanes_store(word[2 * FE8_LIMBS + i], a.t2d.limb[i]);
	}
	for (int lane = 0; lane < ED25519_LANES; lane++)
		for (int i = 0; row[lane] && i < 3 * FE8_LIMBS; i++)
			row[lane][index].word[i] = word[i][lane];
}

/* `inverse`: of the point's Z. */
ED25519_VECTOR static struct ge8_affine affine_of(struct ge8_sd a, struct fe8 inverse)
{
	struct fe8 sum = fe8_mul(a.sum, inverse), diff = fe8_mul(a.diff, inverse);
	/* T/Z = xy. */
	return (struct ge8_affine){ sum, diff, fe8_mul(fe8_mul(a.t, inverse), fe8_all(curve_2d)) };
}

/*
 * start, start + step, ... MULTIPLES of them, into rows of which a NULL one is left out. Each Z is inverted by
 * Montgomery's trick: 1/Z_i = (Z_0 ... Z_(i-1)) / (Z_0 ... Z_i). No Z is 0 (ed25519_point.h); in lanes without a point
 * anything may come out, and stays in its lane.
 */
ED25519_VECTOR static void multiples_store(struct ge8_sd start, struct ge8_cached step,
                                           struct ed25519_entry *const row[ED25519_LANES])
{
	struct ge8_sd multiple[MULTIPLES];
	struct fe8 product[MULTIPLES], inverse;

	multiple[0] = start;
	product[0] = start.z;
	for (int i = 1; i < MULTIPLES; i++) {
		multiple[i] = ge8_to_sd(ge8_add_cached(multiple[i - 1], step));
		product[i] = fe8_mul(product[i - 1], multiple[i].z);
	}
	inverse = fe8_invert(product[MULTIPLES - 1]);
	for (int i = MULTIPLES - 1; i > 0; i--) {
		entries_store(row, i, affine_of(multiple[i], fe8_mul(inverse, product[i - 1])));
		inverse = fe8_mul(inverse, multiple[i].z);
	}
	entries_store(row, 0, affine_of(multiple[0], inverse));
}

ED25519_VECTOR void ed25519_keys_make(struct crypto_ed25519_key *const keys[], size_t count)
{
	uint8_t octets[ED25519_LANES][32] = { { 0 } };
	struct ed25519_entry *row[ED25519_LANES] = { NULL };
	struct ge8_xy point;
	struct ge8_sd a;
	__mmask8 decoded;

	for (size_t lane = 0; lane < count; lane++)
		memcpy(octets[lane], keys[lane]->point, sizeof(octets[lane]));
	decoded = point_decode((const uint8_t(*)[32])octets, &point);
	point.x = fe8_neg(point.x);
	a = sd_of(point);
	for (int i = 0; i < ED25519_KEY_ROWS; i++) {
		for (size_t lane = 0; lane < count; lane++)
			row[lane] = keys[lane]->row[i];
		multiples_store(a, cached_of(a), row);
		a = doubled(a, ED25519_KEY_WIDTH * ED25519_STEPS);
	}
	for (size_t lane = 0; lane < count; lane++)
		keys[lane]->state = decoded >> lane & 1 ? ED25519_KEY_READY : ED25519_KEY_REFUSED;
}

/* Lane l has 1 + MULTIPLES l times the point; all lanes of `point` are equal. */
ED25519_VECTOR static struct ge8_sd spread(struct ge8_sd point)
{
	struct ge8_cached step = cached_of(doubled(point, ED25519_KEY_WIDTH - 1));

	for (int lane = 1; lane < ED25519_LANES; lane++) {
		struct ge8_sd next = ge8_to_sd(ge8_add_cached(point, step));
		__mmask8 from = (__mmask8)(0xffu << lane);

		point.sum = fe8_choose(from, point.sum, next.sum);
		point.diff = fe8_choose(from, point.diff, next.diff);
		point.z = fe8_choose(from, point.z, next.z);
		point.t = fe8_choose(from, point.t, next.t);
	}
	return point;
}

/* RFC 8032 section 5.1: y = 4/5, x even. */
ED25519_VECTOR static struct ge8_sd base_point(void)
{
	uint8_t octets[ED25519_LANES][32];
	struct ge8_xy point;

	memset(octets, 0x66, sizeof(octets));
	for (int lane = 0; lane < ED25519_LANES; lane++)
		octets[lane][0] = 0x58;
	(void)point_decode((const uint8_t(*)[32])octets, &point);
	return sd_of(point);
}

ED25519_VECTOR void ed25519_base_make(struct crypto_ed25519 *ed25519)
{
	struct ge8_sd b = base_point();

	for (int i = 0; i < ED25519_BASE_ROWS; i++) {
		struct ge8_cached one = cached_of(b), block = cached_of(doubled(b, 7)); /* 128 = 8 MULTIPLES */
		struct ge8_sd start = spread(b);

		for (int first = 0; first < ED25519_BASE_MULTIPLES; first += ED25519_LANES * MULTIPLES) {
			struct ed25519_entry *row[ED25519_LANES];

			for (int lane = 0; lane < ED25519_LANES; lane++)
				row[lane] = &ed25519->row[i][first + MULTIPLES * lane];
			multiples_store(start, one, row);
			start = ge8_to_sd(ge8_add_cached(start, block));
		}
		b = doubled(b, ED25519_BASE_WIDTH * ED25519_BASE_STEPS);
	}
}
