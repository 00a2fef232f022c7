/*
 * findings.h - what a hop says it found: ARC-Authentication-Results, read; private to src/proto/arc.
 *
 * Source: RFC 8617 section 4.1.1, RFC 8601 section 2.2. What cannot be read is no fault of the chain (section 3.1).
 */
#ifndef ASSAY_PROTO_ARC_FINDINGS_H
#define ASSAY_PROTO_ARC_FINDINGS_H

#include "proto/arc/arc.h"

/* Fills authserv_id and methods of the set as far as the payload can be read. 0 or -ENOMEM. */
MUST_CHECK int arc_findings_read(struct slice payload, struct arena *arena, struct arc_set *out);

#endif
