/*
 * Goal:   a connection whose other end is gone without a word is made anew; a call waits at no server that cannot be reached while
 *         another one can; thousands of calls to a server that has stopped cost little; why there is no connection is said.
 * Method: a proxy in front of a peer stops to hand on octets; addresses where nobody listens, or somebody who never greets.
 */
#include "unit.h"

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

/* Connections that end as soon as they begin are made less and less often: at random between 25 ms and 50, 50 and 100, ... */
static void connections_that_end_back_off(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct greeter greeter = { .listener = socket(AF_UNIX, SOCK_STREAM, 0) };
	struct assay_client *client;
	pthread_t thread;
	char url[200];

	(void)state;
	snprintf(address.sun_path, sizeof address.sun_path, "%s/greeter", peer.directory);
	snprintf(url, sizeof url, "ipc://%s", address.sun_path);
	assert_int_equal(bind(greeter.listener, (const struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(greeter.listener, 16), 0);
	assert_int_equal(pthread_create(&thread, NULL, greet_and_close, &greeter), 0);
	client = open_at(url, "", 0);
	nng_msleep(1500);
	assert_in_range(atomic_load(&greeter.greeted), 2, 8);
	assay_close(client);
	shutdown(greeter.listener, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(greeter.listener);
	unlink(address.sun_path);
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
	  PEER_TEST(many_cost_little), PEER_TEST(connections_that_end_back_off),
	  cmocka_unit_test(reasons_are_said), cmocka_unit_test(urls_are_checked))
