#include "engine/engine.h"

#include "engine/shard.h"
#include "io/listen.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct shard_thread {
	struct engine *engine;
	unsigned index;
	pthread_t thread;
	bool started;
	bool ended;                    /* guarded by engine.lock: the shard is not to be woken any more */
	int handed_over[HANDED_OVER_MAX]; /* guarded by engine.lock: connections that others accepted for this shard */
	atomic_uint handed_over_count;    /* written under it */
	struct shard shard;
	struct counters counters;
	struct io_listener *listeners; /* one for each URL; an ipc one is the first shard's, used by all */
	int result;                    /* of the start, then of the loop */
	char problem[IO_PROBLEM_SIZE];
};

struct engine {
	const struct engine_config *config;
	struct io_peer_rules tcp, tls, ipc; /* for its listeners */
	struct shard_thread *threads;
	struct cache *cache;
	struct policies *policies;
	int64_t started_ns;
	atomic_bool stopping, at_once;
	/* The start: shards come up one after another's report, and then all go on, or none. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned reported;
	int decision; /* 0: wait; 1: serve; -1: end */
	unsigned retired; /* shards that take no turns any more */
	unsigned connections; /* of ipc sockets: whose turn it is; guarded by lock */
};

static int64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* --- a shard's thread --- */

/* More shards than cores, or a core we may not use: then the kernel chooses. */
static void pin(unsigned index)
{
	cpu_set_t allowed, one;
	unsigned nth = 0;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0 || index >= (unsigned)CPU_COUNT(&allowed))
		return;
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed) || nth++ != index)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		(void)pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
		return;
	}
}

/* Tells that this shard is up, or why not; returns whether to serve. */
static bool report(struct engine *engine)
{
	bool serve;

	pthread_mutex_lock(&engine->lock);
	engine->reported++;
	pthread_cond_broadcast(&engine->changed);
	while (engine->decision == 0)
		pthread_cond_wait(&engine->changed, &engine->lock);
	serve = engine->decision > 0;
	pthread_mutex_unlock(&engine->lock);
	return serve;
}

static void rules_make(struct engine *engine)
{
	const struct engine_config *config = engine->config;

	engine->tcp = (struct io_peer_rules){ .addresses = &config->tcp_addresses };
	engine->tls = (struct io_peer_rules){ .addresses = &config->tls_addresses, .tls = config->tls };
	engine->ipc = (struct io_peer_rules){ .users = &config->ipc_users, .is_ipc = true };
}

static int listen_all(struct shard_thread *self)
{
	for (size_t i = 0; i < self->engine->config->listen_count; i++) {
		const struct io_listener *own = &self->listeners[i];
		const struct io_listener *first = &self->engine->threads[0].listeners[i];

		if (first->is_ipc)
			TRY(io_server_listen(self->shard.server, first->fd, &self->engine->ipc));
		else
			TRY(io_server_listen(self->shard.server, own->fd, own->is_tls ? &self->engine->tls : &self->engine->tcp));
	}
	return 0;
}

/* It takes no turns any more: nobody is to wake it, nor to hand it connections. */
static void has_ended(struct shard_thread *self)
{
	pthread_mutex_lock(&self->engine->lock);
	self->ended = true;
	for (; self->handed_over_count; self->handed_over_count--)
		close(self->handed_over[self->handed_over_count - 1]);
	pthread_mutex_unlock(&self->engine->lock);
}

/* A shard may post to any other until that one has retired: so none is taken down before all have. */
static void retire(struct shard_thread *self)
{
	struct engine *engine = self->engine;

	shard_retire(&self->shard);
	has_ended(self);
	pthread_mutex_lock(&engine->lock);
	engine->retired++;
	pthread_cond_broadcast(&engine->changed);
	while (engine->retired < engine->config->shards)
		pthread_cond_wait(&engine->changed, &engine->lock);
	pthread_mutex_unlock(&engine->lock);
	policies_close(engine->policies);
}

static void *shard_main(void *arg)
{
	struct shard_thread *self = arg;

	if (self->engine->config->shards > 1)
		pin(self->index);
	self->shard.counters = &self->counters;
	self->shard.cache = self->engine->cache;
	self->shard.policies = self->engine->policies;
	self->shard.index = self->index;
	self->result = shard_init(&self->shard, self->engine, self->problem);
	if (report(self->engine) && self->result == 0) {
		self->result = listen_all(self);
		if (self->result == 0)
			self->result = io_loop_run(self->shard.loop);
		engine_stop(self->engine, false);
		retire(self);
		/* Whoever waits for signals learns of it; of a ring that died nothing can be taken down in order. */
		if (self->result < 0) {
			(void)kill(getpid(), SIGTERM);
			return NULL;
		}
	}
	has_ended(self);
	shard_deinit(&self->shard);
	return NULL;
}

/* --- start --- */

static int listeners_open(struct engine *engine, char problem[IO_PROBLEM_SIZE])
{
	const struct engine_config *config = engine->config;

	for (unsigned t = 0; t < config->shards; t++) {
		struct io_listener *listeners = calloc(config->listen_count, sizeof(*listeners));

		if (!listeners) {
			snprintf(problem, IO_PROBLEM_SIZE, "out of memory");
			return -ENOMEM;
		}
		engine->threads[t].listeners = listeners;
		for (size_t i = 0; i < config->listen_count; i++)
			listeners[i].fd = -1;
		for (size_t i = 0; i < config->listen_count; i++) {
			if (t > 0 && engine->threads[0].listeners[i].is_ipc)
				continue;
			TRY(io_listener_open(config->listen[i], t == 0, &config->socket_file, &listeners[i], problem));
		}
	}
	return 0;
}

static int threads_start(struct engine *engine, char problem[IO_PROBLEM_SIZE])
{
	for (unsigned t = 0; t < engine->config->shards; t++) {
		struct shard_thread *thread = &engine->threads[t];
		int error;

		thread->engine = engine;
		thread->index = t;
		error = pthread_create(&thread->thread, NULL, shard_main, thread);
		if (error) {
			snprintf(problem, IO_PROBLEM_SIZE, "thread: %s", strerror(error));
			return -error;
		}
		thread->started = true;
		/* One after another: errors come in order, and libunbound's set-up is not known to be free of races. */
		pthread_mutex_lock(&engine->lock);
		while (engine->reported <= t)
			pthread_cond_wait(&engine->changed, &engine->lock);
		pthread_mutex_unlock(&engine->lock);
		if (thread->result < 0) {
			snprintf(problem, IO_PROBLEM_SIZE, "%s", thread->problem);
			return thread->result;
		}
	}
	return 0;
}

static void decide(struct engine *engine, int decision)
{
	pthread_mutex_lock(&engine->lock);
	engine->decision = decision;
	pthread_cond_broadcast(&engine->changed);
	pthread_mutex_unlock(&engine->lock);
}

int engine_start(const struct engine_config *config, struct engine **out, char problem[IO_PROBLEM_SIZE])
{
	struct engine *engine = calloc(1, sizeof(*engine));
	int result = -ENOMEM;

	ASSERT(config->shards >= 1 && config->shards <= ENGINE_SHARDS_MAX);
	snprintf(problem, IO_PROBLEM_SIZE, "out of memory");
	if (!engine)
		return -ENOMEM;
	engine->config = config;
	rules_make(engine);
	engine->started_ns = clock_ns();
	pthread_mutex_init(&engine->lock, NULL);
	pthread_cond_init(&engine->changed, NULL);
	engine->threads = aligned_alloc(64, config->shards * sizeof(*engine->threads));
	if (engine->threads) {
		memset(engine->threads, 0, config->shards * sizeof(*engine->threads));
		result = cache_new(&config->limits.cache, config->shards, &engine->cache);
	}
	if (result == 0)
		result = policies_new(&config->policies, engine, &engine->policies, problem);
	if (result == 0)
		result = listeners_open(engine, problem);
	if (result == 0)
		result = threads_start(engine, problem);
	decide(engine, result == 0 ? 1 : -1);
	if (result < 0) {
		if (engine_join(engine) < 0)
			engine->decision = -1; /* the cause is in `problem` already */
		engine_free(engine);
		return result;
	}
	policies_serve(engine->policies);
	*out = engine;
	return 0;
}

/* --- stop --- */

static void listeners_stop(struct engine *engine)
{
	for (unsigned t = 0; t < engine->config->shards; t++)
		for (size_t i = 0; i < engine->config->listen_count; i++)
			io_listener_stop(&engine->threads[t].listeners[i]);
}

void engine_stop(struct engine *engine, bool at_once)
{
	bool again;

	pthread_mutex_lock(&engine->lock);
	again = atomic_exchange(&engine->stopping, true);
	if (!again)
		listeners_stop(engine);
	if (at_once)
		atomic_store(&engine->at_once, true);
	for (unsigned t = 0; (!again || at_once) && t < engine->config->shards; t++)
		if (engine->threads[t].shard.loop && !engine->threads[t].ended)
			io_loop_wake(engine->threads[t].shard.loop);
	pthread_mutex_unlock(&engine->lock);
}

bool engine_has_ended(struct engine *engine)
{
	bool ended = true;

	pthread_mutex_lock(&engine->lock);
	for (unsigned t = 0; t < engine->config->shards; t++)
		ended = ended && engine->threads[t].ended;
	pthread_mutex_unlock(&engine->lock);
	return ended;
}

int engine_join(struct engine *engine)
{
	int result = 0;

	for (unsigned t = 0; engine->threads && t < engine->config->shards; t++) {
		struct shard_thread *thread = &engine->threads[t];

		if (!thread->started)
			continue;
		pthread_join(thread->thread, NULL);
		thread->started = false;
		if (thread->result < 0 && result == 0)
			result = thread->result;
	}
	return result;
}

void engine_free(struct engine *engine)
{
	if (!engine)
		return;
	for (unsigned t = 0; engine->threads && t < engine->config->shards; t++) {
		struct shard_thread *thread = &engine->threads[t];

		for (size_t i = 0; thread->listeners && i < engine->config->listen_count; i++)
			io_listener_close(&thread->listeners[i]);
		free(thread->listeners);
	}
	policies_free(engine->policies);
	cache_free(engine->cache);
	free(engine->threads);
	pthread_cond_destroy(&engine->changed);
	pthread_mutex_destroy(&engine->lock);
	free(engine);
}

/* --- connections that change shards --- */

struct shard *engine_shard(struct engine *engine, unsigned index)
{
	return &engine->threads[index].shard;
}

bool engine_hand_over(struct engine *engine, unsigned from, int fd)
{
	struct shard_thread *to;
	unsigned index, count;
	bool taken;

	if (engine->config->shards == 1)
		return false;
	pthread_mutex_lock(&engine->lock);
	index = engine->connections++ % engine->config->shards;
	to = &engine->threads[index];
	count = to->handed_over_count;
	taken = index != from && !to->ended && count < HANDED_OVER_MAX;
	if (taken) {
		to->handed_over[count] = fd;
		to->handed_over_count = count + 1;
		io_loop_wake(to->shard.loop);
	}
	pthread_mutex_unlock(&engine->lock);
	return taken;
}

unsigned engine_handed_over(struct engine *engine, unsigned to, int fds[HANDED_OVER_MAX])
{
	struct shard_thread *thread = &engine->threads[to];
	unsigned count;

	/* Nearly always: without the lock. Whoever adds one wakes the shard for another look. */
	if (atomic_load_explicit(&thread->handed_over_count, memory_order_relaxed) == 0)
		return 0;
	pthread_mutex_lock(&engine->lock);
	count = thread->handed_over_count;
	memcpy(fds, thread->handed_over, count * sizeof(*fds));
	thread->handed_over_count = 0;
	pthread_mutex_unlock(&engine->lock);
	return count;
}

/* --- what others read --- */

static uint64_t tls_counter(const struct io_tls *tls, enum counter_id id)
{
	struct io_tls_counters counters;

	if (!tls)
		return 0;
	counters = io_tls_counters(tls);
	if (id == COUNTER_TLS_CERTIFICATE_ENDS)
		return counters.certificate_ends_s;
	return id == COUNTER_TLS_RELOADS ? counters.reloads : counters.reloads_failed;
}

uint64_t engine_counter(const struct engine *engine, enum counter_id id)
{
	uint64_t sum = policies_counter(engine->policies, id);

	if (id == COUNTER_CACHE_ENTRIES)
		return cache_entries(engine->cache);
	if (id == COUNTER_CACHE_OCTETS)
		return cache_octets(engine->cache);
	if (id == COUNTER_TLS_RELOADS || id == COUNTER_TLS_RELOADS_FAILED || id == COUNTER_TLS_CERTIFICATE_ENDS)
		return tls_counter(engine->config->tls, id);
	for (unsigned t = 0; t < engine->config->shards; t++)
		sum += counter_read(&engine->threads[t].counters, id);
	return sum;
}

uint64_t engine_reason_count(const struct engine *engine, enum reason_id id)
{
	uint64_t sum = 0;

	for (unsigned t = 0; t < engine->config->shards; t++)
		sum += atomic_load_explicit(&engine->threads[t].counters.reasons[id], memory_order_relaxed);
	return sum;
}

uint64_t engine_uptime_ms(const struct engine *engine)
{
	return (uint64_t)(clock_ns() - engine->started_ns) / 1000000;
}

bool engine_is_stopping(const struct engine *engine)
{
	return atomic_load_explicit(&engine->stopping, memory_order_relaxed);
}

bool engine_is_stopping_at_once(const struct engine *engine)
{
	return atomic_load_explicit(&engine->at_once, memory_order_relaxed);
}

void engine_kernels_describe(const struct engine *engine, char out[CRYPTO_KERNELS_TEXT_SIZE])
{
	crypto_kernels_describe(&engine->threads[0].shard.provider.kernels, out);
}

const struct engine_config *engine_config_of(const struct engine *engine)
{
	return engine->config;
}
