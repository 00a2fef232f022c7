/*
 * Goal:   memory goes round, is as large as asked for, and no more of it is kept than the bound says.
 * Method: pieces of every size, and of one octet more and less, are taken, written all over and given back; then more is
 *         given back than may be kept.
 */
#include "io/spares.h"
#include "unit.h"

#include <string.h>

static void test_given_back_is_taken_again(void **state)
{
	struct io_spares spares = { .octets = 0 };
	void *first = io_spares_take(&spares, 5000), *second = io_spares_take(&spares, 8000);

	(void)state;
	io_spares_give(&spares, first, 5000);
	io_spares_give(&spares, second, 8000);
	assert_int_equal(spares.octets, 2 * 8192);
	/* The last one first; one of another size is nobody's. */
	assert_ptr_equal(io_spares_take(&spares, 4097), second);
	assert_ptr_equal(io_spares_take(&spares, 8192), first);
	assert_int_equal(spares.octets, 0);
	io_spares_give(&spares, second, 4097);
	io_spares_give(&spares, first, 8192);
	first = io_spares_take(&spares, 4096);
	assert_int_equal(spares.octets, 2 * 8192);
	io_spares_give(&spares, first, 4096);
	io_spares_drop(&spares);
	assert_int_equal(spares.octets, 0);
}

static void test_every_size_has_its_octets(void **state)
{
	struct io_spares spares = { .octets = 0 };

	(void)state;
	for (size_t size = 1; size <= 2 * IO_SPARE_OCTETS_MOST; size *= 2) {
		for (size_t octets = size > 1 ? size - 1 : 1; octets <= size + 1; octets++) {
			for (unsigned round = 0; round < 2; round++) {
				uint8_t *memory = io_spares_take(&spares, octets);

				memset(memory, 0xa5, octets);
				io_spares_give(&spares, memory, octets);
			}
		}
	}
	io_spares_give(&spares, NULL, 100);
	io_spares_drop(&spares);
}

static void test_no_more_is_kept_than_the_bound(void **state)
{
	enum { PIECES = IO_SPARES_OCTETS_MAX / IO_SPARE_OCTETS_MOST + 3 };
	struct io_spares spares = { .octets = 0 };
	void *pieces[PIECES];

	(void)state;
	for (unsigned i = 0; i < PIECES; i++)
		pieces[i] = io_spares_take(&spares, IO_SPARE_OCTETS_MOST);
	for (unsigned i = 0; i < PIECES; i++) {
		io_spares_give(&spares, pieces[i], IO_SPARE_OCTETS_MOST);
		assert_true(spares.octets <= IO_SPARES_OCTETS_MAX);
	}
	assert_int_equal(spares.octets, IO_SPARES_OCTETS_MAX);
	io_spares_drop(&spares);
	/* What is larger than any is not kept. */
	pieces[0] = io_spares_take(&spares, IO_SPARE_OCTETS_MOST + 1);
	io_spares_give(&spares, pieces[0], IO_SPARE_OCTETS_MOST + 1);
	assert_int_equal(spares.octets, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_given_back_is_taken_again),
		cmocka_unit_test(test_every_size_has_its_octets),
		cmocka_unit_test(test_no_more_is_kept_than_the_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
