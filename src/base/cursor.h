/*
 * cursor.h - a bounds-checked reader with a sticky error: read straight through, check once.
 *
 * Reading past the end sets `failed`, yields zero values and moves nothing; a failed cursor stays so.
 */
#ifndef ASSAY_BASE_CURSOR_H
#define ASSAY_BASE_CURSOR_H

#include "base/slice.h"

struct cursor {
	struct slice all;
	size_t at; /* offset of the next octet, never above all.len */
	bool failed;
};

static inline struct cursor cursor_of(struct slice all)
{
	return (struct cursor){ .all = all };
}

static inline size_t cursor_left(const struct cursor *c)
{
	return c->failed ? 0 : c->all.len - c->at;
}

static inline bool cursor_at_end(const struct cursor *c)
{
	return cursor_left(c) == 0;
}

/* The next `len` octets; empty and failed when fewer are left. */
static inline struct slice cursor_take(struct cursor *c, size_t len)
{
	struct slice taken;

	if (c->failed || len > c->all.len - c->at) {
		c->failed = true;
		return SLICE_EMPTY;
	}
	taken = slice_sub(c->all, c->at, len);
	c->at += len;
	return taken;
}

/* Big-endian (network order) numbers. */
uint8_t cursor_u8(struct cursor *c);
uint16_t cursor_u16(struct cursor *c);
uint32_t cursor_u32(struct cursor *c);
uint64_t cursor_u64(struct cursor *c);
/* The next octet without moving; -1 at the end. */
static inline int cursor_peek(const struct cursor *c)
{
	return cursor_left(c) ? c->all.ptr[c->at] : -1;
}

/* Moves over `octet` if it is next; says whether it was. */
static inline bool cursor_skip(struct cursor *c, uint8_t octet)
{
	if (cursor_peek(c) != octet)
		return false;
	c->at++;
	return true;
}

#endif
