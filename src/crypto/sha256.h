/*
 * sha256.h - SHA-256 (FIPS 180-4) of many streams at once, which come and go while others go on.
 *
 * A stream's octets are pulled from a source in slices of any length. A hasher works on CRYPTO_SHA256_LANES_MAX streams,
 * by whatever kernels its plan names (sha256_kernels.h): as many blocks in one go as all of them have. Octets of short
 * slices are gathered first; long slices are hashed where they are.
 *
 *     join streams while there is room; step; take the ended ones; join others; step ...
 *
 * Purity:    no I/O, no clock, no allocation.
 * Ownership: a stream is the caller's memory and stays where it is while it is in a hasher. A slice pulled is read until
 *            the next one is pulled, even if the stream leaves and joins again in between.
 * Threading: one hasher a thread. Sources are called from inside step and join, and must not touch the hasher.
 * Errors:    none: every string of octets shorter than 2^61 has a hash.
 * Bounds:    a step works through no more than CRYPTO_SHA256_STEP_OCTETS_MAX.
 */
#ifndef ASSAY_CRYPTO_SHA256_H
#define ASSAY_CRYPTO_SHA256_H

#include "base/slice.h"
#include "crypto/sha256_kernels.h"

#define CRYPTO_SHA256_OCTETS            32
#define CRYPTO_SHA256_STEP_BLOCKS_MAX   256
#define CRYPTO_SHA256_END_BLOCKS_MAX    2 /* so many last blocks of a stream do not hold up the others */
#define CRYPTO_SHA256_STEP_OCTETS_MAX                                                                           \
	((size_t)CRYPTO_SHA256_LANES_MAX * (CRYPTO_SHA256_STEP_BLOCKS_MAX + CRYPTO_SHA256_END_BLOCKS_MAX) *     \
	 CRYPTO_SHA256_BLOCK_OCTETS)
/* Slices shorter than this are gathered; longer ones are not copied, but for what completes a block. */
#define CRYPTO_SHA256_SLICE_OCTETS_MIN  512
#define CRYPTO_SHA256_GATHER_OCTETS     1024 /* at most: what a signature is over, as a rule */

struct crypto_sha256_stream {
	/* The caller's. */
	/* The next octets; false: no more, and it is not called again. An empty slice: none now, ask at the next step. */
	bool (*next)(void *source, struct slice *out);
	void *source;
	void *owner;
	/* The hasher's. */
	uint32_t state[CRYPTO_SHA256_WORDS];
	uint64_t octets;   /* in the state, in a lane or in rest */
	struct slice left; /* of the slice pulled last */
	struct crypto_sha256_stream *next_ended;
	uint8_t rest[CRYPTO_SHA256_BLOCK_OCTETS]; /* outside a hasher: what does not fill a block */
};

struct crypto_sha256_lane {
	struct crypto_sha256_stream *stream; /* NULL: a free lane */
	size_t blocks;      /* the next ones: so many were found in what was gathered or in the stream's slice */
	size_t gathered;    /* octets, from the front of `octets`; 0: the blocks are the slice's */
	bool is_last;       /* the padding was gathered: the stream ends with these blocks */
	uint8_t octets[CRYPTO_SHA256_GATHER_OCTETS + 2 * CRYPTO_SHA256_BLOCK_OCTETS];
};

struct crypto_sha256_hasher {
	struct crypto_sha256_plan plan;
	struct crypto_sha256_lane room[CRYPTO_SHA256_LANES_MAX];
	/* Those in use are the first. What every step reads and writes of a lane is here, and the lane is left alone till its blocks end. */
	struct crypto_sha256_lane *lanes[CRYPTO_SHA256_LANES_MAX];
	uint32_t *states[CRYPTO_SHA256_LANES_MAX];
	const uint8_t *at[CRYPTO_SHA256_LANES_MAX]; /* of its blocks, those not hashed yet, */
	size_t left[CRYPTO_SHA256_LANES_MAX];       /* and how many they are */
	unsigned streams;
	struct crypto_sha256_stream *ended, **ended_tail; /* not taken yet */
	/* Counters: blocks / block_steps is how many streams went on together; streams' last few blocks are not in it. */
	uint64_t blocks, block_steps;
};

/* The hasher does not move after it, and nothing has to be done to end it. */
void crypto_sha256_init(struct crypto_sha256_hasher *hasher, const struct crypto_sha256_plan *plan);

void crypto_sha256_begin(struct crypto_sha256_stream *stream, bool (*next)(void *source, struct slice *out), void *source,
                         void *owner);

static inline bool crypto_sha256_has_room(const struct crypto_sha256_hasher *hasher)
{
	return hasher->streams < CRYPTO_SHA256_LANES_MAX;
}

/* A stream that begins, or one that left. There is room. */
void crypto_sha256_join(struct crypto_sha256_hasher *hasher, struct crypto_sha256_stream *stream);
/*
 * All streams leave, to join again later, here or elsewhere; those whose last octets were pulled are ended instead.
 */
void crypto_sha256_leave_all(struct crypto_sha256_hasher *hasher);
/* Returns how many octets it hashed; 0 with streams left: none of them had any. */
size_t crypto_sha256_step(struct crypto_sha256_hasher *hasher);
/* A stream that ended, each once, or NULL. It is in the hasher no more. */
struct crypto_sha256_stream *crypto_sha256_take_ended(struct crypto_sha256_hasher *hasher);
/* Of a stream that ended. */
void crypto_sha256_digest(const struct crypto_sha256_stream *stream, uint8_t out[CRYPTO_SHA256_OCTETS]);

#endif
