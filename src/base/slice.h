/*
 * slice.h - a view of octets: pointer and length, never a terminator.
 *
 * Purity:    no allocation, no I/O.
 * Ownership: a slice owns nothing; it is valid as long as what it points into.
 * Case:      "nocase" folds the 26 ASCII letters only, whatever the locale.
 */
#ifndef ASSAY_BASE_SLICE_H
#define ASSAY_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const uint8_t *ptr; /* may be NULL when len is 0 */
	size_t len;         /* octets */
};

#define SLICE_EMPTY ((struct slice){ NULL, 0 })
/* A slice of a string literal, without its NUL. */
#define SLICE(literal) ((struct slice){ (const uint8_t *)("" literal), sizeof(literal) - 1 })
/* For printf's "%.*s". */
#define SLICE_FMT(s) (int)(s).len, (const char *)(s).ptr

static inline struct slice slice_of(const void *ptr, size_t len)
{
	return (struct slice){ ptr, len };
}

/* Of a NUL-terminated string; NULL gives the empty slice. */
static inline struct slice slice_of_str(const char *str)
{
	return str ? slice_of(str, strlen(str)) : SLICE_EMPTY;
}

/* Most that differ do so in length or at the front. */
static inline bool slice_equal(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || (a.ptr[0] == b.ptr[0] && memcmp(a.ptr, b.ptr, a.len) == 0));
}

/* Up to seven octets as a number below 2^56: another one for each text of a length. */
static inline uint64_t slice_word_short(struct slice s)
{
	uint32_t first, last;
	unsigned apart;

	if (s.len == 0)
		return 0;
	if (s.len < 4)
		return (uint64_t)s.ptr[0] | (uint64_t)s.ptr[s.len / 2] << 8 | (uint64_t)s.ptr[s.len - 1] << 16;
	memcpy(&first, s.ptr, sizeof(first));
	memcpy(&last, s.ptr + s.len - sizeof(last), sizeof(last));
	apart = 8 * (unsigned)(s.len - sizeof(last)); /* where they overlap they have the same octets */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return (uint64_t)first << apart | last;
#else
	return (uint64_t)last << apart | first;
#endif
}

bool slice_equal_nocase(struct slice a, struct slice b);
/* To lower case, into so many octets. */
void slice_lower(struct slice s, uint8_t *out);
bool slice_starts_with(struct slice s, struct slice prefix);
bool slice_ends_with_nocase(struct slice s, struct slice suffix);
/* memcmp order, a shorter prefix first. */
int slice_compare(struct slice a, struct slice b);

/* The part from offset `from` (clamped to the length), at most `len` octets. */
static inline struct slice slice_sub(struct slice s, size_t from, size_t len)
{
	if (from > s.len)
		from = s.len;
	if (len > s.len - from)
		len = s.len - from;
	return slice_of(s.ptr ? s.ptr + from : NULL, len);
}

static inline struct slice slice_from(struct slice s, size_t from)
{
	return slice_sub(s, from, SIZE_MAX);
}

#define SLICE_NOT_FOUND SIZE_MAX
/* Offset of the first/last such octet, or SLICE_NOT_FOUND. */
static inline size_t slice_find(struct slice s, uint8_t octet)
{
	const uint8_t *at = s.len ? memchr(s.ptr, octet, s.len) : NULL;

	return at ? (size_t)(at - s.ptr) : SLICE_NOT_FOUND;
}

size_t slice_find_last(struct slice s, uint8_t octet);

/*
 * Cuts at the first `delimiter`: returns what stands before it and moves *rest behind it. Without a
 * delimiter returns all and leaves *rest empty with a NULL pointer, which ends a loop:
 *   while (rest.ptr) { struct slice item = slice_cut(&rest, ','); ... }
 */
static inline struct slice slice_cut(struct slice *rest, uint8_t delimiter)
{
	struct slice all = *rest;
	size_t at = slice_find(all, delimiter);

	if (at == SLICE_NOT_FOUND) {
		*rest = SLICE_EMPTY;
		return all;
	}
	*rest = slice_of(all.ptr + at + 1, all.len - at - 1);
	return slice_of(all.ptr, at);
}

/* Without SP and HTAB at both ends / without SP, HTAB, CR and LF at both ends. */
struct slice slice_trim_wsp(struct slice s);
struct slice slice_trim_fws(struct slice s);

/*
 * A decimal number of 1 to `digits_max` digits and nothing else (no sign, no space).
 * Returns false, with *out untouched, for anything else or above UINT64_MAX.
 */
bool slice_to_u64(struct slice s, size_t digits_max, uint64_t *out);

static inline bool octet_is_digit(uint8_t c) { return c >= '0' && c <= '9'; }
static inline bool octet_is_alpha(uint8_t c) { return (uint8_t)((c | 0x20) - 'a') < 26; }
static inline bool octet_is_alnum(uint8_t c) { return octet_is_digit(c) || octet_is_alpha(c); }
static inline bool octet_is_wsp(uint8_t c) { return c == ' ' || c == '\t'; }
static inline uint8_t octet_lower(uint8_t c) { return (uint8_t)(c - 'A') < 26 ? (uint8_t)(c | 0x20) : c; }

static inline bool slice_starts_with_nocase(struct slice s, struct slice prefix)
{
	if (s.len < prefix.len || prefix.len == 0)
		return prefix.len == 0;
	/* Most that differ do so at the front. */
	return octet_lower(s.ptr[0]) == octet_lower(prefix.ptr[0]) && slice_equal_nocase(slice_sub(s, 0, prefix.len), prefix);
}

#endif
