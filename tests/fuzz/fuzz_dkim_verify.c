/*
 * Goal:   verification ends, in bounds and without a fault, whatever message, key records and answers say; waiting
 *         for answers changes nothing in the result; and only a right signature passes.
 * Method: the first octet chooses the configuration; then lines up to an empty one are the TXT records of every name;
 *         the rest is the message. It is verified with all answers at hand, with each pending at first, with every
 *         signature wrong, and with every check at fault.
 */
#include "proto/dkim/dkim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RECORDS   4
#define QUESTIONS 64

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

	ASSERT(id < DKIM_SIGNATURE_IDS);
	*answer_out = answers->signature;
	return answers->signatures[id];
}

static enum signature_answer answer_signature(void *arg, const struct signature_question *question)
{
	struct answers *answers = arg;

	ASSERT(question->id < DKIM_SIGNATURE_IDS && !answers->signatures[question->id]);
	ASSERT(question->signed_parts_count > 0);
	for (size_t i = 0; i < question->signed_parts_count; i++)
		ASSERT(question->signed_parts[i].len == 0 || question->signed_parts[i].ptr);
	if (question->key.kind == PUBLIC_KEY_RSA)
		ASSERT(question->signature.len == question->key.modulus.len);
	else
		ASSERT(question->signature.len == 64);
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

static void verify(struct slice in, uint8_t choice, bool eager, enum signature_answer signature, struct arena *arena,
                   struct dkim_result *out)
{
	static const struct mail_bounds bounds = { 65536, 1000, 65536 };
	static const struct ask_ops ops = { answer_dns, answer_body, answer_known, answer_signature };
	const struct dkim_config config = {
		.signatures_max = choice & 7, .rsa_bits_min = 8, .rsa_bits_max = 4096, .allow_rsa_sha1 = choice & 8,
		.clock_drift_s = 300, .verify_us_max = 5000,
	};
	const struct slice authors[] = { SLICE("example.com"), SLICE("x.example") };
	struct answers answers = { .eager = eager, .signature = signature, .digest.canonical_octets = choice & 16 };
	const struct ask ask = { .ops = &ops, .arg = &answers };
	struct mail_message message;
	struct dkim_reading reading;
	unsigned passes = 0;
	int result;

	answers.dns.records = answers.records;
	records_read(&in, &answers);
	result = mail_parse(in, &bounds, arena, &message);
	ASSERT(result >= 0 && dkim_read(&message, authors, 2, &config, arena, &reading) == 0);
	do {
		ASSERT(++passes <= 5);
		result = dkim_verify(&message, &reading, 1600000000, &config, &ask, arena, out);
	} while (result == ASK_BLOCKED);
	ASSERT(result == 0 && (!eager || passes == 1));
}

static void check_same(const struct dkim_result *a, const struct dkim_result *b)
{
	ASSERT(a->count == b->count && a->ignored == b->ignored);
	for (size_t i = 0; i < a->count; i++) {
		ASSERT(a->signatures[i].result == b->signatures[i].result);
		ASSERT(a->signatures[i].reason.id == b->signatures[i].reason.id);
		ASSERT(a->signatures[i].key_bits == b->signatures[i].key_bits);
		ASSERT(a->signatures[i].testing == b->signatures[i].testing);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dkim_result first, other;
	struct arena arena;
	struct slice in;

	if (size < 1)
		return 0;
	in = slice_of(data + 1, size - 1);
	arena_init(&arena, (size_t)256 << 20);
	verify(in, data[0], true, SIGNATURE_VALID, &arena, &first);
	verify(in, data[0], false, SIGNATURE_VALID, &arena, &other);
	check_same(&first, &other);
	verify(in, data[0], true, SIGNATURE_INVALID, &arena, &other);
	for (size_t i = 0; i < other.count; i++)
		ASSERT(other.signatures[i].result != DKIM_PASS && other.signatures[i].result != DKIM_TEMPERROR);
	verify(in, data[0], true, SIGNATURE_FAULT, &arena, &other);
	for (size_t i = 0; i < other.count; i++)
		ASSERT(other.signatures[i].result != DKIM_PASS);
	arena_deinit(&arena);
	return 0;
}
