/*
 * Goal:   what a site wishes and what a verdict says come to the right action and a reply that can be sent.
 * Method: a table of verdicts as the wire has them, read as replies are.
 */
#include "unit.h"

#include <stdlib.h>

#include "client/answer.h"

#define BYTES(literal) ((ProtobufCBinaryData){ sizeof(literal) - 1, (uint8_t *)(uintptr_t)(literal) })
#define NO_DMARC       99

static struct assay_answer *answer_of(int result, int disposition, const char *from, int spf, bool bare_lf)
{
	Assay__V1__Response response = ASSAY__V1__RESPONSE__INIT;
	Assay__V1__Verdict verdict = ASSAY__V1__VERDICT__INIT;
	Assay__V1__Dmarc dmarc = ASSAY__V1__DMARC__INIT;
	Assay__V1__Flags flags = ASSAY__V1__FLAGS__INIT;
	struct assay_answer *answer;
	Assay__V1__Spf spf_wire;
	uint8_t octets[500];
	size_t count;

	assay__v1__spf__init(&spf_wire);
	dmarc.result = (Assay__V1__Dmarc__Result)result;
	dmarc.disposition = (Assay__V1__Dmarc__Policy)disposition;
	dmarc.from_domain = (ProtobufCBinaryData){ strlen(from), (uint8_t *)(uintptr_t)from };
	spf_wire.result = (Assay__V1__Spf__Result)spf;
	spf_wire.domain = BYTES("s.example");
	spf_wire.explanation = (char *)(uintptr_t) "see s.example";
	flags.bare_lf = bare_lf;
	verdict.flags = &flags;
	verdict.spf = spf ? &spf_wire : NULL;
	verdict.dmarc = result == NO_DMARC ? NULL : &dmarc;
	verdict.authentication_results = BYTES("mx.example; dmarc=fail");
	verdict.received_spf = spf ? BYTES("fail") : BYTES("");
	response.result_case = ASSAY__V1__RESPONSE__RESULT_VERDICT;
	response.verdict = &verdict;
	count = assay__v1__response__pack(&response, octets);
	assert_int_equal(answer_read(&heap_default, octets, count, BYTES(""), ASSAY__V1__RESPONSE__RESULT_VERDICT, &answer, NULL),
			 ASSAY_OK);
	return answer;
}

enum { NONE = 1, PASS, FAIL, TEMPERROR };

static const struct {
	int result, disposition;
	const char *from;
	int spf;
	bool bare_lf;
	struct assay_site site;
	enum assay_action action;
	const char *reply;
} cases[] = {
	{ FAIL, 2, "a.example", 0, 0, { .missing = 1 }, ASSAY_REJECT, "550 5.7.1 Rejected by the DMARC policy of a.example" },
	{ FAIL, 2, "a\r\n.example", 0, 0, { .missing = 1 }, ASSAY_REJECT, "550 5.7.1 Rejected by the DMARC policy of a??.example" },
	{ FAIL, 2, "", 0, 0, { .missing = 1 }, ASSAY_REJECT, "550 5.7.1 The message has no certain author (From)" },
	{ FAIL, 2, "a.example", 0, 0, { .missing = 1, .quarantine_rejected = 1 }, ASSAY_QUARANTINE, "" },
	{ FAIL, 2, "a.example", 0, 0, { .missing = 1, .ignore_dmarc = 1 }, ASSAY_ACCEPT, "" },
	{ FAIL, 1, "a.example", 0, 0, { .missing = 1 }, ASSAY_QUARANTINE, "" },
	{ FAIL, 0, "a.example", 0, 0, { .missing = 1 }, ASSAY_ACCEPT, "" },
	{ PASS, 0, "a.example", 0, 0, { .missing = 2 }, ASSAY_ACCEPT, "" },
	{ TEMPERROR, 0, "a.example", 0, 0, { .missing = 1 }, ASSAY_ACCEPT, "" },
	{ TEMPERROR, 0, "a.example", 0, 0, { .missing = 1, .defer_temperror = 1 }, ASSAY_DEFER,
	  "451 4.4.3 Cannot look up the DMARC policy of a.example now, try again later" },
	{ PASS, 0, "a.example", 0, 1, { .missing = 1 }, ASSAY_ACCEPT, "" },
	{ PASS, 0, "a.example", 0, 1, { .missing = 1, .reject_flags = ASSAY_FLAG_BARE_LF }, ASSAY_REJECT,
	  "550 5.6.0 The message is malformed: a CR or LF stands alone" },
	{ PASS, 0, "a.example", 0, 1, { .missing = 1, .reject_flags = ASSAY_FLAG_BARE_CR }, ASSAY_ACCEPT, "" },
	{ NO_DMARC, 0, "", 4, 0, { .missing = 1 }, ASSAY_ACCEPT, "" },
	{ NO_DMARC, 0, "", 4, 0, { .missing = 1, .reject_spf_fail = 1 }, ASSAY_REJECT,
	  "550 5.7.23 SPF of s.example: this host may not send its mail: see s.example" },
	{ NO_DMARC, 0, "", 5, 0, { .missing = 1, .reject_spf_fail = 1 }, ASSAY_ACCEPT, "" },
};

static void verdicts_decide(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct assay_answer *answer = answer_of(cases[i].result, cases[i].disposition, cases[i].from, cases[i].spf,
							cases[i].bare_lf);
		struct assay_site site = cases[i].site;
		struct assay_decision decision = { .size = sizeof decision };

		site.size = sizeof site;
		assert_int_equal(assay_decide(answer, &site, &decision, NULL), ASSAY_OK);
		if (decision.action != cases[i].action || strcmp(decision.reply, cases[i].reply) != 0)
			fail_msg("case %zu: action %d, reply \"%s\"", i, (int)decision.action, decision.reply);
		assert_int_equal(decision.insert_count, cases[i].spf ? 2 : 1);
		assert_string_equal(decision.insert[0].name, "Authentication-Results");
		assert_string_equal(decision.insert[0].value, "mx.example; dmarc=fail");
		assay_answer_free(answer);
	}
}

static void missing_is_said(void **state)
{
	struct assay_site site = { .size = sizeof site };
	struct assay_failure failure;
	struct assay_decision decision = { .size = sizeof decision };

	(void)state;
	assert_int_equal(assay_decide(NULL, &site, &decision, &failure), ASSAY_ERROR_ARGUMENT);
	assert_string_equal(failure.text, "assay_site.missing is not set");
	site.missing = ASSAY_MISSING_ACCEPT;
	assert_int_equal(assay_decide(NULL, &site, &decision, NULL), ASSAY_OK);
	assert_int_equal(decision.action, ASSAY_ACCEPT);
	assert_int_equal(decision.insert_count, 0);
	site.missing = ASSAY_MISSING_DEFER;
	assert_int_equal(assay_decide(NULL, &site, &decision, NULL), ASSAY_OK);
	assert_int_equal(decision.action, ASSAY_DEFER);
	assert_string_equal(decision.reply, "451 4.3.0 Mail cannot be authenticated now, try again later");
	decision.size = 8;
	assert_int_equal(assay_decide(NULL, &site, &decision, &failure), ASSAY_ERROR_ARGUMENT);
	assert_string_equal(failure.text, "assay_decision.size is not set");
	decision.size = sizeof decision;
	site.size = 0;
	assert_int_equal(assay_decide(NULL, &site, &decision, &failure), ASSAY_ERROR_ARGUMENT);
}

UNIT_MAIN(cmocka_unit_test(verdicts_decide), cmocka_unit_test(missing_is_said))
