/*
 * seal.h - a message that goes out, sealed (RFC 8617 section 5.1).
 *
 * Purity, ownership and errors: as of verdict.h.
 */
#ifndef ASSAY_PROTO_VERDICT_SEAL_H
#define ASSAY_PROTO_VERDICT_SEAL_H

#include "proto/arc/seal.h"
#include "proto/verdict/verdict.h"

/* Of `input` the message, the time and the authserv-id count. `findings`: as arc_seal_input has it. */
MUST_CHECK int verdict_seal(const struct verdict_input *input, const struct arc_sealer *sealer, struct slice findings,
			    const struct verdict_config *config, const struct ask *ask, struct arena *arena,
			    struct arc_sealed *out);

#endif
