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

/* Where `octets` more, at least one, are to be written; NULL: nowhere. */
static inline uint8_t *more(struct packer *packer, size_t octets)
{
	packer->len += octets;
	return packer->len <= packer->size ? packer->end - packer->len : NULL;
}

static inline void put_octets(struct packer *packer, const void *octets, size_t len)
{
	uint8_t *at = len ? more(packer, len) : NULL;

	if (at)
		memcpy(at, octets, len);
}

static void put_long_varint(struct packer *packer, uint64_t value)
{
	unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
	uint8_t *at = more(packer, (bits + 6) / 7);

	if (!at)
		return;
	for (; value >= 0x80; value >>= 7)
		*at++ = (uint8_t)(value | 0x80);
	*at = (uint8_t)value;
}

/* Nearly all tags and lengths have one octet. */
static inline void put_varint(struct packer *packer, uint64_t value)
{
	uint8_t *at;

	if (value >= 0x80)
		put_long_varint(packer, value);
	else if ((at = more(packer, 1)))
		*at = (uint8_t)value;
}

static inline void put_number(struct packer *packer, const ProtobufCFieldDescriptor *field, uint64_t value)
{
	put_varint(packer, value);
	put_varint(packer, (uint64_t)field->id << 3 | WIRE_VARINT);
}

/* Behind what was written since there were `len_before` octets. */
static inline void put_length(struct packer *packer, const ProtobufCFieldDescriptor *field, size_t len_before)
{
	put_varint(packer, packer->len - len_before);
	put_varint(packer, (uint64_t)field->id << 3 | WIRE_LENGTH);
}

static void put_message(struct packer *packer, const ProtobufCMessage *message, unsigned depth);

static void put_bytes(struct packer *packer, const ProtobufCFieldDescriptor *field, const ProtobufCBinaryData *bytes,
                      bool always)
{
	size_t len_before = packer->len;

	if (bytes->len == 0 && !always)
		return;
	put_octets(packer, bytes->data, bytes->len);
	put_length(packer, field, len_before);
}

static void put_string(struct packer *packer, const ProtobufCFieldDescriptor *field, const char *text, bool always)
{
	size_t len_before = packer->len;

	if ((!text || *text == 0) && !always)
		return;
	put_octets(packer, text, strlen(text));
	put_length(packer, field, len_before);
}

static void put_inner(struct packer *packer, const ProtobufCFieldDescriptor *field, const ProtobufCMessage *message,
                      unsigned depth)
{
	size_t len_before = packer->len;

	if (!message)
		return;
	put_message(packer, message, depth + 1);
	put_length(packer, field, len_before);
}

/*
 * One value with its tag. A struct starts with the defaults of proto3: what still has its own does not travel, unless it
 * does `always`.
 */
static inline void put_value(struct packer *packer, const ProtobufCFieldDescriptor *field, const void *value,
                             bool always, unsigned depth)
{
	uint64_t number;

	switch (field->type) {
	case PROTOBUF_C_TYPE_UINT32: number = *(const uint32_t *)value; break;
	/* Negative ones have ten octets, as those of 64 bits. */
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_ENUM: number = (uint64_t)(int64_t)*(const int32_t *)value; break;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_INT64: number = *(const uint64_t *)value; break;
	case PROTOBUF_C_TYPE_BOOL: number = *(const protobuf_c_boolean *)value != 0; break;
	case PROTOBUF_C_TYPE_BYTES: put_bytes(packer, field, value, always); return;
	case PROTOBUF_C_TYPE_STRING: put_string(packer, field, *(const char *const *)value, always); return;
	case PROTOBUF_C_TYPE_MESSAGE: put_inner(packer, field, *(const ProtobufCMessage *const *)value, depth); return;
	default: assert_failed("a type that this encoder knows", __FILE__, __LINE__);
	}
	if (number || always)
		put_number(packer, field, number);
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
		put_value(packer, field, array + (count - 1) * wire_element_size(field->type), true, depth);
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
		else if (!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
			put_value(packer, field, value, false, depth);
		else if (is_set(field, message, value))
			put_value(packer, field, value, true, depth);
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
