/*
 * Goal:   a bare LF becomes CRLF and nothing else changes; a file is read whole.
 * Method: a table of octets; files of sizes around the reader's buffer.
 */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/assay/input.h"

#define OCTETS(literal)                                                                                                \
	{                                                                                                              \
		(literal), sizeof(literal) - 1                                                                         \
	}

static const struct {
	const char *name;
	struct octets {
		const char *octets;
		size_t count;
	} in, out;
} conversions[] = {
	{ "nothing", OCTETS(""), OCTETS("") },
	{ "bare_lf", OCTETS("\n"), OCTETS("\r\n") },
	{ "crlf_stays", OCTETS("a\r\nb\r\n"), OCTETS("a\r\nb\r\n") },
	{ "mixed", OCTETS("a\nb\r\nc\n\n"), OCTETS("a\r\nb\r\nc\r\n\r\n") },
	{ "bare_cr_stays", OCTETS("a\rb\r"), OCTETS("a\rb\r") },
	{ "cr_cr_lf", OCTETS("a\r\r\n"), OCTETS("a\r\r\n") },
	{ "lf_cr", OCTETS("a\n\rb"), OCTETS("a\r\n\rb") },
	{ "nul_and_8_bit", OCTETS("\0\xff\n\x80"), OCTETS("\0\xff\r\n\x80") },
};

static void only_bare_lf_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(conversions); i++) {
		char *octets;
		size_t count;

		assert_int_equal(input_to_crlf(conversions[i].in.octets, conversions[i].in.count, &octets, &count), 0);
		assert_slice_equal(slice_of(octets, count),
				   slice_of(conversions[i].out.octets, conversions[i].out.count));
		free(octets);
	}
}

static void files_are_read_whole(void **state)
{
	static const size_t sizes[] = { 0, 1, 65535, 65536, 65537, 131072, 1 << 20 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		char path[] = "/tmp/assay-test-XXXXXX", *octets;
		int fd = mkstemp(path);
		size_t count;

		assert_true(fd >= 0);
		assert_int_equal(ftruncate(fd, (off_t)sizes[i]), 0);
		close(fd);
		assert_int_equal(input_read(path, &octets, &count), 0);
		assert_int_equal(count, sizes[i]);
		free(octets);
		unlink(path);
	}
}

static void unreadable_files_say_why(void **state)
{
	char *octets;
	size_t count;

	(void)state;
	assert_int_equal(input_read("/nonexistent/file", &octets, &count), -ENOENT);
	assert_int_equal(input_read("/", &octets, &count), -EISDIR);
}

UNIT_MAIN(cmocka_unit_test(only_bare_lf_changes), cmocka_unit_test(files_are_read_whole),
	  cmocka_unit_test(unreadable_files_say_why))
