/*
 * answer.h - the daemon's reply turned into the structs of assay.h (internal).
 *
 * Ownership: an answer owns all its memory in blocks of its own and shares none with the reply.
 */
#ifndef ASSAY_CLIENT_ANSWER_H
#define ASSAY_CLIENT_ANSWER_H

#include "assay.pb-c.h"
#include "client/heap.h"

/*
 * Reads a reply of `count` octets to the request that had `id` and was the call `expected`. ASSAY_OK and an
 * answer; the daemon's own error; ASSAY_ERROR_PROTOCOL for anything else; ASSAY_ERROR_MEMORY.
 */
enum assay_error answer_read(const struct assay_allocator *heap, const uint8_t *octets, size_t count,
			     ProtobufCBinaryData id, Assay__V1__Response__ResultCase expected, struct assay_answer **answer_out,
			     struct assay_failure *failure);

#endif
