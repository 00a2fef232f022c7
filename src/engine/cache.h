/*
 * cache.h - DNS answers, read and kept for all shards, and which questions are under way; private to src/engine.
 *
 * Reading:   without locks, and without a write to a shared line but for the first use since the clock hand passed. What
 *            was found is safe until the turn ends (epoch.h); for longer it has to be counted.
 * Writing:   on a miss only: a bucket's stripe is locked.
 * Lifetimes: each class of answers has its own (struct cache_bounds); one that has ended may still be of use, when
 *            nothing newer can be had (RFC 8767).
 * Single flight: the first shard that misses a name looks it up, the others wait for its answer.
 * Bounds:    octets, by a clock: what was not used since the hand passed last goes first.
 */
#ifndef ASSAY_ENGINE_CACHE_H
#define ASSAY_ENGINE_CACHE_H

#include "base/arena.h"
#include "engine/epoch.h"
#include "proto/ask/ask.h"

struct cache;

struct cache_bounds {
	size_t octets_max;           /* dns.cache-size: the part of it for answers that were read */
	unsigned ttl_s_min;          /* dns.min-ttl: whatever the records say */
	unsigned ttl_s_max;          /* dns.max-ttl */
	unsigned negative_ttl_s_max; /* dns.max-negative-ttl: NXDOMAIN and NODATA */
	unsigned failure_ttl_s;      /* dns.failure-ttl: server failures, time-outs, what could not be read */
	unsigned bogus_ttl_s;        /* dns.bogus-ttl: DNSSEC validation failed */
	unsigned stale_s_max;        /* dns.serve-stale: behind the end of the lifetime; 0: never */
	unsigned prefetch_s;         /* dns.prefetch: so long, too, while it is looked up again; 0: never */
};

struct cache_question {
	struct slice name; /* lower case */
	enum dns_type type;
	uint64_t hash;     /* cache_hash() */
};

/*
 * An answer; immutable but for what is atomic. What a look-up that finds it reads stands together, in two lines of memory and those of
 * the name; what is written by those who hold it, in others.
 */
struct cached {
	struct retired retired;
	_Atomic unsigned refs;         /* of the table, of requests that wait, of posts that bring it */
	int64_t stale_until_ns;
	size_t octets;
	struct arena arena; /* of the answer */

	_Alignas(64) _Atomic(struct cached *) next; /* in its bucket */
	uint64_t hash;
	_Atomic int64_t fresh_until_ns;
	int64_t refresh_from_ns, serve_until_ns; /* who needs it in between gets it, and the first one has it looked up again */
	enum dns_type type;
	uint32_t name_len;
	_Atomic bool used;
	_Atomic bool refreshed;
	_Alignas(64) struct dns_answer answer;
	uint8_t name[];
};

/* A shard that waits for another one's look-up. */
struct cache_waiter {
	struct cache_waiter *next;
};

/* The clock starts anywhere, but is one for all shards. 0 or -ENOMEM. */
MUST_CHECK int cache_new(const struct cache_bounds *bounds, unsigned shards, struct cache **out);
/* No shard runs any more. */
void cache_free(struct cache *cache);
struct epochs *cache_epochs(struct cache *cache);

/* `name`: lower case. */
uint64_t cache_hash(const struct cache *cache, struct slice name, enum dns_type type);

/*
 * As cache_find(), or what is so little past its lifetime that it serves on while it is looked up again (dns.prefetch).
 * *refresh_out: that is up to the caller; told once.
 */
struct cached *cache_find_in_use(struct cache *cache, const struct cache_question *question, int64_t now_ns,
                                 bool *refresh_out);
/* What is known and fresh; NULL: nothing. */
struct cached *cache_find(struct cache *cache, const struct cache_question *question, int64_t now_ns);
/*
 * Has the processor fetch what cache_find() of that hash will read, so that it need not wait for memory then: first where the answer is
 * told, then the answer, then what was read from it. Each step looks at what the one before has fetched, and wants some time in between.
 * To be called within a turn, for they look at answers as cache_find() does.
 */
enum cache_step { CACHE_FETCH_BUCKET, CACHE_FETCH_ANSWER, CACHE_FETCH_OBJECT };
void cache_fetch(struct cache *cache, uint64_t hash, enum cache_step step);
/*
 * What may stand in for an answer that cannot be had, counted; NULL: nothing. `renew`: nobody else can have it either, so it is
 * fresh for dns.failure-ttl. *stale_out: it is past its lifetime.
 */
struct cached *cache_find_stale(struct cache *cache, const struct cache_question *question, int64_t now_ns, bool renew,
                                bool *stale_out);

enum cache_flight {
	CACHE_FOUND,   /* it has come meanwhile: *found_out */
	CACHE_OWNED,   /* the caller looks it up, and calls cache_land() */
	CACHE_WAITING, /* another shard does; `waiter` is handed to that one's cache_land() */
	CACHE_FAULT,   /* out of memory */
};

enum cache_flight cache_take_off(struct cache *cache, const struct cache_question *question,
                                 struct cache_waiter *waiter, int64_t now_ns, struct cached **found_out);

/* An empty answer of that name, with one reference; NULL: out of memory. The caller fills in `answer`. */
struct cached *cached_new(const struct cache_question *question);
void cached_ref(struct cached *cached);
/* Of one that was found in this turn and may have left the table since. False: it has, and is to be freed. */
bool cached_try_ref(struct cached *cached);
void cached_unref(struct cache *cache, struct cached *cached);

/*
 * The look-up has ended. `cached` (NULL: in vain) is kept as long as its class is; returns those that wait for it.
 * *dropped_out: answers dropped to make room.
 */
struct cache_waiter *cache_land(struct cache *cache, const struct cache_question *question, struct cached *cached,
                                int64_t now_ns, unsigned *dropped_out);
/* Keeps an answer without a flight: a look-up that goes on, but has taken too long for those who asked. */
void cache_keep(struct cache *cache, struct cached *cached, int64_t now_ns, unsigned *dropped_out);

/* Of answers, with those that left and are still in use. */
size_t cache_octets(const struct cache *cache);
size_t cache_entries(const struct cache *cache);

#endif
