/*
 * signature.h - a DKIM-Signature field, or one of the two that ARC makes after its model, read.
 *
 * Source:    RFC 6376 sections 3.5 and 6.1.1, RFC 8301, RFC 8463, RFC 8616; RFC 8617 sections 4.1.2 and 4.1.3.
 * Purity:    no I/O, no clock.
 * Ownership: slices point into the field or into the arena.
 * Errors:    0; DKIM_SIGNATURE_UNUSABLE: `fault` says what the result is; -ENOMEM.
 */
#ifndef ASSAY_PROTO_DKIM_SIGNATURE_H
#define ASSAY_PROTO_DKIM_SIGNATURE_H

#include "proto/dkim/names.h"
#include "proto/dkim/taglist.h"

#define DKIM_SIGNATURE_UNUSABLE 1

enum dkim_form {
	DKIM_FORM_SIGNATURE,
	/* ARC-Message-Signature: v= is ignored, i= is an instance, h= need not name From, and must not name ARC-Seal. */
	DKIM_FORM_ARC_MESSAGE_SIGNATURE,
	/* ARC-Seal: of fields that its place decides, in relaxed form; h= is a fault, and no tag of the body is read. */
	DKIM_FORM_ARC_SEAL,
};

struct dkim_fault {
	enum dkim_word result;
	struct reason reason;
};

struct dkim_signature {
	/* As written, empty when absent; set for every field that is a tag list at all. */
	struct slice algorithm, domain, selector;
	struct slice identity;        /* i=, or "@" and d=; of ARC empty */
	struct slice signature_start; /* the first 500 characters of b=, without white space */
	struct slice domain_canonical;
	/* Set when the signature is usable. */
	struct slice identity_domain; /* canonical */
	struct slice query_name;      /* <selector>._domainkey.<domain>, canonical, at most 253 octets */
	enum public_key_kind kind;
	enum hash_algorithm hash;
	enum canonicalization header_canon, body_canon;
	struct dkim_names names;     /* h=, every item of which is a field name (of ARC perhaps empty); of ARC-Seal none */
	struct slice body_hash;      /* as many octets as the hash has; of ARC-Seal none */
	struct slice signature;      /* b=, at least one octet */
	struct slice signature_area; /* of the field's value: what is left out where the field itself is hashed */
	bool has_length, has_time, has_expiry;
	uint64_t length;       /* l=; UINT64_MAX for all above it */
	uint64_t time, expiry; /* t=, x=; UINT64_MAX for numbers of more than 12 digits */
	/* Set when it is not; else the reason is REASON_NONE. */
	struct dkim_fault fault;
};

/* One of a struct dkim_reading. */
struct dkim_read {
	const struct mail_field *field;
	size_t number; /* of the field among the DKIM-Signature fields: its signature ids follow from it */
	struct dkim_signature signature;
};

MUST_CHECK int dkim_signature_parse(const struct mail_field *field, enum dkim_form form, struct arena *arena,
                                    struct dkim_signature *out);

/* Octets of a digest of that hash. */
static inline size_t dkim_hash_octets(enum hash_algorithm hash)
{
	return hash == HASH_SHA1 ? 20 : 32;
}

#endif
