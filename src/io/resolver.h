/*
 * resolver.h - DNS through libunbound on the shard's own loop: no thread, no pipe.
 *
 * libunbound gives us its resolver, its cache and its DNSSEC validation; we give it events and timers of our loop
 * (its pluggable event base). One resolver for each loop.
 * Local names: libunbound's built-in zones (RFC 6303, special-use names) are taken away when forwarders are set, so
 *             that the forwarder decides; without forwarders they stay, since no such name is to reach the roots.
 * Threading:  the loop's thread.
 */
#ifndef ASSAY_IO_RESOLVER_H
#define ASSAY_IO_RESOLVER_H

#include "base/slice.h"
#include "io/loop.h"

struct io_resolver;

struct io_resolver_config {
	const char *const *forwards; /* "address" or "address@port"; none: recursion from the roots */
	size_t forwards_count;
	const char *root_hints;      /* file; NULL or "": libunbound's built-in list */
	bool dnssec;                 /* validate; needs a trust anchor to find anything bogus or secure */
	const char *trust_anchor_file; /* zone-file format (DNSKEY, DS); NULL or "": none */
	/*
	 * Zone-file format, answered before any query goes out; NULL or "": none. A name with an SOA record there
	 * is the apex of a complete zone: what the file does not list below it does not exist. Other names are
	 * resolved as usual when the file does not list them.
	 */
	const char *zone_file;
	size_t cache_octets;         /* messages, record sets and keys together */
	bool qname_minimisation;     /* RFC 9156 */
};

enum io_dns_security { IO_DNS_INSECURE, IO_DNS_BOGUS, IO_DNS_SECURE };

struct io_dns_reply {
	int rcode;            /* RFC 6895; also when there is no packet */
	struct slice packet;  /* wire format, always there when rcode is 0; valid during the call only */
	enum io_dns_security security;
};

/* 0; or a negative errno and a line for people in `problem` (with file and line for zone_file). */
MUST_CHECK int io_resolver_new(struct io_loop *loop, const struct io_resolver_config *config, struct io_resolver **out,
                               char problem[IO_PROBLEM_SIZE]);
/* What is under way is dropped: its functions are not called any more. */
void io_resolver_free(struct io_resolver *resolver);

/*
 * Resolves; `done` is called exactly once, perhaps before this returns (an answer from the cache). `name`: text without a
 * final dot, 1 to 253 octets; any octet but a dot may stand in a label. -EINVAL: no such name can be asked; -ENOMEM,
 * -EIO: a fault (`done` is not called).
 */
MUST_CHECK int io_resolver_ask(struct io_resolver *resolver, struct slice name, unsigned type,
                               void (*done)(void *arg, const struct io_dns_reply *reply), void *arg);

/* Reads the zone file, for a check of the configuration; as io_resolver_new() would. */
MUST_CHECK int io_resolver_check_zone_file(const char *path, char problem[IO_PROBLEM_SIZE]);

#endif
