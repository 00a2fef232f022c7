/*
 * packet.h - a DNS response in wire format read into an answer.
 *
 * Source:    RFC 1035 section 4.1; RFC 2308 section 5; RFC 6672 (DNAME needs nothing: servers add the CNAME); STANDARDS LESSONS row 20.
 * Purity:    no I/O. Ownership: the answer lives in the arena; it points nowhere into the packet.
 * Errors:    0 (a malformed packet is an answer, DNS_INVALID) or -ENOMEM.
 * Bounds:    aliases followed: DNS_ALIASES_MAX; compression pointers go backwards only, so names end.
 */
#ifndef ASSAY_PROTO_DNS_PACKET_H
#define ASSAY_PROTO_DNS_PACKET_H

#include "base/arena.h"
#include "proto/ask/ask.h"

#define DNS_ALIASES_MAX 8

/* `packet`: a response with rcode 0 (NOERROR) or 3 (NXDOMAIN). `secure` is left false: whoever validated sets it. */
MUST_CHECK int dns_packet_read(struct slice packet, enum dns_type type, struct arena *arena, struct dns_answer *out);

#endif
