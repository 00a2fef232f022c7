/*
 * Goal:   a connection whose other end is gone without a word is made anew; a call waits at no server that cannot be reached while
 *         another one can; thousands of calls to a server that has stopped cost little; why there is no connection is said.
 * Method: a proxy in front of a peer stops to hand on octets; addresses where nobody listens, or somebody who never greets.
 */
#include "unit.h"

#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "peer.h"
#include "proxy.h"

#define NOBODY "tcp://127.0.0.1:1"

static struct peer peer;
static struct proxy proxy;

static uint64_t us_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t ms_of(clockid_t clock)
{
	return us_of(clock) / 1000;
}

static struct assay_client *open_at(const char *first, const char *second, uint32_t connect_ms)
{
	struct assay_options options = { .size = sizeof options, .connect_ms = connect_ms, .hedge_percent = 100 };
	struct assay_client *client;
	char urls[400];

	snprintf(urls, sizeof urls, "%s %s", first, second);
	assert_int_equal(assay_open(urls, &options, &client, NULL), ASSAY_OK);
	return client;
}

static enum assay_error ask(struct assay_client *client, uint32_t deadline_ms, struct assay_failure *failure)
{
	struct assay_call call = { .size = sizeof call, .deadline_ms = deadline_ms };
	struct assay_answer *answer;
	enum assay_error error = assay_check_message(client, &call, NULL, "x", 1, &answer, failure);

	assay_answer_free(answer);
	return error;
}

static void wait_for_both(const struct assay_client *client)
{
	struct assay_server servers[2] = { { .size = sizeof servers[0] }, { .size = sizeof servers[1] } };

	while (!servers[0].connected || !servers[1].connected) {
		nng_msleep(1);
		assert_int_equal(assay_get_server(client, 0, &servers[0]), ASSAY_OK);
		assert_int_equal(assay_get_server(client, 1, &servers[1]), ASSAY_OK);
	}
}

static void half_open_is_replaced(void **state)
{
	struct assay_server server = { .size = sizeof server };
	struct assay_client *client = open_at(proxy.url, "", 5000);
	int lost = 0;

	(void)state;
	assert_int_equal(ask(client, 5000, NULL), ASSAY_OK);
	atomic_store(&proxy.mute, 1);
	while (lost < 20 && ask(client, 400, NULL) != ASSAY_OK)
		lost++;
	assert_in_range(lost, 3, 5);
	assert_int_equal(assay_get_server(client, 0, &server), ASSAY_OK);
	assert_int_equal(server.replaced, 1);
	assert_int_equal(atomic_load(&proxy.connections), 2);
	for (int i = 0; i < 10; i++)
		assert_int_equal(ask(client, 5000, NULL), ASSAY_OK);
	assay_close(client);
}

/* Slow is not gone: where anything comes, or too little was asked, the connection stays. */
static void slow_is_not_replaced(void **state)
{
	struct assay_server server = { .size = sizeof server };
	struct assay_client *client = open_at(proxy.url, "", 5000);

	(void)state;
	atomic_store(&peer.mode, PEER_SLOW);
	for (int i = 0; i < 6; i++)
		assert_int_equal(ask(client, 200, NULL), ASSAY_ERROR_TIMEOUT);
	assert_int_equal(assay_get_server(client, 0, &server), ASSAY_OK);
	assert_int_equal(server.replaced, 0);
	assert_int_equal(atomic_load(&proxy.connections), 1);
	assay_close(client);
}

/* Without hedging, and before anything is known of the servers. */
static void the_live_one_answers(void **state)
{
	const char *dead[] = { NOBODY, "ipc:///nowhere/at/all", proxy.url };

	(void)state;
	atomic_store(&proxy.mute, PROXY_CONNECTIONS_MAX);
	for (size_t i = 0; i < COUNT_OF(dead); i++) {
		for (int turn = 0; turn < 6; turn++) {
			struct assay_client *client = open_at(turn % 2 ? peer.url : dead[i], turn % 2 ? dead[i] : peer.url, 0);
			uint64_t began = ms_of(CLOCK_MONOTONIC);
			struct assay_failure failure;

			for (int call = 0; call < 3; call++)
				if (ask(client, 4000, &failure) != ASSAY_OK)
					fail_msg("%s, turn %d: %s", dead[i], turn, failure.text);
			assert_in_range(ms_of(CLOCK_MONOTONIC) - began, 0, 1500);
			assay_close(client);
		}
	}
}

/* ---- many ---- */

#define MANY      16000
#define FEW       2000
#define MANY_MS   1500
#define TIMES_MAX 2 /* what one of many costs, in what one of a few does; where each looks at all that wait, it is 2.5 and more */

static void on_done(void *arg, struct assay_answer *answer, const struct assay_failure *failure)
{
	(void)failure;
	assay_answer_free(answer);
	atomic_fetch_add((atomic_uint *)arg, 1);
}

/* The CPU time that so many calls take, at a server that has stopped. */
static uint64_t cost_us(struct assay_client *client, int count)
{
	struct assay_mail **mails = calloc((size_t)count, sizeof *mails);
	struct assay_call call = { .size = sizeof call, .deadline_ms = MANY_MS };
	uint64_t began = us_of(CLOCK_PROCESS_CPUTIME_ID);
	static char octets[4000];
	atomic_uint told = 0;

	assert_non_null(mails);
	memset(octets, 'x', sizeof octets);
	for (int i = 0; i < count; i++) {
		assert_int_equal(assay_mail_begin(client, &call, NULL, &mails[i], NULL), ASSAY_OK);
		assert_int_equal(assay_mail_add(mails[i], octets, sizeof octets, NULL), ASSAY_OK);
		assert_int_equal(assay_mail_start(mails[i], on_done, &told, NULL), ASSAY_OK);
	}
	for (int i = 0; i < 3000 && atomic_load(&told) < (unsigned)count; i++)
		nng_msleep(20);
	assert_int_equal(atomic_load(&told), count);
	for (int i = 0; i < count; i++)
		assay_mail_end(mails[i]);
	free(mails);
	return us_of(CLOCK_PROCESS_CPUTIME_ID) - began;
}

/* Times are compared with each other: what watches the program may make them all longer. */
static void many_cost_little(void **state)
{
	struct assay_client *client = open_at(proxy.url, "", 5000);
	uint64_t few_us, many_us;

	(void)state;
	atomic_store(&proxy.mute, PROXY_CONNECTIONS_MAX);
	few_us = cost_us(client, FEW);
	many_us = cost_us(client, MANY);
	if (many_us / MANY > TIMES_MAX * few_us / FEW)
		fail_msg("%u calls: %u us; %u calls: %u us", FEW, (unsigned)few_us, MANY, (unsigned)many_us);
	assay_close(client);
}

/* ---- what nobody waits for ---- */

#define GIVEN_UP        200
#define GIVEN_UP_OCTETS 100000
#define GIVEN_UP_MS     400
#define KEPT_MAX        10 /* being written, and what a client takes itself */

static atomic_size_t allocated;

/* Each block has its size in front. */
static void *count_allocate(void *arg, size_t octets)
{
	max_align_t *block = malloc(sizeof *block + octets);

	(void)arg;
	if (!block)
		return NULL;
	memcpy(block, &octets, sizeof octets);
	atomic_fetch_add(&allocated, octets);
	return block + 1;
}

static void count_release(void *arg, void *memory)
{
	max_align_t *block = (max_align_t *)memory - 1;
	size_t octets;

	(void)arg;
	memcpy(&octets, block, sizeof octets);
	atomic_fetch_sub(&allocated, octets);
	free(block);
}

static void give_up(struct assay_client *client)
{
	struct assay_call call = { .size = sizeof call, .deadline_ms = GIVEN_UP_MS };
	static struct assay_mail *mails[GIVEN_UP];
	static char octets[GIVEN_UP_OCTETS];
	atomic_uint told = 0;

	for (int i = 0; i < GIVEN_UP; i++) {
		assert_int_equal(assay_mail_begin(client, &call, NULL, &mails[i], NULL), ASSAY_OK);
		assert_int_equal(assay_mail_add(mails[i], octets, sizeof octets, NULL), ASSAY_OK);
		assert_int_equal(assay_mail_start(mails[i], on_done, &told, NULL), ASSAY_OK);
	}
	for (int i = 0; i < 1000 && atomic_load(&told) < GIVEN_UP; i++)
		nng_msleep(20);
	for (int i = 0; i < GIVEN_UP; i++)
		assay_mail_end(mails[i]);
	assert_int_equal(atomic_load(&told), GIVEN_UP);
}

/* The requests of calls that are over are freed at once, not when the server comes back or is asked again. */
static void what_is_given_up_is_freed(void **state)
{
	static const struct assay_allocator allocator = { count_allocate, count_release, NULL };
	struct assay_options options = { .size = sizeof options, .allocator = &allocator };
	const char *const urls[] = { NOBODY, proxy.url };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(urls); i++) {
		struct assay_client *client;
		size_t left;

		options.connect_ms = i == 0 ? 0 : 5000;
		assert_int_equal(assay_open(urls[i], &options, &client, NULL), ASSAY_OK);
		atomic_store(&proxy.mute, i == 0 ? 0 : PROXY_CONNECTIONS_MAX);
		give_up(client);
		left = atomic_load(&allocated);
		assay_close(client);
		if (left > (size_t)KEPT_MAX * GIVEN_UP_OCTETS)
			fail_msg("%s: %zu octets", urls[i], left);
		assert_int_equal(atomic_load(&allocated), 0);
	}
}

/* ---- a large reply ---- */

#define LARGE_OCTETS (4u << 20)

static uint8_t *large_or_small(void *arg, const Assay__V1__Request *request, size_t *octets_out)
{
	static uint8_t large[LARGE_OCTETS];
	Assay__V1__Response response = ASSAY__V1__RESPONSE__INIT;
	Assay__V1__Verdict verdict = ASSAY__V1__VERDICT__INIT;

	(void)arg;
	response.id = request->id;
	response.result_case = ASSAY__V1__RESPONSE__RESULT_VERDICT;
	response.verdict = &verdict;
	if (request->id.len)
		verdict.authentication_results = (ProtobufCBinaryData){ sizeof large, large };
	return rep_pack(&response, octets_out);
}

/* What it needed is given back. */
static void large_reply(void **state)
{
	static const struct assay_allocator allocator = { count_allocate, count_release, NULL };
	struct assay_options options = { .size = sizeof options, .connect_ms = 5000, .allocator = &allocator };
	struct assay_call call = { .size = sizeof call, .id = "large", .deadline_ms = 20000 };
	struct assay_client *client;
	struct assay_answer *answer;
	struct rep rep;

	(void)state;
	rep_start(&rep, large_or_small, NULL);
	assert_int_equal(assay_open(rep.url, &options, &client, NULL), ASSAY_OK);
	assert_int_equal(assay_check_message(client, &call, NULL, "x", 1, &answer, NULL), ASSAY_OK);
	assert_int_equal(assay_answer_verdict(answer)->authentication_results.count, LARGE_OCTETS);
	assay_answer_free(answer);
	assert_int_equal(ask(client, 20000, NULL), ASSAY_OK);
	assert_in_range(atomic_load(&allocated), 1, LARGE_OCTETS / 4);
	assay_close(client);
	assert_int_equal(atomic_load(&allocated), 0);
	rep_stop(&rep);
}

/* ---- a server that does not stay ---- */

struct greeter {
	int listener;
	atomic_uint greeted;
};

static void *greet_and_close(void *argument)
{
	struct greeter *greeter = argument;
	char heard[8];
	int fd;

	while ((fd = accept(greeter->listener, NULL, NULL)) >= 0) {
		(void)!send(fd, "\0SP\0\0\x31\0\0", 8, MSG_NOSIGNAL);
		(void)!read(fd, heard, sizeof heard);
		atomic_fetch_add(&greeter->greeted, 1);
		close(fd);
	}
	return NULL;
}

static int listen_at(const char *name, char url[200])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", peer.directory, name);
	snprintf(url, 200, "ipc://%s", address.sun_path);
	assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(listener, 16), 0);
	return listener;
}

/* Connections that end as soon as they begin are made less and less often: at random between 25 ms and 50, 50 and 100, ... */
static void connections_that_end_back_off(void **state)
{
	struct assay_client *client;
	struct greeter greeter = { 0 };
	pthread_t thread;
	char url[200];

	(void)state;
	greeter.listener = listen_at("greeter", url);
	assert_int_equal(pthread_create(&thread, NULL, greet_and_close, &greeter), 0);
	client = open_at(url, "", 0);
	nng_msleep(1500);
	assert_in_range(atomic_load(&greeter.greeted), 2, 8);
	assay_close(client);
	shutdown(greeter.listener, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(greeter.listener);
	unlink(url + strlen("ipc://"));
}

/* Reads until a request begins, and ends the connection a little later. */
static void lose(int listener, unsigned ms)
{
	int fd = accept(listener, NULL, NULL);
	uint8_t heard[9];

	(void)!send(fd, "\0SP\0\0\x31\0\0", 8, MSG_NOSIGNAL);
	(void)!recv(fd, heard, sizeof heard, MSG_WAITALL);
	nng_msleep((int)ms);
	close(fd);
}

/* An empty verdict for each request, until the client ends the connection. */
static void serve(int listener)
{
	uint8_t head[13], reply[15] = { 1, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0x52, 0 }, octets[1000];
	int fd = accept(listener, NULL, NULL);

	(void)!send(fd, "\0SP\0\0\x31\0\0", 8, MSG_NOSIGNAL);
	(void)!recv(fd, octets, 8, MSG_WAITALL);
	while (recv(fd, head, sizeof head, MSG_WAITALL) == (ssize_t)sizeof head) {
		size_t left = (size_t)(head[7] << 8 | head[8]) - 4;

		if (left > sizeof octets || recv(fd, octets, left, MSG_WAITALL) != (ssize_t)left)
			break;
		memcpy(reply + 9, head + 9, 4);
		(void)!send(fd, reply, sizeof reply, MSG_NOSIGNAL);
	}
	close(fd);
}

static void *lose_twice(void *argument)
{
	const int *listener = argument;

	lose(*listener, 100);
	lose(*listener, 300);
	serve(*listener);
	return NULL;
}

static void count_good(void *arg, struct assay_answer *answer, const struct assay_failure *failure)
{
	if (answer)
		atomic_fetch_add((atomic_uint *)arg + 1, 1);
	on_done(arg, answer, failure);
}

/* One never greets; the other loses its connection twice, with the calls that have been to both, and is passed over when it is back. */
static void lost_beside_one_that_hangs(void **state)
{
	struct assay_options options = { .size = sizeof options, .connect_ms = 5000 };
	struct assay_call call = { .size = sizeof call, .deadline_ms = 3000 };
	char hangs_url[200], loses_url[200], urls[500];
	int hangs = listen_at("hangs", hangs_url), loses = listen_at("loses", loses_url);
	atomic_uint told[2] = { 0 };
	struct assay_mail *mails[4];
	struct assay_client *client;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, lose_twice, &loses), 0);
	snprintf(urls, sizeof urls, "%s %s", hangs_url, loses_url);
	assert_int_equal(assay_open(urls, &options, &client, NULL), ASSAY_OK);
	for (size_t i = 0; i < COUNT_OF(mails); i++) {
		assert_int_equal(assay_mail_begin(client, &call, NULL, &mails[i], NULL), ASSAY_OK);
		assert_int_equal(assay_mail_start(mails[i], count_good, told, NULL), ASSAY_OK);
	}
	for (int i = 0; i < 500 && atomic_load(&told[0]) < COUNT_OF(mails); i++)
		nng_msleep(20);
	for (size_t i = 0; i < COUNT_OF(mails); i++)
		assay_mail_end(mails[i]);
	assay_close(client);
	pthread_join(thread, NULL);
	close(hangs);
	close(loses);
	unlink(hangs_url + strlen("ipc://"));
	unlink(loses_url + strlen("ipc://"));
	assert_int_equal(atomic_load(&told[0]), COUNT_OF(mails));
	assert_int_equal(atomic_load(&told[1]), COUNT_OF(mails));
}

/* ---- one that has too much to do, beside one that cannot be reached ---- */

#define REFUSALS 6

/* The peer, the second server, says `REFUSALS` times that it has too much to do: at last it is busy for 320 ms and more. */
static void make_busy(struct assay_client *client, struct assay_mail *mails[REFUSALS], atomic_uint *told)
{
	struct assay_call call = { .size = sizeof call, .deadline_ms = 30000 };
	struct assay_server server = { .size = sizeof server };
	uint64_t refused;

	assert_int_equal(assay_get_server(client, 1, &server), ASSAY_OK);
	refused = server.overloaded;
	atomic_store(&peer.mode, PEER_OVERLOADED);
	for (unsigned i = 0; i < REFUSALS; i++) {
		while (server.avoided || !server.connected) {
			nng_msleep(1);
			assert_int_equal(assay_get_server(client, 1, &server), ASSAY_OK);
		}
		assert_int_equal(assay_mail_begin(client, &call, NULL, &mails[i], NULL), ASSAY_OK);
		assert_int_equal(assay_mail_start(mails[i], on_done, told, NULL), ASSAY_OK);
		for (int ms = 0; ms < 5000 && server.overloaded == refused + i; ms++) {
			nng_msleep(1);
			assert_int_equal(assay_get_server(client, 1, &server), ASSAY_OK);
		}
		assert_int_equal(server.overloaded, refused + i + 1);
	}
	atomic_store(&peer.mode, PEER_ANSWERS);
}

/* It is waited for, hedging or not, for the other one may never be there. */
static void busy_beside_one_that_hangs(void **state)
{
	char url[200];
	int hangs = listen_at("hangs", url);

	(void)state;
	for (unsigned percent = 30; percent <= 100; percent += 70) {
		struct assay_options options = { .size = sizeof options, .connect_ms = 5000, .hedge_percent = percent };
		struct assay_mail *mails[REFUSALS];
		struct assay_client *client;
		atomic_uint told = 0;
		enum assay_error error;
		char urls[500];

		snprintf(urls, sizeof urls, "%s %s", url, peer.url);
		assert_int_equal(assay_open(urls, &options, &client, NULL), ASSAY_OK);
		make_busy(client, mails, &told);
		error = ask(client, 2000, NULL);
		for (unsigned i = 0; i < REFUSALS; i++)
			assay_mail_end(mails[i]);
		assay_close(client);
		assert_int_equal(error, ASSAY_OK);
	}
	close(hangs);
	unlink(url + strlen("ipc://"));
}

static void *lose_and_hang(void *argument)
{
	const int *listener = argument;

	lose(*listener, 200);
	return NULL;
}

/* One that lost several requests, and never greets again, is not better than one that has time in a moment. */
static void busy_beside_one_that_lost_many(void **state)
{
	struct assay_options options = { .size = sizeof options, .connect_ms = 5000, .balance = ASSAY_ROUND_ROBIN };
	struct assay_call call = { .size = sizeof call, .deadline_ms = 5000 };
	struct assay_mail *lost[8], *mails[REFUSALS];
	char url[200], urls[500];
	int loses = listen_at("loses", url);
	struct assay_client *client;
	atomic_uint told = 0;
	enum assay_error error;
	pthread_t thread;
	uint64_t began;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, lose_and_hang, &loses), 0);
	snprintf(urls, sizeof urls, "%s %s", url, peer.url);
	assert_int_equal(assay_open(urls, &options, &client, NULL), ASSAY_OK);
	wait_for_both(client);
	for (size_t i = 0; i < COUNT_OF(lost); i++) {
		assert_int_equal(assay_mail_begin(client, &call, NULL, &lost[i], NULL), ASSAY_OK);
		assert_int_equal(assay_mail_start(lost[i], on_done, &told, NULL), ASSAY_OK);
	}
	for (int i = 0; i < 500 && atomic_load(&told) < COUNT_OF(lost); i++)
		nng_msleep(10);
	assert_int_equal(atomic_load(&told), COUNT_OF(lost));
	pthread_join(thread, NULL);
	make_busy(client, mails, &told);
	began = ms_of(CLOCK_MONOTONIC);
	error = ask(client, 10000, NULL);
	began = ms_of(CLOCK_MONOTONIC) - began;
	for (size_t i = 0; i < COUNT_OF(lost); i++)
		assay_mail_end(lost[i]);
	for (unsigned i = 0; i < REFUSALS; i++)
		assay_mail_end(mails[i]);
	assay_close(client);
	close(loses);
	unlink(url + strlen("ipc://"));
	assert_int_equal(error, ASSAY_OK);
	assert_in_range(began, 0, 2000);
}

static void *lose_once(void *argument)
{
	const int *listener = argument;

	lose(*listener, 50);
	serve(*listener);
	return NULL;
}

/* A server that lost its connection is asked again where the other one refuses, or has too much to do for too long. */
static void lost_beside_one_that_refuses(void **state)
{
	struct assay_options options = { .size = sizeof options, .connect_ms = 5000, .hedge_percent = 100 };
	char url[200], urls[500];
	int loses = listen_at("loses", url);
	struct assay_failure failure = { 0 };
	struct assay_client *client;
	enum assay_error error;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, lose_once, &loses), 0);
	atomic_store(&peer.mode, PEER_OVERLOADED);
	snprintf(urls, sizeof urls, "%s %s", url, peer.url);
	assert_int_equal(assay_open(urls, &options, &client, NULL), ASSAY_OK);
	wait_for_both(client);
	error = ask(client, 3000, &failure);
	assay_close(client);
	shutdown(loses, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(loses);
	unlink(url + strlen("ipc://"));
	if (error)
		fail_msg("%d: %s", (int)error, failure.text);
}

/* ---- words ---- */

static void reasons_are_said(void **state)
{
	static const struct {
		const char *url, *text;
	} cases[] = { { NOBODY, "refused" },
		      { "ipc:///nowhere/at/all", "refused" },
		      { "tcp://no-such-name.invalid:99", "the name has no address" } };
	struct assay_failure failure;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct assay_options options = { .size = sizeof options, .connect_ms = 5000 };
		struct assay_client *client = open_at(cases[i].url, "", 0);

		assert_int_equal(ask(client, 400, &failure), ASSAY_ERROR_CONNECT);
		if (!strstr(failure.text, cases[i].text))
			fail_msg("%s: %s", cases[i].url, failure.text);
		assay_close(client);
		assert_int_equal(assay_open(cases[i].url, &options, &client, &failure), ASSAY_ERROR_CONNECT);
		if (!strstr(failure.text, cases[i].text))
			fail_msg("%s: %s", cases[i].url, failure.text);
	}
}

static void urls_are_checked(void **state)
{
	static const char *const bad[] = { "tcp://",  "tcp://host", "tcp://host:", "tcp://:99", "tcp://host:0",
					   "tcp://host:65536", "tcp://host:9x", "tcp://host:999999999999999999999999",
					   "tls+tcp://host", "tls+tcp://", "ipc://", "udp://host:9", "host:9" };
	struct assay_failure failure;
	struct assay_client *client;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		if (assay_open(bad[i], NULL, &client, &failure) != ASSAY_ERROR_ARGUMENT)
			fail_msg("%s", bad[i]);
		assert_non_null(strstr(failure.text, bad[i]));
		assert_null(client);
	}
	assay_close(open_at("tcp://[::1]:65535", "", 0));
}

static int setup(void **state)
{
	(void)state;
	peer_start(&peer);
	proxy_start(&proxy, peer.url);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	proxy_stop(&proxy);
	peer_stop(&peer);
	return 0;
}

#define PEER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT_MAIN(PEER_TEST(half_open_is_replaced), PEER_TEST(slow_is_not_replaced), PEER_TEST(the_live_one_answers),
	  PEER_TEST(many_cost_little), PEER_TEST(what_is_given_up_is_freed), cmocka_unit_test(large_reply),
	  PEER_TEST(connections_that_end_back_off),
	  PEER_TEST(lost_beside_one_that_hangs), PEER_TEST(busy_beside_one_that_hangs),
	  PEER_TEST(busy_beside_one_that_lost_many), PEER_TEST(lost_beside_one_that_refuses),
	  cmocka_unit_test(reasons_are_said), cmocka_unit_test(urls_are_checked))
