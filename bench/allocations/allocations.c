/*
 * allocations.c - counts who asks for memory: preloaded into a program, it counts each call of malloc() and its kin by the
 * place that called.
 *
 * ALLOCATIONS=FILE LD_PRELOAD=.../liballocations.so PROGRAM: FILE becomes a table of struct site, which can be read at
 * any time. A realloc() is a call like any other. Where libc itself calls (strdup, fopen), the place is in libc.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* glibc's own, under names that nobody else takes. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

#define SITES 4096 /* a power of two */

/* As bench/promises/flat.py reads it. */
struct site {
	_Atomic uint64_t address; /* that the call returns to; 0: nobody's place yet */
	_Atomic uint64_t calls;
	uint64_t offset;          /* of it in its module */
	char module[48];
};

static struct site *sites; /* NULL: nothing is counted */

__attribute__((constructor)) static void sites_open(void)
{
	const char *path = getenv("ALLOCATIONS");
	int fd = path ? open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
	void *mapped = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, sizeof(*sites) * SITES) == 0)
		mapped = mmap(NULL, sizeof(*sites) * SITES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (mapped != MAP_FAILED)
		sites = mapped;
}

static void site_describe(struct site *site, const void *caller)
{
	const char *slash;
	Dl_info info;

	if (!dladdr(caller, &info) || !info.dli_fname)
		return;
	slash = strrchr(info.dli_fname, '/');
	site->offset = (uint64_t)((uintptr_t)caller - (uintptr_t)info.dli_fbase);
	strncpy(site->module, slash ? slash + 1 : info.dli_fname, sizeof(site->module) - 1);
}

/* The caller's place in the table, from its hash on; the last place is everybody's when the table is full. */
static struct site *site_of(const void *caller)
{
	uint64_t address = (uint64_t)(uintptr_t)caller, at = address * UINT64_C(0x9e3779b97f4a7c15) >> 32;

	for (size_t tried = 0; tried < SITES; tried++, at++) {
		struct site *site = &sites[at & (SITES - 1)];
		uint64_t seen = 0;

		if (atomic_load_explicit(&site->address, memory_order_relaxed) == address)
			return site;
		if (atomic_compare_exchange_strong(&site->address, &seen, address)) {
			site_describe(site, caller);
			return site;
		}
		if (seen == address)
			return site;
	}
	return &sites[SITES - 1];
}

static void count(const void *caller)
{
	if (sites)
		atomic_fetch_add_explicit(&site_of(caller)->calls, 1, memory_order_relaxed);
}

void *malloc(size_t size)
{
	count(__builtin_return_address(0));
	return __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
	count(__builtin_return_address(0));
	return __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size)
{
	count(__builtin_return_address(0));
	return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size)
{
	count(__builtin_return_address(0));
	return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	count(__builtin_return_address(0));
	return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
	void *memory;

	count(__builtin_return_address(0));
	memory = __libc_memalign(alignment, size);
	if (!memory)
		return ENOMEM;
	*out = memory;
	return 0;
}
