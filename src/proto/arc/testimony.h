/*
 * testimony.h - our own Authentication-Results fields, gathered for ARC-Authentication-Results; private to this folder.
 *
 * Source: RFC 8617 section 4.1.1: "the combined authres-payload ... regardless of how many Authentication-Results header
 *         fields are attached". Comments stay, for they are part of what was said.
 * Bounds: O(octets of the fields).
 */
#ifndef ASSAY_PROTO_ARC_TESTIMONY_H
#define ASSAY_PROTO_ARC_TESTIMONY_H

#include "proto/arc/seal.h"

struct arc_testimony {
	struct slice results; /* in one line: "; spf=pass ...; dkim=..."; empty: nothing was found */
	bool has_arc;         /* a result of the method arc is among them: the first says... */
	enum arc_word arc;
};

/* Fields that cannot be read, and those of other systems, are left out. 0 or -ENOMEM. */
MUST_CHECK int arc_testimony_gather(const struct arc_seal_input *input, struct arena *arena, struct arc_testimony *out);

#endif
