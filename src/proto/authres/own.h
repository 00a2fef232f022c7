/*
 * own.h - the Authentication-Results and Received-SPF fields that came with a message and claim to be our own.
 *
 * Source:    RFC 8601 section 5; STANDARDS 5.3; CVE-2022-48521 (LESSONS 13).
 * Purity:    no I/O, no clock.
 * Errors:    0 or -ENOMEM. What a field says is never an error.
 * Bounds:    O(octets of the fields) time and memory.
 */
#ifndef ASSAY_PROTO_AUTHRES_OWN_H
#define ASSAY_PROTO_AUTHRES_OWN_H

#include "proto/mail/header.h"

/* The authserv-ids of our ADMD. One that begins with "." stands for every name below it. */
struct authres_own {
	struct slice id;         /* the one that is being written; empty: none */
	const struct slice *ids; /* others: of other systems, or of the past */
	size_t ids_count;
};

/*
 * Does the field bear one of them, or might somebody think so? *out is true when
 * - its authserv-id is one of ours, whatever its case, quotes, comments, folds, and A-labels or U-labels; also when
 *   more follows behind it, such as "/1" or a version inside the quotes;
 * - it cannot be read, has no authserv-id, or one that nobody can be sure of (octets above 127 that are no domain
 *   name): "if you cannot parse it, delete it";
 * - it has a version that we do not know (section 5, last paragraph).
 */
MUST_CHECK int authres_is_own(struct slice field_value, const struct authres_own *own, struct arena *arena, bool *out);

/*
 * The same of a Received-SPF field and its receivers (RFC 7208 section 9.1; STANDARDS 5.3): true when one of them is
 * ours or no domain name, when it names none, and when it cannot be read.
 */
MUST_CHECK int authres_is_own_received_spf(struct slice field_value, const struct authres_own *own, struct arena *arena,
					   bool *out);

#define AUTHRES_FIELD_NAME "Authentication-Results"

/*
 * The message's Authentication-Results fields for which authres_is_own() holds: positions among the fields of that
 * name, the topmost being 1, as milters count them; the last field first, so that they can be removed in this order
 * without one removal shifting the next.
 */
struct authres_positions {
	const uint32_t *at;
	size_t count;
};

MUST_CHECK int authres_own_fields(const struct mail_message *message, const struct authres_own *own,
				  struct arena *arena, struct authres_positions *out);
/* The Received-SPF fields for which authres_is_own_received_spf() holds, likewise. */
MUST_CHECK int authres_own_received_spf(const struct mail_message *message, const struct authres_own *own,
					struct arena *arena, struct authres_positions *out);

#endif
