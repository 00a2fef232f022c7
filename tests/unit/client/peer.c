#include "peer.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <nng/protocol/reqrep0/rep.h>

static nng_msg *message_of(const Assay__V1__Response *response)
{
	nng_msg *message;

	if (nng_msg_alloc(&message, assay__v1__response__get_packed_size(response)) != 0)
		abort();
	assay__v1__response__pack(response, nng_msg_body(message));
	return message;
}

static nng_msg *error_message(const Assay__V1__Request *request, Assay__V1__Error__Code code)
{
	Assay__V1__Response response = ASSAY__V1__RESPONSE__INIT;
	Assay__V1__Error error;

	assay__v1__error__init(&error);
	error.code = code;
	response.id = request->id;
	response.result_case = ASSAY__V1__RESPONSE__RESULT_ERROR;
	response.error = &error;
	return message_of(&response);
}

static nng_msg *verdict_message(const Assay__V1__Request *request, bool other_id)
{
	Assay__V1__Response response = ASSAY__V1__RESPONSE__INIT;
	Assay__V1__Verdict verdict = ASSAY__V1__VERDICT__INIT;
	Assay__V1__StatusResult status;
	static uint8_t other[] = "another";

	assay__v1__status_result__init(&status);
	response.id = other_id ? (ProtobufCBinaryData){ sizeof other, other } : request->id;
	verdict.authentication_results = request->id;
	response.result_case = ASSAY__V1__RESPONSE__RESULT_VERDICT;
	response.verdict = &verdict;
	if (request->call_case == ASSAY__V1__REQUEST__CALL_STATUS) {
		response.result_case = ASSAY__V1__RESPONSE__RESULT_STATUS;
		response.status = &status;
	} else if (request->call_case == ASSAY__V1__REQUEST__CALL_CHECK_SENDER) {
		response.result_case = ASSAY__V1__RESPONSE__RESULT_SENDER_VERDICT;
		response.sender_verdict = &verdict;
	}
	return message_of(&response);
}

static nng_msg *garbage(unsigned number)
{
	unsigned octets = number % 40;
	nng_msg *message;

	if (nng_msg_alloc(&message, octets) != 0)
		abort();
	for (unsigned i = 0; i < octets; i++)
		((uint8_t *)nng_msg_body(message))[i] = (uint8_t)rand_r(&number);
	return message;
}

static nng_msg *reply_to(struct peer *peer, const Assay__V1__Request *request)
{
	switch ((enum peer_mode)atomic_load(&peer->mode)) {
	case PEER_SILENT: return NULL;
	case PEER_GARBAGE: return garbage(atomic_load(&peer->requests) * 7919);
	case PEER_OVERLOADED: return error_message(request, ASSAY__V1__ERROR__CODE__OVERLOADED);
	case PEER_INTERNAL: return error_message(request, ASSAY__V1__ERROR__CODE__INTERNAL);
	case PEER_OTHER_ID: return verdict_message(request, true);
	case PEER_SLOW: nng_msleep(PEER_SLOW_MS); break;
	case PEER_ANSWERS: break;
	}
	return verdict_message(request, false);
}

static void *serve(void *argument)
{
	struct peer *peer = argument;
	nng_msg *message, *reply;

	while (nng_recvmsg(peer->socket, &message, 0) == 0) {
		Assay__V1__Request *request =
			assay__v1__request__unpack(NULL, nng_msg_len(message), nng_msg_body(message));

		if (!request)
			abort();
		nng_msg_free(message);
		atomic_fetch_add(&peer->requests, 1);
		reply = reply_to(peer, request);
		pthread_mutex_lock(&peer->lock);
		if (peer->last)
			assay__v1__request__free_unpacked(peer->last, NULL);
		peer->last = request;
		pthread_mutex_unlock(&peer->lock);
		if (reply && nng_sendmsg(peer->socket, reply, 0) != 0)
			nng_msg_free(reply);
	}
	return NULL;
}

void peer_start(struct peer *peer)
{
	memset(peer, 0, sizeof *peer);
	strcpy(peer->directory, "/tmp/assay-peer-XXXXXX");
	if (!mkdtemp(peer->directory))
		abort();
	snprintf(peer->url, sizeof peer->url, "ipc://%s/sock", peer->directory);
	pthread_mutex_init(&peer->lock, NULL);
	if (nng_rep0_open(&peer->socket) != 0 || nng_socket_set_size(peer->socket, NNG_OPT_RECVMAXSZ, 0) != 0 ||
	    nng_listen(peer->socket, peer->url, NULL, 0) != 0 ||
	    pthread_create(&peer->thread, NULL, serve, peer) != 0)
		abort();
}

void peer_stop(struct peer *peer)
{
	nng_close(peer->socket);
	pthread_join(peer->thread, NULL);
	if (peer->last)
		assay__v1__request__free_unpacked(peer->last, NULL);
	unlink(peer->url + strlen("ipc://"));
	rmdir(peer->directory);
	pthread_mutex_destroy(&peer->lock);
}

Assay__V1__Request *peer_take_last(struct peer *peer)
{
	Assay__V1__Request *last;

	pthread_mutex_lock(&peer->lock);
	last = peer->last;
	peer->last = NULL;
	pthread_mutex_unlock(&peer->lock);
	return last;
}
