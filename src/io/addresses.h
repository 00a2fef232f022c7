/*
 * addresses.h - lists of networks, and whether an address is in one.
 *
 * Grammar:   ADDRESS or ADDRESS/PREFIX: IPv4 as four decimal numbers, IPv6 as of RFC 4291 section 2.2, no brackets and no zone.
 *            Octets behind the prefix have to be 0: 192.0.2.1/24 is more likely a slip than a network.
 * Mapped:    an IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2) is the IPv4 address, for an IPv6 socket sees IPv4 peers so;
 *            it is in no larger network of IPv6.
 * Purity:    no I/O, no names are looked up.
 * Ownership: a list is the caller's, until io_addresses_free().
 * Bounds:    IO_ADDRESSES_MAX networks a list; a search is linear.
 */
#ifndef ASSAY_IO_ADDRESSES_H
#define ASSAY_IO_ADDRESSES_H

#include "base/error.h"
#include "base/slice.h"

#define IO_ADDRESSES_MAX 1024

struct sockaddr;

struct io_network {
	uint8_t octets[16]; /* IPv4 as mapped */
	uint8_t prefix;     /* bits of all 128 */
};

struct io_addresses {
	struct io_network *networks; /* owned */
	size_t count;
};

/* False: not of the grammar; *out is untouched. */
bool io_network_parse(struct slice text, struct io_network *out);

/* 0; -ENOMEM; or -E2BIG: the list is full. */
MUST_CHECK int io_addresses_add(struct io_addresses *list, const struct io_network *network);
void io_addresses_free(struct io_addresses *list);
/* Of an address that is neither IPv4 nor IPv6: false. */
bool io_addresses_contain(const struct io_addresses *list, const struct sockaddr *address);

#endif
