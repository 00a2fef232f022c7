/*
 * Goal:   what came of requests tells how well a server does: who was passed over is asked again when its time is over, or when it
 *         answers; a late word of one that has too much to do does not say that it has time.
 * Method: a clock of numbers.
 */
#include "client/server.h"

#include "unit.h"

#define NOW 1000

static void silence_ends_with_any_reply(void **state)
{
	struct server server = { .state = LINK_UP };

	(void)state;
	for (int i = 0; i < SERVER_FAILURES_SUSPECT; i++) {
		assert_int_equal(server_class(&server, NOW), SERVER_WELL);
		server_failed(&server, NOW, 0);
	}
	assert_int_equal(server_class(&server, NOW), SERVER_SILENT);
	server_is_there(&server);
	assert_int_equal(server_class(&server, NOW), SERVER_WELL);
}

static void a_late_reply_does_not_end_a_refusal(void **state)
{
	struct server server = { .state = LINK_UP };

	(void)state;
	server_refused(&server, NOW, 0);
	assert_int_equal(server_class(&server, NOW), SERVER_BUSY);
	server_is_there(&server);
	assert_int_equal(server_class(&server, NOW), SERVER_BUSY);
	assert_int_equal(server_class(&server, NOW + SERVER_BUSY_MS_FIRST), SERVER_WELL);
	server_answered(&server);
	assert_int_equal(server_class(&server, NOW), SERVER_WELL);
}

static void refusals_in_a_row_last_longer(void **state)
{
	struct server server = { .state = LINK_UP };
	uint64_t now = NOW, shorter = 0;

	(void)state;
	for (int i = 0; i < 4; i++, now = server.busy_until_ms) {
		server_refused(&server, now, 0);
		assert_true(server.busy_until_ms - now > shorter);
		shorter = server.busy_until_ms - now;
		/* What was sent before it was known changes nothing. */
		server_refused(&server, now, 0);
		assert_int_equal(server.busy_until_ms - now, shorter);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silence_ends_with_any_reply),
		cmocka_unit_test(a_late_reply_does_not_end_a_refusal),
		cmocka_unit_test(refusals_in_a_row_last_longer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
