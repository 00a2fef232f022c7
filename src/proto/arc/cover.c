#include "proto/arc/cover.h"

#include "proto/dkim/header.h"

#include <string.h>

static size_t fields_from_first(const struct arc_cover *cover, unsigned instance)
{
	ASSERT(cover->first >= 1 && cover->first <= instance);
	return (size_t)(instance - cover->first + 1) * ARC_FIELDS;
}

static int fields_make(struct arc_cover *cover)
{
	size_t count = fields_from_first(cover, cover->chain->count);
	const struct arc_links *sets = &cover->chain->sets[cover->first - 1];
	struct slice *fields = ARENA_NEW_ARRAY(cover->arena, count, struct slice);

	if (!fields)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		TRY(dkim_header_relaxed(sets[i / ARC_FIELDS].fields[i % ARC_FIELDS], SLICE_EMPTY, cover->arena,
		                        &fields[i]));
	cover->fields = fields;
	return 0;
}

int arc_cover_seal(struct arc_cover *cover, unsigned instance, struct slice signature_area,
                   const struct slice **parts_out, size_t *parts_count_out)
{
	size_t count = fields_from_first(cover, instance);
	struct slice *parts = ARENA_NEW_ARRAY(cover->arena, count, struct slice);

	if (!parts)
		return -ENOMEM;
	if (!cover->fields)
		TRY(fields_make(cover));
	memcpy(parts, cover->fields, (count - 1) * sizeof(*parts));
	TRY(dkim_header_relaxed(cover->chain->sets[instance - 1].fields[ARC_SEAL], signature_area, cover->arena,
	                        &parts[count - 1]));
	*parts_out = parts;
	*parts_count_out = count;
	return 0;
}
