/*
 * Goal:   whatever a peer sends instead of a handshake, a session fails, ends or waits for more, and gives all memory back.
 * Method: the input is what the peer sends over a pair of sockets, in two pieces, the first octet says where it is cut. The
 *         certificate is made here, for one key, once.
 */
#include "io/tls_session.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char certificate_path[] = "/tmp/assay-fuzz-tls-XXXXXX", key_path[] = "/tmp/assay-fuzz-tls-XXXXXX";

static X509 *certificate_make(EVP_PKEY *key)
{
	X509 *certificate = X509_new();

	ASSERT(certificate && X509_set_version(certificate, 2));
	ASSERT(X509_gmtime_adj(X509_getm_notBefore(certificate), 0));
	ASSERT(X509_gmtime_adj(X509_getm_notAfter(certificate), 86400));
	ASSERT(X509_set_pubkey(certificate, key) && X509_sign(certificate, key, EVP_sha256()));
	return certificate;
}

static struct io_tls *tls_make(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = certificate_make(key);
	FILE *certificate_file = fdopen(mkstemp(certificate_path), "w"), *key_file = fdopen(mkstemp(key_path), "w");
	struct io_tls_config config = { .certificate = certificate_path, .key = key_path, .client_ca = certificate_path };
	char problem[IO_PROBLEM_SIZE];
	struct io_tls *tls;

	ASSERT(certificate_file && key_file);
	ASSERT(PEM_write_X509(certificate_file, certificate) && fclose(certificate_file) == 0);
	ASSERT(PEM_write_PrivateKey(key_file, key, NULL, NULL, 0, NULL, NULL) && fclose(key_file) == 0);
	ASSERT(io_tls_new(&config, &tls, problem) == 0);
	unlink(certificate_path);
	unlink(key_path);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return tls;
}

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
		tls = tls_make();
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
