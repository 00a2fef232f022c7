/*
 * reply.h - verdicts and errors turned into replies; private to src/engine.
 */
#ifndef ASSAY_ENGINE_REPLY_H
#define ASSAY_ENGINE_REPLY_H

#include "assay.pb-c.h"
#include "engine/shard.h"
#include "proto/tlspolicy/tlspolicy.h"

/* Where a reply goes, and what it carries back. */
struct reply_to {
	struct shard *shard;
	struct io_conn *conn;    /* NULL: it goes with the errand */
	struct errand *errand;   /* NULL, too: to nobody */
	struct slice backtrace;
	struct slice id; /* Request.id */
};

/* `text` is for people; it is cut at 300 octets. Counts the error. */
void reply_error(const struct reply_to *to, Assay__V1__Error__Code code, const char *text);
void reply_status(const struct reply_to *to, struct arena *arena);
/* Of a message with `input`. -ENOMEM: the arena is full, nothing was sent. */
MUST_CHECK int reply_verdict(const struct reply_to *to, const struct verdict_input *input,
                             const struct verdict *verdict, bool is_sender_verdict, struct arena *arena);
MUST_CHECK int reply_tls_policy(const struct reply_to *to, const struct tlspolicy *policy, bool purged,
                                struct arena *arena);
/* Likewise; a fault of ours is answered INTERNAL. */
MUST_CHECK int reply_sealed(const struct reply_to *to, const struct arc_sealed *sealed, struct arena *arena);

#endif
