/*
 * author.h - what both readings of DMARC do alike with a From field; private to src/proto/dmarc.
 *
 * Source: RFC 9989 sections 5.3.1 and 11.5; STANDARDS 1.2.
 */
#ifndef ASSAY_PROTO_DMARC_AUTHOR_H
#define ASSAY_PROTO_DMARC_AUTHOR_H

#include "proto/dmarc/dmarc.h"

/* Is it certain who the author is? One From field, and no more domains than are looked at. */
bool dmarc_author_is_usable(const struct mail_author *author);

/* Of several author domains the heaviest outcome decides: a pass needs a pass of each. */
unsigned dmarc_weight(enum dmarc_word result, enum dmarc_policy disposition);

#endif
