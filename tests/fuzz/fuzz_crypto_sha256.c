/*
 * Goal:   streams that go on together in a hasher come out with OpenSSL's hashes, whatever their lengths and cuts are, when
 *         they leave and come back, and whichever kernel runs.
 * Method: the input is a script: octets that say what comes next (a stream joins, all leave, a step), with lengths; the
 *         octets hashed are the input's own, over and over.
 */
#include "base/error.h"
#include "crypto/sha256.h"

#include <openssl/evp.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STREAMS_MAX 48
#define OCTETS_MAX  4096

struct source {
	struct slice left;
	size_t cut;    /* octets of a slice; 0: none at the first time, then one slice */
	bool stalled;
	bool ended;
	uint8_t digest[CRYPTO_SHA256_OCTETS];
	struct crypto_sha256_stream stream;
};

static uint8_t octets[OCTETS_MAX];

static bool source_next(void *arg, struct slice *out)
{
	struct source *source = arg;

	ASSERT(!source->ended);
	*out = SLICE_EMPTY;
	if (source->cut == 0 && !source->stalled) {
		source->stalled = true;
		return true;
	}
	*out = slice_sub(source->left, 0, source->cut ? source->cut : SIZE_MAX);
	source->left = slice_from(source->left, out->len);
	source->ended = out->len == 0;
	return !source->ended;
}

static void source_begin(struct source *source, size_t len, size_t cut)
{
	*source = (struct source){ .left = slice_of(octets, len), .cut = cut };
	ASSERT(EVP_Digest(octets, len, source->digest, NULL, EVP_sha256(), NULL) == 1);
	crypto_sha256_begin(&source->stream, source_next, source, source);
}

static void take_all(struct crypto_sha256_hasher *hasher)
{
	struct crypto_sha256_stream *stream;

	while ((stream = crypto_sha256_take_ended(hasher))) {
		uint8_t digest[CRYPTO_SHA256_OCTETS];

		crypto_sha256_digest(stream, digest);
		ASSERT(memcmp(digest, ((struct source *)stream->owner)->digest, sizeof(digest)) == 0);
	}
}

/* All leave, and those that are not ended come back. */
static void shuffle(struct crypto_sha256_hasher *hasher)
{
	struct source *before[CRYPTO_SHA256_LANES_MAX];
	unsigned count = hasher->streams;

	for (unsigned i = 0; i < count; i++)
		before[i] = hasher->lanes[i]->stream->owner;
	crypto_sha256_leave_all(hasher);
	take_all(hasher);
	for (unsigned i = count; i-- > 0;)
		if (!before[i]->ended)
			crypto_sha256_join(hasher, &before[i]->stream);
}

static void script_run(struct crypto_sha256_hasher *hasher, struct slice script)
{
	static struct source sources[STREAMS_MAX];
	size_t count = 0;

	for (; script.len >= 3 && count < STREAMS_MAX; script = slice_from(script, 3)) {
		uint8_t what = script.ptr[0];
		size_t len = ((size_t)script.ptr[1] << 8 | script.ptr[2]) % (OCTETS_MAX + 1);

		while (what % 4 != 3 && !crypto_sha256_has_room(hasher)) {
			(void)crypto_sha256_step(hasher);
			take_all(hasher);
		}
		if (what % 4 == 3)
			(what & 4) ? shuffle(hasher) : (void)crypto_sha256_step(hasher);
		else {
			source_begin(&sources[count], len, what >> 2);
			crypto_sha256_join(hasher, &sources[count++].stream);
		}
		take_all(hasher);
	}
	while (hasher->streams > 0) {
		(void)crypto_sha256_step(hasher);
		take_all(hasher);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct crypto_cpu cpu = crypto_cpu_detect();
	struct crypto_sha256_kernels kernels;
	static struct crypto_sha256_hasher hasher;

	for (size_t i = 0; size > 0 && i < sizeof(octets); i++)
		octets[i] = (uint8_t)(data[i % size] + i / size);
	crypto_sha256_kernels_find(&cpu, &kernels);
	for (size_t k = 0; k < kernels.count; k++) {
		struct crypto_sha256_plan plan;

		crypto_sha256_plan_force(&kernels.kernels[k], &plan);
		crypto_sha256_init(&hasher, &plan);
		script_run(&hasher, slice_of(data, size));
	}
	return 0;
}
