/*
 * reply_parts.h - what verdicts of the wire are made of; private to src/engine.
 *
 * Memory: what is made lives in the arena and points into the verdict. 0 or -ENOMEM.
 */
#ifndef ASSAY_ENGINE_REPLY_PARTS_H
#define ASSAY_ENGINE_REPLY_PARTS_H

#include "engine/reply.h"

#include <string.h>

static inline ProtobufCBinaryData bytes_of(struct slice s)
{
	ProtobufCBinaryData bytes = { .len = s.len };

	memcpy(&bytes.data, &s.ptr, sizeof(bytes.data));
	return bytes;
}

/* protobuf-c wants char *, and writes nothing to it. */
static inline char *text_of(const char *text)
{
	char *out;

	memcpy(&out, &text, sizeof(out));
	return out;
}

MUST_CHECK int reply_reason(const struct reason *reason, struct arena *arena, Assay__V1__Reason **out);
MUST_CHECK int reply_dkim(const struct dkim_signature_result *signature, struct arena *arena, Assay__V1__Dkim **out);
MUST_CHECK int reply_arc(const struct arc_result *arc, struct arena *arena, Assay__V1__Arc **out);

#endif
