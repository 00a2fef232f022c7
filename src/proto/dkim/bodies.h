/*
 * bodies.h - which hashes of its body the signatures of a message ask for.
 *
 * For those who hash where the body is and verify elsewhere (CheckDigest of the wire): what they make is at least all that
 * dkim_verify() and arc_validate() may ask for, whatever their configuration.
 *
 * Source:    RFC 6376 section 3.5 (a=, c=, l=), RFC 8617 section 4.1.2.
 * Purity:    no I/O, no clock, no allocation.
 * Bounds:    the DKIM_FIELDS_MAX topmost DKIM-Signature fields and as many ARC-Message-Signature fields as a chain has
 *            instances; of more, a verifier looks at none.
 */
#ifndef ASSAY_PROTO_DKIM_BODIES_H
#define ASSAY_PROTO_DKIM_BODIES_H

#include "proto/dkim/limits.h"
#include "proto/mail/header.h"

#define DKIM_ARC_FIELDS_MAX 50 /* RFC 8617 section 4.2.1 */
#define DKIM_BODIES_MAX     (DKIM_FIELDS_MAX + DKIM_ARC_FIELDS_MAX)

/* In the terms of struct body_question. */
struct dkim_body_kind {
	enum canonicalization canon;
	enum hash_algorithm hash;
	uint64_t octets_max;
};

struct dkim_bodies {
	/* Each once, sorted by canon, then hash, then octets_max. */
	struct dkim_body_kind kinds[DKIM_BODIES_MAX];
	size_t count;
};

void dkim_bodies_asked(const struct mail_message *message, struct dkim_bodies *out);

#endif
