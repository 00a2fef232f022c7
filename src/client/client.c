#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>

#include "client/answer.h"
#include "client/failure.h"
#include "client/lane.h"
#include "client/request.h"

#define REPLY_OCTETS_MAX ((size_t)16 << 20) /* a verdict of a hostile message is below 1 MiB */
#define RECONNECT_MS_MIN 50
#define RECONNECT_MS_MAX 2000
#define CLOSE_MS_MAX     5000 /* for the rest of a request on its way */
#define MARGIN_PART      10   /* the daemon is given the deadline less a tenth of it, */
#define MARGIN_MS_MAX    200  /* but at most so much less: time for the reply to arrive */

struct assay_client {
	nng_socket socket;
	nng_dialer dialer;
	struct lanes lanes;
	atomic_int connections; /* that are up; counted by nng's threads */
};

/* ---- open and close ---- */

static void on_pipe(nng_pipe pipe, nng_pipe_ev event, void *argument)
{
	struct assay_client *client = argument;

	(void)pipe;
	if (event == NNG_PIPE_EV_ADD_POST)
		atomic_fetch_add(&client->connections, 1);
	else if (event == NNG_PIPE_EV_REM_POST)
		atomic_fetch_sub(&client->connections, 1);
}

/*
 * A request is sent once: not again because an answer takes long, for that is what the deadline is for, and not
 * when the connection is lost: that is the caller's to decide, who may have another daemon to ask.
 */
static int socket_setup(struct assay_client *client, const char *url)
{
	nng_socket s = client->socket;
	int error = nng_socket_set_ms(s, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);

	if (!error)
		error = nng_socket_set_size(s, NNG_OPT_RECVMAXSZ, REPLY_OCTETS_MAX);
	if (!error)
		error = nng_socket_set_ms(s, NNG_OPT_RECONNMINT, RECONNECT_MS_MIN);
	if (!error)
		error = nng_socket_set_ms(s, NNG_OPT_RECONNMAXT, RECONNECT_MS_MAX);
	if (!error)
		error = nng_pipe_notify(s, NNG_PIPE_EV_ADD_POST, on_pipe, client);
	if (!error)
		error = nng_pipe_notify(s, NNG_PIPE_EV_REM_POST, on_pipe, client);
	if (!error)
		error = nng_dialer_create(&client->dialer, s, url);
	return error;
}

struct connect_watch {
	nng_aio *aio;
	nng_dialer dialer;
	atomic_bool late;
};

/* The time is up: ends the dialer, and with it nng_dialer_start(), which knows no time-out. */
static void on_connect_time(void *argument)
{
	struct connect_watch *watch = argument;

	if (nng_aio_result(watch->aio) != 0)
		return;
	atomic_store(&watch->late, true);
	nng_dialer_close(watch->dialer);
}

static int connect_now(nng_dialer dialer, uint32_t connect_ms)
{
	struct connect_watch watch = { .dialer = dialer };
	int error = nng_aio_alloc(&watch.aio, on_connect_time, &watch);

	if (error)
		return error;
	nng_sleep_aio(connect_ms > INT32_MAX ? INT32_MAX : (nng_duration)connect_ms, watch.aio);
	error = nng_dialer_start(dialer, 0);
	nng_aio_stop(watch.aio);
	nng_aio_free(watch.aio);
	return atomic_load(&watch.late) ? NNG_ETIMEDOUT : error;
}

static enum assay_error open_failure(int error, const char *url, struct assay_failure *failure)
{
	enum assay_error code = ASSAY_ERROR_CONNECT;

	if (error == NNG_ENOMEM)
		code = ASSAY_ERROR_MEMORY;
	else if (error == NNG_EINVAL || error == NNG_ENOTSUP)
		return failure_set(failure, ASSAY_ERROR_ARGUMENT,
				   "%s: no URL that can be dialled, such as " ASSAY_URL_DEFAULT, url);
	return failure_set(failure, code, "%s: %s", url, nng_strerror(error));
}

enum assay_error assay_open(const char *url, const struct assay_options *options, struct assay_client **client_out,
			    struct assay_failure *failure)
{
	uint32_t connect_ms = options ? options->connect_ms : 0;
	struct assay_client *client;
	int error;

	*client_out = NULL;
	if (options && options->size < sizeof *options)
		return failure_set(failure, ASSAY_ERROR_ARGUMENT, "assay_options.size is not set");
	if (!url)
		url = ASSAY_URL_DEFAULT;
	client = calloc(1, sizeof *client);
	if (!client)
		return failure_set(failure, ASSAY_ERROR_MEMORY, "no memory for a client");
	error = nng_req0_open(&client->socket);
	if (error) {
		free(client);
		return open_failure(error, url, failure);
	}
	lanes_init(&client->lanes, client->socket);
	error = socket_setup(client, url);
	if (!error && connect_ms)
		error = connect_now(client->dialer, connect_ms);
	else if (!error)
		error = nng_dialer_start(client->dialer, NNG_FLAG_NONBLOCK);
	if (error) {
		assay_close(client);
		return open_failure(error, url, failure);
	}
	*client_out = client;
	return ASSAY_OK;
}

/*
 * Waits until the connection has written all that it was given, or the time is up. A call may be over before its
 * request is out: the deadline passed, or the daemon said early that the message is too large. nng 1.5 can hang for
 * ever when it has to close a connection while a part of a message is just being written: the next part is then
 * refused without a word to the one who waits for it.
 */
static void wait_written(const struct assay_client *client)
{
	struct pollfd sendable = { .events = POLLIN };

	if (atomic_load(&client->connections) > 0 &&
	    nng_socket_get_int(client->socket, NNG_OPT_SENDFD, &sendable.fd) == 0)
		(void)poll(&sendable, 1, CLOSE_MS_MAX);
}

void assay_close(struct assay_client *client)
{
	if (!client)
		return;
	wait_written(client);
	lanes_deinit(&client->lanes);
	nng_close(client->socket);
	free(client);
}

/* ---- calls ---- */

static uint32_t call_deadline_ms(const struct assay_call *call)
{
	return call && call->deadline_ms ? call->deadline_ms : ASSAY_DEADLINE_MS_DEFAULT;
}

static uint32_t wire_deadline_ms(uint32_t deadline_ms)
{
	uint32_t margin = deadline_ms / MARGIN_PART;

	if (margin > MARGIN_MS_MAX)
		margin = MARGIN_MS_MAX;
	return deadline_ms - margin;
}

static enum assay_error exchange_failure(const struct assay_client *client, int error, uint32_t deadline_ms,
					 struct assay_failure *failure)
{
	if (error == NNG_ENOMEM)
		return failure_set(failure, ASSAY_ERROR_MEMORY, "no memory for the request");
	if (error == NNG_ETIMEDOUT && atomic_load(&client->connections) > 0)
		return failure_set(failure, ASSAY_ERROR_TIMEOUT, "no answer within %u ms", deadline_ms);
	if (error == NNG_ETIMEDOUT)
		return failure_set(failure, ASSAY_ERROR_CONNECT, "not connected to the server within %u ms",
				   deadline_ms);
	return failure_set(failure, ASSAY_ERROR_CONNECT, "%s", nng_strerror(error));
}

static enum assay_error exchange(struct assay_client *client, nng_msg *message, uint32_t deadline_ms, uint64_t until,
				 nng_msg **reply_out, struct assay_failure *failure)
{
	struct lane *lane = lanes_take(&client->lanes);
	int error;

	if (!lane) {
		nng_msg_free(message);
		return failure_set(failure, ASSAY_ERROR_MEMORY, "no memory for the request");
	}
	error = lane_exchange(lane, message, until, reply_out);
	lanes_give(&client->lanes, lane);
	return error ? exchange_failure(client, error, deadline_ms, failure) : ASSAY_OK;
}

/* Sends `request`, whose call is set, and reads the answer. */
static enum assay_error call_daemon(struct assay_client *client, const struct assay_call *call,
				    Assay__V1__Request *request, Assay__V1__Response__ResultCase expected,
				    struct assay_answer **answer_out, struct assay_failure *failure)
{
	uint32_t deadline_ms = call_deadline_ms(call);
	uint64_t until = clock_ms() + deadline_ms;
	nng_msg *message, *reply;
	enum assay_error error;

	if (call && call->size < sizeof *call)
		return failure_set(failure, ASSAY_ERROR_ARGUMENT, "assay_call.size is not set");
	request->id = request_bytes(call ? call->id : NULL);
	if (request->id.len > ASSAY_ID_OCTETS_MAX)
		return failure_set(failure, ASSAY_ERROR_ARGUMENT, "assay_call.id has more than %d octets",
				   ASSAY_ID_OCTETS_MAX);
	request->deadline_ms = wire_deadline_ms(deadline_ms);
	error = request_pack(request, &message);
	if (error)
		return failure_set(failure, error, "the request cannot be packed: %s", assay_error_text(error));
	error = exchange(client, message, deadline_ms, until, &reply, failure);
	if (error)
		return error;
	error = answer_read(nng_msg_body(reply), nng_msg_len(reply), request->id, expected, answer_out, failure);
	nng_msg_free(reply);
	return error;
}

static enum assay_error envelope_to_wire(const struct assay_envelope *envelope, Assay__V1__Envelope *wire,
					 struct assay_failure *failure)
{
	if (envelope && envelope->size < sizeof *envelope)
		return failure_set(failure, ASSAY_ERROR_ARGUMENT, "assay_envelope.size is not set");
	if (!request_envelope(envelope, wire))
		return failure_set(failure, ASSAY_ERROR_MEMORY, "no memory for the request");
	return ASSAY_OK;
}

enum assay_error assay_check_message(struct assay_client *client, const struct assay_call *call,
				     const struct assay_envelope *envelope, const void *message, size_t octets,
				     struct assay_answer **answer_out, struct assay_failure *failure)
{
	Assay__V1__Request request = ASSAY__V1__REQUEST__INIT;
	Assay__V1__CheckMessage check = ASSAY__V1__CHECK_MESSAGE__INIT;
	Assay__V1__Envelope wire;
	enum assay_error error;

	*answer_out = NULL;
	error = envelope_to_wire(envelope, &wire, failure);
	if (error)
		return error;
	check.envelope = &wire;
	check.message = request_octets(message, octets);
	request.call_case = ASSAY__V1__REQUEST__CALL_CHECK_MESSAGE;
	request.check_message = &check;
	error = call_daemon(client, call, &request, ASSAY__V1__RESPONSE__RESULT_VERDICT, answer_out, failure);
	request_envelope_deinit(&wire);
	return error;
}

enum assay_error assay_check_sender(struct assay_client *client, const struct assay_call *call,
				    const struct assay_envelope *envelope, struct assay_answer **answer_out,
				    struct assay_failure *failure)
{
	Assay__V1__Request request = ASSAY__V1__REQUEST__INIT;
	Assay__V1__CheckSender check = ASSAY__V1__CHECK_SENDER__INIT;
	Assay__V1__Envelope wire;
	enum assay_error error;

	*answer_out = NULL;
	error = envelope_to_wire(envelope, &wire, failure);
	if (error)
		return error;
	check.envelope = &wire;
	request.call_case = ASSAY__V1__REQUEST__CALL_CHECK_SENDER;
	request.check_sender = &check;
	error = call_daemon(client, call, &request, ASSAY__V1__RESPONSE__RESULT_SENDER_VERDICT, answer_out, failure);
	request_envelope_deinit(&wire);
	return error;
}

enum assay_error assay_seal_message(struct assay_client *client, const struct assay_call *call,
				    const struct assay_envelope *envelope, const struct assay_sealing *sealing,
				    const void *message, size_t octets, struct assay_answer **answer_out,
				    struct assay_failure *failure)
{
	Assay__V1__Request request = ASSAY__V1__REQUEST__INIT;
	Assay__V1__Seal seal = ASSAY__V1__SEAL__INIT;
	Assay__V1__Envelope wire;
	enum assay_error error;

	*answer_out = NULL;
	if (sealing && sealing->size < sizeof *sealing)
		return failure_set(failure, ASSAY_ERROR_ARGUMENT, "assay_sealing.size is not set");
	error = envelope_to_wire(envelope, &wire, failure);
	if (error)
		return error;
	seal.envelope = &wire;
	seal.message = request_octets(message, octets);
	seal.domain = request_bytes(sealing ? sealing->domain : NULL);
	seal.authentication_results = request_bytes(sealing ? sealing->authentication_results : NULL);
	request.call_case = ASSAY__V1__REQUEST__CALL_SEAL;
	request.seal = &seal;
	error = call_daemon(client, call, &request, ASSAY__V1__RESPONSE__RESULT_SEAL, answer_out, failure);
	request_envelope_deinit(&wire);
	return error;
}

static enum assay_error ask_tls_policy(struct assay_client *client, const struct assay_call *call, const char *domain,
				       const char *mx_host, bool purge, struct assay_answer **answer_out,
				       struct assay_failure *failure)
{
	Assay__V1__Request request = ASSAY__V1__REQUEST__INIT;
	Assay__V1__TlsPolicy policy = ASSAY__V1__TLS_POLICY__INIT;

	*answer_out = NULL;
	policy.domain = request_bytes(domain);
	policy.mx_host = request_bytes(mx_host);
	policy.purge = purge;
	request.call_case = ASSAY__V1__REQUEST__CALL_TLS_POLICY;
	request.tls_policy = &policy;
	return call_daemon(client, call, &request, ASSAY__V1__RESPONSE__RESULT_TLS_POLICY, answer_out, failure);
}

enum assay_error assay_get_tls_policy(struct assay_client *client, const struct assay_call *call, const char *domain,
				      const char *mx_host, struct assay_answer **answer_out,
				      struct assay_failure *failure)
{
	return ask_tls_policy(client, call, domain, mx_host, false, answer_out, failure);
}

enum assay_error assay_purge_tls_policy(struct assay_client *client, const struct assay_call *call, const char *domain,
					const char *mx_host, struct assay_answer **answer_out,
					struct assay_failure *failure)
{
	return ask_tls_policy(client, call, domain, mx_host, true, answer_out, failure);
}

enum assay_error assay_get_status(struct assay_client *client, const struct assay_call *call,
				  struct assay_answer **answer_out, struct assay_failure *failure)
{
	Assay__V1__Request request = ASSAY__V1__REQUEST__INIT;
	Assay__V1__Status status = ASSAY__V1__STATUS__INIT;

	*answer_out = NULL;
	request.call_case = ASSAY__V1__REQUEST__CALL_STATUS;
	request.status = &status;
	return call_daemon(client, call, &request, ASSAY__V1__RESPONSE__RESULT_STATUS, answer_out, failure);
}
