#include "base/base64.h"

static int sextet(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int base64_decode(struct slice text, struct arena *arena, struct slice *out)
{
	uint8_t *octets = arena_alloc(arena, text.len / 4 * 3 + 3);
	size_t digits = 0, padding = 0, len = 0;
	uint32_t bits = 0;

	if (!octets)
		return -ENOMEM;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];
		int value = sextet(c);

		if (is_space(c))
			continue;
		if (c == '=') {
			padding++;
			continue;
		}
		if (value < 0 || padding)
			return BASE64_INVALID;
		bits = bits << 6 | (uint32_t)value;
		if (++digits % 4 != 1)
			octets[len++] = (uint8_t)(bits >> (digits % 4 == 2 ? 4 : digits % 4 == 3 ? 2 : 0));
	}
	if (digits % 4 == 1 || (padding && (digits % 4 == 0 || digits % 4 + padding != 4)))
		return BASE64_INVALID;
	if ((digits % 4 == 2 && (bits & 15)) || (digits % 4 == 3 && (bits & 3)))
		return BASE64_INVALID;
	*out = slice_of(octets, len);
	return BASE64_OK;
}
