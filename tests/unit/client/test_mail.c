/*
 * Goal:   a mail that comes in pieces is sent as if it had come whole, held or as digests; calls at the wrong time are
 *         refused; callbacks are called once, in the thread that was promised, and never after assay_mail_end().
 * Method: a peer notes what arrives. Each message is cut at every octet; digests are compared with those of libcrypto over
 *         the canonical octets, written down here.
 */
#include "unit.h"

#include <openssl/sha.h>
#include <poll.h>
#include <stdlib.h>

#include "peer.h"

#define HEADER "DKIM-Signature: a=rsa-sha256; c=relaxed/relaxed\r\nDKIM-Signature: a=rsa-sha1; l=3\r\nFrom: a@b.example\r\n"

static struct peer peer;

static struct assay_client *open_client(size_t digest_from, int dispatch)
{
	struct assay_options options = {
		.size = sizeof options, .connect_ms = 5000, .digest_from_octets = digest_from, .dispatch = dispatch
	};
	struct assay_client *client;

	assert_int_equal(assay_open(peer.url, &options, &client, NULL), ASSAY_OK);
	return client;
}

/* Sends `text` in three pieces and returns what arrived. */
static Assay__V1__Request *send_cut(struct assay_client *client, const char *text, size_t len, size_t first, size_t second)
{
	struct assay_envelope envelope = { .size = sizeof envelope, .helo = "h", .mail_from = "a@b", .rcpt_to = NULL };
	const char *rcpt[] = { "x@y", NULL };
	struct assay_call call = { .size = sizeof call, .id = "queue-id", .deadline_ms = 5000 };
	struct assay_answer *answer;
	struct assay_mail *mail;

	envelope.rcpt_to = rcpt;
	envelope.rcpt_count = 2;
	assert_int_equal(assay_mail_begin(client, &call, &envelope, &mail, NULL), ASSAY_OK);
	memset(&envelope, 0x55, sizeof envelope); /* it was copied */
	assert_int_equal(assay_mail_add(mail, text, first, NULL), ASSAY_OK);
	assert_int_equal(assay_mail_add(mail, text + first, second - first, NULL), ASSAY_OK);
	assert_int_equal(assay_mail_add(mail, text + second, len - second, NULL), ASSAY_OK);
	assert_int_equal(assay_mail_check(mail, &answer, NULL), ASSAY_OK);
	assert_string_equal(assay_answer_verdict(answer)->authentication_results.octets, "queue-id");
	assay_answer_free(answer);
	assay_mail_end(mail);
	return peer_take_last(&peer);
}

static const char *const texts[] = {
	"", "x", "\r\n", "\r\nbody", "\r\n\r\n", "A: b\r\n\r\nc", "A: b\r\n\r\n", "A: b\r\n", "A: b\r\r\n\r\n\n",
	HEADER "\r\na b\r\n\r\n",
};

static void whole_at_every_cut(void **state)
{
	struct assay_client *client = open_client(0, 0);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		size_t len = strlen(texts[i]);

		for (size_t cut = 0; cut <= len; cut++) {
			Assay__V1__Request *request = send_cut(client, texts[i], len, cut, cut + (len - cut) / 2);

			assert_int_equal(request->call_case, ASSAY__V1__REQUEST__CALL_CHECK_MESSAGE);
			assert_slice_equal(slice_of(request->check_message->message.data, request->check_message->message.len),
					   slice_of(texts[i], len));
			assert_int_equal(request->check_message->envelope->n_rcpt_to, 2);
			assert_in_range(request->deadline_ms, 4000, 4999);
			assay__v1__request__free_unpacked(request, NULL);
		}
	}
	assay_close(client);
}

static void digest_is(const Assay__V1__BodyDigest *digest, int canon, int hash, const char *octets, uint64_t canonical)
{
	uint8_t made[32];

	assert_int_equal(digest->canonicalization, canon);
	assert_int_equal(digest->hash, hash);
	assert_int_equal(digest->canonical_octets, canonical);
	(hash ? SHA1 : SHA256)((const uint8_t *)octets, strlen(octets), made);
	assert_slice_equal(slice_of(digest->digest.data, digest->digest.len), slice_of(made, hash ? 20 : 32));
}

static void digests_at_every_cut(void **state)
{
	static const char body[] = "a \t b \r\nx\ry\n \r\n\r\n";
	struct assay_client *client = open_client(1, 0);
	static const char text[] = HEADER "\r\n";
	char whole[sizeof text + sizeof body];
	size_t len = strlen(strcat(strcpy(whole, text), body));

	(void)state;
	for (size_t cut = 0; cut <= len; cut++) {
		Assay__V1__Request *request = send_cut(client, whole, len, cut, cut + (len - cut) / 2);
		const Assay__V1__CheckDigest *call = request->check_digest;

		assert_int_equal(request->call_case, ASSAY__V1__REQUEST__CALL_CHECK_DIGEST);
		assert_slice_equal(slice_of(call->header.data, call->header.len), slice_of_str(HEADER));
		assert_int_equal(call->n_digests, 2);
		digest_is(call->digests[0], 0, 1, "a \t", 15);
		assert_true(call->digests[0]->has_octets_max);
		assert_int_equal(call->digests[0]->octets_max, 3);
		digest_is(call->digests[1], 1, 0, "a b\r\nx\ry\n\r\n", 11);
		assert_false(call->digests[1]->has_octets_max);
		assert_true(call->body_bare_cr && call->body_bare_lf);
		assert_int_equal(call->message_octets, len);
		assay__v1__request__free_unpacked(request, NULL);
	}
	assay_close(client);
}

/* Below the threshold whole, from it on as digests; the daemon gets the same header. */
static void threshold(void **state)
{
	static const char text[] = "A: b\r\n\r\n0123456789";
	struct assay_client *client = open_client(sizeof text - 1, 0);

	(void)state;
	for (size_t len = sizeof text - 4; len < sizeof text; len++) {
		Assay__V1__Request *request = send_cut(client, text, len, 3, 12);

		assert_int_equal(request->call_case, len < sizeof text - 1 ? ASSAY__V1__REQUEST__CALL_CHECK_MESSAGE
									     : ASSAY__V1__REQUEST__CALL_CHECK_DIGEST);
		assay__v1__request__free_unpacked(request, NULL);
	}
	assay_close(client);
}

static void bounds_and_order(void **state)
{
	struct assay_options options = { .size = sizeof options, .octets_held_max = 100, .digest_from_octets = 90 };
	struct assay_failure failure;
	struct assay_client *client;
	struct assay_answer *answer;
	struct assay_mail *mail;
	char octets[200];

	(void)state;
	memset(octets, 'x', sizeof octets);
	assert_int_equal(assay_open(peer.url, &options, &client, NULL), ASSAY_OK);
	assert_int_equal(assay_mail_begin(client, NULL, NULL, &mail, NULL), ASSAY_OK);
	assert_int_equal(assay_mail_add(mail, octets, 100, NULL), ASSAY_OK);
	assert_int_equal(assay_mail_add(mail, octets, 1, &failure), ASSAY_ERROR_TOO_LARGE);
	assert_string_equal(failure.text, "more than assay_options.octets_held_max");
	assert_int_equal(assay_mail_add(mail, octets, 1, &failure), ASSAY_ERROR_ARGUMENT);
	assert_int_equal(assay_mail_check(mail, &answer, &failure), ASSAY_ERROR_ARGUMENT);
	assert_null(answer);
	assay_mail_end(mail);
	/* What is hashed is not held. */
	assert_int_equal(assay_mail_begin(client, NULL, NULL, &mail, NULL), ASSAY_OK);
	assert_int_equal(assay_mail_add(mail, "A: b\r\n\r\n", 8, NULL), ASSAY_OK);
	for (int i = 0; i < 50; i++)
		assert_int_equal(assay_mail_add(mail, octets, 80, NULL), ASSAY_OK);
	assert_int_equal(assay_mail_check(mail, &answer, NULL), ASSAY_OK);
	assay_answer_free(answer);
	assert_int_equal(assay_mail_check(mail, &answer, &failure), ASSAY_ERROR_ARGUMENT);
	assay_mail_end(mail);
	assay_mail_end(NULL);
	assay_close(client);
}

struct told {
	atomic_int count;
	pthread_t thread;
	enum assay_error error;
	struct assay_mail *mail; /* ended in the callback */
};

static void on_done(void *arg, struct assay_answer *answer, const struct assay_failure *failure)
{
	struct told *told = arg;

	told->thread = pthread_self();
	told->error = answer ? ASSAY_OK : failure->error;
	assay_answer_free(answer);
	assay_mail_end(told->mail);
	atomic_fetch_add(&told->count, 1);
}

static struct assay_mail *start(struct assay_client *client, struct told *told, uint32_t deadline_ms)
{
	struct assay_call call = { .size = sizeof call, .deadline_ms = deadline_ms };
	struct assay_mail *mail;

	assert_int_equal(assay_mail_begin(client, &call, NULL, &mail, NULL), ASSAY_OK);
	assert_int_equal(assay_mail_add(mail, "A: b\r\n\r\n", 8, NULL), ASSAY_OK);
	assert_int_equal(assay_mail_start(mail, on_done, told, NULL), ASSAY_OK);
	return mail;
}

static void wait_told(const struct told *told)
{
	for (int i = 0; i < 5000 && atomic_load(&told->count) == 0; i++)
		nng_msleep(1);
	assert_int_equal(atomic_load(&told->count), 1);
}

static void callbacks_in_other_threads(void **state)
{
	struct assay_client *client = open_client(0, 0);
	struct assay_failure failure;
	struct assay_mail *mail;

	(void)state;
	assert_int_equal(assay_descriptor(client), -1);
	for (int i = 0; i < 100; i++) {
		struct told told = { .mail = NULL };

		mail = start(client, &told, 5000);
		wait_told(&told);
		assert_int_equal(told.error, ASSAY_OK);
		assert_false(pthread_equal(told.thread, pthread_self()));
		assay_mail_end(mail);
	}
	/* Given up: not told. */
	atomic_store(&peer.mode, PEER_SLOW);
	for (int i = 0; i < 3; i++) {
		struct told told = { .mail = NULL };

		mail = start(client, &told, 5000);
		assert_int_equal(assay_mail_start_sender(mail, on_done, &told, &failure), ASSAY_ERROR_ARGUMENT);
		assay_mail_end(mail);
		assert_int_equal(atomic_load(&told.count), 0);
	}
	assay_close(client);
}

static void callbacks_by_dispatch(void **state)
{
	struct assay_client *client = open_client(0, 1);
	struct pollfd readable = { .fd = assay_descriptor(client), .events = POLLIN };
	struct told told = { .mail = NULL }, late = { .mail = NULL };
	struct assay_mail *mail;

	(void)state;
	assert_true(readable.fd >= 0);
	told.mail = start(client, &told, 5000);
	assert_int_equal(poll(&readable, 1, 5000), 1);
	assert_int_equal(atomic_load(&told.count), 0);
	assay_dispatch(client);
	assert_int_equal(atomic_load(&told.count), 1);
	assert_true(pthread_equal(told.thread, pthread_self()));
	assert_int_equal(poll(&readable, 1, 0), 0);
	/* SPF first, then the message, of one mail. */
	told = (struct told){ .mail = NULL };
	assert_int_equal(assay_mail_begin(client, NULL, NULL, &mail, NULL), ASSAY_OK);
	assert_int_equal(assay_mail_start_sender(mail, on_done, &told, NULL), ASSAY_OK);
	while (atomic_load(&told.count) == 0 && poll(&readable, 1, 5000) == 1)
		assay_dispatch(client);
	assert_int_equal(told.error, ASSAY_OK);
	assert_int_equal(assay_mail_start(mail, on_done, &told, NULL), ASSAY_OK);
	while (atomic_load(&told.count) == 1 && poll(&readable, 1, 5000) == 1)
		assay_dispatch(client);
	assert_int_equal(told.error, ASSAY_OK);
	assay_mail_end(mail);
	/* A deadline; and a mail that ends between its verdict and the dispatch. */
	atomic_store(&peer.mode, PEER_SILENT);
	late.mail = start(client, &late, 60);
	assert_int_equal(poll(&readable, 1, 5000), 1);
	assay_dispatch(client);
	assert_int_equal(late.error, ASSAY_ERROR_TIMEOUT);
	atomic_store(&peer.mode, PEER_ANSWERS);
	told = (struct told){ .mail = NULL };
	mail = start(client, &told, 5000);
	assert_int_equal(poll(&readable, 1, 5000), 1);
	assay_mail_end(mail);
	assay_close(client);
	assert_int_equal(atomic_load(&told.count), 0);
}

/* A verdict that is there has its callback still to come: no other call takes its place. */
static void no_callback_is_lost(void **state)
{
	struct assay_client *client = open_client(0, 1);
	struct pollfd readable = { .fd = assay_descriptor(client), .events = POLLIN };
	struct told told = { .mail = NULL };
	struct assay_failure failure;
	struct assay_answer *answer;
	struct assay_mail *mail;

	(void)state;
	assert_int_equal(assay_mail_begin(client, NULL, NULL, &mail, NULL), ASSAY_OK);
	assert_int_equal(assay_mail_start_sender(mail, on_done, &told, NULL), ASSAY_OK);
	assert_int_equal(poll(&readable, 1, 5000), 1);
	assert_int_equal(assay_mail_start_sender(mail, on_done, &told, &failure), ASSAY_ERROR_ARGUMENT);
	assert_int_equal(assay_mail_check(mail, &answer, &failure), ASSAY_ERROR_ARGUMENT);
	assay_dispatch(client);
	assert_int_equal(atomic_load(&told.count), 1);
	assert_int_equal(assay_mail_check(mail, &answer, &failure), ASSAY_OK);
	assay_answer_free(answer);
	assay_mail_end(mail);
	assay_close(client);
	client = open_client(0, 0);
	for (int i = 0; i < 300; i++) {
		struct told each[2] = { { .mail = NULL }, { .mail = NULL } };

		assert_int_equal(assay_mail_begin(client, NULL, NULL, &mail, NULL), ASSAY_OK);
		assert_int_equal(assay_mail_start_sender(mail, on_done, &each[0], NULL), ASSAY_OK);
		while (assay_mail_start_sender(mail, on_done, &each[1], NULL) == ASSAY_ERROR_ARGUMENT)
			;
		wait_told(&each[0]);
		wait_told(&each[1]);
		assay_mail_end(mail);
	}
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

UNIT_MAIN(PEER_TEST(whole_at_every_cut), PEER_TEST(digests_at_every_cut), PEER_TEST(threshold), PEER_TEST(bounds_and_order),
	  PEER_TEST(callbacks_in_other_threads), PEER_TEST(callbacks_by_dispatch),
	  PEER_TEST(no_callback_is_lost))
