#include "crypto/kernels.h"

#include "crypto/ed25519.h"
#include "crypto/key_private.h"
#include "crypto/probe.h"
#include "crypto/rsa.h"

#include <stdio.h>
#include <string.h>

static const char *const wishes[CRYPTO_KERNELS_WISHES] = {
	[CRYPTO_KERNELS_AUTO] = "auto",
	[CRYPTO_KERNELS_OPENSSL] = "openssl",
	[CRYPTO_KERNELS_SCALAR] = "scalar",
	[CRYPTO_KERNELS_IFMA] = "ifma",
};

bool crypto_kernels_read(const char *word, enum crypto_kernels_wish *out)
{
	for (int wish = 0; wish < CRYPTO_KERNELS_WISHES; wish++) {
		if (strcmp(word, wishes[wish]) == 0) {
			*out = (enum crypto_kernels_wish)wish;
			return true;
		}
	}
	return false;
}

static bool is_openssl_alone(void)
{
#if defined(CRYPTO_OPENSSL_ALONE)
	return true;
#else
	return false;
#endif
}

static bool lanes_are_there(struct crypto_cpu cpu)
{
	return crypto_rsa_lanes_are_built() && cpu.avx512_ifma;
}

bool crypto_kernels_are_available(enum crypto_kernels_wish wish)
{
	switch (wish) {
	case CRYPTO_KERNELS_SCALAR: return !is_openssl_alone();
	case CRYPTO_KERNELS_IFMA: return lanes_are_there(crypto_cpu_detect());
	default: return true;
	}
}

static const char *refused_text(bool refused)
{
	return refused ? " (the kernel's known answer was wrong)" : "";
}

/* Returns how long the text is. */
static int rsa_describe(const struct crypto_kernels *kernels, char out[CRYPTO_KERNELS_TEXT_SIZE])
{
	char few[CRYPTO_KERNELS_TEXT_SIZE / 2] = "";

	if (kernels->rsa != CRYPTO_RSA_BY_LANES)
		return snprintf(out, CRYPTO_KERNELS_TEXT_SIZE, "RSA: %s%s",
		                kernels->rsa == CRYPTO_RSA_BY_SCALAR ? "scalar" : "OpenSSL", refused_text(kernels->rsa_refused));
	if (kernels->rsa_lanes_min > CRYPTO_RSA_LANES)
		return snprintf(out, CRYPTO_KERNELS_TEXT_SIZE, "RSA: up to %d side by side (AVX-512 IFMA)", CRYPTO_RSA_FEW_MAX);
	if (kernels->rsa_few)
		snprintf(few, sizeof(few), ", fewer up to %d side by side", CRYPTO_RSA_FEW_MAX);
	else if (kernels->rsa_lanes_min > 1)
		snprintf(few, sizeof(few), ", fewer by OpenSSL%s", refused_text(kernels->rsa_few_refused));
	return snprintf(out, CRYPTO_KERNELS_TEXT_SIZE, "RSA: 8 lanes (AVX-512 IFMA) from %u signature%s on%s",
	                kernels->rsa_lanes_min, kernels->rsa_lanes_min == 1 ? "" : "s", few);
}

void crypto_kernels_describe(const struct crypto_kernels *kernels, char out[CRYPTO_KERNELS_TEXT_SIZE])
{
	int len = rsa_describe(kernels, out);

	snprintf(out + len, CRYPTO_KERNELS_TEXT_SIZE - (size_t)len, "; Ed25519: %s%s",
	         kernels->ed25519_lanes ? "8 lanes" : "OpenSSL", refused_text(kernels->ed25519_refused));
}

static struct crypto_key *probe_key(struct crypto_provider *provider, enum crypto_rsa_path path)
{
	struct crypto_key *key;

	provider->kernels.rsa = path;
	provider->kernels.rsa_lanes_min = 1;
	return crypto_key_new(provider, &crypto_probe_rsa, &key) == 0 ? key : NULL;
}

static struct crypto_rsa_check probe_check(const struct crypto_key *key, const uint8_t *digest)
{
	return (struct crypto_rsa_check){
		.key = key->rsa_key,
		.hash = CRYPTO_SHA256,
		.digest = digest,
		.signature = crypto_probe_rsa_signature[CRYPTO_SHA256].ptr,
	};
}

/* Where there are lanes to measure. */
static int64_t ticks(void)
{
#if defined(__x86_64__)
	return (int64_t)__builtin_ia32_rdtsc();
#else
	return 0;
#endif
}

#define MEASURE_ROUNDS 16

/* Ticks of one verification by this path (all lanes of it): the least of several. INT64_MAX: it did not work. */
static int64_t measure(struct crypto_provider *provider, enum crypto_rsa_path path)
{
	struct crypto_key *key = probe_key(provider, path);
	int64_t least = INT64_MAX;

	for (int round = 0; key && round < MEASURE_ROUNDS; round++) {
		int64_t begin = ticks(), taken;

		if (crypto_key_verify(key, CRYPTO_SHA256, crypto_probe_digest(CRYPTO_SHA256),
		                      crypto_probe_rsa_signature[CRYPTO_SHA256]) != CRYPTO_VALID)
			break;
		taken = ticks() - begin;
		if (taken < least)
			least = taken;
	}
	crypto_key_unref(key);
	return least;
}

/* Ticks for each of as many as go side by side. INT64_MAX: it did not work. */
static int64_t measure_few(struct crypto_provider *provider)
{
	struct crypto_key *key = probe_key(provider, CRYPTO_RSA_BY_LANES);
	int64_t least = INT64_MAX;

	for (int round = 0; key && round < MEASURE_ROUNDS; round++) {
		struct crypto_rsa_check checks[CRYPTO_RSA_FEW_MAX];
		int64_t begin, taken;

		for (size_t i = 0; i < CRYPTO_RSA_FEW_MAX; i++)
			checks[i] = probe_check(key, crypto_probe_digest(CRYPTO_SHA256).ptr);
		begin = ticks();
		crypto_rsa_few_verify(checks, CRYPTO_RSA_FEW_MAX);
		taken = (ticks() - begin) / CRYPTO_RSA_FEW_MAX;
		if (!checks[0].valid)
			break;
		if (taken < least)
			least = taken;
	}
	crypto_key_unref(key);
	return least;
}

/* The known answers again, now by the kernel. */
static bool path_works(struct crypto_provider *provider, enum crypto_rsa_path path)
{
	static const uint8_t other[CRYPTO_DIGEST_OCTETS_MAX] = { 1 };
	struct crypto_key *key = probe_key(provider, path);
	bool works = key;

	for (int hash = 0; works && hash < CRYPTO_HASHES; hash++) {
		struct slice digest = crypto_probe_digest((enum crypto_hash)hash);
		struct slice signature = crypto_probe_rsa_signature[hash];

		if (provider->digests[hash])
			works = crypto_key_verify(key, (enum crypto_hash)hash, digest, signature) == CRYPTO_VALID &&
			        crypto_key_verify(key, (enum crypto_hash)hash, slice_of(other, digest.len), signature) ==
			                CRYPTO_INVALID;
	}
	crypto_key_unref(key);
	return works;
}

/* All of `count` with a right signature, then each in turn with another digest: whose answer it is that is wrong. */
static bool several_work(struct crypto_provider *provider, size_t count,
                         void (*verify)(struct crypto_provider *provider, struct crypto_rsa_check *checks, size_t count))
{
	static const uint8_t other[CRYPTO_DIGEST_OCTETS_MAX] = { 1 };
	struct crypto_key *key = probe_key(provider, CRYPTO_RSA_BY_LANES);
	bool works = key;

	for (size_t wrong = 0; works && wrong <= count; wrong++) {
		struct crypto_rsa_check checks[CRYPTO_RSA_LANES];

		for (size_t i = 0; i < count; i++)
			checks[i] = probe_check(key, i == wrong ? other : crypto_probe_digest(CRYPTO_SHA256).ptr);
		verify(provider, checks, count);
		for (size_t i = 0; i < count; i++)
			works = works && checks[i].valid == (i != wrong);
	}
	crypto_key_unref(key);
	return works;
}

static void verify_by_lanes(struct crypto_provider *provider, struct crypto_rsa_check *checks, size_t count)
{
	crypto_rsa_lanes_verify(provider->rsa_lanes, checks, count);
}

static void verify_few(struct crypto_provider *provider, struct crypto_rsa_check *checks, size_t count)
{
	(void)provider;
	crypto_rsa_few_verify(checks, count);
}

static bool lanes_work(struct crypto_provider *provider)
{
	return several_work(provider, CRYPTO_RSA_LANES, verify_by_lanes);
}

/* The known answers are of 1024 bits alone; other sizes are other code, and have to agree with the lanes. */
static bool few_work(struct crypto_provider *provider)
{
	for (size_t count = 1; count <= CRYPTO_RSA_FEW_MAX; count++)
		if (!several_work(provider, count, verify_few))
			return false;
	return crypto_rsa_few_agrees(provider->rsa_lanes);
}

/* Eight lanes take the time of so many verifications without them; where more than eight are no dearer, they are not worth it. */
static unsigned lanes_min(struct crypto_provider *provider)
{
	int64_t lanes = measure(provider, CRYPTO_RSA_BY_LANES);
	int64_t one = provider->kernels.rsa_few ? measure_few(provider) : measure(provider, CRYPTO_RSA_BY_OPENSSL);
	int64_t count = one > 0 && one < INT64_MAX ? (lanes + one - 1) / one : 1;

	return count < 1 ? 1 : count > CRYPTO_RSA_LANES ? CRYPTO_RSA_LANES + 1 : (unsigned)count;
}

static enum crypto_rsa_path path_wanted(const struct crypto_kernels *kernels)
{
	if (kernels->wish == CRYPTO_KERNELS_OPENSSL || is_openssl_alone())
		return CRYPTO_RSA_BY_OPENSSL;
	if (kernels->wish == CRYPTO_KERNELS_SCALAR)
		return CRYPTO_RSA_BY_SCALAR;
	return lanes_are_there(kernels->cpu) ? CRYPTO_RSA_BY_LANES : CRYPTO_RSA_BY_OPENSSL;
}

#define EXPONENT_USUAL_MAX 65537 /* of keys that people make, and of those that are measured */

/* Its constants have to have verified known answers; features.ed25519: the algorithm is not switched off. */
static int ed25519_choose(struct crypto_provider *provider)
{
	struct crypto_kernels *kernels = &provider->kernels;
	int result;

	if (!kernels->cpu.avx512_ifma || !provider->features.ed25519)
		return 0;
	result = crypto_ed25519_new(&kernels->cpu, &provider->ed25519);
	kernels->ed25519_lanes = result == 0;
	kernels->ed25519_refused = result == CRYPTO_ED25519_WRONG;
	return result < 0 ? result : 0;
}

int crypto_kernels_choose(struct crypto_provider *provider, enum crypto_kernels_wish wish)
{
	struct crypto_kernels *kernels = &provider->kernels;
	enum crypto_rsa_path path;
	unsigned least = 1;

	if (!crypto_kernels_are_available(wish))
		return -ENOTSUP;
	kernels->wish = wish;
	kernels->rsa_lanes_exponent_max = wish == CRYPTO_KERNELS_IFMA ? UINT32_MAX : EXPONENT_USUAL_MAX;
	if (!is_openssl_alone() && (wish == CRYPTO_KERNELS_AUTO || wish == CRYPTO_KERNELS_IFMA))
		kernels->cpu = crypto_cpu_detect();
	path = path_wanted(kernels);
	if (path == CRYPTO_RSA_BY_LANES && !(provider->rsa_lanes = crypto_rsa_lanes_new()))
		return -ENOMEM;
	if (path != CRYPTO_RSA_BY_OPENSSL &&
	    !(path_works(provider, path) && (path != CRYPTO_RSA_BY_LANES || lanes_work(provider)))) {
		kernels->rsa_refused = true;
		path = CRYPTO_RSA_BY_OPENSSL;
	}
	if (path == CRYPTO_RSA_BY_LANES && wish == CRYPTO_KERNELS_AUTO) {
		kernels->rsa_few = few_work(provider);
		kernels->rsa_few_refused = !kernels->rsa_few;
		least = lanes_min(provider);
	}
	kernels->rsa = least > CRYPTO_RSA_LANES && !kernels->rsa_few ? CRYPTO_RSA_BY_OPENSSL : path;
	kernels->rsa_lanes_min = least;
	return ed25519_choose(provider);
}
