/*
 * sealers.h - the `sealer` sections of the configuration, and their private keys.
 *
 * A key file holds one RSA key in PEM form, without a password; a file that everybody may read is refused. Keys stay in
 * this process: no call, log line or error shows any of them.
 */
#ifndef ASSAY_DAEMON_SEALERS_H
#define ASSAY_DAEMON_SEALERS_H

#include "engine/engine.h"

#include <confuse.h>

#define SEALERS_MAX 64
#define SEALER_KEY_OCTETS_MAX ((size_t)16384) /* a PEM file of 4096 bits has 3,272 */

extern cfg_opt_t sealer_options[];

/* Sets what checks the sections while they are read, so that an error names its line. */
void sealers_check(cfg_t *file);
/* Fills sealers and sealer_keys. 0, -ENOMEM or -EINVAL (a key file that changed since it was checked). */
MUST_CHECK int sealers_read(cfg_t *file, struct engine_config *out);
/* Wipes the keys. */
void sealers_free(struct engine_config *config);

#endif
