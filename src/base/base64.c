#include "base/base64.h"

/* Value of a digit plus one; 0: none. */
static const uint8_t digit_of[256] = {
	['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,  ['I'] = 9,
	['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18,
	['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27,
	['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36,
	['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45,
	['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54,
	['2'] = 55, ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63,
	['/'] = 64,
};

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Groups of four digits that nothing interrupts, from `at` on; returns where they end. */
static size_t groups_decode(struct slice text, size_t at, uint8_t *octets, size_t *len)
{
	for (; text.len - at >= 4; at += 4, *len += 3) {
		const uint8_t *p = text.ptr + at;
		uint32_t a = digit_of[p[0]], b = digit_of[p[1]], c = digit_of[p[2]], d = digit_of[p[3]], group;

		if (!a || !b || !c || !d)
			break;
		group = (a - 1) << 18 | (b - 1) << 12 | (c - 1) << 6 | (d - 1);
		octets[*len] = (uint8_t)(group >> 16);
		octets[*len + 1] = (uint8_t)(group >> 8);
		octets[*len + 2] = (uint8_t)group;
	}
	return at;
}

int base64_decode(struct slice text, struct arena *arena, struct slice *out)
{
	uint8_t *octets = arena_alloc(arena, text.len / 4 * 3 + 3);
	size_t digits = 0, padding = 0, len = 0;
	uint32_t bits = 0;

	if (!octets)
		return -ENOMEM;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c;

		if (digits % 4 == 0 && !padding && (i = groups_decode(text, i, octets, &len)) == text.len)
			break;
		c = text.ptr[i];
		if (is_space(c))
			continue;
		if (c == '=') {
			padding++;
			continue;
		}
		if (!digit_of[c] || padding)
			return BASE64_INVALID;
		bits = bits << 6 | (uint32_t)(digit_of[c] - 1);
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

void base64_add(struct text *text, struct slice octets)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t at = 0; at < octets.len; at += 3) {
		size_t left = octets.len - at;
		uint32_t group = (uint32_t)octets.ptr[at] << 16 | (uint32_t)(left > 1 ? octets.ptr[at + 1] : 0) << 8 |
		                 (uint32_t)(left > 2 ? octets.ptr[at + 2] : 0);

		text_octet(text, (uint8_t)digits[group >> 18]);
		text_octet(text, (uint8_t)digits[group >> 12 & 63]);
		text_octet(text, left > 1 ? (uint8_t)digits[group >> 6 & 63] : '=');
		text_octet(text, left > 2 ? (uint8_t)digits[group & 63] : '=');
	}
}
