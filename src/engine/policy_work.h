/*
 * policy_work.h - the MTA-STS policies that a request asks for; private to src/engine.
 *
 * What is kept is pinned when it is asked for; what is fetched is waited for, as long as the request has time.
 */
#ifndef ASSAY_ENGINE_POLICY_WORK_H
#define ASSAY_ENGINE_POLICY_WORK_H

#include "proto/ask/ask.h"

#include <stdbool.h>

struct request;

/* As ask_ops.policy_kept and policy_fetch. A request asks of one domain. */
const struct policy_answer *policy_work_kept(struct request *request, struct slice domain);
const struct policy_answer *policy_work_fetch(struct request *request, const struct policy_question *question);
bool policy_work_is_pending(const struct request *request);
/* Nothing is waited for any more: what is pending is POLICY_LATE. The fetch goes on. */
void policy_work_close(struct request *request);
/* The request ends. */
void policy_work_drop(struct request *request);

#endif
