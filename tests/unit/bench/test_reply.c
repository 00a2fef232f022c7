/*
 * Goal:   the load generator reads from a Response what protobuf-c would, and no cut of it makes it read outside.
 * Method: responses are packed by protobuf-c and scanned whole, then at every length, each in memory of its own.
 */
#include "unit.h"

#include "assay.pb-c.h"
#include "load/reply.h"

#include <stdlib.h>

static uint8_t packed[1024];

static size_t pack_verdict(void)
{
	Assay__V1__Response response = ASSAY__V1__RESPONSE__INIT;
	Assay__V1__Verdict verdict = ASSAY__V1__VERDICT__INIT;
	Assay__V1__Spf spf;
	Assay__V1__Dkim dkim[2] = { ASSAY__V1__DKIM__INIT, ASSAY__V1__DKIM__INIT }, *list[2] = { &dkim[0], &dkim[1] };
	Assay__V1__Dmarc dmarc = ASSAY__V1__DMARC__INIT;
	char explanation[] = "why";

	assay__v1__spf__init(&spf);
	spf.result = ASSAY__V1__SPF__RESULT__SOFTFAIL;
	spf.explanation = explanation;
	dkim[0].result = ASSAY__V1__DKIM__RESULT__PASS;
	dkim[0].key_bits = 2048;
	dkim[1].result = ASSAY__V1__DKIM__RESULT__PERMERROR;
	dmarc.result = ASSAY__V1__DMARC__RESULT__FAIL;
	dmarc.disposition = ASSAY__V1__DMARC__POLICY__POLICY_REJECT;
	verdict.spf = &spf;
	verdict.dkim = list;
	verdict.n_dkim = 2;
	verdict.dmarc = &dmarc;
	response.result_case = ASSAY__V1__RESPONSE__RESULT_VERDICT;
	response.verdict = &verdict;
	return assay__v1__response__pack(&response, packed);
}

static void verdict_is_read(void **state)
{
	struct reply reply;

	(void)state;
	assert_true(reply_scan(packed, pack_verdict(), &reply));
	assert_int_equal(reply.kind, REPLY_VERDICT);
	assert_int_equal(reply.spf, ASSAY__V1__SPF__RESULT__SOFTFAIL);
	assert_int_equal(reply.dkim_count, 2);
	assert_int_equal(reply.dkim[0], ASSAY__V1__DKIM__RESULT__PASS);
	assert_int_equal(reply.dkim[1], ASSAY__V1__DKIM__RESULT__PERMERROR);
	assert_int_equal(reply.dmarc, ASSAY__V1__DMARC__RESULT__FAIL);
	assert_int_equal(reply.disposition, ASSAY__V1__DMARC__POLICY__POLICY_REJECT);
}

static void error_is_read(void **state)
{
	Assay__V1__Response response = ASSAY__V1__RESPONSE__INIT;
	Assay__V1__Error error;
	struct reply reply;

	(void)state;
	assay__v1__error__init(&error);
	error.code = ASSAY__V1__ERROR__CODE__OVERLOADED;
	response.result_case = ASSAY__V1__RESPONSE__RESULT_ERROR;
	response.error = &error;
	assert_true(reply_scan(packed, assay__v1__response__pack(&response, packed), &reply));
	assert_int_equal(reply.kind, REPLY_ERROR);
	assert_int_equal(reply.error, ASSAY__V1__ERROR__CODE__OVERLOADED);
}

static void every_cut(void **state)
{
	size_t len = pack_verdict();
	struct reply reply;

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *copy = malloc(cut ? cut : 1);

		assert_non_null(copy);
		memcpy(copy, packed, cut);
		/* Only at 0 is it a whole message, an empty one. */
		assert_int_equal(reply_scan(copy, cut, &reply), cut == 0);
		free(copy);
	}
}

UNIT_MAIN(cmocka_unit_test(verdict_is_read), cmocka_unit_test(error_is_read), cmocka_unit_test(every_cut))
