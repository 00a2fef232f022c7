/*
 * Goal:   a session takes what its budget allows and no more, says what it waits for, and tells an end from a fault.
 * Method: OpenSSL's own client at the other end of a pair of sockets, in the same thread, both without waiting.
 */
#include "io/tls_session.h"
#include "test_tls.h"
#include "unit.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

static struct io_tls *tls;
static struct tls_session session;
static SSL_CTX *client_context;
static SSL *client;
static int ours, theirs;
static uint8_t octets[1 << 20];

enum { BUDGET = 65536, VERSIONS = 2 };
static const int versions[VERSIONS] = { TLS1_2_VERSION, TLS1_3_VERSION };

static void begin(int version)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	ours = pair[0];
	theirs = pair[1];
	tls = test_tls(false);
	client_context = SSL_CTX_new(TLS_client_method());
	assert_non_null(client_context);
	assert_int_equal(SSL_CTX_set_min_proto_version(client_context, version), 1);
	assert_int_equal(SSL_CTX_set_max_proto_version(client_context, version), 1);
	client = SSL_new(client_context);
	assert_true(client && SSL_set_fd(client, theirs) == 1);
	SSL_set_connect_state(client);
	assert_int_equal(tls_session_init(&session, tls, ours), 0);
}

static void end(void)
{
	tls_session_free(&session);
	SSL_free(client);
	SSL_CTX_free(client_context);
	io_tls_free(tls);
	close(ours);
	close(theirs);
	ERR_clear_error();
}

static void shake(void)
{
	enum tls_result result = TLS_WANTS_READ;
	enum io_tls_failure failure;
	int done = 0;

	for (unsigned i = 0; i < 20 && (result != TLS_DONE || done != 1); i++) {
		done = SSL_do_handshake(client);
		tls_session_may_read(&session, BUDGET, false);
		if (result != TLS_DONE)
			result = tls_session_handshake(&session, &failure);
	}
	assert_int_equal(result, TLS_DONE);
	assert_int_equal(done, 1);
}

static enum tls_result take(size_t budget, size_t want, size_t *got)
{
	tls_session_may_read(&session, budget, false);
	return tls_session_read(&session, octets, want, got);
}

/* --- failures of a handshake --- */

static void check_failure(const char *what, const void *sent, size_t len, enum io_tls_failure expected)
{
	enum io_tls_failure failure = IO_TLS_FAILURES;
	enum tls_result result;

	begin(TLS1_3_VERSION);
	assert_int_equal(send(theirs, sent, len, MSG_NOSIGNAL), len);
	assert_int_equal(shutdown(theirs, SHUT_WR), 0);
	tls_session_may_read(&session, BUDGET, true);
	result = tls_session_handshake(&session, &failure);
	if ((result != TLS_FAILED && result != TLS_ENDED) || failure != expected)
		fail_msg("%s: result %d, failure %d", what, (int)result, (int)failure);
	end();
}

static void test_failures(void **state)
{
	static const uint8_t alert[] = { 0x15, 3, 3, 0, 2, 2, 40 };
	/* ClientHello of TLS 1.1: version, random, no session, one suite, null compression. */
	uint8_t old[5 + 4 + 2 + 32 + 1 + 4 + 2] = { 0x16, 3, 1, 0, 45, 1, 0, 0, 41, 3, 2 };

	(void)state;
	old[sizeof(old) - 6 + 1] = 2;
	old[sizeof(old) - 6 + 2] = 0xc0;
	old[sizeof(old) - 6 + 3] = 0x2b;
	old[sizeof(old) - 6 + 4] = 1;
	check_failure("nothing", "", 0, IO_TLS_CLOSED);
	check_failure("half a record", "\x16\3\1\2\0\1", 6, IO_TLS_CLOSED);
	check_failure("plain", "GET / HTTP/1.1\r\n\r\n", 18, IO_TLS_PROTOCOL);
	check_failure("an alert first of all", alert, sizeof(alert), IO_TLS_PROTOCOL);
	check_failure("TLS 1.1", old, sizeof(old), IO_TLS_VERSION);
}

static void test_silence_waits(void **state)
{
	enum io_tls_failure failure;

	(void)state;
	begin(TLS1_3_VERSION);
	tls_session_may_read(&session, BUDGET, false);
	assert_int_equal(tls_session_handshake(&session, &failure), TLS_WANTS_READ);
	tls_session_may_read(&session, 0, false);
	assert_int_equal(tls_session_handshake(&session, &failure), TLS_SPENT);
	end();
}

/* --- after it --- */

/* Key updates yield nothing to read: without a budget, as many as the peer sends would be worked off in one call. */
static void test_budget_ends_key_updates(void **state)
{
	unsigned sent = 0, calls = 0;
	enum tls_result result;
	size_t got;

	(void)state;
	begin(TLS1_3_VERSION);
	shake();
	while (sent < 100 && SSL_key_update(client, SSL_KEY_UPDATE_NOT_REQUESTED) == 1 && SSL_do_handshake(client) == 1)
		sent++;
	assert_int_equal(sent, 100);
	do {
		result = take(50, sizeof(octets), &got);
		assert_int_equal(got, 0);
		calls++;
	} while (result == TLS_SPENT);
	assert_int_equal(result, TLS_WANTS_READ);
	assert_true(calls >= 100 * 27 / 50); /* a record of a key update has 27 octets */
	assert_int_equal(SSL_write(client, "x", 1), 1);
	assert_int_equal(take(BUDGET, sizeof(octets), &got), TLS_DONE);
	assert_int_equal(got, 1);
	end();
}

static void test_octets_come_as_they_were(void **state)
{
	static uint8_t sent[60000];

	(void)state;
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (uint8_t)(i * 7 + i / 251);
	for (unsigned v = 0; v < VERSIONS; v++) {
		for (size_t budget = 1; budget < 40000; budget = budget * 3 + 1) {
			size_t all = 0, got = 0;

			begin(versions[v]);
			shake();
			assert_int_equal(SSL_write(client, sent, sizeof(sent)), sizeof(sent));
			while (all < sizeof(sent)) {
				enum tls_result result = take(budget, 1000, &got);

				assert_true(result == TLS_DONE ? got > 0 : result == TLS_SPENT && got == 0);
				assert_memory_equal(octets, sent + all, got);
				all += got;
			}
			assert_false(tls_session_is_holding(&session));
			assert_int_equal(take(BUDGET, 1000, &got), TLS_WANTS_READ);
			end();
		}
	}
}

static void test_holding(void **state)
{
	size_t got;

	(void)state;
	begin(TLS1_3_VERSION);
	shake();
	assert_false(tls_session_is_holding(&session));
	assert_int_equal(SSL_write(client, "abc", 3), 3);
	assert_int_equal(take(10, sizeof(octets), &got), TLS_SPENT);
	assert_true(tls_session_is_holding(&session));
	assert_int_equal(take(BUDGET, 2, &got), TLS_DONE);
	assert_int_equal(got, 2);
	assert_true(tls_session_is_holding(&session));
	assert_int_equal(take(0, 2, &got), TLS_DONE);
	assert_int_equal(got, 1);
	assert_false(tls_session_is_holding(&session));
	end();
}

static void test_full_socket(void **state)
{
	static uint8_t sent[4 << 20];
	size_t all = 0, read = 0, taken;
	enum tls_result result = TLS_DONE;
	bool waited = false;

	(void)state;
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (uint8_t)(i * 7 + i / 251);
	begin(TLS1_2_VERSION);
	shake();
	while (read < sizeof(sent)) {
		int n = 1;

		while (all < sizeof(sent) && (result = tls_session_write(&session, sent + all, sizeof(sent) - all, &taken)) == TLS_DONE)
			all += taken;
		waited |= result == TLS_WANTS_WRITE;
		while ((n = SSL_read(client, octets, sizeof(octets))) > 0) {
			assert_memory_equal(octets, sent + read, (size_t)n);
			read += (size_t)n;
		}
	}
	assert_true(waited && all == sizeof(sent));
	end();
}

static void test_ends(void **state)
{
	static const uint8_t forged[5 + 32] = { 0x17, 3, 3, 0, 32 };
	size_t got;

	(void)state;
	for (unsigned v = 0; v < VERSIONS; v++) {
		begin(versions[v]);
		shake();
		assert_int_equal(SSL_write(client, "abc", 3), 3);
		(void)SSL_shutdown(client);
		assert_int_equal(take(BUDGET, sizeof(octets), &got), TLS_DONE);
		assert_int_equal(got, 3);
		assert_int_equal(tls_session_read(&session, octets, sizeof(octets), &got), TLS_ENDED);
		end();
		begin(versions[v]);
		shake();
		assert_int_equal(shutdown(theirs, SHUT_WR), 0); /* without a farewell */
		assert_int_equal(take(BUDGET, sizeof(octets), &got), TLS_ENDED);
		end();
		begin(versions[v]);
		shake();
		assert_int_equal(send(theirs, forged, sizeof(forged), MSG_NOSIGNAL), sizeof(forged));
		assert_int_equal(take(BUDGET, sizeof(octets), &got), TLS_FAILED);
		end();
	}
}

static void test_farewell(void **state)
{
	(void)state;
	begin(TLS1_3_VERSION);
	shake();
	tls_session_free(&session);
	assert_int_equal(SSL_read(client, octets, sizeof(octets)), 0);
	assert_int_equal(SSL_get_error(client, 0), SSL_ERROR_ZERO_RETURN);
	assert_int_equal(tls_session_init(&session, tls, ours), 0);
	end();
}

/* What began with one certificate goes on with it, and is free of what comes after. */
static void test_reload_under_a_session(void **state)
{
	char problem[IO_PROBLEM_SIZE];
	size_t got;

	(void)state;
	begin(TLS1_3_VERSION);
	/* The files are gone: what there is stays. */
	assert_int_equal(io_tls_reload(tls, problem), -EINVAL);
	assert_non_null(strstr(problem, "No such file"));
	assert_int_equal(io_tls_counters(tls).reloads_failed, 1);
	assert_int_equal(io_tls_counters(tls).reloads, 0);
	shake();
	assert_int_equal(SSL_write(client, "x", 1), 1);
	assert_int_equal(take(BUDGET, 1, &got), TLS_DONE);
	end();
}

UNIT_MAIN(cmocka_unit_test(test_failures), cmocka_unit_test(test_silence_waits),
          cmocka_unit_test(test_budget_ends_key_updates), cmocka_unit_test(test_octets_come_as_they_were),
          cmocka_unit_test(test_holding), cmocka_unit_test(test_full_socket), cmocka_unit_test(test_ends),
          cmocka_unit_test(test_farewell), cmocka_unit_test(test_reload_under_a_session))
