/*
 * der.h - the two numbers of an RSA public key, out of DER.
 *
 * Source:    RFC 8017 appendix A.1.1 (RSAPublicKey), RFC 5280 section 4.1 and RFC 3279 section 2.3.1
 *            (SubjectPublicKeyInfo with rsaEncryption), ITU-T X.690 chapter 10 (DER: one encoding for one value).
 * Purity:    no I/O, no allocation; slices point into the text.
 * Bounds:    reads each octet once; no recursion, the structure is two or five levels deep and no more.
 */
#ifndef ASSAY_PROTO_DKIM_DER_H
#define ASSAY_PROTO_DKIM_DER_H

#include "base/cursor.h"

/*
 * Positive numbers without leading zero octets. RFC 6376 section 3.6.1 asks for RSAPublicKey, and what is published is
 * nearly always SubjectPublicKeyInfo: both are read. False: neither, or anything but DER, or octets behind it.
 */
bool der_rsa_public_key(struct slice text, struct slice *modulus_out, struct slice *exponent_out);

#endif
