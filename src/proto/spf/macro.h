/*
 * macro.h - macros of SPF: syntax and expansion.
 *
 * Source:    RFC 7208 sections 7 and 4.8.
 * Purity:    no I/O, no allocation.
 * Ownership: nothing is kept; an expansion is a value of its own.
 * Errors:    a malformed macro-string is a finding of the check functions; only checked ones may be expanded.
 * Bounds:    the output is one buffer of fixed size. A name that is longer keeps its right end, because that is
 *            what section 7.3 leaves of it; a text keeps its left end.
 */
#ifndef ASSAY_PROTO_SPF_MACRO_H
#define ASSAY_PROTO_SPF_MACRO_H

#include "base/ip.h"
#include "base/slice.h"

enum spf_macro_place {
	SPF_MACRO_IN_NAME, /* domain-spec or value of a modifier: c, r, t are errors */
	SPF_MACRO_IN_TEXT, /* explain-string: SP and all letters are allowed */
};

struct spf_macro_values {
	struct slice sender;        /* %{s} */
	struct slice local_part;    /* %{l} */
	struct slice sender_domain; /* %{o} */
	struct slice domain;        /* %{d}: of the record at hand */
	struct slice helo;          /* %{h} */
	struct slice validated;     /* %{p}; need not be set when the letter is not in use */
	struct slice receiver;      /* %{r} */
	struct ip_address client;   /* %{i}, %{c}, %{v} */
	int64_t now;                /* %{t} */
};

#define SPF_EXPANSION_OCTETS 512

struct spf_expansion {
	enum spf_macro_place place; /* the caller's: IN_NAME keeps the right end, IN_TEXT the left one */
	size_t len;
	bool cut; /* something did not fit */
	uint8_t octets[SPF_EXPANSION_OCTETS];
};

/* The set of letters in use, as bits: SPF_MACRO_BIT('p'). */
#define SPF_MACRO_BIT(letter) (UINT32_C(1) << ((letter) - 'a'))

/* Is it a macro-string (an explain-string in a text)? *letters_out is set then. */
bool spf_macro_string_check(struct slice macro_string, enum spf_macro_place place, uint32_t *letters_out);
/* Is it a domain-spec: a macro-string that ends in a macro or in a top label? */
bool spf_domain_spec_check(struct slice domain_spec, uint32_t *letters_out);

/* `out->place` is set by the caller; the rest is written. */
void spf_macro_expand(struct slice macro_string, const struct spf_macro_values *values, struct spf_expansion *out);
/*
 * What a name's expansion leaves to be asked for: without a final dot, at most 253 octets, labels dropped from the
 * left until it fits (section 7.3). Points into `out`. It may still be no name: spf_name_is_askable().
 */
struct slice spf_expansion_name(const struct spf_expansion *expansion);

/*
 * 1 to 253 octets in labels of 1 to 63, of printable ASCII. SP and punctuation are allowed, as local-parts bring
 * them in; a backslash is not, because it would start an escape for those who read the name.
 */
bool spf_name_is_askable(struct slice name);

#endif
