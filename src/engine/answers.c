#include "engine/answers.h"

#include "engine/cache.h"
#include "engine/post.h"
#include "engine/request.h"
#include "proto/dns/packet.h"

#include <stdlib.h>
#include <string.h>

/* A question of one request. */
struct asked {
	struct asked *next;
	struct slice name; /* lower case */
	enum dns_type type;
	bool is_optional; /* whoever asked so far can do without */
	uint64_t hash;
	const struct dns_answer *answer; /* NULL: pending */
	struct cached *cached;           /* that it is of; NULL: pending, or it is nobody's */
	bool is_held;                    /* a reference is counted */
	struct request *request;
	/* Pending: the look-up that it waits for, and its place there. */
	struct lookup *lookup;
	struct asked *next_waiting, *prev_waiting;
};

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
	struct asked *waiting;
	size_t name_len;
	uint8_t name[];
};

static const struct dns_answer answer_timeout = { .outcome = DNS_TIMEOUT };
static const struct dns_answer answer_silent = { .outcome = DNS_SILENT };
static const struct dns_answer answer_budget = { .outcome = DNS_BUDGET };
static const struct dns_answer answer_servfail = { .outcome = DNS_SERVFAIL };
static const struct dns_answer answer_nxdomain = { .outcome = DNS_NXDOMAIN };

void answers_init(struct answers *answers)
{
	*answers = (struct answers){ .end = NULL };
}

static void count_outcome(struct shard *shard, enum dns_outcome outcome)
{
	static const enum counter_id ids[] = {
		[DNS_FOUND] = COUNTER_DNS_FOUND,       [DNS_NODATA] = COUNTER_DNS_NODATA,
		[DNS_NXDOMAIN] = COUNTER_DNS_NXDOMAIN, [DNS_SERVFAIL] = COUNTER_DNS_SERVFAIL,
		[DNS_BOGUS] = COUNTER_DNS_BOGUS,       [DNS_TIMEOUT] = COUNTER_DNS_TIMEOUT,
		[DNS_BUDGET] = COUNTER_OVER_LOOKUPS,   [DNS_INVALID] = COUNTER_DNS_INVALID,
		[DNS_SILENT] = COUNTER_DNS_SILENT,
	};

	counter_up(shard->counters, ids[outcome]);
}

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

/* --- look-ups --- */

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

static void wait_for(struct asked *asked, struct lookup *lookup)
{
	asked->lookup = lookup;
	asked->prev_waiting = NULL;
	asked->next_waiting = lookup->waiting;
	if (asked->next_waiting)
		asked->next_waiting->prev_waiting = asked;
	lookup->waiting = asked;
	asked->request->answers.pending++;
}

static void wait_no_more(struct asked *asked)
{
	if (asked->prev_waiting)
		asked->prev_waiting->next_waiting = asked->next_waiting;
	else
		asked->lookup->waiting = asked->next_waiting;
	if (asked->next_waiting)
		asked->next_waiting->prev_waiting = asked->prev_waiting;
	asked->lookup = NULL;
	asked->request->answers.pending--;
}

/* --- what requests hold --- */

/* Found in this turn: it is safe until the turn ends, and before that counted, if the request is still there. */
static void pin(struct asked *asked, struct cached *cached)
{
	struct request *request = asked->request;
	struct shard *shard = request->shard;

	asked->answer = &cached->answer;
	asked->cached = cached;
	if (request->pinning_at)
		return;
	request->next_pinning = shard->pinning;
	if (request->next_pinning)
		request->next_pinning->pinning_at = &request->next_pinning;
	request->pinning_at = &shard->pinning;
	shard->pinning = request;
}

static void pinning_end(struct request *request)
{
	if (!request->pinning_at)
		return;
	*request->pinning_at = request->next_pinning;
	if (request->next_pinning)
		request->next_pinning->pinning_at = request->pinning_at;
	request->pinning_at = NULL;
}

/* It has left the table meanwhile and cannot be counted any more: the epoch has to be held. */
static void epoch_hold(struct request *request)
{
	struct shard *shard = request->shard;

	if (request->holds_epoch)
		return;
	request->holds_epoch = true;
	if (shard->epochs_held++ == 0)
		shard->epoch_least = shard->epoch;
}

static void hold(struct asked *asked)
{
	if (!asked->cached || asked->is_held)
		return;
	asked->is_held = cached_try_ref(asked->cached);
	if (asked->is_held)
		asked->request->answers.octets += asked->cached->octets;
	else
		epoch_hold(asked->request);
}

void answers_count(struct shard *shard)
{
	while (shard->pinning) {
		struct request *request = shard->pinning;

		pinning_end(request);
		for (struct asked *asked = request->answers.first; asked; asked = asked->next)
			hold(asked);
	}
}

static void answers_release(struct request *request)
{
	pinning_end(request);
	for (struct asked *asked = request->answers.first; asked; asked = asked->next)
		if (asked->is_held)
			cached_unref(request->shard->cache, asked->cached);
	if (request->holds_epoch)
		request->shard->epochs_held--;
}

/* Everybody in this shard gets the answer (NULL: a fault of ours), and the look-up is over here. */
static void lookup_end(struct lookup *lookup, struct cached *found)
{
	const struct dns_answer *answer = found ? &found->answer : &answer_servfail;
	const struct cache_question question = question_of(lookup);
	struct shard *shard = lookup->shard;

	*lookup_place(shard, &question) = lookup->next;
	zone_load_end(&shard->zone_load, lookup->zone_slot);
	counter_add(shard->counters, COUNTER_LOOKUPS_IN_FLIGHT, UINT64_MAX);
	while (lookup->waiting) {
		struct asked *asked = lookup->waiting;

		wait_no_more(asked);
		if (found)
			pin(asked, found);
		else
			asked->answer = answer;
		count_outcome(shard, answer->outcome);
		request_wake(asked->request);
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

/* It has come to nothing; how often that is found out, it counts once. */
static void lookup_failed(struct lookup *lookup)
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
	counter_up(shard->counters, COUNTER_LOOKUPS_IN_FLIGHT);
	return lookup;
}

static void lookup_start(struct shard *shard, struct asked *asked, const struct dns_form *form, struct lookup **place)
{
	const struct cache_question question = { asked->name, asked->type, asked->hash };
	const struct dns_answer *why;
	struct lookup *lookup = lookup_new(shard, &question, form, place, &why);

	if (!lookup) {
		asked->answer = why;
		return;
	}
	wait_for(asked, lookup);
	lookup_fly(lookup);
	if (asked->answer)
		counter_up(shard->counters, COUNTER_LOOKUPS_AT_ONCE);
}

/* For those who will ask: nobody waits for it, and in vain it changes nothing. */
static void lookup_prefetch(struct shard *shard, const struct cache_question *question, const struct dns_form *form)
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

/* Those of other shards must not wait for what this one will not finish. */
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

/* --- of a request --- */

static struct asked *asked_find(struct answers *answers, struct slice name, enum dns_type type, uint64_t hash)
{
	for (struct asked *asked = answers->first; asked; asked = asked->next)
		if (asked->hash == hash && asked->type == type && slice_equal(asked->name, name))
			return asked;
	return NULL;
}

static struct asked *asked_new(struct request *request, const struct cache_question *question)
{
	struct answers *answers = &request->answers;
	struct asked *asked = ARENA_NEW(&request->arena, struct asked);

	if (!asked)
		return NULL;
	asked->name = question->name;
	asked->type = question->type;
	asked->hash = question->hash;
	asked->request = request;
	if (answers->end)
		*answers->end = asked;
	else
		answers->first = asked;
	answers->end = &asked->next;
	answers->count++;
	return asked;
}

/* An old answer serves, if there is one that may. `renew`: for others too. */
static bool serve_stale(struct asked *asked, bool renew)
{
	struct shard *shard = asked->request->shard;
	const struct cache_question question = { asked->name, asked->type, asked->hash };
	bool is_stale = false;
	struct cached *cached = cache_find_stale(shard->cache, &question, io_now_ns(shard->loop), renew, &is_stale);

	counter_add(shard->counters, COUNTER_CACHE_STALE, is_stale);
	if (!cached)
		return false;
	asked->answer = &cached->answer;
	asked->cached = cached;
	asked->is_held = true;
	return true;
}

/* What is not known, and not to be asked for either. */
static const struct dns_answer *question_unasked(struct asked *asked, const struct dns_answer *answer)
{
	if (!serve_stale(asked, false))
		asked->answer = answer;
	count_outcome(asked->request->shard, asked->answer->outcome);
	return asked->answer;
}

/* A question that is new to the request. NULL: pending. */
static const struct dns_answer *question_new(struct request *request, const struct cache_question *question,
                                             const struct dns_question *asking)
{
	struct shard *shard = request->shard;
	bool refresh;
	struct cached *cached = cache_find_in_use(shard->cache, question, io_now_ns(shard->loop), &refresh);
	struct asked *asked = asked_new(request, question);
	struct lookup **place;

	if (!asked)
		return &answer_servfail;
	if (cached) {
		counter_up(shard->counters, COUNTER_CACHE_HITS);
		count_outcome(shard, cached->answer.outcome);
		asked->name = slice_of(cached->name, cached->name_len);
		pin(asked, cached);
		if (refresh)
			lookup_prefetch(shard, question, asking->form);
		return asked->answer;
	}
	asked->name = SLICE_EMPTY;
	if (arena_copy(&request->arena, question->name, &asked->name) < 0)
		return asked->answer = &answer_servfail;
	asked->is_optional = asking->is_optional;
	if (request->answers.closed || (asked->is_optional && request->answers.optional_closed))
		return question_unasked(asked, &answer_timeout);
	if (!breaker_allows(&shard->breaker, question->name, io_now_ns(shard->loop)))
		return question_unasked(asked, &answer_silent);
	place = lookup_place(shard, question);
	if (*place) {
		counter_up(shard->counters, COUNTER_LOOKUPS_JOINED);
		wait_for(asked, *place);
	} else {
		lookup_start(shard, asked, asking->form, place);
	}
	if (!asked->answer && asked->is_optional)
		request_wait_optional(request);
	return asked->answer;
}

const struct dns_answer *answers_ask(struct request *request, const struct dns_question *asking)
{
	struct shard *shard = request->shard;
	struct cache_question question = { .type = asking->type };
	uint8_t lower[DNS_NAME_OCTETS_MAX];
	struct asked *asked;

	if (asking->name.len == 0 || asking->name.len > sizeof(lower))
		return &answer_nxdomain;
	for (size_t i = 0; i < asking->name.len; i++)
		lower[i] = octet_lower(asking->name.ptr[i]);
	question.name = slice_of(lower, asking->name.len);
	question.hash = cache_hash(shard->cache, question.name, question.type);
	asked = asked_find(&request->answers, question.name, question.type, question.hash);
	if (asked) {
		asked->is_optional = asked->is_optional && asking->is_optional;
		return asked->answer;
	}
	if (request->answers.count + asking->reserved >= shard->limits.lookups_max) {
		count_outcome(shard, DNS_BUDGET);
		return &answer_budget;
	}
	return question_new(request, &question, asking);
}

/* So long nobody is silent who is there: nearly dns.timeout, for a look-up begins a little later than its request. */
static int64_t patience_ns(const struct shard *shard)
{
	return shard->limits.dns_wait_ms_max * INT64_C(750000);
}

/* Of reverse names less is enough: they are asked for as optional ones alone, which are not waited for longer. */
static int64_t silence_ns(const struct asked *asked)
{
	int64_t wait_ns = patience_ns(asked->request->shard);

	return asked->is_optional && asked->type == DNS_PTR ? wait_ns / 3 : wait_ns;
}

/*
 * The time for look-ups is over: an old answer serves, where there may be one, or the name counts as silent for a while,
 * so that not every message that names it waits as long as this one did.
 */
static void end_in_vain(struct asked *asked)
{
	struct shard *shard = asked->request->shard;
	const struct cache_question question = { asked->name, asked->type, asked->hash };
	int64_t now_ns = io_now_ns(shard->loop);
	int64_t waited_ns = now_ns - asked->lookup->since_ns;
	bool silent = waited_ns >= silence_ns(asked);
	struct cached *cached;
	unsigned dropped = 0;

	if (waited_ns >= patience_ns(shard))
		lookup_failed(asked->lookup);
	if (serve_stale(asked, silent))
		return;
	asked->answer = &answer_timeout;
	/* A client in a hurry says nothing about the name. */
	cached = silent ? cached_new(&question) : NULL;
	if (cached) {
		cached->answer = answer_timeout;
		cache_keep(shard->cache, cached, now_ns, &dropped);
		counter_add(shard->counters, COUNTER_CACHE_DROPPED, dropped);
		cached_unref(shard->cache, cached);
	}
}

static void give_up(struct asked *asked)
{
	end_in_vain(asked);
	wait_no_more(asked);
	count_outcome(asked->request->shard, asked->answer->outcome);
}

void answers_close(struct request *request)
{
	request->answers.closed = true;
	for (struct asked *asked = request->answers.first; asked; asked = asked->next)
		if (!asked->answer)
			give_up(asked);
}

void answers_close_optional(struct request *request)
{
	request->answers.optional_closed = true;
	for (struct asked *asked = request->answers.first; asked; asked = asked->next) {
		if (asked->answer || !asked->is_optional)
			continue;
		give_up(asked);
		counter_up(request->shard->counters, COUNTER_OVER_OPTIONAL_TIME);
	}
}

void answers_drop(struct request *request)
{
	for (struct asked *asked = request->answers.first; asked; asked = asked->next)
		if (!asked->answer)
			wait_no_more(asked);
	answers_release(request);
}
