#include "proto/tlspolicy/addresses.h"

#include <string.h>

struct range {
	uint8_t octets[8]; /* the rest is 0 */
	unsigned bits;
};

static const struct range special_v4[] = {
	{ { 0 }, 8 },             /* this network */
	{ { 10 }, 8 },            /* private */
	{ { 100, 64 }, 10 },      /* shared, RFC 6598 */
	{ { 127 }, 8 },           /* loopback */
	{ { 169, 254 }, 16 },     /* link-local */
	{ { 172, 16 }, 12 },      /* private */
	{ { 192, 0, 0 }, 24 },    /* IETF protocol assignments */
	{ { 192, 0, 2 }, 24 },    /* documentation */
	{ { 192, 88, 99 }, 24 },  /* 6to4 relays, RFC 7526 */
	{ { 192, 168 }, 16 },     /* private */
	{ { 198, 18 }, 15 },      /* benchmarking */
	{ { 198, 51, 100 }, 24 }, /* documentation */
	{ { 203, 0, 113 }, 24 },  /* documentation */
	{ { 224 }, 4 },           /* multicast */
	{ { 240 }, 4 },           /* reserved, broadcast */
};
/* Within global unicast, 2000::/3. */
static const struct range special_v6[] = {
	{ { 0x20, 0x01, 0x00 }, 23 },             /* IETF protocol assignments, Teredo, ORCHID */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 },       /* documentation */
	{ { 0x20, 0x02 }, 16 },                   /* 6to4 */
	{ { 0x3f, 0xff, 0x00 }, 20 },             /* documentation, RFC 9637 */
};
static const struct range global_unicast = { { 0x20 }, 3 };
static const struct range nat64 = { { 0x00, 0x64, 0xff, 0x9b }, 96 };

static bool is_in(const struct ip_address *ip, const struct range *range)
{
	struct ip_address network = { .is_v6 = ip->is_v6 };

	memcpy(network.octets, range->octets, ip->is_v6 ? sizeof(range->octets) : 4);
	return ip_in_prefix(ip, &network, range->bits);
}

static bool is_in_any(const struct ip_address *ip, const struct range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_in(ip, &ranges[i]))
			return true;
	return false;
}

bool address_is_public(const struct ip_address *ip)
{
	struct ip_address embedded = { .is_v6 = false };

	if (!ip->is_v6)
		return !is_in_any(ip, special_v4, sizeof(special_v4) / sizeof(*special_v4));
	if (is_in(ip, &nat64)) {
		memcpy(embedded.octets, ip->octets + 12, 4);
		return address_is_public(&embedded);
	}
	return is_in(ip, &global_unicast) && !is_in_any(ip, special_v6, sizeof(special_v6) / sizeof(*special_v6));
}
