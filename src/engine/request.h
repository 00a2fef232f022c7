/*
 * request.h - a request's life: from a frame to its reply; private to src/engine.
 *
 * Memory: `arena` lives as long as the request (what was decoded, the answers pinned to it, crypto work under way);
 *         `scratch` is one evaluation's and emptied before the next.
 */
#ifndef ASSAY_ENGINE_REQUEST_H
#define ASSAY_ENGINE_REQUEST_H

#include "assay.pb-c.h"
#include "engine/ahead.h"
#include "engine/answers.h"
#include "engine/digests.h"
#include "engine/errand.h"
#include "engine/policy_work.h"
#include "engine/shard.h"
#include "engine/work.h"
#include "proto/wire/backtrace.h"

/* CALL_TLS_REFRESH: our own, of a policy that is due; nobody gets a reply. */
enum request_call { CALL_CHECK_MESSAGE, CALL_CHECK_SENDER, CALL_SEAL, CALL_TLS_POLICY, CALL_TLS_REFRESH };

struct reply_to;

struct request {
	struct shard *shard;
	struct request *next, *prev;   /* in flight; `next` also of the pool */
	struct queued queued;
	bool is_running;
	struct io_conn *conn;          /* NULL: another shard's errand, or our own */
	struct io_conn_use *use;       /* the connection's, or that of all errands */
	struct errand *errand;
	struct io_frame frame;
	uint8_t backtrace[WIRE_BACKTRACE_OCTETS_MAX];
	size_t backtrace_len;
	struct slice id;
	enum request_call call;
	struct verdict_input input;
	struct verdict_reading *reading; /* NULL: not read yet */
	const struct digests *digests;   /* of CheckDigest; NULL: the body is here */
	const struct arc_sealer *sealer; /* of CALL_SEAL, with the findings given */
	struct slice findings;
	struct slice tls_domain, tls_mx_host; /* of CALL_TLS_POLICY; the domain of CALL_TLS_REFRESH */
	bool tls_purged;
	struct policy_work *policy;    /* NULL: no policy was asked for */
	struct arena arena, scratch;
	size_t octets;                 /* of both, as counted in the shard */
	struct ahead ahead;
	struct answers answers;
	struct work work;
	struct ask ask;
	struct request *next_pinning, **pinning_at; /* NULL: it found no answers in this turn */
	bool holds_epoch;
	struct io_timer wait;          /* for look-ups, then for the deadline */
	struct io_timer wait_optional; /* for look-ups that the evaluation can do without */
	bool optional_began;
	bool look_ups_over, policy_over;
	int64_t since_ns;              /* it came */
	int64_t look_ups_end_ns;
	int64_t policy_end_ns;         /* as late as leaves time for a reply */
	int64_t deadline_ns;           /* 0: another shard evaluates it */
	unsigned passes;
};

/* What is above it, the daemon holds already. */
#define REQUEST_NO_ROOM "limits.octets-held is reached"

/* A request of no connection yet, counted in `use`; NULL: out of memory. */
struct request *request_new(struct shard *shard, struct io_conn_use *use);
struct reply_to request_reply_to(struct request *request);
/*
 * What requests hold beside their messages counts as well: a message of a few octets can make megabytes. False: it is more
 * than limits.octets-held, and this is not the only request.
 */
bool request_memory_is_within(struct request *request);

/* --- arrival.c --- */

/* A frame came: answers it at once, or makes a request of it that is runnable. Takes the frame. */
void request_receive(struct shard *shard, struct io_conn *conn, struct io_frame frame);
/* The same of a request that another shard has admitted. */
void request_receive_errand(struct shard *shard, struct errand *errand);
/* Decodes and starts a request that is there, with `body` as its octets. */
void request_do(struct request *request, struct slice body);

/* It has waited for too long, and the queue is long: answers OVERLOADED. */
void request_refuse_late(struct request *request);
/* A policy that is kept is due to be fetched again. */
void request_refresh(struct shard *shard, struct slice domain);

/* --- request.c --- */

/* Evaluates; replies and frees when there is a verdict. */
void request_run(struct request *request);
/* Of CALL_CHECK_MESSAGE: reads the message, unless that was done. 0 or -ENOMEM. */
MUST_CHECK int request_read(struct request *request);
/* There is an optional look-up to wait for. */
void request_wait_optional(struct request *request);
/* The server is stopping: it is answered with what is known by now. */
void request_wait_no_more(struct request *request);
/* Something it waited for is there. */
void request_wake(struct request *request);
/* Forgets it without a reply: the shard is going down. */
void request_free(struct request *request);
/* Frees the pool. */
void requests_drop_spare(struct shard *shard);

#endif
