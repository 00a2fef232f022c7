/*
 * cover.h - the header octets that ARC-Seal fields are made over; private to src/proto/arc.
 *
 * Source: RFC 8617 sections 4.1.3 and 5.1.1; RFC 6376 section 3.4.2 (relaxed).
 * Bounds: each field is put into canonical form once, whatever the number of seals above it.
 */
#ifndef ASSAY_PROTO_ARC_COVER_H
#define ASSAY_PROTO_ARC_COVER_H

#include "proto/arc/chain.h"
#include "proto/dkim/signature.h"

/* The fields of all sets in canonical form, in the order in which they are covered; made when first needed. */
struct arc_cover {
	const struct arc_chain *chain;
	struct arena *arena;
	struct slice *fields; /* ARC_FIELDS for each set; NULL: not made */
};

/*
 * What the seal of `instance` covers: of each set up to its own ARC-Authentication-Results, ARC-Message-Signature and
 * ARC-Seal; of itself without the value of b= and the last CRLF. 0 or -ENOMEM.
 */
MUST_CHECK int arc_cover_seal(struct arc_cover *cover, unsigned instance, const struct dkim_signature *seal,
                              const struct slice **parts_out, size_t *parts_count_out);

#endif
