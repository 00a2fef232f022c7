/*
 * run.h - inside of the evaluator: one pass of one check_host() and what its parts share.
 *
 * Returns: parts of the evaluation return a step, or a negative error. A pass that meets a pending question goes on
 *          only to ask what later terms will need; whatever they find is dropped with the pass, so it cannot
 *          influence the verdict, and nothing is asked ahead when nothing is pending.
 */
#ifndef ASSAY_PROTO_SPF_RUN_H
#define ASSAY_PROTO_SPF_RUN_H

#include "proto/spf/macro.h"
#include "proto/spf/record.h"
#include "proto/spf/spf.h"

enum spf_step {
	SPF_STEP_NO_MATCH = 0,
	SPF_STEP_BLOCKED = ASK_BLOCKED,
	SPF_STEP_MATCH = 2,
	SPF_STEP_EXCEPTION = 3, /* temperror or permerror, in run->exception; it ends the whole evaluation */
};

struct spf_run {
	const struct spf_config *config;
	const struct ask *ask;
	struct arena *arena;
	struct spf_macro_values values; /* of the sender and client; `domain` and `validated` change */
	bool local_part_is_ascii;
	unsigned lookups; /* section 4.6.4: over the whole recursion */
	unsigned void_lookups;
	unsigned pending; /* questions of this pass that have no answer yet; above 0 the pass only asks */
	enum spf_word exception;
	struct reason exception_reason;
};

/* One check_host() (section 4): a domain and its record. */
struct spf_host {
	struct slice domain;
	struct slice needed_for; /* the term that led here, for reasons */
	unsigned depth;          /* include and redirect above it */
	enum spf_word word;
	struct reason none_reason; /* when word is SPF_NONE */
	const struct spf_record *record;
	const struct spf_term *term; /* that matched; NULL: none */
	const struct spf_term *decider; /* the term at the end of a chain of includes */
	struct slice decider_domain; /* whose record has the decider */
};

/* --- lookup.c: questions and what counts --- */

/* As ask_dns(), for a name that is askable; NULL: pending. */
const struct dns_answer *spf_ask(struct spf_run *run, struct slice name, enum dns_type type);
const struct dns_answer *spf_ask_as(struct spf_run *run, struct slice name, enum dns_type type,
				    const struct dns_form *form);
/* The same, for ptr and %{p}: what fails there is no match or "unknown", and must not take the time of the rest. */
const struct dns_answer *spf_ask_optional(struct spf_run *run, struct slice name, enum dns_type type);
/* SPF_STEP_EXCEPTION, or -ENOMEM. The temporary error is that of the question. */
MUST_CHECK int spf_dns_exception(struct spf_run *run, struct slice name, enum dns_type type,
				 const struct dns_answer *answer, struct slice needed_for);
MUST_CHECK int spf_permerror(struct spf_run *run, struct reason reason);
/* The permanent error of a limit passed at a term. */
MUST_CHECK int spf_limit_exception(struct spf_run *run, enum reason_id id, unsigned limit, const struct spf_host *host,
				   const struct spf_term *term);
/* Counts one term that causes look-ups / one whose main question had an empty answer: NO_MATCH or EXCEPTION. */
MUST_CHECK int spf_count_lookup(struct spf_run *run, const struct spf_host *host, const struct spf_term *term);
MUST_CHECK int spf_count_void(struct spf_run *run, const struct spf_host *host, const struct spf_term *term);
/* A or AAAA, as the client is. */
enum dns_type spf_address_type(const struct spf_run *run);
/* Is one of the addresses the client's, in the first bits of the term's prefix length (NULL: in all)? */
bool spf_answer_has_client(const struct spf_run *run, const struct dns_answer *answer, const struct spf_term *term);

/* --- ptr.c: section 5.5 --- */

/* Does a validated name of the client lie in the target? */
MUST_CHECK int spf_match_ptr(struct spf_run *run, const struct spf_host *host, const struct spf_term *term,
			     struct slice target);
/* Sets run->values.validated for %{p} in a record of `domain`: NO_MATCH (done) or BLOCKED. */
MUST_CHECK int spf_find_validated(struct spf_run *run, struct slice domain);

/* --- mechanism.c --- */

/*
 * The target-name of a term (section 4.8), in the arena. SPF_STEP_MATCH: it is there; NO_MATCH: the term cannot
 * match; BLOCKED; EXCEPTION.
 */
MUST_CHECK int spf_target(struct spf_run *run, const struct spf_host *host, const struct spf_term *term,
			  struct slice *target_out);
/* A mechanism against the client. */
MUST_CHECK int spf_match(struct spf_run *run, struct spf_host *host, const struct spf_term *term);

/* --- host.c --- */

/* Is it a name for check_host() to look up (section 4.3): askable, several labels, not an address? */
bool spf_domain_is_checkable(struct slice domain);
/* check_host() for host->domain: 0 with host->word, or BLOCKED, or EXCEPTION. */
MUST_CHECK int spf_check_host(struct spf_run *run, struct spf_host *host);

#endif
