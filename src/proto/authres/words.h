/*
 * words.h - what values of Authentication-Results and Received-SPF are made of; private to src/proto/authres.
 */
#ifndef ASSAY_PROTO_AUTHRES_WORDS_H
#define ASSAY_PROTO_AUTHRES_WORDS_H

#include "base/text.h"

/* Longer than any address (RFC 5321 section 4.5.3.1): a value above it identifies nothing, and is left out. */
#define AUTHRES_VALUE_OCTETS_MAX 500

/* token: RFC 2045 section 5.1. */
bool authres_is_token_octet(int octet);
bool authres_is_token(struct slice s);

/*
 * domain-name, sub-domain 1*("." sub-domain): RFC 6376 section 3.5 and RFC 5321 section 4.1.2; with octets above 127
 * where `utf8` (RFC 6531 section 3.3; that they are UTF-8 is not checked).
 */
bool authres_is_domain_name(struct slice name, bool utf8);

/*
 * quoted-string: RFC 5322 section 3.2.4; "?" for anything but printable ASCII. Left out, such an octet would make one
 * name of another: of "ba" and "nk.example" with a control between, "bank.example".
 */
void authres_quote(struct text *text, struct slice s);

#endif
