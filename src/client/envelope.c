#include "client/envelope.h"

#include <stdint.h>
#include <string.h>

#include "client/growth.h"

static size_t text_octets(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

static const char *text_copy(const char *text, char **at)
{
	size_t octets = text_octets(text);
	char *copy = *at;

	if (!text)
		return NULL;
	*at += octets;
	return memcpy(copy, text, octets);
}

static size_t octets_of(const struct assay_call *call, const struct assay_envelope *envelope)
{
	size_t octets = envelope->rcpt_count * sizeof *envelope->rcpt_to;

	octets += text_octets(call->id) + text_octets(envelope->client_ip) + text_octets(envelope->helo);
	octets += text_octets(envelope->mail_from) + text_octets(envelope->authserv_id);
	for (size_t i = 0; i < envelope->rcpt_count; i++)
		octets += text_octets(envelope->rcpt_to[i]);
	return octets;
}

int envelope_copy(const struct assay_allocator *heap, const struct assay_call *call,
		  const struct assay_envelope *envelope, struct envelope_copy *out)
{
	const char **rcpt_to;
	char *at;

	memset(out, 0, sizeof *out);
	if (call)
		memcpy(&out->call, call, size_shared(call->size, sizeof out->call));
	if (envelope)
		memcpy(&out->envelope, envelope, size_shared(envelope->size, sizeof out->envelope));
	out->call.size = sizeof out->call;
	out->envelope.size = sizeof out->envelope;
	if (out->envelope.rcpt_count > SIZE_MAX / 2 / sizeof *rcpt_to)
		return 0;
	out->memory = heap_new(heap, octets_of(&out->call, &out->envelope));
	if (!out->memory)
		return 0;
	rcpt_to = out->memory;
	at = (char *)(rcpt_to + out->envelope.rcpt_count);
	for (size_t i = 0; i < out->envelope.rcpt_count; i++)
		rcpt_to[i] = text_copy(out->envelope.rcpt_to[i], &at);
	out->envelope.rcpt_to = rcpt_to;
	out->call.id = text_copy(out->call.id, &at);
	out->envelope.client_ip = text_copy(out->envelope.client_ip, &at);
	out->envelope.helo = text_copy(out->envelope.helo, &at);
	out->envelope.mail_from = text_copy(out->envelope.mail_from, &at);
	out->envelope.authserv_id = text_copy(out->envelope.authserv_id, &at);
	return 1;
}
