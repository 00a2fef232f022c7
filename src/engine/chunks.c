#include "engine/chunks.h"

#include "base/asan.h"

#include <stdlib.h>

#define CHUNK_OCTETS (ARENA_CHUNK_OCTETS + ARENA_HEAD_OCTETS_MAX)

struct chunk {
	struct chunk *next;
};

static struct chunk *first_take(struct chunks *chunks)
{
	struct chunk *chunk = chunks->first;

	ASAN_UNPOISON_MEMORY_REGION(chunk, CHUNK_OCTETS);
	chunks->first = chunk->next;
	chunks->kept--;
	return chunk;
}

/* Smaller ones are of a build where every object is an allocation of its own. */
static bool is_usual(size_t octets)
{
	return octets > ARENA_CHUNK_OCTETS && octets <= CHUNK_OCTETS;
}

static void *take(void *arg, size_t octets)
{
	struct chunks *chunks = arg;
	void *memory;

	if (!is_usual(octets))
		return malloc(octets);
	memory = chunks->first ? first_take(chunks) : malloc(CHUNK_OCTETS);
	/* Behind what it was taken for nobody has anything to look for. */
	if (memory)
		ASAN_POISON_MEMORY_REGION((unsigned char *)memory + octets, CHUNK_OCTETS - octets);
	return memory;
}

static void give(void *arg, void *memory, size_t octets)
{
	struct chunks *chunks = arg;
	struct chunk *chunk = memory;

	if (!is_usual(octets)) {
		free(memory);
		return;
	}
	ASAN_UNPOISON_MEMORY_REGION(memory, CHUNK_OCTETS);
	if (chunks->kept == CHUNKS_KEPT_MAX) {
		free(memory);
		return;
	}
	chunk->next = chunks->first;
	chunks->first = chunk;
	chunks->kept++;
	ASAN_POISON_MEMORY_REGION(chunk, CHUNK_OCTETS);
}

void chunks_init(struct chunks *chunks)
{
	*chunks = (struct chunks){ .source = { .take = take, .give = give, .arg = chunks } };
}

void chunks_drop(struct chunks *chunks)
{
	while (chunks->first)
		free(first_take(chunks));
}

size_t chunks_octets_kept(const struct chunks *chunks)
{
	return chunks->kept * CHUNK_OCTETS;
}
