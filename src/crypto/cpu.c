#include "crypto/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>

#define CPUID_7_EBX_SHA (1u << 29)

/* The compiler's own detection does not know of the SHA extensions. No registers but those of SSE are in them. */
static bool sha_ni_detect(void)
{
	unsigned int eax, ebx, ecx, edx;

	return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx & CPUID_7_EBX_SHA) &&
	       __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.1");
}

struct crypto_cpu crypto_cpu_detect(void)
{
	struct crypto_cpu cpu = { 0 };

	__builtin_cpu_init();
	cpu.sha_ni = sha_ni_detect();
	cpu.avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
	cpu.avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
	cpu.avx512_ifma = cpu.avx512 && __builtin_cpu_supports("avx512ifma");
	return cpu;
}
#else
struct crypto_cpu crypto_cpu_detect(void)
{
	return (struct crypto_cpu){ 0 };
}
#endif
