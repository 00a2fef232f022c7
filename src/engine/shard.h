/*
 * shard.h - what a shard holds; private to src/engine.
 */
#ifndef ASSAY_ENGINE_SHARD_H
#define ASSAY_ENGINE_SHARD_H

#include "crypto/batch.h"
#include "crypto/keys.h"
#include "engine/breaker.h"
#include "engine/cache.h"
#include "engine/chunks.h"
#include "engine/engine.h"
#include "engine/post.h"
#include "engine/replay.h"
#include "engine/queue.h"
#include "engine/zone_load.h"
#include "io/server.h"

struct request;
struct lookup;
struct policies;

#define LOOKUP_BUCKETS 4096 /* of look-ups under way; a power of two */

/* What Status is answered with, without the request's id. */
struct packed_status {
	uint8_t *octets; /* NULL: none yet */
	size_t len;
	int64_t turn_ns; /* the turn that it is of */
};

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
	struct crypto_signer **signers;               /* of engine_config.sealers */
	struct replay replay;
	/* Set by whoever makes the shard. */
	struct counters *counters;
	struct cache *cache;                          /* all shards' */
	struct policies *policies;                    /* likewise */
	unsigned index;

	struct postbox posts;
	struct {
		_Alignas(64) _Atomic unsigned queued; /* when the last turn ended, with what receiving takes: errand.h */
		_Atomic unsigned coming;              /* on their way here */
		_Atomic unsigned own;                 /* the part of its time that its own connections take: errand.h */
		_Atomic int64_t own_ns;               /* when that was reckoned */
	} load;                                       /* for other shards to read */
	struct io_conn_use errands;                   /* those of other shards, queued as if they were a connection's */
	struct io_conn_use own;                       /* those of nobody: policies that are refreshed */
	unsigned errands_to;                          /* the shard that was sent one last */
	unsigned own_received, errands_arrived;       /* requests that came since load.own_ns, from its connections and from shards */
	int64_t own_asleep_ns;                        /* how long the loop had waited by load.own_ns */
	unsigned received;                            /* requests that came to this shard in this turn */
	uint64_t epoch;                               /* of this turn */
	struct request *pinning;                      /* those that found answers in this turn */
	unsigned epochs_held;                         /* requests that hold an epoch, and the least of them */
	uint64_t epoch_least;
	struct request *requests;                     /* in flight */
	unsigned requests_count;
	size_t requests_octets;                       /* of their arenas */
	struct queue queue;                           /* to be evaluated */
	struct chunks chunks;                         /* of requests' arenas */
	struct request *spare;                        /* pool, without arenas */
	unsigned spare_count;
	struct lookup *lookups[LOOKUP_BUCKETS];
	unsigned lookups_count;
	struct zone_load zone_load;                   /* of these */
	struct breaker breaker;

	struct packed_status status;

	struct io_timer again;                        /* there is crypto work for another turn */
	bool draining;
	struct io_timer drain_waits, drain;           /* requests do not wait any longer; connections are closed */
};

/*
 * Connections of ipc sockets go to the shards in turn, whoever accepted them (engine.c). False: it is for the one who asks to
 * keep. A shard that is handed one is woken, and takes it in its next turn; returns how many there are.
 */
#define HANDED_OVER_MAX 64
bool engine_hand_over(struct engine *engine, unsigned from, int fd);
struct shard *engine_shard(struct engine *engine, unsigned index);
unsigned engine_handed_over(struct engine *engine, unsigned to, int fds[HANDED_OVER_MAX]);

/* 0; or a negative errno and a line in `problem`. In the shard's own thread. */
MUST_CHECK int shard_init(struct shard *shard, struct engine *engine, char problem[IO_PROBLEM_SIZE]);
/* After the last turn: others need not wait for this shard any more. */
void shard_retire(struct shard *shard);
/* When every shard has retired. */
void shard_deinit(struct shard *shard);

/* limits.queue-time */
static inline int64_t shard_queue_ns_max(const struct shard *shard)
{
	return shard->limits.queue_ms_max * INT64_C(1000000);
}

/* From any thread. False: the shard has retired. */
bool shard_post(struct shard *shard, struct post *post);

#endif
