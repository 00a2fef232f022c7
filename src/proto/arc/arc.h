/*
 * arc.h - the Authenticated Received Chain of a message: is it whole, and whose word does it bring?
 *
 * Source:    RFC 8617 sections 4 and 5.2; STANDARDS chapter 4 for what it leaves open.
 * Purity:    a pure function of the message, the clock given, and answers (see proto/ask/ask.h).
 * Ownership: results live in the arena, or point into the message.
 * Errors:    0 done; ASK_BLOCKED: call again when answers are in; -ENOMEM. There is no temporary result: whatever cannot
 *            be found out makes the chain fail (section 5.2.1).
 * Bounds:    arc_config and limits.h of this folder.
 */
#ifndef ASSAY_PROTO_ARC_ARC_H
#define ASSAY_PROTO_ARC_ARC_H

#include "proto/dkim/dkim.h"

enum arc_word { ARC_NONE, ARC_PASS, ARC_FAIL };

struct arc_config {
	bool verify;          /* false: arc_validate() looks at nothing */
	unsigned sets_max;    /* a longer chain fails; default 10, at most ARC_SETS_VERIFIED_MAX */
	bool find_oldest_pass; /* verify the message signatures below the newest too (section 5.2 step 5) */
	/* Domains whose word may be taken; ".example.org" is every name below example.org. Lower case, A-labels. */
	const struct slice *trusted_sealers;
	size_t trusted_sealers_count;
};

/* Of one method of ARC-Authentication-Results, as written. */
struct arc_property {
	struct slice ptype, property, value;
};

struct arc_method {
	struct slice method, result;
	const struct arc_property *properties;
	size_t properties_count;
};

struct arc_signature {
	bool looked_at; /* false: the verdict did not need it; result and reason of `as` mean nothing */
	struct dkim_signature_result as;
};

/* One hop. */
struct arc_set {
	struct slice cv; /* of ARC-Seal */
	struct arc_signature seal, message_signature;
	/* What the hop says it found, as far as that can be read. */
	struct slice authserv_id;
	const struct arc_method *methods;
	size_t methods_count;
	/*
	 * The site trusts the sealer, nobody untrusted can have changed what it handed on, and From is among what was
	 * signed then: its findings may be taken for true.
	 */
	bool believable;
};

struct arc_result {
	bool evaluated;      /* false: switched off; nothing is claimed, and Authentication-Results says nothing about ARC */
	enum arc_word result;
	unsigned instance;   /* the highest i= that could be read; 0: none */
	/* The sets by instance, the first being i=1. None unless the chain has its structure and is within sets_max. */
	const struct arc_set *sets;
	size_t sets_count;
	bool has_oldest_pass;
	unsigned oldest_pass; /* the lowest instance whose message signature still passes; 0: all do */
	struct reason reason;
};

/* `now`: time of receipt, seconds since 1970. Uses the signature ids from ARC_SIGNATURE_ID_FIRST on. */
MUST_CHECK int arc_validate(const struct mail_message *message, int64_t now, const struct arc_config *config,
                            const struct dkim_config *dkim, const struct ask *ask, struct arena *arena,
                            struct arc_result *out);

/* Look-ups that a chain of the message may take at most: one a seal, and one a message signature that is verified. */
unsigned arc_lookups(const struct mail_message *message, const struct arc_config *config);

/* The newest hop that may be believed and found DMARC to pass for that author domain (canonical); 0: there is none. */
unsigned arc_witness(const struct arc_result *result, struct slice author_domain);

const char *arc_word_text(enum arc_word word);

#endif
