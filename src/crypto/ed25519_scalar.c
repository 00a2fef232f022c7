#include "crypto/ed25519_scalar.h"

#include "base/error.h"

#include <string.h>

__extension__ typedef unsigned __int128 u128;

#define WORDS     ED25519_SCALAR_WORDS
#define MU_WORDS  5 /* of mu and of the quotients: 260 bits */
#define OCTETS    8 /* of a word */
#define WORD_BITS 64

/* L, and mu = floor(2^512 / L). */
static const uint64_t order[MU_WORDS] = { 0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000, 0 };
static const uint64_t mu[MU_WORDS] = { 0xed9ce5a30a2c131b, 0x2106215d086329a7, 0xffffffffffffffeb, 0xffffffffffffffff, 0xf };

/* Little-endian, on any machine; compilers make one load of it. */
static uint64_t word_read(const uint8_t octets[OCTETS])
{
	uint64_t word = 0;

	for (int i = OCTETS - 1; i >= 0; i--)
		word = word << 8 | octets[i];
	return word;
}

/* a - b modulo 2^(64 words); returns the borrow, 0 or 1. */
static uint64_t subtract(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t words)
{
	uint64_t borrow = 0;

	for (size_t i = 0; i < words; i++) {
		u128 difference = (u128)a[i] - b[i] - borrow;

		out[i] = (uint64_t)difference;
		borrow = (uint64_t)(difference >> WORD_BITS) & 1;
	}
	return borrow;
}

bool ed25519_scalar_read(const uint8_t octets[32], struct ed25519_scalar *scalar_out)
{
	uint64_t ignored[WORDS];

	for (size_t i = 0; i < WORDS; i++)
		scalar_out->word[i] = word_read(octets + OCTETS * i);
	return subtract(ignored, scalar_out->word, order, WORDS) == 1;
}

/* The low `words` of a b. A step adds at most (2^64 - 1)^2 + 2 (2^64 - 1) = 2^128 - 1. */
static void multiply(uint64_t *out, size_t words, const uint64_t a[MU_WORDS], const uint64_t b[MU_WORDS])
{
	memset(out, 0, words * sizeof(*out));
	for (size_t i = 0; i < MU_WORDS; i++) {
		uint64_t carry = 0;

		for (size_t j = 0; j < MU_WORDS && i + j < words; j++) {
			u128 sum = (u128)a[i] * b[j] + out[i + j] + carry;

			out[i + j] = (uint64_t)sum;
			carry = (uint64_t)(sum >> WORD_BITS);
		}
		if (i + MU_WORDS < words)
			out[i + MU_WORDS] = carry;
	}
}

/*
 * Barrett's reduction: with q = floor(floor(x / 2^192) mu / 2^320) the true quotient floor(x / L) is q, q + 1 or q + 2
 * (x < 2^512 and 2^252 < L < 2^256: Handbook of Applied Cryptography, 14.43, base 2^64 and k = 4). So r = x - q L is
 * in [0, 3 L), less than 2^320, and modulo 2^320 is exact; two subtractions at most are left.
 */
struct ed25519_scalar ed25519_scalar_reduce(const uint8_t octets[64])
{
	uint64_t x[2 * WORDS], product[2 * MU_WORDS], multiple[MU_WORDS], r[MU_WORDS], less[MU_WORDS];
	struct ed25519_scalar scalar;

	for (size_t i = 0; i < 2 * WORDS; i++)
		x[i] = word_read(octets + OCTETS * i);
	multiply(product, 2 * MU_WORDS, x + WORDS - 1, mu);
	multiply(multiple, MU_WORDS, product + MU_WORDS, order);
	(void)subtract(r, x, multiple, MU_WORDS);
	while (subtract(less, r, order, MU_WORDS) == 0)
		memcpy(r, less, sizeof(r));
	memcpy(scalar.word, r, sizeof(scalar.word));
	return scalar;
}

/* `count` bits from bit `at` on; above the fourth word are zeros. */
static uint64_t bits_at(const uint64_t word[WORDS + 1], unsigned at, unsigned count)
{
	u128 two = (u128)word[at / WORD_BITS + 1] << WORD_BITS | word[at / WORD_BITS];

	return (uint64_t)(two >> at % WORD_BITS) & ((UINT64_C(1) << count) - 1);
}

/*
 * Half a digit's range is added at every digit but the last, k' = k + sum of 2^(width - 1) 2^(width i), and taken away
 * from each digit of k' again: no carry from digit to digit. k' < 2^253 + 2^(width (count - 1)) < 2^254.
 */
void ed25519_scalar_digits(const struct ed25519_scalar *k, unsigned width, unsigned count, int16_t *out, size_t stride)
{
	const int16_t half = (int16_t)(1 << (width - 1));
	uint64_t halves[WORDS] = { 0 }, sum[WORDS + 1] = { 0 }, carry = 0;
	unsigned last = count - 1;

	ASSERT(width >= 2 && width <= 15 && width * last < 253 && width * count > 253);
	for (unsigned i = 0, bit = width - 1; i < last; i++, bit += width)
		halves[bit / WORD_BITS] |= UINT64_C(1) << bit % WORD_BITS;
	for (size_t i = 0; i < WORDS; i++) {
		u128 added = (u128)k->word[i] + halves[i] + carry;

		sum[i] = (uint64_t)added;
		carry = (uint64_t)(added >> WORD_BITS);
	}
	for (unsigned i = 0; i < last; i++)
		out[stride * i] = (int16_t)((int16_t)bits_at(sum, width * i, width) - half);
	out[stride * last] = (int16_t)bits_at(sum, width * last, width);
}
