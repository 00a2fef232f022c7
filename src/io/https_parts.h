/*
 * https_parts.h - documents under way; private to https.c and https_transfer.c.
 */
#ifndef ASSAY_IO_HTTPS_PARTS_H
#define ASSAY_IO_HTTPS_PARTS_H

#include "io/https.h"

#include <curl/curl.h>

struct io_https {
	struct io_https_config config;
	CURLM *multi;
	struct io_https_get *first, **end; /* waiting */
	int64_t looked_at_ms;
	struct transfer *transfers;
	unsigned transfers_count;
	struct io_https_counters counters;
};

/* A document under way: a connection at a time, to one of its addresses. */
struct transfer {
	struct io_https *https;
	struct io_https_get *get;
	struct transfer *next, *prev;
	CURL *easy;
	struct curl_slist *connect_to;
	size_t header_octets;
	uint8_t *body;
	size_t body_octets, body_size;
	bool too_large;
	char problem[CURL_ERROR_SIZE];
};

int64_t https_clock_ms(void);

/* Of all connections of the document. False: no memory, or curl knows an option not. */
bool transfer_options_set(struct transfer *transfer);
/* Of all of it; 0: none. */
unsigned transfer_time_left_ms(const struct transfer *transfer);
/* To the address whose turn it is. False as above. */
bool transfer_connect(struct transfer *transfer);

#endif
