/*
 * header.h - an Internet message cut into header fields and body; nothing is copied or changed.
 *
 * Source:    RFC 5322 sections 2.1 to 2.2.3 and 4.5; RFC 6376 section 2.3 ff. for what DKIM sees.
 * Purity:    no I/O, no clock.
 * Ownership: fields point into the message; the array lives in the arena.
 * Line ends: CRLF alone ends a line. A bare CR or LF is an octet of its line like any other (RFC 5322
 *            section 2.3 forbids them; STANDARDS: they are kept as data and flagged).
 * Bounds:    header_bounds; over one of them nothing is cut off silently: mail_parse() says which.
 */
#ifndef ASSAY_PROTO_MAIL_HEADER_H
#define ASSAY_PROTO_MAIL_HEADER_H

#include "base/arena.h"
#include "proto/mail/name.h"

struct mail_field {
	struct slice raw;   /* the whole field: name, colon, folded value, and the CRLF (if the message has it) */
	struct slice name;  /* as written, without white space before the colon; empty: not a field (no colon, or no ftext) */
	struct slice value; /* behind the colon: folding and all, without the final CRLF */
	enum mail_name id;
	/* Index plus one of the next field with the same id, unless that is MAIL_NAME_OTHER; 0: none. */
	uint32_t above, below;
};

/* The fields of one id. */
struct mail_named {
	uint32_t count;
	uint32_t top, bottom; /* index plus one; 0: none */
};

struct mail_message {
	const struct mail_field *fields; /* from the top */
	size_t fields_count;
	struct mail_named named[MAIL_NAMES]; /* by id; of MAIL_NAME_OTHER empty */
	struct slice header;  /* the octets of all fields; the line end that separates them from the body is in neither */
	struct slice body;    /* empty when there is none */
	bool has_separator;   /* an empty line ended the header */
	bool bare_cr, bare_lf; /* anywhere in the message: SMTP smuggling is near (STANDARDS chapter 8, S7) */
	bool nul;             /* a NUL octet in the header */
	bool non_ascii;       /* an octet above 127 in the header (RFC 6532) */
	bool malformed_line;  /* a header line that is no field and continues none; it ends nothing */
};

struct mail_bounds {
	size_t header_octets_max;
	size_t fields_max;
	size_t field_octets_max;
};

enum mail_parse_result {
	MAIL_OK = 0,
	MAIL_HEADER_TOO_LARGE = 1,
	MAIL_TOO_MANY_FIELDS = 2,
	MAIL_FIELD_TOO_LARGE = 3, /* *out has the fields up to it, the last one being the large one, whole */
};

/* MAIL_OK and *out, another mail_parse_result (with what was read so far in *out), or -ENOMEM. */
MUST_CHECK int mail_parse(struct slice message, const struct mail_bounds *bounds, struct arena *arena,
                          struct mail_message *out);

/* The topmost field of that name (not MAIL_NAME_OTHER), and the next one below; NULL: there is none. */
static inline const struct mail_field *mail_field_top(const struct mail_message *message, enum mail_name name)
{
	uint32_t at = message->named[name].top;

	return at ? &message->fields[at - 1] : NULL;
}

static inline const struct mail_field *mail_field_below(const struct mail_message *message,
                                                        const struct mail_field *field)
{
	return field->below ? &message->fields[field->below - 1] : NULL;
}

/* The lowest, and the next one above. */
static inline const struct mail_field *mail_field_bottom(const struct mail_message *message, enum mail_name name)
{
	uint32_t at = message->named[name].bottom;

	return at ? &message->fields[at - 1] : NULL;
}

static inline const struct mail_field *mail_field_above(const struct mail_message *message,
                                                        const struct mail_field *field)
{
	return field->above ? &message->fields[field->above - 1] : NULL;
}

static inline size_t mail_field_count(const struct mail_message *message, enum mail_name name)
{
	return message->named[name].count;
}

/* Fields of any name, whatever the case: each field is looked at. */
size_t mail_field_count_of(const struct mail_message *message, struct slice name);

#endif
