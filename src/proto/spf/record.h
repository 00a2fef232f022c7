/*
 * record.h - an SPF record as its terms.
 *
 * Source:    RFC 7208 sections 4.5, 4.6, 5, 6 and 12.
 * Purity:    a pure function of the text; what it makes does not depend on the sender or client, and may be kept
 *            and shared as long as `text` and the arena live.
 * Ownership: terms live in the arena; slices in them point into the text.
 * Errors:    0 or -ENOMEM. A record that breaks the grammar is a finding: `error` says what is wrong.
 * Bounds:    SPF_RECORD_OCTETS_MAX, SPF_TERMS_MAX, SPF_DOMAIN_SPEC_OCTETS_MAX.
 */
#ifndef ASSAY_PROTO_SPF_RECORD_H
#define ASSAY_PROTO_SPF_RECORD_H

#include "proto/reason/reason.h"
#include "proto/spf/spf.h"

enum spf_term_kind {
	SPF_TERM_ALL,
	SPF_TERM_INCLUDE,
	SPF_TERM_A,
	SPF_TERM_MX,
	SPF_TERM_PTR,
	SPF_TERM_IP4,
	SPF_TERM_IP6,
	SPF_TERM_EXISTS,
	SPF_TERM_REDIRECT,
	SPF_TERM_EXP,
};

struct spf_term {
	struct slice text;        /* as written, with its qualifier */
	struct slice domain_spec; /* checked; empty: none */
	uint32_t letters;         /* macro letters in domain_spec, see SPF_MACRO_BIT() */
	enum spf_term_kind kind;
	enum spf_word word;        /* of a mechanism: what a match gives */
	struct ip_address network; /* ip4 and ip6 */
	uint8_t prefix_v4;         /* bits; a, mx, ip4 */
	uint8_t prefix_v6;         /* bits; a, mx, ip6 */
};

struct spf_record {
	enum reason_id error;         /* REASON_NONE: well-formed, and the rest is set */
	struct slice error_term;      /* the term at fault as written; empty: the record as a whole */
	const struct spf_term *terms; /* the mechanisms in order, up to the first "all" */
	size_t terms_count;
	const struct spf_term *redirect; /* NULL: none, or ignored for there is an "all" (section 5.1) */
	const struct spf_term *exp;      /* NULL: none */
};

/* Does the text of a TXT record begin with the version section (section 4.5)? */
bool spf_record_is_spf(struct slice text);
/* `text` is one for which spf_record_is_spf(). */
MUST_CHECK int spf_record_parse(struct slice text, struct arena *arena, struct spf_record *out);

#endif
