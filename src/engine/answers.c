#include "engine/answers.h"

#include "engine/lookups.h"
#include "engine/request.h"

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
	struct lookup_wait wait;         /* pending: for the look-up */
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

/* --- what requests wait for --- */

static struct asked *asked_of(struct lookup_wait *wait)
{
	return (struct asked *)((uint8_t *)wait - offsetof(struct asked, wait));
}

static void wait_ended(struct lookup_wait *wait, struct cached *found)
{
	struct asked *asked = asked_of(wait);

	asked->request->answers.pending--;
	if (found)
		pin(asked, found);
	else
		asked->answer = &answer_servfail;
	count_outcome(asked->request->shard, asked->answer->outcome);
	request_wake(asked->request);
}

static void wait_no_more(struct asked *asked)
{
	lookup_leave(&asked->wait);
	asked->request->answers.pending--;
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

/* Waits for the look-up under way, or begins one. */
static void look_up(struct asked *asked, const struct dns_form *form)
{
	const struct cache_question question = { asked->name, asked->type, asked->hash };
	struct request *request = asked->request;
	const struct dns_answer *why;

	request->answers.pending++;
	asked->wait.ended = wait_ended;
	if (lookup_join(request->shard, &question, &asked->wait))
		return;
	why = lookup_begin(request->shard, &question, form, &asked->wait);
	if (why) {
		request->answers.pending--;
		if (!serve_stale(asked, false))
			asked->answer = why;
	} else if (asked->answer) {
		counter_up(request->shard->counters, COUNTER_LOOKUPS_AT_ONCE);
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
	look_up(asked, asking->form);
	if (!asked->answer && asked->is_optional)
		request_wait_optional(request);
	return asked->answer;
}

uint64_t answers_hash(const struct shard *shard, struct slice name, enum dns_type type, uint8_t *lower)
{
	slice_lower(name, lower);
	return cache_hash(shard->cache, slice_of(lower, name.len), type);
}

const struct dns_answer *answers_ask(struct request *request, const struct dns_question *asking)
{
	struct shard *shard = request->shard;
	struct cache_question question = { .type = asking->type };
	uint8_t lower[DNS_NAME_OCTETS_MAX];
	struct asked *asked;

	if (asking->name.len == 0 || asking->name.len > sizeof(lower))
		return &answer_nxdomain;
	question.hash = answers_hash(shard, asking->name, asking->type, lower);
	question.name = slice_of(lower, asking->name.len);
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
	int64_t waited_ns = lookup_age_ns(asked->wait.lookup);
	bool silent = waited_ns >= silence_ns(asked);
	struct cached *cached;
	unsigned dropped = 0;

	if (waited_ns >= patience_ns(shard))
		lookup_failed(asked->wait.lookup);
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
