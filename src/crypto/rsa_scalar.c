/*
 * One signature at a time, in limbs of 64 bits: for processors without a kernel of eight lanes.
 */
#include "crypto/rsa_parts.h"

#include <string.h>

__extension__ typedef unsigned __int128 wide;

/* t += a * b + carry fits: (2^64 - 1)^2 + 2 * (2^64 - 1) = 2^128 - 1. */
static inline uint64_t multiply_add(uint64_t *t, uint64_t a, uint64_t b, uint64_t carry)
{
	wide sum = (wide)a * b + *t + carry;

	*t = (uint64_t)sum;
	return (uint64_t)(sum >> 64);
}

/* t[0..count) += a * b[0..count), and what is carried out. */
static uint64_t row_add(uint64_t *t, uint64_t a, const uint64_t *b, size_t count)
{
	uint64_t carry = 0;

	for (size_t i = 0; i < count; i++)
		carry = multiply_add(&t[i], a, b[i], carry);
	return carry;
}

static bool is_below(const uint64_t *a, const uint64_t *b, size_t count)
{
	for (size_t i = count; i-- > 0;)
		if (a[i] != b[i])
			return a[i] < b[i];
	return false;
}

/* out = t - n modulo 2^(64 * count). */
static void subtract(uint64_t *out, const uint64_t *t, const uint64_t *n, size_t count)
{
	uint64_t borrow = 0;

	for (size_t i = 0; i < count; i++) {
		wide difference = (wide)t[i] - n[i] - borrow;

		out[i] = (uint64_t)difference;
		borrow = (uint64_t)(difference >> 64) & 1;
	}
}

/*
 * out = t / R modulo n, for t of 2 * limbs below n * R. Each row makes the lowest limb left zero by adding a multiple of
 * n; all of them together add less than R * n, so (t + added) / R is below 2n and one subtraction is enough. `above` is
 * the bit that may be carried out of the upper half.
 */
static void reduce(const struct crypto_rsa_key *key, uint64_t *t, uint64_t *out)
{
	const uint64_t *n = key->modulus;
	size_t limbs = key->limbs;
	uint64_t above = 0;

	for (size_t i = 0; i < limbs; i++) {
		uint64_t carry = row_add(t + i, t[i] * key->inverse, n, limbs);
		wide sum = (wide)t[i + limbs] + carry + above;

		t[i + limbs] = (uint64_t)sum;
		above = (uint64_t)(sum >> 64);
	}
	if (above || !is_below(t + limbs, n, limbs))
		subtract(out, t + limbs, n, limbs);
	else
		memcpy(out, t + limbs, limbs * sizeof(*out));
}

/* out = a * b / R modulo n, below n as a and b are. `out` may be either of them. */
static void multiply(const struct crypto_rsa_key *key, const uint64_t *a, const uint64_t *b, uint64_t *out)
{
	uint64_t t[2 * RSA_LIMBS64_MAX];
	size_t limbs = key->limbs;

	memset(t, 0, 2 * limbs * sizeof(*t));
	for (size_t i = 0; i < limbs; i++)
		t[i + limbs] = row_add(t + i, a[i], b, limbs);
	reduce(key, t, out);
}

/* t = 2 * t + the squares of a's limbs, where t holds the products of different ones: a^2 in the end, below R^2. */
static void double_and_add_squares(uint64_t *t, const uint64_t *a, size_t limbs)
{
	uint64_t top = 0, carry = 0;

	for (size_t i = 0; i < limbs; i++) {
		wide square = (wide)a[i] * a[i];
		wide low = (wide)(t[2 * i] << 1 | top) + (uint64_t)square + carry;
		wide high = (wide)(t[2 * i + 1] << 1 | t[2 * i] >> 63) + (uint64_t)(square >> 64) + (uint64_t)(low >> 64);

		top = t[2 * i + 1] >> 63;
		t[2 * i] = (uint64_t)low;
		t[2 * i + 1] = (uint64_t)high;
		carry = (uint64_t)(high >> 64);
	}
}

static void square(const struct crypto_rsa_key *key, const uint64_t *a, uint64_t *out)
{
	uint64_t t[2 * RSA_LIMBS64_MAX];
	size_t limbs = key->limbs;

	memset(t, 0, 2 * limbs * sizeof(*t));
	for (size_t i = 0; i < limbs; i++)
		t[i + limbs] = row_add(t + 2 * i + 1, a[i], a + i + 1, limbs - i - 1);
	double_and_add_squares(t, a, limbs);
	reduce(key, t, out);
}

/* From the exponent's most significant bit on; the last factor is s itself, not s * R, which takes R out again. */
void rsa_power(const struct crypto_rsa_key *key, const uint8_t *signature, uint64_t out[RSA_LIMBS64_MAX])
{
	uint64_t base[RSA_LIMBS64_MAX], base_r[RSA_LIMBS64_MAX];

	rsa_limbs_from_octets(CRYPTO_RSA_FORM_64, slice_of(signature, key->octets), key->limbs, base, 1);
	multiply(key, base, key->r_squared, base_r);
	memcpy(out, base_r, key->limbs * sizeof(*out));
	for (int bit = 30 - __builtin_clz(key->exponent); bit >= 0; bit--) {
		square(key, out, out);
		if (key->exponent >> bit & 1)
			multiply(key, out, bit > 0 ? base_r : base, out);
	}
}

void crypto_rsa_verify(struct crypto_rsa_check *check)
{
	uint64_t power[RSA_LIMBS64_MAX], expected[RSA_LIMBS64_MAX];
	uint8_t encoded[CRYPTO_RSA_MODULUS_OCTETS_MAX];
	const struct crypto_rsa_key *key = check->key;

	ASSERT(key->form == CRYPTO_RSA_FORM_64);
	rsa_power(key, check->signature, power);
	rsa_encode(check, encoded);
	rsa_limbs_from_octets(CRYPTO_RSA_FORM_64, slice_of(encoded, key->octets), key->limbs, expected, 1);
	check->valid = memcmp(power, expected, key->limbs * sizeof(*power)) == 0;
}
