/*
 * Goal:   a list takes whole networks and nothing else, and has in it what they say, for both families.
 * Method: tables, refusals first; every prefix length against an address that differs in one bit before and behind it.
 */
#include "io/addresses.h"
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

static struct sockaddr_storage address_of(const char *text)
{
	struct sockaddr_storage storage = { .ss_family = AF_UNSPEC };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;

	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
		storage.ss_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
		storage.ss_family = AF_INET6;
	else
		fail_msg("%s: no address", text);
	return storage;
}

static bool contains(const char *network_text, const char *address_text)
{
	struct sockaddr_storage address = address_of(address_text);
	struct io_addresses list = { NULL, 0 };
	struct io_network network;
	bool found;

	if (!io_network_parse(slice_of_str(network_text), &network))
		fail_msg("%s: refused", network_text);
	assert_int_equal(io_addresses_add(&list, &network), 0);
	found = io_addresses_contain(&list, (const struct sockaddr *)&address);
	io_addresses_free(&list);
	assert_null(list.networks);
	return found;
}

static void test_refused(void **state)
{
	static const char *const texts[] = {
		"", "/", "/24", "192.0.2", "192.0.2.0.0", "192.0.2.256", "192.0.2.01", "192.0.2.0 ", " 192.0.2.0", "192.0.2.0/",
		"192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/+8", "192.0.2.0/0x8", "192.0.2.0/8 ", "192.0.2.0/24/24",
		"192.0.2.0/0024", "192.0.2.1/24", "192.0.2.0/22", "128.0.0.0/0", "localhost", "*", "::/129", ":::", "[::1]", "fe80::1%lo",
		"2001:db8::1/64", "2001:db8::/28", "1::2::3", "::ffff:192.0.2.1/120", "0:0:0:0:0:0:0:0:0",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999", "1111:2222:3333:4444:5555:6666:123.123.123.1234",
	};
	struct io_network network = { .prefix = 77 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		if (io_network_parse(slice_of_str(texts[i]), &network))
			fail_msg("%s: taken", texts[i]);
	assert_false(io_network_parse(slice_of("192.0.2.1\0", 10), &network));
	assert_int_equal(network.prefix, 77);
}

static void test_contains(void **state)
{
	static const struct {
		const char *network, *address;
		bool contains;
	} vectors[] = {
		{ "192.0.2.1", "192.0.2.2", false },
		{ "192.0.2.0/31", "192.0.2.2", false },
		{ "192.0.2.0/24", "192.0.3.0", false },
		{ "192.0.2.0/24", "::192.0.2.1", false }, /* compatible, which is not mapped */
		{ "::/0", "192.0.2.1", false },
		{ "::fffe:0:0/95", "192.0.2.1", false },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "2001:db8::/32", "2001:db9::", false },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1/32", "192.0.2.1", true },
		{ "192.0.2.0/31", "192.0.2.1", true },
		{ "0.0.0.0/0", "255.255.255.255", true },
		{ "192.0.2.0/24", "::ffff:192.0.2.255", true },
		{ "::ffff:192.0.2.0/120", "192.0.2.9", true },
		{ "::ffff:0:0/96", "192.0.2.9", true },
		{ "::/0", "2001:db8::1", true },
		{ "2001:db8::/32", "2001:db8:ffff::1", true },
		{ "2001:DB8::1", "2001:db8::1", true },
		{ "::1", "::1", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++)
		if (contains(vectors[i].network, vectors[i].address) != vectors[i].contains)
			fail_msg("%s and %s", vectors[i].network, vectors[i].address);
}

static void check_bits(int family, const char *base, unsigned bits)
{
	for (unsigned prefix = 1; prefix <= bits; prefix++) {
		char network[64], text[INET6_ADDRSTRLEN];
		uint8_t octets[16];

		snprintf(network, sizeof(network), "%s/%u", base, prefix);
		for (unsigned bit = 0; bit < bits; bit++) {
			assert_int_equal(inet_pton(family, base, octets), 1);
			octets[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
			assert_non_null(inet_ntop(family, octets, text, sizeof(text)));
			/* A bit of its own gives away the mapped form, which is another family. */
			if (contains(network, text) != (bit >= prefix))
				fail_msg("%s and %s", network, text);
		}
	}
}

static void test_every_prefix(void **state)
{
	(void)state;
	check_bits(AF_INET, "0.0.0.0", 32);
	check_bits(AF_INET6, "::", 128);
}

static void test_several(void **state)
{
	struct sockaddr_storage inside = address_of("2001:db8::5"), outside = address_of("192.0.2.77");
	struct sockaddr other = { .sa_family = AF_UNIX };
	struct io_addresses list = { NULL, 0 };
	struct io_network network;
	char text[64];

	(void)state;
	for (unsigned i = 0; i < IO_ADDRESSES_MAX; i++) {
		snprintf(text, sizeof(text), "2001:db8::%x", IO_ADDRESSES_MAX - i);
		assert_true(io_network_parse(slice_of_str(text), &network));
		assert_false(io_addresses_contain(&list, (struct sockaddr *)&inside) && i < IO_ADDRESSES_MAX - 5);
		assert_int_equal(io_addresses_add(&list, &network), 0);
	}
	assert_int_equal(io_addresses_add(&list, &network), -E2BIG);
	assert_true(io_addresses_contain(&list, (struct sockaddr *)&inside));
	assert_false(io_addresses_contain(&list, (struct sockaddr *)&outside));
	assert_false(io_addresses_contain(&list, &other));
	io_addresses_free(&list);
	assert_false(io_addresses_contain(&list, (struct sockaddr *)&inside));
}

UNIT_MAIN(cmocka_unit_test(test_refused), cmocka_unit_test(test_contains), cmocka_unit_test(test_every_prefix),
          cmocka_unit_test(test_several))
