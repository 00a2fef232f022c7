/*
 * Goal:   libassay's calls against a peer: what is sent is what was given, deadlines hold, threads share a client.
 * Method: a server in a thread of this process answers as the request's id asks it to.
 */
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "client/assay.h"
#include "rep.h"

#define THREADS    8
#define CALLS_EACH 50

struct peer {
	struct rep rep;
	/* Of the last request. */
	size_t message_octets, rcpt_count;
	uint32_t deadline_ms;
	uint8_t last_octet;
};

static bool id_is(const Assay__V1__Request *request, const char *id)
{
	return request->id.len == strlen(id) && memcmp(request->id.data, id, request->id.len) == 0;
}

static void note(struct peer *peer, const Assay__V1__Request *request)
{
	peer->deadline_ms = request->deadline_ms;
	if (request->call_case != ASSAY__V1__REQUEST__CALL_CHECK_MESSAGE)
		return;
	peer->message_octets = request->check_message->message.len;
	peer->last_octet = peer->message_octets ? request->check_message->message.data[peer->message_octets - 1] : 0;
	peer->rcpt_count = request->check_message->envelope->n_rcpt_to;
}

static uint8_t *seal_reply(const Assay__V1__Request *request, Assay__V1__Response *response, size_t *octets_out)
{
	Assay__V1__SealResult__Field echo[3], *echoes[] = { &echo[0], &echo[1], &echo[2] };
	Assay__V1__SealResult seal;

	assay__v1__seal_result__init(&seal);
	for (size_t i = 0; i < COUNT_OF(echo); i++)
		assay__v1__seal_result__field__init(&echo[i]);
	echo[0].value = request->seal->domain;
	echo[1].value = request->seal->authentication_results;
	echo[2].value = request->seal->message;
	seal.fields = echoes;
	seal.n_fields = COUNT_OF(echo);
	response->result_case = ASSAY__V1__RESPONSE__RESULT_SEAL;
	response->seal = &seal;
	return rep_pack(response, octets_out);
}

static uint8_t *garbage(size_t *octets_out)
{
	uint8_t *octets = malloc(7);

	assert_non_null(octets);
	*octets_out = 7;
	return memset(octets, 0xff, 7);
}

static uint8_t *answer(void *arg, const Assay__V1__Request *request, size_t *octets_out)
{
	Assay__V1__Response response = ASSAY__V1__RESPONSE__INIT;
	Assay__V1__Verdict verdict = ASSAY__V1__VERDICT__INIT;
	Assay__V1__StatusResult status;

	note(arg, request);
	if (id_is(request, "silence"))
		return NULL;
	if (id_is(request, "garbage"))
		return garbage(octets_out);
	response.id = request->id;
	if (request->call_case == ASSAY__V1__REQUEST__CALL_SEAL)
		return seal_reply(request, &response, octets_out);
	if (request->call_case == ASSAY__V1__REQUEST__CALL_STATUS) {
		assay__v1__status_result__init(&status);
		response.result_case = ASSAY__V1__RESPONSE__RESULT_STATUS;
		response.status = &status;
		return rep_pack(&response, octets_out);
	}
	verdict.authentication_results = request->id;
	response.result_case = ASSAY__V1__RESPONSE__RESULT_VERDICT;
	response.verdict = &verdict;
	return rep_pack(&response, octets_out);
}

static int setup(void **state)
{
	struct peer *peer = calloc(1, sizeof *peer);

	if (!peer)
		return -1;
	rep_start(&peer->rep, answer, peer);
	*state = peer;
	return 0;
}

static int teardown(void **state)
{
	struct peer *peer = *state;

	rep_stop(&peer->rep);
	free(peer);
	return 0;
}

static struct assay_client *open_client(const struct peer *peer)
{
	struct assay_options options = { .size = sizeof options, .connect_ms = 5000 };
	struct assay_client *client;

	assert_int_equal(assay_open(peer->rep.url, &options, &client, NULL), ASSAY_OK);
	return client;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void message_arrives_whole(void **state)
{
	static const size_t sizes[] = { 0, 1, 127, 128, 129, 16383, 16384, 2097152, 20 << 20 };
	const struct peer *peer = *state;
	struct assay_client *client = open_client(peer);
	const char *rcpt[] = { "a@x.example", "b@x.example", "" };
	struct assay_envelope envelope = { .size = sizeof envelope, .rcpt_to = rcpt, .rcpt_count = 3 };
	struct assay_call call = { .size = sizeof call, .deadline_ms = 5000 };
	struct assay_answer *answer;

	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		char *octets = malloc(sizes[i] + 1);

		assert_non_null(octets);
		memset(octets, 'x', sizes[i]);
		if (sizes[i])
			octets[sizes[i] - 1] = '!';
		assert_int_equal(assay_check_message(client, &call, &envelope, octets, sizes[i], &answer, NULL),
				 ASSAY_OK);
		assert_int_equal(peer->message_octets, sizes[i]);
		assert_int_equal(peer->last_octet, sizes[i] ? '!' : 0);
		assert_int_equal(peer->rcpt_count, 3);
		assert_in_range(peer->deadline_ms, 4000, 4999);
		assay_answer_free(answer);
		free(octets);
	}
	assay_close(client);
}

static void sealing_arrives(void **state)
{
	struct assay_client *client = open_client(*state);
	struct assay_sealing sealing = { .size = sizeof sealing, .domain = "list.example",
					 .authentication_results = "mx; arc=pass" };
	struct assay_failure failure;
	struct assay_answer *answer;

	assert_int_equal(assay_seal_message(client, NULL, NULL, &sealing, "mail", 4, &answer, NULL), ASSAY_OK);
	assert_string_equal(assay_answer_seal(answer)->fields[0]->value.octets, "list.example");
	assert_string_equal(assay_answer_seal(answer)->fields[1]->value.octets, "mx; arc=pass");
	assert_string_equal(assay_answer_seal(answer)->fields[2]->value.octets, "mail");
	assay_answer_free(answer);
	assert_int_equal(assay_seal_message(client, NULL, NULL, NULL, NULL, 0, &answer, NULL), ASSAY_OK);
	assert_string_equal(assay_answer_seal(answer)->fields[0]->value.octets, "");
	assay_answer_free(answer);
	sealing.size = 0;
	assert_int_equal(assay_seal_message(client, NULL, NULL, &sealing, "mail", 4, &answer, &failure), ASSAY_ERROR_ARGUMENT);
	assert_null(answer);
	assay_close(client);
}

static void silence_ends_at_the_deadline(void **state)
{
	struct assay_client *client = open_client(*state);
	struct assay_call call = { .size = sizeof call, .id = "silence", .deadline_ms = 100 };
	struct assay_failure failure;
	struct assay_answer *answer;
	uint64_t start = now_ms();

	assert_int_equal(assay_get_status(client, &call, &answer, &failure), ASSAY_ERROR_TIMEOUT);
	assert_in_range(now_ms() - start, 90, 3000);
	assert_null(answer);
	assert_string_equal(failure.text, "no answer within 100 ms");
	call.id = "then";
	call.deadline_ms = 5000;
	assert_int_equal(assay_get_status(client, &call, &answer, &failure), ASSAY_OK);
	assay_answer_free(answer);
	assay_close(client);
}

static void garbage_is_a_protocol_error(void **state)
{
	struct assay_client *client = open_client(*state);
	struct assay_call call = { .size = sizeof call, .id = "garbage", .deadline_ms = 5000 };
	struct assay_answer *answer;

	assert_int_equal(assay_get_status(client, &call, &answer, NULL), ASSAY_ERROR_PROTOCOL);
	assert_null(answer);
	assay_close(client);
}

struct caller {
	struct assay_client *client;
	unsigned number, good;
};

static void *call_often(void *argument)
{
	struct caller *caller = argument;

	for (unsigned i = 0; i < CALLS_EACH; i++) {
		char id[32];
		struct assay_call call = { .size = sizeof call, .id = id, .deadline_ms = 20000 };
		struct assay_answer *answer;

		snprintf(id, sizeof id, "%u-%u", caller->number, i);
		if (assay_check_message(caller->client, &call, NULL, "x", 1, &answer, NULL) != ASSAY_OK)
			continue;
		caller->good += strcmp(assay_answer_verdict(answer)->authentication_results.octets, id) == 0;
		assay_answer_free(answer);
	}
	return NULL;
}

static void threads_share_a_client(void **state)
{
	struct assay_client *client = open_client(*state);
	struct caller callers[THREADS];
	pthread_t threads[THREADS];

	for (unsigned i = 0; i < THREADS; i++) {
		callers[i] = (struct caller){ .client = client, .number = i };
		assert_int_equal(pthread_create(&threads[i], NULL, call_often, &callers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(callers[i].good, CALLS_EACH);
	}
	assay_close(client);
}

static void values_out_of_bounds_are_refused(void **state)
{
	struct assay_client *client = open_client(*state);
	char id[ASSAY_ID_OCTETS_MAX + 2];
	struct assay_call call = { .size = sizeof call, .id = id };
	struct assay_envelope envelope = { 0 };
	struct assay_failure failure;
	struct assay_answer *answer;

	memset(id, 'x', sizeof id - 1);
	id[sizeof id - 1] = '\0';
	assert_int_equal(assay_get_status(client, &call, &answer, &failure), ASSAY_ERROR_ARGUMENT);
	call = (struct assay_call){ 0 };
	assert_int_equal(assay_get_status(client, &call, &answer, &failure), ASSAY_ERROR_ARGUMENT);
	assert_int_equal(assay_check_sender(client, NULL, &envelope, &answer, &failure), ASSAY_ERROR_ARGUMENT);
	assay_close(client);
}

static void nobody_there(void **state)
{
	struct assay_options options = { .size = sizeof options, .connect_ms = 2000 };
	struct assay_call call = { .size = sizeof call, .deadline_ms = 80 };
	struct assay_failure failure;
	struct assay_client *client;
	struct assay_answer *answer;

	(void)state;
	assert_int_equal(assay_open("ipc:///tmp/assay-test-nobody/sock", &options, &client, &failure),
			 ASSAY_ERROR_CONNECT);
	assert_null(client);
	assert_int_equal(assay_open("nonsense", NULL, &client, &failure), ASSAY_ERROR_ARGUMENT);
	assert_null(client);
	/* In the background: opening succeeds, calling does not. */
	assert_int_equal(assay_open("ipc:///tmp/assay-test-nobody/sock", NULL, &client, &failure), ASSAY_OK);
	assert_int_equal(assay_get_status(client, &call, &answer, &failure), ASSAY_ERROR_CONNECT);
	assert_null(answer);
	assay_close(client);
	assay_close(NULL);
	assay_answer_free(NULL);
}

/* Structs as they were at first, and as they will be; less than the first is no struct. */
static void older_programs(void **state)
{
	struct assay_client *client = open_client(*state);
	struct {
		struct assay_call call;
		char grown[16];
	} newer = { .call = { .size = sizeof newer } };
	struct assay_call call = { .size = offsetof(struct assay_call, deadline_ms) + sizeof call.deadline_ms };
	struct assay_answer *answer;

	assert_int_equal(assay_get_status(client, &call, &answer, NULL), ASSAY_OK);
	assay_answer_free(answer);
	assert_int_equal(assay_get_status(client, &newer.call, &answer, NULL), ASSAY_OK);
	assay_answer_free(answer);
	call.size--;
	assert_int_equal(assay_get_status(client, &call, &answer, NULL), ASSAY_ERROR_ARGUMENT);
	assay_close(client);
}

/* It is refused before an octet of it is read. */
static void too_large_for_the_wire(void **state)
{
	struct assay_client *client = open_client(*state);
	struct assay_failure failure;
	struct assay_answer *answer;

	assert_int_equal(assay_check_message(client, NULL, NULL, "x", (size_t)1 << 31, &answer, &failure), ASSAY_ERROR_TOO_LARGE);
	assert_int_equal(assay_check_message(client, NULL, NULL, "x", ((size_t)1 << 32) + 1, &answer, &failure),
			 ASSAY_ERROR_TOO_LARGE);
	assert_true(strlen(failure.text) > 0);
	assay_close(client);
}

#define CALL_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT_MAIN(CALL_TEST(message_arrives_whole), CALL_TEST(sealing_arrives), CALL_TEST(silence_ends_at_the_deadline),
	  CALL_TEST(garbage_is_a_protocol_error), CALL_TEST(threads_share_a_client),
	  CALL_TEST(values_out_of_bounds_are_refused), CALL_TEST(older_programs), CALL_TEST(too_large_for_the_wire),
	  cmocka_unit_test(nobody_there))
