/* Ed25519 on processors for which there is no kernel: OpenSSL does it alone. */
#include "crypto/ed25519.h"

int crypto_ed25519_new(const struct crypto_cpu *cpu, struct crypto_ed25519 **ed25519_out)
{
	(void)cpu;
	(void)ed25519_out;
	return CRYPTO_ED25519_UNSUPPORTED;
}

void crypto_ed25519_free(struct crypto_ed25519 *ed25519)
{
	ASSERT(!ed25519);
}

int crypto_ed25519_key_new(const uint8_t point[CRYPTO_ED25519_KEY_OCTETS], struct crypto_ed25519_key **key_out)
{
	(void)point;
	(void)key_out;
	return CRYPTO_ED25519_UNSUPPORTED;
}

void crypto_ed25519_key_free(struct crypto_ed25519_key *key)
{
	ASSERT(!key);
}

size_t crypto_ed25519_key_bytes(void)
{
	return 0;
}

size_t crypto_ed25519_bytes(void)
{
	return 0;
}

/* Without constants there is nobody to call it. */
void crypto_ed25519_verify(const struct crypto_ed25519 *ed25519, struct crypto_ed25519_job *jobs, size_t count)
{
	(void)ed25519;
	(void)jobs;
	ASSERT(count == 0);
}
