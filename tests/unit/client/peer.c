#include "peer.h"

#include <stdlib.h>
#include <string.h>

static uint8_t *error_reply(const Assay__V1__Request *request, Assay__V1__Error__Code code, size_t *octets_out)
{
	Assay__V1__Response response = ASSAY__V1__RESPONSE__INIT;
	Assay__V1__Error error;

	assay__v1__error__init(&error);
	error.code = code;
	response.id = request->id;
	response.result_case = ASSAY__V1__RESPONSE__RESULT_ERROR;
	response.error = &error;
	return rep_pack(&response, octets_out);
}

static uint8_t *verdict_reply(const Assay__V1__Request *request, bool other_id, size_t *octets_out)
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
	return rep_pack(&response, octets_out);
}

static uint8_t *garbage(unsigned number, size_t *octets_out)
{
	uint8_t *octets = malloc(40);

	if (!octets)
		abort();
	*octets_out = number % 40;
	for (size_t i = 0; i < *octets_out; i++)
		octets[i] = (uint8_t)rand_r(&number);
	return octets;
}

static uint8_t *reply_to(struct peer *peer, const Assay__V1__Request *request, size_t *octets_out)
{
	switch ((enum peer_mode)atomic_load(&peer->mode)) {
	case PEER_SILENT: return NULL;
	case PEER_GARBAGE: return garbage(atomic_load(&peer->requests) * 7919, octets_out);
	case PEER_OVERLOADED: return error_reply(request, ASSAY__V1__ERROR__CODE__OVERLOADED, octets_out);
	case PEER_INTERNAL: return error_reply(request, ASSAY__V1__ERROR__CODE__INTERNAL, octets_out);
	case PEER_OTHER_ID: return verdict_reply(request, true, octets_out);
	case PEER_SLOW: nng_msleep(PEER_SLOW_MS); break;
	case PEER_ANSWERS: break;
	}
	return verdict_reply(request, false, octets_out);
}

static void note(struct peer *peer, const Assay__V1__Request *request)
{
	pthread_mutex_lock(&peer->lock);
	free(peer->last);
	peer->last_octets = assay__v1__request__get_packed_size(request);
	peer->last = malloc(peer->last_octets + 1);
	if (!peer->last)
		abort();
	assay__v1__request__pack(request, peer->last);
	pthread_mutex_unlock(&peer->lock);
}

static uint8_t *answer(void *arg, const Assay__V1__Request *request, size_t *octets_out)
{
	struct peer *peer = arg;
	uint8_t *reply;

	atomic_fetch_add(&peer->requests, 1);
	reply = reply_to(peer, request, octets_out);
	note(peer, request);
	return reply;
}

void peer_start(struct peer *peer)
{
	memset(peer, 0, sizeof *peer);
	pthread_mutex_init(&peer->lock, NULL);
	rep_start(&peer->rep, answer, peer);
	peer->url = peer->rep.url;
	peer->directory = peer->rep.directory;
}

void peer_stop(struct peer *peer)
{
	rep_stop(&peer->rep);
	free(peer->last);
	pthread_mutex_destroy(&peer->lock);
}

Assay__V1__Request *peer_take_last(struct peer *peer)
{
	Assay__V1__Request *last = NULL;

	pthread_mutex_lock(&peer->lock);
	if (peer->last)
		last = assay__v1__request__unpack(NULL, peer->last_octets, peer->last);
	free(peer->last);
	peer->last = NULL;
	pthread_mutex_unlock(&peer->lock);
	return last;
}
