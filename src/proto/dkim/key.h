/*
 * key.h - a DKIM key record, read.
 *
 * Source:    RFC 6376 section 3.6.1, RFC 8301 section 3.2 (exponents, sizes), RFC 8463 section 4.
 * Purity:    no I/O, no clock.
 * Ownership: slices point into the record or into the arena.
 * Errors:    0: a key record, and `fault` says whether it holds a key that can be used for mail;
 *            DKIM_KEY_NO_RECORD: something else (SPF, a tag list without p=, DKIM of another version); -ENOMEM.
 */
#ifndef ASSAY_PROTO_DKIM_KEY_H
#define ASSAY_PROTO_DKIM_KEY_H

#include "proto/dkim/limits.h"
#include "proto/dkim/taglist.h"

#define DKIM_KEY_NO_RECORD 1

enum dkim_key_fault {
	DKIM_KEY_USABLE,
	DKIM_KEY_WITHOUT_DATA, /* v=DKIM1, but no p= */
	DKIM_KEY_REVOKED,      /* p= is empty */
	DKIM_KEY_NOT_FOR_MAIL, /* s= lists neither * nor email */
	DKIM_KEY_UNKNOWN_TYPE, /* k= is neither rsa nor ed25519 */
	DKIM_KEY_MALFORMED,    /* p= is no key of that type */
	DKIM_KEY_BAD_NUMBERS,  /* RSA: an even modulus or exponent, an exponent of 1 or of more than 32 bits */
};

struct dkim_key {
	enum dkim_key_fault fault;
	struct public_key key;         /* set when usable; RSA: of any size (dkim_config bounds it) */
	bool testing;                  /* t=y */
	bool strict_identity;          /* t=s */
	bool allows_sha256, allows_sha1; /* h= */
};

MUST_CHECK int dkim_key_parse(struct slice record, struct arena *arena, struct dkim_key *out);

/* The key records among the TXT records of a name, in the order of the answer: the first DKIM_KEY_RECORDS_READ_MAX. */
struct dkim_key_records {
	size_t count;
	struct dkim_key *keys;
};

extern const struct dns_form dkim_key_form; /* of a struct dkim_key_records */

/*
 * What one verification with a usable key costs at most: nanoseconds of a core, alone and by OpenSSL (STANDARDS 2.8). It
 * follows from the key's numbers and not from a clock, so that a message has the same verdict wherever it is checked.
 */
uint64_t dkim_key_verify_ns(const struct public_key *key);

#endif
