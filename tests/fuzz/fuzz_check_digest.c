/*
 * Goal:   whatever a client sends as CheckDigest is refused or can be asked of; nothing but a digest that was sent is found.
 * Method: the input is the call as protobuf; of what is taken every digest is found again, and another l= is missing.
 */
#include "engine/digests.h"
#include "proto/wire/unpack.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void find(const struct digests *digests, const Assay__V1__BodyDigest *sent)
{
	struct body_question question = {
		.canon = sent->canonicalization ? CANON_RELAXED : CANON_SIMPLE,
		.hash = sent->hash ? HASH_SHA1 : HASH_SHA256,
		.octets_max = sent->has_octets_max ? sent->octets_max : UINT64_MAX,
	};
	const struct body_digest *found = digests_find(digests, &question);

	ASSERT(!found->fault && found->canonical_octets == sent->canonical_octets);
	ASSERT(memcmp(found->octets, sent->digest.data, sent->digest.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct body_question unasked = { .canon = CANON_SIMPLE, .hash = HASH_SHA256, .octets_max = 123456789 };
	const struct digests *digests = NULL;
	const Assay__V1__CheckDigest *call;
	ProtobufCMessage *message;
	const char *problem;
	struct arena arena;
	bool sent = false;

	arena_init(&arena, (size_t)16 << 20);
	if (wire_unpack(&assay__v1__check_digest__descriptor, slice_of(data, size), &arena, &message, &problem) == 0) {
		call = (const Assay__V1__CheckDigest *)message;
		problem = digests_read(call, &arena, &digests);
		ASSERT(!problem || !digests);
		for (size_t i = 0; digests && i < call->n_digests; i++) {
			find(digests, call->digests[i]);
			sent |= call->digests[i]->octets_max == unasked.octets_max;
		}
		if (digests && !sent)
			ASSERT(digests_find(digests, &unasked)->missing);
	}
	arena_deinit(&arena);
	return 0;
}
