#include "engine/errand.h"

#include "engine/request.h"

#include <stdlib.h>
#include <string.h>

/*
 * So much longer has the own queue to be: below it, the way there and back costs more than it gains. A message that was received here is in
 * this core's caches, so where both shards are busy with their own connections none is sent for a difference that passes: the larger the part of
 * the other's time that its own take, the larger has it to be. Not so where they take much more of the time here, for that does not pass; and not
 * where QUEUE_LEAST wait here, or for half of limits.queue-time: some might have to be refused soon.
 */
#define SHORTER_BY 2
#define WHOLE      256               /* a shard's time; and so much longer, about two turns, where its own connections take all of it */
#define OWN_NS     INT64_C(4000000)  /* over so long that part is reckoned, */
#define OWN_OLD_NS INT64_C(20000000) /* and after so long not known: the other shard is asleep, or in a turn of that length */

static struct errand *errand_of(struct post *post)
{
	return (struct errand *)((uintptr_t)post - offsetof(struct errand, post));
}

/* At home again. */
static void come_back(struct post *post, struct shard *shard)
{
	struct errand *errand = errand_of(post);
	struct request *request = errand->home;
	uint8_t *at;

	(void)shard;
	if (errand->declined) {
		request_do(request, errand->body);
		return;
	}
	at = errand->reply ? io_conn_reply(request->conn, request->backtrace_len + errand->reply_len) : NULL;
	if (at) {
		memcpy(at, request->backtrace, request->backtrace_len);
		memcpy(at + request->backtrace_len, errand->reply, errand->reply_len);
	}
	if (errand->reply != errand->room)
		free(errand->reply);
	request_free(request);
}

void errand_return(struct errand *errand)
{
	errand->post.deliver = come_back;
	/* A shard that has retired takes its requests down itself; all that the errand has beside them is a large reply. */
	if (!shard_post(errand->home->shard, &errand->post) && errand->reply != errand->room)
		free(errand->reply);
}

static void arrive(struct post *post, struct shard *shard)
{
	struct errand *errand = errand_of(post);

	atomic_fetch_sub_explicit(&shard->load.coming, 1, memory_order_relaxed);
	shard->errands_arrived++;
	request_receive_errand(shard, errand);
}

static void bounce(struct post *post)
{
	struct errand *errand = errand_of(post);

	errand->declined = true;
	errand_return(errand);
}

/* Reading a request and sending its reply takes about half as long as evaluating one (with messages of 23 KiB: 25 us and 63). */
#define RECEIVED_PART 2

unsigned errand_load(const struct shard *shard)
{
	return shard->queue.new_count + shard->received / RECEIVED_PART;
}

/* What part of the time since it was last told, in parts of WHOLE. */
static unsigned own_part(const struct shard *shard, int64_t since_ns)
{
	int64_t busy_ns = since_ns - (io_loop_asleep_ns(shard->loop) - shard->own_asleep_ns);
	unsigned requests = shard->own_received + shard->errands_arrived;

	if (requests == 0 || busy_ns <= 0)
		return 0;
	return (unsigned)((uint64_t)(busy_ns < since_ns ? busy_ns : since_ns) * WHOLE / (uint64_t)since_ns * shard->own_received / requests);
}

void errand_load_publish(struct shard *shard, int64_t now_ns)
{
	int64_t since_ns = now_ns - atomic_load_explicit(&shard->load.own_ns, memory_order_relaxed);

	atomic_store_explicit(&shard->load.queued, errand_load(shard), memory_order_relaxed);
	shard->own_received += shard->received;
	if (since_ns >= OWN_NS) {
		atomic_store_explicit(&shard->load.own, own_part(shard, since_ns), memory_order_relaxed);
		atomic_store_explicit(&shard->load.own_ns, now_ns, memory_order_relaxed);
		shard->own_asleep_ns = io_loop_asleep_ns(shard->loop);
		shard->own_received = 0;
		shard->errands_arrived = 0;
	}
}

/*
 * What waits there: as its last turn left it, and what is on its way. What arrived in the turn it is in is in neither: to count that until the
 * turn ends sent too few (one connection, two shards: 37,100 a second in place of 42,200).
 */
static unsigned load_of(const struct shard *shard)
{
	return atomic_load_explicit(&shard->load.queued, memory_order_relaxed) +
	       atomic_load_explicit(&shard->load.coming, memory_order_relaxed);
}

static int64_t half_queue_ns(const struct shard *shard)
{
	return shard_queue_ns_max(shard) / 2;
}

static bool is_long(const struct shard *shard)
{
	return shard->queue.new_count >= QUEUE_LEAST || shard->queue.new_count * shard->queue.each_ns >= half_queue_ns(shard);
}

/* How much less than here that has to be. */
static unsigned shorter_by(const struct shard *here, const struct shard *there)
{
	int64_t own_ns = atomic_load_explicit(&there->load.own_ns, memory_order_relaxed);
	unsigned own_there = atomic_load_explicit(&there->load.own, memory_order_relaxed);
	unsigned own_here = atomic_load_explicit(&here->load.own, memory_order_relaxed);
	unsigned more = own_here > own_there ? own_here - own_there : 0;

	if (is_long(here) || io_now_ns(here->loop) - own_ns >= OWN_OLD_NS || more >= WHOLE / 2)
		return SHORTER_BY;
	return SHORTER_BY + own_there * (WHOLE - 2 * more) / WHOLE;
}

/* The one with the least to do, if that is less than here. The search begins behind the last one chosen. */
static struct shard *less_busy(const struct shard *shard)
{
	unsigned shards = shard->config->shards, own = errand_load(shard), least = own;
	struct shard *found = NULL;

	if (shards == 1 || own < SHORTER_BY || shard->draining)
		return NULL;
	for (unsigned i = 1; i <= shards; i++) {
		unsigned index = (shard->errands_to + i) % shards;
		struct shard *other = index == shard->index ? NULL : engine_shard(shard->engine, index);
		unsigned load = other ? load_of(other) + shorter_by(shard, other) : own;

		if (load < least || (load == own && other && !found)) {
			least = load;
			found = other;
		}
	}
	return found;
}

bool errand_is_sooner(const struct shard *shard)
{
	const struct shard *other = less_busy(shard);

	return other && load_of(other) + SHORTER_BY < shard->queue.new_count &&
	       load_of(other) * shard->queue.each_ns < half_queue_ns(shard);
}

bool errand_send(struct request *request, struct slice body)
{
	struct shard *shard = request->shard, *to = less_busy(shard);
	struct errand *errand = to ? arena_alloc(&request->arena, sizeof(*errand)) : NULL;

	if (!errand || !request_memory_is_within(request))
		return false;
	errand->home = request;
	errand->body = body;
	errand->post.deliver = arrive;
	errand->post.bounce = bounce;
	atomic_fetch_add_explicit(&to->load.coming, 1, memory_order_relaxed);
	if (!shard_post(to, &errand->post)) {
		atomic_fetch_sub_explicit(&to->load.coming, 1, memory_order_relaxed);
		return false;
	}
	shard->errands_to = to->index;
	counter_up(shard->counters, COUNTER_REQUESTS_SPREAD);
	return true;
}

uint8_t *errand_reply(struct errand *errand, size_t octets)
{
	errand->reply = octets <= sizeof(errand->room) ? errand->room : malloc(octets);
	errand->reply_len = octets;
	return errand->reply;
}
