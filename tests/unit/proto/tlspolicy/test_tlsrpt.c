/*
 * Goal:   a TLSRPT record is read by RFC 8460 section 3, and nothing else is taken for one.
 * Method: tables, negative ones first.
 */
#include "proto/tlspolicy/tlsrpt.h"
#include "unit.h"

static void test_none(void **state)
{
	static const struct {
		const char *text;
		enum tlsrpt_record_result result;
	} vectors[] = {
		{ "", TLSRPT_RECORD_OTHER },
		{ "v=TLSRPTv1", TLSRPT_RECORD_OTHER },
		{ "v=TLSRPTv10; rua=mailto:a@b", TLSRPT_RECORD_OTHER },
		{ "v=tlsrptv1; rua=mailto:a@b", TLSRPT_RECORD_OTHER },
		{ "v=TLSRPTv1;", TLSRPT_RECORD_INVALID },
		{ "v=TLSRPTv1; rua=", TLSRPT_RECORD_INVALID },
		{ "v=TLSRPTv1; x=y", TLSRPT_RECORD_INVALID },
		{ "v=TLSRPTv1; rua=mailto:", TLSRPT_RECORD_INVALID },
		{ "v=TLSRPTv1; rua=mailto:a", TLSRPT_RECORD_INVALID },
		{ "v=TLSRPTv1; rua=mailto:@b", TLSRPT_RECORD_INVALID },
		{ "v=TLSRPTv1; rua=mailto:a@", TLSRPT_RECORD_INVALID },
		{ "v=TLSRPTv1; rua=http://a.b/", TLSRPT_RECORD_INVALID },
		{ "v=TLSRPTv1; rua=https:a.b", TLSRPT_RECORD_INVALID },
		{ "v=TLSRPTv1; rua=https://a/", TLSRPT_RECORD_INVALID },
		{ "v=TLSRPTv1; rua=https://a.b/%4", TLSRPT_RECORD_INVALID },
		{ "v=TLSRPTv1; rua=mailto:a@b!1m", TLSRPT_RECORD_INVALID },
		{ "v=TLSRPTv1; rua=mailto:a@b,", TLSRPT_RECORD_INVALID },
		{ "v=TLSRPTv1; rua=,mailto:a@b", TLSRPT_RECORD_INVALID },
		{ "v=TLSRPTv1; rua=mailto:a@b c", TLSRPT_RECORD_INVALID },
		{ "v=TLSRPTv1; rua=mailto:a@b; x==", TLSRPT_RECORD_INVALID },
		{ "v=TLSRPTv1; rua=mailto:a@b;;", TLSRPT_RECORD_INVALID },
	};
	struct tlsrpt_record record;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++)
		if (tlsrpt_record_parse(slice_of_str(vectors[i].text), &record) != vectors[i].result)
			fail_msg("%s", vectors[i].text);
	assert_int_equal(tlsrpt_record_parse(SLICE("v=TLSRPTv1; rua=mailto:a@b\0"), &record), TLSRPT_RECORD_INVALID);
}

static void test_addresses(void **state)
{
	static const struct {
		const char *text;
		size_t count;
		const char *first, *last;
	} vectors[] = {
		{ "v=TLSRPTv1;rua=mailto:a@b.c", 1, "mailto:a@b.c", "mailto:a@b.c" },
		{ "v=TLSRPTv1 ; rua=MAILTO:a%2Cb@c.d , \thttps://e.f/g?h=i; x=y;", 2, "MAILTO:a%2Cb@c.d", "https://e.f/g?h=i" },
		{ "v=TLSRPTv1; rua=mailto:a@b; rua=mailto:c@d", 2, "mailto:a@b", "mailto:c@d" },
	};
	struct tlsrpt_record record;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		assert_int_equal(tlsrpt_record_parse(slice_of_str(vectors[i].text), &record), TLSRPT_RECORD_OK);
		assert_int_equal(record.rua_count, vectors[i].count);
		assert_slice_equal(record.rua[0], slice_of_str(vectors[i].first));
		assert_slice_equal(record.rua[record.rua_count - 1], slice_of_str(vectors[i].last));
	}
}

static void test_bound(void **state)
{
	char text[1024] = "v=TLSRPTv1; rua=mailto:a@b";
	struct tlsrpt_record record;

	(void)state;
	for (size_t i = 1; i < TLSRPT_URIS_MAX; i++)
		strcat(text, ",mailto:a@b");
	assert_int_equal(tlsrpt_record_parse(slice_of_str(text), &record), TLSRPT_RECORD_OK);
	assert_int_equal(record.rua_count, TLSRPT_URIS_MAX);
	strcat(text, ",mailto:a@b");
	assert_int_equal(tlsrpt_record_parse(slice_of_str(text), &record), TLSRPT_RECORD_INVALID);
}

UNIT_MAIN(cmocka_unit_test(test_none), cmocka_unit_test(test_addresses), cmocka_unit_test(test_bound))
