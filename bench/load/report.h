/*
 * report.h - the outcome of a run, for people or as one JSON object.
 */
#ifndef ASSAY_BENCH_REPORT_H
#define ASSAY_BENCH_REPORT_H

#include "load/run.h"

#include <stdio.h>

void report_text(const char *mode, const struct run_options *options, const struct run_result *result, FILE *out);
void report_json(const char *mode, const struct run_options *options, const struct run_result *result, FILE *out);

#endif
