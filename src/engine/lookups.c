#include "engine/lookups.h"

#include "engine/post.h"
#include "engine/shard.h"
#include "proto/dns/packet.h"

#include <stdlib.h>
#include <string.h>

/* A question under way: this shard's, or another's that this one waits for. */
struct lookup {
	struct cache_waiter waiter; /* in another shard's flight */
	struct post post;           /* on its way back from there */
	struct cached *found;       /* what it brings; NULL: nothing, ask again */
	bool is_waiting;            /* for another shard */
	bool has_failed;            /* counted for the breaker */
	struct lookup *next;        /* of its bucket */
	struct shard *shard;
	enum dns_type type;
	const struct dns_form *form;
	uint64_t hash;
	int64_t since_ns;
	uint32_t zone_slot;
	struct lookup_wait *waiting;
	size_t name_len;
	uint8_t name[];
};

static const struct dns_answer answer_budget = { .outcome = DNS_BUDGET };
static const struct dns_answer answer_servfail = { .outcome = DNS_SERVFAIL };

/* --- what the resolver says, as it is kept --- */

static enum dns_outcome outcome_of(const struct io_dns_reply *reply)
{
	if (reply->security == IO_DNS_BOGUS)
		return DNS_BOGUS;
	return reply->rcode == 0 ? DNS_FOUND : reply->rcode == 3 ? DNS_NXDOMAIN : DNS_SERVFAIL;
}

static int cached_fill(struct cached *cached, const struct dns_form *form, const struct io_dns_reply *reply)
{
	struct dns_answer *answer = &cached->answer;
	void *object;

	answer->outcome = outcome_of(reply);
	if (!dns_is_temporary_error(answer) && reply->packet.len)
		TRY(dns_packet_read(reply->packet, cached->type, &cached->arena, answer));
	answer->secure = reply->security == IO_DNS_SECURE;
	if (!form || answer->outcome != DNS_FOUND)
		return 0;
	if (!(object = arena_alloc(&cached->arena, form->size)))
		return -ENOMEM;
	TRY(form->read(answer, &cached->arena, object));
	answer->object = object;
	answer->form = form;
	return 0;
}

/* With one reference; NULL: no memory. */
static struct cached *cached_make(struct cache *cache, const struct cache_question *question,
                                  const struct dns_form *form, const struct io_dns_reply *reply)
{
	struct cached *cached = cached_new(question);

	if (!cached || cached_fill(cached, form, reply) == 0)
		return cached;
	/* What cannot be read within the bound of an answer is a fault of it, and kept as one; having no memory is ours. */
	if (cached->arena.bytes_used > cached->arena.bytes_max / 2) {
		cached->answer = answer_servfail;
		return cached;
	}
	cached_unref(cache, cached);
	return NULL;
}

static struct cache_question question_of(const struct lookup *lookup)
{
	return (struct cache_question){ slice_of(lookup->name, lookup->name_len), lookup->type, lookup->hash };
}

static struct lookup **lookup_place(struct shard *shard, const struct cache_question *question)
{
	struct lookup **at = &shard->lookups[question->hash & (LOOKUP_BUCKETS - 1)];

	while (*at && !((*at)->hash == question->hash && (*at)->type == question->type &&
	                slice_equal(slice_of((*at)->name, (*at)->name_len), question->name)))
		at = &(*at)->next;
	return at;
}

static void wait_begin(struct lookup *lookup, struct lookup_wait *wait)
{
	wait->lookup = lookup;
	wait->prev = NULL;
	wait->next = lookup->waiting;
	if (wait->next)
		wait->next->prev = wait;
	lookup->waiting = wait;
}

void lookup_leave(struct lookup_wait *wait)
{
	if (wait->prev)
		wait->prev->next = wait->next;
	else
		wait->lookup->waiting = wait->next;
	if (wait->next)
		wait->next->prev = wait->prev;
	wait->lookup = NULL;
}

int64_t lookup_age_ns(const struct lookup *lookup)
{
	return io_now_ns(lookup->shard->loop) - lookup->since_ns;
}

/* Everybody in this shard gets the answer (NULL: a fault of ours), and the look-up is over here. */
static void lookup_end(struct lookup *lookup, struct cached *found)
{
	const struct cache_question question = question_of(lookup);
	struct shard *shard = lookup->shard;

	*lookup_place(shard, &question) = lookup->next;
	shard->lookups_count--;
	zone_load_end(&shard->zone_load, lookup->zone_slot);
	counter_add(shard->counters, COUNTER_LOOKUPS_IN_FLIGHT, UINT64_MAX);
	while (lookup->waiting) {
		struct lookup_wait *wait = lookup->waiting;

		lookup_leave(wait);
		wait->ended(wait, found);
	}
	free(lookup);
}

static struct lookup *lookup_of_waiter(struct cache_waiter *waiter)
{
	return (struct lookup *)((uint8_t *)waiter - offsetof(struct lookup, waiter));
}

/* This shard will not hear of it any more. */
static void lookup_unheard(struct post *post)
{
	struct lookup *lookup = (struct lookup *)((uint8_t *)post - offsetof(struct lookup, post));

	if (lookup->found)
		cached_unref(lookup->shard->cache, lookup->found);
	lookup->found = NULL;
}

/* To the shards that wait for what this one has looked up. */
static void waiters_tell(struct cache_waiter *waiters, struct cached *found)
{
	while (waiters) {
		struct lookup *lookup = lookup_of_waiter(waiters);

		waiters = waiters->next;
		lookup->found = found;
		if (found)
			cached_ref(found);
		/* A shard that has retired hears of nothing any more. */
		if (!shard_post(lookup->shard, &lookup->post))
			lookup_unheard(&lookup->post);
	}
}

/* Lands the look-up: what is known of the name is shared, and everybody told. */
static void lookup_land(struct lookup *lookup, struct cached *cached)
{
	const struct cache_question question = question_of(lookup);
	struct shard *shard = lookup->shard;
	struct cached *stale = NULL;
	struct cache_waiter *waiters;
	bool is_stale = false;
	unsigned dropped = 0;

	if (cached && dns_is_temporary_error(&cached->answer))
		stale = cache_find_stale(shard->cache, &question, io_now_ns(shard->loop), true, &is_stale);
	waiters = cache_land(shard->cache, &question, stale ? NULL : cached, io_now_ns(shard->loop), &dropped);
	counter_add(shard->counters, COUNTER_CACHE_STALE, is_stale && (waiters || lookup->waiting));
	counter_add(shard->counters, COUNTER_CACHE_DROPPED, dropped);
	waiters_tell(waiters, stale ? stale : cached);
	lookup_end(lookup, stale ? stale : cached);
	if (stale)
		cached_unref(shard->cache, stale);
	if (cached)
		cached_unref(shard->cache, cached);
}

static void lookup_read(struct lookup *lookup, const struct io_dns_reply *reply)
{
	const struct cache_question question = question_of(lookup);

	lookup_land(lookup, cached_make(lookup->shard->cache, &question, lookup->form, reply));
}

void lookup_failed(struct lookup *lookup)
{
	struct shard *shard = lookup->shard;

	if (lookup->is_waiting || lookup->has_failed)
		return;
	lookup->has_failed = true;
	breaker_failed(&shard->breaker, slice_of(lookup->name, lookup->name_len), io_now_ns(shard->loop));
}

static void lookup_done(void *arg, const struct io_dns_reply *reply)
{
	struct lookup *lookup = arg;
	struct shard *shard = lookup->shard;

	if (outcome_of(reply) == DNS_SERVFAIL)
		lookup_failed(lookup);
	else
		breaker_answered(&shard->breaker, slice_of(lookup->name, lookup->name_len), io_now_ns(shard->loop));
	lookup_read(lookup, reply);
}

static void lookup_resolve(struct lookup *lookup)
{
	struct slice name = slice_of(lookup->name, lookup->name_len);
	int result;

	counter_up(lookup->shard->counters, COUNTER_LOOKUPS);
	result = io_resolver_ask(lookup->shard->resolver, name, lookup->type, lookup_done, lookup);
	/* A name that cannot be asked for does not exist; a resolver without memory says nothing about it. */
	if (result == -EINVAL)
		lookup_read(lookup, &(struct io_dns_reply){ .rcode = 3 });
	else if (result < 0)
		lookup_land(lookup, NULL);
}

/* Finds out which shard asks. */
static void lookup_fly(struct lookup *lookup)
{
	const struct cache_question question = question_of(lookup);
	struct shard *shard = lookup->shard;
	struct cached *found;

	switch (cache_take_off(shard->cache, &question, &lookup->waiter, io_now_ns(shard->loop), &found)) {
	case CACHE_FOUND:
		counter_up(shard->counters, COUNTER_CACHE_HITS);
		lookup_end(lookup, found);
		break;
	case CACHE_OWNED: lookup_resolve(lookup); break;
	case CACHE_WAITING:
		lookup->is_waiting = true;
		counter_up(shard->counters, COUNTER_LOOKUPS_JOINED);
		break;
	case CACHE_FAULT: lookup_end(lookup, NULL); break;
	}
}

/* Another shard's look-up has ended. */
static void lookup_hear(struct post *post, struct shard *shard)
{
	struct lookup *lookup = (struct lookup *)((uint8_t *)post - offsetof(struct lookup, post));
	struct cached *found = lookup->found;

	lookup->is_waiting = false;
	if (!found && lookup->waiting) {
		lookup_fly(lookup);
		return;
	}
	lookup_end(lookup, found);
	if (found)
		cached_unref(shard->cache, found);
}

/* NULL: it cannot be looked up; *why_out says why. */
static struct lookup *lookup_new(struct shard *shard, const struct cache_question *question, const struct dns_form *form,
                                 struct lookup **place, const struct dns_answer **why_out)
{
	struct lookup *lookup;
	uint32_t zone_slot;

	*why_out = &answer_budget;
	if (shard->lookups_count >= shard->limits.shard_lookups_max) {
		counter_up(shard->counters, COUNTER_OVER_QUERIES);
		return NULL;
	}
	if (!zone_load_begin(&shard->zone_load, question->name, &zone_slot)) {
		counter_up(shard->counters, COUNTER_OVER_DOMAIN_QUERIES);
		return NULL;
	}
	*why_out = &answer_servfail;
	lookup = malloc(sizeof(*lookup) + question->name.len);
	if (!lookup) {
		zone_load_end(&shard->zone_load, zone_slot);
		return NULL;
	}
	*lookup = (struct lookup){
		.shard = shard, .post = { .deliver = lookup_hear, .bounce = lookup_unheard }, .form = form
	};
	lookup->zone_slot = zone_slot;
	lookup->type = question->type;
	lookup->since_ns = io_now_ns(shard->loop);
	lookup->hash = question->hash;
	lookup->name_len = question->name.len;
	memcpy(lookup->name, question->name.ptr, question->name.len);
	lookup->next = *place;
	*place = lookup;
	shard->lookups_count++;
	counter_up(shard->counters, COUNTER_LOOKUPS_IN_FLIGHT);
	return lookup;
}

bool lookup_join(struct shard *shard, const struct cache_question *question, struct lookup_wait *wait)
{
	struct lookup *lookup = *lookup_place(shard, question);

	if (!lookup)
		return false;
	counter_up(shard->counters, COUNTER_LOOKUPS_JOINED);
	wait_begin(lookup, wait);
	return true;
}

const struct dns_answer *lookup_begin(struct shard *shard, const struct cache_question *question,
                                      const struct dns_form *form, struct lookup_wait *wait)
{
	const struct dns_answer *why;
	struct lookup *lookup = lookup_new(shard, question, form, lookup_place(shard, question), &why);

	if (!lookup)
		return why;
	wait_begin(lookup, wait);
	lookup_fly(lookup);
	return NULL;
}

void lookup_prefetch(struct shard *shard, const struct cache_question *question, const struct dns_form *form)
{
	struct lookup **place = lookup_place(shard, question), *lookup;
	const struct dns_answer *why;

	if (*place || !breaker_allows(&shard->breaker, question->name, io_now_ns(shard->loop)))
		return;
	lookup = lookup_new(shard, question, form, place, &why);
	if (!lookup)
		return;
	counter_up(shard->counters, COUNTER_PREFETCHES);
	lookup_fly(lookup);
}

void lookups_abandon(struct shard *shard)
{
	for (size_t i = 0; i < LOOKUP_BUCKETS; i++) {
		for (struct lookup *lookup = shard->lookups[i]; lookup; lookup = lookup->next) {
			const struct cache_question question = question_of(lookup);
			unsigned dropped;

			if (!lookup->is_waiting)
				waiters_tell(cache_land(shard->cache, &question, NULL, 0, &dropped), NULL);
		}
	}
}

void lookups_drop(struct shard *shard)
{
	for (size_t i = 0; i < LOOKUP_BUCKETS; i++) {
		while (shard->lookups[i]) {
			struct lookup *next = shard->lookups[i]->next;

			ASSERT(!shard->lookups[i]->waiting);
			free(shard->lookups[i]);
			shard->lookups[i] = next;
		}
	}
}
