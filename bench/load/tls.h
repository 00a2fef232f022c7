/*
 * tls.h - the load generator's own TLS, for tls+tcp URLs: OpenSSL over a socket that does not block.
 *
 * The server's certificate is not looked at: what is measured is a server of one's own. A client certificate is shown where one is
 * given. Errors end the program with a line, but for a connection that is lost.
 */
#ifndef ASSAY_BENCH_TLS_H
#define ASSAY_BENCH_TLS_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

struct ssl_st;

/* Before the first connection: PEM with a certificate and its key. */
void tls_show(const char *path);
/* Over a connected socket that blocks; waits for the handshake. */
struct ssl_st *tls_open(int fd, const char *url);
void tls_close(struct ssl_st *ssl);
/* As sendmsg() and recv() on a socket that does not block. What was given first is given again after EAGAIN. */
ssize_t tls_send(struct ssl_st *ssl, const struct iovec *parts, size_t count);
ssize_t tls_receive(struct ssl_st *ssl, void *buffer, size_t size);

#endif
