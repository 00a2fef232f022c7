#include "io/tls_session.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

/* --- the transport: a socket that never blocks, and a budget --- */

static int transport_read(BIO *bio, char *to, int octets)
{
	struct tls_session *session = BIO_get_data(bio);
	size_t asked = (size_t)octets < session->budget ? (size_t)octets : session->budget;
	ssize_t got;

	BIO_clear_retry_flags(bio);
	if (asked == 0 || (session->is_dry && !session->hung_up)) {
		BIO_set_retry_read(bio);
		return -1;
	}
	got = recv(session->fd, to, asked, MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		session->is_dry = errno == EAGAIN;
		session->hung_up &= !session->is_dry;
		BIO_set_retry_read(bio);
	}
	if (got > 0) {
		session->is_dry = (size_t)got < asked;
		session->budget -= (size_t)got;
	}
	return (int)got;
}

static int transport_write(BIO *bio, const char *octets, int len)
{
	const struct tls_session *session = BIO_get_data(bio);
	ssize_t sent = send(session->fd, octets, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);

	BIO_clear_retry_flags(bio);
	if (sent < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(bio);
	return (int)sent;
}

static long transport_control(BIO *bio, int command, long number, void *arg)
{
	(void)bio;
	(void)number;
	(void)arg;
	return command == BIO_CTRL_FLUSH; /* all else is not known here */
}

struct bio_method_st *tls_transport_new(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "assay connection");

	if (!method)
		return NULL;
	BIO_meth_set_read(method, transport_read);
	BIO_meth_set_write(method, transport_write);
	BIO_meth_set_ctrl(method, transport_control);
	return method;
}

/* --- a session --- */

int tls_session_init(struct tls_session *session, struct io_tls *tls, int fd)
{
	BIO *bio = BIO_new(tls_transport_of(tls));

	*session = (struct tls_session){ .ssl = tls_ssl_new(tls), .fd = fd };
	if (!session->ssl || !bio) {
		SSL_free(session->ssl);
		BIO_free(bio);
		ERR_clear_error();
		return -ENOMEM;
	}
	BIO_set_data(bio, session);
	BIO_set_init(bio, 1);
	SSL_set_bio(session->ssl, bio, bio);
	SSL_set_app_data(session->ssl, session);
	SSL_set_accept_state(session->ssl);
	return 0;
}

void tls_session_free(struct tls_session *session)
{
	if (!session->is_broken && SSL_is_init_finished(session->ssl))
		(void)SSL_shutdown(session->ssl);
	SSL_free(session->ssl);
	ERR_clear_error();
}

void tls_session_name_refused(struct ssl_st *ssl)
{
	struct tls_session *session = SSL_get_app_data(ssl);

	session->name_refused = true;
}

void tls_session_may_read(struct tls_session *session, size_t octets, bool hung_up)
{
	session->budget = octets;
	session->is_dry = false;
	session->hung_up = hung_up;
}

/* What an operation that was not done, with this return value, is waiting for. */
static enum tls_result result_of(struct tls_session *session, int returned)
{
	switch (SSL_get_error(session->ssl, returned)) {
	case SSL_ERROR_WANT_READ: return session->is_dry ? TLS_WANTS_READ : TLS_SPENT;
	case SSL_ERROR_WANT_WRITE: return TLS_WANTS_WRITE;
	case SSL_ERROR_ZERO_RETURN: return TLS_ENDED;
	case SSL_ERROR_SYSCALL: session->is_broken = true; return TLS_ENDED;
	default: session->is_broken = true; return TLS_FAILED;
	}
}

/* A peer that ends without a farewell, or with an alert: what is whole, the length in front of a frame tells. */
static bool peer_has_ended(void)
{
	int reason = ERR_GET_REASON(ERR_peek_error());

	return reason == SSL_R_UNEXPECTED_EOF_WHILE_READING || reason > SSL_AD_REASON_OFFSET;
}

static enum io_tls_failure failure_of(const struct tls_session *session)
{
	int reason = ERR_GET_REASON(ERR_peek_error());

	switch (reason) {
	case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return IO_TLS_NO_CERTIFICATE;
	case SSL_R_CERTIFICATE_VERIFY_FAILED: return session->name_refused ? IO_TLS_NAME : IO_TLS_CERTIFICATE;
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_VERSION_TOO_LOW: return IO_TLS_VERSION;
	case SSL_R_UNEXPECTED_EOF_WHILE_READING: return IO_TLS_CLOSED;
	default: return reason > SSL_AD_REASON_OFFSET ? IO_TLS_REFUSED : IO_TLS_PROTOCOL;
	}
}

enum tls_result tls_session_handshake(struct tls_session *session, enum io_tls_failure *failure_out)
{
	enum tls_result result;
	int returned;

	ERR_clear_error();
	returned = SSL_do_handshake(session->ssl);
	if (returned == 1)
		return TLS_DONE;
	result = result_of(session, returned);
	if (result == TLS_ENDED)
		*failure_out = IO_TLS_CLOSED;
	else if (result == TLS_FAILED)
		*failure_out = failure_of(session);
	ERR_clear_error();
	return result;
}

/* A part at a time: OpenSSL counts in int. */
static size_t part_of(size_t octets)
{
	return octets < INT_MAX ? octets : INT_MAX;
}

enum tls_result tls_session_read(struct tls_session *session, void *to, size_t octets, size_t *read_out)
{
	enum tls_result result = TLS_DONE;
	int returned;

	ERR_clear_error();
	returned = SSL_read_ex(session->ssl, to, part_of(octets), read_out);
	if (returned != 1) {
		*read_out = 0;
		result = result_of(session, returned);
		if (result == TLS_FAILED && peer_has_ended())
			result = TLS_ENDED;
		ERR_clear_error();
	}
	return result;
}

enum tls_result tls_session_write(struct tls_session *session, const void *octets, size_t len, size_t *written_out)
{
	enum tls_result result = TLS_DONE;
	int returned;

	ERR_clear_error();
	returned = SSL_write_ex(session->ssl, octets, part_of(len), written_out);
	if (returned != 1) {
		*written_out = 0;
		result = result_of(session, returned);
		ERR_clear_error();
	}
	return result;
}

bool tls_session_is_holding(const struct tls_session *session)
{
	return SSL_has_pending(session->ssl) == 1;
}
