#include "client/request.h"

#include <string.h>

/* Where the message's octets would stand. */
static const uint8_t message_mark;

/* A packer's buffer that leaves the message out and notes where it was. */
struct gap_buffer {
	ProtobufCBuffer base;
	struct request *request;
	size_t size;
	bool overrun; /* more was packed than was said before */
};

ProtobufCBinaryData request_octets(const void *octets, size_t count)
{
	ProtobufCBinaryData data = { .len = count };

	/* The generated struct has no const; packing only reads. */
	memcpy(&data.data, &octets, sizeof octets);
	return data;
}

ProtobufCBinaryData request_bytes(const char *text)
{
	return request_octets(text, text ? strlen(text) : 0);
}

ProtobufCBinaryData request_message(const struct request_pieces *message)
{
	return request_octets(&message_mark, message->octets);
}

/* As request_octets(): a string for the generated struct, which only reads it. */
static char *wire_string(const char *text)
{
	char *string;

	if (!text)
		text = "";
	memcpy(&string, &text, sizeof text);
	return string;
}

bool request_envelope(const struct assay_allocator *heap, const struct assay_envelope *envelope,
		      Assay__V1__Envelope *wire)
{
	assay__v1__envelope__init(wire);
	if (!envelope)
		return true;
	wire->client_ip = wire_string(envelope->client_ip);
	wire->helo = request_bytes(envelope->helo);
	wire->mail_from = request_bytes(envelope->mail_from);
	wire->received_at = envelope->received_at;
	wire->authserv_id = request_bytes(envelope->authserv_id);
	if (envelope->rcpt_count == 0)
		return true;
	if (envelope->rcpt_count <= SIZE_MAX / sizeof *wire->rcpt_to)
		wire->rcpt_to = heap_new(heap, envelope->rcpt_count * sizeof *wire->rcpt_to);
	if (!wire->rcpt_to)
		return false;
	for (size_t i = 0; i < envelope->rcpt_count; i++)
		wire->rcpt_to[i] = request_bytes(envelope->rcpt_to[i]);
	wire->n_rcpt_to = envelope->rcpt_count;
	return true;
}

void request_envelope_deinit(const struct assay_allocator *heap, Assay__V1__Envelope *wire)
{
	heap_free(heap, wire->rcpt_to);
}

static void gap_append(ProtobufCBuffer *base, size_t count, const uint8_t *octets)
{
	struct gap_buffer *buffer = (struct gap_buffer *)base;
	struct request *request = buffer->request;

	if (octets == &message_mark) {
		request->message_at = request->packed_octets;
		return;
	}
	if (count > buffer->size - request->packed_octets) {
		buffer->overrun = true;
		return;
	}
	if (count)
		memcpy(request->packed + request->packed_octets, octets, count);
	request->packed_octets += count;
}

/*
 * Not protobuf_c_message_pack(): that moves each submessage once more when the length in front of it turns
 * out to take several octets, a second copy of the whole mail.
 */
enum assay_error request_pack(const struct assay_allocator *heap, Assay__V1__Request *wire, const char *id,
			      const struct request_pieces *message, Assay__V1__Response__ResultCase expected,
			      struct request *out)
{
	struct gap_buffer buffer = { .base = { .append = gap_append }, .request = out };

	*out = (struct request){ .heap = heap, .expected = expected };
	if (message)
		out->message = *message;
	wire->id = request_bytes(id);
	out->id_octets = wire->id.len;
	if (wire->id.len)
		memcpy(out->id, wire->id.data, wire->id.len);
	buffer.size = assay__v1__request__get_packed_size(wire);
	if (buffer.size > REQUEST_OCTETS_MAX)
		return ASSAY_ERROR_TOO_LARGE;
	buffer.size -= out->message.octets;
	out->packed = heap_new(heap, buffer.size);
	if (!out->packed)
		return ASSAY_ERROR_MEMORY;
	assay__v1__request__pack_to_buffer(wire, &buffer.base);
	if (!buffer.overrun && out->packed_octets == buffer.size)
		return ASSAY_OK;
	request_deinit(out);
	return ASSAY_ERROR_ARGUMENT;
}

void request_deinit(struct request *request)
{
	if (request->packed)
		heap_free(request->heap, request->packed);
	request->packed = NULL;
}

/* Request.deadline_ms as a field of its own, which may stand anywhere in the message. */
static size_t deadline_pack(uint32_t deadline_ms, uint8_t octets[6])
{
	size_t count = 0;

	octets[count++] = 2 << 3;
	for (; deadline_ms > 0x7f; deadline_ms >>= 7)
		octets[count++] = (uint8_t)(deadline_ms | 0x80);
	octets[count++] = (uint8_t)deadline_ms;
	return count;
}

static uint8_t *put(uint8_t *at, const uint8_t *octets, size_t count)
{
	if (count)
		memcpy(at, octets, count);
	return at + count;
}

size_t request_octets_to_send(const struct request *request, uint32_t deadline_ms)
{
	uint8_t deadline[6];

	return deadline_pack(deadline_ms, deadline) + request->packed_octets + request->message.octets;
}

void request_to_send(const struct request *request, uint32_t deadline_ms, uint8_t *at)
{
	const struct request_pieces *message = &request->message;
	uint8_t deadline[6];

	at = put(at, deadline, deadline_pack(deadline_ms, deadline));
	at = put(at, request->packed, message->octets ? request->message_at : request->packed_octets);
	if (message->octets == 0)
		return;
	for (size_t i = 0; i < message->count; i++)
		at = put(at, message->list[i].ptr, message->list[i].len);
	(void)put(at, request->packed + request->message_at, request->packed_octets - request->message_at);
}
