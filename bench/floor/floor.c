/*
 * floor - the time of the bare OpenSSL calls that the messages of a corpus need: what a verifier without any overhead
 * would take.
 *
 * For each message: one hash of its body for each canonicalization its signatures ask for; then for each signature whose
 * body is right and whose key is there the hash of what it signs, and its verification. Everything else is
 * outside the time: canonical octets are made and laid out in one piece, keys are decoded, contexts are made and set
 * up once a key and reused. Results are compared with the expected ones before anything is measured.
 *
 * A round goes over the whole corpus twice: hashes, then signatures. The CPU time of this thread counts, and the
 * median of the rounds.
 */
#include "corpus/canon.h"
#include "corpus/read.h"

#include <getopt.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define DIGEST_OCTETS 32
#define ROUNDS_MAX 1000
#define FIELDS_MAX 128

struct piece {
	const uint8_t *at;
	size_t len;
};

/* A key with the context that is used again and again. */
struct key {
	bool is_rsa;
	EVP_PKEY *pkey;
	EVP_PKEY_CTX *rsa;
	EVP_MD_CTX *ed25519;
};

struct check {
	struct piece header;      /* canonical octets that are signed */
	uint8_t digest[DIGEST_OCTETS];
	struct piece signature;
	struct key *key;
	bool valid;               /* expected */
};

struct work {
	struct piece *bodies;
	size_t bodies_count, bodies_size;
	struct check *checks;
	size_t checks_count, checks_size;
	uint64_t body_octets, header_octets;
};

struct keys {
	struct key **at;
	size_t count, size;
};

static void check_that(bool good)
{
	if (!good)
		die("OpenSSL failed");
}

/* --- what is prepared --- */

static struct octets base64_read(const uint8_t *text, size_t len)
{
	struct octets plain = { NULL, 0, 0 }, out = { NULL, 0, 0 };
	size_t padding = 0;
	int got;

	for (size_t i = 0; i < len; i++) {
		if (!memchr(" \t\r\n", text[i], 4))
			octets_add(&plain, &text[i], 1);
		padding += text[i] == '=';
	}
	out.at = memory_new(plain.len + 1, 1);
	got = EVP_DecodeBlock(out.at, plain.at, (int)plain.len);
	check_that(got >= 0 && (size_t)got >= padding);
	out.len = (size_t)got - padding;
	octets_free(&plain);
	return out;
}

static struct key *key_make(const struct corpus_key *from)
{
	struct octets raw = base64_read((const uint8_t *)from->p, strlen(from->p));
	struct key *key = memory_new(1, sizeof(*key));
	const uint8_t *at = raw.at;

	key->is_rsa = strcmp(from->kind, "rsa") == 0;
	if (key->is_rsa) {
		key->pkey = d2i_PUBKEY(NULL, &at, (long)raw.len);
		key->rsa = key->pkey ? EVP_PKEY_CTX_new(key->pkey, NULL) : NULL;
		check_that(key->rsa && EVP_PKEY_verify_init(key->rsa) == 1 &&
		           EVP_PKEY_CTX_set_rsa_padding(key->rsa, RSA_PKCS1_PADDING) == 1 &&
		           EVP_PKEY_CTX_set_signature_md(key->rsa, EVP_sha256()) == 1);
	} else {
		key->pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, raw.at, raw.len);
		key->ed25519 = EVP_MD_CTX_new();
		check_that(key->pkey && key->ed25519 &&
		           EVP_DigestVerifyInit(key->ed25519, NULL, NULL, NULL, key->pkey) == 1);
	}
	octets_free(&raw);
	return key;
}

static struct key *key_get(struct keys *keys, const struct corpus *corpus, const struct entry_signature *signature)
{
	const struct corpus_key *from = corpus_key_find(corpus, signature->selector, signature->domain);
	size_t place;

	if (!from)
		die("no key of %s for %s in keys.jsonl", signature->selector, signature->domain);
	/* Keys are made once: their place in the corpus' list is their name. */
	place = (size_t)(from - corpus->keys);
	if (!keys->at) {
		keys->count = corpus->keys_count;
		keys->at = memory_new(keys->count, sizeof(struct key *));
	}
	if (!keys->at[place])
		keys->at[place] = key_make(from);
	return keys->at[place];
}

struct field {
	struct piece piece; /* without its last CRLF */
	bool used;
};

struct header {
	struct field fields[FIELDS_MAX];
	size_t count;
	struct piece body;
};

static void header_read(const struct entry *entry, struct header *header)
{
	const uint8_t *at = entry->octets, *end = at + entry->len;

	header->count = 0;
	while (end - at >= 2 && memcmp(at, "\r\n", 2) != 0) {
		const uint8_t *line = at;

		do {
			line = memmem(line, (size_t)(end - line), "\r\n", 2);
			if (!line)
				die("a message without a line end");
			line += 2;
		} while (line < end && (*line == ' ' || *line == '\t'));
		if (header->count == FIELDS_MAX)
			die("a message with more than %d fields", FIELDS_MAX);
		header->fields[header->count++].piece = (struct piece){ at, (size_t)(line - at) - 2 };
		at = line;
	}
	header->body = (struct piece){ at + 2, (size_t)(end - at) - 2 };
}

static bool field_is(const struct field *field, const uint8_t *name, size_t len)
{
	return field->piece.len > len && field->piece.at[len] == ':' &&
	       strncasecmp((const char *)field->piece.at, (const char *)name, len) == 0;
}

/* The value of a tag of a DKIM-Signature field. */
static struct piece tag(const struct piece *field, const char *name)
{
	const uint8_t *at = memchr(field->at, ':', field->len), *end = field->at + field->len;
	size_t len = strlen(name);

	while (at && at + 1 < end) {
		const uint8_t *next = memchr(at + 1, ';', (size_t)(end - at - 1));

		at++;
		next = next ? next : end;
		while (at < next && memchr(" \t\r\n", *at, 4))
			at++;
		if ((size_t)(next - at) > len && memcmp(at, name, len) == 0 && at[len] == '=')
			return (struct piece){ at + len + 1, (size_t)(next - at) - len - 1 };
		at = next < end ? next : NULL;
	}
	return (struct piece){ NULL, 0 };
}

static struct piece keep(struct octets *made)
{
	return (struct piece){ made->at, made->len };
}

static void signed_field_add(struct header *header, const uint8_t *name, size_t len, bool relaxed, struct octets *out)
{
	for (size_t i = header->count; i > 0; i--) {
		struct field *field = &header->fields[i - 1];

		if (field->used || !field_is(field, name, len))
			continue;
		field->used = true;
		canon_field(field->piece.at, field->piece.len, relaxed, out);
		octets_text(out, "\r\n");
		return;
	}
}

static struct piece signed_octets(struct header *header, const struct piece *own, bool relaxed)
{
	struct piece names = tag(own, "h"), value = tag(own, "b");
	struct octets out = { NULL, 0, 0 }, bare = { NULL, 0, 0 };
	const uint8_t *at = names.at, *end = names.at + names.len;

	for (size_t i = 0; i < header->count; i++)
		header->fields[i].used = false;
	while (at < end) {
		const uint8_t *colon = memchr(at, ':', (size_t)(end - at)), *next = colon ? colon : end, *last = next;

		while (at < next && memchr(" \t\r\n", *at, 4))
			at++;
		while (last > at && memchr(" \t\r\n", last[-1], 4))
			last--;
		signed_field_add(header, at, (size_t)(last - at), relaxed, &out);
		at = next + 1;
	}
	octets_add(&bare, own->at, (size_t)(value.at - own->at));
	octets_add(&bare, value.at + value.len, own->len - (size_t)(value.at - own->at) - value.len);
	canon_field(bare.at, bare.len, relaxed, &out);
	octets_free(&bare);
	return keep(&out);
}

static void body_add(struct work *work, const struct piece *body, bool relaxed)
{
	struct octets out = { NULL, 0, 0 };

	if (work->bodies_count == work->bodies_size) {
		work->bodies_size = work->bodies_size ? work->bodies_size * 2 : 1024;
		work->bodies = memory_grow(work->bodies, work->bodies_size, sizeof(*work->bodies));
	}
	canon_body(body->at, body->len, relaxed, &out);
	work->body_octets += out.len;
	work->bodies[work->bodies_count++] = keep(&out);
}

static void check_add(struct work *work, const struct check *check)
{
	if (work->checks_count == work->checks_size) {
		work->checks_size = work->checks_size ? work->checks_size * 2 : 1024;
		work->checks = memory_grow(work->checks, work->checks_size, sizeof(*work->checks));
	}
	work->header_octets += check->header.len;
	work->checks[work->checks_count++] = *check;
}

static bool tag_ends_with(struct piece value, const char *end)
{
	size_t len = strlen(end);

	return value.len >= len && memcmp(value.at + value.len - len, end, len) == 0;
}

static void entry_prepare(struct work *work, struct keys *keys, const struct corpus *corpus, const struct entry *entry)
{
	bool body_done[2] = { false, false };
	struct header header;
	unsigned number = 0;

	header_read(entry, &header);
	for (size_t i = 0; i < header.count && number < entry->signatures_count; i++) {
		const struct piece *own = &header.fields[i].piece;
		const struct entry_signature *signature = &entry->signatures[number];
		struct piece canon = tag(own, "c"), value = tag(own, "b");
		bool relaxed_body = tag_ends_with(canon, "/relaxed");
		struct octets text;
		struct check check;

		if (!field_is(&header.fields[i], (const uint8_t *)"DKIM-Signature", 14))
			continue;
		number++;
		if (signature->work == 'n')
			continue;
		if (!body_done[relaxed_body])
			body_add(work, &header.body, relaxed_body);
		body_done[relaxed_body] = true;
		if (signature->work == 'b')
			continue;
		text = base64_read(value.at, value.len);
		check = (struct check){
			.header = signed_octets(&header, own, canon.at[0] == 'r'),
			.signature = keep(&text),
			.key = key_get(keys, corpus, signature),
			.valid = signature->result == 1,
		};
		check_add(work, &check);
	}
}

/* --- what is measured --- */

struct contexts {
	EVP_MD_CTX *md;
	EVP_MD *sha256;
};

static void hash(const struct contexts *contexts, const struct piece *piece, uint8_t *digest)
{
	unsigned len;

	check_that(EVP_DigestInit_ex2(contexts->md, contexts->sha256, NULL) == 1 &&
	           EVP_DigestUpdate(contexts->md, piece->at, piece->len) == 1 &&
	           EVP_DigestFinal_ex(contexts->md, digest, &len) == 1);
}

static bool verify(const struct check *check)
{
	const struct key *key = check->key;

	if (key->is_rsa)
		return EVP_PKEY_verify(key->rsa, check->signature.at, check->signature.len, check->digest, DIGEST_OCTETS) == 1;
	return EVP_DigestVerifyInit(key->ed25519, NULL, NULL, NULL, NULL) == 1 &&
	       EVP_DigestVerify(key->ed25519, check->signature.at, check->signature.len, check->digest, DIGEST_OCTETS) == 1;
}

static double cpu_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void hashes_run(const struct contexts *contexts, struct work *work)
{
	uint8_t digest[DIGEST_OCTETS];

	for (size_t i = 0; i < work->bodies_count; i++)
		hash(contexts, &work->bodies[i], digest);
	for (size_t i = 0; i < work->checks_count; i++)
		hash(contexts, &work->checks[i].header, work->checks[i].digest);
}

static size_t signatures_run(const struct work *work)
{
	size_t wrong = 0;

	for (size_t i = 0; i < work->checks_count; i++)
		wrong += verify(&work->checks[i]) != work->checks[i].valid;
	return wrong;
}

static int compare(const void *a, const void *b)
{
	const double *first = a, *second = b;

	return (*first > *second) - (*first < *second);
}

static double median(double *values, unsigned count)
{
	qsort(values, count, sizeof(*values), compare);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static void measure(struct work *work, size_t messages, unsigned rounds, bool json)
{
	struct contexts contexts = { EVP_MD_CTX_new(), EVP_MD_fetch(NULL, "SHA2-256", NULL) };
	static double hashes[ROUNDS_MAX], signatures[ROUNDS_MAX], both[ROUNDS_MAX];
	double least, most, all, of_hashes, of_signatures;
	size_t wrong;

	check_that(contexts.md && contexts.sha256);
	hashes_run(&contexts, work);
	wrong = signatures_run(work);
	if (wrong)
		die("%zu of %zu signatures are not what the corpus says", wrong, work->checks_count);
	for (unsigned i = 0; i < rounds; i++) {
		double start = cpu_us(), middle;

		hashes_run(&contexts, work);
		middle = cpu_us();
		(void)signatures_run(work);
		hashes[i] = (middle - start) / (double)messages;
		signatures[i] = (cpu_us() - middle) / (double)messages;
		both[i] = hashes[i] + signatures[i];
	}
	all = median(both, rounds);
	least = both[0];
	most = both[rounds - 1];
	of_hashes = median(hashes, rounds);
	of_signatures = median(signatures, rounds);
	if (json)
		printf("{\"messages\":%zu,\"bodies\":%zu,\"signatures\":%zu,\"body_octets\":%llu,\"header_octets\":%llu,"
		       "\"rounds\":%u,\"cpu_us\":%.3f,\"cpu_us_least\":%.3f,\"cpu_us_most\":%.3f,\"hashes_us\":%.3f,"
		       "\"signatures_us\":%.3f}\n",
		       messages, work->bodies_count, work->checks_count, (unsigned long long)work->body_octets,
		       (unsigned long long)work->header_octets, rounds, all, least, most, of_hashes, of_signatures);
	else
		printf("floor       %.2f us of CPU a message (%.2f to %.2f in %u rounds): hashes %.2f, signatures %.2f\n"
		       "            %zu messages, %zu bodies of %.1f KB, %zu signatures\n",
		       all, least, most, rounds, of_hashes, of_signatures, messages, work->bodies_count,
		       (double)work->body_octets / (double)work->bodies_count / 1e3, work->checks_count);
	EVP_MD_free(contexts.sha256);
	EVP_MD_CTX_free(contexts.md);
}

__attribute__((noreturn)) static void wrong_usage(void)
{
	fputs("floor [--rounds N] [--messages N] [--json] CORPUS\n", stderr);
	exit(2);
}

static unsigned long number(const char *text, unsigned long most)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (!*text || *end || value == 0 || value > most)
		wrong_usage();
	return value;
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "rounds", required_argument, NULL, 'r' },
		{ "messages", required_argument, NULL, 'm' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	static struct work work;
	static struct keys keys;
	const struct corpus *corpus;
	unsigned rounds = 5;
	size_t messages = 0;
	bool json = false;
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case 'r': rounds = (unsigned)number(optarg, ROUNDS_MAX); break;
		case 'm': messages = number(optarg, 1000000000); break;
		case 'j': json = true; break;
		default: wrong_usage();
		}
	}
	if (optind + 1 != argc)
		wrong_usage();
	corpus = corpus_read(argv[optind], messages);
	for (size_t i = 0; i < corpus->count; i++)
		entry_prepare(&work, &keys, corpus, &corpus->entries[i]);
	measure(&work, corpus->count, rounds, json);
	return 0;
}
