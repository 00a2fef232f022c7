/*
 * world.h - scripted answers for tests of evaluators: a small DNS, in memory.
 *
 * Every question is pending when it is asked first and answered from the second pass on, so that each
 * test also tests restarting; world.eager turns that off. Signatures and body digests are checked with
 * OpenSSL, directly and one at a time: an oracle for src/crypto, and simple enough to be right.
 */
#ifndef ASSAY_TESTS_WORLD_H
#define ASSAY_TESTS_WORLD_H

#include "base/arena.h"
#include "proto/ask/ask.h"

#define WORLD_RECORDS_MAX 256
#define WORLD_ASKED_MAX 512
#define WORLD_INSECURE_MAX 16

struct world_record {
	const char *name; /* lower case, no final dot */
	enum dns_type type;
	enum dns_outcome outcome; /* DNS_FOUND for a record; else what the question of that type gets */
	struct dns_record record;
	char text[64]; /* storage for addresses */
};

struct world_asked {
	char name[256];
	enum dns_type type;
	struct dns_answer answer;
	unsigned times;
	bool is_optional; /* every time */
};

struct world {
	struct world_record records[WORLD_RECORDS_MAX];
	size_t records_count;
	struct world_asked asked[WORLD_ASKED_MAX]; /* questions in order of their first asking */
	size_t asked_count;
	bool eager;
	bool secure;                                /* answers are secured by DNSSEC, but for these names: */
	const char *insecure[WORLD_INSECURE_MAX];
	size_t insecure_count;
	struct policy_answer policy_kept;           /* for every domain; nothing at first */
	struct policy_answer policy_fetched;        /* what every fetch comes to; POLICY_NOT_SERVED at first */
	struct policy_question policy_asked;        /* the last fetch asked for, its addresses in policy_addresses */
	struct ip_address policy_addresses[16];
	unsigned policies_asked;
	unsigned lookups_max;                       /* the budget; 0: none */
	unsigned signatures_asked, bodies_asked;
	enum signature_answer signature_forced;     /* not SIGNATURE_PENDING: the answer to every signature */
	const char *signing_key;                    /* PEM, RSA: of every signer; NULL: every signing is a fault */
	unsigned signings_asked;
	struct arena arena;
	struct ask ask;                             /* give this to the evaluator */
	void *private;
};

void world_init(struct world *world);
void world_deinit(struct world *world);

/* Strings are borrowed. A name with any record exists; a type it lacks is NODATA; other names are NXDOMAIN. */
void world_txt(struct world *world, const char *name, const char *text);
void world_txt_slice(struct world *world, const char *name, struct slice text);
void world_a(struct world *world, const char *name, const char *ip);
void world_aaaa(struct world *world, const char *name, const char *ip);
void world_mx(struct world *world, const char *name, uint16_t preference, const char *host);
void world_ptr(struct world *world, const char *name, const char *host);
/* Followed for every type but CNAME; the alias' end must be in the world. */
void world_cname(struct world *world, const char *name, const char *target);
void world_tlsa(struct world *world, const char *name, struct slice rdata);
/* Answers of that name, negative ones too, are not secure. */
void world_insecure(struct world *world, const char *name);
/* Questions for that name and type get `outcome` (SERVFAIL, TIMEOUT, ..., or NODATA to make a name exist). */
void world_outcome(struct world *world, const char *name, enum dns_type type, enum dns_outcome outcome);

/* Was the question asked, and never as one that must be answered? */
bool world_asked_optionally(const struct world *world, const char *name, enum dns_type type);
/* How often the question was asked; 0: never. */
unsigned world_times_asked(const struct world *world, const char *name, enum dns_type type);

#endif
