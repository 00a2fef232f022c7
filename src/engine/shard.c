#include "engine/shard.h"

#include "engine/lookups.h"
#include "engine/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define DRAIN_PART         10   /* waiting ends earlier than limits.drain-time, by that part of it, */
#define DRAIN_REPLY_MS_MAX 1000 /* but at most by so much: time for what is known by then to be answered */

/* A turn is due: nothing else is to be done. */
static void again_fire(void *arg)
{
	(void)arg;
}

/* What is waited for now may come too late: whoever waits is answered without it. */
static void drain_waits_over(void *arg)
{
	struct shard *shard = arg;

	for (struct request *request = shard->requests; request; request = request->next)
		request_wait_no_more(request);
}

static void drain_over(void *arg)
{
	struct shard *shard = arg;

	io_server_close(shard->server, true);
	if (io_server_is_closed(shard->server))
		io_loop_stop(shard->loop);
}

static void drain_begin(struct shard *shard)
{
	unsigned drain_ms = shard->limits.drain_ms_max, reply_ms = drain_ms / DRAIN_PART;
	int64_t now_ns = io_now_ns(shard->loop);

	if (reply_ms > DRAIN_REPLY_MS_MAX)
		reply_ms = DRAIN_REPLY_MS_MAX;
	shard->draining = true;
	io_server_stop_listening(shard->server);
	io_timer_start(shard->loop, &shard->drain_waits, now_ns + (drain_ms - reply_ms) * INT64_C(1000000));
	io_timer_start(shard->loop, &shard->drain, now_ns + drain_ms * INT64_C(1000000));
}

static void drain_step(struct shard *shard)
{
	if (!shard->draining)
		drain_begin(shard);
	if (shard->requests_count == shard->own.in_flight || engine_is_stopping_at_once(shard->engine))
		io_server_close(shard->server, engine_is_stopping_at_once(shard->engine));
	/* A shard without connections may still have requests of others. */
	if (io_server_is_closed(shard->server) && (!shard->errands.in_flight || engine_is_stopping_at_once(shard->engine)))
		io_loop_stop(shard->loop);
}

static void tls_publish(struct counters *counters, const struct io_server_counters *server)
{
	static const enum counter_id failures[IO_TLS_FAILURES] = {
		[IO_TLS_PROTOCOL] = COUNTER_TLS_FAILED_PROTOCOL,   [IO_TLS_VERSION] = COUNTER_TLS_FAILED_VERSION,
		[IO_TLS_NO_CERTIFICATE] = COUNTER_TLS_FAILED_NO_CERTIFICATE, [IO_TLS_CERTIFICATE] = COUNTER_TLS_FAILED_CERTIFICATE,
		[IO_TLS_NAME] = COUNTER_TLS_FAILED_NAME,           [IO_TLS_REFUSED] = COUNTER_TLS_FAILED_REFUSED,
		[IO_TLS_CLOSED] = COUNTER_TLS_FAILED_CLOSED,       [IO_TLS_TIME] = COUNTER_TLS_FAILED_TIME,
	};

	counter_set(counters, COUNTER_TLS_HANDSHAKES, server->handshakes);
	counter_set(counters, COUNTER_TLS_HANDSHAKES_EVICTED, server->handshakes_evicted);
	counter_set(counters, COUNTER_TLS_BROKEN, server->tls_broken);
	for (size_t i = 0; i < IO_TLS_FAILURES; i++)
		counter_set(counters, failures[i], server->handshakes_failed[i]);
}

/* Copies what mechanisms count for themselves to where other threads may read it. */
static void lanes_publish(struct counters *counters, const struct crypto_batch *batch)
{
	const struct crypto_work_counters *rsa = &batch->counters[CRYPTO_WORK_RSA];
	const struct crypto_work_counters *ed25519 = &batch->counters[CRYPTO_WORK_ED25519];
	const struct crypto_work_counters *sha256 = &batch->counters[CRYPTO_WORK_SHA256];

	counter_set(counters, COUNTER_RSA_LANES_OFFERED, rsa->lanes_offered);
	counter_set(counters, COUNTER_RSA_LANES_FILLED, rsa->lanes_filled);
	counter_set(counters, COUNTER_RSA_BY_LANES, rsa->by_path[CRYPTO_PATH_LANES]);
	counter_set(counters, COUNTER_RSA_BY_FEW, rsa->by_path[CRYPTO_PATH_FEW]);
	counter_set(counters, COUNTER_RSA_BY_SCALAR, rsa->by_path[CRYPTO_PATH_SCALAR]);
	counter_set(counters, COUNTER_RSA_BY_OPENSSL, rsa->by_path[CRYPTO_PATH_OPENSSL]);
	counter_set(counters, COUNTER_ED25519_LANES_OFFERED, ed25519->lanes_offered);
	counter_set(counters, COUNTER_ED25519_LANES_FILLED, ed25519->lanes_filled);
	counter_set(counters, COUNTER_ED25519_BY_OPENSSL, ed25519->by_path[CRYPTO_PATH_OPENSSL]);
	counter_set(counters, COUNTER_SHA256_LANES_OFFERED, sha256->lanes_offered);
	counter_set(counters, COUNTER_SHA256_LANES_FILLED, sha256->lanes_filled);
	counter_set(counters, COUNTER_SHA256_BY_OPENSSL, sha256->by_path[CRYPTO_PATH_OPENSSL]);
}

static void counters_publish(struct shard *shard)
{
	const struct io_server_counters *server = io_server_counters(shard->server);
	const struct crypto_keys *keys = &shard->keys;
	struct counters *counters = shard->counters;

	counter_set(counters, COUNTER_REQUESTS_IN_FLIGHT, shard->requests_count);
	counter_set(counters, COUNTER_REQUEST_MEMORY_KEPT,
	            chunks_octets_kept(&shard->chunks) + shard->spare_count * sizeof(struct request));
	counter_set(counters, COUNTER_CONNECTIONS, server->connections_accepted);
	counter_set(counters, COUNTER_CONNECTIONS_OPEN, server->connections_open);
	counter_set(counters, COUNTER_CONNECTIONS_REFUSED, server->connections_refused);
	counter_set(counters, COUNTER_CONNECTIONS_EVICTED, server->connections_evicted);
	counter_set(counters, COUNTER_CONNECTIONS_SEND_STALLED, server->connections_send_stalled);
	counter_set(counters, COUNTER_CONNECTIONS_STALLED, server->connections_stalled);
	counter_set(counters, COUNTER_CONNECTIONS_FLOODED, server->connections_flooded);
	counter_set(counters, COUNTER_CONNECTIONS_UNWELCOME, server->connections_unwelcome);
	counter_set(counters, COUNTER_CONNECTIONS_IDLE, server->connections_idle);
	tls_publish(counters, server);
	counter_set(counters, COUNTER_FRAMES_MALFORMED, server->frames_malformed);
	counter_set(counters, COUNTER_READS_PAUSED, server->reads_paused);
	counter_set(counters, COUNTER_READS_STARVED, server->reads_starved);
	counter_set(counters, COUNTER_RECEIVE_MEMORY, server->block_octets);
	counter_set(counters, COUNTER_OCTETS_RECEIVED, server->octets_received);
	counter_set(counters, COUNTER_OCTETS_SENT, server->octets_sent);
	counter_set(counters, COUNTER_OCTETS_HELD, server->frame_octets_held);
	counter_set(counters, COUNTER_KEY_HITS, keys->counters.hits);
	counter_set(counters, COUNTER_KEY_MISSES, keys->counters.misses);
	counter_set(counters, COUNTER_KEY_EVICTIONS, keys->counters.evictions);
	counter_set(counters, COUNTER_KEY_OCTETS, keys->bytes);
	lanes_publish(counters, &shard->batch);
	counter_set(counters, COUNTER_BREAKERS_OPENED, shard->breaker.opened);
	counter_set(counters, COUNTER_BREAKERS_CLOSED, shard->breaker.closed);
	counter_set(counters, COUNTER_BREAKER_PROBES, shard->breaker.probes);
	counter_set(counters, COUNTER_BREAKERS_DROPPED, shard->breaker.dropped);
}

static void begin(void *arg)
{
	struct shard *shard = arg;

	shard->epoch = epochs_begin(cache_epochs(shard->cache), shard->index);
}

static void adopt(struct shard *shard)
{
	int fds[HANDED_OVER_MAX];
	unsigned count = engine_handed_over(shard->engine, shard->index, fds);

	for (unsigned i = 0; i < count; i++)
		io_server_adopt(shard->server, fds[i]);
}

/* One that has waited for longer than limits.queue-time, where nobody is to, is not evaluated any more: its client may be gone, and others wait. */
static void late_refuse(struct shard *shard, int64_t now_ns)
{
	struct request *late;

	while ((late = queue_take_late(&shard->queue, now_ns, shard_queue_ns_max(shard))))
		request_refuse_late(late);
}

/*
 * Evaluates what is queued, then runs the crypto that was asked for, all together, and again: full batches under load, no
 * waiting without it. What is beyond a turn's part, or what a large body needs beyond a run's budget, is left for the
 * next turn, so that others are received and answered meanwhile; and so are signatures of our own, each of which makes a
 * request runnable: else a queue of them would be one long turn.
 */
static void turn(void *arg)
{
	struct shard *shard = arg;
	int64_t now_ns = io_now_ns(shard->loop);
	unsigned left;

	adopt(shard);
	queue_turn_begin(&shard->queue, now_ns);
	left = queue_turn_part(&shard->queue, io_server_backlog(shard->server), shard->received);
	do {
		struct request *request;

		(void)post_deliver_all(&shard->posts, shard);
		for (; left; left--) {
			late_refuse(shard, now_ns);
			ahead_look(shard);
			request = queue_take(&shard->queue);
			if (!request)
				break;
			request_run(request);
		}
		/* While others are queued, their signatures may fill lanes that would stay empty now. */
		if (queue_is_empty(&shard->queue) ? crypto_batch_run(&shard->batch) : crypto_batch_run_some(&shard->batch))
			counter_up(shard->counters, COUNTER_CRYPTO_RUNS);
	} while (left && !queue_is_empty(&shard->queue) && crypto_batch_waiting(&shard->batch, CRYPTO_WORK_SIGN) == 0);
	queue_turn_end(&shard->queue);
	io_server_read(shard->server, queue_reading(&shard->queue, io_server_backlog(shard->server), now_ns));
	if (!queue_is_empty(&shard->queue) || crypto_batch_is_left(&shard->batch))
		io_timer_start(shard->loop, &shard->again, now_ns);
	io_server_flush(shard->server);
	if (engine_is_stopping(shard->engine))
		drain_step(shard);
	counters_publish(shard);
	errand_load_publish(shard, now_ns);
	shard->received = 0;
	answers_count(shard);
	epochs_end(cache_epochs(shard->cache), shard->index, shard->epochs_held ? shard->epoch_least : EPOCH_NONE);
	epochs_collect(cache_epochs(shard->cache));
}

static void on_frame(void *arg, struct io_conn *conn, struct io_frame frame)
{
	request_receive(arg, conn, frame);
}

static bool on_connection(void *arg, int fd)
{
	const struct shard *shard = arg;

	return engine_hand_over(shard->engine, shard->index, fd);
}

/* A shard's part of bounds that hold for the whole daemon. */
static void limits_divide(struct shard *shard)
{
	unsigned shards = shard->config->shards;

	shard->limits = shard->config->limits;
	shard->limits.octets_held_max /= shards;
	shard->limits.in_flight_max = (shard->limits.in_flight_max + shards - 1) / shards;
	shard->limits.connections_max = (shard->limits.connections_max + shards - 1) / shards;
	shard->limits.handshakes_max = (shard->limits.handshakes_max + shards - 1) / shards;
}

static int server_make(struct shard *shard, char problem[IO_PROBLEM_SIZE])
{
	static const struct io_server_ops ops = { .frame = on_frame, .hand_over = on_connection };
	struct io_server_bounds bounds = {
		.connections_max = shard->limits.connections_max,
		.frame_octets_max = shard->limits.message_octets_max + ((size_t)1 << 20), /* room for the envelope */
		.frames_octets_max = shard->limits.octets_held_max,
		.connection_octets_max = shard->limits.connection_octets_held_max,
		.reply_octets_max = (size_t)1 << 20,
		.stall_ns_max = shard->limits.stall_ms_max * INT64_C(1000000),
		.stall_octets_min = shard->limits.stall_octets_min,
		.idle_ns_max = shard->limits.idle_ms_max * INT64_C(1000000),
		.keepalive_s = (shard->limits.keepalive_ms + 999) / 1000,
		.handshake_ns_max = shard->limits.handshake_ms_max * INT64_C(1000000),
		.handshakes_max = shard->limits.handshakes_max,
	};

	return io_server_new(shard->loop, &bounds, WIRE_SP_REP, WIRE_SP_REQ, &ops, shard, &shard->server, problem);
}

/* Every shard has its own: OpenSSL's contexts are of one thread. */
static int signers_make(struct shard *shard, char problem[IO_PROBLEM_SIZE])
{
	const char *why = "out of memory";

	shard->signers = calloc(shard->config->sealers_count + 1, sizeof(struct crypto_signer *));
	for (size_t i = 0; shard->signers && i < shard->config->sealers_count; i++) {
		int result = crypto_signer_new(&shard->provider, shard->config->sealer_keys[i], &shard->signers[i], &why);

		if (result == 0)
			continue;
		snprintf(problem, IO_PROBLEM_SIZE, "the key of a sealer %s", why);
		return result < 0 ? result : -EINVAL;
	}
	return shard->signers ? 0 : -ENOMEM;
}

static void signers_free(struct shard *shard)
{
	for (size_t i = 0; shard->signers && i < shard->config->sealers_count; i++)
		crypto_signer_free(shard->signers[i]);
	free(shard->signers);
}

bool engine_sealer_key_check(struct slice pem, char problem[IO_PROBLEM_SIZE])
{
	const char *why = "cannot be tried: out of memory";
	struct crypto_signer *signer = NULL;
	struct crypto_provider provider;
	int result = crypto_provider_init(&provider, CRYPTO_KERNELS_OPENSSL);

	if (result == 0) {
		result = crypto_signer_new(&provider, pem, &signer, &why);
		crypto_signer_free(signer);
		crypto_provider_deinit(&provider);
	}
	snprintf(problem, IO_PROBLEM_SIZE, "%s", why ? why : "");
	return result == 0;
}

bool engine_kernels_check(const char *word, enum crypto_kernels_wish *out, char problem[IO_PROBLEM_SIZE])
{
	if (!crypto_kernels_read(word, out))
		snprintf(problem, IO_PROBLEM_SIZE, "wants auto, openssl, scalar or ifma");
	else if (!crypto_kernels_are_available(*out))
		snprintf(problem, IO_PROBLEM_SIZE, "this processor or this build has none (auto takes what there is)");
	else
		return true;
	return false;
}

static int crypto_make(struct shard *shard, char problem[IO_PROBLEM_SIZE])
{
	uint64_t seed;
	int result = crypto_provider_init(&shard->provider, shard->config->kernels);

	if (result == 0 && getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		result = -EIO;
	if (result == 0)
		result = crypto_keys_init(&shard->keys, &shard->provider, shard->limits.key_cache_octets_max, seed);
	if (result == 0)
		result = crypto_batch_init(&shard->batch, &shard->provider);
	if (result < 0)
		snprintf(problem, IO_PROBLEM_SIZE, "crypto: %s", strerror(-result));
	return result;
}

int shard_init(struct shard *shard, struct engine *engine, char problem[IO_PROBLEM_SIZE])
{
	shard->engine = engine;
	shard->config = engine_config_of(engine);
	queue_init(&shard->queue);
	chunks_init(&shard->chunks);
	limits_divide(shard);
	io_timer_init(&shard->drain_waits, drain_waits_over, shard);
	io_timer_init(&shard->drain, drain_over, shard);
	io_timer_init(&shard->again, again_fire, shard);
	TRY(io_loop_new(&shard->loop, problem));
	TRY(crypto_make(shard, problem));
	zone_load_init(&shard->zone_load, shard->keys.seed, shard->limits.zone_lookups_max);
	TRY(replay_init(&shard->replay, shard->limits.replay_octets_max, shard->keys.seed));
	TRY(breaker_init(&shard->breaker, &shard->limits.breaker, shard->keys.seed));
	TRY(signers_make(shard, problem));
	TRY(io_resolver_new(shard->loop, &shard->config->resolver, &shard->resolver, problem));
	TRY(server_make(shard, problem));
	io_loop_on_turn(shard->loop, begin, turn, shard);
	return 0;
}

bool shard_post(struct shard *shard, struct post *post)
{
	bool wake;

	if (!post_put(&shard->posts, post, &wake))
		return false;
	if (wake)
		io_loop_wake(shard->loop);
	return true;
}

void shard_retire(struct shard *shard)
{
	struct request *next;

	lookups_abandon(shard);
	/* Their homes must not wait for them, nor go down before them. */
	for (struct request *request = shard->requests; request; request = next) {
		next = request->next;
		policy_work_drop(request);
		if (request->errand)
			request_free(request);
	}
	post_close(&shard->posts);
	epochs_end(cache_epochs(shard->cache), shard->index, EPOCH_NONE);
}

void shard_deinit(struct shard *shard)
{
	while (shard->requests)
		request_free(shard->requests);
	requests_drop_spare(shard);
	chunks_drop(&shard->chunks);
	io_resolver_free(shard->resolver);
	lookups_drop(shard);
	breaker_deinit(&shard->breaker);
	io_server_free(shard->server);
	crypto_batch_deinit(&shard->batch);
	replay_deinit(&shard->replay);
	signers_free(shard);
	crypto_keys_deinit(&shard->keys);
	crypto_provider_deinit(&shard->provider);
	free(shard->status.octets);
	io_loop_free(shard->loop);
}
