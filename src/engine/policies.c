#include "engine/policies_parts.h"

#include "base/hash.h"
#include "engine/shard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* --- policies --- */

struct policy_kept *policy_kept_new(struct slice id, struct slice text, int64_t fetched_at, int64_t expires_at)
{
	struct policy_kept *kept = malloc(sizeof(*kept) + id.len + text.len);

	if (!kept)
		return NULL;
	atomic_init(&kept->refs, 1);
	kept->fetched_at = fetched_at;
	kept->expires_at = expires_at;
	kept->octets_count = id.len + text.len;
	if (id.len)
		memcpy(kept->octets, id.ptr, id.len);
	if (text.len)
		memcpy(kept->octets + id.len, text.ptr, text.len);
	kept->id = slice_of(kept->octets, id.len);
	kept->text = slice_of(kept->octets + id.len, text.len);
	return kept;
}

static void policy_kept_ref(struct policy_kept *kept)
{
	atomic_fetch_add_explicit(&kept->refs, 1, memory_order_relaxed);
}

void policy_kept_unref(struct policy_kept *kept)
{
	if (kept && atomic_fetch_sub_explicit(&kept->refs, 1, memory_order_acq_rel) == 1)
		free(kept);
}

/* --- the table --- */

static struct policy_entry **bucket_of(struct policies *policies, uint64_t hash)
{
	return &policies->buckets[hash & (POLICY_BUCKETS - 1)];
}

struct policy_entry *policy_entry_find(struct policies *policies, struct slice domain)
{
	uint64_t hash = hash_octets(0, policies->seed, domain);
	struct policy_entry *entry = *bucket_of(policies, hash);

	while (entry && !(entry->hash == hash && slice_equal(slice_of(entry->name, entry->name_len), domain)))
		entry = entry->next;
	return entry;
}

static void use_unlink(struct policies *policies, struct policy_entry *entry)
{
	*(entry->newer ? &entry->newer->older : &policies->newest) = entry->older;
	*(entry->older ? &entry->older->newer : &policies->oldest) = entry->newer;
}

static void use_link(struct policies *policies, struct policy_entry *entry)
{
	entry->newer = NULL;
	entry->older = policies->newest;
	*(entry->older ? &entry->older->newer : &policies->oldest) = entry;
	policies->newest = entry;
}

static void sizes_tell(struct policies *policies)
{
	atomic_store_explicit(&policies->entries_seen, policies->entries, memory_order_relaxed);
	atomic_store_explicit(&policies->octets_seen, policies->octets, memory_order_relaxed);
}

static void entry_count(struct policies *policies, struct policy_entry *entry)
{
	size_t octets = sizeof(*entry) + entry->name_len;

	if (entry->kept)
		octets += sizeof(*entry->kept) + entry->kept->octets_count;
	policies->octets += octets - entry->octets;
	entry->octets = octets;
	sizes_tell(policies);
}

struct policy_entry *policy_entry_get(struct policies *policies, struct slice domain)
{
	struct policy_entry *entry = policy_entry_find(policies, domain), **bucket;

	if (entry)
		return entry;
	entry = calloc(1, sizeof(*entry) + domain.len);
	if (!entry)
		return NULL;
	entry->hash = hash_octets(0, policies->seed, domain);
	entry->name_len = domain.len;
	memcpy(entry->name, domain.ptr, domain.len);
	bucket = bucket_of(policies, entry->hash);
	entry->next = *bucket;
	*bucket = entry;
	use_link(policies, entry);
	policies->entries++;
	entry_count(policies, entry);
	return entry;
}

void policy_entry_drop(struct policies *policies, struct policy_entry *entry)
{
	struct policy_entry **at = bucket_of(policies, entry->hash);

	ASSERT(!entry->fetch);
	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	use_unlink(policies, entry);
	policies->entries--;
	policies->octets -= entry->octets;
	policy_kept_unref(entry->kept);
	free(entry);
	sizes_tell(policies);
}

int64_t policies_jitter(struct policies *policies, int64_t least, int64_t most)
{
	policies->jitter = hash_fold(policies->jitter ^ 0x9e3779b97f4a7c15u, policies->seed | 1);
	return most <= least ? least : least + (int64_t)(policies->jitter % (uint64_t)(most - least + 1));
}

void policy_entry_keep(struct policies *policies, struct policy_entry *entry, struct policy_kept *kept, int64_t now_s)
{
	int64_t refresh_s = (kept->expires_at - kept->fetched_at) / 2, refresh_s_max = policies->config.refresh_s;

	if (refresh_s > refresh_s_max)
		refresh_s = refresh_s_max;
	policy_kept_unref(entry->kept);
	entry->kept = kept;
	entry->failure_until_s = 0;
	entry->used = false;
	entry->refresh_at_s = now_s + policies_jitter(policies, refresh_s / 2, refresh_s);
	entry_count(policies, entry);
}

void policies_shrink(struct policies *policies)
{
	struct policy_entry *entry = policies->oldest;

	while (entry && policies->octets > policies->config.octets_max) {
		struct policy_entry *newer = entry->newer;

		if (!entry->fetch) {
			if (entry->kept)
				policy_write_add(policies, slice_of(entry->name, entry->name_len), NULL);
			policy_entry_drop(policies, entry);
			counter_up(&policies->counters, COUNTER_POLICIES_DROPPED);
		}
		entry = newer;
	}
}

void policy_write_add(struct policies *policies, struct slice domain, struct policy_kept *kept)
{
	struct policy_write *write = policies->store ? malloc(sizeof(*write) + domain.len) : NULL;

	if (!write)
		return;
	*write = (struct policy_write){ .kept = kept, .name_len = domain.len };
	memcpy(write->name, domain.ptr, domain.len);
	if (kept)
		policy_kept_ref(kept);
	*policies->writes_end = write;
	policies->writes_end = &write->next;
}

/* --- what shards ask --- */

static bool is_fresh(const struct policy_entry *entry, int64_t now_s)
{
	return entry->kept && now_s < entry->kept->expires_at;
}

struct policy_kept *policies_find(struct policies *policies, struct slice domain, int64_t now_s)
{
	struct policy_kept *kept = NULL;
	struct policy_entry *entry;

	pthread_mutex_lock(&policies->lock);
	entry = policy_entry_find(policies, domain);
	if (entry) {
		use_unlink(policies, entry);
		use_link(policies, entry);
		entry->used = true;
		if (is_fresh(entry, now_s)) {
			kept = entry->kept;
			policy_kept_ref(kept);
		}
	}
	pthread_mutex_unlock(&policies->lock);
	return kept;
}

static enum policies_asked answer_with(struct policy_waiter *waiter, enum policy_outcome outcome, const char *detail)
{
	waiter->outcome = outcome;
	snprintf(waiter->detail, sizeof(waiter->detail), "%s", detail);
	return POLICIES_ANSWERED;
}

static struct policy_fetch *fetch_new(struct policies *policies, const struct policy_question *question,
                                      struct policy_entry *entry)
{
	struct policy_fetch *fetch = calloc(1, sizeof(*fetch));
	size_t count = question->addresses_count < IO_HTTPS_ADDRESSES_MAX ? question->addresses_count : IO_HTTPS_ADDRESSES_MAX;

	if (!fetch)
		return NULL;
	fetch->policies = policies;
	fetch->entry = entry;
	snprintf(fetch->id, sizeof(fetch->id), "%.*s", SLICE_FMT(question->id));
	snprintf(fetch->get.host, sizeof(fetch->get.host), "mta-sts.%.*s", SLICE_FMT(question->domain));
	memcpy(fetch->get.addresses, question->addresses, count * sizeof(*question->addresses));
	fetch->get.addresses_count = count;
	*policies->asked_end = fetch;
	policies->asked_end = &fetch->next;
	entry->fetch = fetch;
	return fetch;
}

static void wait_for(struct policy_fetch *fetch, struct policy_waiter *waiter)
{
	waiter->next = fetch->waiters;
	fetch->waiters = waiter;
}

/* With the lock held. */
static enum policies_asked ask(struct policies *policies, const struct policy_question *question,
                               struct policy_waiter *waiter, int64_t now_s, bool *joined_out)
{
	struct policy_entry *entry = policy_entry_get(policies, question->domain);

	if (!entry || policies->closed)
		return answer_with(waiter, POLICY_BUSY, entry ? "the server is stopping" : "out of memory");
	*joined_out = entry->fetch;
	if (entry->fetch) {
		wait_for(entry->fetch, waiter);
		return POLICIES_WAITING;
	}
	/* It has come meanwhile. */
	if (!question->again && is_fresh(entry, now_s) && slice_equal(entry->kept->id, question->id)) {
		waiter->kept = entry->kept;
		policy_kept_ref(entry->kept);
		return answer_with(waiter, POLICY_FOUND, "");
	}
	if (now_s < entry->failure_until_s && slice_equal(slice_of_str(entry->failure_id), question->id))
		return answer_with(waiter, entry->failure, entry->failure_detail);
	if (!fetch_new(policies, question, entry))
		return answer_with(waiter, POLICY_BUSY, "out of memory");
	wait_for(entry->fetch, waiter);
	return POLICIES_WAITING;
}

enum policies_asked policies_fetch(struct policies *policies, const struct policy_question *question,
                                   struct policy_waiter *waiter, int64_t now_s, bool *joined_out)
{
	enum policies_asked asked;

	*joined_out = false;
	pthread_mutex_lock(&policies->lock);
	asked = ask(policies, question, waiter, now_s, joined_out);
	pthread_mutex_unlock(&policies->lock);
	if (asked == POLICIES_WAITING && !*joined_out)
		io_https_wake(policies->https);
	return asked;
}

bool policies_forget(struct policies *policies, struct slice domain)
{
	struct policy_entry *entry;
	bool found;

	pthread_mutex_lock(&policies->lock);
	entry = policy_entry_find(policies, domain);
	found = entry && (entry->kept || entry->failure_until_s);
	if (found) {
		policy_write_add(policies, domain, NULL);
		policy_kept_unref(entry->kept);
		entry->kept = NULL;
		entry->failure_until_s = 0;
		entry_count(policies, entry);
	}
	pthread_mutex_unlock(&policies->lock);
	if (found)
		io_https_wake(policies->https);
	return found;
}

uint64_t policies_counter(const struct policies *policies, enum counter_id id)
{
	if (id == COUNTER_POLICIES)
		return atomic_load_explicit(&policies->entries_seen, memory_order_relaxed);
	if (id == COUNTER_POLICY_OCTETS)
		return atomic_load_explicit(&policies->octets_seen, memory_order_relaxed);
	return counter_read(&policies->counters, id);
}

/* --- life --- */

int policies_new(const struct policies_config *config, struct engine *engine, struct policies **out,
                 char problem[IO_PROBLEM_SIZE])
{
	struct policies *policies = aligned_alloc(64, (sizeof(*policies) + 63) / 64 * 64);
	int result;

	snprintf(problem, IO_PROBLEM_SIZE, "out of memory");
	if (!policies)
		return -ENOMEM;
	memset(policies, 0, sizeof(*policies));
	policies->config = *config;
	policies->engine = engine;
	policies->asked_end = &policies->asked;
	policies->writes_end = &policies->writes;
	pthread_mutex_init(&policies->lock, NULL);
	result = getrandom(&policies->seed, sizeof(policies->seed), 0) == sizeof(policies->seed) ? 0 : -EIO;
	if (result == 0)
		result = io_https_new(&config->https, &policies->https, problem);
	if (result == 0)
		result = policy_file_open(policies, problem);
	if (result == 0)
		result = policy_thread_start(policies, problem);
	if (result < 0) {
		policies_free(policies);
		return result;
	}
	*out = policies;
	return 0;
}

void policies_serve(struct policies *policies)
{
	pthread_mutex_lock(&policies->lock);
	policies->serving = true;
	pthread_mutex_unlock(&policies->lock);
	io_https_wake(policies->https);
}

void policies_close(struct policies *policies)
{
	pthread_mutex_lock(&policies->lock);
	policies->closed = true;
	pthread_mutex_unlock(&policies->lock);
}

static void fetch_forget(struct policy_fetch *fetch)
{
	while (fetch->waiters) {
		struct policy_waiter *next = fetch->waiters->next;

		free(fetch->waiters);
		fetch->waiters = next;
	}
	free(fetch);
}

void policies_free(struct policies *policies)
{
	if (!policies)
		return;
	pthread_mutex_lock(&policies->lock);
	policies->ending = policies->closed = true;
	pthread_mutex_unlock(&policies->lock);
	if (policies->started) {
		io_https_wake(policies->https);
		pthread_join(policies->thread, NULL);
	}
	io_https_free(policies->https);
	policy_file_write(policies);
	io_store_close(policies->store);
	while (policies->newest) {
		if (policies->newest->fetch)
			fetch_forget(policies->newest->fetch);
		policies->newest->fetch = NULL;
		policy_entry_drop(policies, policies->newest);
	}
	pthread_mutex_destroy(&policies->lock);
	free(policies);
}
