/*
 * seal.h - one more ARC set for a message that goes out: what a sealer adds.
 *
 * Source:    RFC 8617 section 5.1.
 * Purity:    a pure function of the message, the clock given, and answers (see proto/ask/ask.h); the private key is the
 *            answerer's alone.
 * Ownership: fields live in the arena.
 * Errors:    0 done; ASK_BLOCKED: call again when answers are in; -ENOMEM.
 * Bounds:    those of validation, and DKIM_SIGNED_NAMES_MAX names in h=.
 */
#ifndef ASSAY_PROTO_ARC_SEAL_H
#define ASSAY_PROTO_ARC_SEAL_H

#include "proto/arc/arc.h"

/* Whose word it is. */
struct arc_sealer {
	struct slice domain, selector; /* d= and s=: as the key is published */
	const struct slice *names;     /* h=, in this order; absent fields are left out, repeated ones named as often */
	size_t names_count;
	unsigned signer;               /* the key, for signing_question */
};

struct arc_seal_input {
	const struct mail_message *message; /* as it goes out: nothing may be changed behind the seal */
	int64_t now;                        /* t= */
	struct slice authserv_id;
	/*
	 * The value of an Authentication-Results field: what was found when the message came in. NULL: that of the
	 * message's own Authentication-Results fields which bear the authserv-id, together. Whoever lets forged ones stay
	 * (see proto/authres/own.h) seals them.
	 */
	struct slice findings;
};

enum arc_sealing {
	ARC_SEALED,
	ARC_NOT_SEALED, /* there is nothing to add to such a chain, or no room: see the reason */
	ARC_SEAL_FAULT, /* a key of ours did not work: temporary */
};

/* A header field that is to be added; `value` is folded with CRLF SP and has no CRLF at its end. */
struct arc_added {
	const char *name;
	struct slice value;
};

#define ARC_ADDED 3

struct arc_sealed {
	enum arc_sealing result;
	unsigned instance;                  /* of the set */
	enum arc_word cv;
	struct arc_added fields[ARC_ADDED]; /* in the order in which they stand above all others, the first on top */
	struct reason reason;
};

/*
 * cv= is what the findings say of the chain; where they say nothing of it, the chain is validated as it stands now, with
 * `config` and `dkim`. Without structure it is a failed one whatever they say. Uses the signing ids 0 and 1.
 */
MUST_CHECK int arc_seal(const struct arc_seal_input *input, const struct arc_sealer *sealer,
                        const struct arc_config *config, const struct dkim_config *dkim, const struct ask *ask,
                        struct arena *arena, struct arc_sealed *out);

#endif
