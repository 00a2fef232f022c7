/*
 * record.h - one DMARC policy record, read.
 *
 * Source:    RFC 9989 sections 4.7 (tags), 4.8 (grammar) and 4.10.1 (records without a usable policy); for comparison
 *            RFC 7489 sections 6.3 and 6.6.3.
 * Purity:    no allocation, no I/O.
 * Ownership: slices point into the text.
 * Errors:    a tag that breaks the grammar counts as absent (section 4.8), but for p, sp and np see `applies`.
 */
#ifndef ASSAY_PROTO_DMARC_RECORD_H
#define ASSAY_PROTO_DMARC_RECORD_H

#include "proto/dmarc/dmarc.h"

enum dmarc_psd { DMARC_PSD_UNKNOWN, DMARC_PSD_YES, DMARC_PSD_NO };

/* fo=, bits. */
#define DMARC_FO_ALL_FAIL 1u /* "0" */
#define DMARC_FO_ANY_FAIL 2u /* "1" */
#define DMARC_FO_DKIM     4u /* "d" */
#define DMARC_FO_SPF      8u /* "s" */

struct dmarc_record {
	struct slice text;
	/* As tags stand in the record; has_x: the tag is there and valid; bad_x: it is there and is not. */
	bool has_p, has_sp, has_np, bad_p, bad_sp, bad_np;
	/*
	 * The policies in force, each falling back as section 4.7 says (np to sp to p). With no valid p, or an
	 * invalid sp or np, they are "none" if there is a report address, else nothing applies (4.10.1).
	 */
	bool applies;
	enum dmarc_policy p, sp, np;
	bool adkim_strict, aspf_strict;
	enum dmarc_psd psd;
	bool testing;          /* t=y */
	unsigned fo;           /* meaningless without ruf (section 4.7) */
	unsigned pct;          /* RFC 7489 only: to be applied to so many of a hundred messages; else 100 */
	struct slice rua, ruf; /* lists as written: for dmarc_uri_next() */
};

enum dmarc_record_result {
	DMARC_RECORD_OK = 0,
	DMARC_RECORD_OTHER = 1,   /* does not start with the version: some other record */
	DMARC_RECORD_INVALID = 2, /* p, sp, np, psd or t occurs twice: which one is meant is anybody's guess */
};

/* `text`: the character-strings of one TXT record joined. An enum dmarc_record_result; *out is set for OK only. */
MUST_CHECK int dmarc_record_parse(struct slice text, struct dmarc_record *out);

/*
 * The same as RFC 7489 has it: pct is a tag; np, psd and t are unknown ones. (Its demand that p comes second is not
 * made: hardly any reader ever did.)
 */
MUST_CHECK int dmarc_record_parse_rfc7489(struct slice text, struct dmarc_record *out);

/*
 * The next valid URI of a rua or ruf list, without the obsolete size ("!10m"); false at the end. Start with
 * *rest = the list. Schemes are not judged, but for mailto, which needs an address.
 */
bool dmarc_uri_next(struct slice *rest, struct slice *uri_out);

#endif
