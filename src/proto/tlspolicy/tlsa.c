#include "proto/tlspolicy/tlsa.h"

#include "base/text.h"

bool tlsa_read(struct slice rdata, struct tlsa *out)
{
	if (rdata.len < 3)
		return false;
	*out = (struct tlsa){ rdata.ptr[0], rdata.ptr[1], rdata.ptr[2], slice_from(rdata, 3) };
	return true;
}

bool tlsa_is_usable(const struct tlsa *tlsa)
{
	if ((tlsa->usage != TLSA_DANE_TA && tlsa->usage != TLSA_DANE_EE) || tlsa->selector > TLSA_SPKI)
		return false;
	switch (tlsa->matching_type) {
	case TLSA_FULL: return tlsa->data.len > 0;
	case TLSA_SHA256: return tlsa->data.len == 32;
	case TLSA_SHA512: return tlsa->data.len == 64;
	default: return false;
	}
}

static bool tlsa_equal(const struct tlsa *a, const struct tlsa *b)
{
	return a->usage == b->usage && a->selector == b->selector && a->matching_type == b->matching_type &&
	       slice_equal(a->data, b->data);
}

/* There is one beside it that makes it superfluous: the same, earlier, or one of a stronger digest. */
static bool is_passed_over(const struct tlsa *list, size_t count, size_t index)
{
	for (size_t i = 0; i < count; i++) {
		if (i < index && tlsa_equal(&list[i], &list[index]))
			return true;
		if (list[index].matching_type != TLSA_FULL && list[i].usage == list[index].usage &&
		    list[i].selector == list[index].selector && list[i].matching_type > list[index].matching_type)
			return true;
	}
	return false;
}

int tlsa_select(const struct dns_answer *answer, struct arena *arena, struct tlsa **out, size_t *count_out)
{
	size_t room = answer->count < TLSA_RECORDS_MAX ? answer->count : TLSA_RECORDS_MAX, usable = 0, kept = 0;
	struct tlsa *list = ARENA_NEW_ARRAY(arena, room, struct tlsa), *selected = ARENA_NEW_ARRAY(arena, room, struct tlsa);

	if (!list || !selected)
		return -ENOMEM;
	for (size_t i = 0; i < room; i++)
		if (tlsa_read(answer->records[i].data, &list[usable]) && tlsa_is_usable(&list[usable]))
			usable++;
	for (size_t i = 0; i < usable; i++)
		if (!is_passed_over(list, usable, i))
			selected[kept++] = list[i];
	*out = selected;
	*count_out = kept;
	return 0;
}

int tlsa_text(const struct tlsa *tlsa, struct arena *arena, struct slice *out)
{
	static const char digits[] = "0123456789abcdef";
	struct text text;

	text_init(&text, arena);
	text_printf(&text, "%u %u %u ", tlsa->usage, tlsa->selector, tlsa->matching_type);
	for (size_t i = 0; i < tlsa->data.len; i++) {
		text_octet(&text, (uint8_t)digits[tlsa->data.ptr[i] >> 4]);
		text_octet(&text, (uint8_t)digits[tlsa->data.ptr[i] & 15]);
	}
	return text_finish(&text, out);
}
