/*
 * message.h - the messages of a corpus: header, body, signatures, envelope, and the verdict that is due.
 *
 * What is expected follows from how a message was made, by the RFCs; nothing of src/ is asked.
 */
#ifndef ASSAY_BENCH_MESSAGE_H
#define ASSAY_BENCH_MESSAGE_H

#include "corpus/domain.h"

#define SIGNATURES_MAX 3

/* What a verifier without any overhead has to compute for a signature. */
enum signature_work {
	WORK_FULL, /* body hash, header hash, signature */
	WORK_BODY, /* the body hash differs: no more is needed */
	WORK_NONE, /* there is no key */
};

struct signature {
	char domain[DOMAIN_NAME_SIZE + 16];
	char selector[24];
	enum key_kind key;
	unsigned key_number;
	bool relaxed_header, relaxed_body;
	enum signature_work work;
	const char *expected;      /* RFC 8601 word */
};

struct message {
	struct octets octets;
	char client_ip[46], helo[DOMAIN_NAME_SIZE + 16], mail_from[DOMAIN_NAME_SIZE + 64], rcpt_to[64];
	int64_t received_at;
	char author[DOMAIN_NAME_SIZE + 16];
	const char *spf, *dmarc;           /* expected */
	enum policy disposition;
	struct signature signatures[SIGNATURES_MAX]; /* from the top of the header */
	unsigned signatures_count;
};

struct message_maker {
	uint64_t seed;
	struct key_pool *pool;
	size_t octets_max;   /* of a message, about */
	double median, sigma; /* of the log-normal distribution of sizes */
	bool opaque;          /* bodies of octets instead of text */
	bool plain;           /* one sound signature, relaxed/relaxed */
};

/* Message number `number`, of an author at `domain`. Free its octets. */
void message_make(const struct message_maker *maker, unsigned number, const struct domain *domain,
                  struct message *message);
/* The template of a message of an unseen sender (domain.h, COLD_LABEL), about 4 KB. */
void message_cold(const struct message_maker *maker, struct message *message);

#endif
