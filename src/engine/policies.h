/*
 * policies.h - MTA-STS policies that are kept, for all shards, and the thread that fetches them; private to src/engine.
 *
 * Kept:      in memory, and in a file under the state directory; a policy applies until it expires, whatever becomes of its
 *            domain (RFC 8461 section 3.1). A fetch that failed is remembered, too, for a while.
 * Fetching:  by a thread of its own (policy_thread.c), one fetch a domain at a time, however many ask in however many shards.
 *            No shard waits for it: what comes of a fetch arrives by post.
 * Refresh:   a policy that was used is fetched again before it expires, at a time with jitter; a shard is asked to, since
 *            names are resolved there.
 * Locking:   one lock, for moments; requests for TLS policies take it, checks of messages never do.
 * Bounds:    octets of what is kept (the least recently used go first); fetches under way and waiting (io/https.h).
 */
#ifndef ASSAY_ENGINE_POLICIES_H
#define ASSAY_ENGINE_POLICIES_H

#include "engine/counters.h"
#include "engine/post.h"
#include "io/https.h"
#include "proto/ask/ask.h"

#include <stdatomic.h>

#define POLICY_LIFETIME_S_MIN 300 /* a policy is kept for that, whatever its max_age: no storm of fetches (STANDARDS 6.4) */
#define POLICY_DETAIL_SIZE 256
#define POLICY_CONNECT_MS_MAX 10000              /* for a connection to a web server, with its handshake */
#define POLICY_HEADER_OCTETS_MAX ((size_t)16384) /* of an answer */

struct engine;
struct policies;

struct policies_config {
	const char *directory;    /* state-directory; "" or NULL: nothing is written */
	struct io_https_config https;
	size_t octets_max;        /* mta-sts.cache-size */
	unsigned failure_s;       /* mta-sts.failure-ttl */
	unsigned refresh_s;       /* mta-sts.refresh: at least so often, where a policy is in use */
};

/* A policy that is kept; immutable, counted. */
struct policy_kept {
	_Atomic unsigned refs;
	int64_t fetched_at, expires_at; /* seconds since 1970 */
	struct slice id, text;          /* in `octets` */
	size_t octets_count;
	uint8_t octets[];
};

/* One who waits for a fetch: of a shard, to whom it comes back by post. */
struct policy_waiter {
	struct post post;
	struct shard *shard;
	struct request *request;   /* NULL: it has gone; in the shard's thread */
	struct policy_waiter *next;
	enum policy_outcome outcome;
	struct policy_kept *kept;  /* of POLICY_FOUND; a reference */
	char detail[POLICY_DETAIL_SIZE];
};

/* Opens what was kept. Before any other thread runs. 0; or a negative errno and a line for people. */
MUST_CHECK int policies_new(const struct policies_config *config, struct engine *engine, struct policies **out,
                            char problem[IO_PROBLEM_SIZE]);
/* All shards serve: policies may be refreshed. */
void policies_serve(struct policies *policies);
/* A shard is about to go down: nothing is posted to any from now on. */
void policies_close(struct policies *policies);
/* Ends the thread. No shard runs any more. NULL is allowed. */
void policies_free(struct policies *policies);

/* --- from any shard; `domain`: canonical --- */

/* With a reference; NULL: none, or it has expired. */
struct policy_kept *policies_find(struct policies *policies, struct slice domain, int64_t now_s);
void policy_kept_unref(struct policy_kept *kept);

enum policies_asked {
	POLICIES_ANSWERED, /* the waiter has the outcome, and is the caller's again */
	POLICIES_WAITING,  /* it will come by post */
};

/* Asks for a fetch, or joins one. `waiter`: its post, shard and request are filled in. *joined_out: one was under way. */
enum policies_asked policies_fetch(struct policies *policies, const struct policy_question *question,
                                   struct policy_waiter *waiter, int64_t now_s, bool *joined_out);
/* Forgets a domain: policy and failure. Returns whether there was any. */
bool policies_forget(struct policies *policies, struct slice domain);

/* What the thread has done, and how much is kept. */
uint64_t policies_counter(const struct policies *policies, enum counter_id id);

#endif
