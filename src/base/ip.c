#include "base/ip.h"

#include <arpa/inet.h>
#include <string.h>

/* Is it worth a closer look? Of IPv4 an address ends in a digit, of IPv6 it has a colon; hardly a name does. */
static bool may_be_address(int family, struct slice text)
{
	if (family == AF_INET)
		return text.len > 0 && octet_is_digit(text.ptr[text.len - 1]);
	return slice_find(text, ':') != SLICE_NOT_FOUND;
}

static bool parse_family(int family, struct slice text, void *octets)
{
	char copy[IP_TEXT_SIZE];

	if (!may_be_address(family, text) || text.len >= sizeof(copy) || slice_find(text, 0) != SLICE_NOT_FOUND)
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = 0;
	return inet_pton(family, copy, octets) == 1;
}

bool ip_parse_v4(struct slice text, struct ip_address *out)
{
	struct ip_address ip = { .is_v6 = false };

	if (!parse_family(AF_INET, text, ip.octets))
		return false;
	*out = ip;
	return true;
}

bool ip_parse_v6(struct slice text, struct ip_address *out)
{
	struct ip_address ip = { .is_v6 = true };

	if (!parse_family(AF_INET6, text, ip.octets))
		return false;
	*out = ip;
	return true;
}

bool ip_parse(struct slice text, struct ip_address *out)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct ip_address v6;

	if (ip_parse_v4(text, out))
		return true;
	if (!ip_parse_v6(text, &v6))
		return false;
	if (memcmp(v6.octets, mapped, sizeof(mapped)) == 0) {
		*out = (struct ip_address){ .is_v6 = false };
		memcpy(out->octets, v6.octets + sizeof(mapped), 4);
	} else {
		*out = v6;
	}
	return true;
}

size_t ip_format(const struct ip_address *ip, char text[IP_TEXT_SIZE])
{
	inet_ntop(ip->is_v6 ? AF_INET6 : AF_INET, ip->octets, text, IP_TEXT_SIZE);
	return strlen(text);
}

bool ip_in_prefix(const struct ip_address *ip, const struct ip_address *network, unsigned bits)
{
	unsigned size = network->is_v6 ? 128 : 32;
	unsigned octets, rest;

	if (ip->is_v6 != network->is_v6)
		return false;
	if (bits > size)
		bits = size;
	octets = bits / 8;
	rest = bits % 8;
	if (memcmp(ip->octets, network->octets, octets) != 0)
		return false;
	return rest == 0 || (ip->octets[octets] ^ network->octets[octets]) >> (8 - rest) == 0;
}
