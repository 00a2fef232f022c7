/*
 * Goal:   a reply that differs from what was expected is told as what it is: a temporary error excuses no other difference,
 *         and OVERLOADED is no verdict.
 * Method: one expected verdict, and replies that differ from it in one thing each, as a whole message and as a sender's.
 */
#include "unit.h"

#include "assay.pb-c.h"
#include "load/requests.h"

#define SPF(result) ASSAY__V1__SPF__RESULT__##result
#define DKIM(result) ASSAY__V1__DKIM__RESULT__##result
#define DMARC(result) ASSAY__V1__DMARC__RESULT__##result
#define POLICY(policy) ASSAY__V1__DMARC__POLICY__POLICY_##policy

static const struct entry expected = {
	.spf = SPF(SOFTFAIL),
	.dmarc = DMARC(FAIL),
	.disposition = POLICY(REJECT),
	.signatures_count = 2,
	.signatures = { { .result = DKIM(FAIL) }, { .result = DKIM(PASS) } },
};
static const struct request request = { .entry = &expected };

#define VERDICT(spf_is, first, second, dmarc_is, disposition_is)                                                       \
	{ .kind = REPLY_VERDICT, .spf = SPF(spf_is), .dkim_count = 2, .dkim = { DKIM(first), DKIM(second) },                \
	  .dmarc = DMARC(dmarc_is), .disposition = POLICY(disposition_is) }

static const struct {
	const char *name;
	enum request_kind kind;
	struct reply reply;
	enum answer answer;
} cases[] = {
	{ "pass for softfail", REQUEST_CHECK, VERDICT(PASS, FAIL, PASS, FAIL, REJECT), ANSWER_WRONG },
	{ "a signature's pass for fail", REQUEST_CHECK, VERDICT(SOFTFAIL, PASS, PASS, FAIL, REJECT), ANSWER_WRONG },
	{ "DMARC pass for fail", REQUEST_CHECK, VERDICT(SOFTFAIL, FAIL, PASS, PASS, REJECT), ANSWER_WRONG },
	{ "another disposition", REQUEST_CHECK, VERDICT(SOFTFAIL, FAIL, PASS, FAIL, NONE), ANSWER_WRONG },
	{ "temperror beside a wrong pass", REQUEST_CHECK, VERDICT(TEMPERROR, PASS, PASS, FAIL, REJECT), ANSWER_WRONG },
	{ "a wrong pass behind temperror", REQUEST_CHECK, VERDICT(TEMPERROR, FAIL, TEMPERROR, PASS, NONE), ANSWER_WRONG },
	{ "a signature is missing", REQUEST_CHECK,
	  { .kind = REPLY_VERDICT, .spf = SPF(SOFTFAIL), .dkim_count = 1, .dkim = { DKIM(FAIL) }, .dmarc = DMARC(FAIL),
	    .disposition = POLICY(REJECT) }, ANSWER_WRONG },
	{ "a sender's verdict for a message's", REQUEST_CHECK, { .kind = REPLY_SENDER_VERDICT, .spf = SPF(SOFTFAIL) },
	  ANSWER_WRONG },
	{ "an error", REQUEST_CHECK, { .kind = REPLY_ERROR, .error = ASSAY__V1__ERROR__CODE__DEADLINE }, ANSWER_WRONG },
	{ "a verdict where INVALID is due", REQUEST_REFUSED, VERDICT(SOFTFAIL, FAIL, PASS, FAIL, REJECT), ANSWER_WRONG },
	{ "OVERLOADED", REQUEST_CHECK, { .kind = REPLY_ERROR, .error = ASSAY__V1__ERROR__CODE__OVERLOADED },
	  ANSWER_REFUSED },
	{ "OVERLOADED where INVALID is due", REQUEST_REFUSED,
	  { .kind = REPLY_ERROR, .error = ASSAY__V1__ERROR__CODE__OVERLOADED }, ANSWER_REFUSED },
	{ "SPF temperror", REQUEST_CHECK, VERDICT(TEMPERROR, FAIL, PASS, FAIL, REJECT), ANSWER_DEFERRED },
	{ "a signature temperror", REQUEST_CHECK, VERDICT(SOFTFAIL, FAIL, TEMPERROR, FAIL, REJECT), ANSWER_DEFERRED },
	{ "DMARC temperror, no disposition", REQUEST_CHECK, VERDICT(SOFTFAIL, FAIL, PASS, TEMPERROR, NONE),
	  ANSWER_DEFERRED },
	{ "a sender's temperror", REQUEST_SENDER, { .kind = REPLY_SENDER_VERDICT, .spf = SPF(TEMPERROR) },
	  ANSWER_DEFERRED },
	{ "as expected", REQUEST_CHECK, VERDICT(SOFTFAIL, FAIL, PASS, FAIL, REJECT), ANSWER_RIGHT },
	{ "a sender's, as expected", REQUEST_SENDER, { .kind = REPLY_SENDER_VERDICT, .spf = SPF(SOFTFAIL) },
	  ANSWER_RIGHT },
	{ "INVALID where it is due", REQUEST_REFUSED,
	  { .kind = REPLY_ERROR, .error = ASSAY__V1__ERROR__CODE__INVALID }, ANSWER_RIGHT },
};

static void each(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct requests requests = { .kind = cases[i].kind };
		char why[96] = "";
		enum answer answer = requests_judge(&requests, &request, &cases[i].reply, why, sizeof(why));

		if (answer != cases[i].answer)
			fail_msg("%s: %d, expected %d", cases[i].name, (int)answer, (int)cases[i].answer);
		if ((answer == ANSWER_RIGHT) != !*why)
			fail_msg("%s: \"%s\"", cases[i].name, why);
	}
}

UNIT_MAIN(cmocka_unit_test(each))
