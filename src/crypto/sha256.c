#include "crypto/sha256.h"

#include "base/error.h"

#define BLOCK  CRYPTO_SHA256_BLOCK_OCTETS
#define GATHER CRYPTO_SHA256_GATHER_OCTETS
#define LONG   CRYPTO_SHA256_SLICE_OCTETS_MIN
_Static_assert(GATHER % BLOCK == 0, "what was gathered to the full is blocks without a rest");
_Static_assert(LONG >= BLOCK, "a long slice completes a block and has more");

void crypto_sha256_init(struct crypto_sha256_hasher *hasher, const struct crypto_sha256_plan *plan)
{
	memset(hasher, 0, sizeof(*hasher));
	hasher->plan = *plan;
	hasher->ended_tail = &hasher->ended;
	for (unsigned i = 0; i < CRYPTO_SHA256_LANES_MAX; i++)
		hasher->lanes[i] = &hasher->room[i];
}

void crypto_sha256_begin(struct crypto_sha256_stream *stream, bool (*next)(void *source, struct slice *out), void *source,
                         void *owner)
{
	stream->next = next;
	stream->source = source;
	stream->owner = owner;
	memcpy(stream->state, crypto_sha256_initial, sizeof(stream->state));
	stream->octets = 0;
	stream->left = SLICE_EMPTY;
	stream->next_ended = NULL;
}

void crypto_sha256_join(struct crypto_sha256_hasher *hasher, struct crypto_sha256_stream *stream)
{
	struct crypto_sha256_lane *lane = hasher->lanes[hasher->streams];

	ASSERT(crypto_sha256_has_room(hasher));
	hasher->states[hasher->streams] = stream->state;
	hasher->left[hasher->streams] = 0;
	hasher->streams++;
	lane->stream = stream;
	lane->blocks = 0;
	lane->gathered = stream->octets % BLOCK;
	lane->is_last = false;
	memcpy(lane->octets, stream->rest, lane->gathered);
}

static void gather(struct crypto_sha256_lane *lane, size_t len)
{
	struct crypto_sha256_stream *stream = lane->stream;

	memcpy(lane->octets + lane->gathered, stream->left.ptr, len);
	lane->gathered += len;
	stream->octets += len;
	stream->left = slice_from(stream->left, len);
}

/* Section 5.1.1: a one bit, zeroes, and the number of bits in 64, so that blocks come out. */
static void pad(struct crypto_sha256_lane *lane)
{
	uint64_t bits = lane->stream->octets * 8;
	size_t end = (lane->gathered + 1 + 8 + BLOCK - 1) / BLOCK * BLOCK;

	lane->octets[lane->gathered] = 0x80;
	memset(lane->octets + lane->gathered + 1, 0, end - lane->gathered - 1);
	for (size_t i = 1; i <= 8; i++, bits >>= 8)
		lane->octets[end - i] = (uint8_t)bits;
	lane->gathered = end;
	lane->is_last = true;
}

/* Gathers until it is full, or the source has nothing now, or it ends, or a long slice's turn is next. */
static void lane_gather(struct crypto_sha256_lane *lane)
{
	struct crypto_sha256_stream *stream = lane->stream;

	while (lane->gathered < GATHER) {
		size_t room = GATHER - lane->gathered;

		if (stream->left.len >= LONG) {
			if (lane->gathered % BLOCK)
				gather(lane, BLOCK - lane->gathered % BLOCK);
			return;
		}
		if (stream->left.len > 0) {
			gather(lane, stream->left.len < room ? stream->left.len : room);
		} else if (!stream->next(stream->source, &stream->left)) {
			stream->left = SLICE_EMPTY;
			pad(lane);
			return;
		} else if (stream->left.len == 0) {
			return;
		}
	}
}

/* The next blocks of a lane that has run out of them. */
static void lane_fill(struct crypto_sha256_hasher *hasher, unsigned i)
{
	struct crypto_sha256_lane *lane = hasher->lanes[i];

	lane_gather(lane);
	if (lane->gathered > 0) {
		hasher->at[i] = lane->octets;
		lane->blocks = lane->gathered / BLOCK;
	} else if (lane->stream->left.len >= LONG) {
		hasher->at[i] = lane->stream->left.ptr;
		lane->blocks = lane->stream->left.len / BLOCK;
	}
	hasher->left[i] = lane->blocks;
}

/* Those of its blocks that were hashed are taken from what was gathered or from the slice. */
static void lane_settle(struct crypto_sha256_hasher *hasher, unsigned i)
{
	struct crypto_sha256_lane *lane = hasher->lanes[i];
	struct crypto_sha256_stream *stream = lane->stream;
	size_t octets = (lane->blocks - hasher->left[i]) * BLOCK;

	lane->blocks = hasher->left[i];
	if (lane->gathered == 0) {
		stream->octets += octets;
		stream->left = slice_from(stream->left, octets);
	} else if (lane->blocks == 0) {
		lane->gathered %= BLOCK;
		memmove(lane->octets, hasher->at[i], lane->gathered);
	}
}

static void stream_end(struct crypto_sha256_hasher *hasher, struct crypto_sha256_stream *stream)
{
	stream->next_ended = NULL;
	*hasher->ended_tail = stream;
	hasher->ended_tail = &stream->next_ended;
}

static void lanes_swap(struct crypto_sha256_hasher *hasher, unsigned i, unsigned j)
{
	struct crypto_sha256_lane *lane = hasher->lanes[i];
	uint32_t *state = hasher->states[i];
	const uint8_t *at = hasher->at[i];
	size_t left = hasher->left[i];

	hasher->lanes[i] = hasher->lanes[j];
	hasher->states[i] = hasher->states[j];
	hasher->at[i] = hasher->at[j];
	hasher->left[i] = hasher->left[j];
	hasher->lanes[j] = lane;
	hasher->states[j] = state;
	hasher->at[j] = at;
	hasher->left[j] = left;
}

/* Its stream ends. */
static void lane_free(struct crypto_sha256_hasher *hasher, unsigned i)
{
	stream_end(hasher, hasher->lanes[i]->stream);
	hasher->lanes[i]->stream = NULL;
	lanes_swap(hasher, i, --hasher->streams);
}

/*
 * Those that have blocks become the first; returns how many. With `gathered_only` blocks of slices do not count; without it
 * the streams of lanes that have none are asked for more.
 */
static unsigned lanes_ready(struct crypto_sha256_hasher *hasher, bool gathered_only)
{
	unsigned count = 0;

	for (unsigned i = 0; i < hasher->streams; i++) {
		if (hasher->left[i] == 0 && !gathered_only)
			lane_fill(hasher, i);
		if (hasher->left[i] == 0 || (gathered_only && hasher->lanes[i]->gathered == 0))
			continue;
		if (i != count)
			lanes_swap(hasher, i, count);
		count++;
	}
	return count;
}

/* As many blocks of each of the first `count` as all of them have. Returns the octets. */
static size_t lanes_run(struct crypto_sha256_hasher *hasher, unsigned count)
{
	size_t blocks = CRYPTO_SHA256_STEP_BLOCKS_MAX;

	for (unsigned i = 0; i < count; i++)
		blocks = hasher->left[i] < blocks ? hasher->left[i] : blocks;
	crypto_sha256_plan_run(&hasher->plan, count, hasher->states, hasher->at, blocks);
	for (unsigned i = 0; i < count; i++) {
		hasher->at[i] += blocks * BLOCK;
		hasher->left[i] -= blocks;
		if (hasher->left[i] == 0)
			lane_settle(hasher, i);
	}
	hasher->blocks += blocks * count;
	hasher->block_steps += blocks;
	return blocks * count * BLOCK;
}

/* Is this lane out of blocks, or has it but the last few? If it is out of them its stream is asked for more first. */
static bool lane_is_ending(struct crypto_sha256_hasher *hasher, unsigned i)
{
	const struct crypto_sha256_lane *lane = hasher->lanes[i];

	if (hasher->left[i] > CRYPTO_SHA256_END_BLOCKS_MAX)
		return false;
	if (hasher->left[i] == 0 && !lane->is_last)
		lane_fill(hasher, i);
	return lane->is_last && hasher->left[i] <= CRYPTO_SHA256_END_BLOCKS_MAX;
}

/*
 * A body's end is a block or two that were gathered. A step of all lanes for so few takes several times as long as its
 * blocks do, so they are worked by themselves, and the lane is free for another stream when the others go on. (A lane that was
 * freed keeps its octets until a stream joins.) Returns the octets.
 */
static size_t lanes_end(struct crypto_sha256_hasher *hasher)
{
	uint32_t *states[CRYPTO_SHA256_END_BLOCKS_MAX + 1][CRYPTO_SHA256_LANES_MAX];
	const uint8_t *at[CRYPTO_SHA256_END_BLOCKS_MAX + 1][CRYPTO_SHA256_LANES_MAX];
	unsigned counts[CRYPTO_SHA256_END_BLOCKS_MAX + 1] = { 0 };
	size_t octets = 0;

	for (unsigned i = hasher->streams; i-- > 0;) {
		size_t blocks;

		if (!lane_is_ending(hasher, i))
			continue;
		blocks = hasher->left[i];
		states[blocks][counts[blocks]] = hasher->states[i];
		at[blocks][counts[blocks]++] = hasher->at[i];
		hasher->left[i] = 0;
		lane_free(hasher, i);
	}
	for (size_t blocks = 1; blocks <= CRYPTO_SHA256_END_BLOCKS_MAX; blocks++) {
		if (counts[blocks] > 0)
			crypto_sha256_plan_run(&hasher->plan, counts[blocks], states[blocks], at[blocks], blocks);
		octets += blocks * counts[blocks] * BLOCK;
	}
	return octets;
}

size_t crypto_sha256_step(struct crypto_sha256_hasher *hasher)
{
	unsigned count = lanes_ready(hasher, false);
	size_t octets;

	if (count == 0)
		return 0;
	octets = lanes_run(hasher, count);
	return octets + lanes_end(hasher);
}

/* What was gathered is hashed, so that less than a block has to be kept; a slice's rest stays where it is. */
void crypto_sha256_leave_all(struct crypto_sha256_hasher *hasher)
{
	unsigned count;

	while ((count = lanes_ready(hasher, true)) > 0)
		(void)lanes_run(hasher, count);
	for (unsigned i = hasher->streams; i-- > 0;)
		if (hasher->left[i] == 0 && hasher->lanes[i]->is_last)
			lane_free(hasher, i);
	while (hasher->streams > 0) {
		struct crypto_sha256_lane *lane = hasher->lanes[--hasher->streams];

		lane_settle(hasher, hasher->streams);
		memcpy(lane->stream->rest, lane->octets, lane->gathered);
		lane->stream = NULL;
	}
}

struct crypto_sha256_stream *crypto_sha256_take_ended(struct crypto_sha256_hasher *hasher)
{
	struct crypto_sha256_stream *stream = hasher->ended;

	if (!stream)
		return NULL;
	hasher->ended = stream->next_ended;
	if (!hasher->ended)
		hasher->ended_tail = &hasher->ended;
	return stream;
}

void crypto_sha256_digest(const struct crypto_sha256_stream *stream, uint8_t out[CRYPTO_SHA256_OCTETS])
{
	for (size_t i = 0; i < CRYPTO_SHA256_OCTETS; i++)
		out[i] = (uint8_t)(stream->state[i / 4] >> (24 - 8 * (i % 4)));
}
