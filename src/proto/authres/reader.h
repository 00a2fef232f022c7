/*
 * reader.h - an Authentication-Results field, read one item after another.
 *
 * Source:    RFC 8601 section 2.2, with what is written in practice: see `deviates`.
 * Tolerance: ends at the first ";". The authserv-id decides whose word the field is, so nothing is guessed there: it
 *            is a token (perhaps with a "/..." behind it) or a quoted-string. Behind it results of every shape are
 *            taken that can be told apart.
 * Purity:    no I/O, no clock.
 * Ownership: what is read points into the field or, where a quoted-string had to be rewritten, lives in the arena.
 * Errors:    0; AUTHRES_UNREADABLE, from then on always; -ENOMEM.
 * Bounds:    O(octets) time and memory; comments nest as deep as cfws.h allows.
 */
#ifndef ASSAY_PROTO_AUTHRES_READER_H
#define ASSAY_PROTO_AUTHRES_READER_H

#include "base/arena.h"
#include "base/cursor.h"

#define AUTHRES_UNREADABLE 1

#define AUTHRES_VERSION    1 /* the one that RFC 8601 defines, and this reader knows */

struct authres_reader {
	/* Known after authres_read(). */
	struct slice authserv_id; /* of a quoted-string: what it stands for */
	bool has_authserv_id;     /* false: the field begins with a result, as Outlook writes it */
	uint64_t version;
	struct slice results;     /* all behind authserv-id and version: the ";" of the first result first, or nothing */
	/* So far the field broke the grammar somewhere, and yet could be read. */
	bool deviates;
	/* The rest is the reader's own. */
	struct cursor in;
	struct arena *arena;
	enum { AUTHRES_AT_RESULT, AUTHRES_IN_RESULT, AUTHRES_AT_END, AUTHRES_BROKEN } state;
	bool any_result;
	bool any_spec; /* of this result: a reason or property */
};

enum authres_kind {
	AUTHRES_RESULT,   /* a new method: method, method_version, value */
	AUTHRES_REASON,   /* of the result before: value */
	AUTHRES_PROPERTY, /* of the result before: ptype, property, value */
	AUTHRES_NONE,     /* "none": no method was carried out; the only item */
	AUTHRES_END,      /* from here on always */
};

struct authres_item {
	enum authres_kind kind;
	struct slice method, ptype, property; /* as written, in any case */
	uint64_t method_version;
	struct slice value; /* the result, the reason's text or the property's value */
};

/* Starts on the value of a field (with or without its CRLF) and reads it up to the results. */
MUST_CHECK int authres_read(struct authres_reader *reader, struct slice value, struct arena *arena);

/* The next item. Of a version other than AUTHRES_VERSION there is none: nobody knows what they would mean. */
MUST_CHECK int authres_next(struct authres_reader *reader, struct authres_item *out);

#endif
