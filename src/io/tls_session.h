/*
 * tls_session.h - the TLS of one connection, over its socket; private to src/io.
 *
 * OpenSSL is given octets by a BIO of ours that never blocks, and that stops a read at a budget: so a peer that sends for
 * ever what yields no octets of a frame (key updates) cannot keep a turn for itself.
 *
 * Ownership: the descriptor is the connection's. What was decrypted and not taken yet stays inside (tls_session_is_holding()).
 * Errors:    enum tls_result; after TLS_FAILED and TLS_ENDED nothing is to be called but tls_session_free().
 * Memory:    about 20 KiB between records; a buffer of one record more (17 KiB) while one is under way.
 */
#ifndef ASSAY_IO_TLS_SESSION_H
#define ASSAY_IO_TLS_SESSION_H

#include "io/tls.h"

struct ssl_st;
struct bio_method_st;

enum tls_result {
	TLS_DONE,
	TLS_WANTS_READ,  /* more octets of the peer's */
	TLS_WANTS_WRITE, /* the socket takes no more */
	TLS_SPENT,       /* the budget; there may be more to read at once */
	TLS_ENDED,       /* the peer closed */
	TLS_FAILED,
};

struct tls_session {
	struct ssl_st *ssl;
	int fd;
	size_t budget;       /* octets that may still be read from the socket */
	bool is_dry;         /* the last read got less than it asked for: there is no more, and a poll tells of it */
	bool hung_up;        /* nor is that told again */
	bool name_refused, is_broken;
};

/* 0 or -ENOMEM. */
MUST_CHECK int tls_session_init(struct tls_session *session, struct io_tls *tls, int fd);
/* Tells the peer that this is the end, if the socket takes it at once. */
void tls_session_free(struct tls_session *session);

/* Before what follows reads: at most so many octets from the socket. `hung_up`: the poll said that the end is near. */
void tls_session_may_read(struct tls_session *session, size_t octets, bool hung_up);
enum tls_result tls_session_handshake(struct tls_session *session, enum io_tls_failure *failure_out);
/* TLS_DONE: at least one octet. */
enum tls_result tls_session_read(struct tls_session *session, void *to, size_t octets, size_t *read_out);
/* TLS_DONE: at least one octet was taken. Otherwise it is to be called again with the same octets in front, maybe more. */
enum tls_result tls_session_write(struct tls_session *session, const void *octets, size_t len, size_t *written_out);
/* Octets that were received and not taken: the beginning of a record, or one that did not fit. */
bool tls_session_is_holding(const struct tls_session *session);

/* For tls.c. */
void tls_session_name_refused(struct ssl_st *ssl);
struct bio_method_st *tls_transport_new(void);
struct ssl_st *tls_ssl_new(struct io_tls *tls);
const struct bio_method_st *tls_transport_of(const struct io_tls *tls);

#endif
