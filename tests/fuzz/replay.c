/*
 * replay.c - the main of a fuzz target where there is no libFuzzer: an ordinary test over its corpus.
 *
 * Every file named, and every file of a folder named, goes through the target as it is, cut short, and changed in a few
 * hundred ways that follow from its octets alone: each run does the same. Each input lies in memory of exactly its size,
 * so that sanitizers see a read beyond. A file that was cut or changed into a crash is told by its name and the number of
 * the variant.
 */
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CUTS_MAX 64      /* of one file */
#define CHANGED_MAX 256  /* of one file */
#define STEPS_MAX 4      /* of one change */
#define PIECE_MAX 32     /* octets that one step takes away or puts in */
#define OCTETS_BUDGET ((size_t)4 << 20) /* of all variants of one file: large seeds get fewer */

static const char *current_file;
static unsigned current_variant, inputs;

static void on_abort(int signal_number)
{
	char line[512];
	int len = snprintf(line, sizeof(line), "replay: %s, variant %u\n", current_file, current_variant);

	if (len > 0)
		(void)!write(STDERR_FILENO, line, (size_t)len);
	(void)signal(signal_number, SIG_DFL);
}

static void complain(const char *path)
{
	perror(path);
	exit(1);
}

static void run(const uint8_t *octets, size_t len)
{
	uint8_t *copy = malloc(len);

	if (len && !copy)
		complain("malloc");
	if (len)
		memcpy(copy, octets, len);
	(void)LLVMFuzzerTestOneInput(copy, len);
	free(copy);
	current_variant++;
	inputs++;
}

/* xorshift64: small, and the same everywhere. */
static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static uint64_t hash_of(const uint8_t *octets, size_t len)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ octets[i]) * UINT64_C(1099511628211);
	return hash ? hash : 1;
}

/* One step; `octets` has room for PIECE_MAX more than `len`. Returns the new length. */
static size_t change(uint8_t *octets, size_t len, uint64_t *state)
{
	static const uint8_t telling[] = { 0, 1, 0x7f, 0x80, 0xc0, 0xff, ' ', '.', ':', ';', '=', '%', '"', '(', '\r', '\n' };
	size_t at = len ? (size_t)(next(state) % len) : 0;
	size_t piece = len ? (size_t)(next(state) % (len - at)) % PIECE_MAX + 1 : 0;
	uint8_t octet = telling[next(state) % sizeof(telling)];

	switch (len ? next(state) % 5 : 4) {
	case 0: octets[at] ^= (uint8_t)(1u << next(state) % 8); return len;
	case 1: octets[at] = octet; return len;
	case 2: /* a piece goes */
		piece = piece < len - at ? piece : len - at;
		memmove(octets + at, octets + at + piece, len - at - piece);
		return len - piece;
	case 3: /* a piece comes twice */
		piece = piece < len - at ? piece : len - at;
		memmove(octets + at + piece, octets + at, len - at);
		return len + piece;
	default: /* an octet comes in */
		memmove(octets + at + 1, octets + at, len - at);
		octets[at] = octet;
		return len + 1;
	}
}

static void run_variants(const uint8_t *octets, size_t len)
{
	size_t count = OCTETS_BUDGET / (len + 1);
	size_t cuts = len < CUTS_MAX ? len : CUTS_MAX;
	uint64_t state = hash_of(octets, len);
	uint8_t *changed = malloc(len + (size_t)STEPS_MAX * PIECE_MAX);

	if (!changed)
		complain("malloc");
	for (size_t i = 0; i < cuts && i < count; i++)
		run(octets, len * i / cuts);
	for (size_t i = 0; i < CHANGED_MAX && i < count; i++) {
		size_t changed_len = len;

		memcpy(changed, octets, len);
		for (uint64_t steps = next(&state) % STEPS_MAX + 1; steps > 0; steps--)
			changed_len = change(changed, changed_len, &state);
		run(changed, changed_len);
	}
	free(changed);
}

static void run_file(const char *path, const struct stat *status)
{
	size_t size = (size_t)status->st_size;
	FILE *file = fopen(path, "re");
	uint8_t *octets = malloc(size + 1);

	if (!file || !octets || fread(octets, 1, size, file) != size)
		complain(path);
	fclose(file);
	current_file = path;
	current_variant = 0;
	run(octets, size);
	run_variants(octets, size);
	free(octets);
}

static void run_path(const char *path)
{
	struct stat status;
	struct dirent **entries;
	int count;

	if (stat(path, &status) < 0)
		complain(path);
	if (!S_ISDIR(status.st_mode)) {
		run_file(path, &status);
		return;
	}
	count = scandir(path, &entries, NULL, alphasort);
	if (count < 0)
		complain(path);
	for (int i = 0; i < count; i++) {
		char inner[4096];

		snprintf(inner, sizeof(inner), "%s/%s", path, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.' && stat(inner, &status) == 0 && S_ISREG(status.st_mode))
			run_file(inner, &status);
		free(entries[i]);
	}
	free(entries);
}

int main(int argc, char **argv)
{
	(void)signal(SIGABRT, on_abort);
	current_file = "the empty input";
	run((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++)
		run_path(argv[i]);
	printf("%u inputs\n", inputs);
	return 0;
}
