/*
 * stock.h - a peer of the daemon made of stock libnng and the generated protobuf code only, without libassay.
 *
 * It shows that the public wire is all that is needed, and asks what the assay command cannot ask.
 */
#ifndef ASSAY_TESTS_STOCK_H
#define ASSAY_TESTS_STOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nng/nng.h>

#include "assay.pb-c.h"

#define STOCK_DEADLINE_MS 30000
#define STOCK_ID_SIZE     48

enum stock_kind { STOCK_STATUS, STOCK_SENDER, STOCK_MESSAGE };

/* A request of that kind with that id, packed; the message is the caller's. */
nng_msg *stock_request(enum stock_kind kind, const char *id);
/* A CheckMessage of these octets. */
nng_msg *stock_message_request(const char *id, const uint8_t *octets, size_t count);
/* True when the reply is the answer of that kind with that id; else `why` (of 256 octets) says what it is. */
bool stock_reply_is(nng_msg *reply, enum stock_kind kind, const char *id, char *why);

/* A REQ socket connected to `url`; ends the process with status 1 when there is none. */
nng_socket stock_connect(const char *url);
/* Ends the process with status 1 and a line when `error` is not 0. */
void stock_check(int error, const char *what);

/* `connections` sockets with `lanes` requests in flight each, for `seconds`. Returns the exit status. */
int stock_soak(const char *url, unsigned connections, unsigned lanes, unsigned seconds);

#endif
