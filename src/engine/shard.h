/*
 * shard.h - what a shard holds; private to src/engine.
 */
#ifndef ASSAY_ENGINE_SHARD_H
#define ASSAY_ENGINE_SHARD_H

#include "crypto/batch.h"
#include "crypto/keys.h"
#include "engine/cache.h"
#include "engine/engine.h"
#include "engine/post.h"
#include "engine/replay.h"
#include "io/server.h"

struct request;
struct lookup;

#define LOOKUP_BUCKETS 4096 /* of look-ups under way; a power of two */

struct shard {
	struct engine *engine;
	const struct engine_config *config;
	struct engine_limits limits; /* this shard's part of them */
	struct io_loop *loop;
	struct io_server *server;
	struct io_resolver *resolver;
	struct crypto_provider provider;
	struct crypto_keys keys;
	struct crypto_batch batch;
	struct replay replay;
	/* Set by whoever makes the shard. */
	struct counters *counters;
	struct cache *cache;                          /* all shards' */
	unsigned index;

	struct postbox posts;
	uint64_t epoch;                               /* of this turn */
	struct request *requests, *requests_oldest;   /* in flight */
	unsigned requests_count;
	size_t requests_octets;                       /* of their arenas */
	struct request *runnable, **runnable_end;     /* to be evaluated, first come first served */
	struct request *spare;                        /* pool */
	unsigned spare_count;
	struct lookup *lookups[LOOKUP_BUCKETS];

	struct io_timer again;                        /* there is crypto work for another turn */
	bool draining;
	struct io_timer drain;
};

/* 0; or a negative errno and a line in `problem`. In the shard's own thread. */
MUST_CHECK int shard_init(struct shard *shard, struct engine *engine, char problem[IO_PROBLEM_SIZE]);
/* After the last turn: others need not wait for this shard any more. */
void shard_retire(struct shard *shard);
/* When every shard has retired. */
void shard_deinit(struct shard *shard);

/* From any thread. False: the shard has retired. */
bool shard_post(struct shard *shard, struct post *post);

#endif
