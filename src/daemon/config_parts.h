/*
 * config_parts.h - the parts of reading the configuration; private to src/daemon.
 */
#ifndef ASSAY_DAEMON_CONFIG_PARTS_H
#define ASSAY_DAEMON_CONFIG_PARTS_H

#include "daemon/config.h"

#define MIB (1024 * 1024)

/* The whole file, ending in a NUL; to be freed. NULL: `problem` says why. */
char *config_file_read(const char *path, char problem[CONFIG_PROBLEM_SIZE]);
/* Comments become spaces. False: one is not closed. */
bool config_comments_blank(char *text);

/* Each value is looked at when it is read, so that an error has its line. */
void config_checks_set(cfg_t *file);

/* In any case of letters; a single label may do. */
bool config_is_host_name(const char *name);
bool config_policy_read(const char *word, enum dmarc_policy *out);

#endif
