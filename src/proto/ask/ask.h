/*
 * ask.h - what an evaluator may ask of the world, and how it waits.
 *
 * The verdict is a pure function of the request and of answers. An evaluator asks through `struct
 * ask`; what is not known yet is *pending*: the evaluator goes on with whatever does not depend on it
 * (so that all questions of a pass are under way together) and then returns ASK_BLOCKED. When answers are in, the
 * evaluation runs again from the start; an answer once given stays the same for the whole request.
 *
 * Purity:    evaluators do no I/O, read no clock, keep no globals; whoever fills in `struct ask_ops`
 *            (the engine, a test) does.
 * Ownership: answers are immutable and live as long as the request; names and slices in questions
 *            are copied by the answerer before the call returns.
 * Errors:    an operation never fails: what could not be asked or found out is an answer of its own
 *            (DNS_BUDGET, SIGNATURE_FAULT, ...). Nothing but an expected answer may lead to a pass.
 */
#ifndef ASSAY_PROTO_ASK_H
#define ASSAY_PROTO_ASK_H

#include "base/arena.h"
#include "base/error.h"
#include "base/ip.h"
#include "base/slice.h"

/* Returned by evaluators: something asked for is pending; call again when it has been answered. */
#define ASK_BLOCKED 1

#define DNS_NAME_OCTETS_MAX 253 /* as text, without the final dot (RFC 1035 section 3.1) */

enum dns_type { /* IANA "Resource Record (RR) TYPEs" */
	DNS_A = 1,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_TLSA = 52,
};

enum dns_outcome {
	DNS_FOUND,    /* one or more records of the type asked for */
	DNS_NODATA,   /* the name exists, the type does not (RFC 2308 section 2.2) */
	DNS_NXDOMAIN, /* the name does not exist (RFC 8020: nor does anything below it) */
	/* The rest are temporary errors in the sense of RFC 7208 section 2.6.6 and its siblings. */
	DNS_SERVFAIL, /* a server or resolver answered with an error */
	DNS_BOGUS,    /* DNSSEC validation failed */
	DNS_TIMEOUT,  /* no answer within the time for look-ups */
	DNS_BUDGET,   /* not asked: the bound on look-ups of the request, the domain or the shard is reached */
	DNS_INVALID,  /* an answer that breaks the format, or an alias chain longer than 8 */
	DNS_SILENT,   /* not asked: look-ups under this domain have come to nothing of late */
};

struct dns_record {
	/*
	 * A: 4 octets. AAAA: 16 octets. TXT: the character-strings joined with nothing between. MX, PTR,
	 * CNAME: the name in lower case without a final dot (the root is ""); in it a dot inside a label
	 * and every octet outside printable ASCII stands as \DDD, so it equals no ordinary name.
	 * TLSA, SOA: the rdata.
	 */
	struct slice data;
	uint16_t preference; /* MX only */
};

struct dns_form;

struct dns_answer {
	enum dns_outcome outcome;
	bool secure;   /* validated by DNSSEC, the aliases on the way and negative answers too */
	uint32_t ttl;  /* seconds; the least on the way; of a negative answer as RFC 2308 section 5 has it */
	size_t count;  /* of records; above 0 exactly when outcome is DNS_FOUND */
	struct slice alias; /* the name that the aliases lead to, in the form of a CNAME record; empty: there were none */
	const struct dns_record *records; /* in the order of the answer */
	/* The records as one form reads them, kept with them; NULL: not read yet. Through dns_answer_read() only. */
	const struct dns_form *form;
	const void *object;
};

/*
 * How the evaluators of one specification read an answer: an SPF record as its terms, a key record with its key. A pure
 * function of the records, so that whoever keeps answers can keep what was read with them, for all messages.
 */
struct dns_form {
	size_t size; /* of the object, which is aligned for anything */
	/*
	 * `answer`: DNS_FOUND. The object comes zeroed; it may point into the answer and the arena. 0 or -ENOMEM.
	 */
	int (*read)(const struct dns_answer *answer, struct arena *arena, void *object);
};

static inline bool dns_is_temporary_error(const struct dns_answer *answer)
{
	return answer->outcome >= DNS_SERVFAIL;
}

/* The answer (DNS_FOUND) in that form: what was kept with it, or else read now, into the arena. 0 or -ENOMEM. */
MUST_CHECK int dns_answer_read(const struct dns_answer *answer, const struct dns_form *form, struct arena *arena,
                               const void **object_out);

/* RFC 7208 section 4.6.4: neither records nor an error. */
static inline bool dns_is_void(const struct dns_answer *answer)
{
	return answer->outcome == DNS_NODATA || answer->outcome == DNS_NXDOMAIN;
}

/* In words for reasons: "NXDOMAIN", "time-out", ... never NULL. */
const char *dns_outcome_text(enum dns_outcome outcome);

enum hash_algorithm { HASH_SHA256, HASH_SHA1 };
enum canonicalization { CANON_SIMPLE, CANON_RELAXED }; /* RFC 6376 section 3.4 */

#define DIGEST_OCTETS_MAX 32

struct body_digest {
	bool fault;                        /* could not be made: a temporary error, the rest means nothing */
	bool missing;                      /* a fault: whoever has the body has sent no such digest */
	uint8_t octets[DIGEST_OCTETS_MAX]; /* 32 for SHA-256, 20 for SHA-1 */
	uint64_t canonical_octets;         /* of the whole canonical body, whatever octets_max was */
};

struct body_question {
	struct slice body; /* the raw octets; the same in every question of a message, and no part of what tells two apart */
	enum canonicalization canon;
	enum hash_algorithm hash;
	uint64_t octets_max; /* hash at most so many canonical octets (l=, RFC 6376 section 3.5); UINT64_MAX: all */
};

enum public_key_kind { PUBLIC_KEY_RSA, PUBLIC_KEY_ED25519 };

struct public_key {
	enum public_key_kind kind;
	unsigned bits;         /* RSA: of the modulus; Ed25519: 256 */
	struct slice modulus;  /* RSA: big-endian, no leading zero octets */
	struct slice exponent; /* RSA: big-endian, no leading zero octets */
	struct slice point;    /* Ed25519: 32 octets (RFC 8032 section 5.1.2) */
};

struct signature_question {
	/*
	 * Names the question within the request: an evaluation that asks with the same id asks the same,
	 * and may then leave everything else out when signature_known() said so.
	 */
	unsigned id;
	struct public_key key; /* within its bounds (RFC 8301): the asker has checked them */
	enum hash_algorithm hash;
	/* What was signed: RSA: PKCS#1 v1.5 over the hash; Ed25519: pure Ed25519 over the hash (RFC 8463 section 3). */
	const struct slice *signed_parts;
	size_t signed_parts_count;
	struct slice signature;
};

enum signature_answer {
	SIGNATURE_PENDING,
	SIGNATURE_VALID,
	SIGNATURE_INVALID,
	SIGNATURE_FAULT, /* not checked: out of memory, or a bound on crypto work is reached: a temporary error */
};

#define SIGNATURE_ID_MAX 256 /* ids are below this */

struct dns_question {
	struct slice name;           /* A-labels, no final dot, 1 to 253 octets, any case */
	enum dns_type type;
	const struct dns_form *form; /* in which the answer will be read; NULL: none. No part of what tells two apart */
	unsigned reserved;           /* so many of the request's look-ups are for others */
	bool is_optional;            /* the asker can do without: it may be DNS_TIMEOUT while there is time for others */
};

struct signing_question {
	unsigned id;     /* names the question within the request, as that of a signature_question does */
	unsigned signer; /* which of our own private keys: rsa-sha256 */
	const struct slice *parts; /* what is to be signed */
	size_t parts_count;
};

#define SIGNING_ID_MAX 2 /* ids are below this */

struct signing_answer {
	bool fault;             /* not signed: a temporary error, the rest means nothing */
	struct slice signature;
};

/* What came of asking for a policy document (RFC 8461 section 3.3). */
enum policy_outcome {
	POLICY_FOUND,
	POLICY_NOT_KEPT,   /* of policy_kept: there is none, or it has expired */
	POLICY_NOT_SERVED, /* no connection, no trust, no answer of status 200 */
	POLICY_INVALID,    /* an answer, but not a policy: media type, size, grammar */
	POLICY_LATE,       /* no answer yet, and no more time for one */
	POLICY_BUSY,       /* not fetched: a bound of ours is reached, or a fault of ours */
};

struct policy_answer {
	enum policy_outcome outcome;
	struct slice id, text; /* of POLICY_FOUND: what has proved to be a policy, and the id it was fetched for */
	struct slice detail;   /* of the others: why, for people */
};

/* Asked of a policy host that is known by its addresses: the answerer connects to no others. */
struct policy_question {
	struct slice domain;   /* canonical */
	struct slice id;       /* of its record */
	const struct ip_address *addresses;
	size_t addresses_count; /* 1 or more */
	bool again;            /* although a policy of that id is kept: it is to be refreshed */
};

struct ask_ops {
	/* NULL: pending. When no look-ups are left but those reserved, a new question is DNS_BUDGET. */
	const struct dns_answer *(*dns)(void *arg, const struct dns_question *question);
	/* Of the message's body. NULL: pending. */
	const struct body_digest *(*body_digest)(void *arg, const struct body_question *question);
	/* What is known of the question of that id: asked before (or answered), or `false`: ask it now. */
	bool (*signature_known)(void *arg, unsigned id, enum signature_answer *answer_out);
	enum signature_answer (*signature)(void *arg, const struct signature_question *question);
	/* NULL: pending. Asked of those alone who have keys: others leave the function out. */
	const struct signing_answer *(*sign)(void *arg, const struct signing_question *question);
	/* Asked for TLS policies alone: others leave them out. What is kept for a domain is never pending. */
	const struct policy_answer *(*policy_kept)(void *arg, struct slice domain);
	/* NULL: pending. */
	const struct policy_answer *(*policy_fetch)(void *arg, const struct policy_question *question);
};

struct ask {
	const struct ask_ops *ops;
	void *arg;
	unsigned lookups_reserved; /* what questions asked through this leave of the budget; 0: they may spend it all */
};

/* `form`: see struct dns_question. */
static inline const struct dns_answer *ask_dns(const struct ask *ask, struct slice name, enum dns_type type,
                                               const struct dns_form *form)
{
	const struct dns_question question = { name, type, form, ask->lookups_reserved, false };

	return ask->ops->dns(ask->arg, &question);
}

static inline const struct dns_answer *ask_dns_optional(const struct ask *ask, struct slice name, enum dns_type type)
{
	const struct dns_question question = { name, type, NULL, ask->lookups_reserved, true };

	return ask->ops->dns(ask->arg, &question);
}

static inline const struct body_digest *ask_body_digest(const struct ask *ask, const struct body_question *question)
{
	return ask->ops->body_digest(ask->arg, question);
}

static inline bool ask_signature_known(const struct ask *ask, unsigned id, enum signature_answer *answer_out)
{
	return ask->ops->signature_known(ask->arg, id, answer_out);
}

static inline enum signature_answer ask_signature(const struct ask *ask, const struct signature_question *question)
{
	return ask->ops->signature(ask->arg, question);
}

static inline const struct signing_answer *ask_sign(const struct ask *ask, const struct signing_question *question)
{
	return ask->ops->sign(ask->arg, question);
}

static inline const struct policy_answer *ask_policy_kept(const struct ask *ask, struct slice domain)
{
	return ask->ops->policy_kept(ask->arg, domain);
}

static inline const struct policy_answer *ask_policy_fetch(const struct ask *ask, const struct policy_question *question)
{
	return ask->ops->policy_fetch(ask->arg, question);
}

#endif
