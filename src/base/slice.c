#include "base/slice.h"

#include "base/block.h"

#include <string.h>

/* Eight octets in lower case: each is told apart from the letters' ends by a carry into its own top bit. */
static uint64_t word_lower(uint64_t octets)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t seven = octets & ones * 0x7f;
	uint64_t above = seven + ones * (0x80 - 'A');     /* top bit: 'A' or more */
	uint64_t below = seven + ones * (0x80 - 'Z' - 1); /* top bit: more than 'Z' */

	return octets | ((above & ~below & ~octets & ones * 0x80) >> 2);
}

static uint64_t word_load(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

static bool words_equal_nocase(uint64_t a, uint64_t b)
{
	return a == b || word_lower(a) == word_lower(b);
}

bool slice_equal_nocase(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return false;
	if (a.len < 8)
		return words_equal_nocase(slice_word_short(a), slice_word_short(b));
	for (size_t i = 0; a.len - i > 8; i += 8)
		if (!words_equal_nocase(word_load(a.ptr + i), word_load(b.ptr + i)))
			return false;
	return words_equal_nocase(word_load(a.ptr + a.len - 8), word_load(b.ptr + b.len - 8));
}

/* The last ones of a slice are worked as those that end where it does, some of them once more. */
void slice_lower(struct slice s, uint8_t *out)
{
	size_t at = 0;

	if (s.len >= BLOCK_PART_OCTETS) {
		for (; s.len - at > BLOCK_PART_OCTETS; at += BLOCK_PART_OCTETS)
			block_part_lower(s.ptr + at, out + at);
		at = s.len - BLOCK_PART_OCTETS;
		block_part_lower(s.ptr + at, out + at);
	} else if (s.len >= 8) {
		uint64_t first = word_lower(word_load(s.ptr)), last = word_lower(word_load(s.ptr + s.len - 8));

		memcpy(out, &first, 8);
		memcpy(out + s.len - 8, &last, 8);
	} else {
		for (; at < s.len; at++)
			out[at] = octet_lower(s.ptr[at]);
	}
}

bool slice_starts_with(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len && slice_equal(slice_sub(s, 0, prefix.len), prefix);
}

bool slice_ends_with_nocase(struct slice s, struct slice suffix)
{
	return s.len >= suffix.len && slice_equal_nocase(slice_from(s, s.len - suffix.len), suffix);
}

int slice_compare(struct slice a, struct slice b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common ? memcmp(a.ptr, b.ptr, common) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

size_t slice_find_last(struct slice s, uint8_t octet)
{
	for (size_t i = s.len; i > 0; i--)
		if (s.ptr[i - 1] == octet)
			return i - 1;
	return SLICE_NOT_FOUND;
}

struct slice slice_trim_wsp(struct slice s)
{
	while (s.len && octet_is_wsp(s.ptr[0]))
		s = slice_from(s, 1);
	while (s.len && octet_is_wsp(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

static bool octet_is_fws(uint8_t c)
{
	return octet_is_wsp(c) || c == '\r' || c == '\n';
}

struct slice slice_trim_fws(struct slice s)
{
	while (s.len && octet_is_fws(s.ptr[0]))
		s = slice_from(s, 1);
	while (s.len && octet_is_fws(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

bool slice_to_u64(struct slice s, size_t digits_max, uint64_t *out)
{
	uint64_t value = 0;

	if (s.len == 0 || s.len > digits_max)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		uint8_t digit = (uint8_t)(s.ptr[i] - '0');

		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}
