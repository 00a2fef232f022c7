/*
 * Goal:   validation ends, in bounds and without a fault, whatever message, key records and answers say; waiting
 *         for answers changes nothing in the result; and only a chain whose signatures are right passes, in which alone
 *         anybody is believed.
 * Method: the first octet chooses the configuration; then lines up to an empty one are the TXT records of every name;
 *         the rest is the message. It is validated with all answers at hand, with each pending at first, with every
 *         signature wrong, and with every check at fault.
 */
#include "proto/arc/arc.h"

#include "proto/arc/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RECORDS   4
#define QUESTIONS 128

struct answers {
	bool eager;
	struct dns_record records[RECORDS];
	struct dns_answer dns;
	struct body_digest digest;
	enum signature_answer signature;
	uint64_t names[QUESTIONS]; /* hashes of those asked for */
	size_t names_count;
	unsigned bodies;
	bool signatures[SIGNATURE_ID_MAX];
};

static const struct dns_answer *answer_dns(void *arg, const struct dns_question *question)
{
	struct answers *answers = arg;
	uint64_t hash = UINT64_C(14695981039346656037);

	ASSERT(question->type == DNS_TXT && question->name.len > 0 && question->name.len <= 253);
	for (size_t i = 0; i < question->name.len; i++)
		hash = (hash ^ octet_lower(question->name.ptr[i])) * UINT64_C(1099511628211);
	for (size_t i = 0; i < answers->names_count; i++)
		if (answers->names[i] == hash)
			return &answers->dns;
	ASSERT(answers->names_count < QUESTIONS);
	answers->names[answers->names_count++] = hash;
	return answers->eager ? &answers->dns : NULL;
}

static const struct body_digest *answer_body(void *arg, const struct body_question *question)
{
	struct answers *answers = arg;

	(void)question;
	return answers->bodies++ || answers->eager ? &answers->digest : NULL;
}

static bool answer_known(void *arg, unsigned id, enum signature_answer *answer_out)
{
	struct answers *answers = arg;

	ASSERT(id >= ARC_SIGNATURE_ID_FIRST && id < SIGNATURE_ID_MAX);
	*answer_out = answers->signature;
	return answers->signatures[id];
}

static enum signature_answer answer_signature(void *arg, const struct signature_question *question)
{
	struct answers *answers = arg;

	ASSERT(question->id < SIGNATURE_ID_MAX && !answers->signatures[question->id]);
	ASSERT(question->signed_parts_count > 0);
	for (size_t i = 0; i < question->signed_parts_count; i++)
		ASSERT(question->signed_parts[i].len == 0 || question->signed_parts[i].ptr);
	answers->signatures[question->id] = true;
	return answers->eager ? answers->signature : SIGNATURE_PENDING;
}

static void records_read(struct slice *rest, struct answers *answers)
{
	struct slice line;

	while (answers->dns.count < RECORDS && (line = slice_cut(rest, '\n')).len > 0)
		answers->records[answers->dns.count++].data = line;
	if (answers->dns.count == 0)
		answers->dns.outcome = DNS_NXDOMAIN;
}

static void check_sense(const struct arc_result *result)
{
	ASSERT(result->reason.id != REASON_NONE && result->evaluated);
	ASSERT(result->sets_count == 0 || result->sets_count == result->instance);
	ASSERT(result->result != ARC_NONE || result->instance == 0);
	ASSERT(result->result != ARC_PASS || result->sets_count > 0);
	ASSERT(result->oldest_pass <= result->instance);
	for (size_t i = 0; i < result->sets_count; i++) {
		const struct arc_set *set = &result->sets[i];

		ASSERT(result->result != ARC_PASS || (set->seal.looked_at && set->seal.as.result == DKIM_PASS));
		ASSERT(set->methods_count <= ARC_METHODS_MAX);
	}
	ASSERT(arc_witness(result, SLICE("example.com")) <= (result->result == ARC_PASS ? result->sets_count : 0));
}

static void validate(struct slice in, uint8_t choice, bool eager, enum signature_answer signature, struct arena *arena,
                     struct arc_result *out)
{
	static const struct mail_bounds bounds = { 65536, 1000, 65536 };
	static const struct ask_ops ops = { answer_dns, answer_body, answer_known, answer_signature };
	static const struct slice sealers[] = { { (const uint8_t *)"a.example", 9 }, { (const uint8_t *)".example.com", 12 } };
	const struct dkim_config dkim = { .rsa_bits_min = 8, .rsa_bits_max = 4096, .clock_drift_s = 300,
					   .verify_us_max = 5000 };
	const struct arc_config config = {
		.verify = true,
		.sets_max = choice & 8 ? ARC_SETS_VERIFIED_MAX : 3,
		.find_oldest_pass = choice & 4,
		.trusted_sealers = sealers,
		.trusted_sealers_count = choice % 3,
	};
	struct answers answers = { .eager = eager, .signature = signature, .digest.canonical_octets = choice & 16 };
	const struct ask ask = { .ops = &ops, .arg = &answers };
	struct mail_message message;
	unsigned passes = 0;
	int result;

	answers.dns.records = answers.records;
	records_read(&in, &answers);
	result = mail_parse(in, &bounds, arena, &message);
	ASSERT(result >= 0);
	do {
		ASSERT(++passes <= 5);
		result = arc_validate(&message, 1600000000, &config, &dkim, &ask, arena, out);
	} while (result == ASK_BLOCKED);
	ASSERT(result == 0 && (!eager || passes == 1));
	check_sense(out);
}

static void check_same(const struct arc_result *a, const struct arc_result *b)
{
	ASSERT(a->result == b->result && a->reason.id == b->reason.id && a->instance == b->instance);
	ASSERT(a->sets_count == b->sets_count && a->oldest_pass == b->oldest_pass);
	for (size_t i = 0; i < a->sets_count; i++) {
		ASSERT(a->sets[i].believable == b->sets[i].believable);
		ASSERT(a->sets[i].seal.looked_at == b->sets[i].seal.looked_at);
		ASSERT(a->sets[i].message_signature.looked_at == b->sets[i].message_signature.looked_at);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arc_result first, other;
	struct arena arena;
	struct slice in;

	if (size < 1)
		return 0;
	in = slice_of(data + 1, size - 1);
	arena_init(&arena, (size_t)256 << 20);
	validate(in, data[0], true, SIGNATURE_VALID, &arena, &first);
	validate(in, data[0], false, SIGNATURE_VALID, &arena, &other);
	check_same(&first, &other);
	validate(in, data[0], true, SIGNATURE_INVALID, &arena, &other);
	ASSERT(other.result != ARC_PASS);
	validate(in, data[0], true, SIGNATURE_FAULT, &arena, &other);
	ASSERT(other.result != ARC_PASS);
	arena_deinit(&arena);
	return 0;
}
