/*
 * Goal:   clients come and go, memory runs out, processes fork, and servers talk nonsense: no crash, no leak, no call that
 *         does not return.
 * Method: 1,000 clients (ASSAY_CYCLES) with and without a call; an allocator that fails at its nth call, for each n until a
 *         whole mail succeeds, and that counts what is given back; children that use what their parent opened; garbage.
 *         Memory of libnng and libcrypto is their own and does not fail here.
 */
#include "unit.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer.h"

static struct peer peer;

/* ---- an allocator that counts, and fails ---- */

struct counted {
	atomic_long held, calls;
	long fail_at; /* the call that fails; 0: none */
};

static void *counted_allocate(void *arg, size_t octets)
{
	struct counted *counted = arg;
	long call = atomic_fetch_add(&counted->calls, 1) + 1;
	void *memory = call == counted->fail_at ? NULL : malloc(octets);

	if (memory)
		atomic_fetch_add(&counted->held, 1);
	return memory;
}

static void counted_release(void *arg, void *memory)
{
	struct counted *counted = arg;

	assert_non_null(memory);
	atomic_fetch_sub(&counted->held, 1);
	free(memory);
}

#define HEADER "DKIM-Signature: a=rsa-sha256; c=relaxed/relaxed\r\nDKIM-Signature: a=rsa-sha1; l=3\r\nFrom: a@b.example\r\n"

static enum assay_error mail(struct assay_client *client, struct assay_failure *failure)
{
	struct assay_envelope envelope = { .size = sizeof envelope, .helo = "h", .mail_from = "a@b" };
	const char *rcpt[] = { "x@y" };
	struct assay_answer *answer = NULL;
	struct assay_mail *one;
	enum assay_error error;

	envelope.rcpt_to = rcpt;
	envelope.rcpt_count = 1;
	error = assay_mail_begin(client, NULL, &envelope, &one, failure);
	if (!error)
		error = assay_mail_add(one, HEADER, 40, failure);
	if (!error)
		error = assay_mail_add(one, &HEADER[40], sizeof HEADER - 41, failure);
	if (!error)
		error = assay_mail_add(one, "\r\nbody\r\n", 8, failure);
	if (!error)
		error = assay_mail_check(one, &answer, failure);
	assay_answer_free(answer);
	assay_mail_end(one);
	return error;
}

static void told(void *arg, struct assay_answer *answer, const struct assay_failure *failure)
{
	enum assay_error *error = arg;

	*error = answer ? ASSAY_OK : failure->error;
	assay_answer_free(answer);
}

static enum assay_error mail_by_callback(struct assay_client *client, struct assay_failure *failure)
{
	enum assay_error error, done = ASSAY_ERROR_FORKED; /* not yet */
	struct assay_mail *one;

	error = assay_mail_begin(client, NULL, NULL, &one, failure);
	if (!error)
		error = assay_mail_add(one, "A: b\r\n\r\nc", 9, failure);
	if (!error)
		error = assay_mail_start(one, told, &done, failure);
	for (int i = 0; !error && done == ASSAY_ERROR_FORKED && i < 5000; i++) {
		assay_dispatch(client);
		nng_msleep(1);
	}
	assay_mail_end(one);
	return error ? error : done;
}

static enum assay_error call(struct assay_client *client, struct assay_failure *failure)
{
	struct assay_answer *answer;
	enum assay_error error = assay_check_message(client, NULL, NULL, "x", 1, &answer, failure);

	if (!error)
		error = assay_decide(answer, &(struct assay_site){ .size = sizeof(struct assay_site), .missing = ASSAY_MISSING_DEFER },
				     &(struct assay_decision){ .size = sizeof(struct assay_decision) }, failure);
	assay_answer_free(answer);
	return error;
}

typedef enum assay_error (*use_fn)(struct assay_client *client, struct assay_failure *failure);

static enum assay_error use_once(struct counted *counted, size_t digest_from, use_fn use)
{
	const struct assay_allocator allocator = { counted_allocate, counted_release, counted };
	struct assay_options options = { .size = sizeof options,
					 .connect_ms = 5000,
					 .digest_from_octets = digest_from,
					 .dispatch = use == mail_by_callback,
					 .allocator = &allocator };
	struct assay_failure failure = { .error = ASSAY_OK };
	struct assay_client *client;
	enum assay_error error = assay_open(peer.url, &options, &client, &failure);

	if (!error)
		error = use(client, &failure);
	assay_close(client);
	assert_true(error == ASSAY_OK || (failure.error == error && failure.text[0]) || use == mail_by_callback);
	assert_int_equal(atomic_load(&counted->held), 0);
	return error;
}

/*
 * Each allocation fails once. That of the request as it is sent, of a call with a callback, is tried once more: there is memory
 * then, and a verdict. All others end the call.
 */
static void no_memory_at_any_call(void **state)
{
	static const struct {
		use_fn use;
		size_t digest_from;
		unsigned again; /* allocations that are tried once more */
	} uses[] = { { mail, 0, 0 }, { mail, 1, 0 }, { mail, 120, 0 }, { mail_by_callback, 0, 1 }, { call, 0, 0 } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(uses); i++) {
		enum assay_error error;
		unsigned again = 0;
		long at = 1;

		for (;; at++) {
			struct counted counted = { .fail_at = at };

			error = use_once(&counted, uses[i].digest_from, uses[i].use);
			if (atomic_load(&counted.calls) < at)
				break;
			again += error == ASSAY_OK;
			if (error != ASSAY_ERROR_MEMORY && error != ASSAY_OK)
				fail_msg("use %zu, allocation %ld: error %d", i, at, (int)error);
		}
		assert_int_equal(error, ASSAY_OK);
		assert_int_equal(again, uses[i].again);
		assert_true(at > 8);
	}
}

/* ---- many clients ---- */

/* A socket that listens and never greets. */
static int deaf_listener(char *url, size_t size)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s/deaf", peer.directory);
	snprintf(url, size, "ipc://%s", address.sun_path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(fd, 4096), 0);
	return fd;
}

static void clients_come_and_go(void **state)
{
	const char *wanted = getenv("ASSAY_CYCLES");
	int cycles = wanted ? atoi(wanted) : 1000, deaf;
	char url[200];

	(void)state;
	deaf = deaf_listener(url, sizeof url);
	for (int i = 0; i < cycles; i++) {
		struct assay_options options = { .size = sizeof options, .connect_ms = i % 3 ? 5000 : 0 };
		struct assay_failure failure;
		struct assay_client *client;

		if (assay_open(i % 6 == 0 ? url : i % 6 == 3 ? "ipc:///tmp/assay-nobody" : peer.url, &options, &client,
			       &failure) != ASSAY_OK)
			fail_msg("client %d: %s", i, failure.text);
		if (i % 3 == 2 && call(client, &failure) != ASSAY_OK)
			fail_msg("call of client %d: %s", i, failure.text);
		assay_close(client);
	}
	close(deaf);
	unlink(url + strlen("ipc://"));
}

/* ---- nonsense ---- */

static void garbage_is_survived(void **state)
{
	struct assay_options options = { .size = sizeof options, .connect_ms = 5000 };
	struct assay_client *client;

	(void)state;
	atomic_store(&peer.mode, PEER_GARBAGE);
	assert_int_equal(assay_open(peer.url, &options, &client, NULL), ASSAY_OK);
	for (int i = 0; i < 300; i++) {
		struct assay_failure failure;

		assert_int_equal(mail(client, &failure), ASSAY_ERROR_PROTOCOL);
	}
	assay_close(client);
}

/* Below the protocol: what is said instead of a greeting, or instead of a reply. */
static const struct {
	const char *octets;
	size_t count;
} nonsense[] = {
	{ "", 0 },
	{ "\0SP\0\0\x31\0", 7 },
	{ "HTTP/1.1 400 No\r\n\r\n", 19 },
	{ "\0SP\0\0\x30\0\0", 8 },
	{ "\0SP\0\0\x31\0\0\2\0\0\0\0\0\0\0\4\x80\0\0\1", 21 },
	{ "\0SP\0\0\x31\0\0\1\0\0\0\0\0\0\0\0", 17 },
	{ "\0SP\0\0\x31\0\0\1\0\0\0\0\0\0\0\3abc", 20 },
	{ "\0SP\0\0\x31\0\0\1\xff\xff\xff\xff\xff\xff\xff\xff", 17 },
	{ "\0SP\0\0\x31\0\0\1\0\0\0\0\1\0\0\1", 17 },
	{ "\0SP\0\0\x31\0\0\1\0\0\0\0\0\0\0\x14\x80\0\0\1\x52", 22 },
	{ "\0SP\0\0\x31\0\0\1\0\0\0\0\0\0\0\4\x80\0\0\1", 21 },
	{ "\0SP\0\0\x31\0\0\1\0\0\0\0\0\0\0\5\x80\0\0\1\xff", 22 },
	{ "\0SP\0\0\x31\0\0\1\0\0\0\0\0\0\0\4\xff\0\0\1\1\0\0\0\0\0\0\0\4\0\0\0\1", 34 },
};

struct talker {
	int listener;
	atomic_uint said;
};

/* Says one thing after the other, each to a client of its own, as soon as something is heard. */
static void *talk(void *argument)
{
	struct talker *talker = argument;
	int fd;

	while ((fd = accept(talker->listener, NULL, NULL)) >= 0) {
		unsigned i = atomic_fetch_add(&talker->said, 1) % COUNT_OF(nonsense);
		char heard[64];

		(void)!read(fd, heard, sizeof heard);
		(void)!send(fd, nonsense[i].octets, nonsense[i].count, MSG_NOSIGNAL);
		nng_msleep(5);
		close(fd);
	}
	return NULL;
}

static void nonsense_is_survived(void **state)
{
	struct talker talker = { .said = 0 };
	struct assay_client *client;
	pthread_t thread;
	char url[200];

	(void)state;
	talker.listener = deaf_listener(url, sizeof url);
	assert_int_equal(pthread_create(&thread, NULL, talk, &talker), 0);
	for (size_t i = 0; i < 4 * COUNT_OF(nonsense); i++) {
		struct assay_call settings = { .size = sizeof settings, .deadline_ms = 60 };
		struct assay_failure failure;
		struct assay_answer *answer;

		assert_int_equal(assay_open(url, NULL, &client, NULL), ASSAY_OK);
		assert_int_not_equal(assay_check_message(client, &settings, NULL, "x", 1, &answer, &failure), ASSAY_OK);
		assert_true(failure.text[0]);
		assay_close(client);
	}
	assert_true(atomic_load(&talker.said) >= COUNT_OF(nonsense));
	shutdown(talker.listener, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(talker.listener);
	unlink(url + strlen("ipc://"));
}

/* ---- fork ---- */

/* What a child may do with its parent's client: learn that it may not, and let go. 0: as it should be. */
static int child_of_user(struct assay_client *client, struct assay_mail *begun)
{
	struct assay_client *other;
	struct assay_failure failure;
	struct assay_answer *answer;

	if (assay_get_status(client, NULL, &answer, &failure) != ASSAY_ERROR_FORKED)
		return 1;
	if (assay_get_server(client, 0, &(struct assay_server){ .size = sizeof(struct assay_server) }) != ASSAY_ERROR_FORKED)
		return 6;
	if (assay_mail_add(begun, "x", 1, &failure) != ASSAY_ERROR_FORKED)
		return 7;
	if (assay_mail_check(begun, &answer, &failure) != ASSAY_ERROR_FORKED)
		return 2;
	if (assay_open(peer.url, NULL, &other, &failure) != ASSAY_ERROR_FORKED || other)
		return 3;
	assay_mail_end(begun);
	assay_close(client);
	return 0;
}

static int status_of(pid_t child)
{
	int status = -1;

	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void children_are_told(void **state)
{
	struct assay_options options = { .size = sizeof options, .connect_ms = 5000 };
	struct assay_client *client;
	struct assay_mail *begun;
	pid_t child;

	(void)state;
	assert_int_equal(assay_open(peer.url, &options, &client, NULL), ASSAY_OK);
	assert_int_equal(call(client, NULL), ASSAY_OK);
	assert_int_equal(assay_mail_begin(client, NULL, NULL, &begun, NULL), ASSAY_OK);
	child = fork();
	if (child == 0)
		_exit(child_of_user(client, begun));
	assert_int_equal(status_of(child), 0);
	/* The parent's has felt nothing. */
	assert_int_equal(call(client, NULL), ASSAY_OK);
	assay_mail_end(begun);
	assay_close(client);
}

static int setup(void **state)
{
	(void)state;
	peer_start(&peer);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	peer_stop(&peer);
	return 0;
}

#define PEER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT_MAIN(PEER_TEST(no_memory_at_any_call), PEER_TEST(clients_come_and_go), PEER_TEST(garbage_is_survived), PEER_TEST(nonsense_is_survived),
	  PEER_TEST(children_are_told))
