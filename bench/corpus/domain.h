/*
 * domain.h - the sending domains of a corpus: their names, hosts, SPF records, keys and DMARC policies.
 *
 * Everything about a domain follows from the seed and its number; nothing is stored. All names lie below the
 * reserved top-level domains test and example, addresses in blocks that are nobody's mail servers (198.18.0.0/15,
 * 100.64.0.0/10, 203.0.113.0/24, 2001:db8::/32).
 *
 * Names of a domain D: D itself; news.D and bounce.D, which send through D's first provider; mail.D, its own host;
 * mx1.D and mx2.D. A provider P is a domain too, with hosts out0.P to out7.P, bounces.P for reverse-paths, and _spf.P,
 * which its customers include.
 */
#ifndef ASSAY_BENCH_DOMAIN_H
#define ASSAY_BENCH_DOMAIN_H

#include "corpus/keys.h"
#include "corpus/prng.h"

#include <stdbool.h>
#include <stdio.h>

#define DOMAIN_NAME_SIZE 64
#define PROVIDERS 24
#define PROVIDER_HOSTS 8
#define REVOKED_SELECTOR "old2019" /* every domain has this key, revoked */
#define MISSING_SELECTOR "gone7"   /* no domain has this key */
#define ED25519_SELECTOR "ed1"
/*
 * For cold names: everything below cold.test has the same SPF, DKIM and DMARC records, by one wildcard. The label
 * stands in the cold message wherever a name does, and a load generator overwrites it.
 */
#define COLD_LABEL "k0000000000000000"
#define COLD_PARENT "cold.test"
#define COLD_CLIENT "198.18.0.1"
#define COLD_SELECTOR "s1"
#define COLD_KEY_NUMBER PROVIDERS /* RSA, 2048 bits; domains' come behind it */

enum spf_shape {
	SPF_INCLUDES,  /* include of one or two providers */
	SPF_OWN,       /* a mx ip4 */
	SPF_LIST,      /* ip4 and ip6 */
	SPF_REDIRECT,
	SPF_MIXED,     /* include, a, mx, ip4 */
	SPF_ABSENT,
	SPF_TWICE,     /* two records: permerror */
};

enum policy { POLICY_NONE, POLICY_QUARANTINE, POLICY_REJECT };

struct dmarc_policy {
	bool published, has_sp, has_np, adkim_strict, aspf_strict, testing;
	enum policy p, sp, np;
};

struct domain {
	uint64_t seed;
	unsigned number;
	char name[DOMAIN_NAME_SIZE];
	enum spf_shape shape;
	char all;                    /* '-', '~' or '?' */
	unsigned providers[2], providers_count;
	uint32_t own_ip;             /* mail.D; mx1.D, mx2.D and D follow it */
	unsigned listed;             /* further addresses of the SPF record */
	bool has_v6;
	enum key_kind key;
	unsigned key_number;
	bool has_ed25519;            /* signs twice, also with ED25519_SELECTOR */
	char selector[24];
	struct dmarc_policy dmarc;
};

struct provider {
	unsigned number;
	char name[DOMAIN_NAME_SIZE];
	unsigned blocks;             /* records below _spf.P; 1: _spf.P lists the addresses itself */
	unsigned ranges[3];          /* of each */
	bool has_v6;
	char selector[24];
	unsigned key_number;         /* RSA, 2048 bits */
};

struct domain domain_of(uint64_t seed, unsigned number);
struct provider provider_of(uint64_t seed, unsigned number);

/* The RFC 8601 word of the `all` term, when nothing else matches. */
const char *spf_all_word(char all);
/* Of D itself, for a client that no term matches; for REDIRECT the provider's. */
const char *domain_spf_miss(const struct domain *domain);
/* A client that D's own record lets pass, as text of at most 45 octets. */
void domain_client(const struct domain *domain, struct prng *prng, char *text, size_t size);
void provider_client(const struct provider *provider, struct prng *prng, char *text, size_t size);

/* Writes the records, fully qualified, without the SOA of the apexes. */
void domain_zone(const struct domain *domain, struct key_pool *pool, FILE *out);
void provider_zone(const struct provider *provider, struct key_pool *pool, FILE *out);
void cold_zone(struct key_pool *pool, FILE *out);

const char *policy_word(enum policy policy);

#endif
