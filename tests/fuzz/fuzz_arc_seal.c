/*
 * Goal:   whatever stands in a message, what is added to it is three whole header fields that are read back as the set
 *         they are; findings of others, and line ends, never come through.
 * Method: the first line is the findings that are given ("-": none, they stand in the message), the rest the message.
 *         Signatures are made up. It is sealed with answers at hand and with each pending first; then the message with
 *         its set is read.
 */
#include "proto/arc/chain.h"
#include "proto/arc/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct answers {
	bool eager;
	unsigned dns_asked, bodies_asked;
	bool signings_asked[SIGNING_ID_MAX];
	struct signing_answer signing;
	struct body_digest digest;
};

static const struct dns_answer *answer_dns(void *arg, const struct dns_question *question)
{
	static const struct dns_answer missing = { .outcome = DNS_NXDOMAIN };

	(void)arg;
	(void)question;
	return &missing;
}

static const struct body_digest *answer_body(void *arg, const struct body_question *question)
{
	struct answers *answers = arg;

	(void)question;
	return answers->bodies_asked++ || answers->eager ? &answers->digest : NULL;
}

static bool answer_known(void *arg, unsigned id, enum signature_answer *answer_out)
{
	(void)arg;
	(void)id;
	*answer_out = SIGNATURE_INVALID;
	return true;
}

static enum signature_answer answer_signature(void *arg, const struct signature_question *question)
{
	(void)arg;
	(void)question;
	return SIGNATURE_INVALID;
}

static const struct signing_answer *answer_sign(void *arg, const struct signing_question *question)
{
	struct answers *answers = arg;
	bool seen = answers->signings_asked[question->id];

	ASSERT(question->parts_count > 0);
	answers->signings_asked[question->id] = true;
	return seen || answers->eager ? &answers->signing : NULL;
}

static void seal(const struct mail_message *message, struct slice findings, bool eager, struct arena *arena,
                 struct arc_sealed *out)
{
	static const struct ask_ops ops = {
		.dns = answer_dns,
		.body_digest = answer_body,
		.signature_known = answer_known,
		.signature = answer_signature,
		.sign = answer_sign,
	};
	static const uint8_t signature[256] = { 7 };
	static const struct slice names[] = { { (const uint8_t *)"from", 4 }, { (const uint8_t *)"subject", 7 } };
	const struct arc_sealer sealer = {
		.domain = SLICE("list.example"), .selector = SLICE("k"), .names = names, .names_count = 2
	};
	const struct dkim_config dkim = { .rsa_bits_min = 1024, .rsa_bits_max = 4096, .verify_us_max = 5000 };
	const struct arc_config config = { .verify = true, .sets_max = 10 };
	struct answers answers = { .eager = eager, .signing.signature = { signature, sizeof(signature) } };
	const struct ask ask = { .ops = &ops, .arg = &answers };
	const struct arc_seal_input input = {
		.message = message, .now = 1600000000, .authserv_id = SLICE("mx.example"), .findings = findings
	};
	unsigned passes = 0;
	int result;

	do {
		ASSERT(++passes <= 6);
		result = arc_seal(&input, &sealer, &config, &dkim, &ask, arena, out);
	} while (result == ASK_BLOCKED);
	ASSERT(result == 0 && out->result != ARC_SEAL_FAULT && out->reason.id != REASON_NONE);
}

static void check_value(struct slice value)
{
	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = value.ptr[i];

		if (c == '\r')
			ASSERT(i + 2 < value.len && value.ptr[i + 1] == '\n' && value.ptr[i + 2] == ' ');
		else if (c == '\n')
			ASSERT(i > 0 && value.ptr[i - 1] == '\r');
		else
			ASSERT(c >= ' ' && c != 0x7f);
	}
}

static void check_sealed(const struct arc_sealed *sealed, const struct mail_message *below, const struct mail_bounds *bounds,
                         struct arena *arena)
{
	struct mail_message message;
	struct arc_chain chain;
	struct slice whole;
	struct text text;

	text_init(&text, arena);
	for (size_t i = 0; i < ARC_ADDED; i++) {
		check_value(sealed->fields[i].value);
		text_str(&text, sealed->fields[i].name);
		text_str(&text, ": ");
		text_add(&text, sealed->fields[i].value);
		text_str(&text, "\r\n");
	}
	text_add(&text, below->header);
	ASSERT(text_finish(&text, &whole) == 0);
	ASSERT(mail_parse(whole, bounds, arena, &message) == MAIL_OK);
	ASSERT(message.fields_count == below->fields_count + ARC_ADDED);
	ASSERT(arc_chain_read(&message, arena, &chain) == 0);
	ASSERT(chain.count == sealed->instance);
	for (size_t i = 0; i < ARC_ADDED; i++)
		ASSERT(chain.sets[chain.count - 1].fields[ARC_SEAL - i] == &message.fields[i]);
	ASSERT(slice_equal(chain.sets[chain.count - 1].cv, slice_of_str(arc_word_text(sealed->cv))));
	ASSERT(chain.fault.id == (sealed->cv == ARC_FAIL ? REASON_ARC_CV_FAIL : REASON_NONE));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mail_bounds bounds = { 65536, 1000, 65536 }, wide = { 1 << 20, 2000, 1 << 20 };
	struct slice rest = slice_of(data, size), findings = slice_cut(&rest, '\n');
	struct arc_sealed sealed[2];
	struct mail_message message;
	struct arena arena;

	if (slice_equal(findings, SLICE("-")))
		findings = SLICE_EMPTY;
	arena_init(&arena, (size_t)256 << 20);
	/* A message that begins with white space goes on with whatever is put above it. */
	if (!(rest.len > 0 && octet_is_wsp(rest.ptr[0])) && mail_parse(rest, &bounds, &arena, &message) == MAIL_OK) {
		for (size_t eager = 0; eager < 2; eager++)
			seal(&message, findings, eager, &arena, &sealed[eager]);
		ASSERT(sealed[0].result == sealed[1].result && sealed[0].reason.id == sealed[1].reason.id);
		if (sealed[0].result == ARC_SEALED) {
			ASSERT(slice_equal(sealed[0].fields[2].value, sealed[1].fields[2].value));
			check_sealed(&sealed[0], &message, &wide, &arena);
		}
	}
	arena_deinit(&arena);
	return 0;
}
