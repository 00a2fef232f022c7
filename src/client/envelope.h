/*
 * envelope.h - an envelope and what goes with it, copied, for a mail that outlives its caller's (internal).
 */
#ifndef ASSAY_CLIENT_ENVELOPE_H
#define ASSAY_CLIENT_ENVELOPE_H

#include "client/heap.h"

struct envelope_copy {
	struct assay_envelope envelope;
	struct assay_call call;
	void *memory; /* of all their texts */
};

/* Both may be NULL. False: no memory. */
int envelope_copy(const struct assay_allocator *heap, const struct assay_call *call,
		  const struct assay_envelope *envelope, struct envelope_copy *out);

#endif
