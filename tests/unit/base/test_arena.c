/*
 * Goal:   an arena gives zeroed, aligned, distinct objects up to its bound, latches when it is full, and forgets all
 *         in one step.
 * Method: refusals first; then objects are filled to the last octet, so that sanitizers and the neighbours' values tell
 *         of any overlap. Under ASan the octets behind an object must be poisoned.
 */
#include "base/arena.h"
#include "unit.h"

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#ifdef UNDER_ASAN
#include <sanitizer/asan_interface.h>
#endif

static void test_full_latches_until_reset(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1024);
	assert_null(arena_alloc(&arena, 1025));
	assert_true(arena.full);
	assert_null(arena_alloc(&arena, 1));
	arena_reset(&arena);
	assert_false(arena.full);
	assert_non_null(arena_alloc(&arena, 1));
	arena_deinit(&arena);
}

static void test_bound_holds_for_the_sum(void **state)
{
	struct arena arena;
	size_t objects = 0;

	(void)state;
	arena_init(&arena, 4096);
	while (arena_alloc(&arena, 1))
		objects++;
	assert_true(objects > 0 && objects <= 4096 / 16);
	assert_true(arena.full);
	assert_true(arena.bytes_used <= 4096);
	arena_deinit(&arena);
}

static void test_sizes_that_overflow_are_refused(void **state)
{
	static const struct {
		const char *name;
		size_t bytes_max, count, size;
	} vectors[] = {
		{ "product_wraps_to_zero", 4096, SIZE_MAX / 2 + 1, 2 },
		{ "product_wraps_to_small", 4096, SIZE_MAX / 16 + 2, 16 },
		{ "largest_product", 4096, 1, SIZE_MAX },
		{ "rounding_wraps", SIZE_MAX, 1, SIZE_MAX },
		{ "rounding_wraps_by_one", SIZE_MAX, 1, SIZE_MAX - 14 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		struct arena arena;

		arena_init(&arena, vectors[i].bytes_max);
		if (arena_alloc_array(&arena, vectors[i].count, vectors[i].size))
			fail_msg("%s: allocated", vectors[i].name);
		assert_true(arena.full);
		assert_int_equal(arena.bytes_used, 0);
		arena_deinit(&arena);
	}
}

static void test_copy_of_impossible_length_is_refused(void **state)
{
	struct arena arena;
	struct slice copy;

	(void)state;
	arena_init(&arena, SIZE_MAX);
	assert_int_equal(arena_copy(&arena, slice_of("x", SIZE_MAX), &copy), -ENOMEM);
	arena_deinit(&arena);
}

static void test_objects_are_aligned_zeroed_and_apart(void **state)
{
	enum { OBJECTS = 300 };
	uint8_t *objects[OBJECTS];
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < OBJECTS; i++) {
		size_t size = i * 7 % 601;

		objects[i] = arena_alloc(&arena, size);
		assert_non_null(objects[i]);
		assert_int_equal((uintptr_t)objects[i] % _Alignof(max_align_t), 0);
		for (size_t at = 0; at < size; at++)
			assert_int_equal(objects[i][at], 0);
		memset(objects[i], (int)(i & 0xff), size);
	}
	for (size_t i = 0; i < OBJECTS; i++)
		for (size_t at = 0; at < i * 7 % 601; at++)
			assert_int_equal(objects[i][at], i & 0xff);
	arena_deinit(&arena);
}

/* What is taken is as those who had it left it, or as malloc() gave it; what is asked for zeroed is zeroed. */
static void test_taken_is_apart_from_allocated(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 16);
	for (unsigned round = 0; round < 3; round++) {
		for (size_t size = 0; size < 100; size++) {
			uint8_t *taken = arena_take(&arena, size), *object = arena_alloc(&arena, size);

			assert_non_null(taken);
			assert_non_null(object);
			assert_int_equal((uintptr_t)taken % _Alignof(max_align_t), 0);
			memset(taken, 0xa5, size);
			for (size_t at = 0; at < size; at++)
				assert_int_equal(object[at], 0);
			memset(object, 0x5a, size);
			for (size_t at = 0; at < size; at++)
				assert_int_equal(taken[at], 0xa5);
		}
		arena_reset(&arena);
	}
	arena_deinit(&arena);
}

/* The last octets of the bound are given to what they suffice for, and to nothing else. */
static void test_bound_holds_to_the_octet(void **state)
{
#if !defined(ARENA_MALLOC) && !defined(UNDER_ASAN)
	(void)state;
	for (size_t bytes_max = 0; bytes_max < 200; bytes_max++) {
		for (size_t size = 1; size < 220; size++) {
			size_t rounded = (size + 15) / 16 * 16;
			struct arena arena;
			void *first, *second;

			arena_init(&arena, bytes_max);
			first = arena_take(&arena, 1);
			assert_int_equal(first != NULL, 16 <= bytes_max);
			second = arena_take(&arena, size);
			assert_int_equal(second != NULL, 16 + rounded <= bytes_max);
			assert_int_equal(arena.full, !second);
			assert_int_equal(arena.bytes_used, (first ? 16 : 0) + (second ? rounded : 0));
			assert_true(second || !arena_take(&arena, 1));
			arena_deinit(&arena);
		}
	}
#else
	(void)state;
	skip();
#endif
}

static void test_size_zero_is_a_unique_object(void **state)
{
	struct arena arena;
	void *first, *second;

	(void)state;
	arena_init(&arena, 1024);
	first = arena_alloc(&arena, 0);
	second = arena_alloc_array(&arena, 0, 8);
	assert_non_null(first);
	assert_non_null(second);
	assert_ptr_not_equal(first, second);
	arena_deinit(&arena);
}

static void test_reset_zeroes_anew_and_counts_anew(void **state)
{
	struct arena arena;
	uint8_t *object;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (unsigned round = 0; round < 3; round++) {
		assert_int_equal(arena.bytes_used, 0);
		for (unsigned i = 0; i < 8; i++) {
			object = arena_alloc(&arena, 10000);
			assert_non_null(object);
			for (size_t at = 0; at < 10000; at++)
				assert_int_equal(object[at], 0);
			memset(object, 0xa5, 10000);
		}
		arena_reset(&arena);
	}
	arena_deinit(&arena);
}

static void test_reset_keeps_one_chunk(void **state)
{
#ifndef ARENA_MALLOC
	struct arena arena;
	struct arena_chunk *kept;
	void *object;

	(void)state;
	arena_init(&arena, 1 << 20);
	object = arena_alloc(&arena, 100);
	kept = arena.chunks;
	for (unsigned i = 0; i < 20; i++)
		assert_non_null(arena_alloc(&arena, 9000));
	assert_ptr_not_equal(arena.chunks, kept);
	arena_reset(&arena);
	assert_ptr_equal(arena.chunks, kept);
	assert_ptr_equal(arena_alloc(&arena, 100), object);
	arena_deinit(&arena);
#else
	(void)state;
	skip();
#endif
}

static void test_copy_ends_in_nul(void **state)
{
	struct arena arena;
	struct slice copy;

	(void)state;
	arena_init(&arena, 1024);
	assert_int_equal(arena_copy(&arena, SLICE_EMPTY, &copy), 0);
	assert_int_equal(copy.len, 0);
	assert_int_equal(copy.ptr[0], 0);
	assert_int_equal(arena_copy(&arena, SLICE("a\0b"), &copy), 0);
	assert_slice_equal(copy, SLICE("a\0b"));
	assert_int_equal(copy.ptr[3], 0);
	assert_int_equal(arena_copy(&arena, slice_of("", 2000), &copy), -ENOMEM);
	arena_deinit(&arena);
}

static void test_neighbours_are_poisoned(void **state)
{
#ifdef UNDER_ASAN
	struct arena arena;
	uint8_t *object, *later;

	(void)state;
	arena_init(&arena, 4096);
	object = arena_alloc(&arena, 13);
	later = arena_alloc(&arena, 1);
	assert_non_null(object);
	assert_non_null(later);
	assert_false(__asan_address_is_poisoned(object + 12));
	assert_true(__asan_address_is_poisoned(object + 13));
	assert_true(__asan_address_is_poisoned(later + 1));
	arena_reset(&arena);
	assert_true(__asan_address_is_poisoned(object));
	arena_deinit(&arena);
#else
	(void)state;
	skip();
#endif
}

UNIT_MAIN(cmocka_unit_test(test_full_latches_until_reset), cmocka_unit_test(test_bound_holds_for_the_sum),
          cmocka_unit_test(test_sizes_that_overflow_are_refused),
          cmocka_unit_test(test_copy_of_impossible_length_is_refused),
          cmocka_unit_test(test_objects_are_aligned_zeroed_and_apart),
          cmocka_unit_test(test_taken_is_apart_from_allocated), cmocka_unit_test(test_bound_holds_to_the_octet),
          cmocka_unit_test(test_size_zero_is_a_unique_object),
          cmocka_unit_test(test_reset_zeroes_anew_and_counts_anew), cmocka_unit_test(test_reset_keeps_one_chunk),
          cmocka_unit_test(test_copy_ends_in_nul), cmocka_unit_test(test_neighbours_are_poisoned))
