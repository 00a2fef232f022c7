/*
 * tlsa.h - TLSA records as SMTP uses them.
 *
 * Source:    RFC 6698 section 2, RFC 7672 section 3.1, RFC 7671 section 9 (digest agility).
 * Purity:    no I/O. Ownership: slices point into the record data.
 * Bounds:    TLSA_RECORDS_MAX records of a set are looked at.
 */
#ifndef ASSAY_PROTO_TLSPOLICY_TLSA_H
#define ASSAY_PROTO_TLSPOLICY_TLSA_H

#include "base/arena.h"
#include "proto/ask/ask.h"
#include "proto/tlspolicy/limits.h"

enum { TLSA_PKIX_TA, TLSA_PKIX_EE, TLSA_DANE_TA, TLSA_DANE_EE }; /* certificate usages */
enum { TLSA_CERT, TLSA_SPKI };                                   /* selectors */
enum { TLSA_FULL, TLSA_SHA256, TLSA_SHA512 };                    /* matching types */

struct tlsa {
	uint8_t usage, selector, matching_type;
	struct slice data;
};

/* False: it is too short to be one. */
bool tlsa_read(struct slice rdata, struct tlsa *out);
/* May SMTP rest on it: usage 2 or 3, known selector and matching type, a digest of the right length? */
bool tlsa_is_usable(const struct tlsa *tlsa);

/*
 * Those of the records that authenticate: usable ones, and of each usage and selector the full ones and those of the
 * strongest digest alone. In their order, without those that stand twice. 0 or -ENOMEM.
 */
MUST_CHECK int tlsa_select(const struct dns_answer *answer, struct arena *arena, struct tlsa **out, size_t *count_out);

/* In presentation form: "3 1 1 ab..." (RFC 6698 section 2.2). 0 or -ENOMEM. */
MUST_CHECK int tlsa_text(const struct tlsa *tlsa, struct arena *arena, struct slice *out);

#endif
