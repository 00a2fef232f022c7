/*
 * digests.h - the body digests that came with a CheckDigest; private to src/engine.
 *
 * Purity:    no I/O. Ownership: in the arena given.
 * Bounds:    DIGESTS_MAX.
 */
#ifndef ASSAY_ENGINE_DIGESTS_H
#define ASSAY_ENGINE_DIGESTS_H

#include "assay.pb-c.h"
#include "proto/ask/ask.h"

#define DIGESTS_MAX 256 /* twice as many as one message can ask for: src/proto/dkim/bodies.h */

struct digests;

/* What is wrong with the call; or NULL and *out, which is NULL when the arena is full. */
const char *digests_read(const Assay__V1__CheckDigest *call, struct arena *arena, const struct digests **out);

/* Never NULL: what was not sent is missing. */
const struct body_digest *digests_find(const struct digests *digests, const struct body_question *question);

#endif
