#include "corpus/keys.h"

#include "corpus/prng.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdlib.h>

#define EXPONENT 65537
#define SIEVE_END 8192   /* candidates with a factor below are not tested */
#define WINDOW 8192      /* odd candidates behind one random start */
#define ED25519_OCTETS 32

struct primes {
	BIGNUM **at;
	unsigned count, size;
};

struct key_pool {
	uint64_t seed;
	BN_CTX *context;
	BIGNUM *exponent;
	struct primes primes[KEY_ED25519]; /* one pool for each size of RSA keys */
	uint16_t small[SIEVE_END / 2];     /* odd primes */
	unsigned small_count;
};

static void check(bool good)
{
	if (!good)
		die("OpenSSL failed or memory ran out");
}

unsigned key_bits(enum key_kind kind)
{
	static const unsigned bits[] = { 1024, 2048, 4096, 256 };

	return bits[kind];
}

const char *key_algorithm(enum key_kind kind)
{
	return kind == KEY_ED25519 ? "ed25519-sha256" : "rsa-sha256";
}

static void small_primes(struct key_pool *pool)
{
	for (unsigned n = 3; n < SIEVE_END; n += 2) {
		bool prime = true;

		for (unsigned i = 0; prime && i < pool->small_count && pool->small[i] * pool->small[i] <= n; i++)
			prime = n % pool->small[i] != 0;
		if (prime)
			pool->small[pool->small_count++] = (uint16_t)n;
	}
}

struct key_pool *key_pool_new(uint64_t seed)
{
	struct key_pool *pool = memory_new(1, sizeof(*pool));

	pool->seed = seed;
	pool->context = BN_CTX_new();
	pool->exponent = BN_new();
	check(pool->context && pool->exponent && BN_set_word(pool->exponent, EXPONENT));
	small_primes(pool);
	return pool;
}

void key_pool_free(struct key_pool *pool)
{
	for (int kind = 0; kind < KEY_ED25519; kind++) {
		for (unsigned i = 0; i < pool->primes[kind].count; i++)
			BN_free(pool->primes[kind].at[i]);
		free(pool->primes[kind].at);
	}
	BN_free(pool->exponent);
	BN_CTX_free(pool->context);
	free(pool);
}

/* --- primes --- */

/* Fermat's test, and an exponent that fits: gcd(p - 1, 65537) is 1. */
static bool is_prime(struct key_pool *pool, const BIGNUM *candidate)
{
	static const unsigned bases[] = { 2, 3, 5, 7 };
	BIGNUM *less, *base, *power;
	bool prime = true;

	if (BN_mod_word(candidate, EXPONENT) == 1)
		return false;
	BN_CTX_start(pool->context);
	less = BN_CTX_get(pool->context);
	base = BN_CTX_get(pool->context);
	power = BN_CTX_get(pool->context);
	check(power && BN_sub(less, candidate, BN_value_one()));
	for (size_t i = 0; prime && i < sizeof(bases) / sizeof(*bases); i++) {
		check(BN_set_word(base, bases[i]) && BN_mod_exp(power, base, less, candidate, pool->context));
		prime = BN_is_one(power);
	}
	BN_CTX_end(pool->context);
	return prime;
}

/* The first prime among the odd numbers behind `start`, which becomes it. */
static bool prime_behind(struct key_pool *pool, BIGNUM *start)
{
	static bool composite[WINDOW];
	unsigned moved = 0;

	for (unsigned i = 0; i < WINDOW; i++)
		composite[i] = false;
	for (unsigned i = 0; i < pool->small_count; i++) {
		unsigned p = pool->small[i], rest = (unsigned)BN_mod_word(start, p);
		/* start + 2k is a multiple of p when k is (p - rest) / 2 modulo p. */
		unsigned k = rest == 0 ? 0 : (p - rest) % 2 == 0 ? (p - rest) / 2 : (2 * p - rest) / 2;

		for (; k < WINDOW; k += p)
			composite[k] = true;
	}
	for (unsigned k = 0; k < WINDOW; k++) {
		if (composite[k])
			continue;
		check(BN_add_word(start, 2 * (k - moved)));
		moved = k;
		if (is_prime(pool, start))
			return true;
	}
	return false;
}

/* The two top bits are set, so that a product of two has exactly twice the bits. */
static BIGNUM *prime_find(struct key_pool *pool, enum key_kind kind, unsigned number)
{
	unsigned octets_count = key_bits(kind) / 16;
	uint8_t octets[256];
	struct prng prng;
	BIGNUM *prime = BN_new();

	check(prime);
	prng_init(&prng, pool->seed, "prime", (uint64_t)kind << 32 | number);
	do {
		prng_octets(&prng, octets, octets_count);
		octets[0] |= 0xc0;
		octets[octets_count - 1] |= 1;
		check(BN_bin2bn(octets, (int)octets_count, prime));
	} while (!prime_behind(pool, prime) || BN_num_bits(prime) != (int)octets_count * 8);
	return prime;
}

static const BIGNUM *prime_get(struct key_pool *pool, enum key_kind kind, unsigned number)
{
	struct primes *primes = &pool->primes[kind];

	while (primes->count <= number) {
		if (primes->count == primes->size) {
			primes->size = primes->size ? primes->size * 2 : 16;
			primes->at = memory_grow(primes->at, primes->size, sizeof(BIGNUM *));
		}
		primes->at[primes->count] = prime_find(pool, kind, primes->count);
		primes->count++;
	}
	return primes->at[number];
}

/* The pair of a key: (1,0), (2,0), (2,1), (3,0), ... */
static void primes_of(struct key_pool *pool, enum key_kind kind, unsigned number, const BIGNUM **p_out,
                      const BIGNUM **q_out)
{
	unsigned first = 1;

	while (number >= first) {
		number -= first;
		first++;
	}
	/* The larger index first: a pool that grows moves its list, not the primes. */
	*p_out = prime_get(pool, kind, first);
	*q_out = prime_get(pool, kind, number);
}

/* --- keys --- */

static EVP_PKEY *pkey_from(OSSL_PARAM_BLD *builder, int selection)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY *pkey = NULL;

	check(context && params && EVP_PKEY_fromdata_init(context) == 1 &&
	      EVP_PKEY_fromdata(context, &pkey, selection, params) == 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(builder);
	EVP_PKEY_CTX_free(context);
	return pkey;
}

static EVP_PKEY *rsa_public(struct key_pool *pool, enum key_kind kind, unsigned number)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_new();
	const BIGNUM *p, *q;
	EVP_PKEY *pkey;

	primes_of(pool, kind, number, &p, &q);
	check(builder && n && BN_mul(n, p, q, pool->context) && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) &&
	      OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, pool->exponent));
	pkey = pkey_from(builder, EVP_PKEY_PUBLIC_KEY);
	BN_free(n);
	return pkey;
}

static EVP_PKEY *rsa_private(struct key_pool *pool, enum key_kind kind, unsigned number)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	BN_CTX *context = pool->context;
	BIGNUM *n, *d, *p1, *q1, *phi, *dp, *dq, *inverse;
	const BIGNUM *p, *q;
	EVP_PKEY *pkey;

	primes_of(pool, kind, number, &p, &q);
	BN_CTX_start(context);
	n = BN_CTX_get(context);
	d = BN_CTX_get(context);
	p1 = BN_CTX_get(context);
	q1 = BN_CTX_get(context);
	phi = BN_CTX_get(context);
	dp = BN_CTX_get(context);
	dq = BN_CTX_get(context);
	inverse = BN_CTX_get(context);
	check(builder && inverse && BN_mul(n, p, q, context) && BN_sub(p1, p, BN_value_one()) &&
	      BN_sub(q1, q, BN_value_one()) && BN_mul(phi, p1, q1, context) &&
	      BN_mod_inverse(d, pool->exponent, phi, context) && BN_mod(dp, d, p1, context) &&
	      BN_mod(dq, d, q1, context) && BN_mod_inverse(inverse, q, p, context));
	check(OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) &&
	      OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, pool->exponent) &&
	      OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_D, d) &&
	      OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_FACTOR1, p) &&
	      OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_FACTOR2, q) &&
	      OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_EXPONENT1, dp) &&
	      OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_EXPONENT2, dq) &&
	      OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, inverse));
	pkey = pkey_from(builder, EVP_PKEY_KEYPAIR);
	BN_CTX_end(context);
	return pkey;
}

static EVP_PKEY *ed25519(struct key_pool *pool, unsigned number)
{
	uint8_t octets[ED25519_OCTETS];
	struct prng prng;
	EVP_PKEY *pkey;

	prng_init(&prng, pool->seed, "ed25519", number);
	prng_octets(&prng, octets, sizeof(octets));
	pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, octets, sizeof(octets));
	check(pkey);
	return pkey;
}

void key_public(struct key_pool *pool, enum key_kind kind, unsigned number, struct octets *out)
{
	EVP_PKEY *pkey = kind == KEY_ED25519 ? ed25519(pool, number) : rsa_public(pool, kind, number);
	uint8_t raw[ED25519_OCTETS], *encoded = NULL;
	size_t raw_len = sizeof(raw);

	if (kind == KEY_ED25519) {
		check(EVP_PKEY_get_raw_public_key(pkey, raw, &raw_len) == 1);
		octets_base64(out, raw, raw_len);
	} else {
		int len = i2d_PUBKEY(pkey, &encoded);

		check(len > 0);
		octets_base64(out, encoded, (size_t)len);
		OPENSSL_free(encoded);
	}
	EVP_PKEY_free(pkey);
}

void key_sign(struct key_pool *pool, enum key_kind kind, unsigned number, const uint8_t *octets, size_t len,
              struct octets *out)
{
	EVP_PKEY *pkey = kind == KEY_ED25519 ? ed25519(pool, number) : rsa_private(pool, kind, number);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t digest[SHA256_DIGEST_LENGTH], signature[512];
	size_t signature_len = sizeof(signature);

	check(context && EVP_DigestSignInit(context, NULL, kind == KEY_ED25519 ? NULL : EVP_sha256(), NULL, pkey) == 1);
	if (kind == KEY_ED25519) {
		check(SHA256(octets, len, digest));
		octets = digest;
		len = sizeof(digest);
	}
	check(EVP_DigestSign(context, signature, &signature_len, octets, len) == 1);
	octets_base64(out, signature, signature_len);
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(pkey);
}
