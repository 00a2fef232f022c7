#include "io/https.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SLOW_OCTETS_PER_S 64 /* a document that comes more slowly, */
#define SLOW_S 10            /* for so long, does not come */
#define URL_SIZE (IO_HTTPS_HOST_SIZE + 128)
#define CONNECT_TO_SIZE (IO_HTTPS_HOST_SIZE + IP_TEXT_SIZE + 32)

struct io_https {
	struct io_https_config config;
	CURLM *multi;
	struct io_https_get *first, **end; /* waiting */
	struct transfer *transfers;
	unsigned transfers_count;
	struct io_https_counters counters;
};

/* A document under way: a connection at a time, to one of its addresses. */
struct transfer {
	struct io_https *https;
	struct io_https_get *get;
	struct transfer *next, *prev;
	CURL *easy;
	struct curl_slist *connect_to;
	size_t address;          /* the index of the one in use */
	int64_t since_ms;
	size_t header_octets;
	uint8_t *body;
	size_t body_octets, body_size;
	bool too_large;
	char problem[CURL_ERROR_SIZE];
};

static int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* --- what curl calls --- */

static size_t on_header(char *octets, size_t size, size_t count, void *arg)
{
	struct transfer *transfer = arg;

	(void)octets;
	transfer->header_octets += size * count;
	transfer->too_large = transfer->too_large || transfer->header_octets > transfer->https->config.header_octets_max;
	return transfer->too_large ? 0 : size * count;
}

static size_t on_body(char *octets, size_t size, size_t count, void *arg)
{
	struct transfer *transfer = arg;
	size_t len = size * count, needed = transfer->body_octets + len;

	transfer->too_large = needed > transfer->https->config.body_octets_max;
	if (transfer->too_large)
		return 0;
	if (needed > transfer->body_size) {
		size_t larger = needed < 4096 ? 4096 : 2 * needed;
		uint8_t *body = realloc(transfer->body, larger);

		if (!body)
			return 0;
		transfer->body = body;
		transfer->body_size = larger;
	}
	if (len)
		memcpy(transfer->body + transfer->body_octets, octets, len);
	transfer->body_octets = needed;
	return len;
}

static bool is_address(const struct curl_sockaddr *peer, const struct ip_address *ip)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (peer->family == AF_INET && !ip->is_v6) {
		memcpy(&v4, &peer->addr, sizeof(v4));
		return memcmp(&v4.sin_addr, ip->octets, 4) == 0;
	}
	if (peer->family != AF_INET6 || !ip->is_v6)
		return false;
	memcpy(&v6, &peer->addr, peer->addrlen < sizeof(v6) ? peer->addrlen : sizeof(v6));
	return memcmp(&v6.sin6_addr, ip->octets, 16) == 0;
}

/* Whatever curl makes of a name: a socket is opened to the address in use alone. */
static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *peer)
{
	struct transfer *transfer = arg;
	struct io_https_counters *counters = &transfer->https->counters;
	int fd;

	if (purpose != CURLSOCKTYPE_IPCXN || !is_address(peer, &transfer->get->addresses[transfer->address])) {
		counters->strays++;
		return CURL_SOCKET_BAD;
	}
	fd = socket(peer->family, peer->socktype | SOCK_CLOEXEC, peer->protocol);
	if (fd < 0)
		return CURL_SOCKET_BAD;
	counters->connections++;
	if (counters->connections_most < counters->connections)
		counters->connections_most = counters->connections;
	return fd;
}

static int on_close(void *arg, curl_socket_t fd)
{
	struct io_https *https = arg;

	https->counters.connections--;
	return close(fd);
}

/* RFC 8461 section 3.3: a DNS-ID of the host, no name in the subject, no wildcard but a whole label. */
static CURLcode on_context(CURL *easy, void *context, void *arg)
{
	struct transfer *transfer = arg;
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(context);

	(void)easy;
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return X509_VERIFY_PARAM_set1_host(param, transfer->get->host, 0) == 1 ? CURLE_OK : CURLE_OUT_OF_MEMORY;
}

/* --- one connection --- */

/* "HOST:PORT:ADDRESS:PORT": where to connect; the name of the host stays what certificate and server are told. */
static bool connect_to_set(struct transfer *transfer)
{
	const struct ip_address *ip = &transfer->get->addresses[transfer->address];
	unsigned port = transfer->https->config.port;
	char address[IP_TEXT_SIZE], text[CONNECT_TO_SIZE];

	if (!inet_ntop(ip->is_v6 ? AF_INET6 : AF_INET, ip->octets, address, sizeof(address)))
		return false;
	snprintf(text, sizeof(text), ip->is_v6 ? "%s:%u:[%s]:%u" : "%s:%u:%s:%u", transfer->get->host, port, address, port);
	curl_slist_free_all(transfer->connect_to);
	transfer->connect_to = curl_slist_append(NULL, text);
	return transfer->connect_to &&
	       curl_easy_setopt(transfer->easy, CURLOPT_CONNECT_TO, transfer->connect_to) == CURLE_OK;
}

static unsigned time_left_ms(const struct transfer *transfer)
{
	int64_t left = transfer->since_ms + transfer->https->config.time_ms_max - clock_ms();

	return left > 0 ? (unsigned)left : 0;
}

static bool times_set(struct transfer *transfer)
{
	unsigned left_ms = time_left_ms(transfer), connect_ms = transfer->https->config.connect_ms_max;

	return curl_easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS, (long)(left_ms ? left_ms : 1)) == CURLE_OK &&
	       curl_easy_setopt(transfer->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(connect_ms < left_ms ? connect_ms : left_ms)) ==
	               CURLE_OK;
}

static bool options_set(struct transfer *transfer)
{
	const struct io_https_config *config = &transfer->https->config;
	CURL *easy = transfer->easy;
	char url[URL_SIZE];
	bool done = true;

	snprintf(url, sizeof(url), "https://%s:%u%s", transfer->get->host, config->port, transfer->get->path);
#define SET(option, value) done = done && curl_easy_setopt(easy, option, value) == CURLE_OK
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PRIVATE, (void *)transfer);
	SET(CURLOPT_ERRORBUFFER, transfer->problem);
	SET(CURLOPT_PROTOCOLS_STR, "https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOPROXY, "*");
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_USERAGENT, "assayd");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_FORBID_REUSE, 1L);
	SET(CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	SET(CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_OCTETS_PER_S);
	SET(CURLOPT_LOW_SPEED_TIME, (long)SLOW_S);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSL_CTX_FUNCTION, on_context);
	SET(CURLOPT_SSL_CTX_DATA, (void *)transfer);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, (void *)transfer);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, (void *)transfer);
	SET(CURLOPT_OPENSOCKETFUNCTION, on_open);
	SET(CURLOPT_OPENSOCKETDATA, (void *)transfer);
	SET(CURLOPT_CLOSESOCKETFUNCTION, on_close);
	SET(CURLOPT_CLOSESOCKETDATA, (void *)transfer->https);
	if (config->ca_file && *config->ca_file) {
		SET(CURLOPT_CAINFO, config->ca_file);
		SET(CURLOPT_CAPATH, NULL);
	}
#undef SET
	return done;
}

static bool connection_start(struct transfer *transfer)
{
	transfer->problem[0] = 0;
	transfer->header_octets = transfer->body_octets = 0;
	return connect_to_set(transfer) && times_set(transfer) &&
	       curl_multi_add_handle(transfer->https->multi, transfer->easy) == CURLM_OK;
}

/* --- a document --- */

static struct transfer *transfer_new(struct io_https *https, struct io_https_get *get)
{
	struct transfer *transfer = calloc(1, sizeof(*transfer));

	if (!transfer)
		return NULL;
	transfer->https = https;
	transfer->get = get;
	transfer->since_ms = clock_ms();
	transfer->easy = curl_easy_init();
	transfer->next = https->transfers;
	if (transfer->next)
		transfer->next->prev = transfer;
	https->transfers = transfer;
	https->transfers_count++;
	get->transfer = transfer;
	return transfer;
}

static void transfer_free(struct transfer *transfer)
{
	struct io_https *https = transfer->https;

	transfer->get->transfer = NULL;
	if (transfer->prev)
		transfer->prev->next = transfer->next;
	else
		https->transfers = transfer->next;
	if (transfer->next)
		transfer->next->prev = transfer->prev;
	https->transfers_count--;
	if (transfer->easy) {
		(void)curl_multi_remove_handle(https->multi, transfer->easy);
		curl_easy_cleanup(transfer->easy);
	}
	curl_slist_free_all(transfer->connect_to);
	free(transfer->body);
	free(transfer);
}

/* The connection is closed, and counted so, before anybody hears of it: whoever asks for more has it. */
static void transfer_end(struct transfer *transfer, struct io_https_result result)
{
	struct io_https_get *get = transfer->get;
	char *type = NULL, content_type[256], problem[CURL_ERROR_SIZE];
	uint8_t *body = transfer->body;

	if (result.outcome == IO_HTTPS_ANSWERED) {
		(void)curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_TYPE, &type);
		snprintf(content_type, sizeof(content_type), "%s", type ? type : "");
		result.content_type = slice_of_str(content_type);
		result.body = slice_of(body, transfer->body_octets);
	}
	snprintf(problem, sizeof(problem), "%s", result.detail ? result.detail : "");
	result.detail = problem;
	transfer->body = NULL;
	transfer_free(transfer);
	get->done(get, &result);
	free(body);
}

static void transfer_fault(struct transfer *transfer)
{
	transfer_end(transfer, (struct io_https_result){ .outcome = IO_HTTPS_FAULT, .detail = "out of memory" });
}

static enum io_https_outcome outcome_of(const struct transfer *transfer, CURLcode code)
{
	switch (code) {
	case CURLE_OK: return IO_HTTPS_ANSWERED;
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_SSL_CONNECT_ERROR: return IO_HTTPS_UNREACHED;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR: return IO_HTTPS_UNTRUSTED;
	case CURLE_OPERATION_TIMEDOUT: return IO_HTTPS_LATE;
	case CURLE_WRITE_ERROR: return transfer->too_large ? IO_HTTPS_TOO_LARGE : IO_HTTPS_FAULT;
	case CURLE_OUT_OF_MEMORY: return IO_HTTPS_FAULT;
	default: return IO_HTTPS_BROKEN;
	}
}

/* The server was not reached, and there is another address, and time. */
static bool may_go_on(const struct transfer *transfer, CURLcode code)
{
	curl_off_t connected_us = 0;

	if (transfer->address + 1 == transfer->get->addresses_count || time_left_ms(transfer) == 0)
		return false;
	(void)curl_easy_getinfo(transfer->easy, CURLINFO_APPCONNECT_TIME_T, &connected_us);
	return code == CURLE_COULDNT_CONNECT || (code == CURLE_OPERATION_TIMEDOUT && connected_us == 0);
}

static void connection_ended(struct transfer *transfer, CURLcode code)
{
	struct io_https_result result = { .outcome = outcome_of(transfer, code) };
	long status = 0;

	if (may_go_on(transfer, code)) {
		(void)curl_multi_remove_handle(transfer->https->multi, transfer->easy);
		transfer->address++;
		if (!connection_start(transfer))
			transfer_fault(transfer);
		return;
	}
	if (result.outcome == IO_HTTPS_ANSWERED)
		(void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	result.status = (unsigned)status;
	result.detail = result.outcome == IO_HTTPS_TOO_LARGE ? "the answer is too large"
	                : *transfer->problem                  ? transfer->problem
	                                                      : curl_easy_strerror(code);
	transfer_end(transfer, result);
}

static void document_start(struct io_https *https, struct io_https_get *get)
{
	struct transfer *transfer = transfer_new(https, get);

	if (!transfer) {
		get->done(get, &(struct io_https_result){ .outcome = IO_HTTPS_FAULT, .detail = "out of memory" });
		return;
	}
	if (!transfer->easy || !options_set(transfer) || !connection_start(transfer))
		transfer_fault(transfer);
}

/* --- who is next --- */

static bool address_has_room(const struct io_https *https, const struct ip_address *address)
{
	unsigned count = 0;

	for (const struct transfer *transfer = https->transfers; transfer; transfer = transfer->next) {
		const struct ip_address *used = &transfer->get->addresses[transfer->address];

		count += used->is_v6 == address->is_v6 && memcmp(used->octets, address->octets, used->is_v6 ? 16 : 4) == 0;
	}
	return count < https->config.address_connections_max;
}

/* In order, but past those whose address has enough. */
static void waiting_start(struct io_https *https)
{
	struct io_https_get **at = &https->first;

	while (*at && https->transfers_count < https->config.connections_max) {
		struct io_https_get *get = *at;

		if (!address_has_room(https, &get->addresses[0])) {
			at = &get->next;
			continue;
		}
		*at = get->next;
		if (!*at)
			https->end = at;
		https->counters.waiting--;
		document_start(https, get);
	}
}

bool io_https_start(struct io_https *https, struct io_https_get *get)
{
	ASSERT(get->addresses_count >= 1 && get->addresses_count <= IO_HTTPS_ADDRESSES_MAX);
	if (https->counters.waiting >= https->config.waiting_max) {
		https->counters.refused++;
		return false;
	}
	get->next = NULL;
	get->transfer = NULL;
	*https->end = get;
	https->end = &get->next;
	https->counters.waiting++;
	return true;
}

void io_https_run(struct io_https *https, unsigned wait_ms)
{
	CURLMsg *message;
	int running, left;

	waiting_start(https);
	(void)curl_multi_perform(https->multi, &running);
	while ((message = curl_multi_info_read(https->multi, &left))) {
		void *transfer = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		connection_ended(transfer, message->data.result);
		wait_ms = 0;
	}
	(void)curl_multi_poll(https->multi, NULL, 0, (int)wait_ms, NULL);
}

void io_https_wake(struct io_https *https)
{
	(void)curl_multi_wakeup(https->multi);
}

const struct io_https_counters *io_https_counters(const struct io_https *https)
{
	return &https->counters;
}

/* --- life --- */

bool io_https_check_ca_file(const char *path, char problem[IO_PROBLEM_SIZE])
{
	X509_STORE *store = X509_STORE_new();
	bool done = store && X509_STORE_load_file(store, path) == 1;

	X509_STORE_free(store);
	if (!done)
		snprintf(problem, IO_PROBLEM_SIZE, "%s: no certificates can be read from it", path);
	return done;
}

int io_https_new(const struct io_https_config *config, struct io_https **out, char problem[IO_PROBLEM_SIZE])
{
	struct io_https *https;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		snprintf(problem, IO_PROBLEM_SIZE, "libcurl cannot be set up");
		return -EIO;
	}
	https = calloc(1, sizeof(*https));
	if (https) {
		https->config = *config;
		https->end = &https->first;
		https->multi = curl_multi_init();
	}
	if (!https || !https->multi) {
		snprintf(problem, IO_PROBLEM_SIZE, "out of memory");
		io_https_free(https);
		return -ENOMEM;
	}
	*out = https;
	return 0;
}

void io_https_free(struct io_https *https)
{
	if (!https)
		return;
	while (https->transfers)
		transfer_free(https->transfers);
	if (https->multi)
		(void)curl_multi_cleanup(https->multi);
	free(https);
	curl_global_cleanup();
}
