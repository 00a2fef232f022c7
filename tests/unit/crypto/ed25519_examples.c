#include "ed25519_examples.h"

#include "ed25519_oracle.h"

#include "base/error.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define ENCODINGS_MAX 32
#define TRIES_MAX     96 /* messages until the parts of small order cancel, one in 8 where they can */

/* One encoding of `scalar` times B plus `torsion` times the point of order 8. */
struct encoding {
	const BIGNUM *scalar; /* NULL: 0 */
	unsigned torsion;
	bool canonical;
	const char *how;
	uint8_t octets[32];
};

struct encodings {
	size_t count;
	struct encoding of[ENCODINGS_MAX];
};

bool openssl_takes(const uint8_t key[32], const uint8_t *signature, size_t signature_len, const uint8_t *message,
                   size_t message_len)
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, 32);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool takes;

	ASSERT(pkey && context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, pkey) == 1);
	takes = EVP_DigestVerify(context, signature, signature_len, message, message_len) == 1;
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(pkey);
	return takes;
}

static struct encoding *encoding_add(struct encodings *encodings, struct encoding added)
{
	ASSERT(encodings->count < ENCODINGS_MAX);
	encodings->of[encodings->count] = added;
	return &encodings->of[encodings->count++];
}

/* y + p for a y below 19. */
static void add_p(uint8_t octets[32])
{
	uint8_t sign = octets[31] & 0x80;

	octets[0] = (uint8_t)(octets[0] + 0xed);
	memset(octets + 1, 0xff, 31);
	octets[31] = sign | 0x7f;
}

static void encodings_of(struct encodings *encodings, const struct oracle_point *point, struct encoding first)
{
	bool is_small = BN_num_bits(point->y) <= 4;

	oracle_encode(point, first.octets);
	first.canonical = true;
	first.how = "canonical";
	encoding_add(encodings, first);
	first.canonical = false;
	if (BN_is_zero(point->x)) {
		first.how = "sign of 0";
		encoding_add(encodings, first)->octets[31] ^= 0x80;
	}
	if (is_small) {
		first.how = "y + p";
		add_p(encoding_add(encodings, first)->octets);
	}
	if (is_small && BN_is_zero(point->x)) {
		first.how = "y + p and sign of 0";
		add_p(encoding_add(encodings, first)->octets);
		encodings->of[encodings->count - 1].octets[31] ^= 0x80;
	}
}

/* All points of small order, then all of them added to `scalar` times B. */
static void encodings_make(struct encodings *encodings, const BIGNUM *scalar)
{
	struct oracle_point torsion = oracle_torsion(), base = oracle_base(), ordinary = oracle_mul(scalar, &base);
	struct oracle_point small = oracle_neutral();

	encodings->count = 0;
	for (unsigned i = 0; i < ORACLE_TORSION; i++) {
		struct oracle_point next = oracle_add(&small, &torsion), mixed = oracle_add(&small, &ordinary);

		encodings_of(encodings, &small, (struct encoding){ .torsion = i });
		encodings_of(encodings, &mixed, (struct encoding){ .scalar = scalar, .torsion = i });
		oracle_point_free(&mixed);
		oracle_point_free(&small);
		small = next;
	}
	oracle_point_free(&small);
	oracle_point_free(&torsion);
	oracle_point_free(&base);
	oracle_point_free(&ordinary);
}

static void number_store(const BIGNUM *number, uint8_t octets[32])
{
	ASSERT(BN_bn2lebinpad(number, octets, 32) == 32);
}

/* s = r + k a. */
static void s_make(const struct encoding *key, const struct encoding *r, const BIGNUM *k, uint8_t s[32])
{
	BIGNUM *sum = BN_new();

	ASSERT(sum);
	if (key->scalar)
		ASSERT(BN_mod_mul(sum, k, key->scalar, oracle.order, oracle.context));
	if (r->scalar)
		ASSERT(BN_mod_add(sum, sum, r->scalar, oracle.order, oracle.context));
	number_store(sum, s);
	BN_free(sum);
}

static void example_add(struct examples *examples, const struct example *example)
{
	ASSERT(examples->count < EXAMPLES_MAX);
	examples->of[examples->count++] = *example;
}

/* The first messages for which R's part of small order is what -[k]A's is, and is not. */
static void pair_add(struct examples *examples, const struct encoding *key, const struct encoding *r)
{
	bool seen[2] = { false, false };

	for (unsigned try = 0; try < TRIES_MAX && !(seen[0] && seen[1]); try++) {
		struct example example = { .message = { (uint8_t)try } };
		BIGNUM *k = oracle_challenge(r->octets, key->octets, example.message, sizeof(example.message));
		bool cancels = (BN_mod_word(k, ORACLE_TORSION) * key->torsion + r->torsion) % ORACLE_TORSION == 0;

		memcpy(example.key, key->octets, 32);
		memcpy(example.signature, r->octets, 32);
		s_make(key, r, k, example.signature + 32);
		BN_free(k);
		example.valid = cancels && r->canonical;
		(void)snprintf(example.name, sizeof(example.name), "A %s%u %s, R %s%u %s, %s", key->scalar ? "a+" : "",
		               key->torsion, key->how, r->scalar ? "r+" : "", r->torsion, r->how,
		               cancels ? "cancels" : "does not");
		if (!seen[cancels])
			example_add(examples, &example);
		seen[cancels] = true;
	}
}

/* s + m L as long as it fits, and the top bits that a reader could overlook. */
static void large_s_add(struct examples *examples, const struct example *valid)
{
	static const unsigned factors[] = { 1, 2, 8, 15 };
	struct example example = *valid;
	BIGNUM *s = oracle_number(valid->signature + 32, 32), *sum = BN_new();

	example.valid = false;
	for (size_t i = 0; i < sizeof(factors) / sizeof(*factors); i++) {
		ASSERT(sum && BN_copy(sum, oracle.order) && BN_mul_word(sum, factors[i]) && BN_add(sum, sum, s));
		number_store(sum, example.signature + 32);
		(void)snprintf(example.name, sizeof(example.name), "%.90s, s + %u L", valid->name, factors[i]);
		example_add(examples, &example);
	}
	for (unsigned bit = 5; bit < 8; bit++) {
		memcpy(example.signature + 32, valid->signature + 32, 32);
		example.signature[63] = (uint8_t)(example.signature[63] | 1u << bit);
		(void)snprintf(example.name, sizeof(example.name), "%.90s, s + 2^%u", valid->name, 248 + bit);
		example_add(examples, &example);
	}
	BN_free(s);
	BN_free(sum);
}

void examples_make(struct examples *examples)
{
	static struct encodings keys, rs;
	BIGNUM *a = NULL, *r = NULL;
	size_t pairs;

	ASSERT(BN_hex2bn(&a, "0a5f3c6e9b1d84c27035e8f6a9d1b2c3e4f5061728394a5b6c7d8e9fa0b1c2d3"));
	ASSERT(BN_hex2bn(&r, "03b7e151628aed2a6abf7158809cf4f3c762e7160f38b4da56a784d9045190cf"));
	encodings_make(&keys, a);
	encodings_make(&rs, r);
	examples->count = 0;
	for (size_t i = 0; i < keys.count; i++)
		for (size_t j = 0; j < rs.count; j++)
			pair_add(examples, &keys.of[i], &rs.of[j]);
	pairs = examples->count;
	for (size_t i = 0; i < pairs; i++)
		if (examples->of[i].valid)
			large_s_add(examples, &examples->of[i]);
	BN_free(a);
	BN_free(r);
}
