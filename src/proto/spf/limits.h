/*
 * limits.h - every bound of an SPF evaluation.
 *
 * Those that a postmaster may set (look-ups, void look-ups) are in struct spf_config; here are their defaults.
 */
#ifndef ASSAY_PROTO_SPF_LIMITS_H
#define ASSAY_PROTO_SPF_LIMITS_H

/* RFC 7208 section 4.6.4: terms that cause look-ups, over the whole recursion. Beyond: permerror. */
#define SPF_LOOKUPS_DEFAULT        10
/* RFC 7208 section 4.6.4: terms whose main question has an empty answer. Beyond: permerror. */
#define SPF_VOID_LOOKUPS_DEFAULT   2
/* RFC 7208 section 4.6.4: hosts of one mx term whose addresses are asked for. Beyond: permerror. */
#define SPF_MX_NAMES_MAX           10
/* RFC 7208 section 4.6.4: names of the client looked at by ptr and %{p}. Beyond: not looked at. */
#define SPF_PTR_NAMES_MAX          10
/* include and redirect below each other. The default of the look-ups allows no more either; this one holds when
   that is raised, because it bounds the stack. Beyond: permerror. */
#define SPF_DEPTH_MAX              10

/* Flattened records of 2 to 4 KB are real; larger ones are attacks. Beyond: permerror. */
#define SPF_RECORD_OCTETS_MAX      16384
#define SPF_TERMS_MAX              512
/* A name has 253 octets at most; a domain-spec several times as long does not help anybody. With it, one
   expansion copies at most 1024 / 4 macros times SPF_IDENTITY_OCTETS_MAX octets. Beyond: permerror. */
#define SPF_DOMAIN_SPEC_OCTETS_MAX 1024
/* Of a reverse-path or HELO argument: four times RFC 5321 section 4.5.3.1.3. Beyond: not looked at. */
#define SPF_IDENTITY_OCTETS_MAX    1024
/* Of an explanation: fits a reply line of 512 octets (RFC 5321 section 4.5.3.1.5) with room for our own words. */
#define SPF_EXPLANATION_OCTETS_MAX 200

/* Questions under way at once: enough for all terms and the hosts of one mx, too few to flood a resolver. */
#define SPF_PENDING_MAX            20

#endif
