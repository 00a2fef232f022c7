/*
 * Goal:   no octet of a sender breaks the field or adds to it (LESSONS 14; CVE-2020-12272, Composition Kills A4 and
 *         A5), and its lines are folded.
 * Method: exact vectors, hostile ones first; then random octets as every value, against a strict reader of the grammar
 *         (checker.h) which also counts that nothing was added; then each allocation fails once.
 */
#include "proto/authres/authres.h"

#include "checker.h"
#include "unit.h"

#include <stdlib.h>

enum kind { REASON, PROPERTY, ADDRESS };

static const struct vector {
	const char *what;
	enum kind kind;
	const char *value, *written; /* behind "m.p=" or "reason="; NULL: left out */
} vectors[] = {
	{ "empty", PROPERTY, "", NULL },
	{ "line end and a forged field", PROPERTY, "a\r\nX-Spam: no", "\"a??X-Spam: no\"" },
	{ "forged result", PROPERTY, "a; dmarc=pass", "\"a; dmarc=pass\"" },
	{ "comment (CVE-2020-12272)", PROPERTY, "legit.example(.evil.example", "\"legit.example(.evil.example\"" },
	{ "quote (CK A5)", PROPERTY, "legit.example'@x.evil.example", "\"legit.example'@x.evil.example\"" },
	{ "quotes and backslashes", PROPERTY, "a\"; x=\\", "\"a\\\"; x=\\\\\"" },
	{ "controls", PROPERTY, "a\x01\x7f\tb", "\"a???b\"" },
	{ "a control does not make one name of another", PROPERTY, "ba\x01" "nk.example", "\"ba?nk.example\"" },
	{ "nor an octet that is not ASCII", PROPERTY, "ba\xff" "nk.example", "\"ba?nk.example\"" },
	{ "U-label as A-label (RFC 8616)", PROPERTY, "b\xc3\xbc" "cher.example", "xn--bcher-kva.example" },
	{ "U-label of a selector", PROPERTY, "b\xc3\xbc" "cher", "xn--bcher-kva" },
	{ "no name, and not ASCII", PROPERTY, "b\xc3\xbc" "/x", "\"b?" "?/x\"" },
	{ "base64", PROPERTY, "aB+/=9zz", "\"aB+/=9zz\"" },
	{ "token", PROPERTY, "rsa-sha256", "rsa-sha256" },
	{ "domain", PROPERTY, "_x.example", "_x.example" },

	{ "forged result in an address", ADDRESS, "a@b.example; dmarc=pass", "\"a@b.example; dmarc=pass\"" },
	{ "comment in an address (CK A4)", ADDRESS, "a@b.example(.evil.example", "\"a@b.example(.evil.example\"" },
	{ "two at signs", ADDRESS, "a@b.example@c.example", "\"a@b.example@c.example\"" },
	{ "line end in quotes", ADDRESS, "\"a\r\n b\"@b.example", "\"\\\"a?? b\\\"@b.example\"" },
	{ "one label", ADDRESS, "a@localhost", "\"a@localhost\"" },
	{ "underscore", ADDRESS, "a@_b.example", "\"a@_b.example\"" },
	{ "only an at", ADDRESS, "@", "\"@\"" },
	{ "quoted local-part", ADDRESS, "\"a; b\"@b.example", "\"a; b\"@b.example" },
	{ "local-part", ADDRESS, "a+b=c.d/'@b.Example", "a+b=c.d/'@b.Example" },
	{ "domain of an identity", ADDRESS, "@b.example", "@b.example" },
	{ "bare domain", ADDRESS, "b.example", "b.example" },
	{ "U-label", ADDRESS, "a@b\xc3\xbc" "cher.example", "a@xn--bcher-kva.example" },
	{ "local-part that is not ASCII is left out", ADDRESS, "\xc3\xa9@b.example", "@b.example" },

	{ "empty", REASON, "", NULL },
	{ "forged result in a reason", REASON, "x\" dmarc=pass (\\", "\"x\\\" dmarc=pass (\\\\\"" },
	{ "spaces", REASON, " a  b ", "\" a b \"" },
};

static void put(struct authres_writer *writer, enum kind kind, struct slice value)
{
	switch (kind) {
	case REASON: authres_reason(writer, value); break;
	case PROPERTY: authres_property(writer, "m.p", value); break;
	case ADDRESS: authres_property_address(writer, "m.p", value); break;
	}
}

static void assert_grammatical(struct slice field, unsigned methods)
{
	struct checker checker = checker_run(field);

	if (checker.breach || checker.methods != methods)
		fail_msg("%s at %zu, %u methods: %.*s", checker.breach, checker.at, checker.methods, SLICE_FMT(field));
}

static void test_vectors(void **state)
{
	struct authres_writer writer;
	struct arena arena;
	struct slice field;
	char want[600];

	(void)state;
	arena_init(&arena, 1 << 16);
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		const struct vector *v = &vectors[i];
		const char *name = v->kind == REASON ? " reason=" : " m.p=";

		arena_reset(&arena);
		sprintf(want, "mx.example;\r\n\tm=pass%s%s", v->written ? name : "", v->written ? v->written : "");
		authres_begin(&writer, &arena, SLICE("mx.example"));
		authres_method(&writer, "m", "pass");
		put(&writer, v->kind, slice_of_str(v->value));
		assert_int_equal(authres_finish(&writer, &field), 0);
		assert_slice_equal(field, slice_of_str(want));
		assert_grammatical(field, 1);
	}
	arena_deinit(&arena);
}

static void test_authserv_id(void **state)
{
	static const struct {
		const char *id, *field;
	} ids[] = {
		{ "", "\"\"; none" },
		{ "mx.example", "mx.example; none" },
		{ "mx 1;\r\n", "\"mx 1;??\"; none" },
		{ "mx.b\xc3\xbc" "cher.example", "mx.xn--bcher-kva.example; none" },
	};
	struct authres_writer writer;
	struct arena arena;
	struct slice field;

	(void)state;
	arena_init(&arena, 1 << 16);
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		authres_begin(&writer, &arena, slice_of_str(ids[i].id));
		assert_int_equal(authres_finish(&writer, &field), 0);
		assert_slice_equal(field, slice_of_str(ids[i].field));
	}
	arena_deinit(&arena);
}

static const char long_name[] = "a-name-longer-than-a-line.of-a-host.of-some-organization.below-a-name.at.test.example";
static const char folded[] =
	"mx.example;\r\n"
	"\tspf=fail reason=\"one two three four five six seven eight nine ten eleven\r\n"
	"\ttwelve thirteen\" smtp.helo=a-name-of-forty-six-octets.of-a-host.at.example;\r\n"
	"\tdkim=pass\r\n"
	"\theader.d=a-name-longer-than-a-line.of-a-host.of-some-organization.below-a-name.at.test.example\r\n"
	"\theader.s=s";

static void test_folding(void **state)
{
	struct authres_writer writer;
	struct arena arena;
	struct slice field;

	(void)state;
	arena_init(&arena, 1 << 16);
	authres_begin(&writer, &arena, SLICE("mx.example"));
	authres_method(&writer, "spf", "fail");
	authres_reason(&writer, SLICE("one two three four five six seven eight nine ten eleven twelve thirteen"));
	authres_property(&writer, "smtp.helo", SLICE("a-name-of-forty-six-octets.of-a-host.at.example"));
	authres_method(&writer, "dkim", "pass");
	authres_property(&writer, "header.d", slice_of_str(long_name));
	authres_property(&writer, "header.s", SLICE("s"));
	assert_int_equal(authres_finish(&writer, &field), 0);
	assert_slice_equal(field, slice_of_str(folded));
	assert_grammatical(field, 2);
	arena_deinit(&arena);
}

/* A value that is longer than any identifier says nothing: it is left out, not cut (a cut name is another name). */
static void test_long_values(void **state)
{
	static uint8_t value[100000];
	struct authres_writer writer;
	struct arena arena;
	struct slice field;

	(void)state;
	memset(value, 'a', sizeof(value));
	arena_init(&arena, 1 << 20);
	authres_begin(&writer, &arena, SLICE("mx"));
	authres_method(&writer, "m", "pass");
	authres_property(&writer, "m.p", slice_of(value, sizeof(value)));
	authres_property_address(&writer, "m.p", slice_of(value, 501));
	assert_int_equal(authres_finish(&writer, &field), 0);
	assert_slice_equal(field, SLICE("mx;\r\n\tm=pass"));
	arena_deinit(&arena);
}

static uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Octets that mean something come up more often than chance would have it. */
static struct slice random_value(uint64_t *seed, uint8_t *octets, size_t size)
{
	static const char special[] = "\r\n\t \"\\();=@.<>[]'a1\xc3\xbc";
	size_t len = random_next(seed) % size;

	for (size_t i = 0; i < len; i++) {
		uint64_t roll = random_next(seed);

		octets[i] = roll % 4 ? (uint8_t)special[(roll >> 8) % sizeof(special)] : (uint8_t)(roll >> 8);
		if (roll % 5 == 0)
			octets[i] = (uint8_t)('a' + (roll >> 8) % 26);
	}
	return slice_of(octets, len);
}

static void write_random(uint64_t *seed, struct arena *arena, unsigned *methods, struct slice *field)
{
	struct authres_writer writer;
	uint8_t octets[200];

	*methods = 0;
	authres_begin(&writer, arena, random_value(seed, octets, sizeof(octets)));
	for (unsigned i = (unsigned)(random_next(seed) % 4); i > 0; i--, ++*methods) {
		authres_method(&writer, "dkim", "permerror");
		if (random_next(seed) % 2)
			put(&writer, REASON, random_value(seed, octets, sizeof(octets)));
		for (unsigned k = (unsigned)(random_next(seed) % 4); k > 0; k--)
			put(&writer, random_next(seed) % 2 ? PROPERTY : ADDRESS,
			    random_value(seed, octets, sizeof(octets)));
	}
	assert_int_equal(authres_finish(&writer, field), 0);
}

static void test_random_values_stay_values(void **state)
{
	uint64_t seed = 20261123;
	struct arena arena;
	struct slice field;
	unsigned methods;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (unsigned i = 0; i < 20000; i++) {
		arena_reset(&arena);
		write_random(&seed, &arena, &methods, &field);
		assert_grammatical(field, methods);
	}
	arena_deinit(&arena);
}

static void test_full_arena(void **state)
{
	struct authres_writer writer;
	struct slice whole = SLICE_EMPTY, field;
	struct arena arena;

	(void)state;
	for (size_t bytes = 8192 + 16; bytes > 0; bytes -= 16) {
		int result;

		arena_init(&arena, bytes - 16);
		authres_begin(&writer, &arena, SLICE("mx.example"));
		authres_method(&writer, "spf", "fail");
		authres_reason(&writer, SLICE("no mechanism matched"));
		authres_property_address(&writer, "smtp.mailfrom", SLICE("a@B\xc3\xbc" "cher.example"));
		authres_property(&writer, "m.p", SLICE("a b"));
		result = authres_finish(&writer, &field);
		if (bytes - 16 == 8192) {
			assert_int_equal(result, 0);
			whole = slice_of(strndup((const char *)field.ptr, field.len), field.len);
		}
		if (result == 0)
			assert_slice_equal(field, whole);
		else
			assert_int_equal(result, -ENOMEM);
		arena_deinit(&arena);
	}
	free((void *)(uintptr_t)whole.ptr);
}

UNIT_MAIN(cmocka_unit_test(test_vectors), cmocka_unit_test(test_authserv_id), cmocka_unit_test(test_folding),
          cmocka_unit_test(test_long_values), cmocka_unit_test(test_random_values_stay_values),
          cmocka_unit_test(test_full_arena))
