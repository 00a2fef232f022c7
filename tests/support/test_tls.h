/*
 * test_tls.h - a server's TLS for tests, with a certificate that is made for it and signs itself.
 */
#ifndef ASSAY_TESTS_TEST_TLS_H
#define ASSAY_TESTS_TEST_TLS_H

#include "io/tls.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static X509 *test_certificate(EVP_PKEY *key)
{
	X509 *certificate = X509_new();

	ASSERT(certificate && X509_set_version(certificate, 2));
	ASSERT(X509_gmtime_adj(X509_getm_notBefore(certificate), 0));
	ASSERT(X509_gmtime_adj(X509_getm_notAfter(certificate), 86400));
	ASSERT(X509_set_pubkey(certificate, key) && X509_sign(certificate, key, EVP_sha256()));
	return certificate;
}

/* `wants_client`: asks for a certificate, which nobody has. One at a time. The files are gone when this returns. */
static struct io_tls *test_tls(bool wants_client)
{
	/* The paths are lent for as long as the result is used. */
	static char certificate_path[32], key_path[32];
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = test_certificate(key);
	FILE *certificate_file, *key_file;
	struct io_tls_config config = { .certificate = certificate_path, .key = key_path };
	char problem[IO_PROBLEM_SIZE];
	struct io_tls *tls;

	snprintf(certificate_path, sizeof(certificate_path), "/tmp/assay-test-tls-XXXXXX");
	snprintf(key_path, sizeof(key_path), "/tmp/assay-test-tls-XXXXXX");
	certificate_file = fdopen(mkstemp(certificate_path), "w");
	key_file = fdopen(mkstemp(key_path), "w");
	config.client_ca = wants_client ? certificate_path : "";
	ASSERT(certificate_file && key_file);
	ASSERT(PEM_write_X509(certificate_file, certificate) && fclose(certificate_file) == 0);
	ASSERT(PEM_write_PrivateKey(key_file, key, NULL, NULL, 0, NULL, NULL) && fclose(key_file) == 0);
	ASSERT(io_tls_new(&config, &tls, problem) == 0);
	unlink(certificate_path);
	unlink(key_path);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return tls;
}

#endif
