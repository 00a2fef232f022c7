#include "engine/digests.h"

#include <string.h>

struct given {
	enum canonicalization canon;
	enum hash_algorithm hash;
	uint64_t octets_max;
	struct body_digest digest;
};

struct digests {
	size_t count;
	struct given list[];
};

/* False: what no body can have. */
static bool given_read(const Assay__V1__BodyDigest *wire, struct given *out)
{
	bool is_relaxed = wire->canonicalization == ASSAY__V1__BODY_DIGEST__CANONICALIZATION__RELAXED;
	bool is_sha1 = wire->hash == ASSAY__V1__BODY_DIGEST__HASH__SHA1;

	if ((!is_relaxed && wire->canonicalization != ASSAY__V1__BODY_DIGEST__CANONICALIZATION__SIMPLE) ||
	    (!is_sha1 && wire->hash != ASSAY__V1__BODY_DIGEST__HASH__SHA256) || wire->digest.len != (is_sha1 ? 20 : 32))
		return false;
	out->canon = is_relaxed ? CANON_RELAXED : CANON_SIMPLE;
	out->hash = is_sha1 ? HASH_SHA1 : HASH_SHA256;
	out->octets_max = wire->has_octets_max ? wire->octets_max : UINT64_MAX;
	out->digest = (struct body_digest){ .canonical_octets = wire->canonical_octets };
	memcpy(out->digest.octets, wire->digest.data, wire->digest.len);
	return true;
}

static const char *given_check(const struct digests *before, const struct given *given)
{
	for (size_t i = 0; i < before->count; i++) {
		const struct given *other = &before->list[i];

		if (other->canon != given->canon)
			continue;
		if (other->digest.canonical_octets != given->digest.canonical_octets)
			return "digests: one canonicalization with two numbers of octets";
		if (other->hash == given->hash && other->octets_max == given->octets_max)
			return "digests: two of the same kind";
	}
	return NULL;
}

static bool has_empty_line(ProtobufCBinaryData header)
{
	return (header.len >= 2 && memcmp(header.data, "\r\n", 2) == 0) ||
	       (header.len >= 4 && memmem(header.data, header.len, "\r\n\r\n", 4));
}

const char *digests_read(const Assay__V1__CheckDigest *call, struct arena *arena, const struct digests **out)
{
	struct digests *digests;

	*out = NULL;
	if (call->n_digests > DIGESTS_MAX)
		return "digests: more than 256";
	if (has_empty_line(call->header))
		return "header: has an empty line";
	digests = arena_alloc(arena, sizeof(*digests) + call->n_digests * sizeof(*digests->list));
	if (!digests)
		return NULL;
	while (digests->count < call->n_digests) {
		struct given *given = &digests->list[digests->count];
		const char *problem;

		if (!given_read(call->digests[digests->count], given))
			return "digests: an unknown kind, or a digest that has not the octets of its hash";
		if ((problem = given_check(digests, given)))
			return problem;
		digests->count++;
	}
	*out = digests;
	return NULL;
}

const struct body_digest *digests_find(const struct digests *digests, const struct body_question *question)
{
	static const struct body_digest missing = { .fault = true, .missing = true };

	for (size_t i = 0; i < digests->count; i++) {
		const struct given *given = &digests->list[i];

		if (given->canon == question->canon && given->hash == question->hash &&
		    given->octets_max == question->octets_max)
			return &given->digest;
	}
	return &missing;
}
