/*
 * access.h - the sections `tls`, `tcp` and `ipc` of the configuration: who may connect, and how.
 *
 * Names of users and groups are looked up when the file is read.
 */
#ifndef ASSAY_DAEMON_ACCESS_H
#define ASSAY_DAEMON_ACCESS_H

#include "daemon/config_parts.h"

extern cfg_opt_t tls_options[], tcp_options[], ipc_options[];

/* Sets what checks the sections while they are read, so that an error names its line. */
void access_checks_set(cfg_t *file);
/* Fills the engine's rules for peers, and `tls`. 0, -ENOMEM or -EINVAL and a line in `problem` (a file that changed meanwhile). */
MUST_CHECK int access_read(cfg_t *file, struct daemon_config *out, char problem[IO_PROBLEM_SIZE]);
void access_free(struct daemon_config *config);

#endif
