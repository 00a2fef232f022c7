/*
 * lookups.h - the look-ups under way in a shard; private to src/engine.
 *
 * A look-up asks the cache that all shards share who asks: this shard's resolver, or another shard, which sends what it finds by
 * post. However many want a name at once, in however many shards, one question is asked (single flight).
 * Ownership: a look-up is the shard's, and over when it lands; it goes on when nobody waits for it any more, since libunbound
 *            cannot be told to stop one.
 * Bounds:    dns.max-queries, of them dns.max-queries-per-domain for a domain; beyond them a question is DNS_BUDGET.
 */
#ifndef ASSAY_ENGINE_LOOKUPS_H
#define ASSAY_ENGINE_LOOKUPS_H

#include "engine/cache.h"
#include "proto/ask/ask.h"

struct shard;
struct lookup;

/* Somebody in this shard who waits for a look-up; part of what he is. */
struct lookup_wait {
	struct lookup *lookup; /* NULL: none */
	struct lookup_wait *next, *prev;
	/* It has ended, and he does not wait any more. NULL: a fault of ours, which says nothing about the name. Wakes, runs nothing. */
	void (*ended)(struct lookup_wait *wait, struct cached *found);
};

/* Waits for the look-up of it that is under way, if one is. */
bool lookup_join(struct shard *shard, const struct cache_question *question, struct lookup_wait *wait);
/*
 * None is under way: begins one, and waits for it; it may have ended before this returns. NULL; or why it cannot be looked up, and
 * nobody waits.
 */
const struct dns_answer *lookup_begin(struct shard *shard, const struct cache_question *question,
                                      const struct dns_form *form, struct lookup_wait *wait);
/* For those who will ask: nobody waits for it, and in vain it changes nothing. */
void lookup_prefetch(struct shard *shard, const struct cache_question *question, const struct dns_form *form);
/* It is not waited for any more. */
void lookup_leave(struct lookup_wait *wait);
/* So long it has been under way. */
int64_t lookup_age_ns(const struct lookup *lookup);
/* It has come to nothing; how often that is found out, it counts once for the breaker. */
void lookup_failed(struct lookup *lookup);

/* The shard has run its last turn: other shards that wait for its look-ups ask themselves. */
void lookups_abandon(struct shard *shard);
/* The shard goes down: look-ups under way are forgotten. After the resolver is gone. */
void lookups_drop(struct shard *shard);

#endif
