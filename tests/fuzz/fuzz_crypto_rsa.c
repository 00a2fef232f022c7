/*
 * Goal:   for any modulus, exponent and signature each RSA kernel computes what OpenSSL's big numbers do, and each path says
 *         of a signature what OpenSSL says.
 * Method: the input is 2 octets of the modulus's length, 4 of the exponent, and then lanes of modulus and signature; what is
 *         missing is zero, what would be no key is made one (odd, exponent above 1). Then what is left is added (xor) to the
 *         signature and the digest of src/crypto/probe.h, which are right where that is nothing.
 */
#include "crypto/key_private.h"
#include "crypto/probe.h"
#include "crypto/rsa_parts.h"

#include <openssl/bn.h>
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

static enum crypto_verdict verdict_of(enum crypto_kernels_wish wish, struct slice digest, struct slice signature)
{
	struct crypto_provider *provider = provider_of(wish);
	enum crypto_verdict verdict;
	struct crypto_key *key;

	if (!provider)
		return CRYPTO_PENDING;
	ASSERT(crypto_key_new(provider, &crypto_probe_rsa, &key) == 0);
	verdict = crypto_key_verify(key, CRYPTO_SHA256, digest, signature);
	crypto_key_unref(key);
	return verdict;
}

static void check_verdict(struct input *in)
{
	struct slice right = crypto_probe_rsa_signature[CRYPTO_SHA256];
	uint8_t signature[256] = { 0 }, digest[32], lengthen = octet(in);
	struct slice s = slice_of(signature, lengthen & 0x80 ? lengthen & 0x7f : right.len);
	enum crypto_verdict openssl;

	memcpy(signature, right.ptr, right.len);
	memcpy(digest, crypto_probe_digest(CRYPTO_SHA256).ptr, sizeof(digest));
	for (size_t i = 0; i < right.len; i++)
		signature[i] ^= octet(in);
	for (size_t i = 0; i < sizeof(digest); i++)
		digest[i] ^= octet(in);
	openssl = verdict_of(CRYPTO_KERNELS_OPENSSL, slice_of(digest, sizeof(digest)), s);
	ASSERT(openssl == CRYPTO_VALID || openssl == CRYPTO_INVALID);
	for (int wish = 0; wish < CRYPTO_KERNELS_WISHES; wish++) {
		enum crypto_verdict verdict = verdict_of((enum crypto_kernels_wish)wish, slice_of(digest, sizeof(digest)), s);

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
	check_verdict(&in);
	for (size_t i = 0; i < LANES_MAX; i++)
		BN_free(samples[i].power);
	BN_CTX_free(context);
	return 0;
}
