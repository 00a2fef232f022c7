#include "corpus/corpus.h"

#include "corpus/message.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct totals {
	uint64_t octets, signatures[KEY_KINDS], works[3], spf_pass, dmarc_pass, dmarc_fail, with_broken;
	unsigned domains_used;
};

struct writer {
	const struct corpus_options *options;
	struct message_maker maker;
	FILE *pack, *index, *keys;
	double *zipf;               /* cumulated weights of the domains */
	unsigned char *domain_used; /* by number */
	struct totals totals;
	uint32_t *sizes;
	uint64_t at;
};

static FILE *file_open(const struct corpus_options *options, const char *name)
{
	struct octets path = { NULL, 0, 0 };
	FILE *file;

	octets_format(&path, "%s/%s", options->directory, name);
	file = fopen((const char *)path.at, "wb");
	if (!file)
		die("%s: %s", (const char *)path.at, strerror(errno));
	octets_free(&path);
	return file;
}

static void file_close(FILE *file)
{
	if (ferror(file) || fclose(file) != 0)
		die("the corpus could not be written: %s", strerror(errno));
}

static void directory_make(const char *directory, const char *below)
{
	struct octets path = { NULL, 0, 0 };

	octets_format(&path, "%s%s", directory, below);
	if (mkdir((const char *)path.at, 0777) < 0 && errno != EEXIST)
		die("%s: %s", (const char *)path.at, strerror(errno));
	octets_free(&path);
}

/* --- which domain --- */

static void zipf_make(struct writer *writer)
{
	double sum = 0;

	writer->zipf = memory_new(writer->options->domains, sizeof(double));
	for (unsigned i = 0; i < writer->options->domains; i++)
		writer->zipf[i] = sum += pow(i + 1, -writer->options->zipf);
}

static unsigned zipf_draw(const struct writer *writer, unsigned message)
{
	unsigned low = 0, high = writer->options->domains - 1;
	struct prng prng;
	double at;

	prng_init(&prng, writer->options->seed, "author", message);
	at = prng_unit(&prng) * writer->zipf[high];
	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (writer->zipf[middle] > at)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* --- what is written of a message --- */

static void index_write(FILE *out, const struct message *message, uint64_t at)
{
	static const char *const works[] = { "full", "body", "none" };

	fprintf(out, "{\"at\":%llu,\"octets\":%zu", (unsigned long long)at, message->octets.len);
	fprintf(out, ",\"client_ip\":\"%s\",\"helo\":\"%s\",\"mail_from\":\"%s\",\"rcpt_to\":[\"%s\"],\"received_at\":%lld",
	        message->client_ip, message->helo, message->mail_from, message->rcpt_to, (long long)message->received_at);
	fprintf(out, ",\"author\":\"%s\",\"expect\":{\"spf\":\"%s\",\"dkim\":[", message->author, message->spf);
	for (unsigned i = 0; i < message->signatures_count; i++)
		fprintf(out, "%s{\"result\":\"%s\",\"domain\":\"%s\",\"selector\":\"%s\",\"work\":\"%s\"}", i ? "," : "",
		        message->signatures[i].expected, message->signatures[i].domain, message->signatures[i].selector,
		        works[message->signatures[i].work]);
	fprintf(out, "],\"dmarc\":\"%s\",\"disposition\":\"%s\"}", message->dmarc, policy_word(message->disposition));
}

static void key_write(struct writer *writer, const char *selector, const char *domain, enum key_kind kind,
                      unsigned number)
{
	struct octets text = { NULL, 0, 0 };

	key_public(writer->maker.pool, kind, number, &text);
	fprintf(writer->keys, "{\"name\":\"%s._domainkey.%s\",\"kind\":\"%s\",\"bits\":%u,\"p\":\"%s\"}\n", selector, domain,
	        kind == KEY_ED25519 ? "ed25519" : "rsa", key_bits(kind), (const char *)text.at);
	octets_free(&text);
}

static void domain_note(struct writer *writer, const struct domain *domain)
{
	if (writer->domain_used[domain->number])
		return;
	writer->domain_used[domain->number] = 1;
	writer->totals.domains_used++;
	key_write(writer, domain->selector, domain->name, domain->key, domain->key_number);
	if (domain->has_ed25519)
		key_write(writer, ED25519_SELECTOR, domain->name, KEY_ED25519, domain->key_number);
}

static void totals_add(struct totals *totals, const struct message *message)
{
	bool broken = false;

	totals->octets += message->octets.len;
	totals->spf_pass += strcmp(message->spf, "pass") == 0;
	totals->dmarc_pass += strcmp(message->dmarc, "pass") == 0;
	totals->dmarc_fail += strcmp(message->dmarc, "fail") == 0;
	for (unsigned i = 0; i < message->signatures_count; i++) {
		totals->signatures[message->signatures[i].key]++;
		totals->works[message->signatures[i].work]++;
		broken |= strcmp(message->signatures[i].expected, "pass") != 0;
	}
	totals->with_broken += broken;
}

static void eml_write(const struct writer *writer, const struct message *message, unsigned number)
{
	char name[32];
	FILE *file;

	snprintf(name, sizeof(name), "eml/%06u.eml", number);
	file = file_open(writer->options, name);
	fwrite(message->octets.at, 1, message->octets.len, file);
	file_close(file);
}

/* With plain signatures: the next domain that signs so. */
static struct domain author_of(const struct writer *writer, unsigned message)
{
	const struct corpus_options *options = writer->options;
	unsigned number = zipf_draw(writer, message);
	struct domain domain = domain_of(options->seed, number);

	for (unsigned i = 1; options->plain && (domain.key != KEY_RSA_2048 || domain.has_ed25519); i++) {
		if (i == options->domains)
			die("no domain signs with one key of 2048 bits: make more domains");
		domain = domain_of(options->seed, (number + i) % options->domains);
	}
	return domain;
}

static void message_write(struct writer *writer, unsigned number)
{
	struct domain domain = author_of(writer, number);
	struct message message;

	message_make(&writer->maker, number, &domain, &message);
	domain_note(writer, &domain);
	fwrite(message.octets.at, 1, message.octets.len, writer->pack);
	index_write(writer->index, &message, writer->at);
	fputs("}\n", writer->index);
	if (writer->options->eml)
		eml_write(writer, &message, number);
	totals_add(&writer->totals, &message);
	writer->sizes[number] = (uint32_t)message.octets.len;
	writer->at += message.octets.len;
	octets_free(&message.octets);
}

static void cold_write(struct writer *writer)
{
	struct message message;
	FILE *file;

	message_cold(&writer->maker, &message);
	file = file_open(writer->options, "cold.eml");
	fwrite(message.octets.at, 1, message.octets.len, file);
	file_close(file);
	file = file_open(writer->options, "cold.jsonl");
	index_write(file, &message, 0);
	fprintf(file, ",\"label\":\"%s\"}\n", COLD_LABEL);
	file_close(file);
	octets_free(&message.octets);
}

/* --- zones --- */

static void apex_write(FILE *out, const char *apex)
{
	fprintf(out, "%s 3600 IN SOA ns.test. hostmaster.test. 1 3600 600 86400 300\n%s 3600 IN NS ns.test.\n", apex, apex);
}

static bool is_below(const char *line, const char *apex)
{
	const char *end = strchr(line, ' ');
	size_t len = strlen(apex);

	return end && (size_t)(end - line) > len && memcmp(end - len, apex, len) == 0 && end[-(ptrdiff_t)len - 1] == '.';
}

/* Every record into all.zone, and into the file of its apex. */
static void zones_distribute(const struct writer *writer, FILE *records)
{
	FILE *all = file_open(writer->options, "all.zone");
	FILE *test = file_open(writer->options, "test.zone"), *example = file_open(writer->options, "example.zone");
	char *line = NULL;
	size_t size = 0;

	apex_write(all, ".");
	apex_write(all, "test.");
	apex_write(all, "example.");
	apex_write(test, "test.");
	apex_write(example, "example.");
	fprintf(test, "ns.test. 3600 IN A 127.0.0.1\n");
	fprintf(all, "ns.test. 3600 IN A 127.0.0.1\n");
	rewind(records);
	while (getline(&line, &size, records) > 0) {
		fputs(line, all);
		fputs(line, is_below(line, "test.") ? test : example);
	}
	free(line);
	file_close(all);
	file_close(test);
	file_close(example);
}

static void zones_write(const struct writer *writer)
{
	FILE *records = tmpfile();

	if (!records)
		die("no temporary file: %s", strerror(errno));
	cold_zone(writer->maker.pool, records);
	for (unsigned i = 0; i < PROVIDERS; i++) {
		struct provider provider = provider_of(writer->options->seed, i);

		provider_zone(&provider, writer->maker.pool, records);
	}
	for (unsigned i = 0; i < writer->options->domains; i++) {
		struct domain domain = domain_of(writer->options->seed, i);

		domain_zone(&domain, writer->maker.pool, records);
	}
	zones_distribute(writer, records);
	file_close(records);
}

static int sizes_compare(const void *a, const void *b)
{
	const uint32_t *first = a, *second = b;

	return (*first > *second) - (*first < *second);
}

static void summary_write(const struct writer *writer)
{
	const struct corpus_options *options = writer->options;
	const struct totals *totals = &writer->totals;
	FILE *out = file_open(options, "corpus.json");

	qsort(writer->sizes, options->messages, sizeof(*writer->sizes), sizes_compare);
	fprintf(out, "{\"seed\":%llu,\"messages\":%u,\"domains\":%u,\"zipf\":%g,\"octets\":%llu,",
	        (unsigned long long)options->seed, options->messages, options->domains, options->zipf,
	        (unsigned long long)totals->octets);
	fprintf(out, "\"octets_mean\":%llu,\"octets_median\":%u,\"octets_largest\":%u,\"domains_used\":%u,",
	        (unsigned long long)(totals->octets / options->messages), writer->sizes[options->messages / 2],
	        writer->sizes[options->messages - 1], totals->domains_used);
	fprintf(out, "\"signatures\":{\"rsa1024\":%llu,\"rsa2048\":%llu,\"rsa4096\":%llu,\"ed25519\":%llu},",
	        (unsigned long long)totals->signatures[0], (unsigned long long)totals->signatures[1],
	        (unsigned long long)totals->signatures[2], (unsigned long long)totals->signatures[3]);
	fprintf(out, "\"work\":{\"full\":%llu,\"body\":%llu,\"none\":%llu},\"messages_with_a_broken_signature\":%llu,",
	        (unsigned long long)totals->works[0], (unsigned long long)totals->works[1],
	        (unsigned long long)totals->works[2], (unsigned long long)totals->with_broken);
	fprintf(out, "\"spf_pass\":%llu,\"dmarc_pass\":%llu,\"dmarc_fail\":%llu}\n", (unsigned long long)totals->spf_pass,
	        (unsigned long long)totals->dmarc_pass, (unsigned long long)totals->dmarc_fail);
	file_close(out);
}

void corpus_write(const struct corpus_options *options)
{
	struct writer writer = { .options = options };

	directory_make(options->directory, "");
	if (options->eml)
		directory_make(options->directory, "/eml");
	writer.maker = (struct message_maker){
		.seed = options->seed,
		.pool = key_pool_new(options->seed),
		.octets_max = options->octets_max,
		.median = options->median,
		.plain = options->plain,
		.opaque = options->opaque,
		/* The mean of a log-normal distribution is median * exp(sigma^2 / 2). */
		.sigma = sqrt(2 * log(options->mean / options->median)),
	};
	writer.pack = file_open(options, "messages.pack");
	writer.index = file_open(options, "messages.jsonl");
	writer.keys = file_open(options, "keys.jsonl");
	writer.domain_used = memory_new(options->domains, 1);
	writer.sizes = memory_new(options->messages, sizeof(*writer.sizes));
	zipf_make(&writer);
	for (unsigned i = 0; i < PROVIDERS; i++) {
		struct provider provider = provider_of(options->seed, i);

		key_write(&writer, provider.selector, provider.name, KEY_RSA_2048, provider.key_number);
	}
	for (unsigned i = 0; i < options->messages; i++)
		message_write(&writer, i);
	file_close(writer.pack);
	file_close(writer.index);
	file_close(writer.keys);
	cold_write(&writer);
	zones_write(&writer);
	summary_write(&writer);
	key_pool_free(writer.maker.pool);
	free(writer.domain_used);
	free(writer.sizes);
	free(writer.zipf);
}
