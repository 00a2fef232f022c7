/*
 * request.h - a call of assay.h turned into one nng message (internal).
 *
 * Ownership: a message made here is the caller's to send or to free. The octets of a mail are copied once,
 *            straight into it.
 */
#ifndef ASSAY_CLIENT_REQUEST_H
#define ASSAY_CLIENT_REQUEST_H

#include <stdbool.h>

#include <nng/nng.h>

#include "assay.pb-c.h"
#include "client/assay.h"

/* Fills the wire's envelope with pointers into `envelope` (NULL: all empty). False: no memory. */
bool request_envelope(const struct assay_envelope *envelope, Assay__V1__Envelope *wire);
void request_envelope_deinit(Assay__V1__Envelope *wire);

/* Wire bytes of a C string (NULL: empty), borrowed; of any octets. */
ProtobufCBinaryData request_bytes(const char *text);
ProtobufCBinaryData request_octets(const void *octets, size_t count);

/* The packed request as a message body. ASSAY_OK, or ASSAY_ERROR_MEMORY with *message_out NULL. */
enum assay_error request_pack(const Assay__V1__Request *request, nng_msg **message_out);

#endif
