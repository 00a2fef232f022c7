/*
 * sim_policies.c - the simulation fetches no policies: nobody in it asks for any.
 */
#include "engine/policies.h"

struct policy_kept *policies_find(struct policies *policies, struct slice domain, int64_t now_s)
{
	(void)policies;
	(void)domain;
	(void)now_s;
	return NULL;
}

void policy_kept_unref(struct policy_kept *kept)
{
	(void)kept;
}

enum policies_asked policies_fetch(struct policies *policies, const struct policy_question *question,
                                   struct policy_waiter *waiter, int64_t now_s, bool *joined_out)
{
	(void)policies;
	(void)question;
	(void)now_s;
	*joined_out = false;
	waiter->outcome = POLICY_BUSY;
	return POLICIES_ANSWERED;
}

bool policies_forget(struct policies *policies, struct slice domain)
{
	(void)policies;
	(void)domain;
	return false;
}

bool policies_leave(struct policies *policies, struct policy_waiter *waiter)
{
	(void)policies;
	(void)waiter;
	return true;
}
