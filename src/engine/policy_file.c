#include "engine/policies_parts.h"

#include "base/text.h"
#include "proto/mail/domain.h"
#include "proto/tlspolicy/mta_sts.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/*
 * A record is "ID FETCHED EXPIRES" (seconds since 1970), a line end, and the document, under the name of the domain: for
 * people to read, too.
 */
#define FILE_NAME "policies.db"
#define PARSE_OCTETS_MAX ((size_t)1 << 20)

static bool record_read(struct slice value, struct policy_kept **out)
{
	struct slice rest = value, line = slice_cut(&rest, '\n'), id = slice_cut(&line, ' ');
	uint64_t fetched_at, expires_at;

	if (!slice_to_u64(slice_cut(&line, ' '), 18, &fetched_at) || !slice_to_u64(line, 18, &expires_at))
		return false;
	*out = policy_kept_new(id, rest, (int64_t)fetched_at, (int64_t)expires_at);
	return *out;
}

/* A policy that no rule of today would take is not taken from a file either; nor is one for longer than it may last. */
static bool is_usable(const struct policy_kept *kept, struct slice domain, int64_t now_s)
{
	struct mta_sts_policy policy;
	const char *problem;
	struct arena arena;
	bool good;

	arena_init(&arena, PARSE_OCTETS_MAX);
	good = domain_is_canonical(domain) && kept->id.len >= 1 && kept->id.len <= MTA_STS_ID_OCTETS_MAX &&
	       now_s < kept->expires_at && kept->expires_at - now_s <= MTA_STS_MAX_AGE_S_MAX &&
	       mta_sts_policy_parse(kept->text, &arena, &policy, &problem) == 0;
	arena_deinit(&arena);
	return good;
}

static void take(void *arg, struct slice key, struct slice value)
{
	struct policies *policies = arg;
	struct policy_kept *kept = NULL;
	struct policy_entry *entry = NULL;
	int64_t now_s = time(NULL);

	if (policies->octets < policies->config.octets_max && record_read(value, &kept) && is_usable(kept, key, now_s))
		entry = policy_entry_get(policies, key);
	if (entry) {
		policy_entry_keep(policies, entry, kept, now_s);
		return;
	}
	policy_kept_unref(kept);
	policy_write_add(policies, key, NULL);
}

int policy_file_open(struct policies *policies, char problem[IO_PROBLEM_SIZE])
{
	const char *directory = policies->config.directory;
	char path[PATH_MAX];
	bool moved;
	int result;

	if (!directory || !*directory)
		return 0;
	if (snprintf(path, sizeof(path), "%s/" FILE_NAME, directory) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	TRY(io_store_open(path, &policies->store, &moved, problem));
	if (moved) {
		counter_up(&policies->counters, COUNTER_POLICY_FILE_FAULTS);
		fprintf(stderr, "assayd: %s was broken: moved to %s.broken, and begun anew\n", path, path);
	}
	result = io_store_each(policies->store, take, policies);
	if (result < 0)
		snprintf(problem, IO_PROBLEM_SIZE, "%.200s: cannot be read", path);
	return result;
}

static int write_one(struct policies *policies, const struct policy_write *write)
{
	struct slice domain = slice_of(write->name, write->name_len), value;
	struct arena arena;
	struct text text;
	int result;

	if (!write->kept)
		return io_store_remove(policies->store, domain);
	arena_init(&arena, PARSE_OCTETS_MAX);
	text_init(&text, &arena);
	text_add(&text, write->kept->id);
	text_printf(&text, " %lld %lld\n", (long long)write->kept->fetched_at, (long long)write->kept->expires_at);
	text_add(&text, write->kept->text);
	result = text_finish(&text, &value);
	if (result == 0)
		result = io_store_put(policies->store, domain, value);
	arena_deinit(&arena);
	return result;
}

/* What cannot be written is kept in memory all the same, and written when it is refreshed. */
void policy_file_write(struct policies *policies)
{
	struct policy_write *writes;
	bool good;

	pthread_mutex_lock(&policies->lock);
	writes = policies->writes;
	policies->writes = NULL;
	policies->writes_end = &policies->writes;
	pthread_mutex_unlock(&policies->lock);
	if (!writes)
		return;
	good = io_store_begin(policies->store) == 0;
	while (writes) {
		struct policy_write *next = writes->next;

		good = good && write_one(policies, writes) == 0;
		policy_kept_unref(writes->kept);
		free(writes);
		writes = next;
	}
	good = io_store_commit(policies->store) == 0 && good;
	counter_up(&policies->counters, good ? COUNTER_POLICY_FILE_WRITES : COUNTER_POLICY_FILE_FAULTS);
}
