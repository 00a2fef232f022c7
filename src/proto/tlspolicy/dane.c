#include "proto/tlspolicy/dane.h"

#include "base/text.h"
#include "proto/mail/domain.h"

#include <stdlib.h>

static struct slice outcome_text(const struct dns_answer *answer)
{
	return slice_of_str(dns_outcome_text(answer->outcome));
}

static void host_settle(struct dane_host *host, enum dane_result result, enum dane_delivery delivery, struct reason reason)
{
	host->result = result;
	host->delivery = delivery;
	host->reason = reason;
}

/* RFC 7672 section 2.1: such an answer must delay the delivery. */
static void host_fault(struct dane_host *host, const struct dns_answer *answer, enum reason_id id, struct slice name)
{
	host_settle(host, answer->outcome == DNS_BOGUS ? DANE_BOGUS : DANE_TEMPERROR, DANE_DELIVERY_DEFER,
	            reason_of_2(id, name, outcome_text(answer)));
}

/* --- the addresses: section 2.2.2 --- */

struct addresses {
	bool secure;
	const struct dns_answer *answer; /* the one to tell of */
	struct slice alias;              /* where the host's aliases end; empty: it is none */
};

/* What counts of two answers: one with addresses, else one that failed, else either. */
static int addresses_ask(const struct ask *ask, struct slice host, struct addresses *out)
{
	const struct dns_answer *a = ask_dns(ask, host, DNS_A, NULL), *aaaa = ask_dns(ask, host, DNS_AAAA, NULL);

	if (!a || !aaaa)
		return ASK_BLOCKED;
	out->answer = a->outcome == DNS_FOUND      ? a
	              : aaaa->outcome == DNS_FOUND ? aaaa
	              : dns_is_temporary_error(a)  ? a
	                                           : aaaa;
	out->alias = out->answer->alias;
	out->secure = out->answer->secure;
	if (!dns_is_temporary_error(a) && !dns_is_temporary_error(aaaa))
		out->secure = a->secure && aaaa->secure;
	return 0;
}

/* An alias whose end is insecure may itself be secure; then the name before it counts. 0, ASK_BLOCKED. */
static int first_alias_is_secure(const struct ask *ask, struct slice host, const struct dns_answer **fault_out, bool *out)
{
	const struct dns_answer *alias = ask_dns(ask, host, DNS_CNAME, NULL);

	if (!alias)
		return ASK_BLOCKED;
	*fault_out = dns_is_temporary_error(alias) ? alias : NULL;
	*out = alias->outcome == DNS_FOUND && alias->secure;
	return 0;
}

/* --- the records: section 2.2.3 --- */

static int tlsa_ask(const struct ask *ask, struct slice base, struct arena *arena, const struct dns_answer **out)
{
	struct slice name;
	struct text text;

	*out = NULL;
	text_init(&text, arena);
	text_str(&text, "_25._tcp.");
	text_add(&text, base);
	TRY(text_finish(&text, &name));
	if (name.len > DNS_NAME_OCTETS_MAX)
		return 0;
	*out = ask_dns(ask, name, DNS_TLSA, NULL);
	return *out ? 0 : ASK_BLOCKED;
}

static int records_read(const struct dns_answer *answer, struct slice base, struct arena *arena, struct dane_host *host)
{
	TRY(tlsa_select(answer, arena, &host->tlsa, &host->tlsa_count));
	host->base = base;
	if (host->tlsa_count)
		host_settle(host, DANE_SECURE, DANE_DELIVERY_DANE, reason_of_1(REASON_DANE_RECORDS, base));
	else
		host_settle(host, DANE_SECURE, DANE_DELIVERY_TLS_REQUIRED, reason_of_1(REASON_DANE_UNUSABLE, base));
	return 0;
}

/* The first candidate with secure records decides; a fault of any does, too. */
static int records_find(const struct ask *ask, const struct slice *candidates, size_t count, struct arena *arena,
                        struct dane_host *host)
{
	host_settle(host, DANE_NONE, DANE_DELIVERY_TLS_IF_POSSIBLE, reason_of_1(REASON_DANE_NO_RECORDS, host->host));
	for (size_t i = 0; i < count; i++) {
		const struct dns_answer *answer;
		int result = tlsa_ask(ask, candidates[i], arena, &answer);

		if (result)
			return result;
		if (!answer)
			continue;
		if (dns_is_temporary_error(answer)) {
			host_fault(host, answer, REASON_DANE_RECORDS_UNAVAILABLE, candidates[i]);
			return 0;
		}
		if (answer->outcome == DNS_FOUND && answer->secure)
			return records_read(answer, candidates[i], arena, host);
		if (answer->outcome == DNS_FOUND)
			host_settle(host, DANE_INSECURE, DANE_DELIVERY_TLS_IF_POSSIBLE,
			            reason_of_1(REASON_DANE_RECORDS_INSECURE, candidates[i]));
	}
	return 0;
}

/* --- a host --- */

static int host_evaluate(const struct ask *ask, struct arena *arena, struct dane_host *host)
{
	const struct dns_answer *fault = NULL;
	struct addresses addresses;
	struct slice candidates[2];
	size_t count = 0;
	bool secure;
	int result = addresses_ask(ask, host->host, &addresses);

	if (result)
		return result;
	if (dns_is_temporary_error(addresses.answer)) {
		host_fault(host, addresses.answer, REASON_DANE_ADDRESS_UNAVAILABLE, host->host);
		return 0;
	}
	secure = addresses.secure;
	if (!secure && addresses.alias.len) {
		result = first_alias_is_secure(ask, host->host, &fault, &secure);
		if (result)
			return result;
	} else if (secure && addresses.alias.len && domain_is_canonical(addresses.alias)) {
		candidates[count++] = addresses.alias;
	}
	candidates[count++] = host->host;
	if (fault)
		host_fault(host, fault, REASON_DANE_ADDRESS_UNAVAILABLE, host->host);
	else if (!secure)
		host_settle(host, DANE_INSECURE, DANE_DELIVERY_TLS_IF_POSSIBLE,
		            reason_of_1(REASON_DANE_ADDRESS_INSECURE, host->host));
	else if (addresses.answer->outcome != DNS_FOUND)
		host_settle(host, DANE_NONE, DANE_DELIVERY_NONE, reason_of_1(REASON_DANE_NO_ADDRESS, host->host));
	else
		return records_find(ask, candidates, count, arena, host);
	return 0;
}

/* --- the domain: section 2.2.1 --- */

static int by_preference(const void *a, const void *b)
{
	const struct dns_record *x = a, *y = b;

	if (x->preference != y->preference)
		return x->preference < y->preference ? -1 : 1;
	return slice_compare(x->data, y->data);
}

static bool is_null_mx(const struct dns_answer *mx)
{
	return mx->outcome == DNS_FOUND && mx->count == 1 && mx->records[0].data.len == 0;
}

/* The host names, by preference; without a record the domain itself. */
static int hosts_list(const struct dns_answer *mx, struct slice domain, struct slice mx_host, struct arena *arena,
                      struct dane_domain *out)
{
	struct dns_record *sorted;

	out->hosts = ARENA_NEW_ARRAY(arena, DANE_HOSTS_MAX, struct dane_host);
	if (!out->hosts)
		return -ENOMEM;
	out->hosts_count = 1;
	out->hosts[0].host = mx_host.len ? mx_host : domain;
	if (mx_host.len || mx->outcome != DNS_FOUND)
		return 0;
	if (!(sorted = ARENA_NEW_ARRAY(arena, mx->count, struct dns_record)))
		return -ENOMEM;
	memcpy(sorted, mx->records, mx->count * sizeof(*sorted));
	qsort(sorted, mx->count, sizeof(*sorted), by_preference);
	out->hosts_count = mx->count < DANE_HOSTS_MAX ? mx->count : DANE_HOSTS_MAX;
	out->hosts_ignored = mx->count - out->hosts_count;
	for (size_t i = 0; i < out->hosts_count; i++)
		out->hosts[i].host = sorted[i].data;
	return 0;
}

/* There is nothing to ask of the hosts: all share what the MX records say. */
static void hosts_settle(struct dane_domain *out, enum dane_result result, enum dane_delivery delivery,
                         struct reason reason)
{
	for (size_t i = 0; i < out->hosts_count; i++)
		host_settle(&out->hosts[i], result, delivery, reason);
}

static void no_host(struct dane_domain *out, enum dane_result result, enum dane_delivery delivery, struct reason reason)
{
	out->hosts_count = 1;
	out->hosts[0] = (struct dane_host){ .host = SLICE_EMPTY };
	hosts_settle(out, result, delivery, reason);
}

static int hosts_evaluate(const struct ask *ask, struct arena *arena, struct dane_domain *out)
{
	bool blocked = false;

	for (size_t i = 0; i < out->hosts_count; i++) {
		int result = 0;

		/* A target that is no host name cannot be asked for as one, and has no certificate. */
		if (!domain_is_canonical(out->hosts[i].host))
			host_settle(&out->hosts[i], DANE_NONE, DANE_DELIVERY_NONE,
			            reason_of_1(REASON_DANE_NO_ADDRESS, out->hosts[i].host));
		else
			result = host_evaluate(ask, arena, &out->hosts[i]);
		if (result < 0)
			return result;
		blocked = blocked || result == ASK_BLOCKED;
	}
	return blocked ? ASK_BLOCKED : 0;
}

int dane_evaluate(struct slice domain, struct slice mx_host, const struct ask *ask, struct arena *arena,
                  struct dane_domain *out)
{
	const struct dns_answer *mx = ask_dns(ask, domain, DNS_MX, NULL);

	*out = (struct dane_domain){ .mx_secure = false };
	if (!mx)
		return ASK_BLOCKED;
	out->mx_secure = mx->secure;
	out->mx_expanded = mx->alias;
	TRY(hosts_list(mx, domain, mx_host, arena, out));
	if (dns_is_temporary_error(mx)) {
		struct dane_host fault = { .host = mx_host };

		host_fault(&fault, mx, REASON_DANE_MX_UNAVAILABLE, domain);
		out->hosts[0] = fault;
		return 0;
	}
	if (is_null_mx(mx)) {
		no_host(out, DANE_NONE, DANE_DELIVERY_NONE, reason_of_1(REASON_DANE_NULL_MX, domain));
		return 0;
	}
	if (mx->outcome == DNS_NXDOMAIN && !mx_host.len) {
		no_host(out, DANE_NONE, DANE_DELIVERY_NONE, reason_of_1(REASON_DANE_NO_DOMAIN, domain));
		return 0;
	}
	/* Without MX records the domain is its own host, and is looked at as one, whatever the proof of their absence. */
	if (!mx->secure && !(mx->outcome == DNS_NODATA && slice_equal(out->hosts[0].host, domain))) {
		hosts_settle(out, DANE_INSECURE, DANE_DELIVERY_TLS_IF_POSSIBLE, reason_of_1(REASON_DANE_MX_INSECURE, domain));
		return 0;
	}
	return hosts_evaluate(ask, arena, out);
}
