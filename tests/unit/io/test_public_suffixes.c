/*
 * Goal:   names are cut where the public suffix list says (RFC 7489 section 3.2), and what is no such list is refused at
 *         the start rather than used.
 * Method: a list of our own with every kind of rule, in a file; a table of names; files that are no lists. The list that
 *         the system has, for what no list leaves out.
 */
#include "io/public_suffixes.h"

#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

static const char list_text[] = "// ===BEGIN ICANN DOMAINS===\n"
				"com\nuk\nco.uk\n*.ck\n!www.ck\n"
				"\xe5\x85\xac\xe5\x8f\xb8.cn\ncn\n"
				"// ===END ICANN DOMAINS===\n"
				"// ===BEGIN PRIVATE DOMAINS===\n"
				"host.example.com\n"
				"// ===END PRIVATE DOMAINS===\n";

static const struct {
	const char *what, *name, *organizational_domain;
} vectors[] = {
	{ "empty", "", "" },
	{ "a suffix", "com", "" },
	{ "a suffix of two labels", "co.uk", "" },
	{ "a suffix by a wildcard", "a.ck", "" },
	{ "a suffix of the private division", "host.example.com", "" },
	{ "one that no rule names", "example", "" },
	{ "below a suffix", "b.com", "b.com" },
	{ "far below", "e.d.c.b.com", "b.com" },
	{ "below the longest suffix", "a.b.co.uk", "b.co.uk" },
	{ "below the shorter one", "a.other.uk", "other.uk" },
	{ "below a wildcard", "c.b.a.ck", "b.a.ck" },
	{ "an exception", "a.www.ck", "www.ck" },
	{ "of the private division", "a.b.host.example.com", "b.host.example.com" },
	{ "above it", "x.example.com", "example.com" },
	{ "A-labels of a rule in UTF-8", "a.b.xn--55qx5d.cn", "b.xn--55qx5d.cn" },
	{ "below one that no rule names", "c.b.a.example", "a.example" },
};

static void write_file(char path[32], const char *text)
{
	FILE *file;

	strcpy(path, "/tmp/assay-psl-XXXXXX");
	file = fdopen(mkstemp(path), "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static struct io_public_suffixes *open_list(const char *path)
{
	struct io_public_suffixes *suffixes;
	char problem[IO_PROBLEM_SIZE];

	if (io_public_suffixes_open(path, &suffixes, problem) < 0)
		fail_msg("%s", problem);
	return suffixes;
}

static void test_names(void **state)
{
	struct io_public_suffixes *suffixes;
	char path[32];

	(void)state;
	write_file(path, list_text);
	suffixes = open_list(path);
	assert_string_equal(io_public_suffixes_source(suffixes), path);
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		struct slice name = slice_of_str(vectors[i].name);
		struct slice found = io_public_suffixes_organizational_domain(suffixes, name);

		if (!slice_equal(found, slice_of_str(vectors[i].organizational_domain)))
			fail_msg("%s: %.*s", vectors[i].what, SLICE_FMT(found));
		assert_int_equal(io_public_suffixes_contain(suffixes, name), *vectors[i].organizational_domain == 0);
		/* A slice of the name itself, at its end. */
		assert_true(found.len == 0 || found.ptr + found.len == name.ptr + name.len);
	}
	io_public_suffixes_close(suffixes);
	unlink(path);
}

/* Of names that are none; and no octet behind the name is looked at. */
static void test_odd_names(void **state)
{
	struct io_public_suffixes *suffixes = open_list("");
	char name[300];

	(void)state;
	memset(name, 'a', sizeof(name));
	memcpy(name + sizeof(name) - 4, ".com", 4);
	assert_int_equal(io_public_suffixes_organizational_domain(suffixes, slice_of(name, sizeof(name))).len, 0);
	assert_int_equal(io_public_suffixes_organizational_domain(suffixes, SLICE("a\0b.com")).len, 0);
	assert_slice_equal(io_public_suffixes_organizational_domain(suffixes, slice_of("a.b.com.au", 7)), SLICE("b.com"));
	io_public_suffixes_close(suffixes);
}

static void test_the_systems_list(void **state)
{
	struct io_public_suffixes *suffixes = open_list("");

	(void)state;
	assert_true(*io_public_suffixes_source(suffixes));
	assert_slice_equal(io_public_suffixes_organizational_domain(suffixes, SLICE("a.b.co.uk")), SLICE("b.co.uk"));
	io_public_suffixes_close(suffixes);
	io_public_suffixes_close(NULL);
}

static void test_no_list(void **state)
{
	static const char *const texts[] = { "", "\n\n", "listen = {\"ipc:///x\"}\n", "// com\n", "net\norg\n" };
	struct io_public_suffixes *suffixes;
	char path[32], problem[IO_PROBLEM_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		write_file(path, texts[i]);
		assert_int_equal(io_public_suffixes_open(path, &suffixes, problem), -EINVAL);
		assert_null(suffixes);
		assert_non_null(strstr(problem, path));
		unlink(path);
	}
	assert_int_equal(io_public_suffixes_open("/nonexistent/list", &suffixes, problem), -EINVAL);
	assert_int_equal(io_public_suffixes_open("/tmp", &suffixes, problem), -EINVAL);
}

UNIT_MAIN(cmocka_unit_test(test_names), cmocka_unit_test(test_odd_names), cmocka_unit_test(test_the_systems_list),
	  cmocka_unit_test(test_no_list))
