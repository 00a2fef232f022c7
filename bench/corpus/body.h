/*
 * body.h - message bodies as they are met: prose, quoted-printable HTML, base64 attachments.
 */
#ifndef ASSAY_BENCH_BODY_H
#define ASSAY_BENCH_BODY_H

#include "corpus/prng.h"
#include "corpus/text.h"

struct body {
	char content_type[128];      /* field value, perhaps folded */
	const char *encoding;        /* of Content-Transfer-Encoding */
	struct octets octets;        /* CRLF line ends */
};

/* A body of about `target` octets; small ones are mostly text, large ones mostly attachments. */
void body_make(struct prng *prng, size_t target, struct body *body);
/* One part of application/octet-stream in base64: nothing to read for whoever looks into text. */
void body_make_opaque(struct prng *prng, size_t target, struct body *body);
/* Words that make a subject or a name; no line ends. */
void body_words(struct prng *prng, unsigned count, struct octets *out);

#endif
