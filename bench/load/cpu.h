/*
 * cpu.h - what processes spend, from /proc.
 */
#ifndef ASSAY_BENCH_CPU_H
#define ASSAY_BENCH_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct cpu {
	uint64_t ns;              /* on a core, all threads (schedstat), to the nanosecond */
	uint64_t user, system;    /* clock ticks (stat), for their proportion */
	uint64_t rss_octets;
};

/* Sums up the processes; false when one of them is not there. */
bool cpu_read(const pid_t *pids, size_t count, struct cpu *out);
/* Of this process. */
uint64_t cpu_own_ns(void);

int64_t clock_ns(void);

#endif
