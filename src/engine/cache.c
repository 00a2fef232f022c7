#include "engine/cache.h"

#include "base/hash.h"

#include <stdlib.h>
#include <sys/random.h>

#define OCTETS_TYPICAL ((size_t)1024) /* of an answer: an SPF record of a few terms, a key */
#define BUCKETS_MIN ((size_t)1024)
#define BUCKETS_MAX ((size_t)1 << 23)
#define STRIPES 256
#define OBJECT_LINES 4             /* of what was read from an answer: that are fetched ahead */
#define LINE_OCTETS ((size_t)64)    /* that a processor fetches at once */
#define SWEEP_MAX 2048              /* buckets that the clock hand passes to make room for one answer */
#define RESERVE_PART 16             /* of the bound, for what has been dropped and may still be looked at */
#define ANSWER_OCTETS_MAX ((size_t)1 << 20)
#define CHUNK_OCTETS ((size_t)256)
/*
 * libunbound counts whole seconds: so much longer than we it may go on with what it knows, and would only say that again.
 */
#define RESOLVER_LATE_NS INT64_C(1000000000)

/* A question under way. */
struct flight {
	struct flight *next;
	uint64_t hash;
	enum dns_type type;
	struct cache_waiter *waiters;
	size_t name_len;
	uint8_t name[];
};

struct bucket {
	_Atomic(struct cached *) first;
};

struct stripe {
	_Alignas(64) pthread_mutex_t lock;
	struct flight *flights;
};

struct cache {
	struct cache_bounds bounds;
	struct epochs epochs;
	uint64_t seed;
	size_t buckets_count; /* a power of two, at least STRIPES */
	struct bucket *buckets;
	struct stripe stripes[STRIPES];
	_Alignas(64) _Atomic size_t octets;
	_Atomic size_t entries, hand;
};

int cache_new(const struct cache_bounds *bounds, unsigned shards, struct cache **out)
{
	struct cache *cache = aligned_alloc(_Alignof(struct cache), sizeof(*cache));

	if (!cache)
		return -ENOMEM;
	memset(cache, 0, sizeof(*cache));
	cache->bounds = *bounds;
	cache->buckets_count = BUCKETS_MIN;
	while (cache->buckets_count < BUCKETS_MAX && cache->buckets_count < bounds->octets_max / OCTETS_TYPICAL)
		cache->buckets_count *= 2;
	cache->buckets = calloc(cache->buckets_count, sizeof(*cache->buckets));
	if (!cache->buckets || getrandom(&cache->seed, sizeof(cache->seed), 0) != sizeof(cache->seed) ||
	    epochs_init(&cache->epochs, shards) < 0) {
		free(cache->buckets);
		free(cache);
		return -ENOMEM;
	}
	for (size_t i = 0; i < STRIPES; i++)
		pthread_mutex_init(&cache->stripes[i].lock, NULL);
	*out = cache;
	return 0;
}

static void cached_free(struct retired *retired)
{
	struct cached *cached = (struct cached *)retired;

	arena_deinit(&cached->arena);
	free(cached);
}

void cache_free(struct cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < cache->buckets_count; i++) {
		struct cached *cached = cache->buckets[i].first;

		while (cached) {
			struct cached *next = cached->next;

			cached_free(&cached->retired);
			cached = next;
		}
	}
	for (size_t i = 0; i < STRIPES; i++) {
		while (cache->stripes[i].flights) {
			struct flight *next = cache->stripes[i].flights->next;

			free(cache->stripes[i].flights);
			cache->stripes[i].flights = next;
		}
		pthread_mutex_destroy(&cache->stripes[i].lock);
	}
	epochs_deinit(&cache->epochs);
	free(cache->buckets);
	free(cache);
}

struct epochs *cache_epochs(struct cache *cache)
{
	return &cache->epochs;
}

uint64_t cache_hash(const struct cache *cache, struct slice name, enum dns_type type)
{
	return hash_octets(cache->seed ^ (uint64_t)type, cache->seed, name);
}

/* --- answers --- */

struct cached *cached_new(const struct cache_question *question)
{
	size_t octets = (sizeof(struct cached) + question->name.len + LINE_OCTETS - 1) & ~(LINE_OCTETS - 1);
	struct cached *cached = aligned_alloc(LINE_OCTETS, octets);

	if (!cached)
		return NULL;
	*cached = (struct cached){ .hash = question->hash, .type = question->type, .name_len = (uint32_t)question->name.len };
	atomic_init(&cached->refs, 1);
	memcpy(cached->name, question->name.ptr, question->name.len);
	arena_init_chunks(&cached->arena, ANSWER_OCTETS_MAX, CHUNK_OCTETS);
	return cached;
}

static size_t octets_of(const struct cached *cached)
{
	return sizeof(*cached) + cached->name_len + arena_bytes_held(&cached->arena);
}

void cached_ref(struct cached *cached)
{
	atomic_fetch_add_explicit(&cached->refs, 1, memory_order_relaxed);
}

bool cached_try_ref(struct cached *cached)
{
	unsigned refs = atomic_load_explicit(&cached->refs, memory_order_relaxed);

	while (refs > 0)
		if (atomic_compare_exchange_weak_explicit(&cached->refs, &refs, refs + 1, memory_order_acquire,
		                                          memory_order_relaxed))
			return true;
	return false;
}

void cached_unref(struct cache *cache, struct cached *cached)
{
	if (atomic_fetch_sub_explicit(&cached->refs, 1, memory_order_acq_rel) > 1)
		return;
	cached->retired.octets = octets_of(cached);
	cached->retired.free = cached_free;
	epochs_retire(&cache->epochs, &cached->retired);
}

/* How long the answer is fresh, seconds; 0: not to be kept. */
static int64_t lifetime_s(const struct cache_bounds *bounds, const struct dns_answer *answer)
{
	int64_t ttl = answer->ttl, max = bounds->ttl_s_max;

	switch (answer->outcome) {
	case DNS_FOUND: break;
	case DNS_NODATA:
	case DNS_NXDOMAIN: max = bounds->negative_ttl_s_max; break;
	case DNS_BOGUS: return bounds->bogus_ttl_s;
	case DNS_SERVFAIL:
	case DNS_TIMEOUT:
	case DNS_INVALID: return bounds->failure_ttl_s;
	case DNS_BUDGET:
	case DNS_SILENT: return 0;
	}
	if (ttl < bounds->ttl_s_min)
		ttl = bounds->ttl_s_min;
	return ttl < max ? ttl : max;
}

/* --- the table --- */

static _Atomic(struct cached *) *bucket_of(struct cache *cache, uint64_t hash)
{
	return &cache->buckets[hash & (cache->buckets_count - 1)].first;
}

static struct stripe *stripe_of(struct cache *cache, uint64_t hash)
{
	return &cache->stripes[hash & (STRIPES - 1)];
}

static bool is_answer_to(const struct cached *cached, const struct cache_question *question)
{
	return cached->hash == question->hash && cached->type == question->type &&
	       slice_equal(slice_of(cached->name, cached->name_len), question->name);
}

static struct cached *find(struct cache *cache, const struct cache_question *question)
{
	struct cached *cached = atomic_load_explicit(bucket_of(cache, question->hash), memory_order_acquire);

	while (cached && !is_answer_to(cached, question))
		cached = atomic_load_explicit(&cached->next, memory_order_acquire);
	return cached;
}

static int64_t fresh_until(const struct cached *cached)
{
	return atomic_load_explicit(&cached->fresh_until_ns, memory_order_relaxed);
}

/* Nothing needs to be looked up for it now. */
static bool serves(const struct cached *cached, int64_t now_ns)
{
	return now_ns < fresh_until(cached) || now_ns < cached->serve_until_ns;
}

static struct cached *used(struct cached *cached)
{
	if (!atomic_load_explicit(&cached->used, memory_order_relaxed))
		atomic_store_explicit(&cached->used, true, memory_order_relaxed);
	return cached;
}

void cache_fetch(struct cache *cache, uint64_t hash, enum cache_step step)
{
	const struct cached *cached;

	if (step == CACHE_FETCH_BUCKET) {
		__builtin_prefetch(bucket_of(cache, hash));
		return;
	}
	cached = atomic_load_explicit(bucket_of(cache, hash), memory_order_acquire);
	if (!cached)
		return;
	if (step == CACHE_FETCH_ANSWER) {
		__builtin_prefetch(&cached->next);
		__builtin_prefetch(&cached->answer);
		__builtin_prefetch(cached->name);
	} else if (cached->answer.object) {
		for (size_t at = 0; at < OBJECT_LINES * LINE_OCTETS; at += LINE_OCTETS)
			__builtin_prefetch((const uint8_t *)cached->answer.object + at);
	}
}

struct cached *cache_find(struct cache *cache, const struct cache_question *question, int64_t now_ns)
{
	struct cached *cached = find(cache, question);

	return cached && now_ns < fresh_until(cached) ? used(cached) : NULL;
}

struct cached *cache_find_in_use(struct cache *cache, const struct cache_question *question, int64_t now_ns,
                                 bool *refresh_out)
{
	struct cached *cached = find(cache, question);

	*refresh_out = false;
	if (!cached || !serves(cached, now_ns))
		return NULL;
	if (now_ns >= cached->refresh_from_ns && now_ns < cached->serve_until_ns &&
	    !atomic_load_explicit(&cached->refreshed, memory_order_relaxed))
		*refresh_out = !atomic_exchange_explicit(&cached->refreshed, true, memory_order_relaxed);
	return used(cached);
}

struct cached *cache_find_stale(struct cache *cache, const struct cache_question *question, int64_t now_ns, bool renew,
                                bool *stale_out)
{
	int64_t again_ns = now_ns + cache->bounds.failure_ttl_s * INT64_C(1000000000);
	struct stripe *stripe = stripe_of(cache, question->hash);
	struct cached *cached;

	pthread_mutex_lock(&stripe->lock);
	cached = find(cache, question);
	if (cached && (dns_is_temporary_error(&cached->answer) || cached->stale_until_ns <= now_ns))
		cached = NULL;
	if (cached) {
		cached_ref(cached);
		*stale_out = fresh_until(cached) <= now_ns;
		atomic_store_explicit(&cached->used, true, memory_order_relaxed);
		if (renew && fresh_until(cached) < again_ns)
			atomic_store_explicit(&cached->fresh_until_ns,
			                      again_ns < cached->stale_until_ns ? again_ns : cached->stale_until_ns,
			                      memory_order_relaxed);
	}
	pthread_mutex_unlock(&stripe->lock);
	return cached;
}

/* Under the stripe's lock. */
static void unlink_at(struct cache *cache, _Atomic(struct cached *) *at)
{
	struct cached *cached = atomic_load_explicit(at, memory_order_relaxed);

	/* Whoever stands on it goes on from it: its own `next` stays. */
	atomic_store_explicit(at, atomic_load_explicit(&cached->next, memory_order_relaxed), memory_order_release);
	atomic_fetch_sub_explicit(&cache->octets, cached->octets, memory_order_relaxed);
	atomic_fetch_sub_explicit(&cache->entries, 1, memory_order_relaxed);
	cached_unref(cache, cached);
}

/* Under the stripe's lock: drops what is over and what was not used since the last time. */
static unsigned bucket_sweep(struct cache *cache, _Atomic(struct cached *) *at, int64_t now_ns)
{
	struct cached *cached;
	unsigned dropped = 0;

	while ((cached = atomic_load_explicit(at, memory_order_relaxed))) {
		bool over = fresh_until(cached) <= now_ns && cached->stale_until_ns <= now_ns;

		if (over || !atomic_exchange_explicit(&cached->used, false, memory_order_relaxed)) {
			unlink_at(cache, at);
			dropped++;
		} else {
			at = &cached->next;
		}
	}
	return dropped;
}

/*
 * Not under a lock. False: there is no room now. What is dropped gives its room back only when the turns that may look at it
 * are over: the reserve is for that time, and nothing more is dropped for want of what was dropped already.
 */
static bool room_make(struct cache *cache, size_t octets, int64_t now_ns, unsigned *dropped_out)
{
	size_t most = cache->bounds.octets_max - cache->bounds.octets_max / RESERVE_PART;

	*dropped_out = 0;
	for (unsigned i = 0; i < SWEEP_MAX && atomic_load_explicit(&cache->octets, memory_order_relaxed) + octets > most; i++) {
		size_t hand;
		struct stripe *stripe;

		hand = atomic_fetch_add_explicit(&cache->hand, 1, memory_order_relaxed) & (cache->buckets_count - 1);
		stripe = stripe_of(cache, hand);
		pthread_mutex_lock(&stripe->lock);
		*dropped_out += bucket_sweep(cache, &cache->buckets[hand].first, now_ns);
		pthread_mutex_unlock(&stripe->lock);
	}
	return atomic_load_explicit(&cache->octets, memory_order_relaxed) + octets <= cache->bounds.octets_max;
}

/* Under the stripe's lock: in place of what is known of the name. A failure does not take the place of what may yet serve. */
static void insert(struct cache *cache, const struct cache_question *question, struct cached *cached, int64_t now_ns)
{
	_Atomic(struct cached *) *bucket = bucket_of(cache, question->hash), *at = bucket;
	struct cached *old;

	while ((old = atomic_load_explicit(at, memory_order_relaxed)) && !is_answer_to(old, question))
		at = &old->next;
	if (old && dns_is_temporary_error(&cached->answer) && !dns_is_temporary_error(&old->answer) &&
	    serves(old, now_ns))
		return;
	if (old)
		unlink_at(cache, at);
	cached_ref(cached);
	atomic_store_explicit(&cached->next, atomic_load_explicit(bucket, memory_order_relaxed), memory_order_relaxed);
	atomic_store_explicit(bucket, cached, memory_order_release);
	atomic_fetch_add_explicit(&cache->octets, cached->octets, memory_order_relaxed);
	atomic_fetch_add_explicit(&cache->entries, 1, memory_order_relaxed);
}

/*
 * An answer that is in use when its lifetime ends serves on, no longer than that lifetime was, and is looked up again by whoever needs it in
 * the middle of that time: at another moment for each name, so that what was learnt together is not asked for together.
 */
static int64_t prefetch_plan(const struct cache *cache, struct cached *cached, int64_t end_ns, int64_t fresh_s)
{
	int64_t longest_s = dns_is_temporary_error(&cached->answer) ? 0 : cache->bounds.prefetch_s;
	int64_t serve_ns = (longest_s < fresh_s ? longest_s : fresh_s) * INT64_C(1000000000);
	int64_t spread_ns = serve_ns > RESOLVER_LATE_NS ? (serve_ns - RESOLVER_LATE_NS) / 2 : 0;

	cached->refresh_from_ns = end_ns + RESOLVER_LATE_NS + (int64_t)((cached->hash >> 32) * (uint64_t)spread_ns >> 32);
	cached->serve_until_ns = end_ns + serve_ns;
	return serve_ns;
}

/* What must be known before it is shared. False: it is not to be kept. */
static bool prepare(struct cache *cache, struct cached *cached, int64_t now_ns, unsigned *dropped_out)
{
	int64_t fresh_s = lifetime_s(&cache->bounds, &cached->answer);
	int64_t stale_s = dns_is_temporary_error(&cached->answer) ? 0 : cache->bounds.stale_s_max;
	int64_t stale_ns = stale_s * INT64_C(1000000000), end_ns = now_ns + fresh_s * INT64_C(1000000000), serve_ns;

	cached->octets = octets_of(cached);
	atomic_store_explicit(&cached->fresh_until_ns, end_ns, memory_order_relaxed);
	serve_ns = prefetch_plan(cache, cached, end_ns, fresh_s);
	cached->stale_until_ns = end_ns + (stale_ns > serve_ns ? stale_ns : serve_ns);
	*dropped_out = 0;
	return fresh_s > 0 && room_make(cache, cached->octets, now_ns, dropped_out);
}

void cache_keep(struct cache *cache, struct cached *cached, int64_t now_ns, unsigned *dropped_out)
{
	const struct cache_question question = { slice_of(cached->name, cached->name_len), cached->type, cached->hash };
	struct stripe *stripe = stripe_of(cache, question.hash);

	if (!prepare(cache, cached, now_ns, dropped_out))
		return;
	pthread_mutex_lock(&stripe->lock);
	insert(cache, &question, cached, now_ns);
	pthread_mutex_unlock(&stripe->lock);
}

/* --- flights --- */

static struct flight **flight_place(struct stripe *stripe, const struct cache_question *question)
{
	struct flight **at = &stripe->flights;

	while (*at && !((*at)->hash == question->hash && (*at)->type == question->type &&
	                slice_equal(slice_of((*at)->name, (*at)->name_len), question->name)))
		at = &(*at)->next;
	return at;
}

static enum cache_flight flight_start(struct flight **at, const struct cache_question *question)
{
	struct flight *flight = malloc(sizeof(*flight) + question->name.len);

	if (!flight)
		return CACHE_FAULT;
	*flight = (struct flight){ .hash = question->hash, .type = question->type, .name_len = question->name.len };
	memcpy(flight->name, question->name.ptr, question->name.len);
	*at = flight;
	return CACHE_OWNED;
}

enum cache_flight cache_take_off(struct cache *cache, const struct cache_question *question,
                                 struct cache_waiter *waiter, int64_t now_ns, struct cached **found_out)
{
	struct stripe *stripe = stripe_of(cache, question->hash);
	enum cache_flight state = CACHE_FOUND;
	struct flight **at;

	pthread_mutex_lock(&stripe->lock);
	*found_out = cache_find(cache, question, now_ns);
	if (!*found_out) {
		at = flight_place(stripe, question);
		state = CACHE_WAITING;
		if (!*at) {
			state = flight_start(at, question);
		} else {
			waiter->next = (*at)->waiters;
			(*at)->waiters = waiter;
		}
	}
	pthread_mutex_unlock(&stripe->lock);
	return state;
}

struct cache_waiter *cache_land(struct cache *cache, const struct cache_question *question, struct cached *cached,
                                int64_t now_ns, unsigned *dropped_out)
{
	struct stripe *stripe = stripe_of(cache, question->hash);
	bool kept = cached && prepare(cache, cached, now_ns, dropped_out);
	struct cache_waiter *waiters = NULL;
	struct flight **at, *flight;

	pthread_mutex_lock(&stripe->lock);
	if (kept)
		insert(cache, question, cached, now_ns);
	at = flight_place(stripe, question);
	flight = *at;
	if (flight) {
		*at = flight->next;
		waiters = flight->waiters;
	}
	pthread_mutex_unlock(&stripe->lock);
	free(flight);
	return waiters;
}

size_t cache_octets(const struct cache *cache)
{
	return atomic_load_explicit(&cache->octets, memory_order_relaxed) +
	       atomic_load_explicit(&cache->epochs.octets, memory_order_relaxed);
}

size_t cache_entries(const struct cache *cache)
{
	return atomic_load_explicit(&cache->entries, memory_order_relaxed);
}
