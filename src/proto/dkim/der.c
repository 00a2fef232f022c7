#include "proto/dkim/der.h"

#define DER_INTEGER    0x02
#define DER_BIT_STRING 0x03
#define DER_NULL       0x05
#define DER_OID        0x06
#define DER_SEQUENCE   0x30

/* 1.2.840.113549.1.1.1 */
static const uint8_t rsa_encryption[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 };

/* X.690 section 8.1.3 and 10.1: definite, in the fewest octets; more than two length octets never occur here. */
static size_t der_length(struct cursor *c)
{
	uint8_t first = cursor_u8(c);
	size_t length;

	if (first < 0x80)
		return first;
	if (first == 0x81)
		length = cursor_u8(c);
	else if (first == 0x82)
		length = cursor_u16(c);
	else
		length = 0;
	if (length < (first == 0x81 ? 0x80u : 0x100u))
		c->failed = true;
	return length;
}

/* The contents of the next element, which has to be of that type. */
static struct cursor der_element(struct cursor *c, uint8_t type)
{
	struct cursor contents;

	if (!cursor_skip(c, type))
		c->failed = true;
	contents = cursor_of(cursor_take(c, der_length(c)));
	contents.failed = c->failed;
	return contents;
}

static struct slice der_positive_integer(struct cursor *c)
{
	struct slice number = der_element(c, DER_INTEGER).all;
	bool padded = number.len > 0 && number.ptr[0] == 0;

	if (padded)
		number = slice_from(number, 1);
	/* One zero octet stands before a high bit and nowhere else; without it the number would be negative. */
	if (number.len == 0 || padded != (number.ptr[0] >= 0x80))
		c->failed = true;
	return number;
}

static bool der_ended(const struct cursor *c)
{
	return !c->failed && cursor_at_end(c);
}

static bool der_numbers(struct cursor numbers, struct slice *modulus_out, struct slice *exponent_out)
{
	*modulus_out = der_positive_integer(&numbers);
	*exponent_out = der_positive_integer(&numbers);
	return der_ended(&numbers);
}

/* AlgorithmIdentifier; its parameters shall be NULL (RFC 3279), and are sometimes left out. */
static bool der_algorithm_is_rsa(struct cursor algorithm)
{
	struct slice oid = der_element(&algorithm, DER_OID).all;

	if (!cursor_at_end(&algorithm) && der_element(&algorithm, DER_NULL).all.len > 0)
		return false;
	return der_ended(&algorithm) && slice_equal(oid, slice_of(rsa_encryption, sizeof(rsa_encryption)));
}

static bool der_key_info(struct cursor info, struct slice *modulus_out, struct slice *exponent_out)
{
	struct cursor algorithm = der_element(&info, DER_SEQUENCE);
	struct cursor bits = der_element(&info, DER_BIT_STRING);
	struct cursor numbers;

	if (!der_ended(&info) || !der_algorithm_is_rsa(algorithm) || cursor_u8(&bits) != 0)
		return false;
	numbers = der_element(&bits, DER_SEQUENCE);
	return der_ended(&bits) && der_numbers(numbers, modulus_out, exponent_out);
}

bool der_rsa_public_key(struct slice text, struct slice *modulus_out, struct slice *exponent_out)
{
	struct cursor all = cursor_of(text);
	struct cursor contents = der_element(&all, DER_SEQUENCE);

	if (!der_ended(&all))
		return false;
	if (cursor_peek(&contents) == DER_INTEGER)
		return der_numbers(contents, modulus_out, exponent_out);
	return der_key_info(contents, modulus_out, exponent_out);
}
