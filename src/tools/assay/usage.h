/*
 * usage.h - the texts of --help.
 */
#ifndef ASSAY_TOOLS_USAGE_H
#define ASSAY_TOOLS_USAGE_H

#include <stdio.h>

/* Of one command, or of the whole program when `command` is NULL. */
void usage_print(FILE *out, const char *command);

#endif
