/*
 * reply.h - the few numbers of a Response that a load generator looks at, read without unpacking it.
 *
 * Source: proto/assay/v1/assay.proto. Tolerates any field it does not know.
 */
#ifndef ASSAY_BENCH_REPLY_H
#define ASSAY_BENCH_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPLY_DKIM_MAX 8

enum reply_kind { REPLY_NOTHING, REPLY_ERROR, REPLY_VERDICT, REPLY_SENDER_VERDICT, REPLY_STATUS };

struct reply {
	enum reply_kind kind;
	unsigned error; /* Error.Code */
	unsigned spf, dmarc, disposition, dkim_count;
	unsigned dkim[REPLY_DKIM_MAX];
};

/* False: not a protobuf message, or cut short. */
bool reply_scan(const uint8_t *octets, size_t len, struct reply *out);

#endif
