/*
 * limits.h - the bounds of ARC that no configuration moves.
 */
#ifndef ASSAY_PROTO_ARC_LIMITS_H
#define ASSAY_PROTO_ARC_LIMITS_H

#include "proto/dkim/limits.h"

/* RFC 8617 section 4.2.1: the highest instance, and so the most sets of a message. */
#define ARC_INSTANCE_MAX 50
/* Sets verified at most, whatever arc.max-sets says: each takes the signature ids of two fields. */
#define ARC_SETS_VERIFIED_MAX 32
/* Of one ARC-Authentication-Results: methods shown, and properties of each; the field's length bounds the rest. */
#define ARC_METHODS_MAX    32
#define ARC_PROPERTIES_MAX 16

/* Signature ids of ARC lie behind those of DKIM. */
#define ARC_SIGNATURE_ID_FIRST DKIM_SIGNATURE_IDS
#define ARC_SIGNATURE_ID_OF(instance, field) \
	(ARC_SIGNATURE_ID_FIRST + (((instance) - 1) * 2 + (field)) * DKIM_KEYS_TRIED_MAX)

_Static_assert(ARC_SIGNATURE_ID_OF(ARC_SETS_VERIFIED_MAX, 1) + DKIM_KEYS_TRIED_MAX <= SIGNATURE_ID_MAX,
               "every try has an id");

#endif
