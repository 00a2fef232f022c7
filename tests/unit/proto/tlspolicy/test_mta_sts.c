/*
 * Goal:   records, documents and patterns of MTA-STS mean what RFC 8461 sections 3.1, 3.2 and 4.1 say.
 * Method: tables, negative ones first; then every cut and every changed octet of a good document is read without a fault.
 */
#include "proto/tlspolicy/mta_sts.h"
#include "unit.h"

#include <stdlib.h>

static struct arena arena;

static void test_records_that_are_none(void **state)
{
	static const struct {
		const char *text;
		enum mta_sts_record_result result;
	} vectors[] = {
		{ "", MTA_STS_RECORD_OTHER },
		{ "v=STSv1", MTA_STS_RECORD_OTHER },
		{ "v=STSv10; id=a", MTA_STS_RECORD_OTHER },
		{ "V=STSv1; id=a", MTA_STS_RECORD_OTHER },
		{ "v=stsv1; id=a", MTA_STS_RECORD_OTHER },
		{ " v=STSv1; id=a", MTA_STS_RECORD_OTHER },
		{ "id=a; v=STSv1;", MTA_STS_RECORD_OTHER },
		{ "v=STSv1;", MTA_STS_RECORD_INVALID },
		{ "v=STSv1; ", MTA_STS_RECORD_INVALID },
		{ "v=STSv1; id", MTA_STS_RECORD_INVALID },
		{ "v=STSv1; id=", MTA_STS_RECORD_INVALID },
		{ "v=STSv1; ID=a", MTA_STS_RECORD_INVALID },
		{ "v=STSv1; id =a", MTA_STS_RECORD_INVALID },
		{ "v=STSv1; id= a", MTA_STS_RECORD_INVALID },
		{ "v=STSv1; id=a ", MTA_STS_RECORD_INVALID },
		{ "v=STSv1; id=a;;", MTA_STS_RECORD_INVALID },
		{ "v=STSv1; ; id=a", MTA_STS_RECORD_INVALID },
		{ "v=STSv1; id=a-b", MTA_STS_RECORD_INVALID },
		{ "v=STSv1; id=123456789012345678901234567890123", MTA_STS_RECORD_INVALID },
		{ "v=STSv1; id=a; x=", MTA_STS_RECORD_INVALID },
		{ "v=STSv1; id=a; x==", MTA_STS_RECORD_INVALID },
		{ "v=STSv1; id=a; x=y z", MTA_STS_RECORD_INVALID },
		{ "v=STSv1; id=a; _x=y", MTA_STS_RECORD_INVALID },
		{ "v=STSv1; id=a; id=-", MTA_STS_RECORD_INVALID },
	};
	struct slice id;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++)
		if (mta_sts_record_parse(slice_of_str(vectors[i].text), &id) != vectors[i].result)
			fail_msg("%s", vectors[i].text);
}

static void test_records(void **state)
{
	static const struct {
		const char *text, *id;
	} vectors[] = {
		{ "v=STSv1; id=20160831085700Z;", "20160831085700Z" },
		{ "v=STSv1;id=a", "a" },
		{ "v=STSv1 \t; \tid=A9 \t;", "A9" },
		{ "v=STSv1; id=12345678901234567890123456789012; ", "12345678901234567890123456789012" },
		{ "v=STSv1; x.y_z-1=!%&; id=b", "b" },
		{ "v=STSv1; id=first; id=second", "first" },
	};
	struct slice id;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		assert_int_equal(mta_sts_record_parse(slice_of_str(vectors[i].text), &id), MTA_STS_RECORD_OK);
		assert_slice_equal(id, slice_of_str(vectors[i].id));
	}
}

static int parse(struct slice text, struct mta_sts_policy *policy)
{
	const char *problem = NULL;
	int result;

	arena_reset(&arena);
	result = mta_sts_policy_parse(text, &arena, policy, &problem);
	assert_true(result == 0 || problem);
	return result;
}

#define GOOD "version: STSv1\nmode: enforce\nmx: a.example\nmax_age: 86400\n"

static void test_documents_that_are_no_policy(void **state)
{
	static const char *const documents[] = {
		"", "\n", "version: STSv1\n", "version: STSv2\nmode: none\nmax_age: 1", "mode: none\nmax_age: 1",
		"version: STSv1\nmax_age: 1", "version: STSv1\nmode: none", "version: STSv1\nmode: None\nmax_age: 1",
		"version: STSv1\nmode: enforce\nmax_age: 1", "version: STSv1\nmode: testing\nmax_age: 1",
		"version: STSv1\nmode: none\nmax_age:", "version: STSv1\nmode: none\nmax_age: -1",
		"version: STSv1\nmode: none\nmax_age: 1.0", "version: STSv1\nmode: none\nmax_age: 01234567890",
		"version: STSv1\rmode: none\rmax_age: 1", GOOD "\n", "\n" GOOD, GOOD "mx\n", GOOD "mx:\n", GOOD "mx: .a\n",
		GOOD "mx: a..b\n", GOOD "mx: a.b.\n", GOOD "mx: -a.b\n", GOOD "mx: a-.b\n", GOOD "mx: *.\n", GOOD "mx: *\n",
		GOOD "mx: *.*.a\n", GOOD "mx: a.*.b\n", GOOD "mx: *a.b\n", GOOD "mx: a_b.c\n", GOOD "mx: 192.0.2.1\n",
		GOOD "mx: m\xc3\xb8x.a\n", GOOD "x:\n", GOOD "_x: y\n", GOOD "x: a\tb\n", GOOD "x: a\x7f" "b\n", GOOD "x: \xff\n",
		GOOD "x: \xc3\n", GOOD "x: \xed\xa0\x80\n", GOOD "x: \xc0\x80\n", GOOD "x: \xf4\x90\x80\x80\n",
		GOOD "x y: z\n", "<html></html>", "\xef\xbb\xbf" GOOD,
	};
	static uint8_t large[MTA_STS_DOCUMENT_OCTETS_MAX + 1];
	struct mta_sts_policy policy;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(documents); i++)
		if (parse(slice_of_str(documents[i]), &policy) != MTA_STS_POLICY_INVALID)
			fail_msg("%s", documents[i]);
	assert_int_equal(parse(SLICE(GOOD "x: a\0b\n"), &policy), MTA_STS_POLICY_INVALID);
	memset(large, 'a', sizeof(large));
	memcpy(large, GOOD "x: ", sizeof(GOOD "x: ") - 1);
	assert_int_equal(parse(slice_of(large, sizeof(large) - 1), &policy), 0);
	assert_int_equal(parse(slice_of(large, sizeof(large)), &policy), MTA_STS_POLICY_INVALID);
}

static void test_documents(void **state)
{
	static const struct {
		const char *text;
		enum mta_sts_mode mode;
		uint64_t max_age_s;
		size_t mx_count;
		const char *mx;
	} vectors[] = {
		{ GOOD, MTA_STS_ENFORCE, 86400, 1, "a.example" },
		{ "version:STSv1\r\nmode:\ttesting \r\nmx: *.b.example\t\r\nmx:c\r\nmax_age:0", MTA_STS_TESTING, 0, 2, "*.b.example" },
		{ "max_age: 31557600\nmode: none\nversion: STSv1", MTA_STS_NONE, 31557600, 0, NULL },
		{ "version: STSv1\nmode: none\nmx: A.Example\nmax_age: 1", MTA_STS_NONE, 1, 1, "A.Example" },
		/* Larger than section 3.2 allows: cut. */
		{ "version: STSv1\nmode: none\nmax_age: 31557601", MTA_STS_NONE, 31557600, 0, NULL },
		{ "version: STSv1\nmode: none\nmax_age: 9999999999", MTA_STS_NONE, 31557600, 0, NULL },
		/* The first counts, whatever follows. */
		{ GOOD "mode: none\nmax_age: x\nversion: STSv2\n", MTA_STS_ENFORCE, 86400, 1, "a.example" },
		{ GOOD "x-1.y_z: caf\xc3\xa9 {\xe2\x82\xac} \xf0\x9f\x93\xa7\n", MTA_STS_ENFORCE, 86400, 1, "a.example" },
	};
	struct mta_sts_policy policy;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		if (parse(slice_of_str(vectors[i].text), &policy) != 0)
			fail_msg("%s", vectors[i].text);
		assert_int_equal(policy.mode, vectors[i].mode);
		assert_int_equal(policy.max_age_s, vectors[i].max_age_s);
		assert_int_equal(policy.mx_count, vectors[i].mx_count);
		if (vectors[i].mx)
			assert_slice_equal(policy.mx[0], slice_of_str(vectors[i].mx));
	}
}

static void test_more_patterns_than_are_read(void **state)
{
	static char text[16 * 1024];
	struct mta_sts_policy policy;
	size_t len = (size_t)sprintf(text, "version: STSv1\nmode: enforce\nmax_age: 1\n");

	(void)state;
	for (size_t i = 0; i < MTA_STS_PATTERNS_MAX; i++)
		len += (size_t)sprintf(text + len, "mx: a.b\n");
	assert_int_equal(parse(slice_of(text, len), &policy), 0);
	assert_int_equal(policy.mx_count, MTA_STS_PATTERNS_MAX);
	len += (size_t)sprintf(text + len, "mx: a.b\n");
	assert_int_equal(parse(slice_of(text, len), &policy), MTA_STS_POLICY_INVALID);
}

/* What stands behind the end of the octets is not looked at; ASan would tell. */
static void test_every_cut_and_every_changed_octet(void **state)
{
	struct slice whole = SLICE("version: STSv1\r\nmode: enforce\r\nmx: *.a.example\r\nmax_age: 1\r\nx: caf\xc3\xa9\r\n");
	struct mta_sts_policy policy;

	(void)state;
	for (size_t len = 0; len <= whole.len; len++) {
		uint8_t *copy = malloc(len ? len : 1);

		memcpy(copy, whole.ptr, len);
		(void)!parse(slice_of(copy, len), &policy);
		for (unsigned value = 0; len && value < 256; value += 17) {
			copy[len - 1] = (uint8_t)value;
			(void)!parse(slice_of(copy, len), &policy);
		}
		free(copy);
	}
	assert_int_equal(parse(whole, &policy), 0);
}

static void test_memory(void **state)
{
	struct mta_sts_policy policy;
	struct arena small;
	const char *problem;

	(void)state;
	arena_init(&small, 8);
	assert_int_equal(mta_sts_policy_parse(SLICE(GOOD), &small, &policy, &problem), -ENOMEM);
	arena_deinit(&small);
}

static void test_match(void **state)
{
	static const struct slice mx[] = { SLICE_INIT("a.example"), SLICE_INIT("*.b.example") };
	const struct mta_sts_policy policy = { .mx = mx, .mx_count = 2 };
	static const struct {
		const char *host;
		bool matches;
	} vectors[] = {
		{ "b.example", false }, { "x.y.b.example", false }, { "xb.example", false }, { "other", false }, { "", false },
		{ ".b.example", false }, { "x.a.example", false }, { "example", false },
		{ "a.example", true }, { "A.EXAMPLE", true }, { "x.b.example", true }, { "X.B.Example", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++)
		if (mta_sts_mx_matches(&policy, slice_of_str(vectors[i].host)) != vectors[i].matches)
			fail_msg("%s", vectors[i].host);
}

static void test_media_type(void **state)
{
	(void)state;
	assert_true(mta_sts_media_type_is_plain(SLICE("text/plain")));
	assert_true(mta_sts_media_type_is_plain(SLICE("Text/PLAIN ; charset=utf-8")));
	assert_false(mta_sts_media_type_is_plain(SLICE_EMPTY));
	assert_false(mta_sts_media_type_is_plain(SLICE("text/plain+x")));
	assert_false(mta_sts_media_type_is_plain(SLICE("text/html; x=text/plain")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records_that_are_none),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_documents_that_are_no_policy),
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_more_patterns_than_are_read),
		cmocka_unit_test(test_every_cut_and_every_changed_octet),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_media_type),
	};
	int failed;

	arena_init(&arena, (size_t)1 << 20);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_deinit(&arena);
	return failed;
}
