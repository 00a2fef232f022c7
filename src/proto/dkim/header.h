/*
 * header.h - which header octets a DKIM signature covers, in canonical form.
 *
 * Source:    RFC 6376 sections 3.4.1, 3.4.2, 3.5 (h=), 3.7 and 5.4.2.
 * Purity:    no I/O, no clock.
 * Ownership: what comes out lives in the arena or points into the message.
 * Bounds:    O(octets covered + names in h= times log of the fields) a signature, whatever a signer writes into h=. Names
 *            that mail_name has a number for are found without a search.
 */
#ifndef ASSAY_PROTO_DKIM_HEADER_H
#define ASSAY_PROTO_DKIM_HEADER_H

#include "proto/dkim/signature.h"

/* The fields of a message by name, made once for all its signatures. */
struct dkim_header {
	const struct mail_message *message;
	/* Those whose names have no number; made when a signature first names one. */
	bool others_ready;
	struct dkim_header_name *others; /* distinct names, sorted */
	size_t others_count;
	uint32_t *above; /* for each field without a number: the next one of its name upwards, plus one; 0: none */
};

void dkim_header_init(struct dkim_header *header, const struct mail_message *message);

/*
 * What was signed: for every name in h=, from the left, the lowest field of that name not taken yet (none left:
 * nothing), then the signature's own field without the value of b= and without its last CRLF. The own field is none of
 * those that h= can name. 0 or -ENOMEM.
 */
MUST_CHECK int dkim_header_signed(struct dkim_header *header, const struct mail_field *own,
                                  const struct dkim_signature *signature, struct arena *arena,
                                  const struct slice **parts_out, size_t *parts_count_out);

/*
 * One field in relaxed form (section 3.4.2), with its CRLF; or, where `without` is a part of its value and not NULL,
 * without that part and without a CRLF, as a signature's own field is covered. 0 or -ENOMEM.
 */
MUST_CHECK int dkim_header_relaxed(const struct mail_field *field, struct slice without, struct arena *arena,
                                   struct slice *out);

/*
 * RFC 6376 section 8.15: a field that may occur once (RFC 5322 section 3.6, RFC 2045) and that h= names fewer times
 * than the message has it: one of them is shown to a reader and not signed. Its name, or empty.
 */
struct slice dkim_header_uncovered(const struct mail_message *message, const struct dkim_signature *signature);

/* Does the message have a field of that name, and h= does not name it? */
bool dkim_header_leaves_out(const struct mail_message *message, const struct dkim_signature *signature,
                            enum mail_name name);

#endif
