#include "proto/dkim/candidates.h"

#include "proto/dkim/taglist.h"
#include "proto/mail/domain.h"

static void candidates_find(const struct mail_message *message, struct dkim_candidates *out)
{
	const struct mail_field *field = mail_field_top(message, MAIL_NAME_DKIM_SIGNATURE);

	out->total = mail_field_count(message, MAIL_NAME_DKIM_SIGNATURE);
	for (; field && out->count < DKIM_FIELDS_MAX; field = mail_field_below(message, field))
		out->fields[out->count++] = field;
}

#define RANKS 3

/* How likely the signature counts for the author: 0 its very domain, 1 one above or below, 2 any other or none. */
static int rank_of(const struct mail_field *field, const struct slice *authors, size_t authors_count,
                   struct arena *arena, unsigned *rank_out)
{
	struct dkim_taglist list;
	const struct dkim_tag *tag;
	struct slice domain;
	int result;

	*rank_out = RANKS - 1;
	if (dkim_taglist_parse(field->value, &list) || !(tag = dkim_taglist_find(&list, SLICE("d"))))
		return 0;
	result = domain_canonical(tag->value, arena, &domain);
	if (result)
		return result < 0 ? result : 0;
	for (size_t i = 0; i < authors_count; i++) {
		if (domain_equal(domain, authors[i]))
			*rank_out = 0;
		else if (*rank_out > 1 && (domain_is_below(domain, authors[i]) || domain_is_below(authors[i], domain)))
			*rank_out = 1;
	}
	return 0;
}

int dkim_candidates_choose(const struct mail_message *message, size_t max, const struct slice *author_domains,
                           size_t author_domains_count, struct arena *arena, struct dkim_candidates *out)
{
	unsigned ranks[DKIM_FIELDS_MAX] = { 0 };

	*out = (struct dkim_candidates){ 0 };
	candidates_find(message, out);
	for (size_t i = 0; out->count > max && i < out->count; i++)
		TRY(rank_of(out->fields[i], author_domains, author_domains_count, arena, &ranks[i]));
	for (unsigned rank = 0; rank < RANKS; rank++) {
		for (size_t i = 0; i < out->count && out->chosen_count < max; i++) {
			if (ranks[i] != rank)
				continue;
			out->chosen[i] = true;
			out->chosen_count++;
		}
	}
	return 0;
}
