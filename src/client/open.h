/*
 * open.h - may a client be used at all? (internal)
 */
#ifndef ASSAY_CLIENT_OPEN_H
#define ASSAY_CLIENT_OPEN_H

#include "client/assay.h"

/* ASSAY_OK, or ASSAY_ERROR_FORKED. */
enum assay_error client_check(const struct assay_client *client, struct assay_failure *failure);

#endif
