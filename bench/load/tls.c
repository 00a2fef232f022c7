#include "load/tls.h"

#include "corpus/text.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

#define RECORD_OCTETS 16384 /* as much as fits in one; requests that are smaller share it */

static SSL_CTX *context;

static void context_make(void)
{
	if (context)
		return;
	context = SSL_CTX_new(TLS_client_method());
	if (!context)
		die("TLS: cannot be set up");
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_read_ahead(context, 1);
}

void tls_show(const char *path)
{
	context_make();
	if (SSL_CTX_use_certificate_chain_file(context, path) != 1 ||
	    SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM) != 1)
		die("%s: no certificate and key in PEM form", path);
}

struct ssl_st *tls_open(int fd, const char *url)
{
	SSL *ssl;

	context_make();
	ssl = SSL_new(context);
	if (!ssl || SSL_set_fd(ssl, fd) != 1)
		die("TLS: cannot be set up");
	if (SSL_connect(ssl) != 1)
		die("%s: no TLS: %s", url, ERR_reason_error_string(ERR_get_error()));
	return ssl;
}

void tls_close(struct ssl_st *ssl)
{
	SSL_free(ssl);
}

/* As a system call would tell it. */
static ssize_t failed(SSL *ssl, int result)
{
	int error = SSL_get_error(ssl, result);

	ERR_clear_error();
	errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : EPIPE;
	return -1;
}

ssize_t tls_send(struct ssl_st *ssl, const struct iovec *parts, size_t count)
{
	char record[RECORD_OCTETS];
	size_t len = 0;
	int sent;

	for (size_t i = 0; i < count && len < sizeof(record); i++) {
		size_t taken = parts[i].iov_len < sizeof(record) - len ? parts[i].iov_len : sizeof(record) - len;

		memcpy(record + len, parts[i].iov_base, taken);
		len += taken;
	}
	sent = SSL_write(ssl, record, (int)len);
	return sent > 0 ? sent : failed(ssl, sent);
}

ssize_t tls_receive(struct ssl_st *ssl, void *buffer, size_t size)
{
	size_t got = 0;
	int result = 1;

	while (got < size && result > 0) {
		result = SSL_read(ssl, (char *)buffer + got, (int)(size - got));
		got += result > 0 ? (size_t)result : 0;
	}
	return got ? (ssize_t)got : failed(ssl, result);
}
