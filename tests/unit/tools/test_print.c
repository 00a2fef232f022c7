/*
 * Goal:   the JSON has the keys of INTERFACE in their order and survives any octet; the text for people never
 *         carries a control octet of the sender to the terminal.
 * Method: one verdict with hostile octets is printed both ways and compared.
 */
#include "unit.h"

#include <stdlib.h>

#include "tools/assay/print.h"

#define TEXT(literal)                                                                                                  \
	{                                                                                                              \
		(literal), sizeof(literal) - 1                                                                         \
	}

static const struct assay_spf spf = {
	.result = ASSAY_FAIL,
	.scope = ASSAY_SPF_HELO,
	.domain = TEXT("a\0\xff\x1b[31m\xc3\xa9"),
	.explanation = "go \"away\"",
	.mechanism = TEXT(""),
	.mechanism_domain = TEXT(""),
	.reason = { "why", "", "spf-code" },
	.has_network_prefix = 1,
};
static const struct assay_dmarc_shadow shadow = {
	.result = ASSAY_FAIL,
	.organizational_domain = TEXT("bank.example"),
	.policy_domain = TEXT("bank.example"),
	.has_policy = 1,
	.policy = ASSAY_POLICY_REJECT,
	.pct = 20,
	.disposition = ASSAY_POLICY_REJECT,
	.disposition_unsampled = ASSAY_POLICY_QUARANTINE,
	.differs = 1,
};
static const struct assay_dkim seal = {
	.result = ASSAY_PASS,
	.domain = TEXT("l\033.example"),
	.selector = TEXT("k"),
	.identity = TEXT(""),
	.algorithm = TEXT("rsa-sha256"),
	.signature_start = TEXT(""),
	.key_bits = 2048,
	.reason = { "good", "", "dkim-pass" },
};
static const struct assay_dkim not_looked_at = {
	.domain = TEXT("l.example"),
	.selector = TEXT("k"),
	.identity = TEXT(""),
	.algorithm = TEXT("rsa-sha256"),
	.signature_start = TEXT(""),
	.reason = { "", "", "" },
};
static const struct assay_arc_property property = { TEXT("header.from"), TEXT("b\033") };
static const struct assay_arc_property *const properties[] = { &property };
static const struct assay_arc_method method = { TEXT("dmarc"), TEXT("pa\033ss"), properties, 1 };
static const struct assay_arc_method *const methods[] = { &method };
static const struct assay_arc_set set = {
	.instance = 1,
	.cv = TEXT("none"),
	.seal = &seal,
	.message_signature = &not_looked_at,
	.authserv_id = TEXT("mx.l.example"),
	.methods = methods,
	.method_count = 1,
	.believable = 1,
};
static const struct assay_arc_set *const sets[] = { &set };
static const struct assay_arc arc = {
	.result = ASSAY_PASS,
	.instance = 1,
	.evaluated = 1,
	.reason = { "whole", "", "arc-pass" },
	.sets = sets,
	.set_count = 1,
	.has_oldest_pass = 1,
};
static const struct assay_dmarc_override override = { "local_policy", "arc=pass as[1].d=l.example", ASSAY_POLICY_REJECT, 1 };
static const struct assay_dmarc dmarc = {
	.result = ASSAY_FAIL,
	.from_domain = TEXT("bank.example"),
	.policy_domain = TEXT(""),
	.organizational_domain = TEXT(""),
	.disposition = ASSAY_POLICY_REJECT,
	.record = TEXT(""),
	.reason = { "neither aligned", "sign it", "dmarc-fail" },
	.shadow = &shadow,
};
static const struct assay_deletion deletions[] = { { "Authentication-Results", 12 }, { "Authentication-Results", 3 } };
static const struct assay_deletion *const delete_fields[] = { &deletions[0], &deletions[1] };
static const char *const duplicate_fields[] = { "From", "Sub\033ject" };
static const struct assay_verdict verdict = {
	.authentication_results = TEXT("mx.example;\r\n\tspf=fail;\r\n\t dmarc=fail"),
	.spf = &spf,
	.dmarc = &dmarc,
	.flags = ASSAY_FLAG_BARE_CR,
	.delete_fields = delete_fields,
	.delete_count = COUNT_OF(delete_fields),
	.duplicate_fields = duplicate_fields,
	.duplicate_count = COUNT_OF(duplicate_fields),
	.received_spf = TEXT("fail\r\n\treceiver=mx.example;"),
	.dkim_ignored = 7,
	.dkim_ignored_reason = { "seven more", "", "dkim-ignored" },
};

static char *printed(void (*print)(FILE *out))
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	print(out);
	fclose(out);
	return text;
}

static char *printed_verdict(const struct assay_verdict *of)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	print_verdict(out, of, NULL);
	fclose(out);
	return text;
}

static char *json_of(const struct assay_verdict *of)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	print_json_verdict(out, of, "file.eml");
	fclose(out);
	return text;
}

static void as_json(FILE *out)
{
	print_json_verdict(out, &verdict, "file.eml");
}

static void as_words(FILE *out)
{
	print_verdict(out, &verdict, "file.eml");
}

static void json_is_the_interface(void **state)
{
	static const char expected[] =
		"{\"authentication_results\": \"mx.example; spf=fail; dmarc=fail\", "
		"\"spf\": {\"result\": \"fail\", \"domain\": \"a\\u0000\xEF\xBF\xBD\\u001B[31m\xc3\xa9\", \"scope\": "
		"\"helo\", "
		"\"explanation\": \"go \\\"away\\\"\", \"reason\": \"why\", \"fix\": \"\", \"code\": \"spf-code\", "
		"\"mechanism\": null, \"mechanism_domain\": null, \"network_prefix\": 0}, "
		"\"dkim\": [], \"arc\": null, "
		"\"dmarc\": {\"result\": \"fail\", \"from_domain\": \"bank.example\", \"policy_domain\": null, "
		"\"organizational_domain\": null, \"policy\": null, \"disposition\": \"reject\", \"spf_aligned\": "
		"false, "
		"\"dkim_aligned\": false, \"testing\": false, \"reason\": \"neither aligned\", \"fix\": \"sign it\", "
		"\"code\": \"dmarc-fail\", \"record\": null, \"shadow\": {\"result\": \"fail\", "
		"\"organizational_domain\": \"bank.example\", \"policy_domain\": \"bank.example\", \"policy\": \"reject\", "
		"\"pct\": 20, \"disposition\": \"reject\", \"disposition_unsampled\": \"quarantine\", "
		"\"differs\": true}, \"override\": null, \"from_domain_unicode\": null}, "
		"\"spf_helo\": null, \"dkim_ignored\": 7, \"dkim_ignored_reason\": {\"reason\": \"seven more\", "
		"\"fix\": \"\", \"code\": \"dkim-ignored\"}, "
		"\"flags\": {\"bare_cr\": true, \"bare_lf\": false, \"nul_in_header\": false, \"malformed_header\": false, "
		"\"malformed_from\": false, \"header_over_bounds\": false, "
		"\"duplicate_fields\": [\"From\", \"Sub\\u001Bject\"]}, "
		"\"delete_fields\": [{\"name\": \"Authentication-Results\", \"index\": 12}, "
		"{\"name\": \"Authentication-Results\", \"index\": 3}], "
		"\"received_spf\": \"fail receiver=mx.example;\", \"file\": \"file.eml\"}\n";
	char *text = printed(as_json);

	(void)state;
	assert_string_equal(text, expected);
	free(text);
}

static void words_are_printable(void **state)
{
	char *text = printed(as_words);

	(void)state;
	assert_non_null(strstr(text, "REJECT"));
	assert_non_null(strstr(text, "a\\x00\\xFF\\x1B[31m\\xC3\\xA9"));
	assert_non_null(strstr(text, "sign it"));
	assert_non_null(strstr(text, "seven more\n"));
	assert_non_null(strstr(text, "RFC 7489 differs: fail, reject for 20 %, else quarantine\n"));
	assert_non_null(strstr(text, "there is more than one field From, Sub\\x1Bject: "));
	assert_non_null(strstr(text, "remove Authentication-Results 12, 3\n"));
	for (const char *c = text; *c; c++)
		assert_true(*c == '\n' || (*c >= ' ' && *c <= '~'));
	free(text);
}

/* STANDARDS S9: the U-label stands beside the A-label; what could harm a terminal does not. */
static void ulabels_are_told(void **state)
{
	static const struct {
		struct assay_unicode unicode;
		const char *told, *json;
		bool warned;
	} cases[] = {
		{ { "b\xc3\xbc" "cher.example", 0 }, "reads b\xc3\xbc" "cher.example\n",
		  "{\"name\": \"b\xc3\xbc" "cher.example\", \"mixes_scripts\": false}", false },
		{ { "p\xd0\xb0y.example", 1 }, "reads p\xd0\xb0y.example\n",
		  "{\"name\": \"p\xd0\xb0y.example\", \"mixes_scripts\": true}", true },
		{ { "", 0 }, "they cannot be shown safely\n", "{\"name\": null, \"mixes_scripts\": false}", false },
		{ { "a\033\xc2\x9b\xe2\x80\xff\xc3", 0 }, "reads a\\x1B\\xC2\\x9B\\xE2\\x80\\xFF\\xC3\n", "\\u001B", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct assay_dmarc of = dmarc;
		struct assay_verdict with = verdict;
		char *words, *json;

		of.from_domain_unicode = &cases[i].unicode;
		with.dmarc = &of;
		words = printed_verdict(&with);
		json = json_of(&with);
		assert_non_null(strstr(words, cases[i].told));
		assert_int_equal(strstr(words, "several scripts") != NULL, cases[i].warned);
		assert_non_null(strstr(json, cases[i].json));
		free(words);
		free(json);
	}
}

/* STANDARDS S5: a pass by a network of many is told; a narrow one, or a fail, is not. */
static void wide_pass_is_told(void **state)
{
	static const struct {
		struct assay_spf spf;
		bool told;
	} cases[] = {
		{ { .result = ASSAY_FAIL, .has_network_prefix = 1, .network_prefix = 15 }, false },
		{ { .result = ASSAY_PASS, .has_network_prefix = 0, .network_prefix = 0 }, false },
		{ { .result = ASSAY_PASS, .has_network_prefix = 1, .network_prefix = 16 }, false },
		{ { .result = ASSAY_PASS, .has_network_prefix = 1, .network_prefix = 15 }, true },
		{ { .result = ASSAY_PASS, .has_network_prefix = 1, .network_prefix = 0 }, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct assay_spf of = cases[i].spf;
		struct assay_verdict with = verdict;
		char *text;

		of.domain = (struct assay_text)TEXT("a.example");
		of.reason = spf.reason;
		with.spf = &of;
		text = printed_verdict(&with);
		assert_int_equal(strstr(text, "strangers") != NULL, cases[i].told);
		free(text);
	}
}

/* The first line says what is asked for, also where no policy but the site's own is behind it. */
static void headlines(void **state)
{
	static const struct {
		enum assay_result result;
		enum assay_policy disposition;
		const char *start;
	} cases[] = {
		{ ASSAY_FAIL, ASSAY_POLICY_NONE, "SUSPECT: nothing shows" },
		{ ASSAY_FAIL, ASSAY_POLICY_QUARANTINE, "QUARANTINE: nothing shows" },
		{ ASSAY_PERMERROR, ASSAY_POLICY_REJECT, "REJECT: bank.example cannot be checked" },
		{ ASSAY_PERMERROR, ASSAY_POLICY_NONE, "NOT CHECKABLE: bank.example cannot be checked" },
		{ ASSAY_TEMPERROR, ASSAY_POLICY_NONE, "TRY AGAIN: " },
		{ ASSAY_PASS, ASSAY_POLICY_NONE, "GENUINE: " },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct assay_dmarc of = dmarc;
		struct assay_verdict with = verdict;
		char *text;

		of.result = cases[i].result;
		of.disposition = cases[i].disposition;
		with.dmarc = &of;
		text = printed_verdict(&with);
		if (strncmp(text, cases[i].start, strlen(cases[i].start)) != 0)
			fail_msg("%s: %.60s", cases[i].start, text);
		free(text);
	}
}

/* One line, and only when it differs; a pass has no disposition. */
static void shadow_is_one_line(void **state)
{
	struct assay_dmarc_shadow same = shadow, passes = shadow;
	struct assay_dmarc of = dmarc;
	struct assay_verdict with = verdict;
	char *text;

	(void)state;
	same.differs = 0;
	passes.result = ASSAY_PASS;
	with.dmarc = &of;
	of.shadow = &same;
	text = printed_verdict(&with);
	assert_null(strstr(text, "7489"));
	free(text);
	of.shadow = &passes;
	text = printed_verdict(&with);
	assert_non_null(strstr(text, "RFC 7489 differs: pass\n"));
	free(text);
	of.shadow = NULL;
	with.delete_count = 0;
	with.duplicate_count = 0;
	text = printed_verdict(&with);
	assert_null(strstr(text, "7489"));
	assert_null(strstr(text, "remove"));
	assert_null(strstr(text, "more than one"));
	free(text);
}

static void arc_as_json(FILE *out)
{
	struct assay_dmarc of = dmarc;
	struct assay_verdict with = verdict;

	of.override = &override;
	with.dmarc = &of;
	with.arc = &arc;
	print_json_verdict(out, &with, "file.eml");
}

static void arc_is_shown_hop_by_hop(void **state)
{
	char *text = printed(arc_as_json);

	(void)state;
	assert_non_null(strstr(text,
		"\"arc\": {\"result\": \"pass\", \"instance\": 1, \"reason\": \"whole\", \"fix\": \"\", \"code\": \"arc-pass\", "
		"\"evaluated\": true, \"oldest_pass\": 0, \"sets\": [{\"instance\": 1, \"cv\": \"none\", "
		"\"seal\": {\"result\": \"pass\", \"domain\": \"l\\u001B.example\", \"selector\": \"k\", "
		"\"algorithm\": \"rsa-sha256\", \"key_bits\": 2048, \"testing\": false, \"reason\": \"good\", \"fix\": \"\", "
		"\"code\": \"dkim-pass\"}, \"message_signature\": {\"result\": null, \"domain\": \"l.example\", "
		"\"selector\": \"k\", \"algorithm\": \"rsa-sha256\", \"key_bits\": 0, \"testing\": false, \"reason\": \"\", "
		"\"fix\": \"\", \"code\": \"\"}, \"authserv_id\": \"mx.l.example\", \"methods\": [{\"method\": \"dmarc\", "
		"\"result\": \"pa\\u001Bss\", \"properties\": [{\"name\": \"header.from\", \"value\": \"b\\u001B\"}]}], "
		"\"believable\": true}]}, "));
	assert_non_null(strstr(text, "\"override\": {\"type\": \"local_policy\", \"comment\": \"arc=pass as[1].d=l.example\", "
				     "\"disposition\": \"reject\", \"arc_instance\": 1}, "));
	free(text);
}

static void override_is_said_in_words(void **state)
{
	struct assay_dmarc of = dmarc;
	struct assay_verdict with = verdict;
	char *text;

	(void)state;
	of.override = &override;
	of.disposition = ASSAY_POLICY_NONE;
	with.dmarc = &of;
	with.arc = &arc;
	text = printed_verdict(&with);
	assert_non_null(strstr(text, "VOUCHED FOR: nothing shows that this is from bank.example but the word of a trusted sealer"));
	assert_non_null(strstr(text, "1: l\\x1B.example (trusted) found dmarc=pa\\x1Bss\n"));
	assert_non_null(strstr(text, "arc=pass as[1].d=l.example"));
	for (const char *c = text; *c; c++)
		assert_true(*c == '\n' || (*c >= ' ' && *c <= '~'));
	free(text);
}

static const char *const patterns[] = { "*.d.example" }, *const tlsa[] = { "3 1 1 ab" }, *const rua[] = { "mailto:a@b" };
static const struct assay_text reference_names[] = { TEXT("mx.d.example"), TEXT("d\033") };
static const struct assay_tls_policy tls_policy = {
	.domain = TEXT("d\033.example"),
	.mta_sts = ASSAY_TLS_POLICY,
	.mta_sts_id = "1",
	.mta_sts_mode = "enforce",
	.mta_sts_mx = patterns,
	.mta_sts_mx_count = 1,
	.mta_sts_max_age = 86400,
	.mta_sts_reason = { "kept", "", "mta-sts-policy" },
	.dane = ASSAY_TLS_SECURE,
	.dane_tlsa = tlsa,
	.dane_tlsa_count = 1,
	.dane_reason = { "records", "", "dane-records" },
	.dane_delivery = ASSAY_DANE_AUTHENTICATE,
	.dane_mx_host = TEXT("mx.d.example"),
	.dane_tlsa_base = TEXT("mx.d.example"),
	.dane_reference_names = reference_names,
	.dane_reference_name_count = 2,
	.has_mx_match = 1,
	.mx_match = 1,
	.tlsrpt = ASSAY_TLS_RECORD,
	.tlsrpt_rua = rua,
	.tlsrpt_rua_count = 1,
	.tlsrpt_reason = { "there", "", "tlsrpt-record" },
	.postfix = "dane-only",
	.postfix_tlsrpt = "dane-only x",
	.purged = 1,
};

static void tls_policy_as_json(FILE *out)
{
	print_json_tls_policy(out, &tls_policy);
}

static void tls_policy_in_words(FILE *out)
{
	print_tls_policy(out, &tls_policy);
}

static void tls_policy_is_the_interface(void **state)
{
	char *text = printed(tls_policy_as_json);

	(void)state;
	assert_string_equal(text,
		"{\"domain\": \"d\\u001B.example\", \"mta_sts\": {\"result\": \"policy\", \"id\": \"1\", \"mode\": \"enforce\", "
		"\"mx\": [\"*.d.example\"], \"max_age\": 86400, \"reason\": \"kept\", \"fix\": \"\", \"code\": \"mta-sts-policy\"}, "
		"\"dane\": {\"result\": \"secure\", \"tlsa\": [\"3 1 1 ab\"], \"delivery\": \"dane\", \"mx_host\": \"mx.d.example\", "
		"\"tlsa_base\": \"mx.d.example\", \"reference_names\": [\"mx.d.example\", \"d\\u001B\"], \"reason\": \"records\", "
		"\"fix\": \"\", \"code\": \"dane-records\"}, \"mx_match\": true, \"tlsrpt\": {\"result\": \"record\", "
		"\"rua\": [\"mailto:a@b\"], \"reason\": \"there\", \"fix\": \"\", \"code\": \"tlsrpt-record\"}, "
		"\"postfix\": \"dane-only\", \"postfix_tlsrpt\": \"dane-only x\", \"purged\": true}\n");
	free(text);
	text = printed(tls_policy_in_words);
	assert_non_null(strstr(text, "what was kept is forgotten"));
	assert_non_null(strstr(text, "of mx.d.example: dane"));
	assert_non_null(strstr(text, "mailto:a@b"));
	assert_non_null(strstr(text, "dane-only x"));
	for (const char *c = text; *c; c++)
		assert_true(*c == '\n' || (*c >= ' ' && *c <= '~'));
	free(text);
}

UNIT_MAIN(cmocka_unit_test(tls_policy_is_the_interface), cmocka_unit_test(arc_is_shown_hop_by_hop), cmocka_unit_test(override_is_said_in_words),
	  cmocka_unit_test(json_is_the_interface), cmocka_unit_test(words_are_printable),
	  cmocka_unit_test(ulabels_are_told),
		cmocka_unit_test(wide_pass_is_told), cmocka_unit_test(headlines), cmocka_unit_test(shadow_is_one_line))
