/*
 * ub_events.h - libunbound's pluggable event base on our loop.
 *
 * To libunbound, events are persistent and level-triggered; here each is a one-shot poll that is armed again
 * after its function was called, unless that one deleted or added it. An event may be freed inside its own function.
 */
#ifndef ASSAY_IO_UB_EVENTS_H
#define ASSAY_IO_UB_EVENTS_H

#include "io/loop.h"

struct ub_event_base;

/* NULL: out of memory. Freed by free() after the ub_ctx that used it. */
struct ub_event_base *io_ub_event_base_new(struct io_loop *loop);

#endif
