/*
 * walk.h - the DNS tree walk: which records stand at a domain and above it, and whose domain it is.
 *
 * Source:    RFC 9989 sections 4.10, 4.10.1 and 4.10.2.
 * Purity:    a pure function of the name and the DNS answers.
 * Ownership: targets point into the name, records into the answers.
 * Order:     questions are asked in walk order, all those that may still be needed in one pass; the outcome is that
 *            of asking one at a time: what a sequential walk would not have asked changes nothing.
 * Bounds:    DMARC_WALK_QUERIES_MAX questions.
 */
#ifndef ASSAY_PROTO_DMARC_WALK_H
#define ASSAY_PROTO_DMARC_WALK_H

#include "proto/dmarc/record.h"
#include "proto/mail/domain.h"

#define DMARC_WALK_QUERIES_MAX 8

enum dmarc_step_state {
	DMARC_STEP_NONE, /* no record, or several */
	DMARC_STEP_RECORD,
	DMARC_STEP_ERROR, /* a temporary error: there may be one */
};

struct dmarc_step {
	struct slice name; /* the domain; "_dmarc." goes before it */
	enum dmarc_step_state state;
	enum dns_outcome outcome;
	unsigned discarded;         /* records thrown away: several at one name, or an invalid one */
	struct dmarc_record record; /* for DMARC_STEP_RECORD */
};

struct dmarc_walk {
	struct dmarc_step steps[DMARC_WALK_QUERIES_MAX]; /* in walk order, up to the one that stopped it */
	size_t steps_count;
	size_t errors; /* steps with DMARC_STEP_ERROR */
	/* Empty after an error: the record that was not seen might have said otherwise. */
	struct slice organizational_domain;
	/* The record for mail whose author domain is the name walked from (4.10.1); NULL: none, or unknown. */
	const struct dmarc_step *policy;
	bool organizational_domain_known, policy_known;
};

/* `name`: canonical. 0, or ASK_BLOCKED with *out unusable. */
MUST_CHECK int dmarc_walk(struct slice name, const struct ask *ask, struct dmarc_walk *out);

/* "_dmarc." and `name`, written to `octets`; empty: too long to be asked for. */
struct slice dmarc_records_name(struct slice name, uint8_t octets[DOMAIN_OCTETS_MAX]);

/* The TXT records at "_dmarc." and `name`, policy records or not. NULL: pending. */
const struct dns_answer *dmarc_ask_records(struct slice name, const struct ask *ask);

/* The shortest name that can be the organizational domain after all, when errors left it unknown. */
struct slice dmarc_walk_highest_candidate(const struct dmarc_walk *walk);

#endif
