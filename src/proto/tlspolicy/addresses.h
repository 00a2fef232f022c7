/*
 * addresses.h - which addresses a name of somebody else's choosing may lead us to.
 *
 * Source: the IANA special-purpose address registries (RFC 6890 and what came later).
 * Purity: no I/O, no globals.
 */
#ifndef ASSAY_PROTO_TLSPOLICY_ADDRESSES_H
#define ASSAY_PROTO_TLSPOLICY_ADDRESSES_H

#include "base/ip.h"

/*
 * A unicast address of the public Internet. Not: loopback, private, shared (CGNAT), link-local (cloud metadata is there),
 * documentation, benchmarking, multicast, reserved; IPv6 that holds an IPv4 address (mapped, compatible, 6to4, Teredo),
 * but for NAT64 (64:ff9b::/96) of a public one.
 */
bool address_is_public(const struct ip_address *ip);

#endif
