/*
 * tlsrpt.h - the TLSRPT record: where reports about TLS are wanted.
 *
 * Source:    RFC 8460 section 3.
 * Purity:    no allocation, no I/O. Ownership: slices point into the text.
 * Bounds:    TLSRPT_URIS_MAX addresses; a record with more is invalid.
 */
#ifndef ASSAY_PROTO_TLSPOLICY_TLSRPT_H
#define ASSAY_PROTO_TLSPOLICY_TLSRPT_H

#include "base/slice.h"
#include "proto/tlspolicy/limits.h"

struct tlsrpt_record {
	struct slice rua[TLSRPT_URIS_MAX]; /* URIs as written, mailto: and https: alone */
	size_t rua_count;                  /* one or more */
};

enum tlsrpt_record_result {
	TLSRPT_RECORD_OK = 0,
	TLSRPT_RECORD_OTHER = 1,   /* does not begin with the version: some other record */
	TLSRPT_RECORD_INVALID = 2,
};

/* `text`: the character-strings of one TXT record joined. *out is set for OK only. The addresses of all rua fields count. */
enum tlsrpt_record_result tlsrpt_record_parse(struct slice text, struct tlsrpt_record *out);

#endif
