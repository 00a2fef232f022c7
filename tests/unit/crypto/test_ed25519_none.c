/*
 * Goal:   where there is no kernel for Ed25519, its functions say so and OpenSSL is left with the work.
 * Method: the file that such machines and -Dkernels=openssl build, on any machine.
 */
#include "crypto/ed25519.h"

#include "unit.h"

static void test_none(void **state)
{
	const struct crypto_cpu all = { true, true, true, true };
	static const uint8_t point[CRYPTO_ED25519_KEY_OCTETS];
	struct crypto_ed25519_key *key = NULL;
	struct crypto_ed25519 *ed25519 = NULL;

	(void)state;
	assert_int_equal(crypto_ed25519_new(&all, &ed25519), CRYPTO_ED25519_UNSUPPORTED);
	assert_int_equal(crypto_ed25519_key_new(point, &key), CRYPTO_ED25519_UNSUPPORTED);
	assert_int_equal(crypto_ed25519_bytes() + crypto_ed25519_key_bytes(), 0);
	crypto_ed25519_verify(ed25519, NULL, 0);
	crypto_ed25519_key_free(key);
	crypto_ed25519_free(ed25519);
}

UNIT_MAIN(cmocka_unit_test(test_none))
