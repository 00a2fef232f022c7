/*
 * unpack.h - protobuf messages decoded without copying their bytes fields.
 *
 * The schema is protobuf-c's: its descriptors drive the decoder, its structs come out, so that there is one source of
 * truth. What differs from protobuf_c_message_unpack(): `bytes` fields point into the input, everything else lives in
 * the arena, and nothing is ever freed by itself.
 *
 * Source:    https://protobuf.dev/programming-guides/encoding (proto3).
 * Purity:    no I/O. Ownership: valid as long as both input and arena.
 * Errors:    0; WIRE_INVALID with the reason in *problem (static text); -ENOMEM.
 * Bounds:    messages nest up to WIRE_DEPTH_MAX; a repeated field has at most WIRE_REPEATED_MAX elements.
 */
#ifndef ASSAY_PROTO_WIRE_UNPACK_H
#define ASSAY_PROTO_WIRE_UNPACK_H

#include "base/arena.h"

#include <protobuf-c/protobuf-c.h>

#define WIRE_INVALID 1
#define WIRE_DEPTH_MAX 8
#define WIRE_REPEATED_MAX 100000 /* recipients of one message */

MUST_CHECK int wire_unpack(const ProtobufCMessageDescriptor *descriptor, struct slice input, struct arena *arena,
                           ProtobufCMessage **out, const char **problem);

/*
 * Has a message, at its top, a length-delimited field of a number from `least` to `most`, whatever the schema says of it? What is
 * behind octets that are no field is not seen.
 */
bool wire_has_field_between(struct slice input, uint32_t least, uint32_t most);

/* Does every field of the message, and of those in it, have a type that wire_unpack() knows? For a test. */
bool wire_can_unpack(const ProtobufCMessageDescriptor *descriptor);

#endif
