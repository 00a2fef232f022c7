/*
 * policies_parts.h - what the table of policies and the thread share; private to src/engine/policies.c, policy_thread.c and
 * policy_file.c.
 */
#ifndef ASSAY_ENGINE_POLICIES_PARTS_H
#define ASSAY_ENGINE_POLICIES_PARTS_H

#include "engine/policies.h"
#include "io/store.h"
#include "proto/tlspolicy/limits.h"

#include <pthread.h>

#define POLICY_BUCKETS 16384 /* a power of two */

/* What is known of a domain. */
struct policy_entry {
	struct policy_entry *next;            /* in its bucket */
	struct policy_entry *newer, *older;   /* by last use */
	struct policy_kept *kept;             /* NULL: none */
	struct policy_fetch *fetch;           /* under way; NULL: none */
	enum policy_outcome failure;          /* of the last fetch, until */
	int64_t failure_until_s;
	char failure_id[MTA_STS_ID_OCTETS_MAX + 1];
	char failure_detail[POLICY_DETAIL_SIZE];
	bool used;                            /* since it was fetched */
	int64_t refresh_at_s;
	size_t octets;
	uint64_t hash;
	size_t name_len;
	uint8_t name[];
};

/* A fetch: the thread's, but for `waiters`, which the lock guards. */
struct policy_fetch {
	struct io_https_get get;
	struct policies *policies;
	struct policy_entry *entry; /* stays while this is under way */
	struct policy_waiter *waiters;
	struct policy_fetch *next;  /* asked for, not taken by the thread yet */
	char id[MTA_STS_ID_OCTETS_MAX + 1];
};

/* What is to be written to the file. */
struct policy_write {
	struct policy_write *next;
	struct policy_kept *kept; /* NULL: the record goes */
	size_t name_len;
	uint8_t name[];
};

struct policies {
	struct policies_config config;
	struct engine *engine;
	pthread_mutex_t lock;
	/* Guarded by it. */
	struct policy_entry *buckets[POLICY_BUCKETS];
	struct policy_entry *newest, *oldest;
	size_t entries, octets;
	struct policy_fetch *asked, **asked_end;
	struct policy_write *writes, **writes_end;
	bool closed;
	bool serving, ending;
	uint64_t seed;
	uint64_t jitter;
	size_t scan_at;          /* the bucket that is looked at next */
	/* The thread's. */
	pthread_t thread;
	bool started;
	struct io_https *https;
	struct io_store *store;  /* NULL: nothing is written */
	struct counters counters;
	_Atomic uint64_t entries_seen, octets_seen; /* for whoever reads counters */
};

/* All with the lock held. */
struct policy_entry *policy_entry_find(struct policies *policies, struct slice domain);
/* NULL: out of memory. Makes it where there is none. */
struct policy_entry *policy_entry_get(struct policies *policies, struct slice domain);
/* Takes over the reference. */
void policy_entry_keep(struct policies *policies, struct policy_entry *entry, struct policy_kept *kept, int64_t now_s);
void policy_entry_drop(struct policies *policies, struct policy_entry *entry);
/* Drops the least recently used until the bound holds. */
void policies_shrink(struct policies *policies);
/* A record is to be written, or to go. Without memory it stays as it is. */
void policy_write_add(struct policies *policies, struct slice domain, struct policy_kept *kept);
/* Between `least` and `most`. */
int64_t policies_jitter(struct policies *policies, int64_t least, int64_t most);

/* With one reference; NULL: out of memory. */
struct policy_kept *policy_kept_new(struct slice id, struct slice text, int64_t fetched_at, int64_t expires_at);

/* policy_file.c */
MUST_CHECK int policy_file_open(struct policies *policies, char problem[IO_PROBLEM_SIZE]);
/* Writes what has come to be written. Without the lock. */
void policy_file_write(struct policies *policies);

/* policy_thread.c */
MUST_CHECK int policy_thread_start(struct policies *policies, char problem[IO_PROBLEM_SIZE]);

#endif
