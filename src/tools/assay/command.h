/*
 * command.h - the commands of `assay`, and what they share.
 *
 * Each takes the arguments and returns the exit status of the process.
 */
#ifndef ASSAY_TOOLS_COMMAND_H
#define ASSAY_TOOLS_COMMAND_H

#include "client/assay.h"
#include "tools/assay/args.h"

int command_check(const struct args *args);
int command_spf(const struct args *args);
int command_tls_policy(const struct args *args);
int command_status(const struct args *args);

/* Connects to the server. NULL: it was not reached, the reason is on standard error, *status_out the exit status. */
struct assay_client *command_connect(const struct args *args, int *status_out);
/* The envelope and the call that the options make. */
struct assay_envelope command_envelope(const struct args *args);
struct assay_call command_call(const struct args *args);
/* Writes why there is no answer (about `subject`, NULL: nothing in particular) and returns EXIT_SERVER. */
int command_failed(const char *subject, const struct assay_failure *failure);

#endif
