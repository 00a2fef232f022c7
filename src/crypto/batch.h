/*
 * batch.h - hashes, signature checks and signatures of many messages, gathered and done together.
 *
 * A job is the caller's memory and is linked in: gathering allocates nothing. crypto_batch_run() does all that was
 * gathered, kind by kind, as wide as the machine's kernels are; only then does it call back. So a caller may in its
 * callback finish its request, free its jobs, take others back with crypto_batch_remove(), and gather new ones for the
 * next run.
 *
 * Ownership: a job, and what it points to, stays where it is from add until its callback is called or it was
 *            removed. The key of a verify job is the caller's reference and has to live that long.
 * Threading: one batch a thread; callbacks are called from inside crypto_batch_run(), and nowhere else.
 * Errors:    none returned: what could not be worked out ends as `failed` or CRYPTO_FAULT, never as a digest or a
 *            verdict.
 * Bounds:    the caller's: the octets of a job's source, the number of its parts.
 */
#ifndef ASSAY_CRYPTO_BATCH_H
#define ASSAY_CRYPTO_BATCH_H

#include "crypto/ed25519.h"
#include "crypto/key.h"
#include "crypto/rsa.h"
#include "crypto/sha256.h"
#include "crypto/signer.h"

enum crypto_work {
	CRYPTO_WORK_SHA256,
	CRYPTO_WORK_SHA1,
	CRYPTO_WORK_RSA,
	CRYPTO_WORK_ED25519,
	CRYPTO_WORK_SIGN,
	CRYPTO_WORKS,
};

struct crypto_job {
	/* The caller's. */
	void (*done)(struct crypto_job *job); /* called once, after the run that did it; NULL: nobody waits */
	void *owner;
	/* The batch's. */
	enum crypto_work work;
	struct crypto_job *prev, *next; /* NULL outside a batch */
};

/* Hash octets pulled from a source. */
struct crypto_hash_job {
	struct crypto_job job; /* first: a done callback casts to it */
	/* Asked. */
	enum crypto_hash hash;
	/* The next octets, valid until it is called again; false: no more, and it is not called again. */
	bool (*next)(void *source, struct slice *out);
	void *source;
	uint64_t octets_max; /* hash at most so many; the source is read to its end all the same */
	/* About how many there will be, 0: not known. The longest begin if a run has time for all: few lanes are empty at its end. */
	uint64_t octets_likely;
	/* Answered. */
	bool failed;
	uint64_t octets; /* of the whole source */
	uint8_t digest[CRYPTO_DIGEST_OCTETS_MAX];
	/* The batch's: of a job that a run did not finish. */
	struct evp_md_ctx_st *context; /* where OpenSSL hashes */
	struct crypto_batch *batch;    /* where kernels of ours do; NULL: not begun */
	struct crypto_sha256_stream stream;
};

/* Check a signature over the hash of octets in pieces. */
struct crypto_verify_job {
	struct crypto_job job; /* first: a done callback casts to it */
	/* Asked. */
	struct crypto_key *key;
	enum crypto_hash hash;
	const struct slice *parts;
	size_t parts_count;
	struct slice signature;
	/* Answered. */
	enum crypto_verdict verdict;
	/* The batch's. */
	bool begun;  /* the stream is the digest's in part */
	size_t part; /* the next one that the stream takes */
	struct crypto_sha256_stream stream;
	bool hashed;   /* the digest is there */
	unsigned held; /* runs that left it for later */
	uint8_t digest[CRYPTO_DIGEST_OCTETS_MAX];
};

/* Sign the SHA-256 hash of octets in pieces. */
struct crypto_sign_job {
	struct crypto_job job; /* first: a done callback casts to it */
	/* Asked. */
	struct crypto_signer *signer; /* borrowed */
	const struct slice *parts;
	size_t parts_count;
	/* Answered. */
	bool failed;
	size_t signature_len;
	uint8_t signature[CRYPTO_SIGNATURE_OCTETS_MAX];
};

/* What did a job's main work: its hash, or its signature's arithmetic. */
enum crypto_path { CRYPTO_PATH_OPENSSL, CRYPTO_PATH_SCALAR, CRYPTO_PATH_FEW, CRYPTO_PATH_LANES, CRYPTO_PATHS };

struct crypto_work_counters {
	uint64_t jobs;
	uint64_t octets; /* hashed, for signatures too */
	uint64_t runs;   /* that had a job of this kind */
	uint64_t faults;
	uint64_t by_path[CRYPTO_PATHS];      /* jobs */
	/* Of kernels that do several at a time, each time that one ran; of SHA-256, for each block of a lane. */
	uint64_t lanes_offered, lanes_filled;
};

/* Jobs for RSA's lanes, of keys with one number of limbs, until there are enough or no more. */
struct crypto_rsa_group {
	struct crypto_verify_job *jobs[CRYPTO_RSA_LANES];
	size_t count;
};

#define CRYPTO_RSA_GROUPS (CRYPTO_RSA_LIMBS_MAX / CRYPTO_RSA_BLOCK)

/* Jobs for Ed25519's lanes, until there are as many as share one call or no more. */
struct crypto_ed25519_group {
	struct crypto_verify_job *jobs[CRYPTO_ED25519_JOBS_BEST];
	size_t count;
};

struct crypto_batch {
	struct crypto_provider *provider; /* borrowed */
	struct evp_md_ctx_st *contexts[CRYPTO_HASHES];
	struct crypto_sha256_hasher *hasher; /* NULL: SHA-256 is OpenSSL's, too */
	struct crypto_job waiting[CRYPTO_WORKS]; /* heads of rings */
	size_t waiting_count[CRYPTO_WORKS];
	uint64_t cost;              /* of the kind being run */
	struct crypto_job finished; /* head of the ring of those whose callback is due */
	struct crypto_rsa_group rsa_groups[CRYPTO_RSA_GROUPS]; /* empty between runs */
	struct crypto_ed25519_group ed25519_group;             /* likewise */
	struct crypto_work_counters counters[CRYPTO_WORKS];
	bool running;
	bool more; /* crypto_batch_run_some() */
};

/* 0 or -ENOMEM. The batch does not move after it. */
MUST_CHECK int crypto_batch_init(struct crypto_batch *batch, struct crypto_provider *provider);
/* Forgets jobs still gathered, without calling back. Nothing is done to a batch of zeroes. */
void crypto_batch_deinit(struct crypto_batch *batch);

void crypto_batch_add_hash(struct crypto_batch *batch, struct crypto_hash_job *job);
void crypto_batch_add_verify(struct crypto_batch *batch, struct crypto_verify_job *job);
void crypto_batch_add_sign(struct crypto_batch *batch, struct crypto_sign_job *job);
/* The job will not be called back; nothing happens if it is in no batch. Not from inside a source. */
void crypto_batch_remove(struct crypto_batch *batch, struct crypto_job *job);

static inline size_t crypto_batch_waiting(const struct crypto_batch *batch, enum crypto_work work)
{
	return batch->waiting_count[work];
}

/* Is there work that a run has not come to? */
static inline bool crypto_batch_is_left(const struct crypto_batch *batch)
{
	for (int work = 0; work < CRYPTO_WORKS; work++)
		if (batch->waiting_count[work] > 0)
			return true;
	return false;
}

/*
 * Does what was gathered before the call, then calls back. Returns how many jobs were finished. Hashing and signing stop
 * at CRYPTO_RUN_COST_MAX, however large a body is, so that others get their turn: then crypto_batch_is_left() says that
 * there is more for the next run, in which those begun come last.
 */
size_t crypto_batch_run(struct crypto_batch *batch);

/*
 * As crypto_batch_run(), for when more work is about to come: signatures that would leave lanes empty may wait for it, at
 * most for CRYPTO_HELD_RUNS_MAX runs. crypto_batch_is_left() is true of them.
 */
size_t crypto_batch_run_some(struct crypto_batch *batch);

#define CRYPTO_HELD_RUNS_MAX 2

#define CRYPTO_RUN_COST_MAX ((uint64_t)4 << 20) /* octets hashed of a kind in a run; a slice counts as CRYPTO_SLICE_COST more */
#define CRYPTO_SIGN_COST    ((uint64_t)1 << 20) /* 0.7 ms with 2048 bits */
#define CRYPTO_SLICE_COST   64                  /* what it takes to find the next one, about */

#endif
