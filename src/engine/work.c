#include "engine/work.h"

#include "engine/request.h"
#include "proto/dkim/body.h"

#include <string.h>

struct body_work {
	struct body_work *next;
	struct body_question question;
	bool done;
	struct body_digest digest;
	struct dkim_body body; /* the source of the job */
	struct crypto_hash_job job;
};

struct signature_work {
	struct signature_work *next;
	unsigned id;
	enum signature_answer answer;
	struct crypto_key *key; /* a reference while the job is pending */
	struct crypto_verify_job job;
};

struct signing_work {
	struct signing_answer answer;
	bool done;
	struct crypto_sign_job job;
};

static enum crypto_hash crypto_hash_of(enum hash_algorithm hash)
{
	return hash == HASH_SHA1 ? CRYPTO_SHA1 : CRYPTO_SHA256;
}

static void pending_less(struct request *request)
{
	request->work.pending--;
	if (request->work.pending == 0)
		request_wake(request);
}

/* --- bodies --- */

static bool body_next(void *source, struct slice *out)
{
	struct dkim_body *body = source;

	if (dkim_body_next(body, out))
		return true;
	if (body->finished)
		return false;
	dkim_body_finish(body);
	return dkim_body_next(body, out);
}

static void body_done(struct crypto_job *job)
{
	struct request *request = job->owner;

	for (struct body_work *work = request->work.bodies; work; work = work->next) {
		if (&work->job.job != job)
			continue;
		work->digest.fault = work->job.failed;
		memcpy(work->digest.octets, work->job.digest, sizeof(work->digest.octets));
		work->digest.canonical_octets = work->job.octets;
		work->done = true;
		counter_up(request->shard->counters, COUNTER_BODY_HASHES);
		counter_add(request->shard->counters, COUNTER_BODY_OCTETS, work->job.octets);
	}
	pending_less(request);
}

static bool body_question_equal(const struct body_question *a, const struct body_question *b)
{
	return a->canon == b->canon && a->hash == b->hash && a->octets_max == b->octets_max;
}

const struct body_digest *work_body_digest(struct request *request, const struct body_question *question)
{
	struct body_work *work;

	for (work = request->work.bodies; work; work = work->next)
		if (body_question_equal(&work->question, question))
			return work->done ? &work->digest : NULL;
	work = ARENA_NEW(&request->arena, struct body_work);
	if (!work)
		return NULL; /* the arena is full: the request ends for that */
	work->question = *question;
	dkim_body_init(&work->body, question->canon);
	dkim_body_feed(&work->body, question->body);
	work->job = (struct crypto_hash_job){
		.job = { .done = body_done, .owner = request },
		.hash = crypto_hash_of(question->hash),
		.next = body_next,
		.source = &work->body,
		.octets_max = question->octets_max,
		.octets_likely = question->body.len,
	};
	work->next = request->work.bodies;
	request->work.bodies = work;
	request->work.pending++;
	crypto_batch_add_hash(&request->shard->batch, &work->job);
	return NULL;
}

/* --- signatures --- */

/* A request has a few: fewer than SIGNATURE_ID_MAX in any case. */
static struct signature_work *signature_find(const struct request *request, unsigned id)
{
	struct signature_work *work = request->work.signatures;

	ASSERT(id < SIGNATURE_ID_MAX);
	while (work && work->id != id)
		work = work->next;
	return work;
}

bool work_signature_known(struct request *request, unsigned id, enum signature_answer *answer_out)
{
	const struct signature_work *work = signature_find(request, id);

	if (!work)
		return false;
	*answer_out = work->answer;
	return true;
}

static void signature_done(struct crypto_job *job)
{
	struct request *request = job->owner;
	struct signature_work *work = (struct signature_work *)((uint8_t *)job - offsetof(struct signature_work, job));

	work->answer = work->job.verdict == CRYPTO_VALID     ? SIGNATURE_VALID
	               : work->job.verdict == CRYPTO_INVALID ? SIGNATURE_INVALID
	                                                     : SIGNATURE_FAULT;
	if (work->answer == SIGNATURE_FAULT)
		counter_up(request->shard->counters, COUNTER_SIGNATURES_FAULT);
	crypto_key_unref(work->key);
	work->key = NULL;
	pending_less(request);
}

static int key_get(struct request *request, const struct public_key *key, struct crypto_key **out)
{
	struct crypto_key_octets octets = {
		.kind = key->kind == PUBLIC_KEY_RSA ? CRYPTO_KEY_RSA : CRYPTO_KEY_ED25519,
		.modulus = key->modulus,
		.exponent = key->exponent,
		.point = key->point,
	};

	return crypto_keys_get(&request->shard->keys, &octets, out);
}

enum signature_answer work_signature(struct request *request, const struct signature_question *question)
{
	struct signature_work *work = ARENA_NEW(&request->arena, struct signature_work);

	ASSERT(!signature_find(request, question->id));
	if (!work)
		return SIGNATURE_FAULT;
	work->id = question->id;
	work->next = request->work.signatures;
	request->work.signatures = work;
	counter_up(request->shard->counters, COUNTER_SIGNATURES);
	if (key_get(request, &question->key, &work->key)) {
		/* Keys out of bounds never come here (src/proto/dkim/key.h): what is missing is ours. */
		counter_up(request->shard->counters, COUNTER_SIGNATURES_FAULT);
		work->answer = SIGNATURE_FAULT;
		return SIGNATURE_FAULT;
	}
	work->answer = SIGNATURE_PENDING;
	work->job = (struct crypto_verify_job){
		.job = { .done = signature_done, .owner = request },
		.key = work->key,
		.hash = crypto_hash_of(question->hash),
		.parts = question->signed_parts,
		.parts_count = question->signed_parts_count,
		.signature = question->signature,
	};
	request->work.pending++;
	crypto_batch_add_verify(&request->shard->batch, &work->job);
	return SIGNATURE_PENDING;
}

/* --- signatures of our own --- */

static void signing_done(struct crypto_job *job)
{
	struct request *request = job->owner;
	struct signing_work *work = (struct signing_work *)((uint8_t *)job - offsetof(struct signing_work, job));

	work->answer.fault = work->job.failed;
	work->answer.signature = slice_of(work->job.signature, work->job.signature_len);
	work->done = true;
	pending_less(request);
}

const struct signing_answer *work_sign(struct request *request, const struct signing_question *question)
{
	static const struct signing_answer no_room = { .fault = true };
	struct shard *shard = request->shard;
	struct signing_work *work;

	ASSERT(question->id < SIGNING_ID_MAX && question->signer < shard->config->sealers_count);
	work = request->work.signings[question->id];
	if (work)
		return work->done ? &work->answer : NULL;
	work = ARENA_NEW(&request->arena, struct signing_work);
	if (!work)
		return &no_room; /* the arena is full: the request ends for that */
	request->work.signings[question->id] = work;
	work->job = (struct crypto_sign_job){
		.job = { .done = signing_done, .owner = request },
		.signer = shard->signers[question->signer],
		.parts = question->parts,
		.parts_count = question->parts_count,
	};
	request->work.pending++;
	counter_up(shard->counters, COUNTER_SIGNINGS);
	crypto_batch_add_sign(&shard->batch, &work->job);
	return NULL;
}

void work_drop(struct request *request)
{
	struct crypto_batch *batch = &request->shard->batch;

	for (struct body_work *work = request->work.bodies; work; work = work->next)
		crypto_batch_remove(batch, &work->job.job);
	for (struct signature_work *work = request->work.signatures; work; work = work->next) {
		if (!work->key)
			continue;
		crypto_batch_remove(batch, &work->job.job);
		crypto_key_unref(work->key);
	}
	for (unsigned id = 0; id < SIGNING_ID_MAX; id++)
		if (request->work.signings[id])
			crypto_batch_remove(batch, &request->work.signings[id]->job.job);
}
