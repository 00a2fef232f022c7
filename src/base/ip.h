/*
 * ip.h - an IP address as mail policies see it.
 *
 * An IPv4-mapped IPv6 address (::ffff:0:0/96) is the IPv4 address in it (RFC 7208 section 5).
 */
#ifndef ASSAY_BASE_IP_H
#define ASSAY_BASE_IP_H

#include "base/slice.h"

#define IP_TEXT_SIZE 46 /* longest text form and a NUL */

struct ip_address {
	bool is_v6;
	uint8_t octets[16]; /* network order; the first 4 for IPv4 */
};

/* Text form without brackets, prefix length or zone; false when it is none. */
bool ip_parse(struct slice text, struct ip_address *out);
/* As ip_parse(), but without turning a mapped address into IPv4 and for one family only. */
bool ip_parse_v4(struct slice text, struct ip_address *out);
bool ip_parse_v6(struct slice text, struct ip_address *out);
/* Text form with a NUL; returns its length. */
size_t ip_format(const struct ip_address *ip, char text[IP_TEXT_SIZE]);
/* Same family and the same first `bits` bits; bits above the family's size count as its size. */
bool ip_in_prefix(const struct ip_address *ip, const struct ip_address *network, unsigned bits);

#endif
