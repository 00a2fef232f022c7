/*
 * Goal:   whatever stands in a From field, the reader ends without a fault, and what it names are domains.
 *         What stands for them to be read has no control characters.
 * Method: the input is the value of the only From field, and again of the second of two; then a reverse-path.
 */
#include "proto/mail/address.h"
#include "proto/mail/domain.h"
#include "proto/mail/ulabels.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_shown(struct slice domain, struct arena *arena)
{
	struct ulabels ulabels;

	ASSERT(ulabels_of(domain, arena, &ulabels) == 0);
	ASSERT(ulabels.exist || ulabels.name.len == 0);
	for (size_t i = 0; i < ulabels.name.len; i++)
		ASSERT(ulabels.name.ptr[i] > ' ' && ulabels.name.ptr[i] != 0x7f);
}

static void check_author(struct slice value, size_t fields_count)
{
	const struct mail_field fields[] = {
		{ .raw = value, .name = SLICE("From"), .value = value, .id = MAIL_NAME_FROM },
		{ .raw = value, .value = SLICE_EMPTY },
		{ .raw = value, .name = SLICE("from"), .value = SLICE("a@b.example"), .id = MAIL_NAME_FROM },
	};
	const struct mail_message message = { .fields = fields, .fields_count = fields_count };
	struct mail_author author;
	struct arena arena;

	arena_init(&arena, (size_t)16 << 20);
	ASSERT(mail_author(&message, &arena, &author) == 0);
	ASSERT(author.domains_count <= MAIL_AUTHOR_DOMAINS_MAX);
	for (size_t i = 0; i < author.domains_count; i++) {
		ASSERT(domain_is_canonical(author.domains[i]));
		check_shown(author.domains[i], &arena);
		for (size_t k = 0; k < i; k++)
			ASSERT(!domain_equal(author.domains[i], author.domains[k]));
	}
	ASSERT(author.state != MAIL_AUTHOR_MISSING);
	ASSERT(author.state != MAIL_AUTHOR_OK || author.domains_count > 0 || author.domains_more);
	ASSERT(fields_count < 3 || author.state == MAIL_AUTHOR_SEVERAL_FIELDS);
	arena_deinit(&arena);
}

static void check_path(struct slice path)
{
	struct slice local, domain;

	if (mail_path_split(path, &local, &domain))
		return;
	ASSERT(local.len > 0 && domain.len > 0 && local.len + 1 + domain.len == path.len);
	ASSERT(slice_find(domain, '@') == SLICE_NOT_FOUND);
	for (size_t i = 0; i < path.len; i++)
		ASSERT(path.ptr[i] >= ' ' && path.ptr[i] != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice value = slice_of(data, size);

	check_author(value, 1);
	check_author(value, 3);
	check_path(value);
	return 0;
}
