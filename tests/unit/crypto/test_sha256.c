/*
 * Goal:   whatever kernel works on however many streams of whatever length, cut in whatever way: each digest is OpenSSL's.
 * Method: every kernel that the processor has is forced in turn, and the plan that is measured: published vectors (FIPS
 *         180-4 by way of RFC 6234 section 8.5), states at random against OpenSSL's block function, every length up to 300
 *         in every lane, and then streams at random that are cut at random, stall, leave and come back.
 *         ASSAY_SHA256_CASES is the number of those for a long run.
 */
#include "crypto/sha256.h"

#include "unit.h"

#include <openssl/evp.h>
#include <stdlib.h>

#define POOL_OCTETS 65536
#define BLOCKS_MAX  5
#define LENGTH_MAX  300
#define CASES       4000
#define STREAMS     40 /* more than there are lanes */

static struct crypto_sha256_kernels kernels;
static uint8_t pool[POOL_OCTETS];
static uint64_t random_state = 1;

static uint64_t random_next(void)
{
	uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static size_t random_below(size_t below)
{
	return (size_t)(random_next() % below);
}

static int set_up(void **state)
{
	struct crypto_cpu cpu = crypto_cpu_detect();

	(void)state;
	for (size_t i = 0; i < sizeof(pool); i++)
		pool[i] = (uint8_t)random_next();
	crypto_sha256_kernels_find(&cpu, &kernels);
	return 0;
}

static size_t plans_count(void)
{
	return kernels.count ? kernels.count + 1 : 0;
}

/* Each kernel alone, and last what was measured to be the quickest of them all. */
static const char *plan_get(size_t i, struct crypto_sha256_plan *plan)
{
	if (i == kernels.count) {
		crypto_sha256_plan_measure(&kernels, plan);
		return "measured";
	}
	crypto_sha256_plan_force(&kernels.kernels[i], plan);
	return kernels.kernels[i].name;
}

static void skip_without_kernels(void)
{
	if (kernels.count == 0) {
		print_message("no kernels on this processor\n");
		skip();
	}
}

/* --- kernels alone --- */

/* Every number of blocks, and each lane another state and other octets: compared with OpenSSL's block function. */
static void test_kernels_against_openssl(void **state)
{
	static uint32_t got[CRYPTO_SHA256_LANES_MAX][CRYPTO_SHA256_WORDS], want[CRYPTO_SHA256_WORDS];

	(void)state;
	skip_without_kernels();
	assert_string_equal(kernels.kernels[0].name, "openssl_1");
	for (size_t round = 0; round < 2000; round++) {
		const struct crypto_sha256_kernel *kernel = &kernels.kernels[round % kernels.count];
		uint32_t begun[CRYPTO_SHA256_LANES_MAX][CRYPTO_SHA256_WORDS];
		uint32_t *states[CRYPTO_SHA256_LANES_MAX];
		const uint8_t *octets[CRYPTO_SHA256_LANES_MAX];
		size_t blocks = random_below(BLOCKS_MAX) + 1;

		for (unsigned lane = 0; lane < kernel->lanes; lane++) {
			memset(begun[lane], round % 7 ? 0 : 0xff, sizeof(begun[lane]));
			for (unsigned word = 0; round % 3 && word < CRYPTO_SHA256_WORDS; word++)
				begun[lane][word] = (uint32_t)random_next();
			memcpy(got[lane], begun[lane], sizeof(got[lane]));
			states[lane] = got[lane];
			octets[lane] = pool + random_below(POOL_OCTETS - (size_t)BLOCKS_MAX * CRYPTO_SHA256_BLOCK_OCTETS);
		}
		kernel->run(states, octets, blocks);
		for (unsigned lane = 0; lane < kernel->lanes; lane++) {
			uint32_t *one = want;

			memcpy(want, begun[lane], sizeof(want));
			kernels.kernels[0].run(&one, &octets[lane], blocks);
			if (memcmp(want, got[lane], sizeof(want)) != 0)
				fail_msg("%s, lane %u, %zu blocks", kernel->name, lane, blocks);
		}
	}
}

/* A plan asks for kernels that are there, and OpenSSL's is one lane of any. */
static void test_plan(void **state)
{
	struct crypto_sha256_plan plan;

	(void)state;
	skip_without_kernels();
	crypto_sha256_plan_measure(&kernels, &plan);
	for (unsigned streams = 1; streams <= CRYPTO_SHA256_LANES_MAX; streams++) {
		assert_true(plan.kernels[streams].lanes >= 1 && plan.kernels[streams].lanes <= CRYPTO_SHA256_LANES_MAX);
		print_message("%2u streams: %s\n", streams, plan.kernels[streams].name);
	}
	assert_int_equal(plan.kernels[1].lanes, 1);
}

/* A processor with less has fewer kernels, and one with nothing none. */
static void test_kernels_by_features(void **state)
{
	static const struct {
		struct crypto_cpu cpu;
		size_t count;
	} cases[] = {
		{ { .sha_ni = false }, 0 },
		{ { .sha_ni = true }, 7 },
		{ { .avx2 = true }, 2 },
		{ { .avx2 = true, .avx512 = true }, 4 },
		{ { .sha_ni = true, .avx2 = true, .avx512 = true }, 10 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct crypto_sha256_kernels found;

		crypto_sha256_kernels_find(&cases[i].cpu, &found);
#ifdef __x86_64__
		assert_int_equal(found.count, cases[i].count);
#else
		assert_int_equal(found.count, 0);
#endif
	}
}

/* --- streams --- */

struct source {
	struct slice left;
	size_t cut_max;     /* slices of 1 to so many octets; 0: one slice */
	unsigned stall_one_in; /* so often there is nothing now; 0: never */
	uint8_t *copy;      /* the slice given out last, in memory of its own */
	bool ended;
	struct crypto_sha256_stream stream;
	uint8_t digest[CRYPTO_SHA256_OCTETS];
};

static bool source_next(void *arg, struct slice *out)
{
	struct source *source = arg;
	size_t len = source->cut_max ? random_below(source->cut_max) + 1 : source->left.len;

	assert_false(source->ended);
	free(source->copy);
	source->copy = NULL;
	source->ended = source->left.len == 0;
	*out = SLICE_EMPTY;
	if (source->ended)
		return false;
	if (source->stall_one_in && random_below(source->stall_one_in) == 0)
		return true;
	*out = slice_sub(source->left, 0, len);
	source->copy = malloc(out->len);
	assert_non_null(source->copy);
	memcpy(source->copy, out->ptr, out->len);
	source->left = slice_from(source->left, out->len);
	out->ptr = source->copy;
	return true;
}

static void source_begin(struct source *source, struct slice octets, size_t cut_max, unsigned stall_one_in)
{
	unsigned len;

	source->left = octets;
	source->cut_max = cut_max;
	source->stall_one_in = stall_one_in;
	source->copy = NULL;
	source->ended = false;
	assert_int_equal(EVP_Digest(octets.ptr ? octets.ptr : (const void *)"", octets.len, source->digest, &len, EVP_sha256(), NULL),
	                 1);
	crypto_sha256_begin(&source->stream, source_next, source, source);
}

static void check_ended(const char *name, struct crypto_sha256_stream *stream)
{
	struct source *source = stream->owner;
	uint8_t digest[CRYPTO_SHA256_OCTETS];

	crypto_sha256_digest(stream, digest);
	assert_true(source->ended);
	if (memcmp(digest, source->digest, sizeof(digest)) != 0)
		fail_msg("%s: the digest of %llu octets in slices up to %zu is wrong", name,
		         (unsigned long long)stream->octets, source->cut_max);
}

static size_t take_all(struct crypto_sha256_hasher *hasher, const char *name)
{
	struct crypto_sha256_stream *stream;
	size_t count = 0;

	for (; (stream = crypto_sha256_take_ended(hasher)); count++)
		check_ended(name, stream);
	return count;
}

/* All of them, as lanes get free. */
static void hash_all(struct crypto_sha256_hasher *hasher, const char *name, struct source *sources, size_t count)
{
	size_t joined = 0, ended = 0, steps = 0;

	while (ended < count) {
		while (joined < count && crypto_sha256_has_room(hasher))
			crypto_sha256_join(hasher, &sources[joined++].stream);
		assert_true(crypto_sha256_step(hasher) <= CRYPTO_SHA256_STEP_OCTETS_MAX);
		ended += take_all(hasher, name);
		assert_true(++steps < 1000000);
	}
	assert_int_equal(hasher->streams, 0);
	assert_int_equal(crypto_sha256_step(hasher), 0);
}

static void check_vector(const char *text, size_t times, const char *hex)
{
	size_t len = strlen(text) * times;
	uint8_t *octets = malloc(len + 1);

	assert_non_null(octets);
	for (size_t i = 0; i < times; i++)
		memcpy(octets + i * strlen(text), text, strlen(text));
	for (size_t p = 0; p < plans_count(); p++) {
		struct crypto_sha256_hasher hasher;
		struct crypto_sha256_plan plan;
		struct source source;
		const char *name = plan_get(p, &plan);

		crypto_sha256_init(&hasher, &plan);
		source_begin(&source, slice_of(octets, len), 0, 0);
		for (size_t i = 0; i < CRYPTO_SHA256_OCTETS; i++) {
			unsigned octet;

			assert_int_equal(sscanf(hex + 2 * i, "%2x", &octet), 1);
			source.digest[i] = (uint8_t)octet;
		}
		hash_all(&hasher, name, &source, 1);
	}
	free(octets);
}

/* RFC 6234 section 8.5. */
static void test_vectors(void **state)
{
	(void)state;
	skip_without_kernels();
	check_vector("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	check_vector("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	check_vector("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
	             "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	check_vector("a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	check_vector("0123456701234567012345670123456701234567012345670123456701234567", 10,
	             "594847328451bdfa85056225462cc1d867d877fb388df0ce35f25ab5562bfbb5");
}

/* Every length in every lane: they have lengths far from each other, and move on by one. */
static void test_every_length_in_every_lane(void **state)
{
	static struct source sources[CRYPTO_SHA256_LANES_MAX];

	(void)state;
	skip_without_kernels();
	for (size_t p = 0; p < plans_count(); p++) {
		static struct crypto_sha256_hasher hasher;
		struct crypto_sha256_plan plan;
		const char *name = plan_get(p, &plan);

		crypto_sha256_init(&hasher, &plan);
		for (size_t first = 0; first <= LENGTH_MAX; first++) {
			for (size_t i = 0; i < COUNT_OF(sources); i++) {
				size_t len = (first + i * 37) % (LENGTH_MAX + 1);

				source_begin(&sources[i], slice_of(pool + i * LENGTH_MAX, len), first % 3 * 50, 0);
			}
			hash_all(&hasher, name, sources, COUNT_OF(sources));
		}
		assert_true(hasher.blocks > hasher.block_steps);
	}
}

/* Every number of streams; long slices come out of the source's own memory and are not pulled again. */
static void test_every_number_of_streams(void **state)
{
	static struct source sources[STREAMS];

	(void)state;
	skip_without_kernels();
	for (size_t p = 0; p < plans_count(); p++) {
		for (size_t count = 1; count <= STREAMS; count++) {
			static struct crypto_sha256_hasher hasher;
			struct crypto_sha256_plan plan;
			const char *name = plan_get(p, &plan);

			crypto_sha256_init(&hasher, &plan);
			for (size_t i = 0; i < count; i++)
				source_begin(&sources[i], slice_of(pool, 1000 + 997 * i), i % 4 ? 0 : 3000, 0);
			hash_all(&hasher, name, sources, count);
		}
	}
}

/* A stream's last few blocks are done with the step that its slice ends with: its lane is free for the next step. */
static void test_ends_hold_up_nobody(void **state)
{
	static struct source sources[CRYPTO_SHA256_LANES_MAX];
	const size_t block = CRYPTO_SHA256_BLOCK_OCTETS, shorter = 20;

	(void)state;
	skip_without_kernels();
	for (size_t p = 0; p < plans_count(); p++)
		for (size_t rest = 0; rest < block; rest++) {
			static struct crypto_sha256_hasher hasher;
			struct crypto_sha256_plan plan;
			const char *name = plan_get(p, &plan);
			size_t end_blocks = rest + 1 + 8 > block ? 2 : 1, begun = shorter * CRYPTO_SHA256_LANES_MAX;

			crypto_sha256_init(&hasher, &plan);
			for (size_t i = 0; i < COUNT_OF(sources); i++) {
				source_begin(&sources[i], slice_of(pool, (shorter + i % 5) * block + rest), 0, 0);
				crypto_sha256_join(&hasher, &sources[i].stream);
			}
			assert_int_equal(crypto_sha256_step(&hasher), (begun + (COUNT_OF(sources) + 4) / 5 * end_blocks) * block);
			assert_int_equal(take_all(&hasher, name), (COUNT_OF(sources) + 4) / 5);
			while (hasher.streams > 0)
				assert_true(crypto_sha256_step(&hasher) > 0);
			(void)take_all(&hasher, name);
		}
}

/* Lengths mostly of mail's header fields, and now and then of a body. */
static size_t length_random(void)
{
	switch (random_below(8)) {
	case 0: return random_below(130);
	case 1: return random_below(20000);
	case 2: return (random_below(40) + 1) * CRYPTO_SHA256_BLOCK_OCTETS - random_below(20);
	default: return random_below(1500);
	}
}

/* One case: a crowd of streams, which a hasher sends away now and then. Returns how many streams. */
static size_t crowd(struct crypto_sha256_hasher *hasher, const char *name)
{
	static const size_t cuts[] = { 0, 0, 1, 63, 64, 65, 300, 600, 5000 };
	static struct source sources[STREAMS];
	size_t count = random_below(STREAMS) + 1, waiting = count, ended = 0, steps = 0;
	size_t leave_one_in = random_below(20) + 2;
	struct source *queue[STREAMS];

	for (size_t i = 0; i < count; i++) {
		size_t len = length_random();

		source_begin(&sources[i], slice_of(pool + random_below(POOL_OCTETS - len), len), cuts[random_below(COUNT_OF(cuts))],
		             random_below(3) ? 0 : (unsigned)random_below(5) + 2);
		queue[i] = &sources[i];
	}
	while (ended < count) {
		while (waiting > 0 && crypto_sha256_has_room(hasher) && random_below(4))
			crypto_sha256_join(hasher, &queue[--waiting]->stream);
		(void)crypto_sha256_step(hasher);
		ended += take_all(hasher, name);
		if (random_below(leave_one_in) == 0) {
			unsigned before = hasher->streams;
			struct source *left[CRYPTO_SHA256_LANES_MAX];

			for (unsigned i = 0; i < before; i++)
				left[i] = hasher->lanes[i]->stream->owner;
			crypto_sha256_leave_all(hasher);
			assert_int_equal(hasher->streams, 0);
			ended += take_all(hasher, name);
			for (unsigned i = 0; i < before; i++)
				if (!left[i]->ended)
					queue[waiting++] = left[i];
		}
		assert_true(++steps < 1000000);
	}
	return count;
}

static void test_crowds(void **state)
{
	const char *asked = getenv("ASSAY_SHA256_CASES");
	size_t cases = asked ? strtoull(asked, NULL, 10) : CASES;
	size_t done = 0;

	(void)state;
	skip_without_kernels();
	for (size_t p = 0; done < cases; p = (p + 1) % plans_count()) {
		static struct crypto_sha256_hasher hasher;
		struct crypto_sha256_plan plan;
		const char *name = plan_get(p, &plan);

		crypto_sha256_init(&hasher, &plan);
		for (int i = 0; i < 20; i++)
			done += crowd(&hasher, name);
	}
	print_message("%zu streams\n", done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernels_by_features),
		cmocka_unit_test(test_kernels_against_openssl),
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_every_length_in_every_lane),
		cmocka_unit_test(test_every_number_of_streams),
		cmocka_unit_test(test_ends_hold_up_nobody),
		cmocka_unit_test(test_crowds),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
