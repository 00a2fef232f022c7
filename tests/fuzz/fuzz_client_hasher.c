/*
 * Goal:   the digests of a message do not depend on how its body is cut, and are those that its signatures ask for: one of
 *         each kind, of the right length, with one number of octets a canonicalization.
 * Method: the first octet gives the sizes of the chunks, the rest is a message: its header is read for signatures, and its
 *         body hashed cut and whole.
 */
#include "client/hasher.h"

#include <stdlib.h>
#include <string.h>

#include "proto/mail/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct hasher *hash(const struct dkim_bodies *bodies, struct slice body, size_t chunk, struct hasher_result *out)
{
	struct hasher *hasher;

	ASSERT(hasher_new(&heap_default, bodies, &hasher) == ASSAY_OK);
	for (size_t at = 0; at < body.len; at += chunk) {
		struct slice piece = slice_sub(body, at, chunk);
		uint8_t *copy = malloc(piece.len);

		ASSERT(copy);
		memcpy(copy, piece.ptr, piece.len);
		ASSERT(hasher_feed(hasher, slice_of(copy, piece.len)) == ASSAY_OK);
		free(copy);
	}
	ASSERT(hasher_finish(hasher, out) == ASSAY_OK);
	return hasher;
}

static void compare(const struct dkim_bodies *bodies, const struct hasher_result *a, const struct hasher_result *b)
{
	ASSERT(a->digests_count == bodies->count && b->digests_count == bodies->count);
	ASSERT(a->bare_cr == b->bare_cr && a->bare_lf == b->bare_lf);
	for (size_t i = 0; i < bodies->count; i++) {
		const Assay__V1__BodyDigest *one = a->digests[i], *other = b->digests[i];

		ASSERT(one->canonicalization == other->canonicalization && one->hash == other->hash);
		ASSERT(one->octets_max == other->octets_max && one->canonical_octets == other->canonical_octets);
		ASSERT(one->digest.len == other->digest.len && memcmp(one->digest.data, other->digest.data, one->digest.len) == 0);
		ASSERT(one->digest.len == (one->hash == ASSAY__V1__BODY_DIGEST__HASH__SHA1 ? 20 : 32));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct mail_bounds bounds = { SIZE_MAX, 4096, SIZE_MAX };
	struct hasher_result whole, cut;
	struct hasher *first, *second;
	struct mail_message message;
	struct dkim_bodies bodies;
	struct arena arena;

	if (size < 1)
		return 0;
	arena_init(&arena, (size_t)64 << 20);
	ASSERT(mail_parse(slice_of(data + 1, size - 1), &bounds, &arena, &message) >= 0);
	dkim_bodies_asked(&message, &bodies);
	first = hash(&bodies, message.body, message.body.len + 1, &whole);
	second = hash(&bodies, message.body, data[0] + 1u, &cut);
	compare(&bodies, &whole, &cut);
	hasher_free(first);
	hasher_free(second);
	arena_deinit(&arena);
	return 0;
}
