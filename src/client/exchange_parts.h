/*
 * exchange_parts.h - what the files of an exchange share (internal).
 *
 * exchange.c says what happens next, clock.c when, choice.c where, moves.c what happens where a server cannot be reached; attempt.c and
 * link.c send and receive, notify.c tells who asked.
 */
#ifndef ASSAY_CLIENT_EXCHANGE_PARTS_H
#define ASSAY_CLIENT_EXCHANGE_PARTS_H

#include "client/exchange.h"

/* What is to be done when the lock is free again. */
struct next {
	struct exchange *start; /* an attempt, at `server`; referenced */
	struct server *server;
	bool is_hedge;
	struct exchange *notify; /* referenced */
};

/* Of a set of servers. */
static inline uint32_t server_bit(const struct assay_client *client, const struct server *server)
{
	return UINT32_C(1) << (server - client->servers);
}

/* Does it ask a second server when the first one takes long? */
static inline bool client_hedges(const struct assay_client *client)
{
	return client->servers_count > 1 && client->hedge_percent < 100;
}

/* ---- exchange.c; all but next_do() with the lock held ---- */

void exchange_unref(struct exchange *exchange);
/* Attempts that are packed or under way. */
unsigned exchange_active(const struct exchange *exchange);
/* Octets of it have been written to a server whose reply is waited for. */
bool exchange_is_out(const struct exchange *exchange);
uint32_t exchange_random(struct assay_client *client);
/* An attempt at that server is next. */
void exchange_attempt_plan(struct exchange *exchange, struct server *server, bool is_hedge, struct next *next);
/* No attempt is under way: the next one now, or later, or the end. */
void exchange_go_on(struct exchange *exchange, uint64_t now, struct next *next);
/* The deadline is there. */
void exchange_finish_late(struct exchange *exchange, uint64_t now, struct next *next);
/* Nothing can be sent now. What an attempt failed for before says more, and stays. */
void exchange_fail_unsent(struct exchange *exchange, enum assay_error error, const char *text);
/* It is over, with the outcome that stands in it. */
void exchange_finish(struct exchange *exchange, uint64_t now, struct next *next);
/*
 * Likewise, and the call that began it may not have returned: the clock tells who is to be called back. A callback that asks again
 * would be called from itself, without end.
 */
void exchange_finish_unsent(struct exchange *exchange, uint64_t now, struct next *next);
/* One attempt came to this. Takes `answer`. `error` as in `failure`, or ASSAY_OK with an answer. */
void exchange_attempt_over(struct exchange *exchange, struct server *server, struct assay_answer *answer,
			   const struct assay_failure *failure, struct next *next);
/* Does what is next until nothing is. */
void next_do(struct next next);

/* ---- clock.c, with the lock held ---- */

/* Something of an exchange is due at that time; or whatever of this one is. */
void clock_plan(struct assay_client *client, uint64_t at_ms);
void clock_plan_for(struct exchange *exchange);

/* ---- choice.c, with the lock held ---- */

/* The servers, as bits, without a connection. */
uint32_t exchange_unconnected(const struct assay_client *client);
/* The best of the servers that are not in `without`, and how well it is; NULL: there is none. */
struct server *exchange_server(struct assay_client *client, uint32_t without, uint64_t now, enum server_class *class_out);
/* Where the exchange, which has no attempt under way, goes next; NULL: nowhere. SERVER_BUSY: not yet. */
struct server *exchange_server_next(const struct exchange *exchange, uint64_t now, enum server_class *class_out);
/* A server has too much to do: is it worth waiting until it may be asked again? */
bool exchange_waits_for(const struct exchange *exchange, const struct server *busy, uint64_t now);

/* ---- moves.c, with the lock held ---- */

/* The servers, as bits, whose replies it waits for. */
uint32_t exchange_asked_now(const struct exchange *exchange);
/* What waits to be sent goes elsewhere: the server cannot be reached now; another one, this, can be. */
void exchanges_leave(struct server *server);
void exchange_leave(struct attempt *attempt); /* this one, whose server may be out of reach */
void exchanges_come(struct server *server);

/* ---- attempt.c, without the lock ---- */

void attempt_start(const struct next *what, struct next *next);
/* A reply to the exchange's attempt of that id, if it is still waited for. Takes a reference. */
void exchange_reply(struct exchange *exchange, struct server *server, uint32_t id, const uint8_t *octets, size_t count);

/* ---- notify.c ---- */

/* Puts it where assay_dispatch() finds it; with the lock held. Takes a reference. */
void notify_queue(struct exchange *exchange);
/* Calls who is to be told; without the lock. Takes a reference. */
void notify_run(struct exchange *exchange);

#endif
