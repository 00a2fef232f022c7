/*
 * answers.h - the DNS answers pinned to a request; private to src/engine.
 *
 * Answers come from the cache that all shards share (cache.h), or by a look-up (lookups.h).
 */
#ifndef ASSAY_ENGINE_ANSWERS_H
#define ASSAY_ENGINE_ANSWERS_H

#include "proto/ask/ask.h"

struct request;
struct shard;
struct asked;

struct answers {
	struct asked *first, **end; /* in order of asking; in the request's arena */
	unsigned count;
	unsigned pending;
	size_t octets;              /* of the answers that are held */
	bool closed;                /* the time for look-ups is over: what is not known is DNS_TIMEOUT */
	bool optional_closed;       /* that of optional ones is */
};

void answers_init(struct answers *answers);
/* As ask_ops.dns. */
const struct dns_answer *answers_ask(struct request *request, const struct dns_question *question);
/* cache_hash() of a name of DNS_NAME_OCTETS_MAX at most, which is written to `lower` in lower case. */
uint64_t answers_hash(const struct shard *shard, struct slice name, enum dns_type type, uint8_t *lower);
/* Nothing is waited for any more; what is pending is DNS_TIMEOUT. */
void answers_close(struct request *request);
/* Before the turn ends: what requests have found in it, and go on needing, is counted. */
void answers_count(struct shard *shard);
/* Optional questions are not waited for any more. */
void answers_close_optional(struct request *request);
/* The request ends: it leaves the look-ups that it still waits for (asked ahead, and not needed in the end). */
void answers_drop(struct request *request);

#endif
