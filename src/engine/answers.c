#include "engine/answers.h"

#include "engine/request.h"
#include "proto/dns/packet.h"

#include <stdlib.h>
#include <string.h>

/* A question of one request. */
struct asked {
	struct asked *next;
	struct slice name; /* lower case */
	enum dns_type type;
	uint64_t hash;
	const struct dns_answer *answer; /* NULL: pending */
	struct request *request;
	/* Pending: the look-up that it waits for, and its place there. */
	struct lookup *lookup;
	struct asked *next_waiting, *prev_waiting;
};

/* A question under way. */
struct lookup {
	struct lookup *next; /* of its bucket */
	struct shard *shard;
	enum dns_type type;
	uint64_t hash;
	struct asked *waiting;
	size_t name_len;
	uint8_t name[];
};

static const struct dns_answer answer_timeout = { .outcome = DNS_TIMEOUT };
static const struct dns_answer answer_budget = { .outcome = DNS_BUDGET };
static const struct dns_answer answer_servfail = { .outcome = DNS_SERVFAIL };
static const struct dns_answer answer_nxdomain = { .outcome = DNS_NXDOMAIN };

/* FNV-1a. Collisions cost a comparison; the table is of questions under way, which are few and short-lived. */
static uint64_t question_hash(struct slice name, enum dns_type type)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)type;

	for (size_t i = 0; i < name.len; i++)
		hash = (hash ^ name.ptr[i]) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 29;
}

void answers_init(struct answers *answers)
{
	*answers = (struct answers){ .end = NULL };
}

/* --- look-ups --- */

static struct lookup **lookup_place(struct shard *shard, struct slice name, enum dns_type type, uint64_t hash)
{
	struct lookup **at = &shard->lookups[hash & (LOOKUP_BUCKETS - 1)];

	while (*at && !((*at)->hash == hash && (*at)->type == type &&
	                slice_equal(slice_of((*at)->name, (*at)->name_len), name)))
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

static enum dns_outcome outcome_of(const struct io_dns_reply *reply)
{
	if (reply->security == IO_DNS_BOGUS)
		return DNS_BOGUS;
	return reply->rcode == 0 ? DNS_FOUND : reply->rcode == 3 ? DNS_NXDOMAIN : DNS_SERVFAIL;
}

/* The answer as the request keeps it: in its own arena, whatever becomes of the resolver's memory. */
static const struct dns_answer *answer_make(struct request *request, enum dns_type type,
                                            const struct io_dns_reply *reply)
{
	enum dns_outcome outcome = outcome_of(reply);
	struct dns_answer *answer = ARENA_NEW(&request->arena, struct dns_answer);

	if (!answer)
		return &answer_servfail;
	*answer = (struct dns_answer){ .outcome = outcome };
	if (outcome == DNS_FOUND && dns_packet_read(reply->packet, type, &request->arena, answer) < 0)
		return &answer_servfail;
	answer->secure = reply->security == IO_DNS_SECURE;
	return answer;
}

static void count_outcome(struct shard *shard, enum dns_outcome outcome)
{
	static const enum counter_id ids[] = {
		[DNS_FOUND] = COUNTER_DNS_FOUND,       [DNS_NODATA] = COUNTER_DNS_NODATA,
		[DNS_NXDOMAIN] = COUNTER_DNS_NXDOMAIN, [DNS_SERVFAIL] = COUNTER_DNS_SERVFAIL,
		[DNS_BOGUS] = COUNTER_DNS_BOGUS,       [DNS_TIMEOUT] = COUNTER_DNS_TIMEOUT,
		[DNS_BUDGET] = COUNTER_OVER_LOOKUPS,   [DNS_INVALID] = COUNTER_DNS_INVALID,
	};

	counter_up(shard->counters, ids[outcome]);
}

static void lookup_done(void *arg, const struct io_dns_reply *reply)
{
	struct lookup *lookup = arg;
	struct shard *shard = lookup->shard;

	*lookup_place(shard, slice_of(lookup->name, lookup->name_len), lookup->type, lookup->hash) = lookup->next;
	counter_add(shard->counters, COUNTER_LOOKUPS_IN_FLIGHT, UINT64_MAX);
	while (lookup->waiting) {
		struct asked *asked = lookup->waiting;

		wait_no_more(asked);
		asked->answer = answer_make(asked->request, lookup->type, reply);
		count_outcome(shard, asked->answer->outcome);
		request_wake(asked->request);
	}
	free(lookup);
}

static void lookup_start(struct shard *shard, struct asked *asked, struct lookup **place)
{
	struct lookup *lookup = malloc(sizeof(*lookup) + asked->name.len);
	int result;

	if (!lookup) {
		asked->answer = &answer_servfail;
		return;
	}
	*lookup = (struct lookup){ .shard = shard, .type = asked->type, .hash = asked->hash, .name_len = asked->name.len };
	memcpy(lookup->name, asked->name.ptr, asked->name.len);
	lookup->next = *place;
	*place = lookup;
	wait_for(asked, lookup);
	counter_up(shard->counters, COUNTER_LOOKUPS);
	counter_up(shard->counters, COUNTER_LOOKUPS_IN_FLIGHT);
	result = io_resolver_ask(shard->resolver, asked->name, asked->type, lookup_done, lookup);
	if (result < 0) {
		/* A name that cannot be asked for does not exist; a resolver without memory is a fault. */
		lookup_done(lookup, &(struct io_dns_reply){ .rcode = result == -EINVAL ? 3 : 2 });
	}
	if (asked->answer)
		counter_up(shard->counters, COUNTER_LOOKUPS_AT_ONCE);
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

static struct asked *asked_new(struct request *request, struct slice name, enum dns_type type, uint64_t hash)
{
	struct answers *answers = &request->answers;
	struct asked *asked = ARENA_NEW(&request->arena, struct asked);

	if (!asked || arena_copy(&request->arena, name, &asked->name) < 0)
		return NULL;
	asked->type = type;
	asked->hash = hash;
	asked->request = request;
	if (answers->end)
		*answers->end = asked;
	else
		answers->first = asked;
	answers->end = &asked->next;
	answers->count++;
	return asked;
}

const struct dns_answer *answers_ask(struct request *request, const struct dns_question *question)
{
	struct slice name = question->name;
	enum dns_type type = question->type;
	struct shard *shard = request->shard;
	struct answers *answers = &request->answers;
	uint8_t lower[256];
	struct asked *asked;
	struct lookup **place;
	uint64_t hash;

	if (name.len == 0 || name.len > 253)
		return &answer_nxdomain;
	for (size_t i = 0; i < name.len; i++)
		lower[i] = octet_lower(name.ptr[i]);
	name = slice_of(lower, name.len);
	hash = question_hash(name, type);
	asked = asked_find(answers, name, type, hash);
	if (asked)
		return asked->answer;
	if (answers->count + question->reserved >= shard->limits.lookups_max) {
		count_outcome(shard, DNS_BUDGET);
		return &answer_budget;
	}
	asked = asked_new(request, name, type, hash);
	if (!asked)
		return &answer_servfail;
	if (answers->closed) {
		count_outcome(shard, DNS_TIMEOUT);
		return asked->answer = &answer_timeout;
	}
	place = lookup_place(shard, name, type, hash);
	if (*place) {
		counter_up(shard->counters, COUNTER_LOOKUPS_JOINED);
		wait_for(asked, *place);
	} else {
		lookup_start(shard, asked, place);
	}
	return asked->answer;
}

static void pending_end(struct request *request, const struct dns_answer *answer)
{
	for (struct asked *asked = request->answers.first; asked; asked = asked->next) {
		if (asked->answer)
			continue;
		wait_no_more(asked);
		asked->answer = answer;
		if (answer)
			count_outcome(request->shard, answer->outcome);
	}
}

void answers_close(struct request *request)
{
	request->answers.closed = true;
	pending_end(request, &answer_timeout);
}

void answers_drop(struct request *request)
{
	pending_end(request, NULL);
}
