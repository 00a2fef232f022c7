/*
 * hasher.h - the digests of a body that its signatures ask for, made while it comes in (internal).
 *
 * Method:    each canonicalization that is asked for runs once, and each hash of it once, however many l= there are: where
 *            one ends, the hash's state is copied and finished.
 * Errors:    ASSAY_ERROR_MEMORY alone. A hash that libcrypto is configured to refuse (SHA-1) is left out.
 * Bounds:    O(octets) time, O(1) space; digests up to DKIM_BODIES_MAX.
 */
#ifndef ASSAY_CLIENT_HASHER_H
#define ASSAY_CLIENT_HASHER_H

#include "assay.pb-c.h"
#include "client/heap.h"
#include "proto/dkim/bodies.h"
#include "proto/mail/line_ends.h"

struct hasher;

/* What a hasher has found at the end. */
struct hasher_result {
	Assay__V1__BodyDigest **digests;
	size_t digests_count;
	bool bare_cr, bare_lf;
};

/* `heap` is borrowed. */
enum assay_error hasher_new(const struct assay_allocator *heap, const struct dkim_bodies *bodies,
			    struct hasher **hasher_out);
enum assay_error hasher_feed(struct hasher *hasher, struct slice chunk);
/* Once; *out points into the hasher. */
enum assay_error hasher_finish(struct hasher *hasher, struct hasher_result *out);
/* NULL is allowed. */
void hasher_free(struct hasher *hasher);

#endif
