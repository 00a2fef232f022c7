/*
 * Goal:   check_host() ends, in bounds and without a fault, whatever records and answers say; and waiting for answers
 *         changes nothing in the result.
 * Method: the input is the text of every TXT record there is; names, addresses and outcomes of other answers are
 *         drawn from it. Each input is checked with all answers at hand and again with each answer pending at first.
 */
#include "proto/spf/limits.h"
#include "proto/spf/spf.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define QUESTIONS_MAX 4096
#define RECORDS       12

struct answers {
	struct slice text;
	bool eager;
	uint64_t seen[QUESTIONS_MAX]; /* hashes of the questions that have been asked */
	size_t seen_count;
	struct dns_record records[3][RECORDS]; /* TXT, names, addresses */
	struct dns_answer found[3], none, missing, fault;
};

static uint64_t hash_of(struct slice name, enum dns_type type)
{
	uint64_t hash = UINT64_C(14695981039346656037) ^ (uint64_t)type;

	for (size_t i = 0; i < name.len; i++)
		hash = (hash ^ octet_lower(name.ptr[i])) * UINT64_C(1099511628211);
	return hash;
}

/* Was the question asked before? It is now. */
static bool seen(struct answers *answers, uint64_t hash)
{
	for (size_t i = 0; i < answers->seen_count; i++)
		if (answers->seen[i] == hash)
			return true;
	ASSERT(answers->seen_count < QUESTIONS_MAX);
	answers->seen[answers->seen_count++] = hash;
	return false;
}

static const struct dns_answer *dns(void *arg, const struct dns_question *question)
{
	struct answers *answers = arg;
	uint64_t hash = hash_of(question->name, question->type);

	ASSERT(question->name.len > 0 && question->name.len <= 253 && question->name.ptr[question->name.len - 1] != '.');
	if (!seen(answers, hash) && !answers->eager)
		return NULL;
	if (question->type == DNS_TXT)
		return &answers->found[0];
	switch ((hash >> 32) % 8) {
	case 0: return &answers->none;
	case 1: return &answers->missing;
	case 2: return &answers->fault;
	default: break;
	}
	return question->type == DNS_MX || question->type == DNS_PTR ? &answers->found[1] : &answers->found[2];
}

static void answers_init(struct answers *answers, struct slice text, bool eager)
{
	static const uint8_t address[16] = { 192, 0, 2, 1 };

	memset(answers, 0, sizeof(*answers));
	answers->text = text;
	answers->eager = eager;
	answers->none.outcome = DNS_NODATA;
	answers->missing.outcome = DNS_NXDOMAIN;
	answers->fault.outcome = DNS_SERVFAIL;
	answers->records[0][0].data = text;
	for (size_t i = 0; i < RECORDS; i++) {
		answers->records[1][i].data = slice_sub(text, i * 7, 1 + i * 5);
		answers->records[1][i].preference = (uint16_t)i;
		answers->records[2][i].data = slice_of(address, i % 2 ? 4 : 16);
	}
	answers->found[0] = (struct dns_answer){ .count = 1, .records = answers->records[0] };
	answers->found[1] = (struct dns_answer){ .count = RECORDS, .records = answers->records[1] };
	answers->found[2] = (struct dns_answer){ .count = 2, .records = answers->records[2] };
}

static void evaluate(struct slice text, const struct spf_input *input, bool eager, struct arena *arena,
		     struct spf_result *out)
{
	static const struct ask_ops ops = { .dns = dns };
	static const struct spf_config config = { SPF_LOOKUPS_DEFAULT, SPF_VOID_LOOKUPS_DEFAULT };
	static struct answers answers;
	const struct ask ask = { .ops = &ops, .arg = &answers };
	unsigned passes = 0;
	int result;

	answers_init(&answers, text, eager);
	do {
		ASSERT(passes++ < 64);
		result = spf_check_mail_from(input, &config, &ask, arena, out);
	} while (result == ASK_BLOCKED);
	ASSERT(result == 0 && (!eager || passes == 1));
}

static void check(struct slice text, const struct spf_input *input)
{
	struct spf_result results[2];
	struct arena arena;
	struct slice reason;

	arena_init(&arena, (size_t)256 << 20);
	for (size_t eager = 0; eager < 2; eager++)
		evaluate(text, input, eager, &arena, &results[eager]);
	ASSERT(results[0].result == results[1].result && results[0].reason.id == results[1].reason.id);
	ASSERT(slice_equal(results[0].mechanism, results[1].mechanism));
	ASSERT(slice_equal(results[0].explanation, results[1].explanation));
	ASSERT(results[0].explanation.len <= SPF_EXPLANATION_OCTETS_MAX);
	ASSERT(reason_render(&results[0].reason, &arena, &reason) == 0);
	arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of(data, size);
	/* The end of the text is also what the client says of itself. */
	struct spf_input input = {
		.helo = slice_from(text, size - size / 4),
		.mail_from = SLICE("strong-bad+x@email.example.com"),
		.receiver = SLICE("in.example.net"),
		.client = { .is_v6 = size % 2, .octets = { 192, 0, 2, 3, [15] = 1 } },
		.now = 1700000000,
	};

	check(text, &input);
	input.mail_from = slice_from(text, size - size / 3);
	check(text, &input);
	return 0;
}
