/*
 * request.h - a call of assay.h packed for the wire, to be sent once or more (internal).
 *
 * Ownership: what is packed is the request's own; the octets of the message are borrowed, in pieces, and are copied once for
 *            each time it is sent.
 * Errors:    ASSAY_ERROR_MEMORY, _ARGUMENT, _TOO_LARGE.
 */
#ifndef ASSAY_CLIENT_REQUEST_H
#define ASSAY_CLIENT_REQUEST_H

#include <stdbool.h>

#include "assay.pb-c.h"
#include "base/slice.h"
#include "client/heap.h"

#define REQUEST_OCTETS_MAX ((size_t)INT32_MAX) /* protobuf's lengths */

/* The octets of a message, in pieces. */
struct request_pieces {
	const struct slice *list;
	size_t count, octets;
};

struct request {
	const struct assay_allocator *heap;
	uint8_t id[ASSAY_ID_OCTETS_MAX];
	size_t id_octets;
	Assay__V1__Response__ResultCase expected;
	uint8_t *packed;       /* all but the deadline and the message */
	size_t packed_octets, message_at;
	struct request_pieces message; /* borrowed */
};

/* Fills the wire's envelope with pointers into `envelope` (NULL: all empty). False: no memory. */
bool request_envelope(const struct assay_allocator *heap, const struct assay_envelope *envelope,
		      Assay__V1__Envelope *wire);
void request_envelope_deinit(const struct assay_allocator *heap, Assay__V1__Envelope *wire);

/* Wire bytes of a C string (NULL: empty), borrowed; of any octets. */
ProtobufCBinaryData request_bytes(const char *text);
ProtobufCBinaryData request_octets(const void *octets, size_t count);
/* Stands for the message's octets in a wire struct that is about to be packed. */
ProtobufCBinaryData request_message(const struct request_pieces *message);

/* `message`: the pieces of request_message(), or NULL. `id`: NULL or at most ASSAY_ID_OCTETS_MAX octets. */
enum assay_error request_pack(const struct assay_allocator *heap, Assay__V1__Request *wire, const char *id,
			      const struct request_pieces *message, Assay__V1__Response__ResultCase expected,
			      struct request *out);
void request_deinit(struct request *request);

/* What is sent, with so much time left for the daemon: how many octets, and the octets. */
size_t request_octets_to_send(const struct request *request, uint32_t deadline_ms);
void request_to_send(const struct request *request, uint32_t deadline_ms, uint8_t *at);

#endif
