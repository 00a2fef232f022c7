/*
 * discovery.h - the one TXT record of a kind at a name, among others that are there.
 *
 * Source: RFC 8461 section 3.1, RFC 8460 section 3: records that do not begin with the version are passed over; if then
 *         there is not exactly one, there is none.
 * Purity: no I/O.
 */
#ifndef ASSAY_PROTO_TLSPOLICY_DISCOVERY_H
#define ASSAY_PROTO_TLSPOLICY_DISCOVERY_H

#include "proto/ask/ask.h"

enum discovery { DISCOVERY_ONE, DISCOVERY_NONE, DISCOVERY_SEVERAL, DISCOVERY_FAULT };

/*
 * Asks for TXT at `prefix` and `domain`. 0, with *text_out for DISCOVERY_ONE and *answer_out always; ASK_BLOCKED; -ENOMEM.
 */
MUST_CHECK int discovery_ask(const char *prefix, struct slice domain, struct slice version, const struct ask *ask,
                             struct arena *arena, enum discovery *found_out, struct slice *text_out,
                             const struct dns_answer **answer_out);

#endif
