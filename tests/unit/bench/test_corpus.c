/*
 * Goal:   a corpus follows from its options: the same ones give the same octets, another seed gives other ones.
 * Method: small corpora are written into directories of their own and compared file by file.
 */
#include "unit.h"

#include "corpus/canon.h"
#include "corpus/corpus.h"

#include <stdlib.h>
#include <unistd.h>

static const char *const files[] = {
	"messages.pack", "messages.jsonl", "keys.jsonl",   "cold.eml",    "cold.jsonl",
	"all.zone",      "test.zone",      "example.zone", "corpus.json",
};

struct directory {
	char path[64];
};

static struct directory made(uint64_t seed)
{
	struct directory directory = { "/tmp/assay-corpus-XXXXXX" };
	struct corpus_options options = CORPUS_OPTIONS_DEFAULT;

	assert_non_null(mkdtemp(directory.path));
	options.directory = directory.path;
	options.seed = seed;
	options.messages = 25;
	options.domains = 10;
	options.mean = 12000;
	corpus_write(&options);
	return directory;
}

static struct octets file_read(const struct directory *directory, const char *name)
{
	struct octets octets = { NULL, 0, 0 };
	char path[128], chunk[4096];
	size_t got;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory->path, name);
	file = fopen(path, "rb");
	assert_non_null(file);
	while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0)
		octets_add(&octets, chunk, got);
	fclose(file);
	return octets;
}

static bool same(const struct directory *a, const struct directory *b, const char *name)
{
	struct octets first = file_read(a, name), second = file_read(b, name);
	bool equal = first.len > 0 && slice_equal(slice_of(first.at, first.len), slice_of(second.at, second.len));

	octets_free(&first);
	octets_free(&second);
	return equal;
}

static void drop(const struct directory *directory)
{
	char path[128];

	for (size_t i = 0; i < COUNT_OF(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory->path, files[i]);
		unlink(path);
	}
	rmdir(directory->path);
}

static void seed_decides(void **state)
{
	struct directory first = made(5), again = made(5), other = made(6);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		if (!same(&first, &again, files[i]))
			fail_msg("%s differs", files[i]);
		if (same(&first, &other, files[i]))
			fail_msg("%s does not depend on the seed", files[i]);
	}
	drop(&first);
	drop(&again);
	drop(&other);
}

/* RFC 6376 section 3.4.5, and the corners that bodies of a corpus have. */
static void canonical_forms(void **state)
{
	static const struct {
		const char *in, *relaxed, *simple;
	} bodies[] = {
		{ " C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n", " C \r\nD \t E\r\n" },
		{ "", "", "\r\n" },
		{ "\r\n\r\n", "", "\r\n" },
		{ " \r\n", "", " \r\n" },
		{ "a", "a\r\n", "a\r\n" },
	};
	static const char field[] = "SUBJect \t:  AbC\r\n \t d ";
	struct octets out = { NULL, 0, 0 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		octets_clear(&out);
		canon_body((const uint8_t *)bodies[i].in, strlen(bodies[i].in), true, &out);
		assert_slice_equal(slice_of(out.at, out.len), slice_of_str(bodies[i].relaxed));
		octets_clear(&out);
		canon_body((const uint8_t *)bodies[i].in, strlen(bodies[i].in), false, &out);
		assert_slice_equal(slice_of(out.at, out.len), slice_of_str(bodies[i].simple));
	}
	octets_clear(&out);
	canon_field((const uint8_t *)field, strlen(field), true, &out);
	assert_slice_equal(slice_of(out.at, out.len), SLICE("subject:AbC d"));
	octets_free(&out);
}

UNIT_MAIN(cmocka_unit_test(seed_decides), cmocka_unit_test(canonical_forms))
