/*
 * Goal:   what is sealed validates, says what was found and no more, and extends no chain that cannot be extended.
 * Method: messages are sealed with a real key and validated by proto/arc itself with their new set on top, hop after
 *         hop; findings come in every shape. Each case runs with answers that come late and at once. Then every
 *         allocation fails once.
 */
#include "proto/arc/seal.h"

#include "proto/arc/limits.h"
#include "test_key.h"
#include "unit.h"
#include "world.h"

#include <stdlib.h>

#define NOW       1600000000
#define TEXT_SIZE (64 * 4096)

#define FROM      "From: Joe <joe@author.example>\r\n"
#define BODY      "Subject: x\r\n\r\nHi.\r\n"
#define AR        "Authentication-Results: "

static const struct mail_bounds wide = {
	.header_octets_max = 1 << 20, .fields_max = 5000, .field_octets_max = 1 << 20
};
static const struct dkim_config keys = { .rsa_bits_min = 1024, .rsa_bits_max = 4096, .clock_drift_s = 300,
					 .verify_us_max = 20000 };
static const struct arc_config config = { .verify = true, .sets_max = ARC_SETS_VERIFIED_MAX };
static const struct slice names[] = { SLICE_INIT("from"), SLICE_INIT("subject"), SLICE_INIT("x-absent") };
static const struct arc_sealer sealer = {
	.domain = SLICE_INIT("list.example"), .selector = SLICE_INIT("k"), .names = names, .names_count = COUNT_OF(names)
};

static void world_start(struct world *world, bool eager)
{
	world_init(world);
	world->eager = eager;
	world->signing_key = TEST_KEY_PEM;
	world_txt(world, "k._domainkey.list.example", TEST_KEY_RECORD);
}

static int seal(struct world *world, const char *text, struct slice findings, struct arena *arena,
                struct arc_sealed *out)
{
	struct mail_message message;
	const struct arc_seal_input input = {
		.message = &message, .now = NOW, .authserv_id = SLICE("mx.list.example"), .findings = findings
	};
	unsigned passes = 0;
	int result;

	TRY(mail_parse(slice_of_str(text), &wide, arena, &message));
	do {
		result = arc_seal(&input, &sealer, &config, &keys, &world->ask, arena, out);
		assert_true(++passes <= 6);
	} while (result == ASK_BLOCKED);
	return result;
}

/* The message with the fields on top. To be freed. */
static char *with_fields(const struct arc_sealed *sealed, const char *text)
{
	char *out = malloc(TEXT_SIZE), *at = out;

	assert_non_null(out);
	for (size_t i = 0; i < ARC_ADDED; i++)
		at += sprintf(at, "%s: %.*s\r\n", sealed->fields[i].name, SLICE_FMT(sealed->fields[i].value));
	assert_true((size_t)(at - out) + strlen(text) < TEXT_SIZE);
	strcpy(at, text);
	return out;
}

static void validate(const char *text, struct arc_result *out, struct world *world)
{
	struct mail_message message;

	world_start(world, true);
	assert_int_equal(mail_parse(slice_of_str(text), &wide, &world->arena, &message), MAIL_OK);
	assert_int_equal(arc_validate(&message, NOW, &config, &keys, &world->ask, &world->arena, out), 0);
}

static void check_lines(struct slice value)
{
	while (value.ptr) {
		struct slice line = slice_cut(&value, '\n');

		assert_true(line.len <= 79); /* with its CR */
		assert_true(!value.ptr || (line.ptr[line.len - 1] == '\r' && value.ptr[0] == ' '));
	}
}

/* Thirty-two hops, each of which found the chain below to pass. */
static void test_hop_after_hop(void **state)
{
	char *text = strdup(FROM BODY);
	struct arc_sealed sealed;
	struct arc_result result;
	struct world world;

	(void)state;
	for (unsigned hop = 1; hop <= 32; hop++) {
		char *next;

		world_start(&world, hop % 2);
		assert_int_equal(seal(&world, text, SLICE("mx.list.example; arc=pass; dmarc=pass header.from=author.example"),
		                      &world.arena, &sealed), 0);
		assert_int_equal(sealed.result, ARC_SEALED);
		assert_int_equal(sealed.instance, hop);
		assert_int_equal(sealed.cv, hop == 1 ? ARC_NONE : ARC_PASS);
		assert_int_equal(world.signings_asked, 2);
		assert_int_equal(world.asked_count, 0);
		for (size_t i = 0; i < ARC_ADDED; i++)
			check_lines(sealed.fields[i].value);
		next = with_fields(&sealed, text);
		free(text);
		text = next;
		world_deinit(&world);
		validate(text, &result, &world);
		if (result.result != ARC_PASS || result.instance != hop)
			fail_msg("hop %u: %s", hop, reason_code(result.reason.id));
		assert_slice_equal(result.sets[hop - 1].methods[1].method, SLICE("dmarc"));
		world_deinit(&world);
	}
	free(text);
}

/* The value in one line. */
static struct slice unfolded(struct slice value, char *out)
{
	size_t len = 0;

	for (size_t i = 0; i < value.len; i++)
		if (value.ptr[i] != '\r' && value.ptr[i] != '\n')
			out[len++] = (char)value.ptr[i];
	return slice_of(out, len);
}

/* A message with a chain of one real hop. */
static char *sealed_once(void)
{
	struct arc_sealed sealed;
	struct world world;
	char *text;

	world_start(&world, true);
	assert_int_equal(seal(&world, FROM BODY, SLICE("mx.list.example; spf=pass"), &world.arena, &sealed), 0);
	text = with_fields(&sealed, FROM BODY);
	world_deinit(&world);
	return text;
}

/* cv= and what stands in ARC-Authentication-Results behind "i=2; mx.list.example", for each shape of findings. */
static void test_findings(void **state)
{
	static const struct {
		const char *name, *fields, *given, *cv, *results;
	} cases[] = {
		{ "none", "", NULL, "pass", "; arc=pass" },
		{ "of_another_system", AR "mx.other.example; arc=fail; dmarc=pass\r\n", NULL, "pass", "; arc=pass" },
		{ "of_a_name_below", AR "a.mx.list.example; arc=fail\r\n", NULL, "pass", "; arc=pass" },
		{ "without_id", AR "arc=fail\r\n", NULL, "pass", "; arc=pass" },
		{ "of_an_unknown_version", AR "mx.list.example 2; arc=fail\r\n", NULL, "pass", "; arc=pass" },
		{ "nobody_can_read", AR "mx.list.example; arc=fail; (((\r\n", NULL, "pass", "; arc=pass" },
		{ "with_controls", AR "mx.list.example; arc=fail; a=\"b\001\"\r\n", NULL, "pass", "; arc=pass" },
		{ "with_a_lone_line_end", AR "mx.list.example; arc=fail; a=\"b\nX: y\"\r\n", NULL, "pass", "; arc=pass" },
		{ "nothing_found", AR "mx.list.example; none\r\n", NULL, "pass", "; arc=pass" },
		{ "no_word_on_the_chain", AR "mx.list.example; spf=pass\r\n", NULL, "pass", "; arc=pass; spf=pass" },
		{ "none_of_a_chain", AR "mx.list.example; arc=none; spf=pass\r\n", NULL, "pass", "; arc=none; spf=pass" },
		{ "fail", AR "mx.list.example; arc=fail\r\n", NULL, "fail", "; arc=fail" },
		{ "unknown_word", AR "mx.list.example; arc=perhaps\r\n", NULL, "fail", "; arc=perhaps" },
		{ "first_word_counts", AR "mx.list.example; arc=pass\r\n" AR "mx.list.example; arc=fail\r\n", NULL, "pass",
		  "; arc=pass; arc=fail" },
		{ "several_fields_folded", AR "MX.list.example 1;\r\n\tspf=pass\r\n\t (a  b) smtp.helo=x ; \r\n" AR
		                           "\"mx.list.example\";dkim=pass\r\n" AR "mx.other.example; dmarc=pass\r\n",
		  NULL, "pass", "; arc=pass; spf=pass (a b) smtp.helo=x;dkim=pass" },
		{ "given_ones_alone_count", AR "mx.list.example; arc=fail\r\n", "mx.list.example; arc=pass; spf=pass", "pass",
		  "; arc=pass; spf=pass" },
		{ "given_ones_of_another_system", AR "mx.list.example; arc=fail\r\n", "mx.other.example; arc=fail", "pass",
		  "; arc=pass" },
	};
	char *below = sealed_once();

	(void)state;
	for (size_t i = 0; i < 2 * COUNT_OF(cases); i++) {
		struct slice given = slice_of_str(cases[i / 2].given), shown;
		struct arc_sealed sealed;
		char text[8192], want[256], line[512];
		struct world world;

		snprintf(text, sizeof(text), "%s%s", cases[i / 2].fields, below);
		snprintf(want, sizeof(want), "i=2; mx.list.example%s", cases[i / 2].results);
		world_start(&world, i % 2);
		assert_int_equal(seal(&world, text, given, &world.arena, &sealed), 0);
		shown = unfolded(sealed.fields[2].value, line);
		if (sealed.result != ARC_SEALED || !slice_equal(shown, slice_of_str(want)) ||
		    strcmp(arc_word_text(sealed.cv), cases[i / 2].cv) != 0)
			fail_msg("%s: %s, \"%.*s\"", cases[i / 2].name, arc_word_text(sealed.cv), SLICE_FMT(shown));
		world_deinit(&world);
	}
	free(below);
}

/* Section 5.1.2: a broken chain is sealed as one, and the seal covers its own set alone. */
static void test_broken_chains(void **state)
{
	static const struct {
		const char *name, *on_top;
		enum arc_sealing result;
		enum reason_id reason;
		unsigned instance;
	} cases[] = {
		{ "newest_says_fail", "ARC-Seal: i=2; cv=fail\r\n", ARC_NOT_SEALED, REASON_ARC_SEALED_BROKEN, 0 },
		{ "no_room", "ARC-Seal: i=50; cv=pass\r\n", ARC_NOT_SEALED, REASON_ARC_SETS_EXCESSIVE, 0 },
		{ "gap", "ARC-Seal: i=4; cv=pass\r\n", ARC_SEALED, REASON_ARC_SEALED, 5 },
		{ "no_instance", "ARC-Seal: cv=pass\r\n", ARC_SEALED, REASON_ARC_SEALED, 2 },
	};
	char *below = sealed_once();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arc_sealed sealed;
		struct arc_result result;
		struct world world, again;
		char text[8192], *whole;

		snprintf(text, sizeof(text), "%s%s", cases[i].on_top, below);
		world_start(&world, true);
		/* Whatever is claimed of it. */
		assert_int_equal(seal(&world, text, SLICE("mx.list.example; arc=pass"), &world.arena, &sealed), 0);
		if (sealed.result != cases[i].result || sealed.reason.id != cases[i].reason)
			fail_msg("%s: %s", cases[i].name, reason_code(sealed.reason.id));
		assert_int_equal(world.signings_asked, sealed.result == ARC_SEALED ? 2 : 0);
		if (sealed.result == ARC_SEALED) {
			assert_int_equal(sealed.instance, cases[i].instance);
			assert_int_equal(sealed.cv, ARC_FAIL);
			whole = with_fields(&sealed, text);
			validate(whole, &result, &again);
			assert_int_equal(result.reason.id, REASON_ARC_CV_FAIL);
			world_deinit(&again);
			free(whole);
		}
		world_deinit(&world);
	}
	free(below);
}

/* Two messages over chains that are not the same: the seal differs when it covers them, and not when it says fail. */
static void test_cover_of_a_broken_chain(void **state)
{
	static const struct slice findings[] = { SLICE_INIT("mx.list.example; arc=fail"),
		                                 SLICE_INIT("mx.list.example; arc=pass") };
	char *one = sealed_once(), *other = strdup(one);

	(void)state;
	*strstr(other, "spf=pass") = 'S';
	for (size_t i = 0; i < COUNT_OF(findings); i++) {
		struct arc_sealed first, second;
		struct world worlds[2];

		world_start(&worlds[0], true);
		world_start(&worlds[1], true);
		assert_int_equal(seal(&worlds[0], one, findings[i], &worlds[0].arena, &first), 0);
		assert_int_equal(seal(&worlds[1], other, findings[i], &worlds[1].arena, &second), 0);
		assert_slice_equal(first.fields[1].value, second.fields[1].value);
		assert_int_equal(slice_equal(first.fields[0].value, second.fields[0].value), i == 0);
		world_deinit(&worlds[0]);
		world_deinit(&worlds[1]);
	}
	free(one);
	free(other);
}

/* What changed since it came in makes the chain fail, unless it is known how it came in. */
static void test_validated_now(void **state)
{
	char *text = sealed_once();
	struct arc_sealed sealed;
	struct world world;

	(void)state;
	memcpy(strstr(text, "Hi."), "Ho.", 3);
	for (int eager = 0; eager < 2; eager++) {
		world_start(&world, eager);
		assert_int_equal(seal(&world, text, SLICE_EMPTY, &world.arena, &sealed), 0);
		assert_int_equal(sealed.cv, ARC_FAIL);
		world_deinit(&world);
		world_start(&world, eager);
		assert_int_equal(seal(&world, text, SLICE("mx.list.example; arc=pass"), &world.arena, &sealed), 0);
		assert_int_equal(sealed.cv, ARC_PASS);
		world_deinit(&world);
	}
	free(text);
}

static void test_fault(void **state)
{
	struct arc_sealed sealed;
	struct world world;

	(void)state;
	for (int eager = 0; eager < 2; eager++) {
		world_start(&world, eager);
		world.signing_key = NULL;
		assert_int_equal(seal(&world, FROM BODY, SLICE_EMPTY, &world.arena, &sealed), 0);
		assert_int_equal(sealed.result, ARC_SEAL_FAULT);
		world_deinit(&world);
	}
}

/* h= names a field as often as the message has it, and none that it has not. */
static void test_names(void **state)
{
	static char long_text[8192];
	struct arc_sealed sealed;
	struct arc_result result;
	struct world world;
	char *at = long_text, *whole;

	(void)state;
	for (unsigned i = 0; i < 40; i++)
		at += sprintf(at, "Subject: %u\r\n", i);
	sprintf(at, FROM BODY);
	world_start(&world, true);
	assert_int_equal(seal(&world, FROM BODY, SLICE_EMPTY, &world.arena, &sealed), 0);
	assert_non_null(strstr((const char *)sealed.fields[1].value.ptr, "h=from:subject;"));
	assert_int_equal(seal(&world, "X: y\r\n\r\n", SLICE_EMPTY, &world.arena, &sealed), 0);
	world_deinit(&world);
	world_start(&world, true);
	assert_int_equal(seal(&world, long_text, SLICE_EMPTY, &world.arena, &sealed), 0);
	check_lines(sealed.fields[1].value);
	whole = with_fields(&sealed, long_text);
	world_deinit(&world);
	validate(whole, &result, &world);
	assert_int_equal(result.result, ARC_PASS);
	world_deinit(&world);
	free(whole);
}

/* However little memory there is: -ENOMEM, or the right set; never another one. */
static void test_memory(void **state)
{
	char *below = sealed_once();
	int result = -ENOMEM;
	size_t failed = 0;

	(void)state;
	for (size_t bytes = 0; result == -ENOMEM; bytes += 64) {
		struct arc_sealed sealed;
		struct world world;
		struct arena arena;

		world_start(&world, true);
		arena_init(&arena, bytes);
		result = seal(&world, below, SLICE("mx.list.example; spf=pass"), &arena, &sealed);
		if (result == 0)
			assert_true(sealed.result == ARC_SEALED && sealed.cv == ARC_PASS && sealed.instance == 2);
		failed += result == -ENOMEM;
		arena_deinit(&arena);
		world_deinit(&world);
		assert_true(bytes < 1 << 20);
	}
	assert_int_equal(result, 0);
	assert_true(failed > 20);
	free(below);
}

UNIT_MAIN(cmocka_unit_test(test_hop_after_hop), cmocka_unit_test(test_findings), cmocka_unit_test(test_broken_chains),
          cmocka_unit_test(test_cover_of_a_broken_chain), cmocka_unit_test(test_validated_now),
          cmocka_unit_test(test_fault), cmocka_unit_test(test_names), cmocka_unit_test(test_memory))
