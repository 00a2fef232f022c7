/*
 * Goal:   key records are read by RFC 6376 section 3.6.1; keys that would make arithmetic dear or forgery cheap are
 *         refused before any (STANDARDS 2.8, S11), and DER has one form (LESSONS rows 5 and 6).
 * Method: tables of records, bad ones first; keys are put together from DER elements, each broken in one way; a
 *         good key is cut off at every octet and has every octet changed. Then every allocation fails once.
 */
#include "proto/dkim/key.h"

#include "unit.h"
#include "vectors.h"

#include "base/base64.h"

#include <openssl/evp.h>

struct octets {
	uint8_t data[4096];
	size_t len;
};

static struct octets octets_of(struct slice s)
{
	struct octets out = { .len = s.len };

	assert_true(s.len <= sizeof(out.data));
	if (s.len)
		memcpy(out.data, s.ptr, s.len);
	return out;
}

static struct octets join(struct octets a, struct octets b)
{
	assert_true(a.len + b.len <= sizeof(a.data));
	memcpy(a.data + a.len, b.data, b.len);
	a.len += b.len;
	return a;
}

/* Type, length in DER, contents. */
static struct octets element(uint8_t type, struct octets contents)
{
	struct octets out = { .data = { type }, .len = 1 };

	if (contents.len >= 0x100)
		out.data[out.len++] = 0x82;
	else if (contents.len >= 0x80)
		out.data[out.len++] = 0x81;
	if (contents.len >= 0x100)
		out.data[out.len++] = (uint8_t)(contents.len >> 8);
	out.data[out.len++] = (uint8_t)contents.len;
	return join(out, contents);
}

static struct octets integer(struct slice s)
{
	return element(0x02, octets_of(s));
}

/* A modulus of that many bits: 1 ... 1. */
static struct octets modulus(size_t bits)
{
	struct octets out = { .len = (bits + 7) / 8 };

	memset(out.data, 0x11, out.len);
	out.data[0] = (uint8_t)(1 << ((bits - 1) % 8));
	if (out.data[0] & 0x80)
		return join(octets_of(SLICE("\0")), out);
	return out;
}

static struct octets rsa(struct octets n, struct octets e)
{
	return element(0x30, join(n, e));
}

#define OID_RSA "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"

static struct octets spki(struct slice algorithm, struct octets key)
{
	struct octets bits = join(octets_of(SLICE("\0")), key);

	return element(0x30, join(element(0x30, octets_of(algorithm)), element(0x03, bits)));
}

static struct slice record_of(struct octets key, char *text, size_t size)
{
	size_t at = (size_t)snprintf(text, size, "v=DKIM1; p=");

	assert_true(at + 4 * key.len / 3 + 8 < size);
	at += (size_t)EVP_EncodeBlock((uint8_t *)text + at, key.data, (int)key.len);
	return slice_of(text, at);
}

static const struct {
	const char *name, *record;
	int result;
	enum dkim_key_fault fault;
} bad[] = {
	{ "empty", "", DKIM_KEY_NO_RECORD, 0 },
	{ "spf", "v=spf1 -all", DKIM_KEY_NO_RECORD, 0 },
	{ "text", "hello", DKIM_KEY_NO_RECORD, 0 },
	{ "other_list", "k=rsa", DKIM_KEY_NO_RECORD, 0 },
	{ "version_2", "v=DKIM2; p=" RFC6376_KEY_DATA, DKIM_KEY_NO_RECORD, 0 },
	{ "version_1_0", "v=DKIM1.0; p=" RFC6376_KEY_DATA, DKIM_KEY_NO_RECORD, 0 },
	{ "version_case", "v=dkim1; p=" RFC6376_KEY_DATA, DKIM_KEY_NO_RECORD, 0 },
	{ "version_empty", "v=; p=" RFC6376_KEY_DATA, DKIM_KEY_NO_RECORD, 0 },
	{ "version_not_first", "p=" RFC6376_KEY_DATA "; v=DKIM1", DKIM_KEY_NO_RECORD, 0 },
	{ "duplicate", "v=DKIM1; p=; p=" RFC6376_KEY_DATA, DKIM_KEY_NO_RECORD, 0 },
	{ "no_data", "v=DKIM1", 0, DKIM_KEY_WITHOUT_DATA },
	{ "revoked", "v=DKIM1; p=", 0, DKIM_KEY_REVOKED },
	{ "revoked_without_version", "p=", 0, DKIM_KEY_REVOKED },
	{ "revoked_of_unknown_type", "v=DKIM1; k=x; p=", 0, DKIM_KEY_REVOKED },
	{ "service_other", "s=tlsrpt; p=" RFC6376_KEY_DATA, 0, DKIM_KEY_NOT_FOR_MAIL },
	{ "service_empty", "s=; p=" RFC6376_KEY_DATA, 0, DKIM_KEY_NOT_FOR_MAIL },
	{ "type_unknown", "k=dsa; p=" RFC6376_KEY_DATA, 0, DKIM_KEY_UNKNOWN_TYPE },
	{ "type_empty", "k=; p=" RFC6376_KEY_DATA, 0, DKIM_KEY_UNKNOWN_TYPE },
	{ "no_base64", "p=%%%%", 0, DKIM_KEY_MALFORMED },
	{ "base64_cut", "p=MIGfM", 0, DKIM_KEY_MALFORMED },
	{ "rsa_in_ed25519", "k=ed25519; p=" RFC6376_KEY_DATA, 0, DKIM_KEY_MALFORMED },
	{ "ed25519_in_rsa", "p=" RFC8463_ED25519_KEY_DATA, 0, DKIM_KEY_MALFORMED },
	{ "ed25519_31_octets", "k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHUQ==", 0, DKIM_KEY_MALFORMED },
	{ "ed25519_33_octets", "k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURoA", 0, DKIM_KEY_MALFORMED },
	/* RFC 8463 section 4.2: without ASN.1. */
	{ "ed25519_as_spki", "k=ed25519; p=MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", 0,
	  DKIM_KEY_MALFORMED },
};

static void test_bad_records(void **state)
{
	struct dkim_key key;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		int result = dkim_key_parse(slice_of_str(bad[i].record), &arena, &key);

		if (result != bad[i].result || (result == 0 && key.fault != bad[i].fault))
			fail_msg("%s: %d, fault %d", bad[i].name, result, (int)key.fault);
	}
	arena_deinit(&arena);
}

static const struct {
	const char *name, *record;
	bool testing, strict, sha1, sha256;
} good[] = {
	{ "data_only", "p=" RFC6376_KEY_DATA, false, false, true, true },
	{ "version_and_data", RFC6376_KEY, false, false, true, true },
	{ "white_space", " v = DKIM1 ;\tk = rsa ; p = " RFC6376_KEY_DATA " ; ", false, false, true, true },
	{ "type_in_capitals", "v=DKIM1; k=RSA; p=" RFC6376_KEY_DATA, false, false, true, true },
	{ "notes_and_unknown", "v=DKIM1; n=; g=*; zz=1; p=" RFC6376_KEY_DATA, false, false, true, true },
	{ "service_any", "s=*; p=" RFC6376_KEY_DATA, false, false, true, true },
	{ "service_mail", "s=other : email; p=" RFC6376_KEY_DATA, false, false, true, true },
	{ "flags", "t=y : s : x; p=" RFC6376_KEY_DATA, true, true, true, true },
	{ "flag_unknown", "t=yes; p=" RFC6376_KEY_DATA, false, false, true, true },
	{ "hash_sha256", "h=sha256; p=" RFC6376_KEY_DATA, false, false, false, true },
	{ "hash_sha1", "h=sha1; p=" RFC6376_KEY_DATA, false, false, true, false },
	{ "hash_unknown", "h=sha3; p=" RFC6376_KEY_DATA, false, false, false, false },
	{ "hash_empty", "h=; p=" RFC6376_KEY_DATA, false, false, false, false },
};

static void test_good_records(void **state)
{
	struct dkim_key key;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		if (dkim_key_parse(slice_of_str(good[i].record), &arena, &key) || key.fault != DKIM_KEY_USABLE)
			fail_msg("%s: fault %d", good[i].name, (int)key.fault);
		if (key.testing != good[i].testing || key.strict_identity != good[i].strict ||
		    key.allows_sha1 != good[i].sha1 || key.allows_sha256 != good[i].sha256)
			fail_msg("%s: flags", good[i].name);
		assert_int_equal(key.key.kind, PUBLIC_KEY_RSA);
		assert_int_equal(key.key.bits, 1024);
		assert_int_equal(key.key.modulus.len, 128);
		assert_int_equal(key.key.modulus.ptr[0], 0xf0);
		assert_slice_equal(key.key.exponent, SLICE("\x01\x00\x01"));
	}
	assert_int_equal(dkim_key_parse(SLICE(RFC8463_ED25519_KEY), &arena, &key), 0);
	assert_true(key.fault == DKIM_KEY_USABLE && key.key.kind == PUBLIC_KEY_ED25519);
	assert_int_equal(key.key.bits, 256);
	assert_int_equal(key.key.point.len, 32);
	arena_deinit(&arena);
}

static enum dkim_key_fault fault_of(struct octets der, struct arena *arena, struct dkim_key *key)
{
	static char text[8192];

	assert_int_equal(dkim_key_parse(record_of(der, text, sizeof(text)), arena, key), 0);
	return key->fault;
}

#define E_65537 integer(SLICE("\x01\x00\x01"))

/* STANDARDS 2.8: an exponent of 2000 bits costs a hundred times 65537; an exponent of 1 forges anything. */
static void test_numbers(void **state)
{
	const struct {
		const char *name;
		struct octets n, e;
		enum dkim_key_fault fault;
	} cases[] = {
		{ "e_0", modulus(1024), octets_of(SLICE("\0")), DKIM_KEY_MALFORMED },
		{ "e_1", modulus(1024), octets_of(SLICE("\x01")), DKIM_KEY_BAD_NUMBERS },
		{ "e_even", modulus(1024), octets_of(SLICE("\x04")), DKIM_KEY_BAD_NUMBERS },
		{ "e_negative", modulus(1024), octets_of(SLICE("\x81")), DKIM_KEY_MALFORMED },
		{ "e_33_bits", modulus(1024), octets_of(SLICE("\x01\x00\x00\x00\x01")), DKIM_KEY_BAD_NUMBERS },
		{ "e_2000_bits", modulus(2048), modulus(2000), DKIM_KEY_BAD_NUMBERS },
		{ "e_padded", modulus(1024), octets_of(SLICE("\x00\x01\x00\x01")), DKIM_KEY_MALFORMED },
		{ "n_even", octets_of(SLICE("\x10")), octets_of(SLICE("\x03")), DKIM_KEY_BAD_NUMBERS },
		{ "n_empty", octets_of(SLICE_EMPTY), octets_of(SLICE("\x03")), DKIM_KEY_MALFORMED },
		{ "n_zero", octets_of(SLICE("\0")), octets_of(SLICE("\x03")), DKIM_KEY_MALFORMED },
		{ "n_negative", octets_of(SLICE("\x91")), octets_of(SLICE("\x03")), DKIM_KEY_MALFORMED },
		{ "e_3", modulus(1024), octets_of(SLICE("\x03")), DKIM_KEY_USABLE },
		{ "e_17", modulus(1024), octets_of(SLICE("\x11")), DKIM_KEY_USABLE },
		{ "e_32_bits", modulus(1024), octets_of(SLICE("\x00\xff\xff\xff\xff")), DKIM_KEY_USABLE },
	};
	struct dkim_key key;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct octets der = rsa(element(0x02, cases[i].n), element(0x02, cases[i].e));

		if (fault_of(der, &arena, &key) != cases[i].fault)
			fail_msg("%s: fault %d", cases[i].name, (int)key.fault);
	}
	for (size_t bits = 9; bits <= 16384; bits = bits * 2 - 1) {
		assert_int_equal(fault_of(rsa(element(0x02, modulus(bits)), E_65537), &arena, &key), DKIM_KEY_USABLE);
		assert_int_equal(key.key.bits, bits);
	}
	arena_deinit(&arena);
}

static void test_der_forms(void **state)
{
	const struct octets key_only = rsa(element(0x02, modulus(1024)), E_65537);
	const struct octets tail = octets_of(SLICE("\0"));
	const struct {
		const char *name;
		struct octets der;
		bool usable;
	} cases[] = {
		{ "empty_sequence", element(0x30, octets_of(SLICE_EMPTY)), false },
		{ "one_number", element(0x30, E_65537), false },
		{ "three_numbers", element(0x30, join(join(element(0x02, modulus(1024)), E_65537), E_65537)), false },
		{ "octets_behind", join(key_only, tail), false },
		{ "octets_behind_inside", spki(SLICE(OID_RSA "\x05\x00"), join(key_only, tail)), false },
		{ "other_algorithm", spki(SLICE("\x06\x03\x2b\x65\x70"), key_only), false },
		{ "rsa_pss", spki(SLICE("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a\x05\x00"), key_only), false },
		{ "parameters_not_null", spki(SLICE(OID_RSA "\x30\x00"), key_only), false },
		{ "null_with_contents", spki(SLICE(OID_RSA "\x05\x01\x00"), key_only), false },
		{ "two_parameters", spki(SLICE(OID_RSA "\x05\x00\x05\x00"), key_only), false },
		{ "indefinite_length", octets_of(SLICE("\x30\x80\x02\x01\x11\x02\x01\x03\x00\x00")), false },
		{ "long_length", octets_of(SLICE("\x30\x81\x06\x02\x01\x11\x02\x01\x03")), false },
		{ "three_length_octets", octets_of(SLICE("\x30\x83\x00\x00\x06\x02\x01\x11\x02\x01\x03")), false },
		{ "huge_length", octets_of(SLICE("\x30\x84\xff\xff\xff\xff\x02\x01\x11\x02\x01\x03")), false },
		{ "number_beyond_sequence", octets_of(SLICE("\x30\x05\x02\x01\x11\x02\x7f\x03")), false },
		{ "key", key_only, true },
		{ "spki", spki(SLICE(OID_RSA "\x05\x00"), key_only), true },
		{ "spki_without_parameters", spki(SLICE(OID_RSA), key_only), true },
	};
	struct dkim_key key;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		enum dkim_key_fault fault = fault_of(cases[i].der, &arena, &key);

		if ((fault == DKIM_KEY_USABLE) != cases[i].usable)
			fail_msg("%s: fault %d", cases[i].name, (int)fault);
	}
	arena_deinit(&arena);
}

/* Cut off anywhere it is no key; changed anywhere it is none, or another within the bounds. */
static void test_damaged(void **state)
{
	struct octets whole, damaged;
	struct dkim_key key;
	struct arena arena;
	struct slice der;

	(void)state;
	arena_init(&arena, 16 << 20);
	assert_int_equal(base64_decode(SLICE(RFC6376_KEY_DATA), &arena, &der), BASE64_OK);
	whole = octets_of(der);
	for (damaged = whole; damaged.len > 0; damaged.len--)
		assert_int_equal(fault_of(damaged, &arena, &key),
		                 damaged.len == whole.len ? DKIM_KEY_USABLE : DKIM_KEY_MALFORMED);
	for (size_t i = 0; i < whole.len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			damaged = whole;
			damaged.data[i] ^= (uint8_t)(1u << bit);
			if (fault_of(damaged, &arena, &key) != DKIM_KEY_USABLE)
				continue;
			assert_true(key.key.bits <= 129 * 8 && key.key.exponent.len <= 4);
			assert_true(key.key.modulus.ptr[0] != 0 && key.key.exponent.ptr[0] != 0);
		}
		arena_reset(&arena);
	}
	arena_deinit(&arena);
}

/* LESSONS row 6: p= of at most 4096 characters. */
static void test_data_bound(void **state)
{
	static char text[DKIM_KEY_TEXT_OCTETS_MAX + 16];
	struct dkim_key key;
	struct arena arena;

	(void)state;
	arena_init(&arena, 64);
	memset(text, 'A', sizeof(text));
	memcpy(text, "p=", 2);
	/* Not even decoded: the arena has no room for it. */
	assert_int_equal(dkim_key_parse(slice_of(text, 2 + DKIM_KEY_TEXT_OCTETS_MAX + 1), &arena, &key), 0);
	assert_int_equal(key.fault, DKIM_KEY_MALFORMED);
	assert_int_equal(dkim_key_parse(slice_of(text, 2 + DKIM_KEY_TEXT_OCTETS_MAX), &arena, &key), -ENOMEM);
	arena_deinit(&arena);
}

/* STANDARDS 2.8: the sum is never less than what was measured there; the exponent counts as the modulus does. */
static void test_costs(void **state)
{
	static const struct {
		unsigned bits;
		uint8_t exponent[4];
		uint64_t measured_us, ns;
	} costs[] = {
		{ 1024, { 0, 1, 0, 1 }, 7, 7222 },
		{ 2048, { 0, 1, 0, 1 }, 21, 22889 },
		{ 3072, { 0, 1, 0, 1 }, 36, 49001 },
		{ 4096, { 0, 1, 0, 1 }, 79, 85558 },
		{ 8192, { 0, 1, 0, 1 }, 246, 336233 },
		{ 2048, { 0, 0, 0, 3 }, 0, 4457 },
		{ 4096, { 255, 255, 255, 255 }, 0, 306742 },
		{ 1025, { 0, 1, 0, 1 }, 0, 7895 },
	};
	const struct public_key ed25519 = { .kind = PUBLIC_KEY_ED25519, .bits = 256 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(costs); i++) {
		size_t zeros = costs[i].exponent[0] ? 0 : costs[i].exponent[1] ? 1 : 3;
		const struct public_key key = { .kind = PUBLIC_KEY_RSA, .bits = costs[i].bits,
		                                .exponent = slice_of(costs[i].exponent + zeros, 4 - zeros) };

		assert_int_equal(dkim_key_verify_ns(&key), costs[i].ns);
		assert_true(costs[i].ns >= 1000 * costs[i].measured_us);
	}
	assert_int_equal(dkim_key_verify_ns(&ed25519), 150000);
}

static void test_memory(void **state)
{
	struct dkim_key key;
	struct arena arena;
	int result = -ENOMEM;

	(void)state;
	for (size_t bytes = 0; result == -ENOMEM; bytes += 16) {
		arena_init(&arena, bytes);
		result = dkim_key_parse(SLICE(RFC6376_KEY), &arena, &key);
		arena_deinit(&arena);
		assert_true(bytes < 4096);
	}
	assert_int_equal(result, 0);
	assert_int_equal(key.fault, DKIM_KEY_USABLE);
}

UNIT_MAIN(cmocka_unit_test(test_bad_records), cmocka_unit_test(test_good_records), cmocka_unit_test(test_numbers),
          cmocka_unit_test(test_der_forms), cmocka_unit_test(test_damaged), cmocka_unit_test(test_data_bound), cmocka_unit_test(test_costs),
          cmocka_unit_test(test_memory))
