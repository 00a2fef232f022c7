/*
 * Goal:   no TXT record makes the key reader fault, and a key it calls usable has sound numbers (STANDARDS 2.8).
 * Method: the input is the record. It is also put into p= in base64, so that the DER reader gets octets to work on.
 */
#include "proto/dkim/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_rsa(const struct public_key *key)
{
	ASSERT(key->modulus.len > 0 && key->modulus.ptr[0] != 0 && (key->modulus.ptr[key->modulus.len - 1] & 1));
	ASSERT(key->bits > 8 * (key->modulus.len - 1) && key->bits <= 8 * key->modulus.len);
	ASSERT(key->exponent.len >= 1 && key->exponent.len <= 4 && key->exponent.ptr[0] != 0);
	ASSERT(key->exponent.ptr[key->exponent.len - 1] & 1);
	ASSERT(key->exponent.len > 1 || key->exponent.ptr[0] >= 3);
}

static void check(struct slice record, struct arena *arena)
{
	struct dkim_key key;
	int result = dkim_key_parse(record, arena, &key);

	ASSERT(result == 0 || result == DKIM_KEY_NO_RECORD);
	if (result == DKIM_KEY_NO_RECORD || key.fault != DKIM_KEY_USABLE)
		return;
	if (key.key.kind == PUBLIC_KEY_RSA)
		check_rsa(&key.key);
	else
		ASSERT(key.key.point.len == 32 && key.key.bits == 256);
}

static void add_base64(struct text *text, struct slice octets)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = 0;
	unsigned held = 0;

	for (size_t i = 0; i < octets.len; i++) {
		bits = bits << 8 | octets.ptr[i];
		for (held += 8; held >= 6; held -= 6)
			text_octet(text, (uint8_t)digits[bits >> (held - 6) & 63]);
	}
	if (held > 0)
		text_octet(text, (uint8_t)digits[bits << (6 - held) & 63]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size), record;
	struct arena arena;
	struct text text;

	arena_init(&arena, (size_t)64 << 20);
	check(in, &arena);
	text_init(&text, &arena);
	text_str(&text, "v=DKIM1; p=");
	add_base64(&text, in);
	ASSERT(text_finish(&text, &record) == 0);
	check(record, &arena);
	arena_deinit(&arena);
	return 0;
}
