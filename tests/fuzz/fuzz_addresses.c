/*
 * Goal:   no text makes the parser of networks fault; what it takes is a network that has its own first and last address in it, and none
 *         of the addresses next to them.
 * Method: the input is the text.
 */
#include "io/addresses.h"

#include <netinet/in.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has(const struct io_addresses *list, const uint8_t octets[16])
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6 };

	memcpy(&address.sin6_addr, octets, 16);
	return io_addresses_contain(list, (const struct sockaddr *)&address);
}

/* Adds `by` (1 or 255, which is -1) to the number that the octets are. False: it runs over. */
static bool step(uint8_t octets[16], uint8_t by)
{
	for (int i = 15; i >= 0; i--) {
		uint8_t before = octets[i];

		octets[i] = (uint8_t)(before + by);
		if (by == 1 ? octets[i] != 0 : before != 0)
			return true;
	}
	return false;
}

static bool is_mapped(const uint8_t octets[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(octets, mapped, sizeof(mapped)) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct io_network network;
	struct io_addresses list = { NULL, 0 };
	uint8_t first[16], last[16];

	if (!io_network_parse(slice_of(data, size), &network))
		return 0;
	ASSERT(network.prefix <= 128 && io_addresses_add(&list, &network) == 0);
	memcpy(first, network.octets, 16);
	memcpy(last, network.octets, 16);
	for (unsigned bit = network.prefix; bit < 128; bit++)
		last[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	/* A mapped address is in no network of IPv6 that is larger than all of IPv4. */
	ASSERT(has(&list, first) == (network.prefix >= 96 || !is_mapped(first)));
	ASSERT(has(&list, last) == (network.prefix >= 96 || !is_mapped(last)));
	ASSERT(!step(first, 255) || !has(&list, first));
	ASSERT(!step(last, 1) || !has(&list, last));
	io_addresses_free(&list);
	return 0;
}
