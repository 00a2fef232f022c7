/*
 * SHA-256 of streams the size of mail: bodies of 8 to 25 KiB, each in one piece, and what signatures are over, 500 to 1500
 * octets in pieces. Sixty-four wait, as in a shard at saturation, and the longest begin, as src/crypto/batch.h has it; `of_4` is
 * four bodies and no more.
 */
#include "kernels/kernels.h"

#include "crypto/provider.h"
#include "crypto/sha256.h"

#include <openssl/evp.h>
#include <string.h>

#define STREAMS        64
#define BODY_OCTETS    25600
#define HEADER_PIECE   90

struct bench_stream {
	struct slice octets, left;
	struct crypto_sha256_stream stream;
	uint8_t digest[CRYPTO_SHA256_OCTETS];
};

struct sha256_state {
	size_t streams;    /* how many there are */
	size_t piece;      /* octets; 0: one piece */
	struct bench_stream *stream;
	EVP_MD *digest;
	EVP_MD_CTX *context;
	struct crypto_sha256_hasher hasher;
};

static bool stream_next(struct bench_stream *stream, size_t piece, struct slice *out)
{
	*out = slice_sub(stream->left, 0, piece ? piece : stream->left.len);
	stream->left = slice_from(stream->left, out->len);
	return out->len > 0;
}

static bool whole_next(void *source, struct slice *out)
{
	return stream_next(source, 0, out);
}

static bool piece_next(void *source, struct slice *out)
{
	return stream_next(source, HEADER_PIECE, out);
}

static double openssl_run(void *arg)
{
	struct sha256_state *state = arg;
	double octets = 0;

	for (size_t i = 0; i < state->streams; i++) {
		struct bench_stream *stream = &state->stream[i];
		struct slice part;
		bool works = EVP_DigestInit_ex2(state->context, state->digest, NULL) == 1;

		stream->left = stream->octets;
		while (stream_next(stream, state->piece, &part))
			works = works && EVP_DigestUpdate(state->context, part.ptr, part.len) == 1;
		kernel_require(works && EVP_DigestFinal_ex(state->context, stream->digest, NULL) == 1, "SHA-256");
		octets += (double)stream->octets.len;
	}
	return octets;
}

static double ours_run(void *arg)
{
	struct sha256_state *state = arg;
	size_t joined = 0, ended = 0;
	double octets = 0;

	while (ended < state->streams) {
		struct crypto_sha256_stream *stream;

		while (joined < state->streams && crypto_sha256_has_room(&state->hasher)) {
			struct bench_stream *joining = &state->stream[joined++];

			joining->left = joining->octets;
			crypto_sha256_begin(&joining->stream, state->piece ? piece_next : whole_next, joining, joining);
			crypto_sha256_join(&state->hasher, &joining->stream);
		}
		(void)crypto_sha256_step(&state->hasher);
		while ((stream = crypto_sha256_take_ended(&state->hasher))) {
			struct bench_stream *taken = stream->owner;
			uint8_t digest[CRYPTO_SHA256_OCTETS];

			crypto_sha256_digest(stream, digest);
			kernel_require(memcmp(digest, taken->digest, sizeof(digest)) == 0, "a digest is not OpenSSL's");
			octets += (double)taken->octets.len;
			ended++;
		}
	}
	return octets;
}

static void state_init(struct sha256_state *state, struct bench_stream *streams)
{
	struct crypto_cpu cpu = crypto_cpu_detect();
	struct crypto_sha256_kernels kernels;
	struct crypto_sha256_plan plan;

	state->stream = streams;
	state->digest = EVP_MD_fetch(NULL, "SHA2-256", NULL);
	state->context = EVP_MD_CTX_new();
	kernel_require(state->digest && state->context, "no SHA-256");
	crypto_sha256_kernels_find(&cpu, &kernels);
	if (kernels.count == 0)
		return;
	crypto_sha256_plan_measure(&kernels, &plan);
	crypto_sha256_init(&state->hasher, &plan);
	(void)openssl_run(state); /* the digests to compare with */
}

/* On a processor that has no kernels of ours OpenSSL is compared with itself. */
static void figure_add(struct kernel_cases *cases, const char *figure, struct sha256_state *state)
{
	bool has_kernels = state->hasher.plan.kernels[1].run;

	kernel_add(cases, &(struct kernel_case){ .name = "sha256", .figure = figure, .unit = "octets/s", .state = state,
	                                         .run = { has_kernels ? ours_run : openssl_run, openssl_run } });
}

void kernels_sha256_add(struct kernel_cases *cases)
{
	static uint8_t octets[STREAMS][BODY_OCTETS];
	static struct bench_stream bodies[STREAMS], headers[STREAMS];
	static struct sha256_state all = { .streams = STREAMS }, four = { .streams = 4 };
	static struct sha256_state header = { .streams = STREAMS, .piece = HEADER_PIECE };

	kernel_random(1, octets[0], sizeof(octets));
	for (size_t i = 0; i < STREAMS; i++) {
		bodies[i].octets = slice_of(octets[i], 25600 - i * 17408 / STREAMS);
		headers[i].octets = slice_of(octets[i], 500 + i * 29 % STREAMS * 1000 / STREAMS);
	}
	state_init(&all, bodies);
	state_init(&four, bodies);
	state_init(&header, headers);
	figure_add(cases, "bodies", &all);
	figure_add(cases, "headers", &header);
	figure_add(cases, "of_4", &four);
}
