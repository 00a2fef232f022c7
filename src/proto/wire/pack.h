/*
 * pack.h - protobuf messages encoded in one pass, from their end to their start.
 *
 * A length stands before what it counts. protobuf_c_message_pack() so computes the size of each message again at every
 * level above it; written backwards, a length is known when its turn comes. The schema is protobuf-c's, as in unpack.h:
 * its descriptors drive the encoder, its structs go in, and the octets are those of protobuf_c_message_pack().
 *
 * Source:    https://protobuf.dev/programming-guides/encoding (proto3): fields with their default value are left out.
 * Purity:    no I/O, no allocation, no globals. Ownership: the message and what it points to are borrowed.
 * Errors:    none. Messages are our own: unknown fields in a message, types that wire_can_pack() does not hold for, and
 *            deeper nesting than WIRE_DEPTH_MAX are asserted not to be there. No element of an array is NULL.
 * Bounds:    O(fields of the schema + octets) time; recursion to WIRE_DEPTH_MAX; never an octet outside the room.
 */
#ifndef ASSAY_PROTO_WIRE_PACK_H
#define ASSAY_PROTO_WIRE_PACK_H

#include "base/error.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Returns how many octets the message has. When `room` (of `size` octets; may be NULL when that is 0) holds them, they are
 * its last ones; else what is in it is undefined, and with the size that was returned the same call will do.
 */
MUST_CHECK size_t wire_pack(const ProtobufCMessage *message, uint8_t *room, size_t size);

/* Does every field of the message, and of those in it, have a type and a label that wire_pack() knows? For a test. */
bool wire_can_pack(const ProtobufCMessageDescriptor *descriptor);

#endif
