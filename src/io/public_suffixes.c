#include "io/public_suffixes.h"

#include <libpsl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_OCTETS_MAX 253 /* RFC 1035 section 2.3.4, as text without the final dot */

struct io_public_suffixes {
	psl_ctx_t *loaded; /* NULL: the list is libpsl's own */
	const psl_ctx_t *list;
	char source[IO_PROBLEM_SIZE];
};

static int refuse(char problem[IO_PROBLEM_SIZE], const char *path, const char *why)
{
	snprintf(problem, IO_PROBLEM_SIZE, "%s: %s", path, why);
	return -EINVAL;
}

/* libpsl takes any file for a list of rules, one a line; so ask for a rule that each list has. */
static bool is_public_suffix_list(const psl_ctx_t *list)
{
	return psl_is_public_suffix2(list, "com", PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE) == 1;
}

static int read_file(const char *path, struct io_public_suffixes *out, char problem[IO_PROBLEM_SIZE])
{
	if (access(path, R_OK) != 0)
		return refuse(problem, path, strerror(errno));
	out->loaded = psl_load_file(path);
	out->list = out->loaded;
	snprintf(out->source, sizeof(out->source), "%s", path);
	if (out->loaded && is_public_suffix_list(out->loaded))
		return 0;
	return refuse(problem, path, "no public suffix list: it has no rule for com");
}

static int use_built_in(struct io_public_suffixes *out, char problem[IO_PROBLEM_SIZE])
{
	out->list = psl_builtin();
	snprintf(out->source, sizeof(out->source), "libpsl");
	return out->list ? 0 : refuse(problem, IO_PUBLIC_SUFFIXES_PATH, "not there, and libpsl has no list of its own");
}

int io_public_suffixes_open(const char *path, struct io_public_suffixes **out, char problem[IO_PROBLEM_SIZE])
{
	struct io_public_suffixes *suffixes = calloc(1, sizeof(*suffixes));
	int result;

	*out = NULL;
	if (!suffixes) {
		snprintf(problem, IO_PROBLEM_SIZE, "out of memory");
		return -ENOMEM;
	}
	if (*path)
		result = read_file(path, suffixes, problem);
	else if (access(IO_PUBLIC_SUFFIXES_PATH, R_OK) == 0)
		result = read_file(IO_PUBLIC_SUFFIXES_PATH, suffixes, problem);
	else
		result = use_built_in(suffixes, problem);
	if (result == 0)
		*out = suffixes;
	else
		io_public_suffixes_close(suffixes);
	return result;
}

void io_public_suffixes_close(struct io_public_suffixes *suffixes)
{
	if (!suffixes)
		return;
	psl_free(suffixes->loaded);
	free(suffixes);
}

const char *io_public_suffixes_source(const struct io_public_suffixes *suffixes)
{
	return suffixes->source;
}

struct slice io_public_suffixes_organizational_domain(void *arg, struct slice name)
{
	const struct io_public_suffixes *suffixes = arg;
	char copy[NAME_OCTETS_MAX + 1];
	const char *found;

	if (name.len == 0 || name.len > NAME_OCTETS_MAX || slice_find(name, 0) != SLICE_NOT_FOUND)
		return SLICE_EMPTY;
	memcpy(copy, name.ptr, name.len);
	copy[name.len] = 0;
	found = psl_registrable_domain(suffixes->list, copy);
	return found ? slice_from(name, (size_t)(found - copy)) : SLICE_EMPTY;
}

bool io_public_suffixes_contain(void *arg, struct slice name)
{
	return io_public_suffixes_organizational_domain(arg, name).len == 0;
}
