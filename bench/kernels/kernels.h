/*
 * kernels.h - what build/bench/kernels measures: each kernel's own code against OpenSSL or a plain twin.
 *
 * A family of kernels (one file) adds its cases; main.c measures them interleaved on one core. Whatever goes wrong in
 * here ends the program with a message: this is no code of the daemon's.
 */
#ifndef ASSAY_BENCH_KERNELS_H
#define ASSAY_BENCH_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KERNEL_CASES_MAX 32

enum kernel_side { KERNEL_OURS, KERNEL_OPENSSL, KERNEL_SIDES };

/* A portion of work, of 0.01 to 5 ms: returns how many units were done. It checks what it computed. */
typedef double kernel_run_fn(void *state);

struct kernel_case {
	const char *name;   /* a member of the JSON object */
	const char *figure; /* NULL, or which of several figures: cases of one name follow each other */
	const char *unit;   /* "ops/s" or "octets/s" */
	kernel_run_fn *run[KERNEL_SIDES];
	void *state;        /* lives until the program ends */
};

struct kernel_cases {
	struct kernel_case cases[KERNEL_CASES_MAX];
	size_t count;
};

void kernel_add(struct kernel_cases *cases, const struct kernel_case *added);
/* Ends the program unless `fact`. */
void kernel_require(bool fact, const char *what);
/* The same octets in every run of the program; `seed` tells streams apart. */
void kernel_random(uint64_t seed, uint8_t *out, size_t len);

/* One a family. */
void kernels_sha256_add(struct kernel_cases *cases);
void kernels_rsa_add(struct kernel_cases *cases);
void kernels_ed25519_add(struct kernel_cases *cases);
void kernels_canon_add(struct kernel_cases *cases);

#endif
