/*
 * domain.h - domain names as mail authentication compares and asks for them.
 *
 * Source:    RFC 1035 section 2.3 (sizes), RFC 5890 (A-labels, U-labels), RFC 8616 (in mail authentication).
 * Purity:    no I/O, no globals.
 * The canonical form is: A-labels, lower case, no final dot. Functions below that say "canonical"
 * expect it; domain_canonical() makes it.
 */
#ifndef ASSAY_PROTO_MAIL_DOMAIN_H
#define ASSAY_PROTO_MAIL_DOMAIN_H

#include "base/arena.h"

#define DOMAIN_OCTETS_MAX 253 /* RFC 1035 section 2.3.4, as text without the final dot */
#define DOMAIN_LABEL_OCTETS_MAX 63

#define DOMAIN_INVALID 1

/*
 * The canonical form of `in`, which may have U-labels (UTF-8), capitals and one final dot. Every label has
 * 1 to 63 octets of letters, digits, hyphen or underscore; at least one label. 0 and *out in the arena (or a
 * slice of `in` when nothing changed); DOMAIN_INVALID; -ENOMEM.
 */
MUST_CHECK int domain_canonical(struct slice in, struct arena *arena, struct slice *out);

/* Is it one already? (By the same rules; U-labels are not.) */
bool domain_is_canonical(struct slice name);

/* `dots`: which octets of a name of 1 to 63 they are, as bits. Is no label empty? (None of so short a name is too long.) */
static inline bool domain_dots_separate(uint64_t dots, size_t len)
{
	return !(dots & 1) && !(dots >> (len - 1) & 1) && !(dots & dots >> 1);
}

/* Of a canonical name. The empty name has 0 labels. */
size_t domain_label_count(struct slice name);
/* Without its leftmost label; empty for a name of one label. */
struct slice domain_parent(struct slice name);
/* Its rightmost `labels` labels; the whole name when it has no more. */
struct slice domain_suffix(struct slice name, size_t labels);

/* Same name, whatever the case; final dots are not ignored. */
bool domain_equal(struct slice a, struct slice b);
/* Strictly below: "a.b" is below "b", not below "a.b". */
bool domain_is_below(struct slice name, struct slice ancestor);
bool domain_is_equal_or_below(struct slice name, struct slice ancestor);

#endif
