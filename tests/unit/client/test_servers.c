/*
 * Goal:   of several servers those that are well are asked; one that is away, silent, overloaded or talks nonsense costs no
 *         verdict while another is well, and no call lasts longer than its deadline.
 * Method: peers in this process change their behaviour between calls; what each was asked is counted.
 */
#include "unit.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "peer.h"

static struct peer peers[2];

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct assay_client *open_both(enum assay_balance balance, uint32_t hedge_percent)
{
	struct assay_options options = {
		.size = sizeof options, .connect_ms = 5000, .balance = balance, .hedge_percent = hedge_percent
	};
	struct assay_server servers[2] = { { .size = sizeof servers[0] }, { .size = sizeof servers[1] } };
	struct assay_client *client;
	char urls[300];

	snprintf(urls, sizeof urls, " %s,\t%s ", peers[0].url, peers[1].url);
	assert_int_equal(assay_open(urls, &options, &client, NULL), ASSAY_OK);
	for (int i = 0; i < 5000 && !(servers[0].connected && servers[1].connected); i++) {
		assert_int_equal(assay_get_server(client, 0, &servers[0]), ASSAY_OK);
		assert_int_equal(assay_get_server(client, 1, &servers[1]), ASSAY_OK);
		nng_msleep(1);
	}
	assert_int_equal(servers[0].connected, 1);
	assert_int_equal(servers[1].connected, 1);
	assert_string_equal(servers[1].url, peers[1].url);
	return client;
}

static struct assay_server state_of(struct assay_client *client, unsigned number)
{
	struct assay_server server = { .size = sizeof server };

	assert_int_equal(assay_get_server(client, number, &server), ASSAY_OK);
	return server;
}

static enum assay_error ask(struct assay_client *client, uint32_t deadline_ms, struct assay_failure *failure)
{
	struct assay_call call = { .size = sizeof call, .id = "q", .deadline_ms = deadline_ms };
	struct assay_answer *answer;
	uint64_t began = now_ms();
	enum assay_error error = assay_check_message(client, &call, NULL, "x", 1, &answer, failure);

	assert_in_range(now_ms() - began, 0, deadline_ms + 1000);
	assay_answer_free(answer);
	return error;
}

static void round_robin(void **state)
{
	struct assay_client *client = open_both(ASSAY_ROUND_ROBIN, 0);

	(void)state;
	for (int i = 0; i < 40; i++)
		assert_int_equal(ask(client, 5000, NULL), ASSAY_OK);
	assert_int_equal(state_of(client, 0).requests, 20);
	assert_int_equal(state_of(client, 1).requests, 20);
	assert_true(state_of(client, 0).octets > 20);
	assert_int_equal(assay_get_server(client, 2, &(struct assay_server){ .size = sizeof(struct assay_server) }),
			 ASSAY_ERROR_ARGUMENT);
	assay_close(client);
}

/* Whatever one of them does, the other has the verdict. */
static void other_one_is_asked(void **state)
{
	static const enum peer_mode modes[] = { PEER_SILENT, PEER_GARBAGE, PEER_OVERLOADED, PEER_INTERNAL, PEER_OTHER_ID };
	struct assay_client *client = open_both(ASSAY_ROUND_ROBIN, 20);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(modes); i++) {
		for (int bad = 0; bad < 2; bad++) {
			atomic_store(&peers[bad].mode, modes[i]);
			for (int call = 0; call < 8; call++) {
				struct assay_failure failure;

				if (ask(client, 1000, &failure) != ASSAY_OK)
					fail_msg("mode %d of peer %d: %s", (int)modes[i], bad, failure.text);
			}
			atomic_store(&peers[bad].mode, PEER_ANSWERS);
		}
	}
	assert_true(state_of(client, 0).hedges + state_of(client, 1).hedges > 0);
	assert_true(state_of(client, 0).overloaded > 0);
	assert_true(state_of(client, 0).unanswered > 0);
	assay_close(client);
}

static void both_are_bad(void **state)
{
	struct assay_client *client = open_both(ASSAY_LEAST_IN_FLIGHT, 20);
	static const struct {
		enum peer_mode mode;
		enum assay_error error;
	} cases[] = { { PEER_GARBAGE, ASSAY_ERROR_PROTOCOL },
		      { PEER_INTERNAL, ASSAY_ERROR_INTERNAL },
		      { PEER_SILENT, ASSAY_ERROR_TIMEOUT },
		      { PEER_OVERLOADED, ASSAY_ERROR_OVERLOADED } };
	struct assay_failure failure;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		atomic_store(&peers[0].mode, cases[i].mode);
		atomic_store(&peers[1].mode, cases[i].mode);
		assert_int_equal(ask(client, 300, &failure), cases[i].error);
		assert_int_equal(failure.error, cases[i].error);
		assert_true(failure.text[0]);
	}
	assay_close(client);
}

/* A server that has too much to do is left alone: many calls, few of them asked it. */
static void overload_is_respected(void **state)
{
	struct assay_client *client = open_both(ASSAY_ROUND_ROBIN, 0);
	uint64_t asked;

	(void)state;
	atomic_store(&peers[0].mode, PEER_OVERLOADED);
	for (int i = 0; i < 300; i++)
		assert_int_equal(ask(client, 5000, NULL), ASSAY_OK);
	asked = state_of(client, 0).requests;
	assert_in_range(asked, 1, 60);
	assert_int_equal(state_of(client, 0).overloaded, asked);
	/* Both: what is not sent is not waited for longer than half of its time. */
	atomic_store(&peers[1].mode, PEER_OVERLOADED);
	for (int i = 0; i < 30; i++)
		assert_int_equal(ask(client, 100, NULL), ASSAY_ERROR_OVERLOADED);
	assert_true(state_of(client, 0).avoided || state_of(client, 1).avoided);
	/* And when they are well again, so are the calls. */
	atomic_store(&peers[0].mode, PEER_ANSWERS);
	atomic_store(&peers[1].mode, PEER_ANSWERS);
	nng_msleep(1100);
	assert_int_equal(ask(client, 5000, NULL), ASSAY_OK);
	assay_close(client);
}

/* ---- a callback that asks again ---- */

struct again {
	struct assay_client *client;
	struct assay_mail *mail;
	uint64_t until_ms;
	unsigned chunks; /* of the mail */
	atomic_uint count;
	atomic_bool nested, ended;
};

static _Thread_local unsigned depth; /* of callbacks in one another */
static const char chunk[10000];

static void ask_again(void *arg, struct assay_answer *answer, const struct assay_failure *failure);

static void start_again(struct again *again)
{
	struct assay_call call = { .size = sizeof call, .deadline_ms = 50 };

	assert_int_equal(assay_mail_begin(again->client, &call, NULL, &again->mail, NULL), ASSAY_OK);
	for (unsigned i = 0; i < again->chunks; i++)
		assert_int_equal(assay_mail_add(again->mail, chunk, sizeof chunk, NULL), ASSAY_OK);
	assert_int_equal(assay_mail_start(again->mail, ask_again, again, NULL), ASSAY_OK);
}

static void ask_again(void *arg, struct assay_answer *answer, const struct assay_failure *failure)
{
	struct again *again = arg;

	(void)failure;
	assay_answer_free(answer);
	assay_mail_end(again->mail);
	atomic_fetch_add(&again->count, 1);
	if (++depth > 1)
		atomic_store(&again->nested, true);
	if (now_ms() < again->until_ms && depth < 100)
		start_again(again);
	else
		atomic_store(&again->ended, true);
	depth--;
}

/* What is refused without being sent is told by the clock: not in the call itself, where asking again would have no end. */
static void refusals_take_turns(void **state)
{
	struct again again = { .client = open_both(ASSAY_ROUND_ROBIN, 100) };

	(void)state;
	atomic_store(&peers[0].mode, PEER_OVERLOADED);
	atomic_store(&peers[1].mode, PEER_OVERLOADED);
	for (uint64_t until = now_ms() + 2000; now_ms() < until;)
		assert_int_not_equal(ask(again.client, 100, NULL), ASSAY_OK);
	again.until_ms = now_ms() + 300;
	start_again(&again);
	for (int i = 0; i < 500 && !atomic_load(&again.ended); i++)
		nng_msleep(10);
	assert_true(atomic_load(&again.ended));
	assay_close(again.client);
	assert_false(atomic_load(&again.nested));
	assert_in_range(atomic_load(&again.count), 2, 100);
}

/* A call whose time is over while it waits for a busy server was not asked because of that, and says so. */
static void busy_until_the_end(void **state)
{
	struct assay_client *client = open_both(ASSAY_ROUND_ROBIN, 100);
	unsigned unasked = 0;

	(void)state;
	atomic_store(&peers[0].mode, PEER_OVERLOADED);
	atomic_store(&peers[1].mode, PEER_OVERLOADED);
	for (uint64_t until = now_ms() + 1000; now_ms() < until;) {
		uint64_t sent = state_of(client, 0).requests + state_of(client, 1).requests;
		enum assay_error error = ask(client, 4, NULL); /* the clock looks after 5 */

		if (state_of(client, 0).requests + state_of(client, 1).requests != sent)
			continue;
		assert_int_equal(error, ASSAY_ERROR_OVERLOADED);
		unasked++;
	}
	assay_close(client);
	assert_true(unasked > 0);
}

static atomic_size_t allocated_max = SIZE_MAX;

static void *allocate_some(void *arg, size_t octets)
{
	(void)arg;
	return octets <= atomic_load(&allocated_max) ? malloc(octets) : NULL;
}

static void release(void *arg, void *memory)
{
	(void)arg;
	free(memory);
}

/* Nor is it told within the call that there is no memory to send it with. */
static void no_memory_takes_turns(void **state)
{
	const struct assay_allocator allocator = { allocate_some, release, NULL };
	struct assay_options options = { .size = sizeof options, .connect_ms = 5000, .allocator = &allocator };
	struct again again = { .until_ms = now_ms() + 200, .chunks = 2 };
	unsigned asked = atomic_load(&peers[0].requests);

	(void)state;
	assert_int_equal(assay_open(peers[0].url, &options, &again.client, NULL), ASSAY_OK);
	atomic_store(&allocated_max, sizeof chunk + sizeof chunk / 2); /* a chunk, not both */
	start_again(&again);
	for (int i = 0; i < 500 && !atomic_load(&again.ended); i++)
		nng_msleep(10);
	atomic_store(&allocated_max, SIZE_MAX);
	assert_true(atomic_load(&again.ended));
	assay_close(again.client);
	assert_int_equal(atomic_load(&peers[0].requests), asked);
	assert_false(atomic_load(&again.nested));
	assert_in_range(atomic_load(&again.count), 2, 100);
}

static void silence_is_remembered(void **state)
{
	struct assay_client *client = open_both(ASSAY_ROUND_ROBIN, 10);
	unsigned before;

	(void)state;
	atomic_store(&peers[0].mode, PEER_SILENT);
	for (int i = 0; i < 8; i++)
		assert_int_equal(ask(client, 500, NULL), ASSAY_OK);
	assert_true(state_of(client, 0).avoided);
	before = atomic_load(&peers[0].requests);
	for (int i = 0; i < 50; i++)
		assert_int_equal(ask(client, 500, NULL), ASSAY_OK);
	assert_in_range(atomic_load(&peers[0].requests) - before, 0, 2);
	assay_close(client);
}

/* A server that was silent is asked all the same where no other one can be reached, while its time is not over. */
static void silent_or_none(uint32_t hedge_percent)
{
	struct assay_client *client = open_both(ASSAY_ROUND_ROBIN, hedge_percent);
	uint64_t until = now_ms() + 3000; /* passed over for a second and more by then */
	enum assay_error error;

	atomic_store(&peers[0].mode, PEER_SILENT);
	while (now_ms() < until || !state_of(client, 0).avoided) {
		error = ask(client, hedge_percent < 100 ? 300 : 100, NULL);
		assert_true(error == ASSAY_OK || hedge_percent == 100);
		nng_msleep(1);
	}
	atomic_store(&peers[0].mode, PEER_ANSWERS);
	peer_stop(&peers[1]);
	while (state_of(client, 1).connected)
		nng_msleep(1);
	error = ask(client, 300, NULL);
	assay_close(client);
	peer_start(&peers[1]);
	assert_int_equal(error, ASSAY_OK);
}

static void silent_one_is_better_than_none(void **state)
{
	(void)state;
	silent_or_none(10);
}

static void without_hedging_too(void **state)
{
	(void)state;
	silent_or_none(100);
}

/* Of two that have too much to do, the one that may be asked again first is waited for. */
static void sooner_one_is_waited_for(void **state)
{
	struct assay_client *client = open_both(ASSAY_LEAST_IN_FLIGHT, 100);

	(void)state;
	for (int turn = 0; turn < 6; turn++) {
		uint64_t refused = state_of(client, 0).overloaded;

		/* The first is refused for the better part of a second, and just now. */
		atomic_store(&peers[0].mode, PEER_OVERLOADED);
		while (state_of(client, 0).overloaded < (turn == 0 ? 7 : refused + 1)) {
			assert_int_equal(ask(client, 5000, NULL), ASSAY_OK);
			nng_msleep(2);
		}
		/* The second for a moment. */
		atomic_store(&peers[1].mode, PEER_OVERLOADED);
		assert_int_equal(ask(client, 200, NULL), ASSAY_ERROR_OVERLOADED);
		atomic_store(&peers[1].mode, PEER_ANSWERS);
		assert_int_equal(ask(client, 200, NULL), ASSAY_OK);
	}
	assay_close(client);
}

/* One answers slowly: a second one is asked beside it, and neither verdict is taken twice. */
static void slow_one_is_hedged(void **state)
{
	struct assay_client *client = open_both(ASSAY_ROUND_ROBIN, 10);
	uint64_t began = now_ms();

	(void)state;
	atomic_store(&peers[0].mode, PEER_SLOW);
	atomic_store(&peers[1].mode, PEER_SLOW);
	assert_int_equal(ask(client, 1000, NULL), ASSAY_OK);
	assert_in_range(now_ms() - began, PEER_SLOW_MS, 10000);
	assert_int_equal(state_of(client, 0).requests + state_of(client, 1).requests, 2);
	assert_int_equal(state_of(client, 0).hedges + state_of(client, 1).hedges, 1);
	assay_close(client);
}

/* Lost while it was waited for: another one is asked at once, and the same one when there is no other. */
static void lost_connection(void **state)
{
	struct assay_options options = { .size = sizeof options, .connect_ms = 5000 };
	struct assay_client *client = open_both(ASSAY_ROUND_ROBIN, 100);

	(void)state;
	assert_int_equal(ask(client, 5000, NULL), ASSAY_OK);
	peer_stop(&peers[0]);
	for (int i = 0; i < 6; i++)
		assert_int_equal(ask(client, 5000, NULL), ASSAY_OK);
	assay_close(client);
	peer_start(&peers[0]);
	assert_int_equal(assay_open(peers[0].url, &options, &client, NULL), ASSAY_OK);
	assert_int_equal(ask(client, 5000, NULL), ASSAY_OK);
	assay_close(client);
}

static void keep_error(void *arg, struct assay_answer *answer, const struct assay_failure *failure)
{
	assay_answer_free(answer);
	atomic_store((atomic_int *)arg, answer ? ASSAY_OK : (int)failure->error);
}

static void refuse_for_long(struct assay_client *client)
{
	atomic_store(&peers[0].mode, PEER_OVERLOADED);
	while (state_of(client, 0).overloaded < 6) {
		assert_int_equal(ask(client, 5000, NULL), ASSAY_OK);
		nng_msleep(2);
	}
}

/* A call that waited for a busy server and was sent to it then does not say that it was not. */
static void lost_then_busy_then_silent(void **state)
{
	struct assay_client *client = open_both(ASSAY_LEAST_IN_FLIGHT, 100);
	struct assay_call call = { .size = sizeof call, .deadline_ms = 2000 };
	uint64_t asked[2];
	struct assay_mail *mail;
	atomic_int error = -1;

	(void)state;
	refuse_for_long(client);
	for (unsigned i = 0; i < 2; i++) {
		atomic_store(&peers[i].mode, PEER_SILENT);
		asked[i] = atomic_load(&peers[i].requests);
	}
	assert_int_equal(assay_mail_begin(client, &call, NULL, &mail, NULL), ASSAY_OK);
	assert_int_equal(assay_mail_start(mail, keep_error, &error, NULL), ASSAY_OK);
	for (int i = 0; i < 1000 && atomic_load(&peers[1].requests) == asked[1]; i++)
		nng_msleep(1);
	peer_stop(&peers[1]);
	for (int i = 0; i < 500 && atomic_load(&error) < 0; i++)
		nng_msleep(10);
	assay_mail_end(mail);
	assay_close(client);
	peer_start(&peers[1]);
	assert_int_equal(atomic_load(&peers[0].requests), asked[0] + 1);
	assert_int_equal(atomic_load(&error), ASSAY_ERROR_CONNECT);
}

static atomic_uint fails; /* so many of the large blocks to come are not there */

static void *allocate_later(void *arg, size_t octets)
{
	(void)arg;
	if (octets > sizeof chunk + sizeof chunk / 2 && atomic_load(&fails) > 0) {
		atomic_fetch_sub(&fails, 1);
		return NULL;
	}
	return malloc(octets);
}

/* Memory that is there again a moment later, and a server that does not answer: it is silent, and there was memory. */
static void memory_comes_back(void **state)
{
	static const struct assay_allocator allocator = { allocate_later, release, NULL };
	struct assay_options options = { .size = sizeof options, .connect_ms = 5000, .allocator = &allocator };
	struct assay_call call = { .size = sizeof call, .deadline_ms = 300 };
	static const struct {
		enum peer_mode mode;
		enum assay_error error;
	} cases[] = { { PEER_ANSWERS, ASSAY_OK }, { PEER_SILENT, ASSAY_ERROR_TIMEOUT } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct assay_client *client;
		struct assay_mail *mail;
		atomic_int error = -1;

		atomic_store(&peers[0].mode, cases[i].mode);
		assert_int_equal(assay_open(peers[0].url, &options, &client, NULL), ASSAY_OK);
		assert_int_equal(assay_mail_begin(client, &call, NULL, &mail, NULL), ASSAY_OK);
		for (int chunks = 0; chunks < 2; chunks++)
			assert_int_equal(assay_mail_add(mail, chunk, sizeof chunk, NULL), ASSAY_OK);
		atomic_store(&fails, 1);
		assert_int_equal(assay_mail_start(mail, keep_error, &error, NULL), ASSAY_OK);
		for (int turn = 0; turn < 500 && atomic_load(&error) < 0; turn++)
			nng_msleep(10);
		assert_int_equal(atomic_load(&fails), 0);
		assay_mail_end(mail);
		assay_close(client);
		assert_int_equal(atomic_load(&error), cases[i].error);
	}
}

static void bad_lists(void **state)
{
	struct assay_failure failure;
	struct assay_client *client;
	char many[33 * 12 + 1] = "";

	(void)state;
	assert_int_equal(assay_open("", NULL, &client, &failure), ASSAY_ERROR_ARGUMENT);
	assert_int_equal(assay_open(" , ", NULL, &client, &failure), ASSAY_ERROR_ARGUMENT);
	for (int i = 0; i < 33; i++)
		strcat(many, "ipc:///x/xx ");
	assert_int_equal(assay_open(many, NULL, &client, &failure), ASSAY_ERROR_ARGUMENT);
	assert_null(client);
}

static int setup(void **state)
{
	(void)state;
	peer_start(&peers[0]);
	peer_start(&peers[1]);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	peer_stop(&peers[0]);
	peer_stop(&peers[1]);
	return 0;
}

#define PEER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT_MAIN(PEER_TEST(round_robin), PEER_TEST(other_one_is_asked), PEER_TEST(both_are_bad), PEER_TEST(overload_is_respected),
	  PEER_TEST(refusals_take_turns), PEER_TEST(busy_until_the_end), PEER_TEST(no_memory_takes_turns),
	  PEER_TEST(silence_is_remembered), PEER_TEST(silent_one_is_better_than_none),
	  PEER_TEST(without_hedging_too), PEER_TEST(sooner_one_is_waited_for),
	  PEER_TEST(slow_one_is_hedged), PEER_TEST(lost_connection),
	  PEER_TEST(lost_then_busy_then_silent), PEER_TEST(memory_comes_back),
	  cmocka_unit_test(bad_lists))
