#include "io/https_parts.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAITING_LOOK_MS 250 /* between two looks at all that wait */

/* --- a document --- */

static struct transfer *transfer_new(struct io_https *https, struct io_https_get *get)
{
	struct transfer *transfer = calloc(1, sizeof(*transfer));

	if (!transfer)
		return NULL;
	transfer->https = https;
	transfer->get = get;
	if (!get->since_ms)
		get->since_ms = https_clock_ms();
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

	if (transfer->get->address + 1 == transfer->get->addresses_count || transfer_time_left_ms(transfer) == 0)
		return false;
	(void)curl_easy_getinfo(transfer->easy, CURLINFO_APPCONNECT_TIME_T, &connected_us);
	return code == CURLE_COULDNT_CONNECT || (code == CURLE_OPERATION_TIMEDOUT && connected_us == 0);
}

static bool is_same(const struct ip_address *a, const struct ip_address *b)
{
	return a->is_v6 == b->is_v6 && memcmp(a->octets, b->octets, a->is_v6 ? 16 : 4) == 0;
}

static bool address_has_room(const struct io_https *https, const struct ip_address *address)
{
	unsigned count = 0;

	for (const struct transfer *transfer = https->transfers; transfer; transfer = transfer->next)
		count += is_same(&transfer->get->addresses[transfer->get->address], address);
	return count < https->config.address_connections_max;
}

/* The bound of an address holds for one that is tried second, too: without room there the document waits, first in the queue. */
static void next_address(struct transfer *transfer)
{
	struct io_https *https = transfer->https;
	struct io_https_get *get = transfer->get;
	bool has_room = address_has_room(https, &get->addresses[get->address + 1]);

	get->address++;
	if (!has_room) {
		transfer_free(transfer);
		get->waiting_since_ms = https_clock_ms();
		get->next = https->first;
		https->first = get;
		if (!get->next)
			https->end = &get->next;
		https->counters.waiting++;
		return;
	}
	(void)curl_multi_remove_handle(https->multi, transfer->easy);
	if (!transfer_connect(transfer))
		transfer_fault(transfer);
}

static void connection_ended(struct transfer *transfer, CURLcode code)
{
	struct io_https_result result = { .outcome = outcome_of(transfer, code) };
	long status = 0;

	if (may_go_on(transfer, code)) {
		next_address(transfer);
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
	if (!transfer->easy || !transfer_options_set(transfer) || !transfer_connect(transfer))
		transfer_fault(transfer);
}

/* --- who is next --- */

/* Out of the queue; `at` is where it stands. */
static struct io_https_get *waiting_take(struct io_https *https, struct io_https_get **at)
{
	struct io_https_get *get = *at;

	*at = get->next;
	if (!*at)
		https->end = at;
	https->counters.waiting--;
	return get;
}

/* Has it waited in vain? Then `why_out` tells. */
static bool is_over(struct io_https *https, const struct io_https_get *get, int64_t now_ms, struct io_https_result *why_out)
{
	if (get->is_wanted && !get->is_wanted(get)) {
		https->counters.unwanted++;
		*why_out = (struct io_https_result){ .outcome = IO_HTTPS_UNWANTED, .detail = "nobody waits for it any more" };
	} else if (get->since_ms && now_ms - get->since_ms >= https->config.time_ms_max) {
		*why_out = (struct io_https_result){ .outcome = IO_HTTPS_LATE, .detail = "out of time" };
	} else if (now_ms - get->waiting_since_ms >= https->config.waiting_ms_max) {
		https->counters.waited++;
		*why_out = (struct io_https_result){ .outcome = IO_HTTPS_WAITED, .detail = "no connection was free in time" };
	} else {
		return false;
	}
	return true;
}

/* What has waited in vain makes room. */
static void waiting_look(struct io_https *https)
{
	struct io_https_get **at = &https->first;
	int64_t now_ms = https_clock_ms();
	struct io_https_result why;

	https->looked_at_ms = now_ms;
	while (*at) {
		if (is_over(https, *at, now_ms, &why)) {
			struct io_https_get *get = waiting_take(https, at);

			get->done(get, &why);
		} else {
			at = &(*at)->next;
		}
	}
}

/* In order, but past those whose address has enough. */
static void waiting_start(struct io_https *https)
{
	struct io_https_get **at = &https->first;
	int64_t now_ms = https_clock_ms();
	struct io_https_result why;

	while (*at && https->transfers_count < https->config.connections_max) {
		struct io_https_get *get = *at;

		if (!address_has_room(https, &get->addresses[get->address])) {
			at = &get->next;
			continue;
		}
		(void)waiting_take(https, at);
		if (is_over(https, get, now_ms, &why))
			get->done(get, &why);
		else
			document_start(https, get);
	}
}

static enum io_https_started room_for(const struct io_https *https, const struct ip_address *address)
{
	unsigned count = 0;

	if (https->counters.waiting >= https->config.waiting_max)
		return IO_HTTPS_FULL;
	for (const struct io_https_get *get = https->first; get; get = get->next)
		count += is_same(&get->addresses[get->address], address);
	return count < https->config.address_waiting_max ? IO_HTTPS_STARTED : IO_HTTPS_ADDRESS_FULL;
}

enum io_https_started io_https_start(struct io_https *https, struct io_https_get *get)
{
	enum io_https_started started;

	ASSERT(get->addresses_count >= 1 && get->addresses_count <= IO_HTTPS_ADDRESSES_MAX);
	started = room_for(https, &get->addresses[0]);
	if (started != IO_HTTPS_STARTED) {
		waiting_look(https);
		started = room_for(https, &get->addresses[0]);
	}
	https->counters.refused += started == IO_HTTPS_FULL;
	https->counters.address_refused += started == IO_HTTPS_ADDRESS_FULL;
	if (started != IO_HTTPS_STARTED)
		return started;
	get->next = NULL;
	get->transfer = NULL;
	get->address = 0;
	get->waiting_since_ms = https_clock_ms();
	get->since_ms = 0;
	*https->end = get;
	https->end = &get->next;
	https->counters.waiting++;
	return IO_HTTPS_STARTED;
}

void io_https_run(struct io_https *https, unsigned wait_ms)
{
	CURLMsg *message;
	int running, left;

	if (https_clock_ms() - https->looked_at_ms >= WAITING_LOOK_MS)
		waiting_look(https);
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
