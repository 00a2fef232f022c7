/*
 * Goal:   a policy record means what RFC 9989 sections 4.7, 4.8 and 4.10.1 say; other records are none.
 * Method: tables, negative ones first; every cut and every single changed octet is read without a fault.
 */
#include "proto/dmarc/record.h"
#include "unit.h"

static void test_not_a_record(void **state)
{
	static const char *const others[] = {
		"", "v", "v=", "v=DMARC", "v=DMARC10", "v=DMARC1x; p=reject", "v=dmarc1; p=reject", "v=DMARC1 p=reject",
		"v=DMARC1\\; p=reject", " v=DMARC1; p=reject", "p=reject; v=DMARC1", "v=spf1 -all", "vv=DMARC1",
		"v==DMARC1", "=DMARC1", ";v=DMARC1",
	};
	struct dmarc_record record;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(others); i++)
		if (dmarc_record_parse(slice_of_str(others[i]), &record) != DMARC_RECORD_OTHER)
			fail_msg("%s", others[i]);
	assert_int_equal(dmarc_record_parse(SLICE("v=DMARC1\0; p=reject"), &record), DMARC_RECORD_OTHER);
}

/* STANDARDS 1.1 item 5: a tag that decides something, twice. */
static void test_twice(void **state)
{
	static const char *const twice[] = { "p=none; p=none", "p=reject; P=none", "p=none; sp=none; sp=reject",
		                             "np=none; np=none", "psd=y; psd=n", "t=y; t=y", "p=x; p=reject" };
	struct dmarc_record record;
	char text[100];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(twice); i++) {
		sprintf(text, "v=DMARC1; %s", twice[i]);
		assert_int_equal(dmarc_record_parse(slice_of_str(text), &record), DMARC_RECORD_INVALID);
	}
	assert_int_equal(dmarc_record_parse(SLICE("v=DMARC1;p=none; adkim=s; adkim=r; rua=mailto:a@b; rua=x"), &record),
	                 0);
	assert_true(record.adkim_strict);
	assert_slice_equal(record.rua, SLICE("mailto:a@b"));
}

static void test_policies(void **state)
{
	enum { N = DMARC_POLICY_NONE, Q = DMARC_POLICY_QUARANTINE, R = DMARC_POLICY_REJECT };
	static const struct {
		const char *tags;
		bool applies;
		unsigned p, sp, np;
	} vectors[] = {
		/* 4.10.1: no valid p, or an invalid sp or np, and no report address. */
		{ "", false, N, N, N },
		{ "p=", false, N, N, N },
		{ "p=x", false, N, N, N },
		{ "p=reject x", false, N, N, N },
		{ "p=rej\xc3\xa9" "ct", false, N, N, N },
		{ "sp=reject; np=reject", false, N, N, N },
		{ "p=reject; sp=", false, N, N, N },
		{ "p=reject; sp=x", false, N, N, N },
		{ "p=reject; np=x", false, N, N, N },
		{ "p=reject; np=x; rua=nonsense", false, N, N, N },
		{ "psd=y", false, N, N, N }, /* D20 */
		/* ... and with one. */
		{ "rua=mailto:a@b.example", true, N, N, N },
		{ "p=reject; sp=x; rua=mailto:a@b.example", true, N, N, N },
		{ "p=x; sp=reject; rua=,mailto:a@b.example!1m", true, N, N, N },
		/* Falling back (4.7). */
		{ "p=reject", true, R, R, R },
		{ "p=reject; sp=quarantine", true, R, Q, Q },
		{ "p=reject; np=quarantine", true, R, R, Q },
		{ "p=none; np=reject; sp=quarantine", true, N, Q, R },
		/* 4.8: case, white space, order, errors in what does not decide. */
		{ "P = ReJect", true, R, R, R },
		{ "p\t=\tquarantine\t", true, Q, Q, Q },
		{ "adkim=x; aspf; =; t=z; p=quarantine; unknown=1; pct=0; rf:afrf;;", true, Q, Q, Q },
		{ "pct=0; p=reject", true, R, R, R },
	};
	struct dmarc_record record;
	char text[200];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		sprintf(text, "v=DMARC1;%s", vectors[i].tags);
		assert_int_equal(dmarc_record_parse(slice_of_str(text), &record), DMARC_RECORD_OK);
		if (record.applies != vectors[i].applies || record.p != vectors[i].p || record.sp != vectors[i].sp ||
		    record.np != vectors[i].np)
			fail_msg("%s: %d %d %d %d", text, record.applies, record.p, record.sp, record.np);
	}
}

static void test_flags(void **state)
{
	static const struct {
		const char *tags;
		bool adkim, aspf, testing;
		enum dmarc_psd psd;
		unsigned fo;
	} vectors[] = {
		{ "", false, false, false, DMARC_PSD_UNKNOWN, 1 },
		{ "adkim=strict; aspf=; t=yes; psd=yes; fo=00", false, false, false, DMARC_PSD_UNKNOWN, 1 },
		{ "adkim=r; aspf=r; t=n; psd=u; fo=0:1", false, false, false, DMARC_PSD_UNKNOWN, 1 },
		{ "fo=d:d", false, false, false, DMARC_PSD_UNKNOWN, 1 },
		{ "fo=:d", false, false, false, DMARC_PSD_UNKNOWN, 1 },
		{ "fo=0:d:s:", false, false, false, DMARC_PSD_UNKNOWN, 1 },
		{ "adkim=S", true, false, false, DMARC_PSD_UNKNOWN, 1 },
		{ "aspf = s; psd=N; fo=1", false, true, false, DMARC_PSD_NO, 2 },
		{ "t=Y; psd=y; fo=S:0:D", false, false, true, DMARC_PSD_YES, 13 },
	};
	struct dmarc_record record;
	char text[200];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		sprintf(text, "v=DMARC1; %s", vectors[i].tags);
		assert_int_equal(dmarc_record_parse(slice_of_str(text), &record), DMARC_RECORD_OK);
		if (record.adkim_strict != vectors[i].adkim || record.aspf_strict != vectors[i].aspf ||
		    record.testing != vectors[i].testing || record.psd != vectors[i].psd || record.fo != vectors[i].fo)
			fail_msg("%s", text);
	}
}

static void test_uris(void **state)
{
	static const struct {
		const char *list, *uris; /* joined with a space */
	} vectors[] = {
		{ "", "" },
		{ "nonsense", "" },
		{ ":", "" },
		{ "mailto:", "" },
		{ "mailto:a", "" },
		{ "mailto:@b", "" },
		{ "1x:y", "" },
		{ "mailto:a@b!", "" },
		{ "mailto:a@b!10p", "" },
		{ "mailto:a@b!m", "" },
		{ "mailto:a@b!1!1", "" },
		{ "mailto:a b@c", "" },
		{ "mailto:a@b;c", "mailto:a@b;c" },
		{ "MAILTO:A@B", "MAILTO:A@B" },
		{ "mailto:a@b!10m", "mailto:a@b" },
		{ "mailto:a@b!99999999999999999999999999T", "mailto:a@b" },
		{ "x, mailto:a@b\t,\t,https://c/d?e=%21", "mailto:a@b https://c/d?e=%21" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		struct slice rest = slice_of_str(vectors[i].list), uri;
		char text[200] = "";

		while (dmarc_uri_next(&rest, &uri))
			sprintf(text + strlen(text), "%s%.*s", *text ? " " : "", SLICE_FMT(uri));
		assert_string_equal(text, vectors[i].uris);
	}
}

static void test_every_cut_and_octet(void **state)
{
	static const char whole[] = "v=DMARC1; p=reject; sp=none; np=none; psd=n; t=y; adkim=s; aspf=s; fo=1:d; "
				    "rua=mailto:a@b!1m, x:y; ruf=mailto:c@d";
	struct dmarc_record record;
	uint8_t text[sizeof(whole)];

	(void)state;
	for (size_t len = 0; len < sizeof(whole); len++)
		assert_in_range(dmarc_record_parse(slice_of(whole, len), &record), 0, 2);
	for (size_t i = 0; i < sizeof(whole) - 1; i++) {
		for (unsigned octet = 0; octet < 256; octet++) {
			memcpy(text, whole, sizeof(whole));
			text[i] = (uint8_t)octet;
			assert_in_range(dmarc_record_parse(slice_of(text, sizeof(whole) - 1), &record), 0, 2);
		}
	}
}

/* RFC 7489 sections 6.3 and 6.4: other tags are known, and pct is 0 to 100 in up to three digits. */
static void test_rfc7489(void **state)
{
	static const struct {
		const char *record;
		int result;
		unsigned pct;
		enum dmarc_policy p, sp;
	} records[] = {
		{ "v=DMARC2; p=none", DMARC_RECORD_OTHER, 0, DMARC_POLICY_NONE, DMARC_POLICY_NONE },
		{ "v=DMARC1; p=none; p=none", DMARC_RECORD_INVALID, 0, DMARC_POLICY_NONE, DMARC_POLICY_NONE },
		{ "v=DMARC1; p=none; sp=none; sp=none", DMARC_RECORD_INVALID, 0, DMARC_POLICY_NONE, DMARC_POLICY_NONE },
		{ "v=DMARC1; p=reject; t=y; t=y; psd=y; psd=n; np=x; np=none", DMARC_RECORD_OK, 100, DMARC_POLICY_REJECT,
		  DMARC_POLICY_REJECT },
		{ "v=DMARC1; p=reject; sp=none; pct=0", DMARC_RECORD_OK, 0, DMARC_POLICY_REJECT, DMARC_POLICY_NONE },
		{ "v=DMARC1; pct = 7 ; p=none", DMARC_RECORD_OK, 7, DMARC_POLICY_NONE, DMARC_POLICY_NONE },
		{ "v=DMARC1; p=none; pct=7; pct=8", DMARC_RECORD_OK, 7, DMARC_POLICY_NONE, DMARC_POLICY_NONE },
		{ "v=DMARC1; p=none; pct=101", DMARC_RECORD_OK, 100, DMARC_POLICY_NONE, DMARC_POLICY_NONE },
		{ "v=DMARC1; p=none; pct=0050", DMARC_RECORD_OK, 100, DMARC_POLICY_NONE, DMARC_POLICY_NONE },
		{ "v=DMARC1; p=none; pct=", DMARC_RECORD_OK, 100, DMARC_POLICY_NONE, DMARC_POLICY_NONE },
	};
	struct dmarc_record record;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(records); i++) {
		int result = dmarc_record_parse_rfc7489(slice_of_str(records[i].record), &record);

		if (result != records[i].result)
			fail_msg("%s: %d", records[i].record, result);
		if (result != DMARC_RECORD_OK)
			continue;
		if (record.pct != records[i].pct || record.p != records[i].p || record.sp != records[i].sp)
			fail_msg("%s: %u, %d, %d", records[i].record, record.pct, (int)record.p, (int)record.sp);
		assert_true(!record.testing && !record.has_np && record.psd == DMARC_PSD_UNKNOWN && record.applies);
	}
	/* Of RFC 9989 pct is an unknown tag. */
	assert_int_equal(dmarc_record_parse(SLICE("v=DMARC1; p=none; pct=7"), &record), DMARC_RECORD_OK);
	assert_int_equal(record.pct, 100);
}

UNIT_MAIN(cmocka_unit_test(test_not_a_record), cmocka_unit_test(test_twice), cmocka_unit_test(test_policies),
          cmocka_unit_test(test_flags), cmocka_unit_test(test_uris), cmocka_unit_test(test_rfc7489),
          cmocka_unit_test(test_every_cut_and_octet))
