/*
 * Goal:   memory goes round, is as large as asked for, no more of it is kept than the bound says, and what is not needed any more
 *         goes.
 * Method: pieces of every size, and of one octet more and less, are taken, written all over and given back; then more is
 *         given back than may be kept; then fewer are taken than are there.
 */
#include "io/spares.h"
#include "unit.h"

#include <string.h>

#define LARGE ((size_t)512 << 10)
#define KEPT_MAX (16 * LARGE)

static void test_given_back_is_taken_again(void **state)
{
	struct io_spares spares = { .octets_max = KEPT_MAX };
	void *first = io_spares_take(&spares, 7200), *second = io_spares_take(&spares, 8000);

	(void)state;
	io_spares_give(&spares, first, 7200);
	io_spares_give(&spares, second, 8000);
	assert_int_equal(spares.octets, 2 * 8192);
	/* The last one first; one of another size is nobody's. */
	assert_ptr_equal(io_spares_take(&spares, 7169), second);
	assert_ptr_equal(io_spares_take(&spares, 8192), first);
	assert_int_equal(spares.octets, 0);
	io_spares_give(&spares, second, 7169);
	io_spares_give(&spares, first, 8192);
	first = io_spares_take(&spares, 4096);
	assert_int_equal(spares.octets, 2 * 8192);
	io_spares_give(&spares, first, 4096);
	io_spares_drop(&spares);
	assert_int_equal(spares.octets, 0);
}

static void test_every_size_has_its_octets(void **state)
{
	struct io_spares spares = { .octets_max = KEPT_MAX };

	(void)state;
	for (size_t size = 1; size <= (1 << 20); size *= 2) {
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
	enum { PIECES = KEPT_MAX / LARGE + 3 };
	struct io_spares spares = { .octets_max = KEPT_MAX };
	void *pieces[PIECES];

	(void)state;
	for (unsigned i = 0; i < PIECES; i++)
		pieces[i] = io_spares_take(&spares, LARGE);
	for (unsigned i = 0; i < PIECES; i++) {
		io_spares_give(&spares, pieces[i], LARGE);
		assert_true(spares.octets <= KEPT_MAX);
	}
	assert_int_equal(spares.octets, KEPT_MAX);
	io_spares_drop(&spares);
	/* What is larger than any is not kept. */
	spares.octets_max = 4 * IO_SPARE_OCTETS_MOST;
	pieces[0] = io_spares_take(&spares, IO_SPARE_OCTETS_MOST + 1);
	io_spares_give(&spares, pieces[0], IO_SPARE_OCTETS_MOST + 1);
	assert_int_equal(spares.octets, 0);
}

/* A large piece that nobody needs goes, and not the small ones that go round. */
static void test_the_needed_stay(void **state)
{
	enum { SMALL = 64 };
	struct io_spares spares = { .octets_max = 4 * IO_SPARE_OCTETS_MOST };
	void *large = io_spares_take(&spares, IO_SPARE_OCTETS_MOST), *small[SMALL];

	(void)state;
	io_spares_give(&spares, large, IO_SPARE_OCTETS_MOST);
	for (unsigned round = 0; round < 2; round++) {
		io_spares_age(&spares);
		for (unsigned i = 0; i < SMALL; i++)
			small[i] = io_spares_take(&spares, 30000);
		for (unsigned i = 0; i < SMALL; i++)
			io_spares_give(&spares, small[i], 30000);
	}
	io_spares_age(&spares);
	assert_int_equal(spares.octets, SMALL * 32768);
	io_spares_drop(&spares);
}

/* Of what load left behind, that which nobody needed since: not what goes round, and not a few. */
static void test_unneeded_goes(void **state)
{
	enum { PIECES = 12, IN_USE = 10 };
	struct io_spares spares = { .octets_max = KEPT_MAX };
	void *pieces[PIECES];

	(void)state;
	for (unsigned i = 0; i < PIECES; i++)
		pieces[i] = io_spares_take(&spares, LARGE);
	for (unsigned i = 0; i < PIECES; i++)
		io_spares_give(&spares, pieces[i], LARGE);
	io_spares_age(&spares); /* all of them were in use */
	assert_int_equal(spares.octets, PIECES * LARGE);
	for (unsigned i = 0; i < IN_USE; i++)
		pieces[i] = io_spares_take(&spares, LARGE);
	for (unsigned i = 0; i < IN_USE; i++)
		io_spares_give(&spares, pieces[i], LARGE);
	io_spares_age(&spares);
	assert_int_equal(spares.octets, IN_USE * LARGE);
	pieces[0] = io_spares_take(&spares, 5000);
	io_spares_give(&spares, pieces[0], 5000);
	for (unsigned i = 0; i < 3; i++)
		io_spares_age(&spares);
	assert_in_range(spares.octets, IO_SPARES_OCTETS_FEW - LARGE + 1, IO_SPARES_OCTETS_FEW);
	io_spares_drop(&spares);
	assert_int_equal(spares.octets, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_given_back_is_taken_again),
		cmocka_unit_test(test_every_size_has_its_octets),
		cmocka_unit_test(test_no_more_is_kept_than_the_bound),
		cmocka_unit_test(test_unneeded_goes),
		cmocka_unit_test(test_the_needed_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
