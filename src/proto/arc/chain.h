/*
 * chain.h - the ARC sets of a message, put in their order; private to src/proto/arc.
 *
 * Source: RFC 8617 sections 3.9 (instance), 4.1, 4.2 and 5.2 steps 1 to 3.
 * Purity: no I/O, no clock.
 * Bounds: ARC_INSTANCE_MAX fields of each name are read; one more is a broken chain.
 */
#ifndef ASSAY_PROTO_ARC_CHAIN_H
#define ASSAY_PROTO_ARC_CHAIN_H

#include "proto/arc/limits.h"

enum arc_field { ARC_AUTHENTICATION_RESULTS, ARC_MESSAGE_SIGNATURE, ARC_SEAL, ARC_FIELDS };

struct arc_links {
	const struct mail_field *fields[ARC_FIELDS];
	struct slice cv;     /* of ARC-Seal; empty: none */
	struct slice payload; /* of ARC-Authentication-Results: behind the instance and its ";" */
	bool from_signed;    /* h= of ARC-Message-Signature names From */
};

struct arc_chain {
	struct arc_links sets[ARC_INSTANCE_MAX]; /* by instance, the first being i=1 */
	unsigned count;                          /* the highest instance */
	struct reason fault;                     /* REASON_NONE: every rule of the structure is kept */
};

/* No set: count is 0 and there is no fault. 0 or -ENOMEM. */
MUST_CHECK int arc_chain_read(const struct mail_message *message, struct arena *arena, struct arc_chain *out);

/* Fields of ARC, of all three names together. */
size_t arc_chain_fields(const struct mail_message *message);

/* "ARC-Seal", ... */
struct slice arc_field_name(enum arc_field field);

#endif
