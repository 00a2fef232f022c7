#include "client/hasher.h"

#include <openssl/evp.h>
#include <string.h>

#include "proto/dkim/body.h"

#define CANONS 2
#define HASHES 2

/* One hash of one canonical form. */
struct track {
	EVP_MD_CTX *running, *cut; /* NULL: not asked for, or refused by libcrypto */
	size_t next, end;          /* of the kinds: those that are not finished yet */
};

struct hasher {
	const struct assay_allocator *heap;
	struct dkim_bodies kinds;
	struct dkim_body bodies[CANONS];
	struct track tracks[CANONS][HASHES];
	struct mail_line_ends line_ends;
	/* By kind; `list` has those that were made. */
	bool made[DKIM_BODIES_MAX];
	Assay__V1__BodyDigest digests[DKIM_BODIES_MAX], *list[DKIM_BODIES_MAX];
	uint8_t octets[DKIM_BODIES_MAX][DIGEST_OCTETS_MAX];
	size_t count;
};

static const EVP_MD *algorithm_of(enum hash_algorithm hash)
{
	return hash == HASH_SHA1 ? EVP_sha1() : EVP_sha256();
}

static enum assay_error track_begin(struct track *track, enum hash_algorithm hash)
{
	track->running = EVP_MD_CTX_new();
	track->cut = EVP_MD_CTX_new();
	if (!track->running || !track->cut)
		return ASSAY_ERROR_MEMORY;
	if (EVP_DigestInit_ex(track->running, algorithm_of(hash), NULL) != 1)
		track->next = SIZE_MAX; /* refused: no digest of it */
	return ASSAY_OK;
}

/* A digest for the kind that is next, of what was hashed so far. */
static enum assay_error track_cut(struct hasher *hasher, struct track *track)
{
	size_t at = track->next++;
	const struct dkim_body_kind *kind = &hasher->kinds.kinds[at];
	Assay__V1__BodyDigest *digest = &hasher->digests[at];
	uint8_t *octets = hasher->octets[at];
	unsigned count;

	if (EVP_MD_CTX_copy_ex(track->cut, track->running) != 1 || EVP_DigestFinal_ex(track->cut, octets, &count) != 1)
		return ASSAY_ERROR_MEMORY;
	assay__v1__body_digest__init(digest);
	digest->canonicalization = kind->canon == CANON_RELAXED ? ASSAY__V1__BODY_DIGEST__CANONICALIZATION__RELAXED
								: ASSAY__V1__BODY_DIGEST__CANONICALIZATION__SIMPLE;
	digest->hash = kind->hash == HASH_SHA1 ? ASSAY__V1__BODY_DIGEST__HASH__SHA1
					       : ASSAY__V1__BODY_DIGEST__HASH__SHA256;
	digest->has_octets_max = kind->octets_max != UINT64_MAX;
	digest->octets_max = digest->has_octets_max ? kind->octets_max : 0;
	digest->digest = (ProtobufCBinaryData){ .len = count, .data = octets };
	hasher->made[at] = true;
	return ASSAY_OK;
}

static enum assay_error track_add(struct hasher *hasher, struct track *track, uint64_t before, struct slice piece)
{
	while (track->next < track->end) {
		uint64_t left = hasher->kinds.kinds[track->next].octets_max - before;
		size_t part = left < piece.len ? (size_t)left : piece.len;

		if (part && EVP_DigestUpdate(track->running, piece.ptr, part) != 1)
			return ASSAY_ERROR_MEMORY;
		before += part;
		piece = slice_from(piece, part);
		if (part < left)
			return ASSAY_OK;
		if (track_cut(hasher, track) != ASSAY_OK)
			return ASSAY_ERROR_MEMORY;
	}
	return ASSAY_OK;
}

/* All canonical octets that are there. */
static enum assay_error drain(struct hasher *hasher, int canon)
{
	struct dkim_body *body = &hasher->bodies[canon];
	struct slice piece;

	while (dkim_body_next(body, &piece)) {
		for (int hash = 0; hash < HASHES; hash++) {
			if (track_add(hasher, &hasher->tracks[canon][hash], body->octets_out - piece.len, piece) != ASSAY_OK)
				return ASSAY_ERROR_MEMORY;
		}
	}
	return ASSAY_OK;
}

/* Is there a hash of that form to be made? A form that nobody asks for is not computed. */
static bool canon_is_asked(const struct hasher *hasher, int canon)
{
	const struct track *tracks = hasher->tracks[canon];

	return tracks[HASH_SHA256].running || tracks[HASH_SHA1].running;
}

enum assay_error hasher_new(const struct assay_allocator *heap, const struct dkim_bodies *bodies,
			    struct hasher **hasher_out)
{
	struct hasher *hasher = HEAP_NEW(heap, struct hasher);

	*hasher_out = hasher;
	if (!hasher)
		return ASSAY_ERROR_MEMORY;
	hasher->heap = heap;
	hasher->kinds = *bodies;
	for (int canon = 0; canon < CANONS; canon++)
		dkim_body_init(&hasher->bodies[canon], (enum canonicalization)canon);
	for (size_t i = 0; i < bodies->count; i++) {
		struct track *track = &hasher->tracks[bodies->kinds[i].canon][bodies->kinds[i].hash];

		if (!track->running)
			track->next = i;
		track->end = i + 1;
		if (!track->running && track_begin(track, bodies->kinds[i].hash) != ASSAY_OK) {
			hasher_free(hasher);
			*hasher_out = NULL;
			return ASSAY_ERROR_MEMORY;
		}
	}
	return ASSAY_OK;
}

enum assay_error hasher_feed(struct hasher *hasher, struct slice chunk)
{
	mail_line_ends_feed(&hasher->line_ends, chunk);
	for (int canon = 0; canon < CANONS; canon++) {
		if (!canon_is_asked(hasher, canon))
			continue;
		dkim_body_feed(&hasher->bodies[canon], chunk);
		if (drain(hasher, canon) != ASSAY_OK)
			return ASSAY_ERROR_MEMORY;
	}
	return ASSAY_OK;
}

/* What asked for more octets than there are gets all of them. */
static enum assay_error finish_canon(struct hasher *hasher, int canon)
{
	dkim_body_finish(&hasher->bodies[canon]);
	if (drain(hasher, canon) != ASSAY_OK)
		return ASSAY_ERROR_MEMORY;
	for (int hash = 0; hash < HASHES; hash++) {
		struct track *track = &hasher->tracks[canon][hash];

		while (track->next < track->end)
			if (track_cut(hasher, track) != ASSAY_OK)
				return ASSAY_ERROR_MEMORY;
	}
	return ASSAY_OK;
}

enum assay_error hasher_finish(struct hasher *hasher, struct hasher_result *out)
{
	mail_line_ends_finish(&hasher->line_ends);
	for (int canon = 0; canon < CANONS; canon++)
		if (canon_is_asked(hasher, canon) && finish_canon(hasher, canon) != ASSAY_OK)
			return ASSAY_ERROR_MEMORY;
	for (size_t i = 0; i < hasher->kinds.count; i++) {
		if (!hasher->made[i])
			continue;
		hasher->digests[i].canonical_octets = hasher->bodies[hasher->kinds.kinds[i].canon].octets_out;
		hasher->list[hasher->count++] = &hasher->digests[i];
	}
	*out = (struct hasher_result){
		.digests = hasher->list,
		.digests_count = hasher->count,
		.bare_cr = hasher->line_ends.bare_cr,
		.bare_lf = hasher->line_ends.bare_lf,
	};
	return ASSAY_OK;
}

void hasher_free(struct hasher *hasher)
{
	if (!hasher)
		return;
	for (int i = 0; i < CANONS * HASHES; i++) {
		struct track *track = &hasher->tracks[i / HASHES][i % HASHES];

		EVP_MD_CTX_free(track->running);
		EVP_MD_CTX_free(track->cut);
	}
	heap_free(hasher->heap, hasher);
}
