/*
 * stock.c - requests and replies, and the modes of the program:
 *
 *   nng_stock status URL                  one Status request
 *   nng_stock message URL FILE            one CheckMessage of the octets as they are; prints the verdict or the error
 *   nng_stock raw URL FILE                a body that need not be a Request; prints the answer
 *   nng_stock device URL FRONT COUNT      COUNT requests through an nng device between FRONT and URL
 *   nng_stock soak URL CONNECTIONS LANES SECONDS
 *
 * For a tls+tcp URL, STOCK_TLS_CA, STOCK_TLS_NAME and STOCK_TLS_CERT_KEY are in the environment.
 * Exit status: 0 all is as it should be; 1 not, and a line says why; 2 wrong usage.
 */
#include "stock.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>

#define WHY_SIZE 256

static const char small_message[] = "From: a@pass.example\r\nSubject: soak\r\n\r\nbody\r\n";

void stock_check(int error, const char *what)
{
	if (error == 0)
		return;
	printf("FAIL %s: %s\n", what, nng_strerror(error));
	exit(1);
}

static ProtobufCBinaryData bytes(const void *octets, size_t count)
{
	ProtobufCBinaryData data = { .len = count };

	memcpy(&data.data, &octets, sizeof octets);
	return data;
}

static nng_msg *pack(const Assay__V1__Request *request)
{
	nng_msg *message;

	stock_check(nng_msg_alloc(&message, assay__v1__request__get_packed_size(request)), "nng_msg_alloc");
	assay__v1__request__pack(request, nng_msg_body(message));
	return message;
}

static void request_init(Assay__V1__Request *request, const char *id)
{
	assay__v1__request__init(request);
	request->id = bytes(id, strlen(id));
	request->deadline_ms = STOCK_DEADLINE_MS;
}

static void envelope_init(Assay__V1__Envelope *envelope)
{
	static char ip[] = "192.0.2.1";

	assay__v1__envelope__init(envelope);
	envelope->client_ip = ip;
	envelope->helo = bytes("mail.pass.example", strlen("mail.pass.example"));
	envelope->mail_from = bytes("a@pass.example", strlen("a@pass.example"));
}

nng_msg *stock_message_request(const char *id, const uint8_t *octets, size_t count)
{
	Assay__V1__Request request;
	Assay__V1__CheckMessage check;
	Assay__V1__Envelope envelope;

	request_init(&request, id);
	envelope_init(&envelope);
	assay__v1__check_message__init(&check);
	check.envelope = &envelope;
	check.message = bytes(octets, count);
	request.call_case = ASSAY__V1__REQUEST__CALL_CHECK_MESSAGE;
	request.check_message = &check;
	return pack(&request);
}

static nng_msg *sender_request(const char *id)
{
	Assay__V1__Request request;
	Assay__V1__CheckSender check;
	Assay__V1__Envelope envelope;

	request_init(&request, id);
	envelope_init(&envelope);
	assay__v1__check_sender__init(&check);
	check.envelope = &envelope;
	request.call_case = ASSAY__V1__REQUEST__CALL_CHECK_SENDER;
	request.check_sender = &check;
	return pack(&request);
}

static nng_msg *status_request(const char *id)
{
	Assay__V1__Request request;
	Assay__V1__Status status;

	request_init(&request, id);
	assay__v1__status__init(&status);
	request.call_case = ASSAY__V1__REQUEST__CALL_STATUS;
	request.status = &status;
	return pack(&request);
}

nng_msg *stock_request(enum stock_kind kind, const char *id)
{
	switch (kind) {
	case STOCK_STATUS: return status_request(id);
	case STOCK_SENDER: return sender_request(id);
	default: return stock_message_request(id, (const uint8_t *)small_message, sizeof small_message - 1);
	}
}

static bool response_is(const Assay__V1__Response *response, enum stock_kind kind, const char *id, char *why)
{
	static const Assay__V1__Response__ResultCase cases[] = {
		[STOCK_STATUS] = ASSAY__V1__RESPONSE__RESULT_STATUS,
		[STOCK_SENDER] = ASSAY__V1__RESPONSE__RESULT_SENDER_VERDICT,
		[STOCK_MESSAGE] = ASSAY__V1__RESPONSE__RESULT_VERDICT,
	};

	if (!response)
		snprintf(why, WHY_SIZE, "not a Response");
	else if (response->id.len != strlen(id) || memcmp(response->id.data, id, response->id.len) != 0)
		snprintf(why, WHY_SIZE, "id \"%.*s\", want \"%s\"", (int)response->id.len,
			 (const char *)response->id.data, id);
	else if (response->result_case == ASSAY__V1__RESPONSE__RESULT_ERROR)
		snprintf(why, WHY_SIZE, "error %d: %s", (int)response->error->code, response->error->text);
	else if (response->result_case != cases[kind])
		snprintf(why, WHY_SIZE, "result %d, want %d", (int)response->result_case, (int)cases[kind]);
	else
		return true;
	return false;
}

bool stock_reply_is(nng_msg *reply, enum stock_kind kind, const char *id, char *why)
{
	Assay__V1__Response *response = assay__v1__response__unpack(NULL, nng_msg_len(reply), nng_msg_body(reply));
	bool good = response_is(response, kind, id, why);

	if (response)
		assay__v1__response__free_unpacked(response, NULL);
	return good;
}

static void tls_set(nng_dialer dialer, const char *option, const char *variable)
{
	const char *value = getenv(variable);

	if (value)
		stock_check(nng_dialer_set_string(dialer, option, value), option);
}

/* Whom to believe, who is expected there, and who we are. */
static void tls_setup(nng_dialer dialer)
{
	tls_set(dialer, NNG_OPT_TLS_CA_FILE, "STOCK_TLS_CA");
	tls_set(dialer, NNG_OPT_TLS_SERVER_NAME, "STOCK_TLS_NAME");
	tls_set(dialer, NNG_OPT_TLS_CERT_KEY_FILE, "STOCK_TLS_CERT_KEY");
}

nng_socket stock_connect(const char *url)
{
	nng_socket socket;
	nng_dialer dialer;

	stock_check(nng_req0_open(&socket), "nng_req0_open");
	stock_check(nng_socket_set_ms(socket, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE), "resend time");
	stock_check(nng_socket_set_ms(socket, NNG_OPT_SENDTIMEO, STOCK_DEADLINE_MS), "send time");
	stock_check(nng_socket_set_ms(socket, NNG_OPT_RECVTIMEO, STOCK_DEADLINE_MS + 5000), "receive time");
	stock_check(nng_dialer_create(&dialer, socket, url), url);
	if (strncmp(url, "tls+tcp://", strlen("tls+tcp://")) == 0)
		tls_setup(dialer);
	stock_check(nng_dialer_start(dialer, 0), url);
	return socket;
}

static nng_msg *exchange(nng_socket socket, nng_msg *request)
{
	nng_msg *reply = NULL;

	stock_check(nng_sendmsg(socket, request, 0), "nng_sendmsg");
	stock_check(nng_recvmsg(socket, &reply, 0), "nng_recvmsg");
	return reply;
}

/* ---- modes ---- */

static int ask(nng_socket socket, unsigned count, const char *prefix)
{
	char id[STOCK_ID_SIZE], why[WHY_SIZE];

	for (unsigned i = 0; i < count; i++) {
		enum stock_kind kind = (enum stock_kind)(i % 3);
		nng_msg *reply;

		snprintf(id, sizeof id, "%s-%u", prefix, i);
		reply = exchange(socket, stock_request(kind, id));
		if (!stock_reply_is(reply, kind, id, why)) {
			printf("FAIL %s: %s\n", id, why);
			return 1;
		}
		nng_msg_free(reply);
	}
	printf("%u requests answered\n", count);
	return 0;
}

static int run_status(const char *url)
{
	return ask(stock_connect(url), 1, "status");
}

static uint8_t *read_file(const char *path, size_t *count_out)
{
	FILE *file = fopen(path, "rb");
	uint8_t *octets = NULL;
	struct stat status;

	if (file && fstat(fileno(file), &status) == 0)
		octets = malloc((size_t)status.st_size + 1);
	if (!octets) {
		printf("FAIL %s cannot be read\n", path);
		exit(1);
	}
	*count_out = fread(octets, 1, (size_t)status.st_size, file);
	fclose(file);
	return octets;
}

static int print_reply(nng_msg *reply)
{
	Assay__V1__Response *response = assay__v1__response__unpack(NULL, nng_msg_len(reply), nng_msg_body(reply));
	const Assay__V1__Verdict *verdict;

	if (!response) {
		printf("FAIL the reply is not a Response\n");
		return 1;
	}
	if (response->result_case == ASSAY__V1__RESPONSE__RESULT_ERROR) {
		printf("error %d %s\n", (int)response->error->code, response->error->text);
	} else if (response->result_case == ASSAY__V1__RESPONSE__RESULT_VERDICT) {
		verdict = response->verdict;
		printf("verdict spf=%d dkim=%zu dmarc=%d bare_cr=%d bare_lf=%d nul_in_header=%d malformed_header=%d\n",
		       verdict->spf ? (int)verdict->spf->result : 0, verdict->n_dkim,
		       verdict->dmarc ? (int)verdict->dmarc->result : 0, verdict->flags && verdict->flags->bare_cr,
		       verdict->flags && verdict->flags->bare_lf, verdict->flags && verdict->flags->nul_in_header,
		       verdict->flags && verdict->flags->malformed_header);
	} else {
		printf("result %d\n", (int)response->result_case);
	}
	assay__v1__response__free_unpacked(response, NULL);
	nng_msg_free(reply);
	return 0;
}

static int run_message(const char *url, const char *path)
{
	size_t count;
	uint8_t *octets = read_file(path, &count);
	nng_msg *request = stock_message_request("message", octets, count);

	free(octets);
	return print_reply(exchange(stock_connect(url), request));
}

static int run_raw(const char *url, const char *path)
{
	size_t count;
	uint8_t *octets = read_file(path, &count);
	nng_msg *request;

	stock_check(nng_msg_alloc(&request, 0), "nng_msg_alloc");
	stock_check(nng_msg_append(request, octets, count), "nng_msg_append");
	free(octets);
	return print_reply(exchange(stock_connect(url), request));
}

struct device {
	nng_socket front, back;
};

static void *run_forwarder(void *argument)
{
	const struct device *device = argument;

	nng_device(device->front, device->back); /* until a socket is closed */
	return NULL;
}

static int run_device(const char *url, const char *front, unsigned count)
{
	struct device device;
	pthread_t thread;
	int status;

	stock_check(nng_rep0_open_raw(&device.front), "nng_rep0_open_raw");
	stock_check(nng_req0_open_raw(&device.back), "nng_req0_open_raw");
	stock_check(nng_listen(device.front, front, NULL, 0), front);
	stock_check(nng_dial(device.back, url, NULL, 0), url);
	if (pthread_create(&thread, NULL, run_forwarder, &device) != 0)
		return 1;
	status = ask(stock_connect(front), count, "device");
	nng_close(device.front);
	nng_close(device.back);
	pthread_join(thread, NULL);
	return status;
}

static unsigned number(const char *text)
{
	return (unsigned)strtoul(text, NULL, 10);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	if (argc == 3 && strcmp(mode, "status") == 0)
		return run_status(argv[2]);
	if (argc == 4 && strcmp(mode, "message") == 0)
		return run_message(argv[2], argv[3]);
	if (argc == 4 && strcmp(mode, "raw") == 0)
		return run_raw(argv[2], argv[3]);
	if (argc == 5 && strcmp(mode, "device") == 0)
		return run_device(argv[2], argv[3], number(argv[4]));
	if (argc == 6 && strcmp(mode, "soak") == 0)
		return stock_soak(argv[2], number(argv[3]), number(argv[4]), number(argv[5]));
	fprintf(stderr, "usage: nng_stock status|message|raw|device|soak URL ...\n");
	return 2;
}
