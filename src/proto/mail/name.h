/*
 * name.h - names of header fields as numbers, so that looking for a field compares no text.
 *
 * Source:    RFC 5322 section 3.6.8 (a name is printable ASCII without a colon); case does not count (section 1.2.2).
 * Purity:    no I/O, no allocation.
 */
#ifndef ASSAY_PROTO_MAIL_NAME_H
#define ASSAY_PROTO_MAIL_NAME_H

#include "base/slice.h"

/* In the order of names.def; between them, without numbers of their own, where the names of each length begin. */
enum mail_name {
	MAIL_NAME_OTHER, /* any that is not in the list, and what is no name */
#define LENGTH(n)        MAIL_NAMES_OF_##n, MAIL_NAMES_BEFORE_##n = MAIL_NAMES_OF_##n - 1,
#define NAME(id, text)   MAIL_NAME_##id,
#include "proto/mail/names.def"
#undef LENGTH
#undef NAME
	MAIL_NAMES,
};

enum mail_name mail_name_of(struct slice name);
/* As the RFCs spell it; empty for MAIL_NAME_OTHER. */
struct slice mail_name_text(enum mail_name name);

#endif
