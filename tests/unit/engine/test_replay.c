/*
 * Goal:   a good signature that came before is known again, and about how many clients it came from (STANDARDS S10), in a
 *         memory that does not grow.
 * Method: sights of made-up signatures, on a clock of the test.
 */
#include "engine/replay.h"

#include "unit.h"

#include <stdio.h>

#define NOW 1795000000
#define SET 128 /* octets: four sights */

static struct dkim_signature_result signature_of(const char *domain, const char *start, enum dkim_word result)
{
	return (struct dkim_signature_result){ .result = result, .domain_canonical = slice_of_str(domain),
		                               .signature_start = slice_of_str(start) };
}

static struct replay_sight see(struct replay *replay, const char *domain, const char *start, const char *ip, int64_t now)
{
	struct dkim_signature_result signature = signature_of(domain, start, DKIM_PASS);
	struct ip_address client;

	if (!ip)
		return replay_see(replay, &signature, NULL, now);
	assert_true(ip_parse(slice_of_str(ip), &client));
	return replay_see(replay, &signature, &client, now);
}

static void assert_sight(struct replay_sight sight, uint32_t times, uint32_t clients)
{
	assert_int_equal(sight.times, times);
	assert_int_equal(sight.clients, clients);
}

static void test_what_is_not_remembered(void **state)
{
	static const enum dkim_word words[] = { DKIM_FAIL, DKIM_POLICY, DKIM_NEUTRAL, DKIM_TEMPERROR, DKIM_PERMERROR };
	struct replay replay;

	(void)state;
	assert_int_equal(replay_init(&replay, SET - 1, 1), 0);
	assert_sight(see(&replay, "a.example", "AAAA", "192.0.2.1", NOW), 0, 0);
	replay_deinit(&replay);
	/* What anybody can write must not push out what was proved. */
	assert_int_equal(replay_init(&replay, SET, 1), 0);
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		struct dkim_signature_result signature = signature_of("a.example", "AAAA", words[i]);

		assert_sight(replay_see(&replay, &signature, NULL, NOW), 0, 0);
	}
	assert_sight(see(&replay, "a.example", "AAAA", NULL, NOW), 1, 0);
	replay_deinit(&replay);
}

static void test_seen_again(void **state)
{
	struct replay replay;

	(void)state;
	assert_int_equal(replay_init(&replay, 1 << 20, 1), 0);
	assert_sight(see(&replay, "a.example", "AAAA", "192.0.2.1", NOW), 1, 1);
	assert_sight(see(&replay, "a.example", "AAAB", "192.0.2.1", NOW), 1, 1);
	assert_sight(see(&replay, "b.example", "AAAA", "192.0.2.1", NOW), 1, 1);
	/* What is of the domain and what of the signature is kept apart. */
	assert_sight(see(&replay, "a.exampl", "eAAAA", "192.0.2.1", NOW), 1, 1);
	assert_sight(see(&replay, "a.example", "AAAA", "192.0.2.1", NOW + 1), 2, 1);
	assert_sight(see(&replay, "a.example", "AAAA", "2001:db8::1", NOW + 2), 3, 2);
	assert_sight(see(&replay, "a.example", "AAAA", NULL, NOW + 3), 4, 2);
	replay_deinit(&replay);
}

static void test_many_clients(void **state)
{
	struct replay_sight sight = { .times = 0 };
	struct replay replay;

	(void)state;
	assert_int_equal(replay_init(&replay, SET, 7), 0);
	for (unsigned i = 0; i < 1000; i++) {
		char ip[32];

		snprintf(ip, sizeof(ip), "192.0.%u.%u", i / 250, i % 250);
		sight = see(&replay, "a.example", "AAAA", ip, NOW);
		assert_int_equal(sight.times, i + 1);
		assert_in_range(sight.clients, 1, i + 1);
	}
	assert_int_equal(sight.clients, REPLAY_CLIENTS_MAX);
	replay_deinit(&replay);
}

static void test_window(void **state)
{
	struct replay replay;

	(void)state;
	assert_int_equal(replay_init(&replay, SET, 1), 0);
	assert_sight(see(&replay, "a.example", "AAAA", "192.0.2.1", NOW), 1, 1);
	assert_sight(see(&replay, "a.example", "AAAA", "192.0.2.2", NOW + REPLAY_WINDOW_S), 2, 2);
	assert_sight(see(&replay, "a.example", "AAAA", "192.0.2.2", NOW + 2 * REPLAY_WINDOW_S + 1), 1, 1);
	replay_deinit(&replay);
}

/* Of one set the sight longest ago gives way, and that is said. */
static void test_memory_is_bounded(void **state)
{
	static const char *const starts[] = { "A", "B", "C", "D", "E" };
	struct replay replay;

	(void)state;
	assert_int_equal(replay_init(&replay, 2 * SET - 1, 1), 0);
	assert_int_equal(replay.sets_count, 1);
	for (int i = 0; i < 4; i++)
		assert_false(see(&replay, "a.example", starts[i], NULL, NOW + i).replaced);
	assert_sight(see(&replay, "a.example", "A", NULL, NOW + 4), 2, 0);
	assert_true(see(&replay, "a.example", "E", NULL, NOW + 5).replaced);
	assert_sight(see(&replay, "a.example", "A", NULL, NOW + 6), 3, 0);
	assert_sight(see(&replay, "a.example", "B", NULL, NOW + 7), 1, 0);
	/* One that was forgotten anyway is no loss. */
	assert_false(see(&replay, "a.example", "F", NULL, NOW + 8 + REPLAY_WINDOW_S).replaced);
	replay_deinit(&replay);
}

UNIT_MAIN(cmocka_unit_test(test_what_is_not_remembered), cmocka_unit_test(test_seen_again),
          cmocka_unit_test(test_many_clients), cmocka_unit_test(test_window), cmocka_unit_test(test_memory_is_bounded))
