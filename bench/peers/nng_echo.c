/*
 * nng_echo - a libnng REP socket that answers anything with 256 octets: what the transport costs a server that uses
 * libnng as its authors mean it to be used, with many contexts so that many requests are answered at once.
 *
 *   nng_echo URL [CONTEXTS]     until SIGTERM; prints "ready" to standard error when it listens
 */
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTEXTS_DEFAULT 256
#define CONTEXTS_MAX 65536
#define REPLY_OCTETS 256

struct context {
	nng_ctx ctx;
	nng_aio *aio;
	bool sending;
};

static void check(int error, const char *what)
{
	if (error == 0)
		return;
	fprintf(stderr, "nng_echo: %s: %s\n", what, nng_strerror(error));
	exit(3);
}

/* The reply is the request's message, cut or filled to size: no memory is asked for. */
static int reply_make(nng_msg *message)
{
	static const unsigned char filling[REPLY_OCTETS];
	size_t len = nng_msg_len(message);

	if (len > REPLY_OCTETS)
		return nng_msg_chop(message, len - REPLY_OCTETS);
	return nng_msg_append(message, filling, REPLY_OCTETS - len);
}

static void on_event(void *argument)
{
	struct context *context = argument;
	int error = nng_aio_result(context->aio);
	nng_msg *message;

	if (error == NNG_ECLOSED || error == NNG_ECANCELED)
		return;
	if (context->sending && error != 0)
		nng_msg_free(nng_aio_get_msg(context->aio));
	if (context->sending || error != 0) {
		context->sending = false;
		nng_ctx_recv(context->ctx, context->aio);
		return;
	}
	message = nng_aio_get_msg(context->aio);
	check(reply_make(message), "reply");
	nng_aio_set_msg(context->aio, message);
	context->sending = true;
	nng_ctx_send(context->ctx, context->aio);
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 10) : CONTEXTS_DEFAULT;
	struct context *contexts;
	nng_socket socket;
	sigset_t signals;
	int signal_number;

	if (argc < 2 || argc > 3 || count < 1 || count > CONTEXTS_MAX) {
		fputs("nng_echo URL [CONTEXTS]\n", stderr);
		return 2;
	}
	/* Before any thread of libnng: they inherit the mask. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	check(nng_rep0_open(&socket), "nng_rep0_open");
	check(nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, 0), "receive size");
	contexts = calloc(count, sizeof(*contexts));
	check(contexts ? 0 : NNG_ENOMEM, "contexts");
	check(nng_listen(socket, argv[1], NULL, 0), argv[1]);
	for (unsigned long i = 0; i < count; i++) {
		check(nng_aio_alloc(&contexts[i].aio, on_event, &contexts[i]), "nng_aio_alloc");
		check(nng_ctx_open(&contexts[i].ctx, socket), "nng_ctx_open");
		nng_ctx_recv(contexts[i].ctx, contexts[i].aio);
	}
	fputs("ready\n", stderr);
	sigwait(&signals, &signal_number);
	nng_close(socket);
	return 0;
}
