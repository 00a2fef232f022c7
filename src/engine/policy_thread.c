/*
 * policy_thread.c - the thread that fetches policies, writes them down, and looks which are due.
 */
#include "engine/policies_parts.h"

#include "engine/request.h"
#include "engine/shard.h"
#include "proto/tlspolicy/mta_sts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define PATH "/.well-known/mta-sts.txt"
#define LOOK_MS 1000       /* between two looks for what is due */
#define ROUND_LOOKS 60     /* looks in which every domain is looked at once, */
#define ROUND_REFRESH_S 600 /* unless mta-sts.refresh is shorter than that */
#define REFRESHES_MAX 16   /* begun in one look */
#define NICENESS 10        /* shards go first, where cores are few */
#define PARSE_OCTETS_MAX ((size_t)1 << 20)

/* --- what a fetch has come to --- */

struct fetched {
	enum policy_outcome outcome;
	struct policy_kept *kept;
	char detail[POLICY_DETAIL_SIZE];
};

static void detail_set(struct fetched *fetched, enum policy_outcome outcome, const char *detail)
{
	fetched->outcome = outcome;
	snprintf(fetched->detail, sizeof(fetched->detail), "%s", detail);
}

static void document_read(const struct policy_fetch *fetch, struct slice body, int64_t now_s, struct fetched *out)
{
	const char *problem = "out of memory";
	struct mta_sts_policy policy;
	struct arena arena;
	int64_t lifetime_s;
	int result;

	arena_init(&arena, PARSE_OCTETS_MAX);
	result = mta_sts_policy_parse(body, &arena, &policy, &problem);
	if (result == 0) {
		lifetime_s = (int64_t)policy.max_age_s;
		if (lifetime_s < POLICY_LIFETIME_S_MIN)
			lifetime_s = POLICY_LIFETIME_S_MIN;
		out->kept = policy_kept_new(slice_of_str(fetch->id), body, now_s, now_s + lifetime_s);
	}
	arena_deinit(&arena);
	if (out->kept)
		out->outcome = POLICY_FOUND;
	else
		detail_set(out, result > 0 ? POLICY_INVALID : POLICY_BUSY, problem ? problem : "out of memory");
}

/* RFC 8461 section 3.3: status 200 alone, and no redirect. */
static void answer_read(const struct policy_fetch *fetch, const struct io_https_result *result, int64_t now_s,
                        struct fetched *out)
{
	char text[64];

	if (result->status >= 300 && result->status < 400) {
		snprintf(text, sizeof(text), "status %u: redirects are not followed", result->status);
		detail_set(out, POLICY_NOT_SERVED, text);
	} else if (result->status != 200) {
		snprintf(text, sizeof(text), "status %u", result->status);
		detail_set(out, POLICY_NOT_SERVED, text);
	} else if (!mta_sts_media_type_is_plain(result->content_type)) {
		detail_set(out, POLICY_INVALID, "its media type is not text/plain");
	} else {
		document_read(fetch, result->body, now_s, out);
	}
}

static void result_read(const struct policy_fetch *fetch, const struct io_https_result *result, int64_t now_s,
                        struct fetched *out)
{
	*out = (struct fetched){ .kept = NULL };
	switch (result->outcome) {
	case IO_HTTPS_ANSWERED: answer_read(fetch, result, now_s, out); break;
	case IO_HTTPS_TOO_LARGE: detail_set(out, POLICY_INVALID, "it is larger than 64 KiB"); break;
	case IO_HTTPS_FAULT: detail_set(out, POLICY_BUSY, result->detail); break;
	case IO_HTTPS_LATE:
	case IO_HTTPS_UNREACHED:
	case IO_HTTPS_UNTRUSTED:
	case IO_HTTPS_BROKEN: detail_set(out, POLICY_NOT_SERVED, result->detail); break;
	}
}

static void count(struct policies *policies, const struct fetched *fetched)
{
	static const enum counter_id ids[] = {
		[POLICY_FOUND] = COUNTER_POLICIES_FETCHED,     [POLICY_NOT_KEPT] = COUNTER_POLICIES_NOT_SERVED,
		[POLICY_NOT_SERVED] = COUNTER_POLICIES_NOT_SERVED, [POLICY_INVALID] = COUNTER_POLICIES_INVALID,
		[POLICY_LATE] = COUNTER_POLICIES_NOT_SERVED,   [POLICY_BUSY] = COUNTER_POLICIES_NOT_FETCHED,
	};

	counter_up(&policies->counters, ids[fetched->outcome]);
}

/* --- to those who wait --- */

/* With the lock held: a shard that goes down has it taken in policies_close() first. */
static void waiter_tell(struct policies *policies, struct policy_waiter *waiter, const struct fetched *fetched)
{
	waiter->outcome = fetched->outcome;
	waiter->kept = fetched->kept;
	snprintf(waiter->detail, sizeof(waiter->detail), "%s", fetched->detail);
	if (waiter->kept)
		atomic_fetch_add_explicit(&waiter->kept->refs, 1, memory_order_relaxed);
	if (!policies->closed && shard_post(waiter->shard, &waiter->post))
		return;
	policy_kept_unref(waiter->kept);
	free(waiter);
}

/* Failures of ours say nothing about the domain. */
static void failure_remember(struct policies *policies, const struct policy_fetch *fetch, const struct fetched *fetched,
                             int64_t now_s)
{
	struct policy_entry *entry = fetch->entry;
	int64_t again_s = policies->config.failure_s;

	if (fetched->outcome != POLICY_BUSY) {
		entry->failure = fetched->outcome;
		entry->failure_until_s = now_s + again_s;
		snprintf(entry->failure_id, sizeof(entry->failure_id), "%s", fetch->id);
		snprintf(entry->failure_detail, sizeof(entry->failure_detail), "%s", fetched->detail);
	}
	entry->refresh_at_s = now_s + policies_jitter(policies, again_s, 2 * again_s);
	if (entry->kept)
		counter_up(&policies->counters, COUNTER_POLICY_REFRESHES_FAILED);
}

/* Ends the fetch, and takes its reference to what was fetched. */
static void fetch_end(struct policy_fetch *fetch, struct fetched *fetched, int64_t now_s)
{
	struct policies *policies = fetch->policies;
	struct policy_entry *entry = fetch->entry;
	struct slice domain = slice_of(entry->name, entry->name_len);

	count(policies, fetched);
	pthread_mutex_lock(&policies->lock);
	entry->fetch = NULL;
	while (fetch->waiters) {
		struct policy_waiter *waiter = fetch->waiters;

		fetch->waiters = waiter->next;
		waiter_tell(policies, waiter, fetched);
	}
	if (fetched->kept) {
		policy_write_add(policies, domain, fetched->kept);
		policy_entry_keep(policies, entry, fetched->kept, now_s);
	} else {
		failure_remember(policies, fetch, fetched, now_s);
	}
	policies_shrink(policies);
	pthread_mutex_unlock(&policies->lock);
	free(fetch);
}

static void on_done(struct io_https_get *get, const struct io_https_result *result)
{
	struct policy_fetch *fetch = (struct policy_fetch *)((uint8_t *)get - offsetof(struct policy_fetch, get));
	int64_t now_s = time(NULL);
	struct fetched fetched;

	result_read(fetch, result, now_s, &fetched);
	fetch_end(fetch, &fetched, now_s);
}

/* --- what is asked for --- */

static void fetches_begin(struct policies *policies)
{
	struct policy_fetch *asked;

	pthread_mutex_lock(&policies->lock);
	asked = policies->asked;
	policies->asked = NULL;
	policies->asked_end = &policies->asked;
	pthread_mutex_unlock(&policies->lock);
	while (asked) {
		struct policy_fetch *next = asked->next;

		asked->get.path = PATH;
		asked->get.done = on_done;
		counter_up(&policies->counters, COUNTER_POLICY_FETCHES);
		if (!io_https_start(policies->https, &asked->get)) {
			struct fetched fetched = { .kept = NULL };

			detail_set(&fetched, POLICY_BUSY, "not fetched: mta-sts.max-waiting is reached");
			fetch_end(asked, &fetched, time(NULL));
		}
		asked = next;
	}
}

/* --- what is due --- */

struct refresh {
	struct post post;
	size_t name_len;
	uint8_t name[];
};

static void refresh_deliver(struct post *post, struct shard *shard)
{
	struct refresh *refresh = (struct refresh *)((uint8_t *)post - offsetof(struct refresh, post));

	request_refresh(shard, slice_of(refresh->name, refresh->name_len));
	free(refresh);
}

static void refresh_bounce(struct post *post)
{
	free((uint8_t *)post - offsetof(struct refresh, post));
}

/* By a shard, which has a resolver. */
static void refresh_begin(struct policies *policies, struct policy_entry *entry, int64_t now_s)
{
	struct refresh *refresh = malloc(sizeof(*refresh) + entry->name_len);
	unsigned shards = engine_config_of(policies->engine)->shards;

	entry->refresh_at_s = now_s + policies->config.failure_s;
	if (!refresh)
		return;
	*refresh = (struct refresh){ .post = { .deliver = refresh_deliver, .bounce = refresh_bounce } };
	refresh->name_len = entry->name_len;
	memcpy(refresh->name, entry->name, entry->name_len);
	counter_up(&policies->counters, COUNTER_POLICY_REFRESHES);
	if (!shard_post(engine_shard(policies->engine, (unsigned)(entry->hash % shards)), &refresh->post))
		free(refresh);
}

static bool is_over(const struct policy_entry *entry, int64_t now_s)
{
	return !entry->fetch && (!entry->kept || now_s >= entry->kept->expires_at) && now_s >= entry->failure_until_s;
}

static bool is_due(const struct policy_entry *entry, int64_t now_s)
{
	return !entry->fetch && entry->kept && entry->used && now_s >= entry->refresh_at_s;
}

static unsigned bucket_look(struct policies *policies, struct policy_entry *entry, unsigned left, int64_t now_s)
{
	unsigned begun = 0;

	while (entry) {
		struct policy_entry *next = entry->next;

		if (is_over(entry, now_s)) {
			if (entry->kept)
				policy_write_add(policies, slice_of(entry->name, entry->name_len), NULL);
			policy_entry_drop(policies, entry);
		} else if (begun < left && is_due(entry, now_s)) {
			refresh_begin(policies, entry, now_s);
			begun++;
		}
		entry = next;
	}
	return begun;
}

/* Some buckets at a time, so that the lock is held for a moment only. */
static void look(struct policies *policies)
{
	size_t buckets = policies->config.refresh_s < ROUND_REFRESH_S ? POLICY_BUCKETS : POLICY_BUCKETS / ROUND_LOOKS + 1;
	int64_t now_s = time(NULL);
	unsigned begun = 0;

	pthread_mutex_lock(&policies->lock);
	for (; buckets && policies->serving && !policies->closed && begun < REFRESHES_MAX; buckets--) {
		begun += bucket_look(policies, policies->buckets[policies->scan_at], REFRESHES_MAX - begun, now_s);
		policies->scan_at = (policies->scan_at + 1) % POLICY_BUCKETS;
	}
	pthread_mutex_unlock(&policies->lock);
}

/* --- the thread --- */

static void counters_publish(struct policies *policies)
{
	const struct io_https_counters *https = io_https_counters(policies->https);

	counter_set(&policies->counters, COUNTER_POLICY_CONNECTIONS, https->connections);
	counter_set(&policies->counters, COUNTER_POLICY_CONNECTIONS_MOST, https->connections_most);
	counter_set(&policies->counters, COUNTER_POLICIES_WAITING, https->waiting);
	counter_set(&policies->counters, COUNTER_OVER_POLICIES_WAITING, https->refused);
	counter_set(&policies->counters, COUNTER_POLICY_STRAYS, https->strays);
}

static int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static bool is_ending(struct policies *policies)
{
	bool ending;

	pthread_mutex_lock(&policies->lock);
	ending = policies->ending;
	pthread_mutex_unlock(&policies->lock);
	return ending;
}

static void *thread_main(void *arg)
{
	struct policies *policies = arg;
	int64_t look_at_ms = clock_ms() + LOOK_MS;

	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS);
	while (!is_ending(policies)) {
		fetches_begin(policies);
		io_https_run(policies->https, LOOK_MS);
		policy_file_write(policies);
		counters_publish(policies);
		if (clock_ms() < look_at_ms)
			continue;
		look(policies);
		look_at_ms = clock_ms() + LOOK_MS;
	}
	return NULL;
}

int policy_thread_start(struct policies *policies, char problem[IO_PROBLEM_SIZE])
{
	int error = pthread_create(&policies->thread, NULL, thread_main, policies);

	if (error)
		snprintf(problem, IO_PROBLEM_SIZE, "thread: %s", strerror(error));
	policies->started = error == 0;
	return -error;
}
