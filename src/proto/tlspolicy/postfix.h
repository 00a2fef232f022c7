/*
 * postfix.h - a TLS policy as a value of Postfix' smtp_tls_policy_maps.
 *
 * Source: Postfix TLS_README ("TLS policy table"), TLSRPT_README (3.10: "MTA-STS support via smtp_tls_policy_maps").
 * Purity: no I/O. Safety: names and patterns hold letters, digits, hyphens, underscores and dots alone; lines of a policy
 *         are left out when they hold what Postfix would read as something else.
 */
#ifndef ASSAY_PROTO_TLSPOLICY_POSTFIX_H
#define ASSAY_PROTO_TLSPOLICY_POSTFIX_H

#include "proto/tlspolicy/tlspolicy.h"

/* Fills in postfix and postfix_tlsrpt. 0 or -ENOMEM. */
MUST_CHECK int postfix_policy(struct tlspolicy *policy, struct arena *arena);

#endif
