/*
 * dane.h - DANE for SMTP: which TLSA records authenticate an MX host.
 *
 * Source:    RFC 7672 sections 2.1 (secure, insecure, error), 2.2 (look-ups), 3.1 (records); RFC 7505 (null MX).
 * Purity:    no I/O, no clock. Ownership: what it gives lives in the arena or in the answers.
 * Errors:    an answer that is missing for a fault is a result: such a host is not to be used.
 * Bounds:    DANE_HOSTS_MAX hosts of a domain, each with at most five look-ups; limits.h.
 */
#ifndef ASSAY_PROTO_TLSPOLICY_DANE_H
#define ASSAY_PROTO_TLSPOLICY_DANE_H

#include "proto/reason/reason.h"
#include "proto/tlspolicy/tlsa.h"

enum dane_result { DANE_SECURE, DANE_INSECURE, DANE_BOGUS, DANE_NONE, DANE_TEMPERROR };

/* What follows for a delivery to the host, from DANE alone. */
enum dane_delivery {
	DANE_DELIVERY_DANE,            /* TLS, authenticated by the records */
	DANE_DELIVERY_TLS_REQUIRED,    /* TLS, without authentication: there are records, none of them usable */
	DANE_DELIVERY_TLS_IF_POSSIBLE, /* DANE does not apply */
	DANE_DELIVERY_DEFER,           /* not now, and never in the clear: something could not be found out */
	DANE_DELIVERY_NONE,            /* there is nothing to deliver to */
};

struct dane_host {
	struct slice host;       /* canonical; empty: there is none */
	enum dane_result result;
	enum dane_delivery delivery;
	struct tlsa *tlsa;       /* to be matched, by digest agility; none but with DANE_DELIVERY_DANE */
	size_t tlsa_count;
	struct slice base;       /* TLSA base domain: for SNI, and the first reference identifier; empty: no records */
	struct reason reason;
};

struct dane_domain {
	bool mx_secure;
	struct slice mx_expanded; /* where the domain's aliases end; empty: it is none. A reference identifier when mx_secure */
	struct dane_host *hosts;  /* by preference; one at least, whose `host` may be empty */
	size_t hosts_count;
	size_t hosts_ignored;     /* beyond DANE_HOSTS_MAX */
};

/*
 * `domain`: canonical. `mx_host`: canonical, that host alone is looked at; empty: all MX hosts. 0; ASK_BLOCKED; -ENOMEM.
 */
MUST_CHECK int dane_evaluate(struct slice domain, struct slice mx_host, const struct ask *ask, struct arena *arena,
                             struct dane_domain *out);

#endif
