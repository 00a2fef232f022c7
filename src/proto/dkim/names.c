#include "proto/dkim/names.h"

#include "proto/dkim/taglist.h"

static size_t colons(struct slice value)
{
	size_t count = 0;

	for (size_t i = 0; i < value.len; i++)
		count += value.ptr[i] == ':';
	return count;
}

int dkim_names_read(struct slice value, struct arena *arena, struct dkim_names *out)
{
	size_t count = colons(value) + 1;
	struct dkim_name *items;
	size_t i = 0;

	*out = (struct dkim_names){ .count = 0 };
	if (count > DKIM_SIGNED_NAMES_MAX)
		return DKIM_NAMES_EXCESSIVE;
	items = ARENA_NEW_ARRAY(arena, count, struct dkim_name);
	if (!items)
		return -ENOMEM;
	if (!value.ptr)
		value = SLICE("");
	while (dkim_colon_next(&value, &items[i].text)) {
		items[i].id = mail_name_of(items[i].text);
		out->have_others |= items[i].id == MAIL_NAME_OTHER;
		i++;
	}
	ASSERT(i == count);
	out->items = items;
	out->count = count;
	return 0;
}
