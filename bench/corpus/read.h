/*
 * read.h - a corpus read back (corpus.h says what it is made of). What cannot be read ends the program with a line.
 */
#ifndef ASSAY_BENCH_READ_H
#define ASSAY_BENCH_READ_H

#include <stddef.h>
#include <stdint.h>

#define ENTRY_SIGNATURES_MAX 8

/* RFC 8601 words as the wire numbers them (proto/assay/v1/assay.proto). */
struct entry_signature {
	unsigned result;
	const char *domain, *selector;
	char work; /* 'f'ull, 'b'ody, 'n'one */
};

struct entry {
	const uint8_t *octets;
	size_t len;
	const char *client_ip, *helo, *mail_from, *rcpt_to, *author, *label;
	int64_t received_at;
	unsigned spf, dmarc, disposition, signatures_count;
	struct entry_signature signatures[ENTRY_SIGNATURES_MAX];
};

struct corpus_key {
	const char *name, *kind, *p;
};

struct corpus {
	struct entry *entries;
	size_t count;
	size_t octets;           /* of all messages */
	struct entry *cold;
	struct corpus_key *keys; /* sorted by name */
	size_t keys_count;
};

/* `entries_max`: so many of the first messages; 0: all. Lives until the program ends. */
struct corpus *corpus_read(const char *directory, size_t entries_max);
/* NULL: there is no such key. */
const struct corpus_key *corpus_key_find(const struct corpus *corpus, const char *selector, const char *domain);

#endif
