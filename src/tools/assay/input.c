#include "tools/assay/input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OCTETS_MAX   ((size_t)1 << 30)
#define OCTETS_FIRST ((size_t)1 << 16)

static int read_all(FILE *file, char **octets_out, size_t *count_out)
{
	size_t size = OCTETS_FIRST, count = 0, got;
	char *octets = malloc(size);

	errno = ENOMEM;
	while (octets && (errno = 0, got = fread(octets + count, 1, size - count, file)) > 0) {
		char *larger = octets;

		count += got;
		if (count == size)
			larger = size < OCTETS_MAX ? realloc(octets, size *= 2) : NULL;
		if (!larger) {
			free(octets);
			return size < OCTETS_MAX ? -ENOMEM : -EFBIG;
		}
		octets = larger;
	}
	if (!octets || ferror(file)) {
		free(octets);
		return errno ? -errno : -EIO;
	}
	*octets_out = octets;
	*count_out = count;
	return 0;
}

static size_t count_bare_lf(const char *octets, size_t count)
{
	size_t bare = 0;

	for (size_t i = 0; i < count; i++)
		bare += octets[i] == '\n' && (i == 0 || octets[i - 1] != '\r');
	return bare;
}

int input_to_crlf(const char *octets, size_t count, char **octets_out, size_t *count_out)
{
	size_t size = count + count_bare_lf(octets, count), at = 0;
	char *crlf = malloc(size ? size : 1);

	if (!crlf)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (octets[i] == '\n' && (i == 0 || octets[i - 1] != '\r'))
			crlf[at++] = '\r';
		crlf[at++] = octets[i];
	}
	*octets_out = crlf;
	*count_out = size;
	return 0;
}

int input_read(const char *path, char **octets_out, size_t *count_out)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	char *octets;
	size_t count;
	int error;

	if (!file)
		return -errno;
	error = read_all(file, &octets, &count);
	if (file != stdin)
		fclose(file);
	if (error)
		return error;
	error = input_to_crlf(octets, count, octets_out, count_out);
	free(octets);
	return error;
}
