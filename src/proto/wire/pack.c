#include "proto/wire/pack.h"

#include "proto/wire/types.h"
#include "proto/wire/unpack.h"

#include <string.h>

/* What has been written are the `len` octets before `end`. */
struct packer {
	uint8_t *end;
	size_t size; /* of the room before `end` */
	size_t len;  /* above `size` it only counts */
};

/* Where `octets` more are to be written; NULL: nowhere. */
static inline uint8_t *more(struct packer *packer, size_t octets)
{
	packer->len += octets;
	return packer->len <= packer->size ? packer->end - packer->len : NULL;
}

static inline void put_octets(struct packer *packer, const void *octets, size_t len)
{
	uint8_t *at = more(packer, len);

	if (at && len)
		memcpy(at, octets, len);
}

static inline void put_varint(struct packer *packer, uint64_t value)
{
	unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
	uint8_t *at = more(packer, (bits + 6) / 7);

	if (!at)
		return;
	for (; value >= 0x80; value >>= 7)
		*at++ = (uint8_t)(value | 0x80);
	*at = (uint8_t)value;
}

static void put_message(struct packer *packer, const ProtobufCMessage *message, unsigned depth);

static void put_length_delimited(struct packer *packer, const ProtobufCFieldDescriptor *field, const void *value,
                                 unsigned depth)
{
	size_t len_before = packer->len;

	if (field->type == PROTOBUF_C_TYPE_BYTES) {
		const ProtobufCBinaryData *bytes = value;

		put_octets(packer, bytes->data, bytes->len);
	} else if (field->type == PROTOBUF_C_TYPE_STRING) {
		const char *text = *(const char *const *)value;

		put_octets(packer, text, strlen(text));
	} else {
		put_message(packer, *(const ProtobufCMessage *const *)value, depth + 1);
	}
	put_varint(packer, packer->len - len_before);
}

/* One value and the tag before it. */
static void put_value(struct packer *packer, const ProtobufCFieldDescriptor *field, const void *value, unsigned depth)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_UINT32: put_varint(packer, *(const uint32_t *)value); break;
	/* Negative ones have ten octets, as those of 64 bits. */
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_ENUM: put_varint(packer, (uint64_t)(int64_t)*(const int32_t *)value); break;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_INT64: put_varint(packer, *(const uint64_t *)value); break;
	case PROTOBUF_C_TYPE_BOOL: put_varint(packer, *(const protobuf_c_boolean *)value != 0); break;
	default: put_length_delimited(packer, field, value, depth);
	}
	put_varint(packer, (uint64_t)field->id << 3 | wire_type_of(field->type));
}

/* A struct starts with the defaults of proto3: what still has its own does not travel. */
static inline bool is_default(const ProtobufCFieldDescriptor *field, const void *value)
{
	const char *text;

	switch (field->type) {
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_ENUM: return *(const uint32_t *)value == 0;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_INT64: return *(const uint64_t *)value == 0;
	case PROTOBUF_C_TYPE_BOOL: return *(const protobuf_c_boolean *)value == 0;
	case PROTOBUF_C_TYPE_BYTES: return ((const ProtobufCBinaryData *)value)->len == 0;
	case PROTOBUF_C_TYPE_MESSAGE: return *(const void *const *)value == NULL;
	case PROTOBUF_C_TYPE_STRING: text = *(const char *const *)value; return !text || *text == 0;
	default: assert_failed("a type that this encoder knows", __FILE__, __LINE__);
	}
}

/* The member of a oneof that is set travels whatever its value; as a text or a message it has to be there. */
static bool is_set(const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message, const void *value)
{
	if (*(const uint32_t *)(const void *)((const uint8_t *)message + field->quantifier_offset) != field->id)
		return false;
	if (field->type == PROTOBUF_C_TYPE_MESSAGE || field->type == PROTOBUF_C_TYPE_STRING)
		return *(const void *const *)value && *(const void *const *)value != field->default_value;
	return true;
}

static void put_repeated(struct packer *packer, const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message,
                         const void *value, unsigned depth)
{
	size_t count = *(const size_t *)(const void *)((const uint8_t *)message + field->quantifier_offset);
	const uint8_t *array = *(const uint8_t *const *)value;

	for (; count > 0; count--)
		put_value(packer, field, array + (count - 1) * wire_element_size(field->type), depth);
}

static void put_message(struct packer *packer, const ProtobufCMessage *message, unsigned depth)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;

	ASSERT(depth <= WIRE_DEPTH_MAX && message->n_unknown_fields == 0);
	for (unsigned i = descriptor->n_fields; i > 0; i--) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i - 1];
		const void *value = (const uint8_t *)message + field->offset;

		if (field->label == PROTOBUF_C_LABEL_REPEATED)
			put_repeated(packer, field, message, value, depth);
		else if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF ? is_set(field, message, value)
		                                                    : !is_default(field, value))
			put_value(packer, field, value, depth);
	}
}

size_t wire_pack(const ProtobufCMessage *message, uint8_t *room, size_t size)
{
	struct packer packer = { .end = size ? room + size : NULL, .size = size };

	put_message(&packer, message, 0);
	return packer.len;
}

bool wire_can_pack(const ProtobufCMessageDescriptor *descriptor)
{
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
		bool is_repeated = field->label == PROTOBUF_C_LABEL_REPEATED;

		/* Repeated numbers travel packed, which no reply needs. */
		if (wire_element_size(field->type) == 0 || (is_repeated && wire_type_of(field->type) != WIRE_LENGTH) ||
		    (!is_repeated && field->label != PROTOBUF_C_LABEL_NONE))
			return false;
		if (field->type == PROTOBUF_C_TYPE_MESSAGE && !wire_can_pack(field->descriptor))
			return false;
	}
	return true;
}
