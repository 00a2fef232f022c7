/*
 * Goal:   names of certificates are compared whole, and only names that could be a host's; files that are no certificate, key or
 *         authority are told apart, with the file's name.
 * Method: tables, refusals first. Handshakes are tests/e2e/tls.py's.
 */
#include "io/tls.h"
#include "unit.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct slice list[] = { SLICE_INIT("mx1.example.org"), SLICE_INIT(".farm.example"), SLICE_INIT("Capital.Example") };

static void test_names(void **state)
{
	static const struct {
		struct slice name;
		bool is_listed;
	} vectors[] = {
		{ SLICE_INIT(""), false },
		{ SLICE_INIT("."), false },
		{ SLICE_INIT("mx2.example.org"), false },
		{ SLICE_INIT("mx1.example.org."), false },
		{ SLICE_INIT("xmx1.example.org"), false },
		{ SLICE_INIT("a.mx1.example.org"), false },
		{ SLICE_INIT("mx1.example.orgs"), false },
		{ SLICE_INIT("mx1.example.org\0.evil.example"), false },
		{ SLICE_INIT("evil.example\0.farm.example"), false },
		{ SLICE_INIT("farm.example"), false },
		{ SLICE_INIT(".farm.example"), false },
		{ SLICE_INIT("evilfarm.example"), false },
		{ SLICE_INIT("*.farm.example"), false },
		{ SLICE_INIT("*.example.org"), false },
		{ SLICE_INIT("mx*.farm.example"), false },
		{ SLICE_INIT("a.farm.example.org"), false },
		{ SLICE_INIT("mx1.example.org"), true },
		{ SLICE_INIT("MX1.EXAMPLE.ORG"), true },
		{ SLICE_INIT("capital.example"), true },
		{ SLICE_INIT("a.farm.example"), true },
		{ SLICE_INIT("a.b.FARM.example"), true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		if (io_tls_name_is_listed(vectors[i].name, list, COUNT_OF(list)) != vectors[i].is_listed)
			fail_msg("%.*s", SLICE_FMT(vectors[i].name));
		assert_false(io_tls_name_is_listed(vectors[i].name, list, 0));
	}
}

static char folder[] = "/tmp/assay-tls-XXXXXX";

static void check_refused(int (*check)(const char *path, char problem[IO_PROBLEM_SIZE]), const char *text, const char *why)
{
	char problem[IO_PROBLEM_SIZE], path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/file.pem", folder);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	fclose(file);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(check(path, problem), -EINVAL);
	assert_int_equal(strncmp(problem, path, strlen(path)), 0);
	if (!strstr(problem, why))
		fail_msg("\"%s\" does not say \"%s\"", problem, why);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(check(path, problem), -EINVAL);
	assert_non_null(strstr(problem, "No such file"));
	assert_int_equal(check(folder, problem), -EINVAL);
	assert_non_null(strstr(problem, "directory"));
}

static void test_files_refused(void **state)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
	/* With a password, which nobody is there to give. */
	static const char locked[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";

	(void)state;
	assert_non_null(mkdtemp(folder));
	check_refused(io_tls_check_certificate, "", "no usable certificate");
	check_refused(io_tls_check_certificate, "nonsense\n", "no usable certificate");
	check_refused(io_tls_check_certificate, begin, "no usable certificate");
	check_refused(io_tls_check_key, "", "no private key");
	check_refused(io_tls_check_key, begin, "no private key");
	check_refused(io_tls_check_key, locked, "no private key");
	check_refused(io_tls_check_ca, "", "no certificates");
	check_refused(io_tls_check_ca, begin, "no certificates");
	assert_int_equal(rmdir(folder), 0);
}

UNIT_MAIN(cmocka_unit_test(test_names), cmocka_unit_test(test_files_refused))
