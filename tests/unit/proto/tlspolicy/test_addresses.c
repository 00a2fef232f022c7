/*
 * Goal:   a name of somebody else's leads us to no address that is not public.
 * Method: both ends of every special range are refused, and what lies beside it is not.
 */
#include "proto/tlspolicy/addresses.h"
#include "unit.h"

static bool is_public(const char *text)
{
	struct ip_address ip;

	assert_true(ip_parse_v4(slice_of_str(text), &ip) || ip_parse_v6(slice_of_str(text), &ip));
	return address_is_public(&ip);
}

static void test_refused(void **state)
{
	static const char *const addresses[] = {
		"0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1",
		"127.255.255.255", "169.254.0.0", "169.254.169.254", "172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.170",
		"192.0.2.1", "192.88.99.1", "192.168.0.0", "192.168.255.255", "198.18.0.0", "198.19.255.255", "198.51.100.1",
		"203.0.113.1", "224.0.0.0", "239.255.255.255", "240.0.0.0", "255.255.255.255",
		"::", "::1", "::7f00:1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1",
		"64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808", "100::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1",
		"2001::1", "2001:0:808:808::1", "2001:10::1", "2001:1ff:ffff::1", "2001:db8::1", "2002:7f00:1::1",
		"2002:808:808::1", "3fff::1", "3fff:fff:ffff::1", "4000::1", "1fff::1",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(addresses); i++)
		if (is_public(addresses[i]))
			fail_msg("%s", addresses[i]);
}

static void test_taken(void **state)
{
	static const char *const addresses[] = {
		"1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
		"169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.88.98.255",
		"192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2001:200::1",
		"2001:db7:ffff::1", "2001:db9::1", "2003::1", "2606:4700::1", "3ffe::1", "3fff:1000::1", "64:ff9b::808:808",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(addresses); i++)
		if (!is_public(addresses[i]))
			fail_msg("%s", addresses[i]);
}

UNIT_MAIN(cmocka_unit_test(test_refused), cmocka_unit_test(test_taken))
