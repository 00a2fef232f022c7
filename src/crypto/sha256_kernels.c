/* OpenSSL's block function has no other door than the one declared deprecated: EVP takes no state from outside. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/sha256_kernels.h"

#include "base/error.h"
#include "crypto/probe.h"

#include <openssl/sha.h>
#include <string.h>

#ifdef __x86_64__
#include <x86intrin.h>
#endif

const uint32_t crypto_sha256_initial[CRYPTO_SHA256_WORDS] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

const uint32_t crypto_sha256_constants[64] __attribute__((aligned(64))) = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* OpenSSL's own code for one stream: what kernels of several are measured against, and the last streams' end. */
static void openssl_1(uint32_t *const states[], const uint8_t *const octets[], size_t blocks)
{
	SHA256_CTX context = { .md_len = SHA256_DIGEST_LENGTH };

	_Static_assert(sizeof(context.h) == CRYPTO_SHA256_WORDS * sizeof(uint32_t), "the state is eight words");
	memcpy(context.h, states[0], sizeof(context.h));
	(void)SHA256_Update(&context, octets[0], blocks * CRYPTO_SHA256_BLOCK_OCTETS);
	memcpy(states[0], context.h, sizeof(context.h));
}

static void add(struct crypto_sha256_kernels *kernels, const char *name, unsigned lanes, crypto_sha256_kernel_fn *run)
{
	ASSERT(kernels->count < CRYPTO_SHA256_KERNELS_MAX);
	kernels->kernels[kernels->count++] = (struct crypto_sha256_kernel){ .name = name, .lanes = lanes, .run = run };
}

#ifdef __x86_64__
void crypto_sha256_kernels_find(const struct crypto_cpu *cpu, struct crypto_sha256_kernels *out)
{
	out->count = 0;
	if (!cpu->sha_ni && !cpu->avx2)
		return;
	add(out, "openssl_1", 1, openssl_1);
	if (cpu->sha_ni) {
		add(out, "ni_1", 1, crypto_sha256_ni_1);
		add(out, "ni_2", 2, crypto_sha256_ni_2);
		add(out, "ni_3", 3, crypto_sha256_ni_3);
		add(out, "ni_4", 4, crypto_sha256_ni_4);
		add(out, "ni_6", 6, crypto_sha256_ni_6);
		add(out, "ni_8", 8, crypto_sha256_ni_8);
	}
	if (cpu->avx2)
		add(out, "avx2_8", 8, crypto_sha256_avx2_8);
	if (cpu->avx512) {
		add(out, "avx512_16", 16, crypto_sha256_avx512_16);
		add(out, "avx512_32", 32, crypto_sha256_avx512_32);
	}
}

#define MEASURE_BLOCKS 8

/* Ticks that it takes for MEASURE_BLOCKS blocks of each lane. */
static uint64_t kernel_ticks(const struct crypto_sha256_kernel *kernel)
{
	static const uint8_t block[MEASURE_BLOCKS * CRYPTO_SHA256_BLOCK_OCTETS];
	uint32_t state[CRYPTO_SHA256_LANES_MAX][CRYPTO_SHA256_WORDS] = { { 0 } };
	uint32_t *states[CRYPTO_SHA256_LANES_MAX];
	const uint8_t *octets[CRYPTO_SHA256_LANES_MAX];
	uint64_t begin;

	for (unsigned lane = 0; lane < CRYPTO_SHA256_LANES_MAX; lane++) {
		states[lane] = state[lane];
		octets[lane] = block;
	}
	begin = __rdtsc();
	kernel->run(states, octets, MEASURE_BLOCKS);
	return __rdtsc() - begin;
}
#else
void crypto_sha256_kernels_find(const struct crypto_cpu *cpu, struct crypto_sha256_kernels *out)
{
	(void)cpu;
	(void)add;
	(void)openssl_1;
	out->count = 0;
}

static uint64_t kernel_ticks(const struct crypto_sha256_kernel *kernel)
{
	return kernel->lanes;
}
#endif

/* "abc" and its padding, of FIPS 180-4 section 5.1.1, in each lane. */
static bool known_answer_is_right(const struct crypto_sha256_kernel *kernel)
{
	static const uint8_t block[CRYPTO_SHA256_BLOCK_OCTETS] = { 'a', 'b', 'c', 0x80, [63] = 24 };
	struct slice digest = crypto_probe_digest(CRYPTO_SHA256);
	uint32_t state[CRYPTO_SHA256_LANES_MAX][CRYPTO_SHA256_WORDS];
	uint32_t *states[CRYPTO_SHA256_LANES_MAX];
	const uint8_t *octets[CRYPTO_SHA256_LANES_MAX];
	bool works = true;

	for (unsigned lane = 0; lane < CRYPTO_SHA256_LANES_MAX; lane++) {
		memcpy(state[lane], crypto_sha256_initial, sizeof(state[lane]));
		states[lane] = state[lane];
		octets[lane] = block;
	}
	kernel->run(states, octets, 1);
	for (unsigned lane = 0; lane < kernel->lanes; lane++)
		for (size_t i = 0; i < digest.len; i++)
			works = works && digest.ptr[i] == (uint8_t)(state[lane][i / 4] >> (24 - 8 * (i % 4)));
	return works;
}

#define PROBE_BLOCKS 2

/* Other octets and another state in each lane, against OpenSSL's code: so no lane can be another's. */
static bool lanes_are_apart(const struct crypto_sha256_kernel *kernel)
{
	uint8_t blocks[CRYPTO_SHA256_LANES_MAX][PROBE_BLOCKS * CRYPTO_SHA256_BLOCK_OCTETS];
	uint32_t state[CRYPTO_SHA256_LANES_MAX][CRYPTO_SHA256_WORDS], expected[CRYPTO_SHA256_WORDS];
	uint32_t *states[CRYPTO_SHA256_LANES_MAX], *one[] = { expected };
	const uint8_t *octets[CRYPTO_SHA256_LANES_MAX];
	bool works = true;

	for (unsigned lane = 0; lane < CRYPTO_SHA256_LANES_MAX; lane++) {
		for (size_t i = 0; i < sizeof(blocks[lane]); i++)
			blocks[lane][i] = (uint8_t)(i * i + 37 * lane + 1);
		for (size_t i = 0; i < CRYPTO_SHA256_WORDS; i++)
			state[lane][i] = crypto_sha256_initial[i] + lane;
		states[lane] = state[lane];
		octets[lane] = blocks[lane];
	}
	kernel->run(states, octets, PROBE_BLOCKS);
	for (unsigned lane = 0; lane < kernel->lanes; lane++) {
		for (size_t i = 0; i < CRYPTO_SHA256_WORDS; i++)
			expected[i] = crypto_sha256_initial[i] + lane;
		openssl_1(one, &octets[lane], PROBE_BLOCKS);
		works = works && memcmp(expected, state[lane], sizeof(expected)) == 0;
	}
	return works;
}

static bool kernel_works(const struct crypto_sha256_kernel *kernel)
{
	return known_answer_is_right(kernel) && lanes_are_apart(kernel);
}

void crypto_sha256_kernels_probe(struct crypto_sha256_kernels *kernels)
{
	size_t count = 0;

	for (size_t k = 0; k < kernels->count; k++)
		if (kernel_works(&kernels->kernels[k]))
			kernels->kernels[count++] = kernels->kernels[k];
	kernels->count = count;
}

#define MEASURE_ROUNDS 24

/*
 * The least of several times, others being disturbed. The kernels have their turns in each round: a disturbance that lasts
 * meets all of them.
 */
static void kernels_ticks(const struct crypto_sha256_kernels *kernels, uint64_t least[CRYPTO_SHA256_KERNELS_MAX])
{
	for (size_t k = 0; k < kernels->count; k++)
		least[k] = UINT64_MAX;
	for (int round = 0; round < MEASURE_ROUNDS; round++)
		for (size_t k = 0; k < kernels->count; k++) {
			uint64_t ticks = kernel_ticks(&kernels->kernels[k]);

			if (ticks < least[k])
				least[k] = ticks;
		}
}

/* The least cost of n streams is that of one kernel and of the streams it leaves over, which are fewer. */
void crypto_sha256_plan_measure(const struct crypto_sha256_kernels *kernels, struct crypto_sha256_plan *plan)
{
	uint64_t least[CRYPTO_SHA256_LANES_MAX + 1] = { 0 }, ticks[CRYPTO_SHA256_KERNELS_MAX];

	ASSERT(kernels->count > 0);
	kernels_ticks(kernels, ticks);
	for (unsigned streams = 1; streams <= CRYPTO_SHA256_LANES_MAX; streams++) {
		least[streams] = UINT64_MAX;
		for (size_t k = 0; k < kernels->count; k++) {
			const struct crypto_sha256_kernel *kernel = &kernels->kernels[k];
			uint64_t sum = ticks[k] + (streams > kernel->lanes ? least[streams - kernel->lanes] : 0);

			if (sum >= least[streams])
				continue;
			least[streams] = sum;
			plan->kernels[streams] = *kernel;
		}
	}
}

void crypto_sha256_plan_force(const struct crypto_sha256_kernel *kernel, struct crypto_sha256_plan *plan)
{
	for (unsigned streams = 0; streams <= CRYPTO_SHA256_LANES_MAX; streams++)
		plan->kernels[streams] = *kernel;
}

/* Lanes without a stream do the first one's work again, for a state that nobody reads. */
static void kernel_run_partly(const struct crypto_sha256_kernel *kernel, unsigned streams, uint32_t *const states[],
                              const uint8_t *const octets[], size_t blocks)
{
	uint32_t nobodys[CRYPTO_SHA256_WORDS] = { 0 };
	uint32_t *all_states[CRYPTO_SHA256_LANES_MAX];
	const uint8_t *all_octets[CRYPTO_SHA256_LANES_MAX];

	for (unsigned lane = 0; lane < kernel->lanes; lane++) {
		all_states[lane] = lane < streams ? states[lane] : nobodys;
		all_octets[lane] = octets[lane < streams ? lane : 0];
	}
	kernel->run(all_states, all_octets, blocks);
}

void crypto_sha256_plan_run(const struct crypto_sha256_plan *plan, unsigned streams, uint32_t *const states[],
                            const uint8_t *const octets[], size_t blocks)
{
	unsigned done = 0;

	ASSERT(streams <= CRYPTO_SHA256_LANES_MAX);
	while (done < streams) {
		const struct crypto_sha256_kernel *kernel = &plan->kernels[streams - done];

		if (kernel->lanes <= streams - done)
			kernel->run(states + done, octets + done, blocks);
		else
			kernel_run_partly(kernel, streams - done, states + done, octets + done, blocks);
		done += kernel->lanes;
	}
}
