#include "io/tls.h"

#include "io/tls_session.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define SUITES_1_2 "ECDHE+AESGCM:ECDHE+CHACHA20" /* RFC 9325 section 4.2: forward secrecy, authenticated encryption */

struct io_tls {
	struct io_tls_config config;
	BIO_METHOD *transport;
	CRYPTO_RWLOCK *lock;
	SSL_CTX *context; /* guarded by lock */
	_Atomic uint64_t reloads, reloads_failed, certificate_ends_s;
};

/* --- names --- */

bool io_tls_name_is_listed(struct slice name, const struct slice *list, size_t count)
{
	if (name.len == 0 || slice_find(name, 0) != SLICE_NOT_FOUND || slice_find(name, '*') != SLICE_NOT_FOUND)
		return false;
	for (size_t i = 0; i < count; i++) {
		bool below = slice_starts_with(list[i], SLICE("."));

		if (below ? name.len > list[i].len && slice_ends_with_nocase(name, list[i]) : slice_equal_nocase(name, list[i]))
			return true;
	}
	return false;
}

static bool general_name_is_listed(const GENERAL_NAME *general, const struct io_tls_config *config)
{
	const ASN1_IA5STRING *name = general->d.dNSName;

	if (general->type != GEN_DNS)
		return false;
	return io_tls_name_is_listed(slice_of(ASN1_STRING_get0_data(name), (size_t)ASN1_STRING_length(name)), config->names,
	                             config->names_count);
}

static bool certificate_is_listed(X509 *certificate, const struct io_tls_config *config)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	bool listed = false;

	for (int i = 0; names && i < sk_GENERAL_NAME_num(names) && !listed; i++)
		listed = general_name_is_listed(sk_GENERAL_NAME_value(names, i), config);
	GENERAL_NAMES_free(names);
	return listed;
}

/* The chain first, as without us; then the names. Within the handshake, so that the peer is told. */
static int verify(X509_STORE_CTX *store, void *arg)
{
	const struct io_tls_config *config = arg;
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());

	if (X509_verify_cert(store) <= 0)
		return 0;
	if (config->names_count == 0 || certificate_is_listed(X509_STORE_CTX_get0_cert(store), config))
		return 1;
	tls_session_name_refused(ssl);
	X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
	return 0;
}

/* --- files --- */

/* The innermost reason, which is the one that says something; the queue is empty then. */
static int refuse(char problem[IO_PROBLEM_SIZE], const char *path, const char *what)
{
	unsigned long error = ERR_get_error();
	const char *reason = error ? ERR_reason_error_string(error) : NULL;

	ERR_clear_error();
	snprintf(problem, IO_PROBLEM_SIZE, "%s: %s%s%s%s", path, what, reason ? " (" : "", reason ? reason : "",
	         reason ? ")" : "");
	return -EINVAL;
}

static int refuse_errno(char problem[IO_PROBLEM_SIZE], const char *path)
{
	snprintf(problem, IO_PROBLEM_SIZE, "%s: %s", path, strerror(errno));
	return -EINVAL;
}

/* Nobody is there to be asked. */
static int no_password(char *buffer, int size, int writing, void *arg)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)arg;
	return 0;
}

static int file_look(const char *path, mode_t refused, char problem[IO_PROBLEM_SIZE])
{
	FILE *file = fopen(path, "re");
	struct stat status;
	int result = 0;

	if (!file)
		return refuse_errno(problem, path);
	if (fstat(fileno(file), &status) < 0)
		result = refuse_errno(problem, path);
	else if (S_ISDIR(status.st_mode))
		result = refuse(problem, path, "is a directory");
	else if (status.st_mode & refused)
		result = refuse(problem, path, "everybody may read it");
	fclose(file);
	return result;
}

static int certificate_load(SSL_CTX *context, const char *path, char problem[IO_PROBLEM_SIZE])
{
	TRY(file_look(path, 0, problem));
	if (SSL_CTX_use_certificate_chain_file(context, path) == 1)
		return 0;
	return refuse(problem, path, "no usable certificate in PEM form");
}

/* With a certificate in the context, the key has to be that one's. */
static int key_load(SSL_CTX *context, const char *path, char problem[IO_PROBLEM_SIZE])
{
	TRY(file_look(path, IO_TLS_KEY_MODE_REFUSED, problem));
	if (SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM) == 1)
		return 0;
	if (ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH ||
	    ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_TYPE_MISMATCH)
		return refuse(problem, path, "is not the key of the certificate");
	return refuse(problem, path, "no private key in PEM form without a password");
}

static int ca_load(SSL_CTX *context, const char *path, char problem[IO_PROBLEM_SIZE])
{
	STACK_OF(X509_NAME) * names;

	TRY(file_look(path, 0, problem));
	names = SSL_load_client_CA_file(path);
	if (!names || SSL_CTX_load_verify_file(context, path) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return refuse(problem, path, "no certificates in PEM form");
	}
	SSL_CTX_set_client_CA_list(context, names);
	return 0;
}

static SSL_CTX *context_bare(void)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	if (!context)
		return NULL;
	SSL_CTX_set_default_passwd_cb(context, no_password);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(context, 0);
	(void)SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
	                                           SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
	                                  SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(context, 1);
	if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
	    SSL_CTX_set_cipher_list(context, SUITES_1_2) == 1)
		return context;
	SSL_CTX_free(context);
	return NULL;
}

/* An empty context to try a file in, taken down again. */
static int file_check(const char *path, int (*load)(SSL_CTX *context, const char *path, char problem[IO_PROBLEM_SIZE]),
                      char problem[IO_PROBLEM_SIZE])
{
	SSL_CTX *context = context_bare();
	int result = context ? load(context, path, problem) : refuse(problem, path, "cannot be tried");

	SSL_CTX_free(context);
	return result;
}

int io_tls_check_certificate(const char *path, char problem[IO_PROBLEM_SIZE])
{
	return file_check(path, certificate_load, problem);
}

int io_tls_check_key(const char *path, char problem[IO_PROBLEM_SIZE])
{
	return file_check(path, key_load, problem);
}

int io_tls_check_ca(const char *path, char problem[IO_PROBLEM_SIZE])
{
	return file_check(path, ca_load, problem);
}

/* --- contexts --- */

static int context_fill(SSL_CTX *context, struct io_tls_config *config, char problem[IO_PROBLEM_SIZE])
{
	TRY(certificate_load(context, config->certificate, problem));
	TRY(key_load(context, config->key, problem));
	/* A key of another kind than the certificate's is taken until then, as if another certificate were to follow. */
	if (SSL_CTX_check_private_key(context) != 1)
		return refuse(problem, config->key, "is not the key of the certificate");
	if (!*config->client_ca)
		return 0;
	TRY(ca_load(context, config->client_ca, problem));
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(context, verify, config);
	return 0;
}

static int context_new(struct io_tls *tls, SSL_CTX **out, char problem[IO_PROBLEM_SIZE])
{
	SSL_CTX *context = context_bare();
	int result = context ? context_fill(context, &tls->config, problem) : -ENOMEM;

	if (result < 0) {
		if (!context)
			snprintf(problem, IO_PROBLEM_SIZE, "TLS: cannot be set up");
		SSL_CTX_free(context);
		ERR_clear_error();
		return result;
	}
	*out = context;
	return 0;
}

static uint64_t end_of(const SSL_CTX *context)
{
	struct tm end;
	time_t end_s = -1;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(context)), &end) == 1)
		end_s = timegm(&end);
	return end_s > 0 ? (uint64_t)end_s : 0;
}

int io_tls_new(const struct io_tls_config *config, struct io_tls **out, char problem[IO_PROBLEM_SIZE])
{
	struct io_tls *tls = calloc(1, sizeof(*tls));
	int result = -ENOMEM;

	snprintf(problem, IO_PROBLEM_SIZE, "TLS: out of memory");
	if (!tls)
		return result;
	tls->config = *config;
	tls->lock = CRYPTO_THREAD_lock_new();
	tls->transport = tls_transport_new();
	if (tls->lock && tls->transport)
		result = context_new(tls, &tls->context, problem);
	if (result < 0) {
		io_tls_free(tls);
		return result;
	}
	tls->certificate_ends_s = end_of(tls->context);
	*out = tls;
	return 0;
}

void io_tls_free(struct io_tls *tls)
{
	if (!tls)
		return;
	SSL_CTX_free(tls->context);
	BIO_meth_free(tls->transport);
	CRYPTO_THREAD_lock_free(tls->lock);
	free(tls);
}

int io_tls_reload(struct io_tls *tls, char problem[IO_PROBLEM_SIZE])
{
	SSL_CTX *context, *old;
	int result = context_new(tls, &context, problem);

	if (result < 0) {
		tls->reloads_failed++;
		return result;
	}
	CRYPTO_THREAD_write_lock(tls->lock);
	old = tls->context;
	tls->context = context;
	CRYPTO_THREAD_unlock(tls->lock);
	tls->certificate_ends_s = end_of(context);
	tls->reloads++;
	SSL_CTX_free(old); /* sessions hold it for as long as they are */
	return 0;
}

struct io_tls_counters io_tls_counters(const struct io_tls *tls)
{
	return (struct io_tls_counters){ tls->reloads, tls->reloads_failed, tls->certificate_ends_s };
}

struct ssl_st *tls_ssl_new(struct io_tls *tls)
{
	SSL *ssl;

	CRYPTO_THREAD_read_lock(tls->lock);
	ssl = SSL_new(tls->context);
	CRYPTO_THREAD_unlock(tls->lock);
	return ssl;
}

const struct bio_method_st *tls_transport_of(const struct io_tls *tls)
{
	return tls->transport;
}
