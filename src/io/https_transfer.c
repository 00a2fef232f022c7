/*
 * https_transfer.c - one connection for a document: where to, within what time, what is taken of what comes (see https_parts.h).
 */
#include "io/https_parts.h"

#include <arpa/inet.h>
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

int64_t https_clock_ms(void)
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

	if (purpose != CURLSOCKTYPE_IPCXN || !is_address(peer, &transfer->get->addresses[transfer->get->address])) {
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

/* --- the connection --- */

/* "HOST:PORT:ADDRESS:PORT": where to connect; the name of the host stays what certificate and server are told. */
static bool connect_to_set(struct transfer *transfer)
{
	const struct ip_address *ip = &transfer->get->addresses[transfer->get->address];
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

unsigned transfer_time_left_ms(const struct transfer *transfer)
{
	int64_t left = transfer->get->since_ms + transfer->https->config.time_ms_max - https_clock_ms();

	return left > 0 ? (unsigned)left : 0;
}

static bool times_set(struct transfer *transfer)
{
	unsigned left_ms = transfer_time_left_ms(transfer), connect_ms = transfer->https->config.connect_ms_max;

	return curl_easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS, (long)(left_ms ? left_ms : 1)) == CURLE_OK &&
	       curl_easy_setopt(transfer->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(connect_ms < left_ms ? connect_ms : left_ms)) ==
	               CURLE_OK;
}

bool transfer_options_set(struct transfer *transfer)
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

bool transfer_connect(struct transfer *transfer)
{
	transfer->problem[0] = 0;
	transfer->header_octets = transfer->body_octets = 0;
	return connect_to_set(transfer) && times_set(transfer) &&
	       curl_multi_add_handle(transfer->https->multi, transfer->easy) == CURLM_OK;
}
