#include "proto/arc/cover.h"

#include "proto/dkim/header.h"

#include <string.h>

static int fields_make(struct arc_cover *cover)
{
	const struct arc_chain *chain = cover->chain;
	struct slice *fields = ARENA_NEW_ARRAY(cover->arena, (size_t)chain->count * ARC_FIELDS, struct slice);

	if (!fields)
		return -ENOMEM;
	for (size_t i = 0; i < (size_t)chain->count * ARC_FIELDS; i++)
		TRY(dkim_header_relaxed(chain->sets[i / ARC_FIELDS].fields[i % ARC_FIELDS], SLICE_EMPTY, cover->arena,
		                        &fields[i]));
	cover->fields = fields;
	return 0;
}

int arc_cover_seal(struct arc_cover *cover, unsigned instance, const struct dkim_signature *seal,
                   const struct slice **parts_out, size_t *parts_count_out)
{
	size_t count = (size_t)instance * ARC_FIELDS;
	struct slice *parts = ARENA_NEW_ARRAY(cover->arena, count, struct slice);

	if (!parts)
		return -ENOMEM;
	if (!cover->fields)
		TRY(fields_make(cover));
	memcpy(parts, cover->fields, (count - 1) * sizeof(*parts));
	TRY(dkim_header_relaxed(cover->chain->sets[instance - 1].fields[ARC_SEAL], seal->signature_area, cover->arena,
	                        &parts[count - 1]));
	*parts_out = parts;
	*parts_count_out = count;
	return 0;
}
