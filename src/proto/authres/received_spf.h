/*
 * received_spf.h - the Received-SPF field: written so that no octet of the sender can break it, and read as far as it
 *                  takes to say whose it is.
 *
 * Source:    RFC 7208 section 9.1.
 * Tolerance: pairs may follow each other without a ";", and a bare value may have any octets but those that end it:
 *            addresses, mailboxes in angle brackets and mechanisms are commonly not quoted.
 * Purity:    no I/O, no clock.
 * Ownership: what is read points into the field; what is written lives in the arena.
 * Errors:    0; RECEIVED_SPF_UNREADABLE; -ENOMEM.
 */
#ifndef ASSAY_PROTO_AUTHRES_RECEIVED_SPF_H
#define ASSAY_PROTO_AUTHRES_RECEIVED_SPF_H

#include "base/arena.h"
#include "base/cursor.h"

#define RECEIVED_SPF_FIELD_NAME "Received-SPF"
#define RECEIVED_SPF_UNREADABLE 1

/* Starts on the value of a field (with or without its CRLF): moves over the result. */
MUST_CHECK int received_spf_read(struct cursor *in, struct slice value);

/* The next pair; an empty key at the end. Of a quoted value what stands between the quotes, as it stands there. */
MUST_CHECK int received_spf_next(struct cursor *in, struct slice *key, struct slice *value);

struct received_spf_pair {
	const char *key;
	struct slice value; /* empty, or too long to identify anything: the pair is left out */
};

/* The value of a field: one pair a line, without comment. 0 or -ENOMEM. */
MUST_CHECK int received_spf_write(const char *result, const struct received_spf_pair *pairs, size_t count,
				  struct arena *arena, struct slice *out);

#endif
