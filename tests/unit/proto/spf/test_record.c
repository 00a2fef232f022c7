/*
 * Goal:   a record is taken for what the grammar of RFC 7208 section 12 makes of it, and any fault anywhere in it is
 *         found before evaluation (section 4.6).
 * Method: tables of faulty terms, with the fault and the section; then terms that must be well-formed, with what was
 *         read; then the bounds, at them and one above, and every allocation failing.
 */
#include "proto/spf/limits.h"
#include "proto/spf/macro.h"
#include "proto/spf/record.h"
#include "unit.h"

#include <stdlib.h>

static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, (size_t)1 << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_deinit(&arena);
	return 0;
}

static struct spf_record parse(const char *text)
{
	struct spf_record record;

	assert_true(spf_record_is_spf(slice_of_str(text)));
	assert_int_equal(spf_record_parse(slice_of_str(text), &arena, &record), 0);
	return record;
}

/* Section 4.5: the version section ends in SP or with the record, and nothing else. */
static void test_4_5_selection(void **state)
{
	static const char *const others[] = {
		"",           "v=spf",         "v=spf10",   "v=spf10 -all", "v=spf1\t-all", " v=spf1 -all",
		"v=spf1-all", "v=spf1.0 -all", "spf1 -all", "v=spf2 -all",  "v = spf1 -all"
	};
	static const char *const records[] = { "v=spf1", "v=spf1 ", "V=SpF1 -all", "v=spf1  -all" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(others); i++)
		assert_false(spf_record_is_spf(slice_of_str(others[i])));
	for (size_t i = 0; i < COUNT_OF(records); i++)
		assert_true(spf_record_is_spf(slice_of_str(records[i])));
	assert_false(spf_record_is_spf(slice_of("v=spf1\0-all", 11)));
}

static const struct {
	const char *section, *term;
	enum reason_id error;
} faults[] = {
	{ "4.6.1 tab", "a\tmx", REASON_SPF_OCTETS },
	{ "4.6.1 line end", "ip4:192.0.2.1\n", REASON_SPF_OCTETS },
	{ "3.1 octet beyond ASCII", "a:\xc3\xa4.example", REASON_SPF_OCTETS },
	{ "4.6.1 DEL", "x=\x7f", REASON_SPF_OCTETS },
	{ "4.6.1 unknown mechanism", "moo", REASON_SPF_MECHANISM },
	{ "4.6.1 bare qualifier", "-", REASON_SPF_MECHANISM },
	{ "4.6.1 two qualifiers", "--all", REASON_SPF_MECHANISM },
	{ "4.6.1 mechanism in the place of a modifier", "redirect:example.com", REASON_SPF_MECHANISM },
	{ "4.6.1 qualified modifier", "-exp=a.example", REASON_SPF_MECHANISM },
	{ "4.6.1 bare ip", "ip:192.0.2.1", REASON_SPF_MECHANISM },
	{ "4.6.1 comma", "a,mx", REASON_SPF_MECHANISM },
	{ "4.6.1 modifier without a name", "=all", REASON_SPF_MECHANISM },
	{ "4.6.1 name begins with a digit", "1up=foo", REASON_SPF_MECHANISM },
	{ "4.6.1 slash in a name", "moo/far=x", REASON_SPF_MECHANISM },
	{ "5.1 dot", "all.", REASON_SPF_MECHANISM },
	{ "5.1 argument", "all:example.com", REASON_SPF_ARGUMENTS },
	{ "5.1 prefix", "all/8", REASON_SPF_ARGUMENTS },
	{ "5.2 no domain", "include", REASON_SPF_ARGUMENTS },
	{ "5.2 empty domain", "include:", REASON_SPF_DOMAIN_SPEC },
	{ "5.2 prefix", "include:example.com/24", REASON_SPF_DOMAIN_SPEC },
	{ "5.3 empty domain", "a:", REASON_SPF_DOMAIN_SPEC },
	{ "5.3 address", "a:192.0.2.1", REASON_SPF_ADDRESS_AS_NAME },
	{ "5.3 address with prefix", "a:192.0.2.1/24", REASON_SPF_ADDRESS_AS_NAME },
	{ "5.3 IPv6 address", "mx:2001:db8::1", REASON_SPF_ADDRESS_AS_NAME },
	{ "5.3 one label", "a:museum", REASON_SPF_DOMAIN_SPEC },
	{ "5.3 one label and a dot", "a:museum.", REASON_SPF_DOMAIN_SPEC },
	{ "7.1 top label of digits", "a:example.123", REASON_SPF_DOMAIN_SPEC },
	{ "7.1 top label begins with a hyphen", "a:example.-com", REASON_SPF_DOMAIN_SPEC },
	{ "7.1 top label ends in a hyphen", "a:example.com-", REASON_SPF_DOMAIN_SPEC },
	{ "7.1 top label with a colon", "a:example.com:8080", REASON_SPF_DOMAIN_SPEC },
	{ "7.1 literal behind a macro", "a:%{d}com", REASON_SPF_DOMAIN_SPEC },
	{ "7.1 dot behind a macro", "a:%{d}.", REASON_SPF_DOMAIN_SPEC },
	{ "5.6 IPv4 prefix above 32", "a/33", REASON_SPF_PREFIX },
	{ "5.6 IPv6 prefix above 128", "a//129", REASON_SPF_PREFIX },
	{ "5.6 leading zero", "a/08", REASON_SPF_PREFIX },
	{ "5.6 leading zero, IPv6", "mx//064", REASON_SPF_PREFIX },
	{ "5.6 two zeros", "a/00", REASON_SPF_PREFIX },
	{ "5.6 very long prefix", "a/4294967328", REASON_SPF_PREFIX },
	{ "5.6 single slash before the IPv6 prefix", "a/24/64", REASON_SPF_PREFIX },
	{ "5.6 IPv6 prefix first", "a//64/24", REASON_SPF_ARGUMENTS },
	{ "5.6 no digits", "a/", REASON_SPF_ARGUMENTS },
	{ "5.6 three slashes", "a///64", REASON_SPF_ARGUMENTS },
	{ "5.6 no digits behind a name", "a:example.com/", REASON_SPF_DOMAIN_SPEC },
	{ "5.5 prefix", "ptr/24", REASON_SPF_ARGUMENTS },
	{ "5.5 empty domain", "ptr:", REASON_SPF_DOMAIN_SPEC },
	{ "5.6 no network", "ip4", REASON_SPF_ARGUMENTS },
	{ "5.6 empty network", "ip4:", REASON_SPF_NETWORK },
	{ "5.6 short network", "ip4:192.0.2", REASON_SPF_NETWORK },
	{ "5.6 short network with prefix", "ip4:192.0.2/24", REASON_SPF_NETWORK },
	{ "5.6 leading zero in a number", "ip4:192.0.02.1", REASON_SPF_NETWORK },
	{ "5.6 number above 255", "ip4:192.0.2.256", REASON_SPF_NETWORK },
	{ "5.6 port", "ip4:192.0.2.1:25", REASON_SPF_NETWORK },
	{ "5.6 other family", "ip4:2001:db8::1", REASON_SPF_NETWORK },
	{ "5.6 other family", "ip6:192.0.2.1", REASON_SPF_NETWORK },
	{ "5.6 two gaps", "ip6:2001::db8::1", REASON_SPF_NETWORK },
	{ "5.6 zone", "ip6:fe80::1%eth0", REASON_SPF_NETWORK },
	{ "5.6 empty prefix", "ip4:192.0.2.1/", REASON_SPF_PREFIX },
	{ "5.6 prefix above 32", "ip4:192.0.2.0/33", REASON_SPF_PREFIX },
	{ "5.6 dual prefix", "ip4:192.0.2.0//24", REASON_SPF_PREFIX },
	{ "5.6 netmask", "ip4:192.0.2.0/255.255.255.0", REASON_SPF_PREFIX },
	{ "5.6 prefix above 128", "ip6:2001:db8::/129", REASON_SPF_PREFIX },
	{ "5.7 no domain", "exists", REASON_SPF_ARGUMENTS },
	{ "5.7 prefix", "exists:example.com/24", REASON_SPF_DOMAIN_SPEC },
	{ "6.1 empty", "redirect=", REASON_SPF_DOMAIN_SPEC },
	{ "6.1 no domain", "redirect=-all", REASON_SPF_DOMAIN_SPEC },
	{ "6.2 empty", "exp=", REASON_SPF_DOMAIN_SPEC },
	{ "6.1 twice", "redirect=a.example REDIRECT=a.example", REASON_SPF_MODIFIER_TWICE },
	{ "6.2 twice", "exp=a.example exp=b.example", REASON_SPF_MODIFIER_TWICE },
	{ "6 macro in an unknown modifier", "foo=%abc", REASON_SPF_MODIFIER },
	{ "7.2 letter for explanations only", "exp=%{r}.example", REASON_SPF_DOMAIN_SPEC },
	{ "7.2 letter for explanations only", "foo=%{t}", REASON_SPF_MODIFIER },
	{ "7.1 unknown letter", "a:%{x}.example", REASON_SPF_DOMAIN_SPEC },
	{ "7.3 lone percent sign", "exists:%(ir).example.org", REASON_SPF_DOMAIN_SPEC },
};

static void test_4_6_faults(void **state)
{
	char text[256];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(faults); i++) {
		struct spf_record record;
		struct slice spf;

		/* Behind "all", whose match would end an evaluation: the fault counts all the same. */
		snprintf(text, sizeof(text), "v=spf1 +all %s", faults[i].term);
		spf = slice_of_str(text);
		assert_int_equal(spf_record_parse(spf, &arena, &record), 0);
		if (record.error != faults[i].error)
			fail_msg("%s: %s: got %s", faults[i].section, faults[i].term, reason_code(record.error));
		assert_true(record.error_term.ptr > spf.ptr && record.error_term.ptr < spf.ptr + spf.len);
	}
}

static const struct {
	const char *section, *term;
	enum spf_term_kind kind;
	enum spf_word word;
	const char *domain_spec;
	uint8_t prefix_v4, prefix_v6;
} good[] = {
	{ "4.6.2", "all", SPF_TERM_ALL, SPF_PASS, "", 0, 0 },
	{ "4.6.2", "-ALL", SPF_TERM_ALL, SPF_FAIL, "", 0, 0 },
	{ "4.6.2", "~all", SPF_TERM_ALL, SPF_SOFTFAIL, "", 0, 0 },
	{ "4.6.2", "?a", SPF_TERM_A, SPF_NEUTRAL, "", 32, 128 },
	{ "5.2", "+Include:_spf.example.net", SPF_TERM_INCLUDE, SPF_PASS, "_spf.example.net", 0, 0 },
	{ "5.3", "a:example.com.", SPF_TERM_A, SPF_PASS, "example.com.", 32, 128 },
	{ "5.3", "a:example.com/24", SPF_TERM_A, SPF_PASS, "example.com", 24, 128 },
	{ "5.3", "a:example.com//64", SPF_TERM_A, SPF_PASS, "example.com", 32, 64 },
	{ "5.3", "a/0//0", SPF_TERM_A, SPF_PASS, "", 0, 0 },
	{ "5.3 slash and colon in a name", "a:foo:bar/baz.example.com/8", SPF_TERM_A, SPF_PASS,
	  "foo:bar/baz.example.com", 8, 128 },
	{ "5.3 slash in a macro", "a:%{d/}/24", SPF_TERM_A, SPF_PASS, "%{d/}", 24, 128 },
	{ "5.4", "mx/32//128", SPF_TERM_MX, SPF_PASS, "", 32, 128 },
	{ "5.5", "ptr", SPF_TERM_PTR, SPF_PASS, "", 0, 0 },
	{ "5.6", "ip4:192.0.2.0/24", SPF_TERM_IP4, SPF_PASS, "", 24, 0 },
	{ "5.6", "ip4:192.0.2.1", SPF_TERM_IP4, SPF_PASS, "", 32, 0 },
	{ "5.6", "ip6:2001:db8::192.0.2.1/96", SPF_TERM_IP6, SPF_PASS, "", 0, 96 },
	{ "5.7", "exists:%{ir}.sbl.example", SPF_TERM_EXISTS, SPF_PASS, "%{ir}.sbl.example", 0, 0 },
	{ "7.1 hyphens in a top label", "a:foo.xn--zckzah", SPF_TERM_A, SPF_PASS, "foo.xn--zckzah", 32, 128 },
	{ "7.1 digits and a hyphen", "a:foo.1-1", SPF_TERM_A, SPF_PASS, "foo.1-1", 32, 128 },
	{ "7.1 ends in %%", "a:foo%%", SPF_TERM_A, SPF_PASS, "foo%%", 32, 128 },
};

static void test_4_6_1_terms(void **state)
{
	char text[256];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		struct spf_record record;

		snprintf(text, sizeof(text), "v=spf1   moo.cow-far_out=man:dog/cat %s ", good[i].term);
		record = parse(text);
		if (record.error || record.terms_count != 1)
			fail_msg("%s: %s: %s", good[i].section, good[i].term, reason_code(record.error));
		assert_int_equal(record.terms[0].kind, good[i].kind);
		assert_int_equal(record.terms[0].word, good[i].word);
		assert_int_equal(record.terms[0].prefix_v4, good[i].prefix_v4);
		assert_int_equal(record.terms[0].prefix_v6, good[i].prefix_v6);
		assert_slice_equal(record.terms[0].domain_spec, slice_of_str(good[i].domain_spec));
		assert_slice_equal(record.terms[0].text, slice_of_str(good[i].term));
	}
}

static void test_modifiers(void **state)
{
	struct spf_record record = parse("v=spf1 ReDirect=%{d}.example mx EXP=%{o2}.example a=b include=c all1=%%");

	(void)state;
	assert_int_equal(record.error, REASON_NONE);
	assert_int_equal(record.terms_count, 1);
	assert_slice_equal(record.redirect->domain_spec, SLICE("%{d}.example"));
	assert_true(record.redirect->letters == SPF_MACRO_BIT('d'));
	assert_slice_equal(record.exp->text, SLICE("EXP=%{o2}.example"));
	record = parse("v=spf1");
	assert_true(!record.error && !record.terms_count && !record.redirect && !record.exp);
}

/* Section 5.1: "all" anywhere switches redirect off and ends the mechanisms. */
static void test_5_1_all_ends_the_record(void **state)
{
	struct spf_record record = parse("v=spf1 redirect=example.com mx -all a +all");

	(void)state;
	assert_int_equal(record.error, REASON_NONE);
	assert_null(record.redirect);
	assert_int_equal(record.terms_count, 2);
}

static void test_bounds(void **state)
{
	static char text[SPF_RECORD_OCTETS_MAX + 2];
	struct spf_record record;

	(void)state;
	memset(text, ' ', sizeof(text) - 1);
	memcpy(text, "v=spf1", 6);
	assert_int_equal(parse(text).error, REASON_SPF_RECORD_LONG);
	text[SPF_RECORD_OCTETS_MAX] = 0;
	assert_int_equal(parse(text).error, REASON_NONE);

	for (size_t i = 0; i < SPF_TERMS_MAX; i++)
		text[7 + 2 * i] = 'a';
	record = parse(text);
	assert_int_equal(record.error, REASON_NONE);
	assert_int_equal(record.terms_count, SPF_TERMS_MAX);
	text[SPF_RECORD_OCTETS_MAX - 1] = 'a';
	assert_int_equal(parse(text).error, REASON_SPF_TERMS_MANY);

	memcpy(text, "v=spf1 a:", 9);
	memset(text + 9, 'x', SPF_DOMAIN_SPEC_OCTETS_MAX);
	text[9 + SPF_DOMAIN_SPEC_OCTETS_MAX] = 0;
	text[9 + SPF_DOMAIN_SPEC_OCTETS_MAX - 4] = '.';
	assert_int_equal(parse(text).error, REASON_NONE);
	memcpy(text + 9 + SPF_DOMAIN_SPEC_OCTETS_MAX, "x", 2);
	assert_int_equal(parse(text).error, REASON_SPF_DOMAIN_SPEC);
}

/* Octets behind the record must not be looked at: each prefix of a record is an allocation of its own for ASan. */
static void test_every_prefix(void **state)
{
	static const char text[] = "v=spf1 a:%{l1r-}.e.com/24//64 -ip4:1.2.3.4/8 exp=%{d} include:e.com mx ~all";

	(void)state;
	for (size_t len = 6; len < sizeof(text); len++) {
		char *copy = malloc(len);
		struct spf_record record;

		assert_non_null(copy);
		memcpy(copy, text, len);
		if (spf_record_is_spf(slice_of(copy, len)))
			assert_int_equal(spf_record_parse(slice_of(copy, len), &arena, &record), 0);
		free(copy);
	}
}

static void test_every_allocation_fails(void **state)
{
	int results[2] = { 0, 0 };

	(void)state;
	for (size_t bytes = 0; bytes < 1024; bytes += 16) {
		struct spf_record record;
		int result;

		arena_init(&arena, bytes);
		result = spf_record_parse(SLICE("v=spf1 mx -all"), &arena, &record);
		assert_true(result == -ENOMEM || (result == 0 && record.terms_count == 2));
		results[result == 0]++;
		arena_deinit(&arena);
	}
	assert_true(results[0] > 1 && results[1] > 1);
}

UNIT_MAIN(cmocka_unit_test_setup_teardown(test_4_5_selection, setup, teardown),
	  cmocka_unit_test_setup_teardown(test_4_6_faults, setup, teardown),
	  cmocka_unit_test_setup_teardown(test_4_6_1_terms, setup, teardown),
	  cmocka_unit_test_setup_teardown(test_modifiers, setup, teardown),
	  cmocka_unit_test_setup_teardown(test_5_1_all_ends_the_record, setup, teardown),
	  cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
	  cmocka_unit_test_setup_teardown(test_every_prefix, setup, teardown),
	  cmocka_unit_test(test_every_allocation_fails))
