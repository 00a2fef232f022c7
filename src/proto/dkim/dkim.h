/*
 * dkim.h - the DKIM signatures of a message, verified.
 *
 * Source:    RFC 6376 section 6, with RFC 8301 (algorithms, key sizes), RFC 8463 (Ed25519), RFC 8616.
 * Purity:    a pure function of the message, the clock given, and answers (see proto/ask/ask.h).
 * Ownership: results live in the arena, or point into the message.
 * Errors:    0 done; ASK_BLOCKED: call again when answers are in; -ENOMEM.
 * Bounds:    dkim_config and limits.h of this folder.
 */
#ifndef ASSAY_PROTO_DKIM_DKIM_H
#define ASSAY_PROTO_DKIM_DKIM_H

#include "base/arena.h"
#include "proto/ask/ask.h"
#include "proto/mail/header.h"
#include "proto/reason/reason.h"

enum dkim_word { /* RFC 8601 section 2.7.1; "none" is the empty list */
	DKIM_PASS,
	DKIM_FAIL,
	DKIM_POLICY,
	DKIM_NEUTRAL,
	DKIM_TEMPERROR,
	DKIM_PERMERROR,
};

/* A public suffix list, which somebody else has read. */
struct dkim_public_suffixes {
	bool (*contain)(void *arg, struct slice name); /* of a canonical name; NULL: no list */
	void *arg;
};

struct dkim_config {
	unsigned signatures_max; /* verified at most; default 8 */
	unsigned rsa_bits_min;   /* default 1024 (RFC 8301 section 3.2) */
	unsigned rsa_bits_max;   /* default 4096 */
	bool allow_rsa_sha1;     /* default false (RFC 8301 section 3.1) */
	unsigned clock_drift_s;  /* allowed for t= and x=, seconds; default 300 */
	struct dkim_public_suffixes refused; /* d= (RFC 6376 section 6.1.1); default: none */
	unsigned verify_us_max;  /* what all verifications may cost by dkim_key_verify_ns(), microseconds; default 5000 */
};

struct dkim_signature_result {
	enum dkim_word result;
	struct slice domain;    /* d= as written; empty when it could not be read */
	struct slice domain_canonical; /* for alignment; empty when d= is no domain */
	struct slice selector;  /* s= as written */
	struct slice identity;  /* i= as written, or "@" and d= */
	struct slice algorithm; /* a= as written */
	/* First characters of b=, without white space: 8, or those that tell it from the others (header.b, RFC 6008). */
	struct slice signature_start;
	unsigned key_bits;      /* 0: no key seen */
	int64_t signed_at;      /* t=; 0: none, or too far away for any clock */
	bool testing;           /* the key record has t=y; `result` is what it would be without */
	bool body_partly_unsigned; /* l= leaves octets of the body uncovered */
	struct reason reason;
};

struct dkim_result {
	const struct dkim_signature_result *signatures; /* those looked at, in header order from the top */
	size_t count;
	size_t ignored; /* DKIM-Signature fields beyond the bounds, not looked at */
	struct reason ignored_reason; /* REASON_NONE: there are none */
};

/* The signatures to be verified, read; the same in every pass over a message. */
struct dkim_reading {
	const struct dkim_read *signatures; /* in header order from the top */
	size_t count;
	size_t ignored;                     /* DKIM-Signature fields beyond the bounds, not looked at */
};

/*
 * `author_domains`: canonical; signatures whose d= equals one are chosen first when there are more than signatures_max,
 * then those above or below one, then the rest from the top. 0 or -ENOMEM.
 */
MUST_CHECK int dkim_read(const struct mail_message *message, const struct slice *author_domains,
                         size_t author_domains_count, const struct dkim_config *config, struct arena *arena,
                         struct dkim_reading *out);

/*
 * `reading`: of that message. `now`: time of receipt, seconds since 1970. Uses signature ids below DKIM_SIGNATURE_IDS.
 */
MUST_CHECK int dkim_verify(const struct mail_message *message, const struct dkim_reading *reading, int64_t now,
                           const struct dkim_config *config, const struct ask *ask, struct arena *arena,
                           struct dkim_result *out);

#define DKIM_SIGNATURE_IDS 128

const char *dkim_word_text(enum dkim_word word);

#endif
