/*
 * work.h - the crypto work that a request asked for; private to src/engine.
 *
 * Work goes to the shard's batch and is done in the same turn, together with that of other requests.
 */
#ifndef ASSAY_ENGINE_WORK_H
#define ASSAY_ENGINE_WORK_H

#include "proto/ask/ask.h"

struct request;
struct body_work;
struct signature_work;
struct signing_work;

struct work {
	struct body_work *bodies; /* in the request's arena, as signatures are */
	struct signature_work *signatures;
	struct signing_work *signings[SIGNING_ID_MAX];
	unsigned pending;
};

/* As ask_ops.body_digest, signature_known, signature and sign. */
const struct body_digest *work_body_digest(struct request *request, const struct body_question *question);
bool work_signature_known(struct request *request, unsigned id, enum signature_answer *answer_out);
enum signature_answer work_signature(struct request *request, const struct signature_question *question);
const struct signing_answer *work_sign(struct request *request, const struct signing_question *question);
/* Takes back what is pending and gives up the keys. */
void work_drop(struct request *request);

#endif
