#include "io/addresses.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#define MAPPED_OCTETS 12 /* in front of the IPv4 address */
#define MAPPED_BITS (MAPPED_OCTETS * 8)

static const uint8_t mapped[MAPPED_OCTETS] = { [10] = 0xff, [11] = 0xff };

/* The bits of the address and how many of them belong to IPv6's form of an IPv4 address; -1: no address. */
static int address_parse(struct slice text, uint8_t octets[16])
{
	char copy[INET6_ADDRSTRLEN];

	if (text.len == 0 || text.len >= sizeof(copy) || slice_find(text, 0) != SLICE_NOT_FOUND)
		return -1;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = 0;
	if (inet_pton(AF_INET6, copy, octets) == 1)
		return 0;
	memcpy(octets, mapped, MAPPED_OCTETS);
	return inet_pton(AF_INET, copy, octets + MAPPED_OCTETS) == 1 ? MAPPED_BITS : -1;
}

static bool bit_is_set(const uint8_t octets[16], unsigned bit)
{
	return octets[bit / 8] >> (7 - bit % 8) & 1;
}

bool io_network_parse(struct slice text, struct io_network *out)
{
	struct slice prefix_text = text, address = slice_cut(&prefix_text, '/');
	struct io_network network = { .prefix = 128 };
	int in_front = address_parse(address, network.octets);
	uint64_t prefix;

	if (in_front < 0)
		return false;
	if (prefix_text.ptr) {
		if (!slice_to_u64(prefix_text, 3, &prefix) || prefix > 128 - (unsigned)in_front)
			return false;
		network.prefix = (uint8_t)(prefix + (unsigned)in_front);
	}
	for (unsigned bit = network.prefix; bit < 128; bit++)
		if (bit_is_set(network.octets, bit))
			return false;
	*out = network;
	return true;
}

int io_addresses_add(struct io_addresses *list, const struct io_network *network)
{
	struct io_network *longer;

	if (list->count == IO_ADDRESSES_MAX)
		return -E2BIG;
	longer = realloc(list->networks, (list->count + 1) * sizeof(*longer));
	if (!longer)
		return -ENOMEM;
	list->networks = longer;
	longer[list->count++] = *network;
	return 0;
}

void io_addresses_free(struct io_addresses *list)
{
	free(list->networks);
	*list = (struct io_addresses){ NULL, 0 };
}

static bool network_contains(const struct io_network *network, const uint8_t octets[16])
{
	size_t whole = network->prefix / 8, rest = network->prefix % 8;

	/* ::/0 is all of IPv6, and not meant for what only looks like it. */
	if (network->prefix < MAPPED_BITS && memcmp(octets, mapped, MAPPED_OCTETS) == 0)
		return false;
	if (memcmp(network->octets, octets, whole) != 0)
		return false;
	return rest == 0 || (network->octets[whole] ^ octets[whole]) >> (8 - rest) == 0;
}

bool io_addresses_contain(const struct io_addresses *list, const struct sockaddr *address)
{
	uint8_t octets[16];

	if (address->sa_family == AF_INET) {
		memcpy(octets, mapped, MAPPED_OCTETS);
		memcpy(octets + MAPPED_OCTETS, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
	} else if (address->sa_family == AF_INET6) {
		memcpy(octets, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
	} else {
		return false;
	}
	for (size_t i = 0; i < list->count; i++)
		if (network_contains(&list->networks[i], octets))
			return true;
	return false;
}
