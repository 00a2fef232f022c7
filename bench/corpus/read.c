#include "corpus/read.h"

#include "corpus/text.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* What was read stays until the program ends, and jansson's objects with it: their texts need no copies. */
static struct corpus *corpora[8];
static size_t corpora_count;
static json_t *kept;

struct lines {
	FILE *file;
	char *path, *line;
	size_t size, number;
};

static char *path_of(const char *directory, const char *name)
{
	struct octets path = { NULL, 0, 0 };

	octets_format(&path, "%s/%s", directory, name);
	return (char *)path.at;
}

static void lines_open(struct lines *lines, const char *directory, const char *name)
{
	*lines = (struct lines){ .path = path_of(directory, name) };
	lines->file = fopen(lines->path, "rb");
	if (!lines->file)
		die("%s: %s", lines->path, strerror(errno));
}

static json_t *lines_next(struct lines *lines)
{
	json_error_t error;
	json_t *object;

	if (getline(&lines->line, &lines->size, lines->file) < 0) {
		fclose(lines->file);
		free(lines->line);
		free(lines->path);
		return NULL;
	}
	lines->number++;
	object = json_loads(lines->line, 0, &error);
	if (!object)
		die("%s:%zu: %s", lines->path, lines->number, error.text);
	if (!kept)
		kept = json_array();
	if (json_array_append_new(kept, object) < 0)
		die("out of memory");
	return object;
}

static const char *text_of(const struct lines *lines, json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	if (!text)
		die("%s:%zu: no \"%s\"", lines->path, lines->number, name);
	return text;
}

static unsigned word_of(const struct lines *lines, const char *word, const char *const *words)
{
	for (unsigned i = 0; words[i]; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	die("%s:%zu: unknown word \"%s\"", lines->path, lines->number, word);
}

static const char *const spf_words[] = { "", "none", "neutral", "pass", "fail", "softfail", "temperror", "permerror", NULL };
static const char *const dkim_words[] = { "", "pass", "fail", "policy", "neutral", "temperror", "permerror", NULL };
static const char *const dmarc_words[] = { "", "none", "pass", "fail", "temperror", "permerror", NULL };
static const char *const policy_words[] = { "none", "quarantine", "reject", NULL };

static void entry_read(const struct lines *lines, json_t *object, const uint8_t *pack, size_t pack_len,
                       struct entry *entry)
{
	json_t *expect = json_object_get(object, "expect"), *signatures = json_object_get(expect, "dkim"), *signature;
	size_t at = (size_t)json_integer_value(json_object_get(object, "at")), index;

	entry->len = (size_t)json_integer_value(json_object_get(object, "octets"));
	if (entry->len == 0 || entry->len > pack_len || at > pack_len - entry->len)
		die("%s:%zu: not within messages.pack", lines->path, lines->number);
	entry->octets = pack + at;
	entry->client_ip = text_of(lines, object, "client_ip");
	entry->helo = text_of(lines, object, "helo");
	entry->mail_from = text_of(lines, object, "mail_from");
	entry->rcpt_to = json_string_value(json_array_get(json_object_get(object, "rcpt_to"), 0));
	entry->author = text_of(lines, object, "author");
	entry->label = json_string_value(json_object_get(object, "label"));
	entry->received_at = json_integer_value(json_object_get(object, "received_at"));
	entry->spf = word_of(lines, text_of(lines, expect, "spf"), spf_words);
	entry->dmarc = word_of(lines, text_of(lines, expect, "dmarc"), dmarc_words);
	entry->disposition = word_of(lines, text_of(lines, expect, "disposition"), policy_words);
	if (!json_is_array(signatures) || json_array_size(signatures) > ENTRY_SIGNATURES_MAX)
		die("%s:%zu: no list of at most %d signatures", lines->path, lines->number, ENTRY_SIGNATURES_MAX);
	entry->signatures_count = (unsigned)json_array_size(signatures);
	json_array_foreach(signatures, index, signature) {
		entry->signatures[index] = (struct entry_signature){
			.result = word_of(lines, text_of(lines, signature, "result"), dkim_words),
			.domain = text_of(lines, signature, "domain"),
			.selector = text_of(lines, signature, "selector"),
			.work = text_of(lines, signature, "work")[0],
		};
	}
}

static const uint8_t *pack_map(const char *directory, const char *name, size_t *len_out)
{
	char *path = path_of(directory, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	void *pack = MAP_FAILED;

	if (fd >= 0 && fstat(fd, &status) == 0)
		pack = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (pack == MAP_FAILED)
		die("%s: %s", path, strerror(errno));
	close(fd);
	free(path);
	*len_out = (size_t)status.st_size;
	return pack;
}

static void entries_read(struct corpus *corpus, const char *directory, size_t entries_max)
{
	struct lines lines;
	size_t pack_len, size = 0;
	const uint8_t *pack = pack_map(directory, "messages.pack", &pack_len);
	json_t *object;

	lines_open(&lines, directory, "messages.jsonl");
	while ((object = lines_next(&lines))) {
		if (entries_max && corpus->count == entries_max)
			continue;
		if (corpus->count == size) {
			size = size ? size * 2 : 1024;
			corpus->entries = memory_grow(corpus->entries, size, sizeof(*corpus->entries));
		}
		entry_read(&lines, object, pack, pack_len, &corpus->entries[corpus->count]);
		corpus->octets += corpus->entries[corpus->count++].len;
	}
	if (corpus->count == 0)
		die("%s: no messages", directory);
}

static void cold_read(struct corpus *corpus, const char *directory)
{
	struct lines lines;
	size_t len;
	const uint8_t *octets = pack_map(directory, "cold.eml", &len);
	json_t *object;

	lines_open(&lines, directory, "cold.jsonl");
	corpus->cold = memory_new(1, sizeof(*corpus->cold));
	while ((object = lines_next(&lines)))
		entry_read(&lines, object, octets, len, corpus->cold);
	if (!corpus->cold->label)
		die("%s/cold.jsonl: no \"label\"", directory);
}

static int keys_compare(const void *a, const void *b)
{
	const struct corpus_key *first = a, *second = b;

	return strcmp(first->name, second->name);
}

static void keys_read(struct corpus *corpus, const char *directory)
{
	struct lines lines;
	size_t size = 0;
	json_t *object;

	lines_open(&lines, directory, "keys.jsonl");
	while ((object = lines_next(&lines))) {
		if (corpus->keys_count == size) {
			size = size ? size * 2 : 1024;
			corpus->keys = memory_grow(corpus->keys, size, sizeof(*corpus->keys));
		}
		corpus->keys[corpus->keys_count++] = (struct corpus_key){
			.name = text_of(&lines, object, "name"),
			.kind = text_of(&lines, object, "kind"),
			.p = text_of(&lines, object, "p"),
		};
	}
	qsort(corpus->keys, corpus->keys_count, sizeof(*corpus->keys), keys_compare);
}

struct corpus *corpus_read(const char *directory, size_t entries_max)
{
	struct corpus *corpus = memory_new(1, sizeof(*corpus));

	if (corpora_count == sizeof(corpora) / sizeof(*corpora))
		die("too many corpora");
	corpora[corpora_count++] = corpus;
	entries_read(corpus, directory, entries_max);
	cold_read(corpus, directory);
	keys_read(corpus, directory);
	return corpus;
}

const struct corpus_key *corpus_key_find(const struct corpus *corpus, const char *selector, const char *domain)
{
	struct corpus_key wanted = { NULL, NULL, NULL };
	struct octets name = { NULL, 0, 0 };
	const struct corpus_key *found;

	octets_format(&name, "%s._domainkey.%s", selector, domain);
	wanted.name = (const char *)name.at;
	found = bsearch(&wanted, corpus->keys, corpus->keys_count, sizeof(wanted), keys_compare);
	octets_free(&name);
	return found;
}
