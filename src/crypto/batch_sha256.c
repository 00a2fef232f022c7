/*
 * The SHA-256 of a run, all of it together: bodies, and what signatures are over. The more streams there are, the more of
 * them go on at once; short ones fill the lanes that long ones leave.
 */
#include "crypto/batch_parts.h"

#include "crypto/sha256.h"

#include <stdlib.h>

int crypto_batch_sha256_init(struct crypto_batch *batch)
{
	struct crypto_sha256_kernels kernels;
	struct crypto_sha256_plan plan;

	crypto_sha256_kernels_find(&batch->provider->kernels.cpu, &kernels);
	crypto_sha256_kernels_probe(&kernels);
	if (kernels.count == 0)
		return 0;
	batch->hasher = malloc(sizeof(*batch->hasher));
	if (!batch->hasher)
		return -ENOMEM;
	crypto_sha256_plan_measure(&kernels, &plan);
	crypto_sha256_init(batch->hasher, &plan);
	return 0;
}

/* A body's next octets. What lies behind octets_max is read for its length only, and costs time all the same. */
static bool body_next(void *source, struct slice *out)
{
	struct crypto_hash_job *job = source;
	struct crypto_batch *batch = job->batch;

	*out = SLICE_EMPTY;
	while (out->len == 0) {
		uint64_t left = job->octets_max > job->octets ? job->octets_max - job->octets : 0;
		struct slice part;

		if (batch->cost >= CRYPTO_RUN_COST_MAX)
			return true; /* none now */
		if (!job->next(job->source, &part))
			return false;
		*out = slice_sub(part, 0, left < part.len ? (size_t)left : part.len);
		job->octets += part.len;
		batch->counters[CRYPTO_WORK_SHA256].octets += part.len;
		batch->cost += part.len - out->len + CRYPTO_SLICE_COST;
	}
	return true;
}

static bool parts_next(void *source, struct slice *out)
{
	struct crypto_verify_job *job = source;

	*out = SLICE_EMPTY;
	while (out->len == 0 && job->part < job->parts_count)
		*out = job->parts[job->part++];
	return out->len > 0;
}

#define GROUP 64

/* Where a run has got to in the rings of waiting jobs. */
struct progress {
	struct crypto_hash_job *group[GROUP]; /* the next bodies to join */
	size_t group_at, group_count;
	struct crypto_job *body;            /* the next one behind them, or the ring's head */
	size_t bodies_left;                 /* from there on */
	struct crypto_job *signature;
	enum crypto_work signatures;        /* which ring */
	bool out_of_time;                   /* no bodies any more */
};

static void signatures_from_first(struct crypto_batch *batch, struct progress *progress)
{
	progress->signatures = CRYPTO_WORK_RSA;
	progress->signature = batch->waiting[CRYPTO_WORK_RSA].next;
}

static uint64_t octets_left(const struct crypto_hash_job *job)
{
	return job->octets_likely > job->octets ? job->octets_likely - job->octets : 0;
}

static int octets_left_compare(const void *a, const void *b)
{
	uint64_t x = octets_left(*(struct crypto_hash_job *const *)a), y = octets_left(*(struct crypto_hash_job *const *)b);

	return (x < y) - (x > y);
}

/*
 * The longest first, if there is time for all of them. If not, as they came: then those are last that were put off, and short
 * ones do not wait for them again.
 */
static void group_fill(struct progress *progress)
{
	uint64_t octets = 0;

	progress->group_at = progress->group_count = 0;
	for (; progress->bodies_left > 0 && progress->group_count < GROUP; progress->bodies_left--) {
		struct crypto_hash_job *job = (struct crypto_hash_job *)progress->body;
		uint64_t left = octets_left(job);

		octets += left < CRYPTO_RUN_COST_MAX ? left : CRYPTO_RUN_COST_MAX;
		progress->group[progress->group_count++] = job;
		progress->body = job->job.next;
	}
	if (octets < CRYPTO_RUN_COST_MAX)
		qsort(progress->group, progress->group_count, sizeof(progress->group[0]), octets_left_compare);
}

/* The next body, begun or not; bodies come first: they take longest, and lanes are best filled while they go on. */
static struct crypto_sha256_stream *body_take(struct crypto_batch *batch, struct progress *progress)
{
	struct crypto_hash_job *job;

	if (progress->out_of_time)
		return NULL;
	if (progress->group_at == progress->group_count)
		group_fill(progress);
	if (progress->group_count == 0)
		return NULL;
	job = progress->group[progress->group_at++];
	if (!job->batch) {
		job->batch = batch;
		crypto_sha256_begin(&job->stream, body_next, job, job);
	}
	return &job->stream;
}

static struct crypto_sha256_stream *signature_take(struct crypto_batch *batch, struct progress *progress)
{
	for (;;) {
		struct crypto_verify_job *job = (struct crypto_verify_job *)progress->signature;

		if (&job->job == &batch->waiting[progress->signatures]) {
			if (progress->signatures == CRYPTO_WORK_ED25519)
				return NULL;
			progress->signatures = CRYPTO_WORK_ED25519;
			progress->signature = batch->waiting[CRYPTO_WORK_ED25519].next;
			continue;
		}
		progress->signature = job->job.next;
		if (job->hash != CRYPTO_SHA256 || job->hashed)
			continue;
		if (!job->begun)
			crypto_sha256_begin(&job->stream, parts_next, job, job);
		job->begun = true;
		return &job->stream;
	}
}

static void lanes_fill(struct crypto_batch *batch, struct progress *progress)
{
	while (crypto_sha256_has_room(batch->hasher)) {
		struct crypto_sha256_stream *stream = body_take(batch, progress);

		if (!stream)
			stream = signature_take(batch, progress);
		if (!stream)
			return;
		crypto_sha256_join(batch->hasher, stream);
	}
}

/* Returns how many jobs were finished: a signature's job is not, its digest is there. */
static size_t ended_take(struct crypto_batch *batch)
{
	struct crypto_sha256_stream *stream;
	size_t finished = 0;

	while ((stream = crypto_sha256_take_ended(batch->hasher))) {
		struct crypto_job *job = stream->owner;

		if (job->work == CRYPTO_WORK_SHA256) {
			crypto_sha256_digest(stream, ((struct crypto_hash_job *)job)->digest);
			batch->counters[CRYPTO_WORK_SHA256].by_path[CRYPTO_PATH_LANES]++;
			crypto_batch_job_finish(batch, job);
			finished++;
		} else {
			crypto_sha256_digest(stream, ((struct crypto_verify_job *)job)->digest);
			((struct crypto_verify_job *)job)->hashed = true;
			batch->counters[job->work].octets += stream->octets;
		}
	}
	return finished;
}

/* Bodies begun go behind the others: a large one waits for small ones, not they for it. Signatures go on. */
static size_t bodies_put_off(struct crypto_batch *batch, struct progress *progress)
{
	size_t finished, count;
	struct crypto_job *job;

	progress->out_of_time = true;
	crypto_sha256_leave_all(batch->hasher);
	finished = ended_take(batch);
	job = batch->waiting[CRYPTO_WORK_SHA256].next;
	for (count = batch->waiting_count[CRYPTO_WORK_SHA256]; count > 0; count--) {
		struct crypto_job *next = job->next;

		if (((struct crypto_hash_job *)job)->batch)
			crypto_batch_job_defer(batch, job);
		job = next;
	}
	signatures_from_first(batch, progress);
	return finished;
}

#define FEW 8 /* streams: fewer leave most lanes empty */

/*
 * What is left are a few long bodies, and more requests are queued, whose bodies will fill the lanes beside them. Only a run that began
 * with more than a few puts them off: each has brought them further, and they are the first to go on.
 */
static bool few_may_wait(const struct crypto_batch *batch, const struct progress *progress, unsigned began)
{
	return batch->more && began >= FEW && batch->hasher->streams < FEW && !progress->out_of_time;
}

size_t crypto_batch_sha256_run(struct crypto_batch *batch)
{
	struct crypto_work_counters *counters = &batch->counters[CRYPTO_WORK_SHA256];
	struct progress progress = {
		.body = batch->waiting[CRYPTO_WORK_SHA256].next,
		.bodies_left = batch->waiting_count[CRYPTO_WORK_SHA256],
	};
	size_t finished = 0;
	unsigned began;

	counters->runs += progress.bodies_left > 0;
	batch->cost = 0;
	signatures_from_first(batch, &progress);
	lanes_fill(batch, &progress);
	began = batch->hasher->streams;
	for (; batch->hasher->streams > 0; lanes_fill(batch, &progress)) {
		bool is_over = few_may_wait(batch, &progress, began);

		if (!is_over)
			batch->cost += crypto_sha256_step(batch->hasher);
		finished += ended_take(batch);
		if (is_over || (batch->cost >= CRYPTO_RUN_COST_MAX && !progress.out_of_time))
			finished += bodies_put_off(batch, &progress);
	}
	counters->lanes_filled = batch->hasher->blocks;
	counters->lanes_offered = batch->hasher->block_steps * CRYPTO_SHA256_LANES_MAX;
	return finished;
}
