/*
 * batch_parts.h - what the parts of the batch share; private to src/crypto.
 */
#ifndef ASSAY_CRYPTO_BATCH_PARTS_H
#define ASSAY_CRYPTO_BATCH_PARTS_H

#include "crypto/batch.h"

/* The job's answer is there: it is called back at the end of the run. */
void crypto_batch_job_finish(struct crypto_batch *batch, struct crypto_job *job);
/* Behind all others of its kind. */
void crypto_batch_job_defer(struct crypto_batch *batch, struct crypto_job *job);

/*
 * SHA-256 by kernels of our own, if the provider's features have any that work: else batch->hasher stays NULL, and OpenSSL
 * does that work. 0 or -ENOMEM.
 */
MUST_CHECK int crypto_batch_sha256_init(struct crypto_batch *batch);
/*
 * Hashes what waits of SHA-256: bodies, as far as a run's budget goes, and the octets of all signatures to be checked,
 * whose jobs are `hashed` after it. Returns how many jobs were finished. Only with a hasher.
 */
size_t crypto_batch_sha256_run(struct crypto_batch *batch);

#endif
