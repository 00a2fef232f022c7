/*
 * verify.h - one signature field of a message, verified: what DKIM does for each of its fields, for ARC to share.
 *
 * Source:    RFC 6376 section 6.1, RFC 8617 section 5.2 (which takes all of it from there).
 * Purity:    a pure function of the message, the clock given, and answers (see proto/ask/ask.h).
 * Ownership: results live in the arena, or point into the message.
 * Errors:    0 done; ASK_BLOCKED: call again when answers are in; -ENOMEM.
 */
#ifndef ASSAY_PROTO_DKIM_VERIFY_H
#define ASSAY_PROTO_DKIM_VERIFY_H

#include "proto/dkim/header.h"
#include "proto/dkim/signature.h"

/* What all signatures of a message share. */
struct dkim_verification {
	const struct mail_message *message;
	int64_t now;                      /* time of receipt, seconds since 1970 */
	const struct dkim_config *config; /* but for signatures_max */
	const struct ask *ask;
	struct arena *arena;
	/* Of dkim_field_verify() alone: */
	/*
	 * Each signature has the same share of the budget: so it neither matters which key comes in first, nor can one
	 * signature take what another needs.
	 */
	uint64_t verify_ns_each;
	struct dkim_header header;
	bool header_ready; /* the header is looked into when the first signature is asked for */
};

/* The octets that a signature covers. 0 or -ENOMEM. */
typedef int (*dkim_cover_fn)(void *arg, const struct dkim_signature *signature, const struct slice **parts_out,
                             size_t *parts_count_out);

struct dkim_target {
	const struct mail_field *field;
	enum dkim_form form;
	const struct dkim_signature *signature; /* the field, read */
	unsigned id;         /* signature ids from here up to DKIM_KEYS_TRIED_MAX more are the field's */
	dkim_cover_fn cover; /* DKIM_FORM_ARC_SEAL alone; called when the signature is asked for the first time */
	void *cover_arg;
};

/* Of an ARC-Seal no body is asked for. `out`: signature_start has up to 500 characters. */
MUST_CHECK int dkim_field_verify(struct dkim_verification *all, const struct dkim_target *target,
                                 struct dkim_signature_result *out);

/* What the field says of itself, without a look at anything else; result and reason mean nothing. */
void dkim_describe(const struct dkim_signature *signature, struct dkim_signature_result *out);

#endif
