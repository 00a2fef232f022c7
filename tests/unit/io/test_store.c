/*
 * Goal:   records are there when the file is opened again; a broken file does not stop anybody; a file has one user.
 * Method: a file in a directory of its own. That kills do no harm is shown by tests/e2e/mta_sts_kill.py.
 */
#include "io/store.h"
#include "unit.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/assay-unit-XXXXXX", path[64], problem[IO_PROBLEM_SIZE];

static struct io_store *open_store(bool moved)
{
	struct io_store *store;
	bool was_moved;

	if (io_store_open(path, &store, &was_moved, problem) != 0)
		fail_msg("%s", problem);
	assert_int_equal(was_moved, moved);
	return store;
}

struct seen {
	unsigned count;
	char last[64];
};

static void take(void *arg, struct slice key, struct slice value)
{
	struct seen *seen = arg;

	seen->count++;
	snprintf(seen->last, sizeof(seen->last), "%.*s=%.*s", SLICE_FMT(key), SLICE_FMT(value));
}

static struct seen look(struct io_store *store)
{
	struct seen seen = { .count = 0 };

	assert_int_equal(io_store_each(store, take, &seen), 0);
	return seen;
}

static void put(struct io_store *store, const char *key, const char *value)
{
	assert_int_equal(io_store_begin(store), 0);
	assert_int_equal(io_store_put(store, slice_of_str(key), slice_of_str(value)), 0);
	assert_int_equal(io_store_commit(store), 0);
}

static void test_records_last(void **state)
{
	struct io_store *store = open_store(false);

	(void)state;
	assert_int_equal(look(store).count, 0);
	put(store, "a", "first");
	put(store, "a", "second");
	io_store_close(store);
	store = open_store(false);
	assert_int_equal(look(store).count, 1);
	assert_string_equal(look(store).last, "a=second");
	assert_int_equal(io_store_begin(store), 0);
	assert_int_equal(io_store_remove(store, SLICE("a")), 0);
	assert_int_equal(io_store_remove(store, SLICE("never there")), 0);
	assert_int_equal(io_store_commit(store), 0);
	assert_int_equal(look(store).count, 0);
	io_store_close(store);
}

static void test_what_was_not_committed_is_not_there(void **state)
{
	struct io_store *store = open_store(false);

	(void)state;
	assert_int_equal(io_store_begin(store), 0);
	assert_int_equal(io_store_put(store, SLICE("half"), SLICE("x")), 0);
	io_store_close(store);
	store = open_store(false);
	assert_int_equal(look(store).count, 0);
	assert_true(io_store_commit(store) < 0);
	io_store_close(store);
}

static void test_one_user(void **state)
{
	struct io_store *store = open_store(false), *second;
	bool moved;

	(void)state;
	assert_int_equal(io_store_open(path, &second, &moved, problem), -EBUSY);
	assert_non_null(strstr(problem, "another process"));
	assert_false(moved);
	io_store_close(store);
}

static void test_broken_files_are_moved_aside(void **state)
{
	struct io_store *store = open_store(false);
	char moved[80];
	FILE *file;

	(void)state;
	put(store, "a", "b");
	io_store_close(store);
	file = fopen(path, "we");
	for (unsigned i = 0; i < 1000; i++)
		fputs("no database", file);
	fclose(file);
	store = open_store(true);
	assert_int_equal(look(store).count, 0);
	put(store, "c", "d");
	io_store_close(store);
	snprintf(moved, sizeof(moved), "%s.broken", path);
	assert_int_equal(unlink(moved), 0);
	store = open_store(false);
	assert_string_equal(look(store).last, "c=d");
	io_store_close(store);
}

static void test_directories_that_are_not_there(void **state)
{
	struct io_store *store;
	bool moved;

	(void)state;
	assert_true(io_store_open("/nonexistent/assay/x.db", &store, &moved, problem) < 0);
	assert_non_null(strstr(problem, "/nonexistent/assay/x.db"));
}

static int begin(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s/store.db", directory);
	return 0;
}

static int end(void **state)
{
	static const char *const names[] = { "", "-wal", "-shm" };
	char name[80];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		snprintf(name, sizeof(name), "%s%s", path, names[i]);
		(void)unlink(name);
	}
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_records_last), TEST(test_what_was_not_committed_is_not_there), TEST(test_one_user),
		TEST(test_broken_files_are_moved_aside), TEST(test_directories_that_are_not_there),
	};
	int failed;

	if (!mkdtemp(directory))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)rmdir(directory);
	return failed;
}
