/*
 * tls.h - what a server's TLS is made of: certificate, key, whom it believes. Read from files, and again while it serves.
 *
 * Source:    TLS 1.2 (RFC 5246, with the suites of RFC 9325 section 4.2 alone) and 1.3 (RFC 8446); nothing older. No renegotiation, no
 *            compression, no session is resumed: connections of a frontend last, and a resumed one would pass by the lists of names.
 * Clients:   with `client_ca` a client has to show a certificate of it that is good now and meant for clients (RFC 5280 section
 *            4.2.1.12); with `names` one of the certificate's dNSName has to be listed besides. Its common name is nothing.
 * Ownership: the configuration and what it points to are borrowed until io_tls_free().
 * Threading: io_tls_reload() may be called by any thread, one at a time, while others make sessions. A session keeps what it
 *            began with.
 * Errors:    a line for people in `problem`, which names the file.
 */
#ifndef ASSAY_IO_TLS_H
#define ASSAY_IO_TLS_H

#include "base/slice.h"
#include "io/loop.h"

/* Why a handshake failed. */
enum io_tls_failure {
	IO_TLS_PROTOCOL,       /* not TLS, or nothing in common */
	IO_TLS_VERSION,        /* older than TLS 1.2 */
	IO_TLS_NO_CERTIFICATE, /* and one is wanted */
	IO_TLS_CERTIFICATE,    /* not good: expired, of another authority, not meant for clients */
	IO_TLS_NAME,           /* not in the list */
	IO_TLS_REFUSED,        /* the peer sent an alert: mostly, it does not believe our certificate */
	IO_TLS_CLOSED,         /* the peer went away */
	IO_TLS_TIME,           /* the time was up */
	IO_TLS_FAILURES,
};

#define IO_TLS_KEY_MODE_REFUSED 0004 /* a key that everybody may read */

struct io_tls;

struct io_tls_config {
	const char *certificate; /* PEM: the server's, then those between it and the root */
	const char *key;         /* PEM, without a password */
	const char *client_ca;   /* PEM; "": clients need no certificate */
	const struct slice *names; /* as of io_tls_name_is_listed(); none: every certificate of client_ca will do */
	size_t names_count;
};

/* Reads the files. 0, -ENOMEM or -EINVAL. */
MUST_CHECK int io_tls_new(const struct io_tls_config *config, struct io_tls **out, char problem[IO_PROBLEM_SIZE]);
/* No session is left. NULL is allowed. */
void io_tls_free(struct io_tls *tls);
/* Reads the same files again, for sessions from now on. Not 0: all stays as it was. */
MUST_CHECK int io_tls_reload(struct io_tls *tls, char problem[IO_PROBLEM_SIZE]);

/* Is that such a file? What one file alone shows, for who reads a configuration. */
MUST_CHECK int io_tls_check_certificate(const char *path, char problem[IO_PROBLEM_SIZE]);
MUST_CHECK int io_tls_check_key(const char *path, char problem[IO_PROBLEM_SIZE]);
MUST_CHECK int io_tls_check_ca(const char *path, char problem[IO_PROBLEM_SIZE]);

struct io_tls_counters {
	uint64_t reloads, reloads_failed;
	uint64_t certificate_ends_s; /* notAfter of the one in use; seconds since 1970 */
};

/* From any thread. */
struct io_tls_counters io_tls_counters(const struct io_tls *tls);

/*
 * Is a dNSName of a certificate in a list of names? ".example.org" stands for every name below example.org, case does not
 * matter. A name with a wildcard names nobody, and neither does one with a NUL or no octet.
 */
bool io_tls_name_is_listed(struct slice name, const struct slice *list, size_t count);

#endif
