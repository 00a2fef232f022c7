/*
 * tlspolicy.h - all that an MTA needs to know before it sends to a domain.
 *
 * Source:    RFC 8461 (MTA-STS), RFC 7672 (DANE), RFC 8460 (TLSRPT).
 * Purity:    no I/O, no clock: what is asked for comes through struct ask.
 * Ownership: the result lives in the arena and in the answers.
 * Errors:    what cannot be found out is a result of its own.
 */
#ifndef ASSAY_PROTO_TLSPOLICY_H
#define ASSAY_PROTO_TLSPOLICY_H

#include "proto/tlspolicy/dane.h"
#include "proto/tlspolicy/mta_sts.h"
#include "proto/tlspolicy/tlsrpt.h"

struct tlspolicy_config {
	bool allow_private_addresses; /* of policy hosts (mta-sts.allow-private-addresses) */
};

enum mta_sts_result { MTA_STS_RESULT_POLICY, MTA_STS_RESULT_NONE, MTA_STS_RESULT_TEMPERROR, MTA_STS_RESULT_INVALID };

struct mta_sts {
	enum mta_sts_result result;
	struct slice id, text;        /* of MTA_STS_RESULT_POLICY, as is `policy` */
	struct mta_sts_policy policy;
	struct reason reason;
};

enum tlsrpt_result { TLSRPT_RESULT_RECORD, TLSRPT_RESULT_NONE, TLSRPT_RESULT_INVALID, TLSRPT_RESULT_TEMPERROR };

struct tlsrpt {
	enum tlsrpt_result result;
	struct tlsrpt_record record;
	struct reason reason;
};

struct tlspolicy {
	struct slice domain;          /* canonical, or as it was given when it is no domain name */
	struct slice mx_host;         /* canonical; empty: none was given */
	struct mta_sts mta_sts;
	struct dane_domain dane;
	bool has_mx_match, mx_match;  /* does mx_host match the policy? */
	struct tlsrpt tlsrpt;
	struct slice postfix;         /* a value for smtp_tls_policy_maps; empty: none, the MTA's own default applies */
	struct slice postfix_tlsrpt;  /* the same with the attributes of Postfix 3.10 for TLSRPT */
};

/* `mx_host`: one of the domain's, or empty. 0; ASK_BLOCKED; -ENOMEM. */
MUST_CHECK int tlspolicy_evaluate(struct slice domain, struct slice mx_host, const struct tlspolicy_config *config,
                                  const struct ask *ask, struct arena *arena, struct tlspolicy *out);

/* MTA-STS alone. `domain`: canonical. `again`: what is kept is to be refreshed, even of the same id. */
MUST_CHECK int mta_sts_evaluate(struct slice domain, bool again, const struct tlspolicy_config *config,
                                const struct ask *ask, struct arena *arena, struct mta_sts *out);

#endif
