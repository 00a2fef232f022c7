/* SHA-512 (FIPS 180-4 sections 5 and 6.4) of eight messages at once, each R || A || message of a signature. */
#include "crypto/ed25519_private.h"

#define BLOCK_OCTETS  128
#define ROUNDS        80
#define LENGTH_OCTETS 8 /* of the 16: the upper half is always zero */

static const uint64_t constants[ROUNDS] = {
	0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
	0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
	0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
	0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
	0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
	0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
	0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
	0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70,
	0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
	0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
	0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30,
	0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
	0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
	0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
	0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
	0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
	0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
	0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
	0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
	0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};

static const uint64_t initial[ED25519_LANES] = {
	0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
	0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

struct lanes_state {
	__m512i word[8];
};

/* Octets of `part`, which stands at `part_at` of the whole, into the block that stands at `at`. */
static void part_copy(uint8_t block[BLOCK_OCTETS], uint64_t at, struct slice part, uint64_t part_at)
{
	uint64_t from = at > part_at ? at : part_at;
	uint64_t to = at + BLOCK_OCTETS < part_at + part.len ? at + BLOCK_OCTETS : part_at + part.len;

	if (from < to)
		memcpy(block + (from - at), part.ptr + (from - part_at), (size_t)(to - from));
}

static uint64_t hashed_octets(const struct crypto_ed25519_job *job)
{
	return 32 + CRYPTO_ED25519_KEY_OCTETS + (uint64_t)job->message.len;
}

/* With the octet 0x80 and the length. */
static uint64_t hashed_blocks(const struct crypto_ed25519_job *job)
{
	return (hashed_octets(job) + 1 + 2 * LENGTH_OCTETS + BLOCK_OCTETS - 1) / BLOCK_OCTETS;
}

static void block_make(const struct crypto_ed25519_job *job, uint64_t index, uint8_t block[BLOCK_OCTETS])
{
	static const uint8_t end = 0x80;
	uint64_t octets = hashed_octets(job), at = BLOCK_OCTETS * index;
	uint64_t bits = __builtin_bswap64(8 * octets);

	memset(block, 0, BLOCK_OCTETS);
	part_copy(block, at, slice_sub(job->signature, 0, 32), 0);
	part_copy(block, at, slice_of(job->key->point, CRYPTO_ED25519_KEY_OCTETS), 32);
	part_copy(block, at, job->message, 32 + CRYPTO_ED25519_KEY_OCTETS);
	part_copy(block, at, slice_of(&end, 1), octets);
	part_copy(block, at, slice_of(&bits, LENGTH_OCTETS), BLOCK_OCTETS * hashed_blocks(job) - LENGTH_OCTETS);
}

ED25519_INLINE __m512i xor3(__m512i a, __m512i b, __m512i c)
{
	return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}

ED25519_INLINE __m512i add4(__m512i a, __m512i b, __m512i c, __m512i d)
{
	return _mm512_add_epi64(_mm512_add_epi64(a, b), _mm512_add_epi64(c, d));
}

/* The block's 16 words of each lane, big-endian. */
ED25519_INLINE void words_load(const uint8_t blocks[ED25519_LANES][BLOCK_OCTETS], __m512i w[16])
{
	const __m512i order = _mm512_broadcast_i32x4(_mm_set_epi64x(0x08090a0b0c0d0e0f, 0x0001020304050607));

	for (int lane = 0; lane < ED25519_LANES; lane++) {
		w[lane] = _mm512_shuffle_epi8(_mm512_loadu_si512((const void *)blocks[lane]), order);
		w[8 + lane] = _mm512_shuffle_epi8(_mm512_loadu_si512((const void *)(blocks[lane] + 64)), order);
	}
	lanes_transpose(w);
	lanes_transpose(w + 8);
}

/* W[t + 16] from W[t], W[t + 1], W[t + 9] and W[t + 14], in a ring of 16. */
ED25519_INLINE __m512i schedule_next(const __m512i w[16], int t)
{
	__m512i w1 = w[(t + 1) & 15], w14 = w[(t + 14) & 15];
	__m512i s0 = xor3(_mm512_ror_epi64(w1, 1), _mm512_ror_epi64(w1, 8), _mm512_srli_epi64(w1, 7));
	__m512i s1 = xor3(_mm512_ror_epi64(w14, 19), _mm512_ror_epi64(w14, 61), _mm512_srli_epi64(w14, 6));

	return add4(w[t & 15], s0, w[(t + 9) & 15], s1);
}

ED25519_VECTOR static struct lanes_state compress(struct lanes_state state,
                                                  const uint8_t blocks[ED25519_LANES][BLOCK_OCTETS])
{
	__m512i a = state.word[0], b = state.word[1], c = state.word[2], d = state.word[3];
	__m512i e = state.word[4], f = state.word[5], g = state.word[6], h = state.word[7];
	const __m512i before[8] = { a, b, c, d, e, f, g, h };
	__m512i w[16];

	words_load(blocks, w);
	for (int t = 0; t < ROUNDS; t++) {
		__m512i s1 = xor3(_mm512_ror_epi64(e, 14), _mm512_ror_epi64(e, 18), _mm512_ror_epi64(e, 41));
		__m512i s0 = xor3(_mm512_ror_epi64(a, 28), _mm512_ror_epi64(a, 34), _mm512_ror_epi64(a, 39));
		__m512i choose = _mm512_ternarylogic_epi64(e, f, g, 0xca), majority = _mm512_ternarylogic_epi64(a, b, c, 0xe8);
		__m512i t1 = _mm512_add_epi64(add4(h, s1, choose, lanes_all(constants[t])), w[t & 15]);

		w[t & 15] = schedule_next(w, t);
		h = g;
		g = f;
		f = e;
		e = _mm512_add_epi64(d, t1);
		d = c;
		c = b;
		b = a;
		a = _mm512_add_epi64(t1, _mm512_add_epi64(s0, majority));
	}
	state = (struct lanes_state){ { a, b, c, d, e, f, g, h } };
	for (int i = 0; i < 8; i++)
		state.word[i] = _mm512_add_epi64(state.word[i], before[i]);
	return state;
}

ED25519_VECTOR static void digests_store(struct lanes_state state, uint8_t digests[ED25519_LANES][64])
{
	const __m512i order = _mm512_broadcast_i32x4(_mm_set_epi64x(0x08090a0b0c0d0e0f, 0x0001020304050607));

	lanes_transpose(state.word);
	for (int lane = 0; lane < ED25519_LANES; lane++)
		_mm512_storeu_si512((void *)digests[lane], _mm512_shuffle_epi8(state.word[lane], order));
}

ED25519_VECTOR void ed25519_hash(const struct crypto_ed25519_job *const jobs[ED25519_LANES],
                                 uint8_t digests[ED25519_LANES][64])
{
	uint8_t blocks[ED25519_LANES][BLOCK_OCTETS] = { { 0 } };
	struct lanes_state state;
	__mmask8 more = 0xff;

	for (int i = 0; i < 8; i++)
		state.word[i] = lanes_all(initial[i]);
	for (uint64_t index = 0;; index++) {
		struct lanes_state next;

		more = 0;
		for (int lane = 0; lane < ED25519_LANES; lane++) {
			if (!jobs[lane] || index >= hashed_blocks(jobs[lane]))
				continue;
			block_make(jobs[lane], index, blocks[lane]);
			more = (__mmask8)(more | 1u << lane);
		}
		if (!more)
			break;
		next = compress(state, (const uint8_t(*)[BLOCK_OCTETS])blocks);
		for (int i = 0; i < 8; i++)
			state.word[i] = _mm512_mask_blend_epi64(more, state.word[i], next.word[i]);
	}
	digests_store(state, digests);
}
