/*
 * metrics.h - counters for Prometheus and a health page, on a thread of libmicrohttpd's.
 *
 * GET /metrics: text exposition format 0.0.4. GET /healthz: 200 "ok", or 503 "stopping".
 */
#ifndef ASSAY_DAEMON_METRICS_H
#define ASSAY_DAEMON_METRICS_H

#include "engine/engine.h"

struct metrics;

/* Is it HOST:PORT with a numeric host, [v6] in brackets? */
bool metrics_address_check(const char *listen);
/* `listen`: HOST:PORT with a numeric host, or "": no page, *out is NULL. 0; or a negative errno and a line in `problem`. */
MUST_CHECK int metrics_start(const char *listen, const struct engine *engine, struct metrics **out,
                             char problem[IO_PROBLEM_SIZE]);
/* NULL is nothing to stop. */
void metrics_stop(struct metrics *metrics);

#endif
