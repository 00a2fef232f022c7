/*
 * Goal:   for any modulus, exponent and signature each RSA kernel computes what OpenSSL's big numbers do, and each path says
 *         of a signature what OpenSSL says.
 * Method: the input is 2 octets of the modulus's length, 4 of the exponent, and then lanes of modulus and signature; what is
 *         missing is zero, what would be no key is made one (odd, exponent above 1). Then a key is chosen (see struct signed),
 *         and what is left is added (xor) to a signature and a digest, which are right where that is nothing.
 */
#include "crypto/key_private.h"
#include "crypto/probe.h"
#include "crypto/rsa_parts.h"

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LANES_MAX 3

struct input {
	const uint8_t *at;
	size_t left;
};

static uint8_t octet(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

static void octets(struct input *in, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = octet(in);
}

struct sample {
	uint8_t modulus[CRYPTO_RSA_MODULUS_OCTETS_MAX], base[CRYPTO_RSA_MODULUS_OCTETS_MAX], exponent[4];
	size_t len;
	BIGNUM *power;
};

static void sample_read(struct sample *sample, struct input *in, size_t len, BN_CTX *context)
{
	BIGNUM *n, *s, *e;

	memset(sample, 0, sizeof(*sample));
	sample->len = len;
	octets(in, sample->exponent, 4);
	sample->exponent[3] |= sample->exponent[0] || sample->exponent[1] || sample->exponent[2] ? 1 : 3;
	octets(in, sample->modulus, len);
	sample->modulus[0] |= sample->modulus[0] == 0;
	sample->modulus[len - 1] |= 1;
	octets(in, sample->base, len);
	n = BN_bin2bn(sample->modulus, (int)len, NULL);
	s = BN_bin2bn(sample->base, (int)len, NULL);
	e = BN_bin2bn(sample->exponent, 4, NULL);
	sample->power = BN_new();
	ASSERT(n && s && e && sample->power && BN_mod(s, s, n, context));
	ASSERT(BN_bn2binpad(s, sample->base, (int)len) == (int)len);
	ASSERT(BN_mod_exp_mont(sample->power, s, e, n, context, NULL));
	BN_free(n);
	BN_free(s);
	BN_free(e);
}

static struct crypto_rsa_key *sample_key(const struct sample *sample, enum crypto_rsa_form form)
{
	struct crypto_rsa_key *key = crypto_rsa_key_new(form, slice_of(sample->modulus, sample->len), slice_of(sample->exponent, 4));

	ASSERT(key);
	return key;
}

/* Are the limbs the sample's power, or with `almost` that plus the modulus? */
static bool is_power(const struct sample *sample, const uint64_t *limbs, size_t count, size_t stride, bool almost)
{
	BIGNUM *found = BN_new(), *limb = BN_new(), *n = BN_bin2bn(sample->modulus, (int)sample->len, NULL);
	bool same;

	ASSERT(found && limb && n);
	for (size_t i = count; i-- > 0;)
		ASSERT(BN_lshift(found, found, almost ? 52 : 64) && BN_set_word(limb, limbs[i * stride]) &&
		       BN_add(found, found, limb));
	same = BN_cmp(found, sample->power) == 0;
	ASSERT(BN_sub(found, found, n));
	same |= almost && BN_cmp(found, sample->power) == 0;
	BN_free(found);
	BN_free(limb);
	BN_free(n);
	return same;
}

static void check_scalar(const struct sample *sample)
{
	struct crypto_rsa_key *key = sample_key(sample, CRYPTO_RSA_FORM_64);
	uint64_t power[RSA_LIMBS64_MAX];

	rsa_power(key, sample->base, power);
	ASSERT(is_power(sample, power, key->limbs, 1, false));
	free(key);
}

static void check_lanes(const struct sample *samples, size_t count, struct crypto_rsa_lanes *lanes)
{
	struct crypto_rsa_check checks[LANES_MAX] = { 0 };
	struct crypto_rsa_key *keys[LANES_MAX];
	size_t limbs;

	for (size_t i = 0; i < count; i++) {
		checks[i].key = keys[i] = sample_key(&samples[i], CRYPTO_RSA_FORM_52);
		checks[i].signature = samples[i].base;
	}
	limbs = keys[0]->limbs;
	rsa_lanes_load(lanes, checks, count);
	rsa_lanes_power(lanes, limbs);
	for (size_t i = 0; i < count; i++) {
		ASSERT(is_power(&samples[i], &lanes->power.limbs[0][i], limbs, CRYPTO_RSA_LANES, true));
		free(keys[i]);
	}
}

/* The first, and those behind it that have its exponent. */
static void check_few(const struct sample *samples, size_t count)
{
	struct crypto_rsa_check checks[CRYPTO_RSA_FEW_MAX] = { 0 }, *each[CRYPTO_RSA_FEW_MAX];
	struct crypto_rsa_key *keys[CRYPTO_RSA_FEW_MAX];
	struct rsa_few few[CRYPTO_RSA_FEW_MAX];
	size_t n = 0;

	for (; n < count && memcmp(samples[n].exponent, samples[0].exponent, 4) == 0; n++) {
		checks[n].key = keys[n] = sample_key(&samples[n], CRYPTO_RSA_FORM_52);
		checks[n].signature = samples[n].base;
		each[n] = &checks[n];
	}
	if (crypto_rsa_few_can(keys[0]->limbs)) {
		rsa_few_power(few, each, n);
		for (size_t i = 0; i < n; i++)
			ASSERT(is_power(&samples[i], few[i].power.limbs, keys[i]->limbs, 1, true));
	}
	for (size_t i = 0; i < n; i++)
		free(keys[i]);
}

_Static_assert(LANES_MAX <= CRYPTO_RSA_FEW_MAX, "check_few() takes so many");

/* One provider for each wish, for the whole run; none where the machine cannot. */
static struct crypto_provider *provider_of(enum crypto_kernels_wish wish)
{
	static struct crypto_provider providers[CRYPTO_KERNELS_WISHES];

	if (!crypto_kernels_are_available(wish))
		return NULL;
	if (!providers[wish].library)
		ASSERT(crypto_provider_init(&providers[wish], wish) == 0);
	return &providers[wish];
}

/*
 * A public key, a digest and their signature. One of three kinds:
 * - that of src/crypto/probe.h;
 * - of one of many sizes and exponents, whose modulus is a product of primes out of a table, so that there is a private
 *   exponent;
 * - with a modulus out of the input's octets: the signature s is from the input, a third as long as the modulus, which is
 *   s^3 less the encoded message. So with the exponent 3 s is right.
 */
struct signed_digest {
	uint8_t modulus[CRYPTO_RSA_MODULUS_OCTETS_MAX], exponent[4], digest[32], signature[CRYPTO_RSA_MODULUS_OCTETS_MAX];
	size_t len;
};

static void number_put(const BIGNUM *number, uint8_t *out, size_t len)
{
	ASSERT(BN_bn2binpad(number, out, (int)len) == (int)len);
}

/* The encoded message as a number. */
static BIGNUM *encoded_make(const struct signed_digest *made)
{
	struct crypto_rsa_key key = { .octets = made->len };
	struct crypto_rsa_check check = { .key = &key, .hash = CRYPTO_SHA256, .digest = made->digest };
	uint8_t encoded[CRYPTO_RSA_MODULUS_OCTETS_MAX];

	rsa_encode(&check, encoded);
	return BN_bin2bn(encoded, (int)made->len, NULL);
}

static const uint32_t exponents[] = { 3, 17, 65537, 0x10003, 0xfffffffb };
#define EXPONENTS    (sizeof(exponents) / sizeof(exponents[0]))
#define PRIMES       32 /* 4096 bits */
#define PRIME_OCTETS 16
#define KEYS         (PRIMES - 7)

/* The exponents are primes, too: each has a private one unless it divides a prime less 1. */
static bool prime_is_usable(BIGNUM *prime, BN_CTX *context)
{
	for (size_t i = 0; i < EXPONENTS; i++)
		if (BN_mod_word(prime, exponents[i]) == 1)
			return false;
	return BN_check_prime(prime, context, NULL) == 1;
}

/* The same ones each time; their upper octets are ones, so that products are as long as can be. */
static BIGNUM *prime_of(size_t i, BN_CTX *context)
{
	static BIGNUM *primes[PRIMES];
	uint8_t octets_of_prime[32];

	if (primes[i])
		return primes[i];
	ASSERT(EVP_Digest(&i, sizeof(i), octets_of_prime, NULL, EVP_sha256(), NULL) == 1);
	memset(octets_of_prime, 0xff, 2);
	octets_of_prime[PRIME_OCTETS - 1] |= 1;
	primes[i] = BN_bin2bn(octets_of_prime, PRIME_OCTETS, NULL);
	ASSERT(primes[i]);
	while (!prime_is_usable(primes[i], context))
		ASSERT(BN_add_word(primes[i], 2) == 1);
	return primes[i];
}

/* 1024 to 4096 bits, in steps of 128. */
static void signed_by_key(struct signed_digest *made, size_t size, uint32_t exponent, BN_CTX *context)
{
	BIGNUM *n = BN_new(), *phi = BN_new(), *e = BN_new(), *d = BN_new(), *m, *less = BN_new();

	ASSERT(n && phi && e && d && less && BN_one(n) && BN_one(phi) && BN_set_word(e, exponent));
	for (size_t i = 0; i < 8 + size; i++)
		ASSERT(BN_mul(n, n, prime_of(i, context), context) && BN_sub(less, prime_of(i, context), BN_value_one()) &&
		       BN_mul(phi, phi, less, context));
	ASSERT(BN_mod_inverse(d, e, phi, context));
	made->len = (size_t)BN_num_bytes(n);
	number_put(n, made->modulus, made->len);
	number_put(e, made->exponent, 4);
	m = encoded_make(made);
	ASSERT(m && BN_mod_exp(m, m, d, n, context));
	number_put(m, made->signature, made->len);
	BN_free(n);
	BN_free(phi);
	BN_free(e);
	BN_free(d);
	BN_free(m);
	BN_free(less);
}

/* s^3 is at least 2^(8 * len - 1), and the encoded message less than 2^(8 * len - 15). */
static void signed_by_cube(struct signed_digest *made, struct input *in, size_t third, BN_CTX *context)
{
	BIGNUM *s, *n = BN_new(), *m;

	made->len = 3 * third;
	octets(in, made->signature + 2 * third, third);
	made->signature[2 * third] |= 0xcc;
	made->signature[made->len - 1] &= 0xfe;
	made->signature[made->len - 1] |= (made->digest[31] & 1) ^ 1;
	made->exponent[3] = 3;
	s = BN_bin2bn(made->signature, (int)made->len, NULL);
	m = encoded_make(made);
	ASSERT(s && n && m && BN_sqr(n, s, context) && BN_mul(n, n, s, context) && BN_sub(n, n, m));
	number_put(n, made->modulus, made->len);
	BN_free(s);
	BN_free(n);
	BN_free(m);
}

/* Signing takes its time: what the table's keys sign is kept. */
static void signed_make(struct signed_digest *made, struct input *in, BN_CTX *context)
{
	static struct signed_digest kept[KEYS][EXPONENTS];
	uint8_t choice = octet(in);

	memset(made, 0, sizeof(*made));
	memcpy(made->digest, crypto_probe_digest(CRYPTO_SHA256).ptr, sizeof(made->digest));
	if (choice == 0) {
		struct crypto_key_octets probe = crypto_probe_rsa;

		made->len = probe.modulus.len;
		memcpy(made->modulus, probe.modulus.ptr, made->len);
		memcpy(made->exponent + sizeof(made->exponent) - probe.exponent.len, probe.exponent.ptr, probe.exponent.len);
		memcpy(made->signature, crypto_probe_rsa_signature[CRYPTO_SHA256].ptr, made->len);
	} else if (choice <= KEYS * EXPONENTS) {
		struct signed_digest *at = &kept[(choice - 1) / EXPONENTS][(choice - 1) % EXPONENTS];

		if (at->len == 0) {
			memcpy(at->digest, made->digest, sizeof(at->digest));
			signed_by_key(at, (choice - 1) / EXPONENTS, exponents[(choice - 1) % EXPONENTS], context);
		}
		*made = *at;
	} else {
		/* 528 to 6144 bits. */
		signed_by_cube(made, in, 22 + (size_t)(choice - KEYS * EXPONENTS - 1) * 234 / (255 - KEYS * EXPONENTS - 1), context);
	}
}

static enum crypto_verdict verdict_of(enum crypto_kernels_wish wish, const struct signed_digest *made, struct slice signature)
{
	struct crypto_provider *provider = provider_of(wish);
	struct crypto_key_octets key_octets = {
		.kind = CRYPTO_KEY_RSA,
		.modulus = slice_of(made->modulus, made->len),
		.exponent = slice_of(made->exponent, sizeof(made->exponent)),
	};
	enum crypto_verdict verdict;
	struct crypto_key *key;

	if (!provider)
		return CRYPTO_PENDING;
	while (key_octets.exponent.ptr[0] == 0)
		key_octets.exponent = slice_from(key_octets.exponent, 1);
	ASSERT(crypto_key_new(provider, &key_octets, &key) == 0);
	verdict = crypto_key_verify(key, CRYPTO_SHA256, slice_of(made->digest, sizeof(made->digest)), signature);
	crypto_key_unref(key);
	return verdict;
}

/* Adds what is left of the input; is that nothing? */
static bool change(struct input *in, uint8_t *at, size_t len)
{
	uint8_t all = 0;

	for (size_t i = 0; i < len; i++) {
		uint8_t added = octet(in);

		at[i] ^= added;
		all |= added;
	}
	return all == 0;
}

static void check_verdict(struct input *in, BN_CTX *context)
{
	uint8_t lengthen = octet(in);
	struct signed_digest made;
	enum crypto_verdict openssl;
	struct slice s;
	bool is_right;

	signed_make(&made, in, context);
	s = slice_of(made.signature, lengthen & 0x80 ? lengthen & 0x7f : made.len);
	is_right = s.len == made.len;
	is_right &= change(in, made.signature, made.len);
	is_right &= change(in, made.digest, sizeof(made.digest));
	openssl = verdict_of(CRYPTO_KERNELS_OPENSSL, &made, s);
	ASSERT(openssl == CRYPTO_VALID || (openssl == CRYPTO_INVALID && !is_right));
	for (int wish = 0; wish < CRYPTO_KERNELS_WISHES; wish++) {
		enum crypto_verdict verdict = verdict_of((enum crypto_kernels_wish)wish, &made, s);

		ASSERT(verdict == openssl || verdict == CRYPTO_PENDING);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct crypto_provider *ifma = provider_of(CRYPTO_KERNELS_IFMA);
	struct input in = { data, size };
	struct sample samples[LANES_MAX];
	BN_CTX *context = BN_CTX_new();
	size_t len;

	ASSERT(context);
	len = (size_t)octet(&in) << 8;
	len = (len | octet(&in)) % (CRYPTO_RSA_MODULUS_OCTETS_MAX - CRYPTO_RSA_MODULUS_OCTETS_MIN + 1);
	len += CRYPTO_RSA_MODULUS_OCTETS_MIN;
	for (size_t i = 0; i < LANES_MAX; i++)
		sample_read(&samples[i], &in, len, context);
	for (size_t i = 0; i < LANES_MAX; i++)
		check_scalar(&samples[i]);
	if (ifma)
		check_lanes(samples, LANES_MAX, ifma->rsa_lanes);
	for (size_t i = 0; ifma && i < LANES_MAX; i++)
		check_few(&samples[i], LANES_MAX - i);
	check_verdict(&in, context);
	for (size_t i = 0; i < LANES_MAX; i++)
		BN_free(samples[i].power);
	BN_CTX_free(context);
	return 0;
}
