#include "ed25519_oracle.h"

#include "base/error.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct oracle oracle;

#define DO(call) ASSERT((call) != 0)

static BIGNUM *number(void)
{
	BIGNUM *n = BN_new();

	ASSERT(n);
	return n;
}

BIGNUM *oracle_number(const uint8_t *octets, size_t len)
{
	BIGNUM *n = BN_lebin2bn(octets, (int)len, NULL);

	ASSERT(n);
	return n;
}

static void mul(BIGNUM *out, const BIGNUM *a, const BIGNUM *b)
{
	DO(BN_mod_mul(out, a, b, oracle.p, oracle.context));
}

static void divide(BIGNUM *out, const BIGNUM *a, const BIGNUM *b)
{
	BIGNUM *inverse = number();

	DO(BN_mod_inverse(inverse, b, oracle.p, oracle.context));
	mul(out, a, inverse);
	BN_free(inverse);
}

void oracle_init(void)
{
	BIGNUM *a = number(), *b = number();

	oracle = (struct oracle){ BN_CTX_new(), number(), number(), number() };
	DO(BN_set_bit(oracle.p, 255));
	DO(BN_sub_word(oracle.p, 19));
	DO(BN_set_word(a, 121665));
	DO(BN_sub(a, oracle.p, a));
	DO(BN_set_word(b, 121666));
	divide(oracle.d, a, b);
	DO(BN_dec2bn(&oracle.order, "27742317777372353535851937790883648493"));
	BN_zero(a);
	DO(BN_set_bit(a, 252));
	DO(BN_add(oracle.order, oracle.order, a));
	BN_free(a);
	BN_free(b);
}

void oracle_deinit(void)
{
	BN_CTX_free(oracle.context);
	BN_free(oracle.p);
	BN_free(oracle.d);
	BN_free(oracle.order);
}

void oracle_point_free(struct oracle_point *a)
{
	BN_free(a->x);
	BN_free(a->y);
}

struct oracle_point oracle_neutral(void)
{
	struct oracle_point a = { number(), number() };

	DO(BN_one(a.y));
	return a;
}

/* x = (x1 y2 + x2 y1) / (1 + d x1 x2 y1 y2), y = (y1 y2 + x1 x2) / (1 - d x1 x2 y1 y2). */
struct oracle_point oracle_add(const struct oracle_point *a, const struct oracle_point *b)
{
	struct oracle_point sum = { number(), number() };
	BIGNUM *xx = number(), *yy = number(), *xy = number(), *yx = number(), *product = number(), *below = number();

	mul(xx, a->x, b->x);
	mul(yy, a->y, b->y);
	mul(xy, a->x, b->y);
	mul(yx, a->y, b->x);
	mul(product, xx, yy);
	mul(product, product, oracle.d);
	DO(BN_mod_add(xy, xy, yx, oracle.p, oracle.context));
	DO(BN_mod_add(yy, yy, xx, oracle.p, oracle.context));
	DO(BN_mod_add(below, BN_value_one(), product, oracle.p, oracle.context));
	divide(sum.x, xy, below);
	DO(BN_mod_sub(below, BN_value_one(), product, oracle.p, oracle.context));
	divide(sum.y, yy, below);
	BN_free(xx);
	BN_free(yy);
	BN_free(xy);
	BN_free(yx);
	BN_free(product);
	BN_free(below);
	return sum;
}

static void add_to(struct oracle_point *a, const struct oracle_point *b)
{
	struct oracle_point sum = oracle_add(a, b);

	oracle_point_free(a);
	*a = sum;
}

struct oracle_point oracle_mul(const BIGNUM *k, const struct oracle_point *a)
{
	struct oracle_point sum = oracle_neutral();

	for (int i = BN_num_bits(k) - 1; i >= 0; i--) {
		add_to(&sum, &sum);
		if (BN_is_bit_set(k, i))
			add_to(&sum, a);
	}
	return sum;
}

void oracle_encode(const struct oracle_point *a, uint8_t octets[32])
{
	ASSERT(BN_bn2lebinpad(a->y, octets, 32) == 32);
	octets[31] = (uint8_t)(octets[31] | BN_is_odd(a->x) << 7);
}

/* x^2 = (y^2 - 1) / (d y^2 + 1). */
bool oracle_decode(const uint8_t octets[32], struct oracle_point *out)
{
	struct oracle_point a = { number(), oracle_number(octets, 32) };
	BIGNUM *yy = number(), *below = number();
	bool is_point;

	DO(BN_clear_bit(a.y, 255) || !(octets[31] >> 7));
	DO(BN_nnmod(a.y, a.y, oracle.p, oracle.context));
	mul(yy, a.y, a.y);
	mul(below, yy, oracle.d);
	DO(BN_add_word(below, 1));
	DO(BN_mod_sub(yy, yy, BN_value_one(), oracle.p, oracle.context));
	divide(yy, yy, below);
	is_point = BN_mod_sqrt(a.x, yy, oracle.p, oracle.context) != NULL;
	if (is_point && BN_is_odd(a.x) != octets[31] >> 7)
		DO(BN_mod_sub(a.x, oracle.p, a.x, oracle.p, oracle.context));
	BN_free(yy);
	BN_free(below);
	if (is_point)
		*out = a;
	else
		oracle_point_free(&a);
	return is_point;
}

struct oracle_point oracle_base(void)
{
	struct oracle_point base;
	uint8_t octets[32];

	memset(octets, 0x66, sizeof(octets));
	octets[0] = 0x58;
	ASSERT(oracle_decode(octets, &base));
	return base;
}

/* L times a point is of small order; one in two points gives one of order 8, which four times over is not neutral. */
struct oracle_point oracle_torsion(void)
{
	uint8_t octets[32] = { 2 };

	for (;; octets[0]++) {
		struct oracle_point any, torsion, twice, fourfold;
		bool is_eight;

		if (!oracle_decode(octets, &any))
			continue;
		torsion = oracle_mul(oracle.order, &any);
		twice = oracle_add(&torsion, &torsion);
		fourfold = oracle_add(&twice, &twice);
		is_eight = !BN_is_one(fourfold.y);
		oracle_point_free(&any);
		oracle_point_free(&twice);
		oracle_point_free(&fourfold);
		if (is_eight)
			return torsion;
		oracle_point_free(&torsion);
	}
}

BIGNUM *oracle_challenge(const uint8_t r[32], const uint8_t key[32], const uint8_t *message, size_t len)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t digest[64];
	BIGNUM *k;

	DO(context && EVP_DigestInit_ex(context, EVP_sha512(), NULL) && EVP_DigestUpdate(context, r, 32) &&
	   EVP_DigestUpdate(context, key, 32) && EVP_DigestUpdate(context, message, len) &&
	   EVP_DigestFinal_ex(context, digest, NULL));
	EVP_MD_CTX_free(context);
	k = oracle_number(digest, sizeof(digest));
	DO(BN_nnmod(k, k, oracle.order, oracle.context));
	return k;
}
