#include "engine/policy_work.h"

#include "engine/policies.h"
#include "engine/request.h"

#include <stdlib.h>

/* In the request's arena. */
struct policy_work {
	bool has_kept, has_fetched; /* what was answered stays so */
	struct policy_answer kept, fetched;
	struct policy_kept *kept_ref, *fetched_ref;
	struct policy_waiter *waiter; /* NULL: nothing is pending */
	bool closed;
};

static const struct policy_answer not_kept = { .outcome = POLICY_NOT_KEPT };
static const struct policy_answer no_memory = { .outcome = POLICY_BUSY, .detail = { (const uint8_t *)"out of memory", 13 } };
static const struct policy_answer late = {
	.outcome = POLICY_LATE, .detail = { (const uint8_t *)"it is being fetched, and has not come yet", 41 }
};

static struct policy_work *work_of(struct request *request)
{
	if (!request->policy)
		request->policy = ARENA_NEW(&request->arena, struct policy_work);
	return request->policy;
}

static struct policy_answer found(const struct policy_kept *kept)
{
	return (struct policy_answer){ .outcome = POLICY_FOUND, .id = kept->id, .text = kept->text };
}

const struct policy_answer *policy_work_kept(struct request *request, struct slice domain)
{
	struct policy_work *work = work_of(request);

	if (!work)
		return &not_kept;
	if (!work->has_kept) {
		work->kept_ref = policies_find(request->shard->policies, domain, io_wall_s(request->shard->loop));
		work->kept = work->kept_ref ? found(work->kept_ref) : not_kept;
		work->has_kept = true;
	}
	return &work->kept;
}

/* What has come of it, at once or by post; takes the waiter. */
static void take(struct request *request, struct policy_waiter *waiter)
{
	struct policy_work *work = request->policy;

	work->waiter = NULL;
	work->has_fetched = true;
	work->fetched_ref = waiter->kept;
	work->fetched = waiter->kept ? found(waiter->kept) : (struct policy_answer){ .outcome = waiter->outcome };
	if (!waiter->kept && arena_copy(&request->arena, slice_of_str(waiter->detail), &work->fetched.detail) < 0)
		work->fetched = no_memory;
	free(waiter);
}

static void deliver(struct post *post, struct shard *shard)
{
	struct policy_waiter *waiter = (struct policy_waiter *)((uint8_t *)post - offsetof(struct policy_waiter, post));
	struct request *request = waiter->request;

	(void)shard;
	if (request) {
		take(request, waiter);
		request_wake(request);
		return;
	}
	policy_kept_unref(waiter->kept);
	free(waiter);
}

/* The shard has retired, and its requests have left their waiters. */
static void bounce(struct post *post)
{
	struct policy_waiter *waiter = (struct policy_waiter *)((uint8_t *)post - offsetof(struct policy_waiter, post));

	policy_kept_unref(waiter->kept);
	free(waiter);
}

static void begin(struct request *request, const struct policy_question *question)
{
	struct shard *shard = request->shard;
	struct policy_waiter *waiter = calloc(1, sizeof(*waiter));
	bool joined;

	if (!waiter) {
		request->policy->fetched = no_memory;
		request->policy->has_fetched = true;
		return;
	}
	waiter->post = (struct post){ .deliver = deliver, .bounce = bounce };
	waiter->shard = shard;
	waiter->request = request;
	/* From here on it may come by post, but no sooner than this evaluation ends. */
	request->policy->waiter = waiter;
	if (policies_fetch(shard->policies, question, waiter, io_wall_s(shard->loop), &joined) == POLICIES_ANSWERED)
		take(request, waiter);
	counter_add(shard->counters, COUNTER_POLICIES_JOINED, joined);
}

const struct policy_answer *policy_work_fetch(struct request *request, const struct policy_question *question)
{
	struct policy_work *work = work_of(request);

	if (!work)
		return &no_memory;
	if (!work->has_fetched && !work->waiter && work->closed) {
		work->fetched = late;
		work->has_fetched = true;
	}
	if (!work->has_fetched && !work->waiter)
		begin(request, question);
	return work->has_fetched ? &work->fetched : NULL;
}

bool policy_work_is_pending(const struct request *request)
{
	return request->policy && request->policy->waiter;
}

static void waiter_leave(struct policy_work *work)
{
	if (work->waiter)
		work->waiter->request = NULL;
	work->waiter = NULL;
}

void policy_work_close(struct request *request)
{
	struct policy_work *work = work_of(request);

	if (!work)
		return;
	work->closed = true;
	if (!work->waiter)
		return;
	waiter_leave(work);
	work->fetched = late;
	work->has_fetched = true;
	counter_up(request->shard->counters, COUNTER_POLICIES_LATE);
}

void policy_work_drop(struct request *request)
{
	struct policy_work *work = request->policy;

	if (!work)
		return;
	waiter_leave(work);
	policy_kept_unref(work->kept_ref);
	policy_kept_unref(work->fetched_ref);
	request->policy = NULL;
}
