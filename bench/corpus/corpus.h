/*
 * corpus.h - a corpus in a directory: written by assay-corpus, read by the programs that measure.
 *
 *   messages.pack    the messages one behind another, octets as they travel (CRLF). One file and not one for each
 *                    message: a hundred thousand files take longer to open than to check.
 *   messages.jsonl   a JSON object a line and message: "at" and "octets" (its place in the pack), the envelope
 *                    ("client_ip", "helo", "mail_from", "rcpt_to", "received_at"), and "expect": "spf", "dkim" (a
 *                    list of "result", "domain", "selector" and "work", from the top of the header), "dmarc",
 *                    "disposition". "work" is what has to be computed at least: "full", "body" or "none".
 *   keys.jsonl       the keys that are needed: "name" (where the record stands), "kind" (rsa or ed25519), "p".
 *   cold.eml, cold.jsonl  a message of a sender nobody has seen, with "label": to be overwritten with a unique one.
 *   all.zone         every record, with the apexes test, example and the root: for assayd's dns.zone-file (but for
 *                    cold names: local data know no wildcards).
 *   test.zone, example.zone  the same for an authoritative server.
 *   corpus.json      what it was made from, and what came out.
 *   eml/NNNNNN.eml   each message by itself, when asked for.
 */
#ifndef ASSAY_BENCH_CORPUS_H
#define ASSAY_BENCH_CORPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct corpus_options {
	const char *directory;     /* made when it is not there */
	uint64_t seed;
	unsigned messages;         /* 1 to 1,000,000 */
	unsigned domains;          /* 1 to 100,000 */
	double zipf;               /* exponent of the distribution over domains */
	double median, mean;       /* octets of a message */
	size_t octets_max;
	bool eml;
	bool opaque;               /* bodies of octets instead of text */
	bool plain;                /* every message: one sound rsa-sha256 signature of 2048 bits, relaxed/relaxed */
};

#define CORPUS_OPTIONS_DEFAULT                                                                                    \
	((struct corpus_options){ .seed = 1, .messages = 2000, .domains = 1000, .zipf = 1.0, .median = 8192, \
	                          .mean = 25600, .octets_max = 1048576 })

void corpus_write(const struct corpus_options *options);

#endif
