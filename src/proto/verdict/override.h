/*
 * override.h - does a trusted sealer's word outweigh what DMARC asks for?
 *
 * Source: RFC 8617 sections 7.2.1 and 7.2.2, RFC 9989 section 7.4; STANDARDS 4.2.
 */
#ifndef ASSAY_PROTO_VERDICT_OVERRIDE_H
#define ASSAY_PROTO_VERDICT_OVERRIDE_H

#include "proto/verdict/verdict.h"

/*
 * Of one certain author domain. Where a hop that may be believed found DMARC to pass for it, the disposition becomes none, with
 * a reason; the result stays what it is. 0 or -ENOMEM.
 */
MUST_CHECK int verdict_override(const struct arc_result *arc, struct dmarc_result *dmarc, struct arena *arena,
				struct verdict_override *out);

#endif
