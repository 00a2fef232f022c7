/*
 * Goal:   whatever a peer sends instead of a handshake, a session fails, ends or waits for more, and gives all memory back.
 * Method: the input is what the peer sends over a pair of sockets, in two pieces, the first octet says where it is cut.
 */
#include "io/tls_session.h"
#include "test_tls.h"

#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What came, or as much as a socket holds. */
static void peer_sends(int fd, const uint8_t *data, size_t size)
{
	ssize_t sent = size ? send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;

	(void)sent;
}

static enum tls_result shake(struct tls_session *session, bool hung_up)
{
	enum io_tls_failure failure = IO_TLS_FAILURES;
	enum tls_result result;

	tls_session_may_read(session, 4096, hung_up);
	result = tls_session_handshake(session, &failure);
	ASSERT((result == TLS_FAILED || result == TLS_ENDED) == (failure < IO_TLS_FAILURES));
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct io_tls *tls;
	struct tls_session session;
	enum tls_result result;
	size_t cut;
	int pair[2];

	if (!tls)
		tls = test_tls(true);
	if (size == 0)
		return 0;
	cut = data[0] < size - 1 ? data[0] : size - 1;
	ASSERT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	ASSERT(tls_session_init(&session, tls, pair[0]) == 0);
	peer_sends(pair[1], data + 1, cut);
	result = shake(&session, false);
	if (result == TLS_WANTS_READ || result == TLS_SPENT) {
		peer_sends(pair[1], data + 1 + cut, size - 1 - cut);
		shutdown(pair[1], SHUT_WR);
		do
			result = shake(&session, true);
		while (result == TLS_SPENT);
		ASSERT(result == TLS_FAILED || result == TLS_ENDED);
	}
	tls_session_free(&session);
	close(pair[0]);
	close(pair[1]);
	return 0;
}
