/*
 * limits.h - the bounds of TLS policies, each with its source.
 */
#ifndef ASSAY_PROTO_TLSPOLICY_LIMITS_H
#define ASSAY_PROTO_TLSPOLICY_LIMITS_H

#define MTA_STS_ID_OCTETS_MAX 32             /* RFC 8461 section 3.1 */
#define MTA_STS_DOCUMENT_OCTETS_MAX 65536    /* section 3.3: 64 KiB */
#define MTA_STS_MAX_AGE_S_MAX 31557600       /* section 3.2 */
#define MTA_STS_MAX_AGE_DIGITS_MAX 10        /* section 3.2 */
#define MTA_STS_PATTERNS_MAX 1024            /* ours: more than any answer of DNS has MX hosts */
#define MTA_STS_ADDRESSES_MAX 16             /* ours: of a policy host, tried in turn */
#define TXT_FIELD_NAME_OCTETS_MAX 32         /* RFC 8461 section 3.1, RFC 8460 section 3 */
#define TLSRPT_URIS_MAX 32                   /* ours: a record of several kilobytes */
#define TLSA_RECORDS_MAX 64                  /* ours: of one host; RFC 7671 section 10.1.1 wants such sets small */
#define DANE_HOSTS_MAX 10                    /* ours: MX hosts looked at for a policy of the whole domain */

#endif
