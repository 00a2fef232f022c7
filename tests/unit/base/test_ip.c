/*
 * Goal:   an address is read from its plain text form only; prefixes compare exactly so many bits.
 * Method: tables, refusals first; then every prefix length against a bit-by-bit model.
 */
#include "base/ip.h"
#include "unit.h"

static void test_refused(void **state)
{
	static const struct {
		const char *name;
		struct slice text;
	} vectors[] = {
		{ "empty", SLICE_INIT("") },
		{ "space_before", SLICE_INIT(" 192.0.2.1") },
		{ "space_behind", SLICE_INIT("192.0.2.1 ") },
		{ "three_numbers", SLICE_INIT("192.0.2") },
		{ "five_numbers", SLICE_INIT("192.0.2.1.1") },
		{ "number_256", SLICE_INIT("192.0.2.256") },
		{ "leading_zero", SLICE_INIT("192.0.2.01") },
		{ "hexadecimal", SLICE_INIT("192.0.2.0x1") },
		{ "one_number", SLICE_INIT("3221225985") },
		{ "prefix", SLICE_INIT("192.0.2.1/32") },
		{ "port", SLICE_INIT("192.0.2.1:25") },
		{ "brackets_v4", SLICE_INIT("[192.0.2.1]") },
		{ "brackets_v6", SLICE_INIT("[2001:db8::1]") },
		{ "smtp_literal", SLICE_INIT("IPv6:2001:db8::1") },
		{ "zone", SLICE_INIT("fe80::1%eth0") },
		{ "zone_number", SLICE_INIT("fe80::1%1") },
		{ "nul_within_v4", SLICE_INIT("192.0.2.1\0") },
		{ "nul_within_v6", SLICE_INIT("2001:db8::1\0.example") },
		{ "nul_first", SLICE_INIT("\0" "192.0.2.1") },
		{ "nul_only", SLICE_INIT("\0") },
		{ "two_gaps", SLICE_INIT("2001::db8::1") },
		{ "seven_groups", SLICE_INIT("1:2:3:4:5:6:7") },
		{ "nine_groups", SLICE_INIT("1:2:3:4:5:6:7:8:9") },
		{ "group_of_five", SLICE_INIT("2001:0db80::1") },
		{ "three_colons", SLICE_INIT(":::") },
		{ "one_colon_first", SLICE_INIT(":1::2") },
		{ "embedded_v4_in_the_middle", SLICE_INIT("::192.0.2.1:1") },
		{ "longer_than_any", SLICE_INIT("0000:0000:0000:0000:0000:ffff:255.255.255.2550") },
		{ "much_longer", SLICE_INIT("00000000000000000000000000000000000000000000000000000000000000000000::1") },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		struct ip_address ip = { .octets = { 7 } };

		if (ip_parse(vectors[i].text, &ip) || ip_parse_v4(vectors[i].text, &ip) || ip_parse_v6(vectors[i].text, &ip))
			fail_msg("%s: accepted", vectors[i].name);
	}
}

static void test_parsed_and_formatted(void **state)
{
	static const struct {
		const char *text, *formatted;
		bool is_v6;
		uint8_t first, last; /* octets */
	} vectors[] = {
		{ "0.0.0.0", "0.0.0.0", false, 0, 0 },
		{ "255.255.255.255", "255.255.255.255", false, 255, 255 },
		{ "192.0.2.1", "192.0.2.1", false, 192, 1 },
		{ "::", "::", true, 0, 0 },
		{ "2001:DB8:0:0::1", "2001:db8::1", true, 0x20, 1 },
		{ "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", true, 0, 8 },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true, 255, 255 },
		{ "::ffff:192.0.2.1", "192.0.2.1", false, 192, 1 },
		{ "::ffff:c000:201", "192.0.2.1", false, 192, 1 },
		{ "0:0:0:0:0:ffff:0:0", "0.0.0.0", false, 0, 0 },
		/* Neighbours of the mapped range stay IPv6. */
		{ "::fffe:192.0.2.1", "::fffe:c000:201", true, 0, 1 },
		{ "::1:ffff:192.0.2.1", "::1:ffff:c000:201", true, 0, 1 },
		{ "8000::ffff:192.0.2.1", "8000::ffff:c000:201", true, 0x80, 1 },
		{ "::192.0.2.1", "::192.0.2.1", true, 0, 1 },
		{ "64:ff9b::192.0.2.1", "64:ff9b::c000:201", true, 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		struct ip_address ip;
		char text[IP_TEXT_SIZE];
		size_t len;

		if (!ip_parse(slice_of_str(vectors[i].text), &ip))
			fail_msg("%s: refused", vectors[i].text);
		assert_int_equal(ip.is_v6, vectors[i].is_v6);
		assert_int_equal(ip.octets[0], vectors[i].first);
		assert_int_equal(ip.octets[ip.is_v6 ? 15 : 3], vectors[i].last);
		len = ip_format(&ip, text);
		assert_string_equal(text, vectors[i].formatted);
		assert_int_equal(len, strlen(text));
	}
}

static void test_one_family_only(void **state)
{
	struct ip_address ip;

	(void)state;
	assert_false(ip_parse_v4(SLICE("::1"), &ip));
	assert_false(ip_parse_v4(SLICE("::ffff:192.0.2.1"), &ip));
	assert_false(ip_parse_v6(SLICE("192.0.2.1"), &ip));
	assert_true(ip_parse_v6(SLICE("::ffff:192.0.2.1"), &ip));
	assert_true(ip.is_v6);
	assert_true(ip_parse_v4(SLICE("192.0.2.1"), &ip));
	assert_false(ip.is_v6);
}

static void test_every_prefix_length(void **state)
{
	static const struct {
		const char *network;
		unsigned size;
	} families[] = { { "2001:db8:a5a5:5a5a:ff00:ff:1234:8001", 128 }, { "192.0.2.129", 32 } };

	(void)state;
	for (size_t f = 0; f < COUNT_OF(families); f++) {
		struct ip_address network;

		assert_true(ip_parse(slice_of_str(families[f].network), &network));
		/* An address that differs in one bit is within every shorter prefix and outside every longer one. */
		for (unsigned flipped = 0; flipped < families[f].size; flipped++) {
			struct ip_address ip = network;

			ip.octets[flipped / 8] ^= (uint8_t)(0x80 >> flipped % 8);
			for (unsigned bits = 0; bits <= families[f].size + 10; bits++)
				if (ip_in_prefix(&ip, &network, bits) != (bits <= flipped))
					fail_msg("%s/%u, bit %u flipped", families[f].network, bits, flipped);
			assert_false(ip_in_prefix(&ip, &network, UINT32_MAX));
		}
		assert_true(ip_in_prefix(&network, &network, families[f].size + 1));
		assert_true(ip_in_prefix(&network, &network, UINT32_MAX));
	}
}

static void test_families_never_mix(void **state)
{
	struct ip_address v4 = { .is_v6 = false }, v6 = { .is_v6 = true };

	(void)state;
	assert_false(ip_in_prefix(&v4, &v6, 0));
	assert_false(ip_in_prefix(&v6, &v4, 0));
	assert_true(ip_in_prefix(&v4, &v4, 0));
	assert_true(ip_in_prefix(&v6, &v6, 0));
}

UNIT_MAIN(cmocka_unit_test(test_refused), cmocka_unit_test(test_parsed_and_formatted),
          cmocka_unit_test(test_one_family_only), cmocka_unit_test(test_every_prefix_length),
          cmocka_unit_test(test_families_never_mix))
