/*
 * Goal:   all hashes of the body that a message's signatures may ask for are named, each once and in order; no others.
 * Method: headers with signatures whose a=, c= and l= are known, broken or missing, up to the bounds and beyond.
 */
#include "proto/dkim/bodies.h"
#include "unit.h"

#include <stdlib.h>

static void asked(const char *header, struct dkim_bodies *out)
{
	const struct mail_bounds bounds = { SIZE_MAX, SIZE_MAX, SIZE_MAX };
	struct mail_message message;
	struct arena arena;

	arena_init(&arena, (size_t)64 << 20);
	assert_int_equal(mail_parse(slice_of_str(header), &bounds, &arena, &message), MAIL_OK);
	dkim_bodies_asked(&message, out);
	arena_deinit(&arena);
}

static const struct {
	const char *header;
	size_t count;
	struct dkim_body_kind kinds[4];
} cases[] = {
	{ "From: a@b\r\n", 0, { { 0 } } },
	{ "DKIM-Signature: c=simple; bh=x\r\n", 0, { { 0 } } },
	{ "DKIM-Signature: a=rsa-md5\r\n", 0, { { 0 } } },
	{ "DKIM-Signature: a=rsa-sha256; c=odd\r\n", 0, { { 0 } } },
	{ "DKIM-Signature: a=rsa-sha256; l=-1\r\n", 0, { { 0 } } },
	{ "DKIM-Signature: a=rsa-sha256; a=rsa-sha256\r\n", 0, { { 0 } } },
	{ "X-DKIM-Signature: a=rsa-sha256\r\n", 0, { { 0 } } },
	{ "ARC-Seal: a=rsa-sha256\r\n", 0, { { 0 } } },
	{ "DKIM-Signature: a=rsa-sha256\r\n", 1, { { CANON_SIMPLE, HASH_SHA256, UINT64_MAX } } },
	{ "dkim-signature:\r\n a=ED25519-sha256;\r\n c=relaxed/relaxed\r\n",
	  1,
	  { { CANON_RELAXED, HASH_SHA256, UINT64_MAX } } },
	{ "DKIM-Signature: a=rsa-sha256; c=relaxed\r\n", 1, { { CANON_SIMPLE, HASH_SHA256, UINT64_MAX } } },
	{ "ARC-Message-Signature: i=1; a=rsa-sha1; c=simple/relaxed; l=7\r\n", 1, { { CANON_RELAXED, HASH_SHA1, 7 } } },
	{ "DKIM-Signature: a=rsa-sha256; l=9\r\nDKIM-Signature: a=ed25519-sha256; l=9\r\nDKIM-Signature: a=rsa-sha256\r\n"
	  "ARC-Message-Signature: a=rsa-sha256; c=relaxed/relaxed\r\nDKIM-Signature: a=rsa-sha256; l=0\r\n",
	  4,
	  { { CANON_SIMPLE, HASH_SHA256, 0 },
	    { CANON_SIMPLE, HASH_SHA256, 9 },
	    { CANON_SIMPLE, HASH_SHA256, UINT64_MAX },
	    { CANON_RELAXED, HASH_SHA256, UINT64_MAX } } },
};

static void kinds_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct dkim_bodies bodies;

		asked(cases[i].header, &bodies);
		if (bodies.count != cases[i].count)
			fail_msg("case %zu: %zu kinds, want %zu", i, bodies.count, cases[i].count);
		for (size_t k = 0; k < bodies.count; k++) {
			assert_int_equal(bodies.kinds[k].canon, cases[i].kinds[k].canon);
			assert_int_equal(bodies.kinds[k].hash, cases[i].kinds[k].hash);
			assert_true(bodies.kinds[k].octets_max == cases[i].kinds[k].octets_max);
		}
	}
}

static void fields_are_bounded(void **state)
{
	const size_t fields = 80;
	struct dkim_bodies bodies;
	char *header = malloc(fields * 160 + 1), *at = header;

	(void)state;
	assert_non_null(header);
	for (size_t i = 0; i < fields; i++)
		at += sprintf(at, "DKIM-Signature: a=rsa-sha256; l=%zu\r\nARC-Message-Signature: a=rsa-sha1; l=%zu\r\n", i, i);
	asked(header, &bodies);
	assert_int_equal(bodies.count, DKIM_BODIES_MAX);
	assert_true(bodies.kinds[DKIM_FIELDS_MAX - 1].octets_max == DKIM_FIELDS_MAX - 1);
	assert_true(bodies.kinds[DKIM_BODIES_MAX - 1].octets_max == DKIM_ARC_FIELDS_MAX - 1);
	free(header);
}

UNIT_MAIN(cmocka_unit_test(kinds_are_named), cmocka_unit_test(fields_are_bounded))
