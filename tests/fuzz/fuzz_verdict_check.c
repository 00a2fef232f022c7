/*
 * Goal:   any message, envelope and answers give a verdict, in bounds and without a fault; waiting for answers changes
 *         nothing in it; a pass, and a policy overridden, always have something proved behind them; the field is
 *         grammatical.
 * Method: of the input's lines up to an empty one the first is the HELO name, the second the reverse-path, the others
 *         are the TXT records that there are (which name gets which goes by a hash of the name). The message follows.
 *         Body hashes are zero octets, every other signature is valid. Each input is checked with all answers at hand
 *         and again with each pending at first.
 */
#include "../unit/proto/authres/checker.h"
#include "proto/mail/domain.h"
#include "proto/verdict/verdict.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define QUESTIONS_MAX 4096
#define TEXTS_MAX     16

struct answers {
	bool eager;
	struct slice texts[TEXTS_MAX];
	size_t texts_count;
	uint64_t seen[QUESTIONS_MAX]; /* hashes of the questions that have been asked */
	size_t seen_count;
	bool signature_seen[SIGNATURE_ID_MAX];
	struct dns_record records[TEXTS_MAX], address;
	struct dns_answer found[TEXTS_MAX], host, none, missing, fault;
	struct body_digest digest;
};

static uint64_t hash_of(const char *kind, struct slice name, unsigned type)
{
	uint64_t hash = UINT64_C(14695981039346656037) ^ (uint64_t)kind[0] ^ ((uint64_t)type << 8);

	for (size_t i = 0; i < name.len; i++)
		hash = (hash ^ octet_lower(name.ptr[i])) * UINT64_C(1099511628211);
	return hash ^ hash >> 29;
}

/* Was the question asked before? It is now. */
static bool known(struct answers *answers, uint64_t hash)
{
	for (size_t i = 0; i < answers->seen_count; i++)
		if (answers->seen[i] == hash)
			return true;
	ASSERT(answers->seen_count < QUESTIONS_MAX);
	answers->seen[answers->seen_count++] = hash;
	return answers->eager;
}

static const struct dns_answer *dns(void *arg, const struct dns_question *question)
{
	struct answers *answers = arg;
	uint64_t hash = hash_of("dns", question->name, question->type);

	ASSERT(question->name.len > 0 && question->name.len <= 253 && question->name.ptr[question->name.len - 1] != '.');
	if (!known(answers, hash))
		return NULL;
	switch (hash % 16) {
	case 0: return &answers->fault;
	case 1: return &answers->none;
	case 2: return &answers->missing;
	default: break;
	}
	if (question->type == DNS_TXT && answers->texts_count)
		return &answers->found[(hash >> 8) % answers->texts_count];
	return question->type == DNS_A ? &answers->host : &answers->missing;
}

static const struct body_digest *body_digest(void *arg, const struct body_question *question)
{
	struct answers *answers = arg;
	uint64_t hash = hash_of("body", SLICE_EMPTY, (unsigned)question->canon * 2 + question->hash);

	return known(answers, hash) ? &answers->digest : NULL;
}

static bool signature_known(void *arg, unsigned id, enum signature_answer *out)
{
	struct answers *answers = arg;

	ASSERT(id < SIGNATURE_ID_MAX);
	*out = id % 2 ? SIGNATURE_INVALID : SIGNATURE_VALID;
	return answers->signature_seen[id];
}

static enum signature_answer signature(void *arg, const struct signature_question *question)
{
	struct answers *answers = arg;
	enum signature_answer answer;

	ASSERT(!signature_known(arg, question->id, &answer));
	answers->signature_seen[question->id] = true;
	return answers->eager ? answer : SIGNATURE_PENDING;
}

static void answers_init(struct answers *answers, const struct slice *texts, size_t texts_count, bool eager)
{
	static const uint8_t address[4] = { 192, 0, 2, 1 };

	memset(answers, 0, sizeof(*answers));
	answers->eager = eager;
	answers->none.outcome = DNS_NODATA;
	answers->missing.outcome = DNS_NXDOMAIN;
	answers->fault.outcome = DNS_SERVFAIL;
	answers->address.data = slice_of(address, sizeof(address));
	answers->host = (struct dns_answer){ .count = 1, .records = &answers->address };
	answers->digest.canonical_octets = 100;
	answers->texts_count = texts_count;
	for (size_t i = 0; i < texts_count; i++) {
		answers->records[i].data = texts[i];
		answers->found[i] = (struct dns_answer){ .count = 1, .records = &answers->records[i] };
	}
}

static void check_sense(const struct verdict *verdict)
{
	struct checker checker = checker_run(verdict->authentication_results);
	bool signature_passed = false;

	ASSERT(!checker.breach);
	for (size_t i = 0; i < verdict->dkim.count; i++)
		signature_passed |= verdict->dkim.signatures[i].result == DKIM_PASS;
	ASSERT(!verdict->dmarc.spf_aligned || verdict->spf.result == SPF_PASS);
	ASSERT(!verdict->dmarc.dkim_aligned || signature_passed);
	if (verdict->dmarc.result == DMARC_RESULT_PASS)
		ASSERT((verdict->dmarc.spf_aligned || verdict->dmarc.dkim_aligned) && !verdict->flags.malformed_from);
	if (verdict->dmarc.result == DMARC_RESULT_PERMERROR)
		ASSERT(verdict->dmarc.disposition >= DMARC_POLICY_QUARANTINE);
	else
		ASSERT(verdict->dmarc.has_policy || verdict->dmarc.disposition == DMARC_POLICY_NONE);
	for (size_t i = 0; i < verdict->forged.count; i++)
		ASSERT(verdict->forged.at[i] > 0 && (i == 0 || verdict->forged.at[i] < verdict->forged.at[i - 1]));
	ASSERT(!verdict->override.applies ||
	       (verdict->arc.result == ARC_PASS && verdict->dmarc.result == DMARC_RESULT_FAIL &&
		verdict->dmarc.disposition == DMARC_POLICY_NONE && verdict->override.comment.len > 0));
	ASSERT(!verdict->shadow.evaluated || !verdict->flags.malformed_from);
}

static struct slice last_two_labels(void *arg, struct slice name)
{
	(void)arg;
	ASSERT(domain_is_canonical(name));
	return domain_suffix(name, 2);
}

static void run(const struct verdict_input *input, struct answers *answers, struct arena *arena, struct verdict *out)
{
	static const struct ask_ops ops = {
		.dns = dns,
		.body_digest = body_digest,
		.signature_known = signature_known,
		.signature = signature,
	};
	static const struct slice sealers[] = { { (const uint8_t *)".example", 8 } };
	const struct verdict_config config = {
		.authserv_id = SLICE("mx.example.org"),
		.spf = { .lookups_max = 10, .void_lookups_max = 2 },
		.dkim = { .signatures_max = 8, .rsa_bits_min = 1024, .rsa_bits_max = 4096, .clock_drift_s = 300,
			  .verify_us_max = 5000 },
		.arc = { .verify = true, .sets_max = 10, .trusted_sealers = sealers, .trusted_sealers_count = 1 },
		.shadow = { .organizational_domain = last_two_labels },
		.no_author = DMARC_POLICY_QUARANTINE,
		.bounds = { .header_octets_max = 65536, .fields_max = 100, .field_octets_max = 16384 },
	};
	const struct ask ask = { .ops = &ops, .arg = answers };
	struct verdict_reading reading;
	unsigned passes = 0;
	int result;

	ASSERT(verdict_read_message(input, &config, arena, &reading) == 0);
	do {
		ASSERT(passes++ < 100);
		result = verdict_check_message(input, &config, &reading, &ask, arena, out);
	} while (result == ASK_BLOCKED);
	ASSERT(result == 0 && (!answers->eager || passes == 1));
	check_sense(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct answers answers;
	struct slice rest = slice_of(data, size), texts[TEXTS_MAX], line;
	struct verdict_input input = { .has_client = size % 8 != 0,
				       .client = { .octets = { 192, 0, 2, 1 } },
				       .helo = slice_cut(&rest, '\n'),
				       .mail_from = slice_cut(&rest, '\n'),
				       .received_at = 1795000000 };
	struct verdict verdicts[2];
	struct arena arena;
	size_t texts_count = 0;

	while ((line = slice_cut(&rest, '\n')).len && texts_count < TEXTS_MAX)
		texts[texts_count++] = line;
	input.message = rest;
	arena_init(&arena, (size_t)256 << 20);
	for (size_t eager = 0; eager < 2; eager++) {
		answers_init(&answers, texts, texts_count, eager);
		run(&input, &answers, &arena, &verdicts[eager]);
	}
	ASSERT(verdicts[0].dmarc.result == verdicts[1].dmarc.result);
	ASSERT(slice_equal(verdicts[0].authentication_results, verdicts[1].authentication_results));
	arena_deinit(&arena);
	return 0;
}
