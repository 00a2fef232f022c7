/*
 * Goal:   macros expand as RFC 7208 section 7 says and never write outside their buffer (LESSONS row 16, STANDARDS
 *         S4: macro expanders are where SPF libraries broke).
 * Method: tables of faulty strings, then the examples of section 7.4 and own vectors; then lengths around each bound.
 */
#include "proto/spf/macro.h"
#include "unit.h"

static struct spf_macro_values values_v4(void)
{
	return (struct spf_macro_values){
		.sender = SLICE("strong-bad@email.example.com"),
		.local_part = SLICE("strong-bad"),
		.sender_domain = SLICE("email.example.com"),
		.domain = SLICE("email.example.com"),
		.helo = SLICE("mx.Example.org"),
		.validated = SLICE("mx.example.org"),
		.receiver = SLICE("in.example.net"),
		.client = { .octets = { 192, 0, 2, 3 } },
		.now = 1700000000,
	};
}

static struct spf_macro_values values_v6(void)
{
	struct spf_macro_values values = values_v4();

	assert_true(ip_parse(SLICE("2001:db8::cb01"), &values.client));
	return values;
}

static const char *const faulty[] = {
	"%",     "a%",     "%{",     "%{}",    "%{d",   "%{d2",    "%{dr",   "%{d.",   "%{x}",   "%{dd}", "%{d-r}",
	"%{d0}", "%{d00}", "%{drr}", "%{dr2}", "%{d:}", "%{d 2}",  "%(d)",   "%a",     "% ",     "%{ d}", "%{-}",
	"%{1}",  "%{d@}",  "%{d%}",  "\x7f",   "a\tb",  "a\x80-b", "a\r\nb", "%{d.}%", "%{r}.e", "%{c}",  "%{T}",
};

static void test_7_1_faults(void **state)
{
	uint32_t letters;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(faulty); i++)
		if (spf_macro_string_check(slice_of_str(faulty[i]), SPF_MACRO_IN_NAME, &letters))
			fail_msg("taken for a macro-string: %s", faulty[i]);
	assert_false(spf_macro_string_check(slice_of("a\0b", 3), SPF_MACRO_IN_TEXT, &letters));
	assert_false(spf_macro_string_check(SLICE("a\tb"), SPF_MACRO_IN_TEXT, &letters));
	assert_false(spf_macro_string_check(SLICE("a b"), SPF_MACRO_IN_NAME, &letters));
	assert_true(spf_macro_string_check(SLICE("a b %{c}%{r}%{t}"), SPF_MACRO_IN_TEXT, &letters));
	assert_true(letters == (SPF_MACRO_BIT('c') | SPF_MACRO_BIT('r') | SPF_MACRO_BIT('t')));
	assert_true(spf_macro_string_check(SLICE(""), SPF_MACRO_IN_NAME, &letters));
	assert_true(letters == 0);
}

struct vector {
	const char *in, *out;
};

/* Section 7.4 */
static const struct vector examples[] = {
	{ "%{s}", "strong-bad@email.example.com" },
	{ "%{o}", "email.example.com" },
	{ "%{d}", "email.example.com" },
	{ "%{d4}", "email.example.com" },
	{ "%{d3}", "email.example.com" },
	{ "%{d2}", "example.com" },
	{ "%{d1}", "com" },
	{ "%{dr}", "com.example.email" },
	{ "%{d2r}", "example.email" },
	{ "%{l}", "strong-bad" },
	{ "%{l-}", "strong.bad" },
	{ "%{lr}", "strong-bad" },
	{ "%{lr-}", "bad.strong" },
	{ "%{l1r-}", "strong" },
	{ "%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com" },
	{ "%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com" },
	{ "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com" },
	{ "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com" },
	{ "%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net" },
	/* of our own: sections 7.1 to 7.3 */
	{ "", "" },
	{ "%%%_%-", "% %20" },
	{ "%{i}", "192.0.2.3" },
	{ "%{h}", "mx.Example.org" },
	{ "%{H1R}", "mx" },
	{ "%{p}", "mx.example.org" },
	{ "%{d127}", "email.example.com" },
	{ "%{d4294967297}", "email.example.com" },
	{ "%{d99999999999999999999999999r}", "com.example.email" },
	{ "%{s2@}", NULL },
	{ "%{s.-}", "strong.bad@email.example.com" },
	{ "%{sr.-}", "com.example.bad@email.strong" },
	{ "%{l2.-+,/_=}", "strong.bad" },
	{ "%{S}", "strong-bad%40email.example.com" },
	{ "%{D2}", "example.com" },
};

static void check_vectors(const struct vector *vectors, size_t count, const struct spf_macro_values *values,
			  enum spf_macro_place place)
{
	for (size_t i = 0; i < count; i++) {
		struct spf_expansion expansion = { .place = place };
		struct slice in = slice_of_str(vectors[i].in);
		uint32_t letters;

		if (spf_macro_string_check(in, place, &letters) != (vectors[i].out != NULL))
			fail_msg("syntax of %s", vectors[i].in);
		if (!vectors[i].out)
			continue;
		spf_macro_expand(in, values, &expansion);
		assert_false(expansion.cut);
		assert_slice_equal(slice_of(expansion.octets, expansion.len), slice_of_str(vectors[i].out));
	}
}

static void test_7_4_examples(void **state)
{
	const struct spf_macro_values values = values_v4();

	(void)state;
	check_vectors(examples, COUNT_OF(examples), &values, SPF_MACRO_IN_NAME);
}

static void test_7_4_ipv6(void **state)
{
	static const struct vector names[] = {
		{ "%{ir}.%{v}._spf.%{d2}",
		  "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com" },
		{ "%{i2}", "0.1" },
		{ "%{i2r}", "0.2" },
	};
	static const struct vector texts[] = {
		{ "%{c} %{v}", "2001:db8::cb01 ip6" },
		{ "%{C}", "2001%3Adb8%3A%3Acb01" },
		{ "%{i4r}", "1.0.0.2" },
	};
	const struct spf_macro_values values = values_v6();

	(void)state;
	check_vectors(names, COUNT_OF(names), &values, SPF_MACRO_IN_NAME);
	check_vectors(texts, COUNT_OF(texts), &values, SPF_MACRO_IN_TEXT);
}

static void test_7_2_texts(void **state)
{
	static const struct vector texts[] = {
		{ "%{r} at %{t}", "in.example.net at 1700000000" },
		{ "%{c} is not one of %{d}'s designated mail servers.",
		  "192.0.2.3 is not one of email.example.com's designated mail servers." },
		{ "See http://%{d}/why.html?s=%{S}&i=%{I}",
		  "See http://email.example.com/why.html?s=strong-bad%40email.example.com&i=192.0.2.3" },
	};
	const struct spf_macro_values values = values_v4();

	(void)state;
	check_vectors(texts, COUNT_OF(texts), &values, SPF_MACRO_IN_TEXT);
}

/* Section 7.3: "no special treatment is given to leading, trailing, or consecutive delimiters" */
static void test_7_3_empty_parts(void **state)
{
	static const struct vector vectors[] = {
		{ "%{l}", "--a--b-" }, { "%{l-}", "..a..b." },  { "%{lr-}", ".b..a.." },
		{ "%{l1-}", "" },      { "%{l2-}", "b." },      { "%{l1r-}", "" },
		{ "%{l3r-}", "a.." },  { "%{l7-}", "..a..b." }, { "%{L+}", "--a--b-" },
	};
	static const struct vector empty[] = {
		{ "%{l}", "" }, { "%{lr}", "" }, { "%{l2r-}", "" }, { "x%{L1}y", "xy" }
	};
	struct spf_macro_values values = values_v4();

	(void)state;
	values.local_part = SLICE("--a--b-");
	check_vectors(vectors, COUNT_OF(vectors), &values, SPF_MACRO_IN_NAME);
	values.local_part = SLICE_EMPTY;
	check_vectors(empty, COUNT_OF(empty), &values, SPF_MACRO_IN_NAME);
}

/* RFC 3986 section 2.3: all but the unreserved octets, by octet and in capital hex digits. */
static void test_7_3_url_escape(void **state)
{
	static const struct vector vectors[] = { { "%{L}", "a-._~%00%C3%A4%25%2F%20%2B" },
						 { "%{L/}", "a-._~%00%C3%A4%25.%20%2B" } };
	struct spf_macro_values values = values_v4();

	(void)state;
	values.local_part = slice_of("a-._~\0\xc3\xa4%/ +", 12);
	check_vectors(vectors, COUNT_OF(vectors), &values, SPF_MACRO_IN_NAME);
}

/* Section 7.3: names above 253 octets lose labels on the left. The expansion is of every length around the bounds. */
static void test_7_3_name_is_cut_on_the_left(void **state)
{
	static uint8_t local[4 * SPF_EXPANSION_OCTETS];
	struct spf_macro_values values = values_v4();

	(void)state;
	for (size_t i = 0; i < sizeof(local); i++)
		local[i] = i % 10 == 9 ? '.' : (uint8_t)('a' + i % 10);
	for (size_t len = 1; len <= sizeof(local); len++) {
		struct spf_expansion expansion = { .place = SPF_MACRO_IN_NAME };
		struct slice whole = slice_of(local + sizeof(local) - len, len), name;

		values.local_part = whole;
		spf_macro_expand(SLICE("%{l}x."), &values, &expansion);
		assert_true(expansion.len <= SPF_EXPANSION_OCTETS);
		name = spf_expansion_name(&expansion);
		assert_int_equal(name.ptr[name.len - 1], 'x');
		name.len--;
		if (len + 1 <= 253) {
			assert_slice_equal(name, whole);
			continue;
		}
		/* The longest end of whole labels that fits. */
		assert_true(name.len + 1 <= 253 && name.len + 1 > 253 - 10);
		assert_slice_equal(name, slice_from(whole, len - name.len));
		assert_int_equal(whole.ptr[len - name.len - 1], '.');
	}
}

static void test_text_is_cut_on_the_right(void **state)
{
	static uint8_t local[2 * SPF_EXPANSION_OCTETS];
	struct spf_macro_values values = values_v4();
	struct spf_expansion expansion = { .place = SPF_MACRO_IN_TEXT };

	(void)state;
	memset(local, 'x', sizeof(local));
	values.local_part = slice_of(local, SPF_EXPANSION_OCTETS - 1);
	spf_macro_expand(SLICE("<%{l}"), &values, &expansion);
	assert_true(!expansion.cut && expansion.len == SPF_EXPANSION_OCTETS);
	spf_macro_expand(SLICE("<%{l}>%{l}%{L}"), &values, &expansion);
	assert_true(expansion.cut && expansion.len == SPF_EXPANSION_OCTETS && expansion.octets[0] == '<');
}

static void test_4_8_names_to_ask_for(void **state)
{
	static const char *const bad[] = { "", ".", "a..b", ".a", "a.", "a\\b.c", "a\tb", "a\x80.b", "a\x7f.b" };
	static const char *const fine[] = { "a",     "a.b",     "_spf.a",    "a+b=c@d.e",
					    "a b.c", "1.2.3.4", "\"a b\".c", "[::1].b" };
	char name[256];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(spf_name_is_askable(slice_of_str(bad[i])));
	for (size_t i = 0; i < COUNT_OF(fine); i++)
		assert_true(spf_name_is_askable(slice_of_str(fine[i])));
	assert_false(spf_name_is_askable(slice_of("a\0b", 3)));
	memset(name, 'a', sizeof(name));
	name[63] = name[127] = name[191] = '.';
	assert_true(spf_name_is_askable(slice_of(name, 253)));
	assert_false(spf_name_is_askable(slice_of(name, 254)));
	name[63] = 'a';
	name[64] = '.';
	assert_false(spf_name_is_askable(slice_of(name, 253)));
}

/* Names of up to two labels' length, in which one octet at a time is bad; a short name is looked at as a whole. */
static void test_4_8_at_every_place(void **state)
{
	static const char bad[] = "\\\t\x1f\x7f\x80\xff";
	char name[120];

	(void)state;
	for (size_t len = 1; len < sizeof(name); len++) {
		for (size_t at = 0; at < len; at++) {
			memset(name, 'a', sizeof(name));
			if (len > 63)
				name[len / 2] = '.';
			assert_true(spf_name_is_askable(slice_of(name, len)));
			for (size_t i = 0; i < sizeof(bad); i++) { /* its NUL, too */
				name[at] = bad[i];
				assert_false(spf_name_is_askable(slice_of(name, len)));
			}
			memset(name + at, '.', 2);
			assert_false(spf_name_is_askable(slice_of(name, len))); /* two dots, or one at the end */
		}
	}
}

UNIT_MAIN(cmocka_unit_test(test_7_1_faults), cmocka_unit_test(test_7_4_examples), cmocka_unit_test(test_7_4_ipv6),
	  cmocka_unit_test(test_7_2_texts), cmocka_unit_test(test_7_3_empty_parts),
	  cmocka_unit_test(test_7_3_url_escape), cmocka_unit_test(test_7_3_name_is_cut_on_the_left),
	  cmocka_unit_test(test_text_is_cut_on_the_right), cmocka_unit_test(test_4_8_names_to_ask_for),
	  cmocka_unit_test(test_4_8_at_every_place))
