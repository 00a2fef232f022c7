/*
 * backtrace.h - the header of scalability-protocol requests and replies.
 *
 * Source: sp-request-reply-01: a request is a stack of 32-bit words, one for each device it came through (top bit 0),
 *         then the request id (top bit 1), then the body. The reply carries the same words back.
 * Purity: no I/O, no allocation.
 */
#ifndef ASSAY_PROTO_WIRE_BACKTRACE_H
#define ASSAY_PROTO_WIRE_BACKTRACE_H

#include "base/error.h"
#include "base/slice.h"

#define WIRE_SP_REQ 0x30 /* protocol numbers of the greeting */
#define WIRE_SP_REP 0x31

#define WIRE_HOPS_MAX 15 /* as nng's own limit for a time to live */
#define WIRE_BACKTRACE_OCTETS_MAX ((size_t)(WIRE_HOPS_MAX + 1) * 4)

/* Cuts `frame` into its words and its body. False: no request id within WIRE_HOPS_MAX hops. */
bool wire_backtrace_split(struct slice frame, struct slice *backtrace_out, struct slice *body_out);

#endif
