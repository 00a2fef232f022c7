/*
 * arena.h - memory of one request: taken piece by piece, given back in one step.
 *
 * Ownership: what an arena hands out lives until arena_reset() or arena_deinit().
 * Bounds:    at most `bytes_max` octets between two resets. Beyond that, or when the system has no
 *            memory, allocation fails and the arena stays *full* (latched) until the reset: a
 *            request either has all it asked for or ends as a temporary error.
 * Debugging: with -Darena-malloc=true every object is an allocation of its own, so that sanitizers
 *            see an overrun of each; otherwise, under ASan, poisoned gaps lie between objects.
 * Threading: one thread at a time.
 */
#ifndef ASSAY_BASE_ARENA_H
#define ASSAY_BASE_ARENA_H

#include "base/error.h"
#include "base/slice.h"

struct arena_chunk;

/* What an arena takes at once, at least, beside its own head. */
#define ARENA_CHUNK_OCTETS ((size_t)16 * 1024)
#define ARENA_HEAD_OCTETS_MAX ((size_t)64)

/* Where chunks come from, instead of malloc() and free(). */
struct arena_source {
	void *(*take)(void *arg, size_t size); /* aligned for any object; NULL: there is none */
	void (*give)(void *arg, void *memory, size_t size); /* that it was taken for */
	void *arg;
};

struct arena {
	uint8_t *at;                /* where the next object goes without further ado, if it has at most `left` octets; */
	size_t left;                /* of chunk and bound; a multiple of ARENA_ALIGNMENT; 0 when sanitizers are to look on */
	struct arena_chunk *chunks; /* newest first; the first one made is kept over a reset */
	size_t bytes_used;          /* since the last reset */
	size_t bytes_max;
	size_t chunk_bytes;         /* taken from the system at once, at least */
	bool full;                  /* an allocation failed since the last reset */
	const struct arena_source *source; /* borrowed; NULL: malloc() */
};

void arena_init(struct arena *arena, size_t bytes_max);
/* For memory that is kept: in chunks of at least so many octets. */
void arena_init_chunks(struct arena *arena, size_t bytes_max, size_t chunk_bytes);
/* As arena_init(), with chunks of `source`, which has to live as long as the arena. */
void arena_init_from(struct arena *arena, size_t bytes_max, const struct arena_source *source);
/* Octets taken from the system. */
size_t arena_bytes_held(const struct arena *arena);
void arena_deinit(struct arena *arena);
/* Frees every object; keeps one chunk, so that a warm request does not call malloc. */
void arena_reset(struct arena *arena);

/* What there is now: to give back later all that comes after it. Of an arena of zeroes, or just reset: nothing. */
struct arena_mark {
	struct arena_chunk *chunk;
	uint8_t *at;
	size_t bytes_used;
};

struct arena_mark arena_mark(const struct arena *arena);
/* Frees every object that was made since the mark was taken; those before it, and the marks of them, stay good. */
void arena_reset_to(struct arena *arena, struct arena_mark mark);

#define ARENA_ALIGNMENT ((size_t)16)

/* For arena_take() alone: all that is not the ordinary case. */
MUST_CHECK void *arena_take_slowly(struct arena *arena, size_t size);

/*
 * Octets, aligned for any object; NULL when full. What is in them is undefined: for who writes them before anybody reads
 * them. A size of 0 is a valid, unique object.
 */
MUST_CHECK static inline void *arena_take(struct arena *arena, size_t size)
{
	size_t rounded = (size + ARENA_ALIGNMENT - 1) & ~(ARENA_ALIGNMENT - 1);
	uint8_t *object = arena->at;

	/* Wraps for 0, as for all that is too large. */
	if (__builtin_expect(size - 1 >= arena->left, 0))
		return arena_take_slowly(arena, size);
	arena->at += rounded;
	arena->left -= rounded;
	arena->bytes_used += rounded;
	return object;
}

/* As arena_take(), zeroed. */
MUST_CHECK static inline void *arena_alloc(struct arena *arena, size_t size)
{
	void *object = arena_take(arena, size);

	return object ? memset(object, 0, size) : NULL;
}

/* As arena_alloc() for `count` objects; NULL also when count * size overflows. */
MUST_CHECK static inline void *arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
	size_t total;

	return arena_alloc(arena, __builtin_mul_overflow(count, size, &total) ? SIZE_MAX : total);
}

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_NEW_ARRAY(arena, count, type) ((type *)arena_alloc_array((arena), (count), sizeof(type)))

/* A copy of `s`, followed by a NUL that is not counted. 0 or -ENOMEM. */
MUST_CHECK int arena_copy(struct arena *arena, struct slice s, struct slice *copy_out);

#endif
