/*
 * call.h - what calls have in common (internal).
 */
#ifndef ASSAY_CLIENT_CALL_H
#define ASSAY_CLIENT_CALL_H

#include "client/exchange.h"

/* ASSAY_OK when `call` (which may be NULL) and `envelope` (likewise) can be used. */
enum assay_error call_check(const struct assay_client *client, const struct assay_call *call,
			    const struct assay_envelope *envelope, struct assay_failure *failure);
uint32_t call_deadline_ms(const struct assay_call *call);

/*
 * An exchange of the request `wire`, whose call is set, but for its envelope (NULL: it has none), which is put to *at.
 * `message`: see request_pack(). ASSAY_OK and *out, which is not started yet.
 */
enum assay_error call_make(struct assay_client *client, const struct assay_call *call, Assay__V1__Request *wire,
			   const struct assay_envelope *envelope, Assay__V1__Envelope **at,
			   const struct request_pieces *message, Assay__V1__Response__ResultCase expected,
			   struct exchange **out, struct assay_failure *failure);

#endif
