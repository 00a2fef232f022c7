#include "daemon/metrics.h"

#include <microhttpd.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_OCTETS_MAX ((size_t)1 << 20)
#define CONNECTIONS_MAX 16
#define TIMEOUT_S 10

struct metrics {
	const struct engine *engine;
	struct MHD_Daemon *server;
};

static int page_make(const struct engine *engine, struct text *page, struct slice *out)
{
	text_printf(page, "# HELP assay_uptime_seconds time since the start\n# TYPE assay_uptime_seconds gauge\n"
	                  "assay_uptime_seconds %.3f\n", (double)engine_uptime_ms(engine) / 1000);
	for (unsigned i = 0; i < COUNTER_COUNT; i++) {
		const struct counter_description *counter = &counter_descriptions[i];

		if (*counter->help)
			text_printf(page, "# HELP assay_%s %s\n", counter->name, counter->help);
		text_printf(page, "# TYPE assay_%s %s\nassay_%s %llu\n", counter->name,
		            counter->gauge ? "gauge" : "counter", counter->name,
		            (unsigned long long)engine_counter(engine, (enum counter_id)i));
	}
	text_str(page, "# HELP assay_reasons_total results of SPF, DKIM and DMARC by their reason\n"
	               "# TYPE assay_reasons_total counter\n");
	for (unsigned id = REASON_NONE + 1; id < REASON_COUNT; id++)
		text_printf(page, "assay_reasons_total{code=\"%s\"} %llu\n", reason_code((enum reason_id)id),
		            (unsigned long long)engine_reason_count(engine, (enum reason_id)id));
	return text_finish(page, out);
}

static enum MHD_Result send_text(struct MHD_Connection *connection, unsigned status, const char *type, struct slice body)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(body.len, (void *)(uintptr_t)body.ptr, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	(void)MHD_add_response_header(response, "Content-Type", type);
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result send_metrics(struct MHD_Connection *connection, const struct engine *engine)
{
	struct arena arena;
	struct text text;
	struct slice page;
	enum MHD_Result result = MHD_NO;

	arena_init(&arena, PAGE_OCTETS_MAX);
	text_init(&text, &arena);
	if (page_make(engine, &text, &page) == 0)
		result = send_text(connection, MHD_HTTP_OK, "text/plain; version=0.0.4", page);
	arena_deinit(&arena);
	return result;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_size, void **state)
{
	const struct metrics *metrics = arg;

	(void)version;
	(void)upload;
	(void)state;
	if (strcmp(method, "GET") != 0 || *upload_size)
		return send_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", SLICE("GET only\n"));
	if (strcmp(url, "/metrics") == 0)
		return send_metrics(connection, metrics->engine);
	if (strcmp(url, "/healthz") != 0)
		return send_text(connection, MHD_HTTP_NOT_FOUND, "text/plain", SLICE("/metrics or /healthz\n"));
	if (engine_is_stopping(metrics->engine))
		return send_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "text/plain", SLICE("stopping\n"));
	return send_text(connection, MHD_HTTP_OK, "text/plain", SLICE("ok\n"));
}

static int refuse(char problem[IO_PROBLEM_SIZE], const char *listen, const char *why)
{
	snprintf(problem, IO_PROBLEM_SIZE, "metrics: %s: %s", listen, why);
	return -EINVAL;
}

static struct addrinfo *address_of(const char *listen)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE };
	struct addrinfo *addresses = NULL;
	struct slice whole = slice_of_str(listen);
	size_t colon = slice_find_last(whole, ':');
	uint64_t port;
	char host[64];

	if (colon == SLICE_NOT_FOUND || colon == 0 || colon >= sizeof(host))
		return NULL;
	if (!slice_to_u64(slice_from(whole, colon + 1), 5, &port) || port == 0 || port > 65535)
		return NULL;
	if (listen[0] == '[' && listen[colon - 1] == ']')
		snprintf(host, sizeof(host), "%.*s", (int)colon - 2, listen + 1);
	else
		snprintf(host, sizeof(host), "%.*s", (int)colon, listen);
	return getaddrinfo(host, listen + colon + 1, &hints, &addresses) == 0 ? addresses : NULL;
}

bool metrics_address_check(const char *listen)
{
	struct addrinfo *addresses = address_of(listen);

	if (!addresses)
		return false;
	freeaddrinfo(addresses);
	return true;
}

int metrics_start(const char *listen, const struct engine *engine, struct metrics **out,
                  char problem[IO_PROBLEM_SIZE])
{
	struct addrinfo *address;
	struct metrics *metrics;
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL; /* not select(): FD_SETSIZE is soon passed */

	*out = NULL;
	if (!*listen)
		return 0;
	address = address_of(listen);
	if (!address)
		return refuse(problem, listen, "wants ADDRESS:PORT");
	metrics = calloc(1, sizeof(*metrics));
	if (metrics) {
		metrics->engine = engine;
		if (address->ai_family == AF_INET6)
			flags |= MHD_USE_IPv6;
		metrics->server = MHD_start_daemon(flags, 0, NULL, NULL, on_request, metrics, MHD_OPTION_SOCK_ADDR,
		                                   address->ai_addr, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
		                                   MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_S, MHD_OPTION_END);
	}
	freeaddrinfo(address);
	if (!metrics || !metrics->server) {
		free(metrics);
		return refuse(problem, listen, strerror(errno));
	}
	*out = metrics;
	return 0;
}

void metrics_stop(struct metrics *metrics)
{
	if (!metrics)
		return;
	MHD_stop_daemon(metrics->server);
	free(metrics);
}
