#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SIZE_FIRST 128

static bool fail(struct text *text)
{
	text->failed = true;
	text->size = text->len;
	return false;
}

bool text_reserve(struct text *text, size_t more)
{
	size_t size = text->size ? text->size : SIZE_FIRST;
	uint8_t *octets;

	if (text->failed || more > SIZE_MAX / 4 - text->len)
		return fail(text);
	if (text->size - text->len > more)
		return true;
	while (size - text->len <= more)
		size *= 2;
	octets = arena_take(text->arena, size);
	if (!octets)
		return fail(text);
	if (text->len)
		memcpy(octets, text->octets, text->len);
	text->octets = octets;
	text->size = size;
	return true;
}

void text_insert(struct text *text, size_t at, struct slice s)
{
	if (s.len == 0 || (text->size - text->len <= s.len && !text_reserve(text, s.len)))
		return;
	memmove(text->octets + at + s.len, text->octets + at, text->len - at);
	memcpy(text->octets + at, s.ptr, s.len);
	text->len += s.len;
}

void text_u64(struct text *text, uint64_t number)
{
	uint8_t digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (uint8_t)('0' + number % 10);
		number /= 10;
	} while (number);
	text_add(text, slice_of(digits + at, sizeof(digits) - at));
}

void text_printf(struct text *text, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len <= 0 || !text_reserve(text, (size_t)len))
		return;
	va_start(args, format);
	vsnprintf((char *)text->octets + text->len, (size_t)len + 1, format, args);
	va_end(args);
	text->len += (size_t)len;
}

#define EACH(octet) (UINT64_C(0x0101010101010101) * (octet))

/* Is one of eight octets below `bound`, which is at most 0x80? Octets from 0x80 on may count as well, or not. */
static inline uint64_t any_below(uint64_t octets, uint8_t bound)
{
	return (octets - EACH(bound)) & ~octets & EACH(0x80);
}

static bool is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x7f && c != '\\';
}

/* How many octets at the start stand for themselves. */
static size_t plain_octets(struct slice s)
{
	size_t len = 0;
	uint64_t eight;

	for (; s.len - len >= sizeof(eight); len += sizeof(eight)) {
		memcpy(&eight, s.ptr + len, sizeof(eight));
		if ((eight & EACH(0x80)) | any_below(eight, 0x20) | any_below(eight ^ EACH(0x7f), 1) |
		    any_below(eight ^ EACH('\\'), 1))
			break;
	}
	while (len < s.len && is_plain(s.ptr[len]))
		len++;
	return len;
}

void text_printable(struct text *text, struct slice s)
{
	static const char hex[] = "0123456789abcdef";

	while (s.len > 0) {
		size_t plain = plain_octets(s);
		uint8_t c;

		text_add(text, slice_sub(s, 0, plain));
		if (plain == s.len)
			return;
		c = s.ptr[plain];
		text_add(text, SLICE("\\x"));
		text_octet(text, (uint8_t)hex[c >> 4]);
		text_octet(text, (uint8_t)hex[c & 15]);
		s = slice_from(s, plain + 1);
	}
}

int text_finish(struct text *text, struct slice *out)
{
	if (text->failed || (text->size == text->len && !text_reserve(text, 0)))
		return -ENOMEM;
	text->octets[text->len] = 0;
	*out = slice_of(text->octets, text->len);
	return 0;
}
