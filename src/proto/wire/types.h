/*
 * types.h - the field types of protobuf that packer and unpacker know; private to src/proto/wire.
 */
#ifndef ASSAY_PROTO_WIRE_TYPES_H
#define ASSAY_PROTO_WIRE_TYPES_H

#include <protobuf-c/protobuf-c.h>

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_LENGTH = 2, WIRE_FIXED32 = 5 };

static inline enum wire_type wire_type_of(ProtobufCType type)
{
	return type == PROTOBUF_C_TYPE_BYTES || type == PROTOBUF_C_TYPE_STRING || type == PROTOBUF_C_TYPE_MESSAGE
	               ? WIRE_LENGTH
	               : WIRE_VARINT;
}

/* Octets of a value in the struct; 0: of no type that is known here. */
static inline size_t wire_element_size(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_ENUM: return 4;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_INT64: return 8;
	case PROTOBUF_C_TYPE_BOOL: return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_BYTES: return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE: return sizeof(void *);
	default: return 0;
	}
}

#endif
