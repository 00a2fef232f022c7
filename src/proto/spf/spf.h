/*
 * spf.h - check_host(): may this host send mail for that domain?
 *
 * Source:    RFC 7208; RFC 8616 (internationalized mail); decisions in docs/decisions.md.
 * Purity:    a pure function of its input and the DNS answers (see proto/ask/ask.h).
 * Ownership: results live in the arena, or point into the input.
 * Errors:    0 done; ASK_BLOCKED: call again when answers are in; -ENOMEM.
 * Bounds:    limits.h of this folder: every one named, with its RFC section.
 */
#ifndef ASSAY_PROTO_SPF_SPF_H
#define ASSAY_PROTO_SPF_SPF_H

#include "base/arena.h"
#include "base/ip.h"
#include "proto/ask/ask.h"
#include "proto/reason/reason.h"

enum spf_word { /* RFC 7208 section 2.6 */
	SPF_NONE,
	SPF_NEUTRAL,
	SPF_PASS,
	SPF_FAIL,
	SPF_SOFTFAIL,
	SPF_TEMPERROR,
	SPF_PERMERROR,
};

enum spf_scope { SPF_MAILFROM, SPF_HELO };

struct spf_config {
	unsigned lookups_max;      /* terms that cause DNS queries, RFC 7208 section 4.6.4; default 10 */
	unsigned void_lookups_max; /* as there; default 2 */
};

struct spf_input {
	struct ip_address client;
	struct slice helo;       /* HELO or EHLO argument as given */
	struct slice mail_from;  /* reverse-path without angle brackets as given; empty: the null reverse-path */
	struct slice receiver;   /* %{r}: name of the receiving host; empty: "unknown" */
	int64_t now;             /* %{t}: seconds since 1970 */
};

struct spf_result {
	enum spf_word result;
	enum spf_scope scope;
	struct slice domain;      /* the domain checked, canonical if it is valid, else as given */
	struct slice explanation; /* exp= text on SPF_FAIL, printable ASCII; empty: none. Third-party text */
	struct slice mechanism;   /* the term that decided, as written in its record; empty: none matched */
	struct slice mechanism_domain; /* the domain whose record has it */
	/*
	 * How wide the mechanism is (BreakSPF): every client that shares so many leading bits with this one, as an
	 * IPv4 or IPv6 address (an IPv4-mapped one is IPv4), matches it too. Not of ptr and exists, which draw no
	 * network.
	 */
	bool has_network_prefix;
	uint8_t network_prefix;
	struct reason reason;
};

/*
 * The MAIL FROM identity; for the null reverse-path that is postmaster@HELO (section 2.4) and the scope of the
 * result is SPF_HELO.
 */
MUST_CHECK int spf_check_mail_from(const struct spf_input *input, const struct spf_config *config,
                                   const struct ask *ask, struct arena *arena, struct spf_result *out);
/* The HELO identity (section 2.3); SPF_NONE when HELO is no domain name of several labels. */
MUST_CHECK int spf_check_helo(const struct spf_input *input, const struct spf_config *config,
                              const struct ask *ask, struct arena *arena, struct spf_result *out);

/* "pass", "softfail", ... as in RFC 8601 section 2.7.2. */
const char *spf_word_text(enum spf_word word);

#endif
