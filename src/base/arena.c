#include "base/arena.h"

#include "base/asan.h"

#include <stdlib.h>
#include <string.h>

#define GAP (ASAN_IS_ON ? ARENA_ALIGNMENT : (size_t)0)
/* Each object goes the way on which gaps are made and memory is marked. */
#ifdef ARENA_MALLOC
#define ALL_SLOWLY true
#else
#define ALL_SLOWLY (ASAN_IS_ON != 0)
#endif

struct arena_chunk {
	struct arena_chunk *next;
	size_t size; /* of data */
	_Alignas(ARENA_ALIGNMENT) uint8_t data[];
};

_Static_assert(sizeof(struct arena_chunk) <= ARENA_HEAD_OCTETS_MAX, "as arena.h says");

void arena_init(struct arena *arena, size_t bytes_max)
{
	arena_init_chunks(arena, bytes_max, ARENA_CHUNK_OCTETS);
}

void arena_init_chunks(struct arena *arena, size_t bytes_max, size_t chunk_bytes)
{
	*arena = (struct arena){ .bytes_max = bytes_max, .chunk_bytes = chunk_bytes };
}

void arena_init_from(struct arena *arena, size_t bytes_max, const struct arena_source *source)
{
	arena_init(arena, bytes_max);
	arena->source = source;
}

size_t arena_bytes_held(const struct arena *arena)
{
	size_t bytes = 0;

	for (const struct arena_chunk *chunk = arena->chunks; chunk; chunk = chunk->next)
		bytes += sizeof(*chunk) + chunk->size;
	return bytes;
}

static void chunk_free(const struct arena *arena, struct arena_chunk *chunk)
{
	ASAN_UNPOISON_MEMORY_REGION(chunk->data, chunk->size);
	if (arena->source)
		arena->source->give(arena->source->arg, chunk, sizeof(*chunk) + chunk->size);
	else
		free(chunk);
}

/* Of the newest chunk, the only one that is taken from. */
static size_t chunk_room(const struct arena *arena)
{
	return arena->chunks ? (size_t)(arena->chunks->data + arena->chunks->size - arena->at) : 0;
}

static void left_set(struct arena *arena)
{
	size_t room = chunk_room(arena), bound = arena->bytes_max - arena->bytes_used;

	arena->left = ALL_SLOWLY ? 0 : (room < bound ? room : bound) & ~(ARENA_ALIGNMENT - 1);
}

void arena_deinit(struct arena *arena)
{
	while (arena->chunks) {
		struct arena_chunk *next = arena->chunks->next;

		chunk_free(arena, arena->chunks);
		arena->chunks = next;
	}
	left_set(arena);
}

void arena_reset(struct arena *arena)
{
#ifdef ARENA_MALLOC
	arena_deinit(arena);
#else
	while (arena->chunks && arena->chunks->next) {
		struct arena_chunk *next = arena->chunks->next;

		chunk_free(arena, arena->chunks);
		arena->chunks = next;
	}
	if (arena->chunks) {
		arena->at = arena->chunks->data;
		ASAN_POISON_MEMORY_REGION(arena->chunks->data, arena->chunks->size);
	}
#endif
	arena->bytes_used = 0;
	arena->full = false;
	left_set(arena);
}

struct arena_mark arena_mark(const struct arena *arena)
{
	return (struct arena_mark){ .chunk = arena->chunks, .at = arena->at, .bytes_used = arena->bytes_used };
}

void arena_reset_to(struct arena *arena, struct arena_mark mark)
{
	if (mark.bytes_used == 0) {
		arena_reset(arena);
		return;
	}
	while (arena->chunks != mark.chunk) {
		struct arena_chunk *next = arena->chunks->next;

		chunk_free(arena, arena->chunks);
		arena->chunks = next;
	}
	arena->at = mark.at;
	arena->bytes_used = mark.bytes_used;
	arena->full = false;
	ASAN_POISON_MEMORY_REGION(arena->at, chunk_room(arena));
	left_set(arena);
}

static bool chunk_new(struct arena *arena, size_t size)
{
	const struct arena_source *source = arena->source;
	struct arena_chunk *chunk;

	chunk = source ? source->take(source->arg, sizeof(*chunk) + size) : malloc(sizeof(*chunk) + size);
	if (!chunk)
		return false;
	chunk->size = size;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	arena->at = chunk->data;
	ASAN_POISON_MEMORY_REGION(chunk->data, size);
	return true;
}

static bool chunk_has(struct arena *arena, size_t size)
{
#ifdef ARENA_MALLOC
	return chunk_new(arena, size);
#endif
	return chunk_room(arena) >= size || chunk_new(arena, size > arena->chunk_bytes ? size : arena->chunk_bytes);
}

static void *latch_full(struct arena *arena)
{
	arena->full = true;
	arena->left = 0;
	return NULL;
}

void *arena_take_slowly(struct arena *arena, size_t size)
{
	size_t rounded;
	uint8_t *object;

	if (arena->full || size > arena->bytes_max || size > SIZE_MAX - GAP - ARENA_ALIGNMENT)
		return latch_full(arena);
	rounded = ((size ? size : 1) + GAP + ARENA_ALIGNMENT - 1) & ~(ARENA_ALIGNMENT - 1);
	if (rounded > arena->bytes_max - arena->bytes_used || !chunk_has(arena, rounded))
		return latch_full(arena);
	object = arena->at;
	arena->at += rounded;
	arena->bytes_used += rounded;
	left_set(arena);
	ASAN_UNPOISON_MEMORY_REGION(object, size);
	return object;
}

int arena_copy(struct arena *arena, struct slice s, struct slice *copy_out)
{
	uint8_t *copy;

	if (s.len == SIZE_MAX || !(copy = arena_take(arena, s.len + 1)))
		return -ENOMEM;
	if (s.len)
		memcpy(copy, s.ptr, s.len);
	copy[s.len] = 0;
	*copy_out = slice_of(copy, s.len);
	return 0;
}
