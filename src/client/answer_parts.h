/*
 * answer_parts.h - what an answer is made of (internal).
 *
 * Ownership: results live in `memory`, where the unpacked wire message has to live, too: they point into it.
 * Errors:    NULL, or parts that are NULL, when there is no memory: look at memory->failed once, at the end.
 */
#ifndef ASSAY_CLIENT_ANSWER_PARTS_H
#define ASSAY_CLIENT_ANSWER_PARTS_H

#include "assay.pb-c.h"
#include "client/answer_memory.h"
#include "client/assay.h"

const struct assay_verdict *answer_verdict(struct answer_memory *memory, const Assay__V1__Verdict *wire);
const struct assay_tls_policy *answer_tls_policy(struct answer_memory *memory, const Assay__V1__TlsPolicyResult *wire);
const struct assay_seal *answer_seal(struct answer_memory *memory, const Assay__V1__SealResult *wire);
const struct assay_status *answer_status(struct answer_memory *memory, const Assay__V1__StatusResult *wire);

enum assay_result answer_arc_result(int wire);
/* Never NULL: what is absent on the wire is "". */
struct assay_text answer_text(ProtobufCBinaryData data);
const char *answer_string(const char *string);
const char *const *answer_strings(char **strings);
struct assay_reason answer_reason(const Assay__V1__Reason *wire);

#endif
