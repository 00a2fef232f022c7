#include "crypto/batch.h"

#include "crypto/batch_parts.h"
#include "crypto/key_private.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>

static void ring_init(struct crypto_job *head)
{
	head->prev = head->next = head;
}

static void ring_append(struct crypto_job *head, struct crypto_job *job)
{
	job->prev = head->prev;
	job->next = head;
	head->prev->next = job;
	head->prev = job;
}

static void ring_unlink(struct crypto_job *job)
{
	job->prev->next = job->next;
	job->next->prev = job->prev;
	job->prev = job->next = NULL;
}

static bool is_hash(enum crypto_work work)
{
	return work == CRYPTO_WORK_SHA256 || work == CRYPTO_WORK_SHA1;
}

static bool is_verification(enum crypto_work work)
{
	return work == CRYPTO_WORK_RSA || work == CRYPTO_WORK_ED25519;
}

/* A job that was begun and will not be finished. */
static void job_forget(struct crypto_job *job)
{
	struct crypto_hash_job *hash = (struct crypto_hash_job *)job;

	if (!is_hash(job->work))
		return;
	EVP_MD_CTX_free(hash->context);
	hash->context = NULL;
}

int crypto_batch_init(struct crypto_batch *batch, struct crypto_provider *provider)
{
	*batch = (struct crypto_batch){ .provider = provider };
	ring_init(&batch->finished);
	for (int work = 0; work < CRYPTO_WORKS; work++)
		ring_init(&batch->waiting[work]);
	for (int hash = 0; hash < CRYPTO_HASHES; hash++) {
		batch->contexts[hash] = EVP_MD_CTX_new();
		if (!batch->contexts[hash]) {
			crypto_batch_deinit(batch);
			return -ENOMEM;
		}
	}
	if (crypto_batch_sha256_init(batch) < 0) {
		crypto_batch_deinit(batch);
		return -ENOMEM;
	}
	return 0;
}

void crypto_batch_deinit(struct crypto_batch *batch)
{
	ASSERT(!batch->running);
	for (int work = 0; work < CRYPTO_WORKS; work++)
		while (batch->waiting[work].next && batch->waiting[work].next != &batch->waiting[work]) {
			job_forget(batch->waiting[work].next);
			ring_unlink(batch->waiting[work].next);
		}
	for (int hash = 0; hash < CRYPTO_HASHES; hash++) {
		EVP_MD_CTX_free(batch->contexts[hash]);
		batch->contexts[hash] = NULL;
	}
	free(batch->hasher);
	batch->hasher = NULL;
}

static void batch_add(struct crypto_batch *batch, struct crypto_job *job, enum crypto_work work)
{
	ASSERT(!job->next);
	job->work = work;
	ring_append(&batch->waiting[work], job);
	batch->waiting_count[work]++;
}

void crypto_batch_add_hash(struct crypto_batch *batch, struct crypto_hash_job *job)
{
	job->failed = false;
	job->octets = 0;
	job->context = NULL;
	job->batch = NULL;
	batch_add(batch, &job->job, job->hash == CRYPTO_SHA1 ? CRYPTO_WORK_SHA1 : CRYPTO_WORK_SHA256);
}

void crypto_batch_add_verify(struct crypto_batch *batch, struct crypto_verify_job *job)
{
	job->verdict = CRYPTO_PENDING;
	job->begun = job->hashed = false;
	job->part = 0;
	job->held = 0;
	batch_add(batch, &job->job,
	          crypto_key_kind(job->key) == CRYPTO_KEY_RSA ? CRYPTO_WORK_RSA : CRYPTO_WORK_ED25519);
}

void crypto_batch_add_sign(struct crypto_batch *batch, struct crypto_sign_job *job)
{
	job->failed = true;
	batch_add(batch, &job->job, CRYPTO_WORK_SIGN);
}

/* A job in the ring of finished ones is counted no more. */
void crypto_batch_remove(struct crypto_batch *batch, struct crypto_job *job)
{
	if (!job->next)
		return;
	job_forget(job);
	if (job->work != CRYPTO_WORKS)
		batch->waiting_count[job->work]--;
	ring_unlink(job);
}

static bool hash_begin(struct crypto_batch *batch, enum crypto_hash hash)
{
	return batch->provider->digests[hash] &&
	       EVP_DigestInit_ex2(batch->contexts[hash], batch->provider->digests[hash], NULL) == 1;
}

static bool hash_add(struct crypto_batch *batch, enum crypto_hash hash, struct slice s)
{
	return s.len == 0 || EVP_DigestUpdate(batch->contexts[hash], s.ptr, s.len) == 1;
}

static bool hash_end(struct crypto_batch *batch, enum crypto_hash hash, uint8_t digest[CRYPTO_DIGEST_OCTETS_MAX])
{
	unsigned len = 0;

	return EVP_DigestFinal_ex(batch->contexts[hash], digest, &len) == 1 && len == crypto_hash_octets(hash);
}

/* The batch's context of that hash is the job's from now on; the batch gets another. */
static bool hash_suspend(struct crypto_batch *batch, struct crypto_hash_job *job)
{
	EVP_MD_CTX *fresh = EVP_MD_CTX_new();

	if (!fresh)
		return false;
	job->context = batch->contexts[job->hash];
	batch->contexts[job->hash] = fresh;
	return true;
}

static void hash_resume(struct crypto_batch *batch, struct crypto_hash_job *job)
{
	EVP_MD_CTX_free(batch->contexts[job->hash]);
	batch->contexts[job->hash] = job->context;
	job->context = NULL;
}

/* Goes on with the job until its source or the run's budget ends. False: there is more. */
static bool hash_run(struct crypto_batch *batch, struct crypto_hash_job *job)
{
	struct crypto_work_counters *counters = &batch->counters[job->job.work];
	bool begun = job->context;
	struct slice part;

	if (begun)
		hash_resume(batch, job);
	else
		job->failed = !hash_begin(batch, job->hash);
	while (job->next(job->source, &part)) {
		uint64_t left = job->octets_max > job->octets ? job->octets_max - job->octets : 0;

		job->octets += part.len;
		counters->octets += part.len;
		batch->cost += part.len + CRYPTO_SLICE_COST;
		part = slice_sub(part, 0, left < part.len ? (size_t)left : part.len);
		job->failed = job->failed || !hash_add(batch, job->hash, part);
		if (batch->cost >= CRYPTO_RUN_COST_MAX && hash_suspend(batch, job))
			return false;
	}
	job->failed = job->failed || !hash_end(batch, job->hash, job->digest);
	counters->by_path[CRYPTO_PATH_OPENSSL]++;
	counters->faults += job->failed;
	return true;
}

/* The hash of octets in pieces. */
static bool parts_hash(struct crypto_batch *batch, enum crypto_hash hash, const struct slice *parts, size_t count,
                       struct crypto_work_counters *counters, uint8_t digest[CRYPTO_DIGEST_OCTETS_MAX])
{
	bool works = hash_begin(batch, hash);

	for (size_t i = 0; i < count; i++) {
		works = works && hash_add(batch, hash, parts[i]);
		counters->octets += parts[i].len;
	}
	return works && hash_end(batch, hash, digest);
}

static void sign_run(struct crypto_batch *batch, struct crypto_sign_job *job)
{
	struct crypto_work_counters *counters = &batch->counters[CRYPTO_WORK_SIGN];
	uint8_t octets[CRYPTO_DIGEST_OCTETS_MAX];
	struct slice digest = slice_of(octets, crypto_hash_octets(CRYPTO_SHA256));

	job->failed = !parts_hash(batch, CRYPTO_SHA256, job->parts, job->parts_count, counters, octets) ||
	              !crypto_signer_sign(job->signer, digest, job->signature);
	job->signature_len = crypto_signer_octets(job->signer);
	batch->cost += CRYPTO_SIGN_COST;
	counters->faults += job->failed;
}

static void verify_one(struct crypto_batch *batch, struct crypto_verify_job *job, enum crypto_path path)
{
	job->verdict = crypto_key_verify(job->key, job->hash, slice_of(job->digest, crypto_hash_octets(job->hash)),
	                                 job->signature);
	batch->counters[job->job.work].by_path[path]++;
}

/* By eight lanes, or a few side by side. */
static void rsa_group_by_kernel(struct crypto_batch *batch, struct crypto_rsa_group *group, enum crypto_path path)
{
	struct crypto_work_counters *counters = &batch->counters[CRYPTO_WORK_RSA];
	struct crypto_rsa_check checks[CRYPTO_RSA_LANES];

	for (size_t i = 0; i < group->count; i++) {
		const struct crypto_verify_job *job = group->jobs[i];

		checks[i] = (struct crypto_rsa_check){ job->key->rsa_key, job->hash, job->digest, job->signature.ptr, false };
	}
	if (path == CRYPTO_PATH_LANES) {
		crypto_rsa_lanes_verify(batch->provider->rsa_lanes, checks, group->count);
		counters->lanes_offered += CRYPTO_RSA_LANES;
		counters->lanes_filled += group->count;
	} else {
		crypto_rsa_few_verify(checks, group->count);
	}
	for (size_t i = 0; i < group->count; i++)
		group->jobs[i]->verdict = checks[i].valid ? CRYPTO_VALID : CRYPTO_INVALID;
	counters->by_path[path] += group->count;
}

/* Full lanes cost the same as empty ones: others may come with the next run. True: these wait for them. */
static bool group_waits(const struct crypto_batch *batch, struct crypto_verify_job *const jobs[], size_t count,
                        size_t lanes)
{
	if (!batch->more || count >= lanes || jobs[0]->held >= CRYPTO_HELD_RUNS_MAX)
		return false;
	for (size_t i = 0; i < count; i++)
		jobs[i]->held++;
	return true;
}

/* What is cheaper for so many: the lanes cost the same however many are filled. */
static void rsa_group_run(struct crypto_batch *batch, struct crypto_rsa_group *group)
{
	bool may_wait = batch->provider->kernels.rsa_lanes_min <= CRYPTO_RSA_LANES;

	if (may_wait && group_waits(batch, group->jobs, group->count, CRYPTO_RSA_LANES)) {
		group->count = 0;
		return;
	}
	switch (crypto_key_rsa_path(group->jobs[0]->key, group->count)) {
	case CRYPTO_RSA_BY_LANES: rsa_group_by_kernel(batch, group, CRYPTO_PATH_LANES); break;
	case CRYPTO_RSA_BY_FEW: rsa_group_by_kernel(batch, group, CRYPTO_PATH_FEW); break;
	default:
		for (size_t i = 0; i < group->count; i++)
			verify_one(batch, group->jobs[i], CRYPTO_PATH_OPENSSL);
	}
	group->count = 0;
}

/* Into the group of its size, which runs when it is full. */
static void rsa_group_add(struct crypto_batch *batch, struct crypto_verify_job *job)
{
	const struct crypto_rsa_key *key = job->key->rsa_key;
	struct crypto_rsa_group *group;

	if (!crypto_rsa_is_representative(job->key->octets.modulus, job->signature)) {
		job->verdict = CRYPTO_INVALID;
		return;
	}
	group = &batch->rsa_groups[key->limbs / CRYPTO_RSA_BLOCK - 1];
	group->jobs[group->count++] = job;
	if (group->count == CRYPTO_RSA_LANES)
		rsa_group_run(batch, group);
}

static void ed25519_group_by_lanes(struct crypto_batch *batch, struct crypto_ed25519_group *group)
{
	struct crypto_work_counters *counters = &batch->counters[CRYPTO_WORK_ED25519];
	struct crypto_ed25519_job checks[CRYPTO_ED25519_JOBS_BEST];
	size_t calls = (group->count + CRYPTO_ED25519_LANES - 1) / CRYPTO_ED25519_LANES;

	for (size_t i = 0; i < group->count; i++) {
		const struct crypto_verify_job *job = group->jobs[i];

		checks[i] = (struct crypto_ed25519_job){ job->key->ed25519_key, job->signature,
			                                 slice_of(job->digest, crypto_hash_octets(job->hash)), false };
	}
	crypto_ed25519_verify(batch->provider->ed25519, checks, group->count);
	for (size_t i = 0; i < group->count; i++)
		group->jobs[i]->verdict = checks[i].valid ? CRYPTO_VALID : CRYPTO_INVALID;
	counters->lanes_offered += calls * CRYPTO_ED25519_LANES;
	counters->lanes_filled += group->count;
	counters->by_path[CRYPTO_PATH_LANES] += group->count;
}

/* The lanes are cheaper for a single one too, but dearest then. */
static void ed25519_group_run(struct crypto_batch *batch, struct crypto_ed25519_group *group)
{
	if (!group_waits(batch, group->jobs, group->count, CRYPTO_ED25519_LANES))
		ed25519_group_by_lanes(batch, group);
	group->count = 0;
}

static void ed25519_group_add(struct crypto_batch *batch, struct crypto_verify_job *job)
{
	struct crypto_ed25519_group *group = &batch->ed25519_group;

	group->jobs[group->count++] = job;
	if (group->count == CRYPTO_ED25519_JOBS_BEST)
		ed25519_group_run(batch, group);
}

void crypto_batch_job_finish(struct crypto_batch *batch, struct crypto_job *job)
{
	batch->waiting_count[job->work]--;
	batch->counters[job->work].jobs++;
	job->work = CRYPTO_WORKS;
	ring_unlink(job);
	ring_append(&batch->finished, job);
}

void crypto_batch_job_defer(struct crypto_batch *batch, struct crypto_job *job)
{
	ring_unlink(job);
	ring_append(&batch->waiting[job->work], job);
}

static void verify_begin(struct crypto_batch *batch, struct crypto_verify_job *job)
{
	const struct crypto_rsa_key *rsa_key = job->key->rsa_key;

	if (!job->hashed)
		job->verdict = CRYPTO_FAULT;
	else if (rsa_key && rsa_key->form == CRYPTO_RSA_FORM_52)
		rsa_group_add(batch, job);
	else if (rsa_key)
		verify_one(batch, job, CRYPTO_PATH_SCALAR);
	else if (job->key->ed25519_key)
		ed25519_group_add(batch, job);
	else
		verify_one(batch, job, CRYPTO_PATH_OPENSSL);
}

/* Those whose digest no hasher made. */
static void digests_make(struct crypto_batch *batch, enum crypto_work work)
{
	struct crypto_job *head = &batch->waiting[work];

	for (struct crypto_job *at = head->next; at != head; at = at->next) {
		struct crypto_verify_job *job = (struct crypto_verify_job *)at;

		if (!job->hashed)
			job->hashed = parts_hash(batch, job->hash, job->parts, job->parts_count, &batch->counters[work],
			                         job->digest);
	}
}

/* First all digests, then all signatures: each kind of kernel has its jobs side by side. Returns how many it finished. */
static size_t verify_all(struct crypto_batch *batch, enum crypto_work work)
{
	struct crypto_job *head = &batch->waiting[work], *next;
	size_t finished = 0;

	digests_make(batch, work);
	for (struct crypto_job *at = head->next; at != head; at = at->next)
		verify_begin(batch, (struct crypto_verify_job *)at);
	for (size_t i = 0; i < CRYPTO_RSA_GROUPS; i++)
		if (batch->rsa_groups[i].count > 0)
			rsa_group_run(batch, &batch->rsa_groups[i]);
	if (batch->ed25519_group.count > 0)
		ed25519_group_run(batch, &batch->ed25519_group);
	for (struct crypto_job *at = head->next; at != head; at = next) {
		const struct crypto_verify_job *job = (struct crypto_verify_job *)at;

		next = at->next;
		if (job->verdict == CRYPTO_PENDING)
			continue; /* held */
		batch->counters[work].faults += job->verdict == CRYPTO_FAULT;
		crypto_batch_job_finish(batch, at);
		finished++;
	}
	return finished;
}

/* Hashes or signs what a run has time for. Returns how many it finished. */
static size_t jobs_run(struct crypto_batch *batch, enum crypto_work work)
{
	struct crypto_job *head = &batch->waiting[work];
	size_t count = batch->waiting_count[work], finished = 0;

	batch->cost = 0; /* each kind has a budget of its own: none waits for another */
	for (; count > 0 && batch->cost < CRYPTO_RUN_COST_MAX; count--) {
		struct crypto_job *job = head->next;

		if (work == CRYPTO_WORK_SIGN) {
			sign_run(batch, (struct crypto_sign_job *)job);
		} else if (!hash_run(batch, (struct crypto_hash_job *)job)) {
			/* A large body waits for small ones, not they for it. */
			crypto_batch_job_defer(batch, job);
			continue;
		}
		crypto_batch_job_finish(batch, job);
		finished++;
	}
	return finished;
}

size_t crypto_batch_run(struct crypto_batch *batch)
{
	size_t count = 0;

	ASSERT(!batch->running);
	batch->running = true;
	if (batch->hasher)
		count += crypto_batch_sha256_run(batch);
	for (int at = 0; at < CRYPTO_WORKS; at++) {
		enum crypto_work work = (enum crypto_work)at;

		if (work == CRYPTO_WORK_SHA256 && batch->hasher)
			continue;
		batch->counters[work].runs += batch->waiting_count[work] > 0;
		count += is_verification(work) ? verify_all(batch, work) : jobs_run(batch, work);
	}
	ERR_clear_error();
	while (batch->finished.next != &batch->finished) {
		struct crypto_job *job = batch->finished.next;

		ring_unlink(job);
		if (job->done)
			job->done(job);
	}
	batch->running = false;
	return count;
}

size_t crypto_batch_run_some(struct crypto_batch *batch)
{
	size_t count;

	batch->more = true;
	count = crypto_batch_run(batch);
	batch->more = false;
	return count;
}
