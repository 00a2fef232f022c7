/*
 * taglist.h - "tag=value" lists, of which signatures and key records are made.
 *
 * Source:    RFC 6376 section 3.2 with erratum 5070 (a value may be empty); RFC 8616 (values may have UTF-8).
 * Purity:    no I/O, no clock, no allocation.
 * Ownership: slices point into the text.
 * Bounds:    DKIM_TAGS_MAX tags; one more is an invalid list.
 */
#ifndef ASSAY_PROTO_DKIM_TAGLIST_H
#define ASSAY_PROTO_DKIM_TAGLIST_H

#include "base/error.h"
#include "proto/dkim/limits.h"

struct dkim_tag {
	struct slice name;  /* case counts */
	struct slice value; /* without white space at its ends; may be empty, its ptr is never NULL */
	struct slice area;  /* all between "=" and the ";" (or the end), white space too */
};

struct dkim_taglist {
	struct dkim_tag tags[DKIM_TAGS_MAX]; /* in their order */
	size_t count;
	uint8_t letters[26]; /* of names that are one lower-case letter: the place in `tags`, plus one; 0: there is none */
};

enum dkim_taglist_result { DKIM_TAGLIST_OK = 0, DKIM_TAGLIST_INVALID = 1 };

/*
 * DKIM_TAGLIST_INVALID: against the grammar, a tag twice, or too many. White space may follow the last ";",
 * which the grammar forbids and which is found everywhere; an empty list item elsewhere is invalid.
 */
MUST_CHECK enum dkim_taglist_result dkim_taglist_parse(struct slice text, struct dkim_taglist *out);

/* NULL: there is none of that name. */
static inline const struct dkim_tag *dkim_taglist_find(const struct dkim_taglist *list, struct slice name)
{
	if (name.len == 1 && name.ptr[0] >= 'a' && name.ptr[0] <= 'z') {
		uint8_t place = list->letters[name.ptr[0] - 'a'];

		return place ? &list->tags[place - 1] : NULL;
	}
	for (size_t i = 0; i < list->count; i++)
		if (slice_equal(list->tags[i].name, name))
			return &list->tags[i];
	return NULL;
}

/*
 * Items of a colon-separated value (h=, q=, s=, t=), white space around them taken off. Starts with *rest being the
 * value and goes on while it returns true. An empty value has one item, the empty one.
 */
bool dkim_colon_next(struct slice *rest, struct slice *item_out);
/* Is `word` one of the items, whatever the case? */
bool dkim_colon_has(struct slice value, struct slice word);

#endif
