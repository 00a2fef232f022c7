/*
 * address.h - who a message says it is from: the strict reading that DMARC rests on.
 *
 * Source:    RFC 5322 section 3.4 (and the obsolete forms of 4.4 that are safe), RFC 6854 (groups), RFC 6532
 *            (UTF-8); RFC 9989 section 5.3.1 and 11.5; STANDARDS 1.2 and chapter 8, S8.
 * Purity:    no I/O, no clock.
 * Errors:    0 (whatever was found is in *out) or -ENOMEM. A From field that does not follow the grammar is a
 *            finding (MAIL_AUTHOR_MALFORMED), never skipped.
 * Bounds:    those of cfws.h; addresses up to MAIL_AUTHOR_ADDRESSES_MAX are read, domains up to
 *            MAIL_AUTHOR_DOMAINS_MAX kept; of domains with U-labels MAIL_AUTHOR_U_LABELS_MAX are converted, and
 *            MAIL_AUTHOR_FIELDS_MAX fields are read. Beyond each there are more domains than are known.
 */
#ifndef ASSAY_PROTO_MAIL_ADDRESS_H
#define ASSAY_PROTO_MAIL_ADDRESS_H

#include "proto/mail/header.h"

#define MAIL_AUTHOR_DOMAINS_MAX 4
#define MAIL_AUTHOR_ADDRESSES_MAX 5000
/* A conversion costs 30 to 50 us, in each pass: a header of U-labels would take seconds (STANDARDS chapter 8, S12). */
#define MAIL_AUTHOR_U_LABELS_MAX 64
/* From fields, those behind a CR or LF alone among them: two are as good as any number, but for whose policy counts. */
#define MAIL_AUTHOR_FIELDS_MAX 64

enum mail_author_state {
	MAIL_AUTHOR_OK,         /* one From field, well-formed, with one domain or more */
	MAIL_AUTHOR_MISSING,    /* no From field */
	MAIL_AUTHOR_SEVERAL_FIELDS,
	MAIL_AUTHOR_MALFORMED,  /* does not follow the grammar, or a domain in it is none */
	MAIL_AUTHOR_NO_ADDRESS, /* well-formed, but groups without an address only */
};

struct mail_author {
	enum mail_author_state state;
	/* Distinct, canonical, in order of appearance; also the readable ones when the state is not OK. */
	struct slice domains[MAIL_AUTHOR_DOMAINS_MAX];
	size_t domains_count;
	bool domains_more; /* there were more than MAIL_AUTHOR_DOMAINS_MAX, or more than is read (see Bounds) */
};

/*
 * A line that is no field but looks like From to a reader who overlooks white space and controls in the name (folded
 * before the colon, " From:" on top, "F\0rom:") counts as a malformed From field.
 */
MUST_CHECK int mail_author(const struct mail_message *message, struct arena *arena, struct mail_author *out);

/*
 * An SMTP reverse-path without its angle brackets (RFC 5321 section 4.1.2 Mailbox, RFC 6531): local-part and domain at
 * the last "@" outside quotes. MAIL_PATH_INVALID for anything else, source routes and address literals among it.
 */
#define MAIL_PATH_INVALID 1
MUST_CHECK int mail_path_split(struct slice path, struct slice *local_part_out, struct slice *domain_out);

#endif
