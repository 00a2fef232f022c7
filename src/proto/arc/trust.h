/*
 * trust.h - which hops of a chain may be believed; private to src/proto/arc.
 *
 * Source: STANDARDS 4.2. A pass says only who sealed. A hop is believed when the site lists its sealer, and everyone above it
 *         is listed too, or its own message signature still passes: then what stands above it has changed nothing. From has to
 *         be among what the signature that is relied on covers: else anybody may have put another author on top.
 */
#ifndef ASSAY_PROTO_ARC_TRUST_H
#define ASSAY_PROTO_ARC_TRUST_H

#include "proto/arc/arc.h"
#include "proto/arc/chain.h"

/* Walks from the newest hop down; the set array has to bear the seals' domains. */
struct arc_trust {
	const struct arc_config *config;
	const struct arc_chain *chain;
	struct arc_set *sets;
	bool path; /* all above are listed, and the newest message signature covers From */
};

struct arc_trust arc_trust_begin(const struct arc_config *config, const struct arc_chain *chain, struct arc_set *sets);
/* Does it depend on this hop's own message signature whether the hop is believed? */
bool arc_trust_wants_signature(const struct arc_trust *trust, unsigned instance);
/* Sets `believable` of the hop, and goes on to the one below. */
void arc_trust_step(struct arc_trust *trust, unsigned instance, bool message_signature_passed);

#endif
