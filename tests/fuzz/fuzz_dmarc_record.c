/*
 * Goal:   a policy record of any octets is read without a fault, and what is read hangs together.
 * Method: the input is one TXT record; then the only record of every name in a tree walk.
 */
#include "proto/dmarc/record.h"
#include "proto/dmarc/walk.h"
#include "proto/mail/domain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_uris(struct slice list)
{
	struct slice uri;

	while (dmarc_uri_next(&list, &uri))
		for (size_t i = 0; i < uri.len; i++)
			ASSERT(uri.ptr[i] > ' ' && uri.ptr[i] < 0x7f && uri.ptr[i] != ',' && uri.ptr[i] != '!');
}

static const struct dns_answer *dns(void *arg, const struct dns_question *question)
{
	ASSERT(question->type == DNS_TXT && question->name.len <= DOMAIN_OCTETS_MAX);
	return arg;
}

static void check_walk(struct slice text)
{
	static const struct ask_ops ops = { .dns = dns };
	struct dns_record record = { .data = text };
	struct dns_answer answer = { .count = 1, .records = &record };
	const struct ask ask = { .ops = &ops, .arg = &answer };
	struct slice name = SLICE("a.b.example");
	struct dmarc_walk walk;

	ASSERT(dmarc_walk(name, &ask, &walk) == 0);
	ASSERT(walk.organizational_domain_known && walk.policy_known);
	ASSERT(domain_is_equal_or_below(name, walk.organizational_domain));
	ASSERT(!walk.policy || walk.policy == &walk.steps[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of(data, size);
	struct dmarc_record record;

	if (dmarc_record_parse(text, &record) == DMARC_RECORD_OK) {
		ASSERT(record.applies || record.p == DMARC_POLICY_NONE);
		ASSERT(record.has_p || (record.p == DMARC_POLICY_NONE && record.np == DMARC_POLICY_NONE));
		ASSERT(record.fo > 0 && record.fo < 16);
		check_uris(record.rua);
		check_uris(record.ruf);
	}
	if (dmarc_record_parse_rfc7489(text, &record) == DMARC_RECORD_OK) {
		ASSERT(record.applies || record.p == DMARC_POLICY_NONE);
		ASSERT(record.pct <= 100 && !record.has_np && !record.testing && record.psd == DMARC_PSD_UNKNOWN);
	}
	check_walk(text);
	return 0;
}
