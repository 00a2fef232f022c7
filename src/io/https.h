/*
 * https.h - documents fetched over HTTPS from hosts that strangers name.
 *
 * Rules:      one GET over HTTP/1.1 and TLS 1.2 or newer; the certificate is checked for the host's name (DNS-ID, the name in
 *             the subject never counts; a wildcard is a whole label); no redirect is followed; no proxy, cookie, credential,
 *             compression or connection used again. The caller has resolved the host: a socket is opened to the
 *             addresses it gives, one after another, and to no other.
 * Bounds:     connections at once, in all and to one address; documents waiting; octets of header and body; time.
 *             Each has a counter.
 * Threading:  one thread calls everything, but for io_https_wake().
 * Ownership:  a `struct io_https_get` is the caller's and stays where it is until its `done` was called.
 */
#ifndef ASSAY_IO_HTTPS_H
#define ASSAY_IO_HTTPS_H

#include "base/error.h"
#include "base/ip.h"
#include "io/loop.h"

struct io_https;

struct io_https_config {
	const char *ca_file;           /* trusted roots, PEM; "" or NULL: the system's */
	unsigned port;
	unsigned connections_max;      /* in all */
	unsigned address_connections_max; /* of these, to one address */
	unsigned waiting_max;          /* documents that wait for a connection; more are refused */
	unsigned time_ms_max;          /* for a document, from its first connection on */
	unsigned connect_ms_max;       /* of it, for a connection with its TLS handshake */
	size_t header_octets_max;
	size_t body_octets_max;
};

enum io_https_outcome {
	IO_HTTPS_ANSWERED,     /* a whole response, of whatever status */
	IO_HTTPS_UNREACHED,    /* no connection: refused, unreachable, no handshake */
	IO_HTTPS_UNTRUSTED,    /* the certificate */
	IO_HTTPS_LATE,         /* out of time, or far too slow */
	IO_HTTPS_TOO_LARGE,    /* header or body */
	IO_HTTPS_BROKEN,       /* no HTTP, or cut off */
	IO_HTTPS_FAULT,        /* ours: out of memory, the bound on waiting ones */
};

struct io_https_result {
	enum io_https_outcome outcome;
	unsigned status;           /* of IO_HTTPS_ANSWERED, as are these */
	struct slice content_type; /* "" when there is none */
	struct slice body;         /* octets as they came */
	const char *detail;        /* of the others: why, for people; what the peer wrote may be in it */
};

#define IO_HTTPS_HOST_SIZE 256
#define IO_HTTPS_ADDRESSES_MAX 16

struct transfer;

struct io_https_get {
	char host[IO_HTTPS_HOST_SIZE]; /* a domain name */
	const char *path;              /* from "/" on */
	struct ip_address addresses[IO_HTTPS_ADDRESSES_MAX]; /* tried in this order */
	size_t addresses_count;        /* 1 or more */
	/* Called once, from io_https_run(); the result is valid during the call only. */
	void (*done)(struct io_https_get *get, const struct io_https_result *result);
	/* Of the module. */
	struct io_https_get *next;
	struct transfer *transfer;     /* NULL: it waits */
};

struct io_https_counters {
	unsigned connections, connections_most; /* sockets open now, and the most at once so far */
	unsigned waiting;
	uint64_t refused;                       /* at waiting_max */
	uint64_t strays;                        /* sockets to an address that was not given: refused */
};

/* Before any other thread: libraries are set up. 0; or a negative errno and a line for people. */
MUST_CHECK int io_https_new(const struct io_https_config *config, struct io_https **out, char problem[IO_PROBLEM_SIZE]);
/* What is under way or waits is dropped: its `done` is not called. */
void io_https_free(struct io_https *https);

/* False: waiting_max is reached, and nothing will come of it. */
bool io_https_start(struct io_https *https, struct io_https_get *get);
/* Works until something has happened, it is woken, or `wait_ms` are over. */
void io_https_run(struct io_https *https, unsigned wait_ms);
/* From any thread. */
void io_https_wake(struct io_https *https);

const struct io_https_counters *io_https_counters(const struct io_https *https);

/* Can certificates be read from that file? For a check of the configuration. */
MUST_CHECK bool io_https_check_ca_file(const char *path, char problem[IO_PROBLEM_SIZE]);

#endif
