/*
 * verdict.h - everything about one message: SPF, DKIM, ARC and DMARC put together.
 *
 * Source:    STANDARDS chapters 1 to 5; RFC 8601 for the field, and section 5 there for those that came along.
 * Purity:    a pure function of (request, answers, configuration, clock); see proto/ask/ask.h.
 * Ownership: a verdict lives in the arena, or points into the input.
 * Errors:    0 done; ASK_BLOCKED: call again when answers are in; -ENOMEM.
 */
#ifndef ASSAY_PROTO_VERDICT_VERDICT_H
#define ASSAY_PROTO_VERDICT_VERDICT_H

#include "proto/arc/arc.h"
#include "proto/authres/own.h"
#include "proto/dkim/dkim.h"
#include "proto/dmarc/shadow.h"
#include "proto/mail/address.h"
#include "proto/mail/header.h"
#include "proto/mail/ulabels.h"
#include "proto/spf/spf.h"

struct verdict_config {
	struct slice authserv_id; /* default, when the request names none */
	const struct slice *own_authserv_ids; /* others of our ADMD, as authres_own has them */
	size_t own_authserv_ids_count;
	struct spf_config spf;
	struct dkim_config dkim;
	bool received_spf; /* write that field too */
	enum dmarc_policy no_author; /* see dmarc_input */
	struct arc_config arc;
	struct mail_bounds bounds;
	struct dmarc_public_suffixes shadow; /* without a function: DMARC by RFC 7489 is not computed beside the real one */
};

struct verdict_input {
	bool has_client;          /* an IP address was given: check SPF */
	struct ip_address client;
	struct slice helo;        /* as given; may be empty */
	struct slice mail_from;   /* without angle brackets; empty: null reverse-path */
	struct slice message;     /* header and body, the octets as received; or the header alone, and the body's are elsewhere: */
	bool body_bare_cr, body_bare_lf; /* what mail_parse() would find in that body */
	int64_t received_at;      /* seconds since 1970 */
	struct slice authserv_id; /* empty: the configured one */
};

/*
 * What DMARC asked for is not done, for a sealer that the site trusts found the author genuine before the message was
 * changed: "local_policy" in the words of RFC 9990. `dmarc` has the disposition that is left, and says why.
 */
struct verdict_override {
	bool applies;
	unsigned instance;             /* the hop that was believed */
	enum dmarc_policy disposition; /* what was asked for */
	struct slice comment;          /* for reports, RFC 8617 section 7.2.2; printable ASCII */
};

/* Defects of the message that a postmaster may want to refuse it for. */
struct verdict_flags {
	bool bare_cr, bare_lf; /* SMTP smuggling (STANDARDS chapter 8, S7) */
	bool nul_in_header;
	bool malformed_header; /* a line in the header that is no field */
	bool malformed_from;   /* see mail_author_state */
	bool header_over_bounds;
	uint32_t repeated_fields; /* that may stand once: bits, see mail_singletons_repeated() */
};

struct verdict {
	bool has_spf;
	struct spf_result spf;      /* MAIL FROM, or postmaster@HELO */
	bool has_spf_helo;
	struct spf_result spf_helo; /* the HELO identity, when it was checked beside a MAIL FROM */
	struct dkim_result dkim;
	struct arc_result arc;
	struct dmarc_result dmarc;
	struct ulabels author_ulabels; /* dmarc.from_domain as a reader is shown it; informative */
	struct verdict_override override;
	struct dmarc_shadow shadow; /* informative: nothing else here depends on it */
	struct verdict_flags flags;
	struct slice authentication_results; /* field value, folded with CRLF HTAB, no final CRLF */
	/*
	 * The Authentication-Results fields that must go before ours is added. Of a header over its bounds: as far as it
	 * was read.
	 */
	struct authres_positions forged;
	struct authres_positions forged_received_spf; /* and the Received-SPF fields */
	struct slice received_spf; /* field value, as above; empty: not configured, or SPF was not checked */
};

/*
 * What a pass has found out for good, so that the next ones need not: SPF, when all that it asks for was there. It lives in
 * the arena of the evaluation, before `mark`: that is how far the arena may be emptied between two passes.
 */
struct verdict_kept {
	bool spf;
	struct spf_result mail_from, helo;
	struct arena_mark mark;
};

/* What the message says by itself: read once, for every pass of its evaluation. */
struct verdict_reading {
	struct mail_message message;
	struct mail_author author;
	struct dkim_reading dkim;
	struct reason over_bounds; /* REASON_NONE: the header is within its bounds */
	struct verdict_flags flags;
	struct verdict_kept kept;
};

/* 0 or -ENOMEM. */
MUST_CHECK int verdict_read_message(const struct verdict_input *input, const struct verdict_config *config,
                                    struct arena *arena, struct verdict_reading *out);

/* `reading`: of that input, and handed to all passes. */
MUST_CHECK int verdict_check_message(const struct verdict_input *input, const struct verdict_config *config,
                                     struct verdict_reading *reading, const struct ask *ask, struct arena *arena,
                                     struct verdict *out);

/*
 * Tells names whose TXT records the first pass asks for, any case: for whoever can have the answers at hand by then. Not all of them, and
 * one or the other may not be asked for in the end.
 */
void verdict_first_names(const struct verdict_input *input, const struct verdict_reading *reading,
                         void (*tell)(void *arg, struct slice name), void *arg);

/* SPF alone, before DATA: verdict.has_spf, spf and the field; the rest is empty. */
MUST_CHECK int verdict_check_sender(const struct verdict_input *input, const struct verdict_config *config,
                                    const struct ask *ask, struct arena *arena, struct verdict *out);

#endif
