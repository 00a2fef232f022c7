#include "base/cursor.h"

static uint64_t cursor_number(struct cursor *c, size_t octets)
{
	struct slice taken = cursor_take(c, octets);
	uint64_t value = 0;

	for (size_t i = 0; i < taken.len; i++)
		value = value << 8 | taken.ptr[i];
	return value;
}

uint8_t cursor_u8(struct cursor *c)
{
	return (uint8_t)cursor_number(c, 1);
}

uint16_t cursor_u16(struct cursor *c)
{
	return (uint16_t)cursor_number(c, 2);
}

uint32_t cursor_u32(struct cursor *c)
{
	return (uint32_t)cursor_number(c, 4);
}

uint64_t cursor_u64(struct cursor *c)
{
	return cursor_number(c, 8);
}
