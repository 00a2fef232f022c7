/*
 * text.h - octets appended to a growing piece of an arena.
 *
 * Errors: sticky. When the arena is full the text stays as it was and `failed` is set; every later
 *         append does nothing. Append straight through, then check once with text_finish().
 * Bounds: the arena's. Growth doubles, so the arena holds at most 4 times the final text for it.
 */
#ifndef ASSAY_BASE_TEXT_H
#define ASSAY_BASE_TEXT_H

#include "base/arena.h"

struct text {
	struct arena *arena; /* borrowed */
	uint8_t *octets;
	size_t len;
	size_t size;
	bool failed;
};

static inline void text_init(struct text *text, struct arena *arena)
{
	*text = (struct text){ .arena = arena };
}

/* Makes room for `more` octets and a NUL at once; false: failed. Appending does so by itself. */
bool text_reserve(struct text *text, size_t more);

static inline void text_add(struct text *text, struct slice s)
{
	/* No room, when it has failed. */
	if (s.len == 0 || (__builtin_expect(text->size - text->len <= s.len, 0) && !text_reserve(text, s.len)))
		return;
	memcpy(text->octets + text->len, s.ptr, s.len);
	text->len += s.len;
}

static inline void text_octet(struct text *text, uint8_t octet)
{
	text_add(text, slice_of(&octet, 1));
}

static inline void text_str(struct text *text, const char *str)
{
	text_add(text, slice_of_str(str));
}

/* Puts `s` before the octet at `at`, which is not above the length. */
void text_insert(struct text *text, size_t at, struct slice s);
void text_u64(struct text *text, uint64_t number);
__attribute__((format(printf, 2, 3))) void text_printf(struct text *text, const char *format, ...);
/*
 * For people and logs: printable ASCII as it is; every other octet, and the backslash, as \xHH, so
 * that outside octets can never break a line, a header field or a terminal.
 */
void text_printable(struct text *text, struct slice s);
/* 0 and the whole text (a NUL behind it is not counted), or -ENOMEM when any append failed. */
MUST_CHECK int text_finish(struct text *text, struct slice *out);

#endif
