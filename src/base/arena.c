#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define GAP 16
#else
#define ASAN_POISON_MEMORY_REGION(ptr, len) ((void)(ptr), (void)(len))
#define ASAN_UNPOISON_MEMORY_REGION(ptr, len) ((void)(ptr), (void)(len))
#define GAP 0
#endif

#define ALIGNMENT 16
#define CHUNK_BYTES_MIN ((size_t)16 * 1024)

struct arena_chunk {
	struct arena_chunk *next;
	size_t size; /* of data */
	size_t used;
	_Alignas(ALIGNMENT) uint8_t data[];
};

void arena_init(struct arena *arena, size_t bytes_max)
{
	arena_init_chunks(arena, bytes_max, CHUNK_BYTES_MIN);
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
		arena->source->give(arena->source->arg, chunk);
	else
		free(chunk);
}

void arena_deinit(struct arena *arena)
{
	while (arena->chunks) {
		struct arena_chunk *next = arena->chunks->next;

		chunk_free(arena, arena->chunks);
		arena->chunks = next;
	}
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
		arena->chunks->used = 0;
		ASAN_POISON_MEMORY_REGION(arena->chunks->data, arena->chunks->size);
	}
#endif
	arena->bytes_used = 0;
	arena->full = false;
}

static struct arena_chunk *chunk_new(struct arena *arena, size_t size)
{
	const struct arena_source *source = arena->source;
	struct arena_chunk *chunk;

	chunk = source ? source->take(source->arg, sizeof(*chunk) + size) : malloc(sizeof(*chunk) + size);
	if (!chunk)
		return NULL;
	chunk->size = size;
	chunk->used = 0;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	ASAN_POISON_MEMORY_REGION(chunk->data, size);
	return chunk;
}

static struct arena_chunk *chunk_for(struct arena *arena, size_t size)
{
	struct arena_chunk *chunk = arena->chunks;

#ifdef ARENA_MALLOC
	return chunk_new(arena, size);
#endif
	if (chunk && chunk->size - chunk->used >= size)
		return chunk;
	return chunk_new(arena, size > arena->chunk_bytes ? size : arena->chunk_bytes);
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct arena_chunk *chunk;
	size_t rounded;
	uint8_t *object;

	if (arena->full || size > arena->bytes_max || size > SIZE_MAX - GAP - ALIGNMENT) {
		arena->full = true;
		return NULL;
	}
	rounded = ((size ? size : 1) + GAP + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (rounded > arena->bytes_max - arena->bytes_used || !(chunk = chunk_for(arena, rounded))) {
		arena->full = true;
		return NULL;
	}
	object = chunk->data + chunk->used;
	chunk->used += rounded;
	arena->bytes_used += rounded;
	ASAN_UNPOISON_MEMORY_REGION(object, size);
	return memset(object, 0, size);
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total)) {
		arena->full = true;
		return NULL;
	}
	return arena_alloc(arena, total);
}

int arena_copy(struct arena *arena, struct slice s, struct slice *copy_out)
{
	uint8_t *copy;

	if (s.len == SIZE_MAX || !(copy = arena_alloc(arena, s.len + 1)))
		return -ENOMEM;
	if (s.len)
		memcpy(copy, s.ptr, s.len);
	*copy_out = slice_of(copy, s.len);
	return 0;
}
