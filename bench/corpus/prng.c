#include "corpus/prng.h"

#include <math.h>
#include <string.h>

static uint64_t splitmix(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint64_t rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

void prng_init(struct prng *prng, uint64_t seed, const char *stream, uint64_t number)
{
	uint64_t state = splitmix(&seed);

	for (; *stream; stream++) {
		state ^= (uint8_t)*stream;
		state = splitmix(&state);
	}
	state ^= number;
	for (int i = 0; i < 4; i++)
		prng->state[i] = splitmix(&state);
}

uint64_t prng_next(struct prng *prng)
{
	uint64_t *s = prng->state;
	uint64_t result = rotate(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

uint64_t prng_below(struct prng *prng, uint64_t end)
{
	__extension__ unsigned __int128 product = prng_next(prng);

	product *= end;
	return (uint64_t)(product >> 64);
}

unsigned prng_between(struct prng *prng, unsigned from, unsigned to)
{
	return from + (unsigned)prng_below(prng, (uint64_t)to - from + 1);
}

double prng_unit(struct prng *prng)
{
	return (double)(prng_next(prng) >> 11) * 0x1p-53;
}

bool prng_chance(struct prng *prng, double percent)
{
	return prng_unit(prng) * 100 < percent;
}

double prng_normal(struct prng *prng)
{
	double radius = sqrt(-2 * log(1 - prng_unit(prng)));

	return radius * cos(6.283185307179586 * prng_unit(prng));
}

void prng_octets(struct prng *prng, uint8_t *octets, size_t count)
{
	while (count > 0) {
		uint64_t word = prng_next(prng);
		size_t taken = count < sizeof(word) ? count : sizeof(word);

		memcpy(octets, &word, taken);
		octets += taken;
		count -= taken;
	}
}
