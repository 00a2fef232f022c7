/*
 * singleton.h - header fields that may occur once, and occur more often.
 *
 * Source:    RFC 5322 section 3.6 (the table of limits), RFC 2045 sections 4 to 6 for MIME; RFC 6376 section 8.15 and
 *            STANDARDS 2.3 for why it matters: what is shown need not be the instance that was signed.
 * Purity:    no I/O, no allocation.
 */
#ifndef ASSAY_PROTO_MAIL_SINGLETON_H
#define ASSAY_PROTO_MAIL_SINGLETON_H

#include "proto/mail/header.h"

#define MAIL_SINGLETONS 13

/* Bit `i` is set: there is more than one field mail_singleton_name(i). */
uint32_t mail_singletons_repeated(const struct mail_message *message);
enum mail_name mail_singleton(unsigned i);
/* In the spelling of the RFCs; `i` is below MAIL_SINGLETONS. */
const char *mail_singleton_name(unsigned i);

#endif
