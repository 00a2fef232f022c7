/*
 * Goal:   a Received-SPF field that anybody could take for ours is told from those of others (RFC 7208 section 9.1,
 *         STANDARDS 5.3), and the one that is written holds whatever the sender said in its place.
 * Method: a table of fields with the answer, the forged ones first; then hostile values are written and read back; then
 *         every allocation fails once.
 */
#include "proto/authres/received_spf.h"

#include "proto/authres/own.h"
#include "unit.h"

static const struct slice others[] = { { (const uint8_t *)".farm.example.net", 17 } };
static const struct authres_own own = {
	.id = { (const uint8_t *)"mx.example.org", 14 },
	.ids = others,
	.ids_count = COUNT_OF(others),
};

static const struct vector {
	const char *what, *field;
	bool own;
} vectors[] = {
	{ "plain", "pass receiver=mx.example.org; client-ip=192.0.2.1", true },
	{ "in another case", "Pass (x) RECEIVER=MX.Example.ORG", true },
	{ "quoted", "pass receiver=\"mx.example.org\";", true },
	{ "quoted, with quoted-pairs", "pass receiver=\"mx\\.example.org\";", true },
	{ "with comments", "pass (a) receiver (b) = (c) mx.example.org (d)", true },
	{ "folded", "pass\r\n\treceiver=\r\n\tmx.example.org\r\n", true },
	{ "with a final dot", "pass receiver=mx.example.org.", true },
	{ "below one of the others", "pass receiver=a.farm.example.net", true },
	{ "behind another's", "pass receiver=other.example; receiver=mx.example.org", true },
	{ "before another's", "pass receiver=mx.example.org receiver=other.example", true },
	/* Not for certain another's. */
	{ "empty", "", true },
	{ "no receiver", "pass (other.example: domain of a@b.example) client-ip=192.0.2.1; helo=h.example", true },
	{ "one that hides", "Pass (mailfrom) identity=mailfrom; client-ip=192.0.2.1; receiver=<UNKNOWN>", true },
	{ "nothing behind receiver", "pass receiver=; client-ip=192.0.2.1", true },
	{ "two words", "pass receiver=other.example mx.example.org", true },
	{ "a comment left open", "pass (receiver=other.example; x=y", true },
	{ "comments too deep", "pass ((((((((((((((((((a)))))))))))))))))) receiver=other.example", true },
	{ "a quote left open", "pass receiver=other.example; helo=\"a", true },
	{ "no result", "; receiver=other.example", true },
	{ "a name in brackets", "pass receiver=[192.0.2.1]", true },
	/* Others'. */
	{ "another", "pass receiver=other.example", false },
	{ "as RFC 7208 section 9.1 shows it",
	  "pass (mybox.example.org: domain of\r\n myname@example.com designates 192.0.2.1 as permitted sender)\r\n"
	  "    receiver=mybox.example.org; client-ip=192.0.2.1;\r\n"
	  "    mechanism=ip4:192.0.2.1; envelope-from=\"myname@example.com\";\r\n    helo=foo.example.com;\r\n", false },
	{ "a name below", "pass receiver=a.mx.example.org", false },
	{ "a name that begins like it", "pass receiver=mx.example.org.evil.example", false },
	{ "the name that a dot stands below", "pass receiver=farm.example.net", false },
	{ "ours in another pair", "pass receiver=other.example; helo=mx.example.org", false },
	{ "ours in a comment", "pass (mx.example.org: x) receiver=other.example (mx.example.org)", false },
	{ "a mailbox that is not quoted", "pass envelope-from=<a@b.example>; receiver=other.example", false },
	{ "an IPv6 address", "pass client-ip=2001:db8::1; receiver=other.example", false },
	{ "a value left out", "pass helo=; receiver=other.example", false },
};

static void test_vectors(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		bool is_own = !vectors[i].own;

		assert_int_equal(authres_is_own_received_spf(slice_of_str(vectors[i].field), &own, &arena, &is_own), 0);
		if (is_own != vectors[i].own)
			fail_msg("%s: %s", vectors[i].what, is_own ? "own" : "another's");
	}
	arena_deinit(&arena);
}

#define RS "Received-SPF: "

/* Removed in this order, no removal shifts the next (LESSONS 13). */
static void test_positions(void **state)
{
	static const struct mail_bounds bounds = { 65536, 100, 65536 };
	static const uint32_t expected[] = { 5, 3, 1 };
	const struct slice text = SLICE(RS "pass receiver=mx.example.org\r\n" RS "pass receiver=b.example\r\n"
					   "received-spf : none\r\nX-" RS "pass\r\n" RS "fail receiver=b.example\r\n" RS
					   "\r\n\r\n" RS "pass receiver=mx.example.org\r\n");
	struct authres_positions positions;
	struct mail_message message;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	assert_int_equal(mail_parse(text, &bounds, &arena, &message), MAIL_OK);
	assert_int_equal(authres_own_received_spf(&message, &own, &arena, &positions), 0);
	assert_int_equal(positions.count, COUNT_OF(expected));
	for (size_t i = 0; i < COUNT_OF(expected); i++)
		assert_int_equal(positions.at[i], expected[i]);
	arena_deinit(&arena);
}

#define LONG_100 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void test_written(void **state)
{
	static const struct received_spf_pair pairs[] = {
		{ "receiver", { (const uint8_t *)"mx.example.org", 14 } },
		{ "helo", { NULL, 0 } },
		{ "client-ip", { (const uint8_t *)"2001:db8::1", 11 } },
		{ "problem", { (const uint8_t *)LONG_100 LONG_100 LONG_100 LONG_100 LONG_100 "a", 501 } },
		{ "mechanism", { (const uint8_t *)"a..b", 4 } },
		{ "envelope-from", { (const uint8_t *)"\"a\\\r\n\0;=receiver=x\"@b.example", 29 } },
	};
	struct slice out;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	assert_int_equal(received_spf_write("none", NULL, 0, &arena, &out), 0);
	assert_slice_equal(out, SLICE("none"));
	assert_int_equal(received_spf_write("pass", pairs, COUNT_OF(pairs), &arena, &out), 0);
	assert_slice_equal(out, SLICE("pass\r\n\treceiver=mx.example.org;\r\n\tclient-ip=\"2001:db8::1\";"
				      "\r\n\tmechanism=\"a..b\";\r\n\tenvelope-from=\"\\\"a\\\\???;=receiver=x\\\"@b.example\";"));
	arena_deinit(&arena);
}

/* Whatever the octets of a value, the pair behind it is read as it was written. */
static void test_no_octet_breaks_out(void **state)
{
	(void)state;
	for (unsigned octet = 0; octet < 0x10000; octet++) {
		const uint8_t value[] = { (uint8_t)(octet >> 8), (uint8_t)octet };
		const struct received_spf_pair pairs[] = { { "helo", slice_of(value, 2) },
							   { "receiver", SLICE("r.example") } };
		struct slice out, key, read;
		struct cursor in;
		struct arena arena;

		arena_init(&arena, 4096);
		assert_int_equal(received_spf_write("pass", pairs, 2, &arena, &out), 0);
		assert_int_equal(received_spf_read(&in, out), 0);
		assert_int_equal(received_spf_next(&in, &key, &read), 0);
		assert_slice_equal(key, SLICE("helo"));
		assert_int_equal(received_spf_next(&in, &key, &read), 0);
		assert_slice_equal(key, SLICE("receiver"));
		assert_slice_equal(read, SLICE("r.example"));
		assert_int_equal(received_spf_next(&in, &key, &read), 0);
		assert_int_equal(key.len, 0);
		arena_deinit(&arena);
	}
}

static void test_full_arena(void **state)
{
	static const struct received_spf_pair pair = { "receiver", { (const uint8_t *)"mx.example.org", 14 } };
	int result = -ENOMEM, written = -ENOMEM;
	struct slice out;
	bool is_own;

	(void)state;
	for (size_t bytes = 0; result || written; bytes += 8) {
		struct arena arena;

		assert_true(bytes < 4096);
		arena_init(&arena, bytes);
		result = authres_is_own_received_spf(SLICE("pass receiver=MX.example.org"), &own, &arena, &is_own);
		assert_true(result == -ENOMEM || (result == 0 && is_own));
		arena_reset(&arena);
		written = received_spf_write("pass", &pair, 1, &arena, &out);
		assert_true(written == -ENOMEM || written == 0);
		arena_deinit(&arena);
	}
}

UNIT_MAIN(cmocka_unit_test(test_vectors), cmocka_unit_test(test_positions), cmocka_unit_test(test_written),
	  cmocka_unit_test(test_no_octet_breaks_out), cmocka_unit_test(test_full_arena))
