/*
 * Goal:   a reply becomes an answer, an error of the daemon, or a protocol error; never a fault.
 * Method: replies are packed with the generated code, then cut at every octet, changed at every octet, and read
 *         with a wrong id or as the reply to another call.
 */
#include "unit.h"

#include <stdlib.h>

#include "client/answer.h"

#define BYTES(literal) ((ProtobufCBinaryData){ sizeof(literal) - 1, (uint8_t *)(uintptr_t)(literal) })

static char *wire_string(const char *text)
{
	return (char *)(uintptr_t)text;
}

static uint8_t *pack(const Assay__V1__Response *response, size_t *count_out)
{
	uint8_t *octets = malloc(assay__v1__response__get_packed_size(response) + 1);

	assert_non_null(octets);
	*count_out = assay__v1__response__pack(response, octets);
	return octets;
}

static uint8_t *pack_verdict(size_t *count_out)
{
	Assay__V1__Response response = ASSAY__V1__RESPONSE__INIT;
	Assay__V1__Verdict verdict = ASSAY__V1__VERDICT__INIT;
	Assay__V1__Reason reason;
	Assay__V1__Spf spf;
	Assay__V1__Dkim dkim = ASSAY__V1__DKIM__INIT, *dkim_list[] = { &dkim, &dkim };
	Assay__V1__Dmarc dmarc = ASSAY__V1__DMARC__INIT;
	Assay__V1__Flags flags = ASSAY__V1__FLAGS__INIT;
	Assay__V1__Dmarc__Shadow shadow = ASSAY__V1__DMARC__SHADOW__INIT;
	Assay__V1__Dmarc__Override override;
	Assay__V1__Dmarc__Unicode unicode;
	Assay__V1__Arc arc = ASSAY__V1__ARC__INIT;
	Assay__V1__Arc__Set set, *sets[] = { &set, &set };
	Assay__V1__Arc__Method method, *methods[] = { &method };
	Assay__V1__Arc__Property property, *properties[] = { &property };
	Assay__V1__Deletion deletion, *deletions[] = { &deletion, &deletion };
	char *duplicates[] = { wire_string("From"), wire_string("Subject") };

	assay__v1__reason__init(&reason);
	assay__v1__spf__init(&spf);
	reason.text = wire_string("why");
	spf.result = ASSAY__V1__SPF__RESULT__FAIL;
	spf.domain = BYTES("a\0b.example");
	spf.explanation = wire_string("go away");
	spf.reason = &reason;
	spf.has_network_prefix = 1;
	spf.network_prefix = 24;
	dkim.result = (Assay__V1__Dkim__Result)99; /* of a later version */
	dkim.key_bits = 2048;
	dkim.signed_at = INT64_C(1) << 40;
	dkim.seen_times = 5;
	dkim.seen_clients = 2;
	dmarc.result = ASSAY__V1__DMARC__RESULT__PASS;
	dmarc.policy = ASSAY__V1__DMARC__POLICY__POLICY_REJECT;
	dmarc.has_policy = 1;
	shadow.result = ASSAY__V1__DMARC__RESULT__FAIL;
	shadow.pct = 50;
	shadow.has_policy = 1;
	shadow.policy = ASSAY__V1__DMARC__POLICY__POLICY_REJECT;
	shadow.disposition = ASSAY__V1__DMARC__POLICY__POLICY_REJECT;
	shadow.disposition_unsampled = ASSAY__V1__DMARC__POLICY__POLICY_QUARANTINE;
	shadow.organizational_domain = BYTES("b.example");
	shadow.differs = 1;
	dmarc.shadow = &shadow;
	assay__v1__dmarc__override__init(&override);
	override.type = wire_string("local_policy");
	override.disposition = ASSAY__V1__DMARC__POLICY__POLICY_REJECT;
	override.arc_instance = 2;
	dmarc.override = &override;
	assay__v1__dmarc__unicode__init(&unicode);
	unicode.name = wire_string("b\xc3\xbc" "cher.example");
	unicode.mixes_scripts = 1;
	dmarc.from_domain_unicode = &unicode;
	assay__v1__arc__property__init(&property);
	property.name = BYTES("header.from");
	property.value = BYTES("b.example");
	assay__v1__arc__method__init(&method);
	method.method = BYTES("dmarc");
	method.result = BYTES("pass");
	method.properties = properties;
	method.n_properties = 1;
	assay__v1__arc__set__init(&set);
	set.instance = 2;
	set.cv = BYTES("pass");
	set.seal = &dkim;
	set.methods = methods;
	set.n_methods = 1;
	set.believable = 1;
	arc.result = ASSAY__V1__ARC__RESULT__PASS;
	arc.sets = sets;
	arc.n_sets = 2;
	arc.has_oldest_pass = 1;
	arc.oldest_pass = 2;
	verdict.arc = &arc;
	assay__v1__deletion__init(&deletion);
	deletion.name = wire_string("Authentication-Results");
	deletion.index = 3;
	verdict.delete_fields = deletions;
	verdict.n_delete_fields = 2;
	flags.duplicate_fields = duplicates;
	flags.n_duplicate_fields = 2;
	flags.bare_lf = 1;
	verdict.authentication_results = BYTES("mx.example; none");
	verdict.spf = &spf;
	verdict.dkim = dkim_list;
	verdict.n_dkim = 2;
	verdict.dmarc = &dmarc;
	verdict.flags = &flags;
	verdict.dkim_ignored = 3;
	verdict.received_spf = BYTES("pass");
	verdict.dkim_ignored_reason = &reason;
	response.id = BYTES("queue-id");
	response.result_case = ASSAY__V1__RESPONSE__RESULT_VERDICT;
	response.verdict = &verdict;
	return pack(&response, count_out);
}

static void verdict_is_read(void **state)
{
	struct assay_failure failure;
	struct assay_answer *answer;
	const struct assay_verdict *verdict;
	size_t count;
	uint8_t *octets = pack_verdict(&count);

	(void)state;
	assert_int_equal(
		answer_read(&heap_default, octets, count, BYTES("queue-id"), ASSAY__V1__RESPONSE__RESULT_VERDICT, &answer, &failure),
		ASSAY_OK);
	free(octets); /* the answer stands alone */
	verdict = assay_answer_verdict(answer);
	assert_null(assay_answer_status(answer));
	assert_string_equal(verdict->authentication_results.octets, "mx.example; none");
	assert_int_equal(verdict->spf->result, ASSAY_FAIL);
	assert_int_equal(verdict->spf->domain.count, 11);
	assert_memory_equal(verdict->spf->domain.octets, "a\0b.example", 12);
	assert_string_equal(verdict->spf->explanation, "go away");
	assert_string_equal(verdict->spf->reason.text, "why");
	assert_string_equal(verdict->spf->reason.fix, "");
	assert_true(verdict->spf->has_network_prefix && verdict->spf->network_prefix == 24);
	assert_null(verdict->spf_helo);
	assert_int_equal(verdict->dkim_count, 2);
	assert_int_equal(verdict->dkim[1]->result, ASSAY_UNKNOWN);
	assert_int_equal(verdict->dkim[1]->key_bits, 2048);
	assert_true(verdict->dkim[1]->signed_at == INT64_C(1) << 40);
	assert_int_equal(verdict->dkim[1]->seen_times, 5);
	assert_int_equal(verdict->dkim[1]->seen_clients, 2);
	assert_string_equal(verdict->dkim[1]->domain.octets, "");
	assert_int_equal(verdict->dkim_ignored, 3);
	assert_string_equal(verdict->received_spf.octets, "pass");
	assert_string_equal(verdict->dkim_ignored_reason.text, "why");
	assert_int_equal(verdict->arc->result, ASSAY_PASS);
	assert_true(verdict->arc->has_oldest_pass && verdict->arc->oldest_pass == 2 && verdict->arc->set_count == 2);
	assert_int_equal(verdict->arc->sets[1]->instance, 2);
	assert_string_equal(verdict->arc->sets[1]->cv.octets, "pass");
	assert_int_equal(verdict->arc->sets[1]->seal->key_bits, 2048);
	assert_int_equal(verdict->arc->sets[1]->message_signature->result, ASSAY_UNKNOWN); /* absent on the wire */
	assert_string_equal(verdict->arc->sets[1]->message_signature->domain.octets, "");
	assert_string_equal(verdict->arc->sets[1]->methods[0]->method.octets, "dmarc");
	assert_string_equal(verdict->arc->sets[1]->methods[0]->properties[0]->value.octets, "b.example");
	assert_int_equal(verdict->arc->sets[1]->believable, 1);
	assert_string_equal(verdict->dmarc->override->type, "local_policy");
	assert_string_equal(verdict->dmarc->override->comment, "");
	assert_int_equal(verdict->dmarc->override->disposition, ASSAY_POLICY_REJECT);
	assert_int_equal(verdict->dmarc->override->arc_instance, 2);
	assert_string_equal(verdict->dmarc->from_domain_unicode->name, "b\xc3\xbc" "cher.example");
	assert_true(verdict->dmarc->from_domain_unicode->mixes_scripts);
	assert_int_equal(verdict->dmarc->policy, ASSAY_POLICY_REJECT);
	assert_int_equal(verdict->flags, ASSAY_FLAG_BARE_LF);
	assert_int_equal(verdict->dmarc->shadow->result, ASSAY_FAIL);
	assert_int_equal(verdict->dmarc->shadow->pct, 50);
	assert_int_equal(verdict->dmarc->shadow->policy, ASSAY_POLICY_REJECT);
	assert_int_equal(verdict->dmarc->shadow->disposition, ASSAY_POLICY_REJECT);
	assert_int_equal(verdict->dmarc->shadow->disposition_unsampled, ASSAY_POLICY_QUARANTINE);
	assert_string_equal(verdict->dmarc->shadow->organizational_domain.octets, "b.example");
	assert_true(verdict->dmarc->shadow->differs && verdict->dmarc->shadow->has_policy);
	assert_int_equal(verdict->delete_count, 2);
	assert_string_equal(verdict->delete_fields[1]->name, "Authentication-Results");
	assert_int_equal(verdict->delete_fields[1]->index, 3);
	assert_int_equal(verdict->duplicate_count, 2);
	assert_string_equal(verdict->duplicate_fields[1], "Subject");
	assay_answer_free(answer);
}

static void every_cut_and_every_change_is_survived(void **state)
{
	struct assay_failure failure;
	struct assay_answer *answer;
	size_t count;
	uint8_t *octets = pack_verdict(&count);

	(void)state;
	for (size_t cut = 0; cut < count; cut++) {
		uint8_t *copy = malloc(cut + 1); /* so that a sanitizer sees an over-read */

		assert_non_null(copy);
		memcpy(copy, octets, cut);
		if (answer_read(&heap_default, copy, cut, BYTES("queue-id"), ASSAY__V1__RESPONSE__RESULT_VERDICT, &answer, &failure) ==
		    ASSAY_OK)
			assay_answer_free(answer);
		else
			assert_null(answer);
		free(copy);
	}
	for (size_t at = 0; at < count; at++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			octets[at] ^= (uint8_t)(1u << bit);
			answer = NULL;
			(void)answer_read(&heap_default, octets, count, BYTES("queue-id"), ASSAY__V1__RESPONSE__RESULT_VERDICT,
					  &answer, &failure);
			assay_answer_free(answer);
			octets[at] ^= (uint8_t)(1u << bit);
		}
	}
	free(octets);
}

static void another_request_or_call_is_a_protocol_error(void **state)
{
	struct assay_failure failure;
	struct assay_answer *answer;
	size_t count;
	uint8_t *octets = pack_verdict(&count);

	(void)state;
	assert_int_equal(
		answer_read(&heap_default, octets, count, BYTES("queue-ix"), ASSAY__V1__RESPONSE__RESULT_VERDICT, &answer, &failure),
		ASSAY_ERROR_PROTOCOL);
	assert_null(answer);
	assert_int_equal(
		answer_read(&heap_default, octets, count, BYTES("queue-id"), ASSAY__V1__RESPONSE__RESULT_STATUS, &answer, &failure),
		ASSAY_ERROR_PROTOCOL);
	assert_int_equal(answer_read(&heap_default, octets, 0, BYTES(""), ASSAY__V1__RESPONSE__RESULT_VERDICT, &answer, NULL),
			 ASSAY_ERROR_PROTOCOL);
	free(octets);
}

static void seal_is_read(void **state)
{
	Assay__V1__Response response = ASSAY__V1__RESPONSE__INIT;
	Assay__V1__SealResult seal;
	Assay__V1__SealResult__Field field, *fields[] = { &field, &field, &field };
	struct assay_answer *answer;
	const struct assay_seal *read;
	size_t count;
	uint8_t *octets;

	(void)state;
	assay__v1__seal_result__init(&seal);
	assay__v1__seal_result__field__init(&field);
	field.name = wire_string("ARC-Seal");
	field.value = BYTES("i=2; b=\r\n a");
	seal.sealed = 1;
	seal.fields = fields;
	seal.n_fields = 3;
	seal.instance = 2;
	seal.cv = ASSAY__V1__ARC__RESULT__FAIL;
	response.result_case = ASSAY__V1__RESPONSE__RESULT_SEAL;
	response.seal = &seal;
	octets = pack(&response, &count);
	assert_int_equal(answer_read(&heap_default, octets, count, BYTES(""), ASSAY__V1__RESPONSE__RESULT_SEAL, &answer, NULL), ASSAY_OK);
	free(octets);
	read = assay_answer_seal(answer);
	assert_null(assay_answer_verdict(answer));
	assert_true(read->sealed && read->instance == 2 && read->cv == ASSAY_FAIL && read->field_count == 3);
	assert_string_equal(read->fields[2]->name, "ARC-Seal");
	assert_string_equal(read->fields[2]->value.octets, "i=2; b=\r\n a");
	assert_string_equal(read->reason.text, "");
	assay_answer_free(answer);
}

static uint8_t *pack_tls_policy(size_t *count_out)
{
	Assay__V1__Response response = ASSAY__V1__RESPONSE__INIT;
	Assay__V1__TlsPolicyResult policy;
	Assay__V1__TlsPolicyResult__Dane dane;
	ProtobufCBinaryData names[] = { BYTES("mx.d"), BYTES("d") };
	char *tlsa[] = { wire_string("3 1 1 ab") };

	assay__v1__tls_policy_result__init(&policy);
	assay__v1__tls_policy_result__dane__init(&dane);
	dane.result = ASSAY__V1__TLS_POLICY_RESULT__DANE__RESULT__SECURE;
	dane.delivery = ASSAY__V1__TLS_POLICY_RESULT__DANE__DELIVERY__DANE;
	dane.tlsa = tlsa;
	dane.n_tlsa = 1;
	dane.mx_host = BYTES("mx.d");
	dane.reference_names = names;
	dane.n_reference_names = 2;
	policy.domain = BYTES("d");
	policy.dane = &dane;
	policy.postfix = wire_string("dane-only");
	policy.purged = 1;
	response.result_case = ASSAY__V1__RESPONSE__RESULT_TLS_POLICY;
	response.tls_policy = &policy;
	return pack(&response, count_out);
}

static void tls_policy_is_read(void **state)
{
	const struct assay_tls_policy *read;
	struct assay_answer *answer;
	size_t count;
	uint8_t *octets = pack_tls_policy(&count);

	(void)state;
	assert_int_equal(answer_read(&heap_default, octets, count, BYTES(""), ASSAY__V1__RESPONSE__RESULT_TLS_POLICY, &answer, NULL), ASSAY_OK);
	read = assay_answer_tls_policy(answer);
	assert_true(read->dane == ASSAY_TLS_SECURE && read->dane_delivery == ASSAY_DANE_AUTHENTICATE && read->purged);
	assert_int_equal(read->dane_reference_name_count, 2);
	assert_string_equal(read->dane_reference_names[0].octets, "mx.d");
	assert_string_equal(read->dane_mx_host.octets, "mx.d");
	assert_string_equal(read->dane_tlsa[0], "3 1 1 ab");
	/* What an older daemon does not send. */
	assert_string_equal(read->postfix_tlsrpt, "");
	assert_true(read->mta_sts == ASSAY_TLS_UNKNOWN && read->tlsrpt == ASSAY_TLS_UNKNOWN);
	assert_string_equal(read->tlsrpt_reason.text, "");
	assay_answer_free(answer);
	for (size_t i = 0; i < count; i++)
		if (answer_read(&heap_default, octets, i, BYTES(""), ASSAY__V1__RESPONSE__RESULT_TLS_POLICY, &answer, NULL) == ASSAY_OK)
			assay_answer_free(answer);
	free(octets);
}

static void errors_keep_code_and_text(void **state)
{
	static const struct {
		Assay__V1__Error__Code code;
		enum assay_error error;
	} cases[] = {
		{ ASSAY__V1__ERROR__CODE__INVALID, ASSAY_ERROR_INVALID },
		{ ASSAY__V1__ERROR__CODE__TOO_LARGE, ASSAY_ERROR_TOO_LARGE },
		{ ASSAY__V1__ERROR__CODE__OVERLOADED, ASSAY_ERROR_OVERLOADED },
		{ ASSAY__V1__ERROR__CODE__DEADLINE, ASSAY_ERROR_DEADLINE },
		{ ASSAY__V1__ERROR__CODE__UNSUPPORTED, ASSAY_ERROR_UNSUPPORTED },
		{ ASSAY__V1__ERROR__CODE__INTERNAL, ASSAY_ERROR_INTERNAL },
		{ ASSAY__V1__ERROR__CODE__CODE_UNSPECIFIED, ASSAY_ERROR_INTERNAL },
		{ (Assay__V1__Error__Code)77, ASSAY_ERROR_INTERNAL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		Assay__V1__Response response = ASSAY__V1__RESPONSE__INIT;
		Assay__V1__Error error;
		struct assay_failure failure;
		struct assay_answer *answer;
		size_t count;
		uint8_t *octets;

		assay__v1__error__init(&error);
		error.code = cases[i].code;
		error.text = wire_string("first line\nsecond");
		response.result_case = ASSAY__V1__RESPONSE__RESULT_ERROR;
		response.error = &error;
		octets = pack(&response, &count);
		assert_int_equal(
			answer_read(&heap_default, octets, count, BYTES(""), ASSAY__V1__RESPONSE__RESULT_STATUS, &answer, &failure),
			cases[i].error);
		assert_int_equal(failure.error, cases[i].error);
		assert_string_equal(failure.text, "first line?second");
		free(octets);
	}
}

static void an_error_without_text_has_the_general_one(void **state)
{
	Assay__V1__Response response = ASSAY__V1__RESPONSE__INIT;
	Assay__V1__Error error;
	struct assay_failure failure;
	struct assay_answer *answer;
	size_t count;
	uint8_t *octets;

	(void)state;
	assay__v1__error__init(&error);
	error.code = ASSAY__V1__ERROR__CODE__OVERLOADED;
	response.result_case = ASSAY__V1__RESPONSE__RESULT_ERROR;
	response.error = &error;
	octets = pack(&response, &count);
	(void)answer_read(&heap_default, octets, count, BYTES(""), ASSAY__V1__RESPONSE__RESULT_STATUS, &answer, &failure);
	assert_string_equal(failure.text, assay_error_text(ASSAY_ERROR_OVERLOADED));
	free(octets);
}

static void words_are_known_or_unknown(void **state)
{
	(void)state;
	assert_string_equal(assay_result_word(ASSAY_TEMPERROR), "temperror");
	assert_string_equal(assay_result_word(ASSAY_UNKNOWN), "unknown");
	assert_string_equal(assay_result_word((enum assay_result)1000), "unknown");
	assert_string_equal(assay_policy_word(ASSAY_POLICY_QUARANTINE), "quarantine");
	assert_string_equal(assay_policy_word((enum assay_policy) - 1), "unknown");
	assert_string_equal(assay_tls_result_word(ASSAY_TLS_BOGUS), "bogus");
	assert_string_equal(assay_dane_delivery_word(ASSAY_DANE_NO_DELIVERY), "none");
	assert_string_equal(assay_dane_delivery_word((enum assay_dane_delivery)100), "unknown");
	assert_string_equal(assay_error_text((enum assay_error)7), "unknown");
}

/* Parts of two octets each, hundreds in memory: what they take is bounded, before it is taken. */
static void memory_is_bounded(void **state)
{
	static const struct {
		uint32_t parts;
		enum assay_error error;
	} cases[] = { { 1000, ASSAY_OK }, { 1000000, ASSAY_ERROR_PROTOCOL } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		uint32_t octets = 2 * cases[i].parts;
		uint8_t *reply = calloc(1, octets + 6), *at = reply;
		struct assay_answer *answer;

		assert_non_null(reply);
		*at++ = 10 << 3 | 2; /* Response.verdict, its length */
		for (uint32_t left = octets; left || at == reply + 1; left >>= 7)
			*at++ = (uint8_t)((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
		for (uint32_t part = 0; part < cases[i].parts; part++) {
			*at++ = 4 << 3 | 2; /* Verdict.dkim, empty */
			*at++ = 0;
		}
		assert_int_equal(answer_read(&heap_default, reply, (size_t)(at - reply), (ProtobufCBinaryData){ 0, NULL },
					     ASSAY__V1__RESPONSE__RESULT_VERDICT, &answer, NULL),
				 cases[i].error);
		if (answer)
			assert_int_equal(assay_answer_verdict(answer)->dkim_count, cases[i].parts);
		assay_answer_free(answer);
		free(reply);
	}
}

UNIT_MAIN(cmocka_unit_test(memory_is_bounded), cmocka_unit_test(verdict_is_read), cmocka_unit_test(seal_is_read), cmocka_unit_test(tls_policy_is_read),
	  cmocka_unit_test(every_cut_and_every_change_is_survived),
	  cmocka_unit_test(another_request_or_call_is_a_protocol_error), cmocka_unit_test(errors_keep_code_and_text),
	  cmocka_unit_test(an_error_without_text_has_the_general_one), cmocka_unit_test(words_are_known_or_unknown))
