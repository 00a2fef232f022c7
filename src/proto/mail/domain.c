#include "proto/mail/domain.h"

#include "base/block.h"

#include <idn2.h>
#include <string.h>

/* Of a name, or label, of 1 to 63 octets. */
static bool short_name_is_canonical(struct slice name)
{
	uint8_t copy[BLOCK_OCTETS];
	uint64_t dots = 0, others = 0;

	block_copy(name, copy);
	for (size_t at = 0; at < name.len; at += BLOCK_PART_OCTETS) {
		const uint8_t *part = copy + at;

		dots |= block_part_equal(part, '.') << at;
		others |= (block_part_within(part, 'a', 'z') | block_part_within(part, '0', '9') |
			   block_part_equal(part, '-') | block_part_equal(part, '_'))
			  << at;
	}
	return (dots | others) == block_bits_below(name.len) && domain_dots_separate(dots, name.len);
}

bool domain_is_canonical(struct slice name)
{
	if (name.len == 0 || name.len > DOMAIN_OCTETS_MAX)
		return false;
	if (name.len < BLOCK_OCTETS)
		return short_name_is_canonical(name);
	while (name.ptr) {
		struct slice label = slice_cut(&name, '.');

		if (label.len == 0 || label.len > DOMAIN_LABEL_OCTETS_MAX || !short_name_is_canonical(label))
			return false;
	}
	return true;
}

/* U-labels to A-labels, non-transitional (RFC 5891), by libidn2; `in` has no NUL and no final dot. */
static int domain_to_ascii(struct slice in, struct arena *arena, struct slice *out)
{
	struct slice copy;
	char *ascii = NULL;
	int result;

	TRY(arena_copy(arena, in, &copy));
	if (idn2_to_ascii_8z((const char *)copy.ptr, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return DOMAIN_INVALID;
	result = arena_copy(arena, slice_of_str(ascii), out);
	idn2_free(ascii);
	return result;
}

static int domain_lower(struct slice in, struct arena *arena, struct slice *out)
{
	uint8_t *lower = arena_alloc(arena, in.len);

	if (!lower)
		return -ENOMEM;
	slice_lower(in, lower);
	*out = slice_of(lower, in.len);
	return 0;
}

int domain_canonical(struct slice in, struct arena *arena, struct slice *out)
{
	bool ascii = true;
	int result;

	if (in.len && in.ptr[in.len - 1] == '.')
		in.len--;
	if (domain_is_canonical(in)) {
		*out = in;
		return 0;
	}
	/* A U-label is never longer than four octets for each of its A-label's. */
	if (in.len == 0 || in.len > 4 * DOMAIN_OCTETS_MAX)
		return DOMAIN_INVALID;
	for (size_t i = 0; i < in.len; i++) {
		if (in.ptr[i] == 0)
			return DOMAIN_INVALID;
		ascii = ascii && in.ptr[i] < 0x80;
	}
	result = ascii ? domain_lower(in, arena, &in) : domain_to_ascii(in, arena, &in);
	if (result)
		return result;
	if (!domain_is_canonical(in))
		return DOMAIN_INVALID;
	*out = in;
	return 0;
}

size_t domain_label_count(struct slice name)
{
	size_t labels = name.len > 0, at = 0;

	for (; name.len - at >= BLOCK_PART_OCTETS; at += BLOCK_PART_OCTETS)
		for (uint64_t dots = block_part_equal(name.ptr + at, '.'); dots; dots &= dots - 1)
			labels++;
	for (; at < name.len; at++)
		labels += name.ptr[at] == '.';
	return labels;
}

struct slice domain_parent(struct slice name)
{
	size_t dot = slice_find(name, '.');

	return dot == SLICE_NOT_FOUND ? SLICE_EMPTY : slice_from(name, dot + 1);
}

struct slice domain_suffix(struct slice name, size_t labels)
{
	for (size_t i = name.len; i > 0; i--)
		if (name.ptr[i - 1] == '.' && labels-- <= 1)
			return slice_from(name, i);
	return name;
}

bool domain_equal(struct slice a, struct slice b)
{
	return slice_equal_nocase(a, b);
}

bool domain_is_below(struct slice name, struct slice ancestor)
{
	return ancestor.len > 0 && name.len > ancestor.len && name.ptr[name.len - ancestor.len - 1] == '.' &&
	       slice_ends_with_nocase(name, ancestor);
}

bool domain_is_equal_or_below(struct slice name, struct slice ancestor)
{
	return domain_equal(name, ancestor) || domain_is_below(name, ancestor);
}
