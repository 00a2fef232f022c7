/*
 * engine.h - the shards: where requests meet the evaluators and the answers they ask for.
 *
 * One thread, one io_uring, one resolver, one key cache a shard; nothing on the hot path is shared for writing.
 * Ownership: the configuration is borrowed until engine_free().
 */
#ifndef ASSAY_ENGINE_ENGINE_H
#define ASSAY_ENGINE_ENGINE_H

#include "crypto/kernels.h"
#include "engine/breaker.h"
#include "engine/cache.h"
#include "engine/counters.h"
#include "engine/policies.h"
#include "io/listen.h"
#include "io/peers.h"
#include "io/resolver.h"
#include "io/tls.h"
#include "proto/tlspolicy/tlspolicy.h"
#include "proto/verdict/seal.h"

#define ENGINE_SHARDS_MAX 256

struct engine_limits {
	size_t message_octets_max;           /* limits.message-size */
	size_t octets_held_max;              /* limits.octets-held: messages in memory, each shard its part */
	size_t connection_octets_held_max;   /* limits.connection-octets-held */
	size_t request_memory_max;           /* limits.request-memory: of one request, beside its message */
	unsigned in_flight_max;              /* limits.in-flight: each shard its part */
	unsigned connection_in_flight_max;   /* limits.connection-in-flight */
	unsigned connections_max;            /* limits.connections: each shard its part */
	unsigned lookups_max;                /* dns.max-lookups: of one request */
	unsigned shard_lookups_max;          /* dns.max-queries: under way, each shard, whether or not somebody still waits */
	unsigned zone_lookups_max;           /* dns.max-queries-per-domain: of these */
	unsigned passes_max;                 /* evaluations of one request */
	unsigned dns_wait_ms_max;            /* dns.timeout: for all look-ups of one request */
	unsigned queue_ms_max;               /* limits.queue-time: who would wait for longer is refused (queue.h) */
	unsigned deadline_ms_max;            /* a longer one is taken as this */
	unsigned drain_ms_max;               /* after a stop; then connections are closed as they are */
	unsigned stall_ms_max;               /* limits.stall-time: in it, of a greeting or frame begun, or of replies, */
	size_t stall_octets_min;             /* limits.stall-octets have to move */
	unsigned idle_ms_max;                /* limits.idle-time; 0: never */
	unsigned keepalive_ms;               /* limits.keepalive-time; 0: never */
	unsigned handshake_ms_max;           /* tls.handshake-time */
	unsigned handshakes_max;             /* tls.handshakes: each shard its part */
	size_t key_cache_octets_max;         /* each shard */
	struct cache_bounds cache;           /* of answers, all shards together */
	struct breaker_bounds breaker;       /* each shard */
	size_t replay_octets_max;            /* each shard; 0: no signature is remembered */
};

struct engine_config {
	const char *const *listen; /* URLs */
	size_t listen_count;
	struct io_tls *tls;        /* NULL: no URL is tls+tcp */
	struct io_address_rules tcp_addresses, tls_addresses;
	struct io_user_rules ipc_users;
	struct io_socket_file socket_file;
	unsigned shards;           /* 1 to ENGINE_SHARDS_MAX */
	struct io_resolver_config resolver;
	struct verdict_config verdict;
	struct tlspolicy_config tlspolicy;
	struct policies_config policies;
	/* Whom we seal for, and their private keys in PEM form: sealer.signer counts these. */
	const struct arc_sealer *sealers;
	const struct slice *sealer_keys;
	size_t sealers_count; /* of both */
	enum crypto_kernels_wish kernels; /* crypto.kernels */
	struct engine_limits limits;
	const char *version;
};

struct engine;

/* Is that a private key which can seal? False: `problem` has a line for people, without a word of the key. */
MUST_CHECK bool engine_sealer_key_check(struct slice pem, char problem[IO_PROBLEM_SIZE]);

/* A word of crypto.kernels. False: `problem` has a line for people: it is none, or not available here. */
MUST_CHECK bool engine_kernels_check(const char *word, enum crypto_kernels_wish *out, char problem[IO_PROBLEM_SIZE]);

/*
 * Opens the listeners and starts every shard. 0: all serve. A negative errno: nothing runs, `problem` has a line
 * for people.
 */
MUST_CHECK int engine_start(const struct engine_config *config, struct engine **out, char problem[IO_PROBLEM_SIZE]);
/* From any thread: no new work; what is in flight is answered; then the shards end. `at_once`: it is not. May be called again. */
void engine_stop(struct engine *engine, bool at_once);
/* Have all shards ended? From any thread. */
bool engine_has_ended(struct engine *engine);
/* Waits for the shards to end. 0, or the negative errno that a shard's loop died of. */
MUST_CHECK int engine_join(struct engine *engine);
void engine_free(struct engine *engine);
/* What does the arithmetic of signatures, for people. */
void engine_kernels_describe(const struct engine *engine, char out[CRYPTO_KERNELS_TEXT_SIZE]);

/* For Status and the metrics, from any thread. */
uint64_t engine_counter(const struct engine *engine, enum counter_id id);
/* Results of SPF, DKIM, ARC and DMARC that were given for this reason. */
uint64_t engine_reason_count(const struct engine *engine, enum reason_id id);
uint64_t engine_uptime_ms(const struct engine *engine);
bool engine_is_stopping(const struct engine *engine);
bool engine_is_stopping_at_once(const struct engine *engine);
const struct engine_config *engine_config_of(const struct engine *engine);

#endif
