/*
 * replay.h - which good signatures came before, and from how many clients: signs of DKIM replay; private to src/engine.
 *
 * Source:    STANDARDS chapter 8, S10. A replayed message is a good one, sent again to others: no verdict shows it, only many
 *            messages do. What is said here is a hint beside the verdict, and changes nothing in it.
 * Bounds:    a table of fixed size, made once; the sight longest ago gives way to a new one. So counts may be too low,
 *            never too high but for two clients that look alike.
 * Threads:   each shard has its own, and counts for itself.
 */
#ifndef ASSAY_ENGINE_REPLAY_H
#define ASSAY_ENGINE_REPLAY_H

#include "base/ip.h"
#include "proto/dkim/dkim.h"

#define REPLAY_WINDOW_S    (7 * 86400) /* longer ago is forgotten: as long as senders let signatures live */
#define REPLAY_CLIENTS_MAX 64

struct replay_set;

struct replay {
	struct replay_set *sets; /* NULL: nothing is remembered */
	size_t sets_count;       /* a power of two */
	uint64_t seed;
};

struct replay_sight {
	uint32_t times;   /* messages with this signature, this one included; 0: nothing is remembered */
	uint32_t clients; /* they came from so many addresses at least; up to REPLAY_CLIENTS_MAX are told apart */
	bool replaced;    /* another one had to be forgotten for it */
};

/* At most `octets`; below the size of one set nothing is remembered. 0 or -ENOMEM. */
MUST_CHECK int replay_init(struct replay *replay, size_t octets, uint64_t seed);
void replay_deinit(struct replay *replay);

/* Notes a signature that passed, and tells what is known of it. `client` is NULL when none was given. */
struct replay_sight replay_see(struct replay *replay, const struct dkim_signature_result *signature,
                               const struct ip_address *client, int64_t now_s);

#endif
