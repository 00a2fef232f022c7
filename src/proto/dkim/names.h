/*
 * names.h - the names in h=, taken apart once.
 *
 * Source:    RFC 6376 section 3.5 (h=): sig-h-tag = ... hdr-name *( [FWS] ":" [FWS] hdr-name ).
 * Purity:    no I/O, no clock.
 * Ownership: the items live in the arena, their texts in the value.
 * Bounds:    DKIM_SIGNED_NAMES_MAX names.
 */
#ifndef ASSAY_PROTO_DKIM_NAMES_H
#define ASSAY_PROTO_DKIM_NAMES_H

#include "proto/mail/header.h"

struct dkim_name {
	struct slice text; /* without white space around it; may be empty */
	enum mail_name id;
};

struct dkim_names {
	const struct dkim_name *items;
	size_t count;
	bool have_others; /* there is a MAIL_NAME_OTHER among them */
};

#define DKIM_NAMES_EXCESSIVE 1

/* 0, DKIM_NAMES_EXCESSIVE or -ENOMEM. An empty value has one item, the empty one. */
MUST_CHECK int dkim_names_read(struct slice value, struct arena *arena, struct dkim_names *out);

#endif
