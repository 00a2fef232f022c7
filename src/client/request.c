#include "client/request.h"

#include <stdlib.h>
#include <string.h>

/* A packer's buffer over the body of a message that has the packed size already. */
struct body_buffer {
	ProtobufCBuffer base;
	uint8_t *at;
	size_t left;
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

/* As request_octets(): a string for the generated struct, which only reads it. */
static char *wire_string(const char *text)
{
	char *string;

	if (!text)
		text = "";
	memcpy(&string, &text, sizeof text);
	return string;
}

static bool wire_rcpt_to(const struct assay_envelope *envelope, Assay__V1__Envelope *wire)
{
	if (envelope->rcpt_count == 0)
		return true;
	wire->rcpt_to = calloc(envelope->rcpt_count, sizeof *wire->rcpt_to);
	if (!wire->rcpt_to)
		return false;
	for (size_t i = 0; i < envelope->rcpt_count; i++)
		wire->rcpt_to[i] = request_bytes(envelope->rcpt_to[i]);
	wire->n_rcpt_to = envelope->rcpt_count;
	return true;
}

bool request_envelope(const struct assay_envelope *envelope, Assay__V1__Envelope *wire)
{
	assay__v1__envelope__init(wire);
	if (!envelope)
		return true;
	wire->client_ip = wire_string(envelope->client_ip);
	wire->helo = request_bytes(envelope->helo);
	wire->mail_from = request_bytes(envelope->mail_from);
	wire->received_at = envelope->received_at;
	wire->authserv_id = request_bytes(envelope->authserv_id);
	return wire_rcpt_to(envelope, wire);
}

void request_envelope_deinit(Assay__V1__Envelope *wire)
{
	free(wire->rcpt_to);
}

static void body_append(ProtobufCBuffer *base, size_t count, const uint8_t *octets)
{
	struct body_buffer *buffer = (struct body_buffer *)base;

	if (count > buffer->left) {
		buffer->overrun = true;
		return;
	}
	if (count)
		memcpy(buffer->at, octets, count);
	buffer->at += count;
	buffer->left -= count;
}

/*
 * Not protobuf_c_message_pack(): that moves each submessage once more when the length in front of it turns
 * out to take several octets, a second copy of the whole mail.
 */
enum assay_error request_pack(const Assay__V1__Request *request, nng_msg **message_out)
{
	size_t size = assay__v1__request__get_packed_size(request);
	struct body_buffer buffer = { .base = { .append = body_append }, .left = size };

	*message_out = NULL;
	if (nng_msg_alloc(message_out, size) != 0)
		return ASSAY_ERROR_MEMORY;
	buffer.at = nng_msg_body(*message_out);
	assay__v1__request__pack_to_buffer(request, &buffer.base);
	if (!buffer.overrun && buffer.left == 0)
		return ASSAY_OK;
	nng_msg_free(*message_out);
	*message_out = NULL;
	return ASSAY_ERROR_ARGUMENT;
}
