/*
 * requests.h - what is asked: every request encoded before the run.
 */
#ifndef ASSAY_BENCH_REQUESTS_H
#define ASSAY_BENCH_REQUESTS_H

#include "corpus/read.h"
#include "load/reply.h"

enum request_kind {
	REQUEST_CHECK,   /* CheckMessage of each message of a corpus */
	REQUEST_SENDER,  /* CheckSender of each envelope of a corpus */
	REQUEST_STATUS,  /* Status, with an unknown field of so many octets */
	REQUEST_REFUSED, /* CheckMessage of so many octets that is refused after decoding: client_ip is no address */
	REQUEST_ECHO,    /* so many octets that mean nothing, for a peer that takes anything */
};

struct request {
	const uint8_t *octets;
	size_t len;
	const struct entry *entry; /* NULL: no verdict is expected */
};

struct requests {
	enum request_kind kind;
	struct request *at;
	size_t count;
	/* A message of an unseen sender: a template in which a label is overwritten at some places. */
	struct request cold;
	size_t *label_places, label_places_count, label_len;
};

struct request_options {
	enum request_kind kind;
	const char *corpus;    /* CHECK, SENDER */
	size_t messages_max;   /* 0: all */
	size_t octets;         /* of the whole request, about; STATUS, REFUSED, ECHO */
	uint32_t deadline_ms;
	bool cold;
	bool digest;           /* CHECK: header and digests instead of the message */
};

void requests_make(const struct request_options *options, struct requests *out);
/* A copy of the cold template with label number `number` of this run, into `to` of cold.len octets. */
void requests_cold(const struct requests *requests, uint64_t number, uint8_t *to);

enum answer {
	ANSWER_RIGHT,
	ANSWER_DEFERRED, /* the expected verdict, but for a method or several that are temperror */
	ANSWER_REFUSED,  /* OVERLOADED */
	ANSWER_WRONG,
};

/* Is it what was expected? If not, `why` (of `size` octets) says what is different. */
enum answer requests_judge(const struct requests *requests, const struct request *request, const struct reply *reply,
                           char *why, size_t size);

#endif
