/*
 * breaker.h - domains whose name servers do not answer, so that not every message that names one waits for them; private to
 * src/engine.
 *
 * A breaker opens when look-ups in a row under one name came to nothing; questions under it are then not asked, but for a
 * probe now and then, and it closes at the first answer.
 *
 * Where:     one for each registrable domain (public suffix list), since below a public suffix everybody has name servers of
 *            his own; for reverse names one for each /24, and each /48 of IPv6. In it, it stands at the deepest name that all
 *            failures of the run have in common: a dead delegation is cut off, what lies beside it is not.
 * Evidence:  different labels below that name, each once, and the name itself: whoever has one dead delegation below a domain
 *            cannot open the breaker of the whole domain.
 * Bounds:    a table of fixed size, made once; the run of failures longest ago gives way to a new one.
 * Threading: each shard has its own, and finds out for itself.
 */
#ifndef ASSAY_ENGINE_BREAKER_H
#define ASSAY_ENGINE_BREAKER_H

#include "base/error.h"
#include "base/slice.h"

#define BREAKER_FAILURES_MAX 32 /* labels are told apart by 64 bits */
#define BREAKER_MEMORY_S 120    /* failures that are further apart are of no run: two waits of the longest dns.timeout */

struct breaker_bounds {
	unsigned failures;  /* dns.breaker-failures: so many open it; 0: never */
	int64_t probe_ns;   /* dns.breaker-time: from one probe to the next */
	unsigned zones_max; /* dns.breaker-zones */
	/* The registrable domain of a name in lower case, as a slice of it; empty: it has none. NULL: only reverse names have. */
	struct slice (*registrable_domain)(void *arg, struct slice name);
	void *arg;
};

struct breaker_zone;

struct breaker {
	struct breaker_bounds bounds;
	struct breaker_zone *zones;
	unsigned sets; /* of them, in the table */
	unsigned used; /* with a run of failures, those that nobody asked for since included */
	uint64_t seed;
	uint64_t opened, closed, probes, dropped;
};

/* 0 or -ENOMEM. */
MUST_CHECK int breaker_init(struct breaker *breaker, const struct breaker_bounds *bounds, uint64_t seed);
void breaker_deinit(struct breaker *breaker);

/* `name`: in lower case, at most DNS_NAME_OCTETS_MAX. False: it is not to be asked for. True may be a probe. */
bool breaker_allows(struct breaker *breaker, struct slice name, int64_t now_ns);
/* Nothing answered for it in time, or its servers failed. */
void breaker_failed(struct breaker *breaker, struct slice name, int64_t now_ns);
/* There was an answer, whatever it says. */
void breaker_answered(struct breaker *breaker, struct slice name, int64_t now_ns);

#endif
