/*
 * config.h - assayd's configuration file.
 *
 * Syntax: libConfuse. An unknown key, a value out of range or an unusable file is an error that names file and line.
 */
#ifndef ASSAY_DAEMON_CONFIG_H
#define ASSAY_DAEMON_CONFIG_H

#include "engine/engine.h"
#include "io/public_suffixes.h"

#include <confuse.h>

#define CONFIG_PROBLEM_SIZE 512

struct daemon_config {
	struct engine_config engine;
	const char *metrics_listen;  /* "" or HOST:PORT */
	struct io_public_suffixes *public_suffixes; /* owned; NULL: nothing needs one */
	struct slice *tls_names;     /* owned; of tls.allow-names */
	cfg_t *file;                 /* owns every string */
};

/* 0; or -EINVAL and a line for people. */
MUST_CHECK int config_read(const char *path, struct daemon_config *out, char problem[CONFIG_PROBLEM_SIZE]);
void config_free(struct daemon_config *config);

#endif
