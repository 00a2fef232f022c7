#include "proto/dkim/bodies.h"

#include "proto/dkim/tagwords.h"

#include <string.h>

/* What makes a signature unusable for other reasons is not looked for: a hash too many does no harm. */
static bool kind_read(const struct mail_field *field, struct dkim_body_kind *out)
{
	const struct dkim_tag *algorithm;
	struct dkim_taglist list;
	enum public_key_kind key;
	enum canonicalization header;
	bool has_length;

	if (dkim_taglist_parse(field->value, &list) || !(algorithm = dkim_taglist_find(&list, SLICE("a"))))
		return false;
	out->octets_max = UINT64_MAX;
	return dkim_algorithm_read(algorithm->value, &key, &out->hash) &&
	       dkim_canonicalizations_read(dkim_taglist_find(&list, SLICE("c")), &header, &out->canon) &&
	       dkim_length_read(dkim_taglist_find(&list, SLICE("l")), &has_length, &out->octets_max);
}

static int kind_compare(const struct dkim_body_kind *a, const struct dkim_body_kind *b)
{
	if (a->canon != b->canon)
		return a->canon < b->canon ? -1 : 1;
	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return a->octets_max < b->octets_max ? -1 : a->octets_max > b->octets_max;
}

static void kind_insert(struct dkim_bodies *bodies, const struct dkim_body_kind *kind)
{
	size_t at = 0;

	while (at < bodies->count && kind_compare(&bodies->kinds[at], kind) < 0)
		at++;
	if (at < bodies->count && kind_compare(&bodies->kinds[at], kind) == 0)
		return;
	memmove(&bodies->kinds[at + 1], &bodies->kinds[at], (bodies->count - at) * sizeof(*kind));
	bodies->kinds[at] = *kind;
	bodies->count++;
}

static void fields_add(const struct mail_message *message, enum mail_name name, unsigned fields_max,
                       struct dkim_bodies *out)
{
	const struct mail_field *field = mail_field_top(message, name);
	struct dkim_body_kind kind;

	for (unsigned i = 0; i < fields_max && field; i++, field = mail_field_below(message, field))
		if (kind_read(field, &kind))
			kind_insert(out, &kind);
}

void dkim_bodies_asked(const struct mail_message *message, struct dkim_bodies *out)
{
	out->count = 0;
	fields_add(message, MAIL_NAME_DKIM_SIGNATURE, DKIM_FIELDS_MAX, out);
	fields_add(message, MAIL_NAME_ARC_MESSAGE_SIGNATURE, DKIM_ARC_FIELDS_MAX, out);
}
