#include "crypto/rsa_parts.h"

#include <openssl/bn.h>
#include <stdlib.h>
#include <string.h>

#define LIMB52_MASK (((uint64_t)1 << 52) - 1)

/* DER of DigestInfo before the digest (RFC 8017 section 9.2, note 1). */
static const uint8_t sha256_prefix[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
	                                 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };
static const uint8_t sha1_prefix[] = { 0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e,
	                               0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14 };

/* 3 octets around at least 8 of padding, as section 9.2 step 3 asks: there is room in the smallest modulus. */
_Static_assert(sizeof(sha256_prefix) + 32 + 3 + 8 <= CRYPTO_RSA_MODULUS_OCTETS_MIN, "no encoded message would fit");

_Static_assert(CRYPTO_RSA_BLOCK % 2 == 0, "limbs of 52 bits are loaded in pairs");

static unsigned limb_bits(enum crypto_rsa_form form)
{
	return form == CRYPTO_RSA_FORM_52 ? 52 : 64;
}

/* Form 52: two bits more than the modulus has, for 4n < R. */
size_t crypto_rsa_limbs(enum crypto_rsa_form form, size_t modulus_octets)
{
	size_t limbs;

	if (form == CRYPTO_RSA_FORM_64)
		return (modulus_octets + 7) / 8;
	limbs = (modulus_octets * 8 + 2 + 51) / 52;
	return (limbs + CRYPTO_RSA_BLOCK - 1) / CRYPTO_RSA_BLOCK * CRYPTO_RSA_BLOCK;
}

size_t crypto_rsa_key_bytes(enum crypto_rsa_form form, size_t modulus_octets)
{
	return sizeof(struct crypto_rsa_key) + 2 * sizeof(uint64_t) * crypto_rsa_limbs(form, modulus_octets);
}

/* One load and a swap of octets, to compilers. */
static inline uint64_t octets_load(const uint8_t *at)
{
	return (uint64_t)at[0] << 56 | (uint64_t)at[1] << 48 | (uint64_t)at[2] << 40 | (uint64_t)at[3] << 32 |
	       (uint64_t)at[4] << 24 | (uint64_t)at[5] << 16 | (uint64_t)at[6] << 8 | (uint64_t)at[7];
}

/* Two limbs of 52 bits are 13 octets: the upper one begins in the middle of the seventh. */
static inline void limbs52_load(const uint8_t *end, uint64_t *out, size_t stride)
{
	out[0] = octets_load(end - 8) & LIMB52_MASK;
	out[stride] = octets_load(end - 14) >> 4 & LIMB52_MASK;
}

/* While there are octets for all that a pair loads; what is left, at most 13, is loaded from a copy with zeroes above. */
static void limbs52_from_octets(struct slice octets, size_t limbs, uint64_t *out, size_t stride)
{
	const uint8_t *end = octets.ptr + octets.len;
	uint8_t top[14] = { 0 };
	size_t i = 0;

	for (; i < limbs && end - octets.ptr >= 14; i += 2, end -= 13)
		limbs52_load(end, out + i * stride, stride);
	memcpy(top + sizeof(top) - (end - octets.ptr), octets.ptr, (size_t)(end - octets.ptr));
	for (; i < limbs; i += 2) {
		limbs52_load(top + sizeof(top), out + i * stride, stride);
		memset(top, 0, sizeof(top));
	}
}

static void limbs64_from_octets(struct slice octets, size_t limbs, uint64_t *out, size_t stride)
{
	const uint8_t *end = octets.ptr + octets.len;
	uint8_t top[8] = { 0 };
	size_t i = 0;

	for (; i < limbs && end - octets.ptr >= 8; i++, end -= 8)
		out[i * stride] = octets_load(end - 8);
	memcpy(top + sizeof(top) - (end - octets.ptr), octets.ptr, (size_t)(end - octets.ptr));
	for (; i < limbs; i++) {
		out[i * stride] = octets_load(top);
		memset(top, 0, sizeof(top));
	}
}

void rsa_limbs_from_octets(enum crypto_rsa_form form, struct slice octets, size_t limbs, uint64_t *out, size_t stride)
{
	ASSERT(octets.len > 0 && octets.len * 8 <= limbs * limb_bits(form));
	if (form == CRYPTO_RSA_FORM_52)
		limbs52_from_octets(octets, limbs, out, stride);
	else
		limbs64_from_octets(octets, limbs, out, stride);
}

/* R^2 modulo n, as long as n. */
static bool r_squared_compute(struct slice modulus, size_t r_bits, uint8_t *out)
{
	BN_CTX *context = BN_CTX_new();
	BIGNUM *n = BN_bin2bn(modulus.ptr, (int)modulus.len, NULL), *r = BN_new();
	bool works = context && n && r && BN_set_bit(r, (int)(2 * r_bits)) == 1 && BN_mod(r, r, n, context) == 1 &&
	             BN_bn2binpad(r, out, (int)modulus.len) == (int)modulus.len;

	BN_free(n);
	BN_free(r);
	BN_CTX_free(context);
	return works;
}

/* x = 1/n modulo 2^k makes x * (2 - n * x) = 1/n modulo 2^2k; an odd n is its own inverse modulo 2^3. */
static uint64_t inverse_negated(uint64_t n)
{
	uint64_t x = n;

	for (int bits = 3; bits < 64; bits *= 2)
		x *= 2 - n * x;
	return 0 - x;
}

uint32_t crypto_rsa_exponent(struct slice exponent)
{
	uint32_t value = 0;

	for (size_t i = 0; i < exponent.len; i++)
		value = value << 8 | exponent.ptr[i];
	return value;
}

struct crypto_rsa_key *crypto_rsa_key_new(enum crypto_rsa_form form, struct slice modulus, struct slice exponent)
{
	struct crypto_rsa_key *key = calloc(1, crypto_rsa_key_bytes(form, modulus.len));
	uint8_t r_squared[CRYPTO_RSA_MODULUS_OCTETS_MAX];
	uint64_t *numbers;

	ASSERT(modulus.len <= CRYPTO_RSA_MODULUS_OCTETS_MAX && exponent.len <= CRYPTO_RSA_EXPONENT_OCTETS_MAX);
	if (!key)
		return NULL;
	key->form = form;
	key->octets = modulus.len;
	key->limbs = crypto_rsa_limbs(form, modulus.len);
	key->exponent = crypto_rsa_exponent(exponent);
	if (!r_squared_compute(modulus, key->limbs * limb_bits(form), r_squared)) {
		free(key);
		return NULL;
	}
	numbers = key->numbers;
	key->modulus = numbers;
	key->r_squared = numbers + key->limbs;
	rsa_limbs_from_octets(form, modulus, key->limbs, numbers, 1);
	rsa_limbs_from_octets(form, slice_of(r_squared, modulus.len), key->limbs, numbers + key->limbs, 1);
	key->inverse = inverse_negated(numbers[0]);
	if (form == CRYPTO_RSA_FORM_52)
		key->inverse &= LIMB52_MASK;
	return key;
}

bool crypto_rsa_is_representative(struct slice modulus, struct slice signature)
{
	return signature.len == modulus.len && memcmp(signature.ptr, modulus.ptr, modulus.len) < 0;
}

void rsa_encode(const struct crypto_rsa_check *check, uint8_t out[CRYPTO_RSA_MODULUS_OCTETS_MAX])
{
	struct slice prefix = check->hash == CRYPTO_SHA1 ? slice_of(sha1_prefix, sizeof(sha1_prefix))
	                                                 : slice_of(sha256_prefix, sizeof(sha256_prefix));
	size_t digest = crypto_hash_octets(check->hash), padding = check->key->octets - 3 - prefix.len - digest;

	*out++ = 0;
	*out++ = 1;
	memset(out, 0xff, padding);
	out += padding;
	*out++ = 0;
	memcpy(out, prefix.ptr, prefix.len);
	memcpy(out + prefix.len, check->digest, digest);
}
