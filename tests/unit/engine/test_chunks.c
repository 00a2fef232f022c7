/*
 * Goal:   the chunk that came back last goes out first, no more are kept than is said, and none of another size.
 * Method: as an arena takes and gives them; the address tells the chunk.
 */
#include "engine/chunks.h"
#include "unit.h"

#include <stdlib.h>

#define USUAL (ARENA_CHUNK_OCTETS + 32)
#ifdef ARENA_MALLOC
#define OF_AN_ARENA 0 /* every object is an allocation of its own */
#else
#define OF_AN_ARENA 1
#endif

static void *take(struct chunks *chunks, size_t octets)
{
	void *memory = chunks->source.take(chunks->source.arg, octets);

	assert_non_null(memory);
	memset(memory, 1, octets);
	return memory;
}

static void give(struct chunks *chunks, void *memory, size_t octets)
{
	chunks->source.give(chunks->source.arg, memory, octets);
}

static void test_last_back_first_out(void **state)
{
	struct chunks chunks;
	void *taken[3];

	(void)state;
	chunks_init(&chunks);
	for (unsigned i = 0; i < 3; i++)
		taken[i] = take(&chunks, USUAL);
	give(&chunks, taken[2], USUAL);
	give(&chunks, taken[0], USUAL);
	assert_int_equal(chunks.kept, 2);
	assert_ptr_equal(take(&chunks, USUAL), taken[0]);
	assert_ptr_equal(take(&chunks, USUAL), taken[2]);
	assert_int_equal(chunks.kept, 0);
	for (unsigned i = 0; i < 3; i++)
		give(&chunks, taken[i], USUAL);
	assert_int_equal(chunks.kept, 3);
	chunks_drop(&chunks);
	assert_int_equal(chunks.kept, 0);
}

static void test_other_sizes_are_not_kept(void **state)
{
	static const size_t sizes[] = { 1, ARENA_CHUNK_OCTETS, ARENA_CHUNK_OCTETS + ARENA_HEAD_OCTETS_MAX + 1, 4 * ARENA_CHUNK_OCTETS };
	struct chunks chunks;

	(void)state;
	chunks_init(&chunks);
	give(&chunks, take(&chunks, USUAL), USUAL);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		void *memory = take(&chunks, sizes[i]);

		assert_int_equal(chunks.kept, 1);
		give(&chunks, memory, sizes[i]);
		assert_int_equal(chunks.kept, 1);
	}
	chunks_drop(&chunks);
}

static void test_kept_ones_are_bounded(void **state)
{
	void **taken = calloc(CHUNKS_KEPT_MAX + 5, sizeof(*taken));
	struct chunks chunks;

	(void)state;
	assert_non_null(taken);
	chunks_init(&chunks);
	for (unsigned i = 0; i < CHUNKS_KEPT_MAX + 5; i++)
		taken[i] = take(&chunks, USUAL);
	for (unsigned i = 0; i < CHUNKS_KEPT_MAX + 5; i++)
		give(&chunks, taken[i], USUAL);
	assert_int_equal(chunks.kept, CHUNKS_KEPT_MAX);
	assert_in_range(chunks_octets_kept(&chunks), CHUNKS_KEPT_MAX * ARENA_CHUNK_OCTETS,
	                CHUNKS_KEPT_MAX * (ARENA_CHUNK_OCTETS + ARENA_HEAD_OCTETS_MAX));
	chunks_drop(&chunks);
	free(taken);
}

/* What arenas ask for is the usual size. */
static void test_arenas_take_them(void **state)
{
	struct arena arena;
	struct chunks chunks;

	(void)state;
	chunks_init(&chunks);
	arena_init_from(&arena, 1 << 20, &chunks.source);
	assert_non_null(arena_alloc(&arena, 100));
	assert_non_null(arena_alloc(&arena, 3 * ARENA_CHUNK_OCTETS));
	arena_deinit(&arena);
	assert_int_equal(chunks.kept, OF_AN_ARENA);
	chunks_drop(&chunks);
}

UNIT_MAIN(cmocka_unit_test(test_last_back_first_out), cmocka_unit_test(test_other_sizes_are_not_kept),
          cmocka_unit_test(test_kept_ones_are_bounded), cmocka_unit_test(test_arenas_take_them))
