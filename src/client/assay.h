/*
 * assay.h - libassay: ask an assay daemon who really sent a mail.
 *
 * Method:    one call sends one request over nng (scalability protocols, REQ/REP) to one of the servers, and perhaps to
 *            a second one, and takes the first reply.
 * Threading: a client may be used by any number of threads at once; each call has its own request in
 *            flight. Closing it is the exception: no call may be under way or follow. A mail (struct assay_mail) is
 *            one thread's at a time. The library starts no thread; libnng has its own.
 * Fork:      libnng does not survive fork(). In a child process every call fails with ASSAY_ERROR_FORKED, and freeing does
 *            what it can: exec, or open the first client behind the fork. Nothing of the parent's is disturbed.
 * Ownership: what is passed in is borrowed during the call. An answer belongs to the caller, who ends it
 *            with assay_answer_free(), before or after the client is closed; everything read from it lives until then and
 *            may be read by several threads.
 * Errors:    every call that can fail returns an enum assay_error (ASSAY_OK is 0) and, when `failure` is
 *            not NULL, writes the code and a text for people there. Bad mail is never an error: it is a
 *            verdict. Pointers written through *_out are NULL after a failure.
 * Time:      a call returns within its deadline, whatever the network or the daemon does.
 * Memory:    from the allocator of assay_options, which defaults to malloc(); libnng and libcrypto have their own.
 * Bounds:    a message may be as large as the daemon takes, and not of 2 GiB or more (else ASSAY_ERROR_TOO_LARGE); a reply
 *            is at most 16 MiB.
 * State:     none outside of clients, but that libnng is one a process.
 * Growth:    structs that the caller fills or provides begin with their size and may get fields at their end: a program
 *            that was compiled with an older header goes on as it was. Structs that the library fills may get fields at
 *            their end, except struct assay_text, assay_reason, assay_counter, assay_field_text and assay_failure, which
 *            stay as they are. Enums may get values: treat one that you do not know as you treat "unknown".
 */
#ifndef ASSAY_H
#define ASSAY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define ASSAY_API __attribute__((visibility("default")))
#else
#define ASSAY_API
#endif

#define ASSAY_URL_DEFAULT         "ipc:///run/assay/assayd.sock"
#define ASSAY_DEADLINE_MS_DEFAULT 10000
#define ASSAY_ID_OCTETS_MAX       128

/* ---- errors ---- */

enum assay_error {
	ASSAY_OK = 0,
	/* found by the library */
	ASSAY_ERROR_ARGUMENT = 1, /* a value passed in cannot be used; named in the text */
	ASSAY_ERROR_MEMORY = 2,
	ASSAY_ERROR_CONNECT = 3,  /* the daemon cannot be reached; try another one, or later */
	ASSAY_ERROR_TIMEOUT = 4,  /* it is reached but did not answer before the deadline */
	ASSAY_ERROR_PROTOCOL = 5, /* what came back is no answer to this request */
	ASSAY_ERROR_FORKED = 6,   /* the client, or libnng, was opened before fork(), in another process */
	/* said by the daemon (Error.Code of the wire) */
	ASSAY_ERROR_INVALID = 11,     /* the request has a bad value; named in the text */
	ASSAY_ERROR_TOO_LARGE = 12,   /* permanent for this message */
	ASSAY_ERROR_OVERLOADED = 13,  /* try another daemon, or later */
	ASSAY_ERROR_DEADLINE = 14,    /* no verdict within the deadline */
	ASSAY_ERROR_UNSUPPORTED = 15, /* a call that the daemon does not know or is not set up for */
	ASSAY_ERROR_INTERNAL = 16     /* a fault of the daemon, or a code that this library does not know */
};

/* Where a call says why it failed. Untouched by a call that succeeds. */
struct assay_failure {
	enum assay_error error;
	char text[256]; /* one line of printable ASCII, never empty; cut when it is longer */
};

/* What the code means, as a short English phrase; never NULL. */
ASSAY_API const char *assay_error_text(enum assay_error error);

/* ---- client ---- */

struct assay_client;

#define ASSAY_SERVERS_MAX             32
#define ASSAY_HEDGE_PERCENT_DEFAULT   30
#define ASSAY_OCTETS_HELD_MAX_DEFAULT 67108864
#define ASSAY_TLS_CA_FILE_DEFAULT     "/etc/ssl/certs/ca-certificates.crt"

/* Where a client's memory comes from. Both functions are called by any thread, libnng's too, several at once. */
struct assay_allocator {
	void *(*allocate)(void *arg, size_t octets); /* aligned for any object; NULL: there is none */
	void (*release)(void *arg, void *memory);    /* never NULL */
	void *arg;
};

/* Which of several servers that are well is asked. */
enum assay_balance {
	ASSAY_LEAST_IN_FLIGHT = 0, /* that with the fewest calls of this client under way */
	ASSAY_ROUND_ROBIN = 1
};

struct assay_options {
	size_t size; /* sizeof(struct assay_options) */
	/*
	 * 0: assay_open() returns at once; the connections are made in the background, and made again
	 * whenever they are lost, for as long as the client is open. Otherwise assay_open() waits for a
	 * first connection, at most so many milliseconds, and fails with ASSAY_ERROR_CONNECT if there is none:
	 * at once when each server was tried and could not be reached.
	 */
	uint32_t connect_ms;
	/*
	 * Messages of so many octets and more go as their header and the digests of their body, which are made here: the
	 * verdict is the same, and much less is sent. 0: none does; 1: all do. The daemon has to know CheckDigest (else
	 * ASSAY_ERROR_UNSUPPORTED).
	 */
	size_t digest_from_octets;
	/* What is held of one message at most, else ASSAY_ERROR_TOO_LARGE. 0: ASSAY_OCTETS_HELD_MAX_DEFAULT. */
	size_t octets_held_max;
	enum assay_balance balance;
	/*
	 * A call without a reply after so much of its time goes to a second server too, once. 0:
	 * ASSAY_HEDGE_PERCENT_DEFAULT; 100: never.
	 */
	uint32_t hedge_percent;
	/*
	 * 1: the callbacks of assay_mail_start() run in assay_dispatch() alone, to be called when assay_descriptor() can
	 * be read. 0: they run in a thread of libnng, as soon as there is a verdict.
	 */
	int dispatch;
	const struct assay_allocator *allocator; /* copied; NULL: malloc() and free() */
	/*
	 * For servers at tls+tcp://, files in PEM, read by assay_open() (ASSAY_ERROR_ARGUMENT names one that cannot be used).
	 * The authorities that a server's certificate has to come from; NULL: ASSAY_TLS_CA_FILE_DEFAULT.
	 */
	const char *tls_ca_file;
	const char *tls_certificate_file; /* ours and its key, for servers that ask for one; NULL: none is shown */
	const char *tls_server_name;      /* that the certificate has to be for; NULL: the host in the URL */
};

/*
 * Opens a client of the daemons at `urls`: ipc://PATH, tcp://HOST:PORT or tls+tcp://HOST:PORT, several separated by spaces or commas, at most
 * ASSAY_SERVERS_MAX; NULL: ASSAY_URL_DEFAULT. `options` may be NULL (all 0). ASSAY_ERROR_ARGUMENT, _MEMORY, _CONNECT,
 * _FORKED.
 *
 * With several: a server that is not connected, that left calls unanswered, or that said it has too much to do is passed
 * over for a while, which grows each time and is never quite the same. A call whose connection is lost, or that is
 * refused as too much, goes to another one, as long as there is time.
 */
ASSAY_API enum assay_error assay_open(const char *urls, const struct assay_options *options,
				      struct assay_client **client_out, struct assay_failure *failure);
/* Ends the client; NULL is allowed. Its mails have to be ended before. */
ASSAY_API void assay_close(struct assay_client *client);

/* How a client gets on with one of its servers. */
struct assay_server {
	size_t size;           /* sizeof(struct assay_server): set by the caller */
	const char *url;       /* until the client is closed */
	int connected;
	int avoided;           /* 1: passed over for now */
	uint32_t in_flight;    /* requests */
	uint64_t requests;     /* sent */
	uint64_t octets;       /* of these */
	uint64_t hedges;       /* of the requests: second ones */
	uint64_t unanswered;   /* of the requests: connection lost, or no reply while it was waited for */
	uint64_t overloaded;   /* of the requests: refused as too much */
	uint64_t replaced;     /* connections made anew because nothing at all came from them */
};

/* The server of that number, from 0, in the order of assay_open(). ASSAY_ERROR_ARGUMENT: there is none; _FORKED. */
ASSAY_API enum assay_error assay_get_server(const struct assay_client *client, unsigned number, struct assay_server *server);

/* With assay_options.dispatch: readable when there is something for assay_dispatch() to do; else -1. The client's. */
ASSAY_API int assay_descriptor(const struct assay_client *client);
/* Runs the callbacks that are due, those of other threads' calls too. Never waits. */
ASSAY_API void assay_dispatch(struct assay_client *client);

/* ---- calls ---- */

struct assay_answer;

/* What every call takes. NULL instead of one: all 0. */
struct assay_call {
	size_t size; /* sizeof(struct assay_call) */
	/* For the daemon's log, such as the MTA's queue id; at most ASSAY_ID_OCTETS_MAX octets. NULL: none. */
	const char *id;
	/* Milliseconds until the call returns; 0: ASSAY_DEADLINE_MS_DEFAULT. The daemon is told a little less. */
	uint32_t deadline_ms;
};

/* The SMTP session and transaction, before anything was rewritten. Any pointer may be NULL: not known. */
struct assay_envelope {
	size_t size;                /* sizeof(struct assay_envelope) */
	const char *client_ip;      /* text form without brackets; NULL: SPF is left out */
	const char *helo;           /* HELO or EHLO argument */
	const char *mail_from;      /* reverse-path without angle brackets; NULL or "": the null reverse-path */
	const char *const *rcpt_to; /* rcpt_count forward-paths without angle brackets */
	size_t rcpt_count;
	int64_t received_at;     /* seconds since 1970 UTC, when the message was received; 0: now */
	const char *authserv_id; /* NULL or "": the daemon's */
};

/*
 * SPF, DKIM, ARC and DMARC of one message. `message` is `octets` octets as received by SMTP: CRLF line ends,
 * without dot-stuffing; any octets are allowed, and NULL when there are none. They are copied once, into the
 * request. The answer has a verdict.
 */
ASSAY_API enum assay_error assay_check_message(struct assay_client *client, const struct assay_call *call,
					       const struct assay_envelope *envelope, const void *message,
					       size_t octets, struct assay_answer **answer_out,
					       struct assay_failure *failure);
/* SPF alone, before DATA; needs client_ip. The answer has a verdict with `spf` and perhaps `spf_helo`. */
ASSAY_API enum assay_error assay_check_sender(struct assay_client *client, const struct assay_call *call,
					      const struct assay_envelope *envelope, struct assay_answer **answer_out,
					      struct assay_failure *failure);
/*
 * ---- a mail as it comes in ----
 *
 * The envelope first, the message in chunks as they arrive, then the verdict: so that nobody but the library holds the
 * message, and where it goes as digests not even the library holds its body.
 *
 *   assay_mail_begin -> assay_mail_add ... -> assay_mail_check, or assay_mail_start and its callback -> assay_mail_end
 */

struct assay_mail;

/* `call` and `envelope` are copied. ASSAY_ERROR_ARGUMENT, _MEMORY, _FORKED. */
ASSAY_API enum assay_error assay_mail_begin(struct assay_client *client, const struct assay_call *call,
					    const struct assay_envelope *envelope, struct assay_mail **mail_out,
					    struct assay_failure *failure);
/*
 * More of the message, cut anywhere: header, empty line and body as of assay_check_message(). After a failure the mail can
 * only be ended. ASSAY_ERROR_MEMORY, _TOO_LARGE, _ARGUMENT (the verdict was asked for already).
 */
ASSAY_API enum assay_error assay_mail_add(struct assay_mail *mail, const void *octets, size_t count,
					  struct assay_failure *failure);
/* The message is complete: as assay_check_message(). The deadline counts from now. Once. */
ASSAY_API enum assay_error assay_mail_check(struct assay_mail *mail, struct assay_answer **answer_out,
					    struct assay_failure *failure);

/*
 * Called once: with an answer, which is the callee's now, and failure NULL; or with NULL and a failure, which lives during
 * the call. It runs in assay_dispatch(), or in a thread of libnng, which it must not keep waiting: no call that waits, no
 * assay_close(). assay_mail_end() is allowed.
 */
typedef void (*assay_done_fn)(void *arg, struct assay_answer *answer, const struct assay_failure *failure);

/*
 * The message is complete: as assay_mail_check(), but returns at once. After ASSAY_OK `done` will be called within the
 * deadline, perhaps before this returns; after a failure it will not.
 */
ASSAY_API enum assay_error assay_mail_start(struct assay_mail *mail, assay_done_fn done, void *arg,
					    struct assay_failure *failure);
/* SPF of the envelope, before DATA: as assay_check_sender(), as often as wanted, but one call at a time. */
ASSAY_API enum assay_error assay_mail_start_sender(struct assay_mail *mail, assay_done_fn done, void *arg,
						   struct assay_failure *failure);
/*
 * Ends the mail; NULL is allowed. A call that is under way is given up, and its callback will not be called any more: where
 * it is running, in another thread, this waits for its end.
 */
ASSAY_API void assay_mail_end(struct assay_mail *mail);

/* What is sealed, and for whom. Any pointer may be NULL. */
struct assay_sealing {
	size_t size;        /* sizeof(struct assay_sealing) */
	const char *domain; /* which of the daemon's sealers; NULL: its first */
	/*
	 * What was found when the message came in: assay_verdict.authentication_results of then. NULL: it stands in the
	 * message, in Authentication-Results fields with the authserv_id; then forged ones have to be gone.
	 */
	const char *authentication_results;
};

/*
 * One more ARC set for a message that is about to leave (RFC 8617): as it will leave, for what is changed behind the seal
 * breaks it. Of the envelope received_at and authserv_id count. The answer has a seal.
 */
ASSAY_API enum assay_error assay_seal_message(struct assay_client *client, const struct assay_call *call,
					      const struct assay_envelope *envelope, const struct assay_sealing *sealing,
					      const void *message, size_t octets, struct assay_answer **answer_out,
					      struct assay_failure *failure);
/* How to send to `domain`: MTA-STS, DANE, TLSRPT. `mx_host` may be NULL: the first MX. */
ASSAY_API enum assay_error assay_get_tls_policy(struct assay_client *client, const struct assay_call *call,
						const char *domain, const char *mx_host,
						struct assay_answer **answer_out, struct assay_failure *failure);
/* As assay_get_tls_policy(), but what the daemon keeps of the domain's MTA-STS policy is forgotten first. */
ASSAY_API enum assay_error assay_purge_tls_policy(struct assay_client *client, const struct assay_call *call,
						  const char *domain, const char *mx_host,
						  struct assay_answer **answer_out, struct assay_failure *failure);
/* How the daemon is doing. */
ASSAY_API enum assay_error assay_get_status(struct assay_client *client, const struct assay_call *call,
					    struct assay_answer **answer_out, struct assay_failure *failure);

/* ---- answers ---- */

/*
 * Octets that came from SMTP, from a message or from DNS: any value may stand in them, NUL too. A NUL that
 * `count` does not count follows, so that those who know there is none can read a C string. Never NULL.
 */
struct assay_text {
	const char *octets;
	size_t count;
};

/* Why a result is what it is, in the daemon's words: printable ASCII, never NULL, perhaps "". */
struct assay_reason {
	const char *text; /* what happened */
	const char *fix;  /* what would mend it */
	const char *code; /* a stable word for scripts and metrics */
};

/* The words of RFC 8601 section 2.7, for all methods; which of them occur is said at each method. */
enum assay_result {
	ASSAY_UNKNOWN = 0, /* a word that this library does not know */
	ASSAY_NONE = 1,
	ASSAY_NEUTRAL = 2,
	ASSAY_PASS = 3,
	ASSAY_FAIL = 4,
	ASSAY_SOFTFAIL = 5,
	ASSAY_POLICY = 6,
	ASSAY_TEMPERROR = 7,
	ASSAY_PERMERROR = 8
};

/* "pass", "temperror", ...; "unknown" for a value outside. */
ASSAY_API const char *assay_result_word(enum assay_result result);

enum assay_spf_scope { ASSAY_SPF_MAILFROM = 0, ASSAY_SPF_HELO = 1 };

/* RFC 7208. */
struct assay_spf {
	enum assay_result result; /* none, neutral, pass, fail, softfail, temperror, permerror */
	enum assay_spf_scope scope;
	struct assay_text domain;    /* that was checked */
	const char *explanation;     /* the domain's own words (exp=) on a fail; NULL: none */
	struct assay_text mechanism; /* the term that matched, and the domain whose record has it; empty: none */
	struct assay_text mechanism_domain;
	struct assay_reason reason;
	/*
	 * 1: all clients that share the first `network_prefix` bits of this one's address match the same term. A
	 * pass by a wide network, such as a hosting company's, proves little.
	 */
	int has_network_prefix;
	uint32_t network_prefix;
};

/* RFC 6376: one signature. */
struct assay_dkim {
	enum assay_result result;          /* pass, fail, policy, neutral, temperror, permerror */
	struct assay_text domain;          /* d= */
	struct assay_text selector;        /* s= */
	struct assay_text identity;        /* i=, or "@" and d= */
	struct assay_text algorithm;       /* a= */
	struct assay_text signature_start; /* first characters of b=, for header.b of RFC 6008 */
	uint32_t key_bits;                 /* 0: no key was seen */
	int testing;                       /* 1: the key record has t=y */
	int body_partly_unsigned;          /* 1: l= leaves a part of the body uncovered */
	struct assay_reason reason;
	/*
	 * Signs of replay, a good message sent again to others; no result depends on them. What is seen is of the last
	 * days, this message included; 0: the daemon does not remember signatures.
	 */
	int64_t signed_at;     /* t=, seconds since 1970; 0: none */
	uint32_t seen_times;   /* messages with this signature */
	uint32_t seen_clients; /* they came from so many addresses at least, told apart up to 64 */
};

/* What an ARC hop says it found, in its own words: a method of ARC-Authentication-Results. */
struct assay_arc_property {
	struct assay_text name; /* "header.from" */
	struct assay_text value;
};

struct assay_arc_method {
	struct assay_text method; /* "dmarc" */
	struct assay_text result; /* "pass" */
	const struct assay_arc_property *const *properties; /* property_count of them */
	size_t property_count;
};

/* One hop of a chain. */
struct assay_arc_set {
	uint32_t instance;
	struct assay_text cv;             /* how the hop found the chain that came to it */
	const struct assay_dkim *seal;    /* ARC-Seal, in the words of DKIM; unknown: not looked at. Never NULL */
	const struct assay_dkim *message_signature; /* ARC-Message-Signature, likewise */
	struct assay_text authserv_id;
	const struct assay_arc_method *const *methods; /* method_count of them, as far as they can be read */
	size_t method_count;
	int believable; /* 1: the daemon trusts this sealer, and nobody untrusted can have changed what it handed on */
};

/* RFC 8617. A pass says who sealed the message, not that any of them can be trusted. */
struct assay_arc {
	enum assay_result result; /* none, pass, fail */
	uint32_t instance;        /* the highest i=; 0: none */
	int evaluated;            /* 0: chains are not validated by this daemon; the result claims nothing */
	struct assay_reason reason;
	const struct assay_arc_set *const *sets; /* set_count of them, by instance; none of a chain without its structure */
	size_t set_count;
	int has_oldest_pass;  /* 0: not determined, and oldest_pass means nothing */
	uint32_t oldest_pass; /* lowest instance whose message signature still passes; 0: all do */
};

enum assay_policy { ASSAY_POLICY_NONE = 0, ASSAY_POLICY_QUARANTINE = 1, ASSAY_POLICY_REJECT = 2 };

/* "none", "quarantine", "reject"; "unknown" for a value outside. */
ASSAY_API const char *assay_policy_word(enum assay_policy policy);

/* What RFC 7489 would have made of the message: for comparison, nothing is to be done about it. */
struct assay_dmarc_shadow {
	enum assay_result result;                /* none, pass, fail, temperror */
	struct assay_text organizational_domain; /* by the public suffix list */
	struct assay_text policy_domain;         /* where the record is; empty: there is none */
	int has_policy;                          /* 0: no policy applies, and `policy` and `pct` mean nothing */
	enum assay_policy policy;
	uint32_t pct;                            /* the policy is for so many of a hundred messages */
	enum assay_policy disposition;           /* what is asked for a message that is among them */
	enum assay_policy disposition_unsampled; /* and for one that is not */
	int differs; /* 1: result or one of the dispositions is not that of struct assay_dmarc */
};

/* A local policy of the daemon kept the disposition from being what the domain asks for. */
struct assay_dmarc_override {
	const char *type;              /* "local_policy": a reason of RFC 9990 */
	const char *comment;           /* for reports, such as "arc=pass as[1].d=..." (RFC 8617 section 7.2.2) */
	enum assay_policy disposition; /* what the domain asks for */
	uint32_t arc_instance;         /* the ARC hop that was believed */
};

/* A domain name with A-labels, as a reader is shown it. */
struct assay_unicode {
	const char *name;  /* UTF-8, with U-labels (RFC 5890); "": it cannot be shown safely, or is no U-label */
	int mixes_scripts; /* 1: as names that imitate others do (UTS 39 section 5.2); 0 proves nothing */
};

/* RFC 9989. */
struct assay_dmarc {
	enum assay_result result;                /* none, pass, fail, temperror, permerror */
	struct assay_text from_domain;           /* the author domain; empty: none can be read */
	struct assay_text policy_domain;         /* where the record is; empty: there is none */
	struct assay_text organizational_domain; /* empty: not known */
	int has_policy;                          /* 0: no policy applies, and `policy` means nothing */
	enum assay_policy policy;                /* published for the author domain */
	enum assay_policy disposition;           /* what is asked for this message, after `override` */
	int spf_aligned;
	int dkim_aligned;
	int testing; /* 1: the record has t=y */
	struct assay_text record;
	struct assay_reason reason;
	const struct assay_dmarc_shadow *shadow; /* NULL: not computed */
	const struct assay_dmarc_override *override; /* NULL: there is none */
	const struct assay_unicode *from_domain_unicode; /* NULL: from_domain has no A-labels */
};

/* A header field to be removed: the `index`th of that name, whatever the case, counted from the top; the first is 1. */
struct assay_deletion {
	const char *name;
	uint32_t index;
};

/* Defects for which a site may want to refuse a message: bits of assay_verdict.flags. */
#define ASSAY_FLAG_BARE_CR            0x01u
#define ASSAY_FLAG_BARE_LF            0x02u
#define ASSAY_FLAG_NUL_IN_HEADER      0x04u
#define ASSAY_FLAG_MALFORMED_HEADER   0x08u
#define ASSAY_FLAG_MALFORMED_FROM     0x10u
#define ASSAY_FLAG_HEADER_OVER_BOUNDS 0x20u

struct assay_verdict {
	/*
	 * The value of an Authentication-Results field, folded with CRLF HTAB, no CRLF at its end: put it above
	 * all other fields, after removing those in delete_fields.
	 */
	struct assay_text authentication_results;
	const struct assay_spf *spf;          /* NULL: not checked */
	const struct assay_spf *spf_helo;     /* NULL: not checked. Informative: it never counts for DMARC */
	const struct assay_dkim *const *dkim; /* dkim_count signatures, in header order */
	size_t dkim_count;
	uint32_t dkim_ignored;            /* signatures beyond the daemon's limit, not looked at */
	const struct assay_arc *arc;      /* NULL: not checked */
	const struct assay_dmarc *dmarc;  /* NULL: not checked */
	uint32_t flags;                   /* ASSAY_FLAG_ */
	/*
	 * delete_count fields to remove before authentication_results is inserted: those that claim to be yours, and
	 * those that cannot be read (RFC 8601 section 5). Of each name the last one comes first: removed in this order,
	 * none of them shifts the others. With ASSAY_FLAG_HEADER_OVER_BOUNDS they are those of the part that was read:
	 * refuse such a message, or remove every Authentication-Results field of it.
	 */
	const struct assay_deletion *const *delete_fields;
	size_t delete_count;
	/* duplicate_count names of fields that may occur once and occur more often, such as "Subject". */
	const char *const *duplicate_fields;
	size_t duplicate_count;
	struct assay_reason dkim_ignored_reason; /* all "" when none were */
	/* The value of a Received-SPF field to be added likewise; empty: the daemon is not configured to write one. */
	struct assay_text received_spf;
};

/* Outcomes of the parts of a TLS policy; which of them occur is said at each. */
enum assay_tls_result {
	ASSAY_TLS_UNKNOWN = 0,
	ASSAY_TLS_POLICY = 1,
	ASSAY_TLS_RECORD = 2,
	ASSAY_TLS_SECURE = 3,
	ASSAY_TLS_INSECURE = 4,
	ASSAY_TLS_BOGUS = 5,
	ASSAY_TLS_NONE = 6,
	ASSAY_TLS_INVALID = 7,
	ASSAY_TLS_TEMPERROR = 8
};

/* "policy", "secure", ...; "unknown" for a value outside. */
ASSAY_API const char *assay_tls_result_word(enum assay_tls_result result);

/* What follows from DANE for a delivery to the host (RFC 7672). */
enum assay_dane_delivery {
	ASSAY_DANE_UNKNOWN = 0,
	ASSAY_DANE_AUTHENTICATE = 1,    /* TLS, authenticated by the records */
	ASSAY_DANE_TLS_REQUIRED = 2,    /* TLS without authentication: no record is usable */
	ASSAY_DANE_TLS_IF_POSSIBLE = 3, /* DANE does not apply: what MTA-STS says */
	ASSAY_DANE_DEFER = 4,           /* not now, and never in the clear */
	ASSAY_DANE_NO_DELIVERY = 5      /* there is no host, or it has no address */
};

/* "dane", "tls-required", "tls-if-possible", "defer", "none"; "unknown". Never NULL. */
ASSAY_API const char *assay_dane_delivery_word(enum assay_dane_delivery delivery);

struct assay_tls_policy {
	struct assay_text domain;
	enum assay_tls_result mta_sts; /* policy, none, temperror, invalid (RFC 8461) */
	const char *mta_sts_id;
	const char *mta_sts_mode;      /* "enforce", "testing", "none" */
	const char *const *mta_sts_mx; /* mta_sts_mx_count patterns */
	size_t mta_sts_mx_count;
	uint64_t mta_sts_max_age; /* seconds */
	struct assay_reason mta_sts_reason;
	enum assay_tls_result dane;   /* secure, insecure, bogus, none, temperror (RFC 7672) */
	const char *const *dane_tlsa; /* dane_tlsa_count records in presentation format */
	size_t dane_tlsa_count;
	struct assay_reason dane_reason;
	int has_mx_match; /* 1: a host was asked for, and mx_match says if the policy allows it */
	int mx_match;
	enum assay_tls_result tlsrpt;  /* record, none, invalid, temperror (RFC 8460) */
	const char *const *tlsrpt_rua; /* tlsrpt_rua_count URIs */
	size_t tlsrpt_rua_count;
	const char *postfix; /* a value for smtp_tls_policy_maps; "": the MTA's own default */
	const char *postfix_tlsrpt; /* the same with the attributes of Postfix 3.10 for TLSRPT */
	struct assay_reason tlsrpt_reason;
	enum assay_dane_delivery dane_delivery;
	struct assay_text dane_mx_host;   /* of which host dane is; empty: there is none */
	struct assay_text dane_tlsa_base; /* for SNI; empty: there are no records */
	const struct assay_text *dane_reference_names; /* dane_reference_name_count: what certificates have to name with usage 2 */
	size_t dane_reference_name_count;
	int purged; /* 1: something was kept, and is forgotten */
};

/* A header field to be added. */
struct assay_field {
	const char *name;
	struct assay_text value; /* folded with CRLF SP, without a CRLF at its end */
};

struct assay_seal {
	int sealed; /* 0: no set can be added to such a chain, and `reason` says why */
	const struct assay_field *const *fields; /* field_count of them, to be put above all others, the first on top */
	size_t field_count;
	uint32_t instance;
	enum assay_result cv; /* none, pass, fail */
	struct assay_reason reason;
};

struct assay_counter {
	const char *name;
	uint64_t value;
	int gauge; /* 1: may go down */
};

struct assay_status {
	const char *version;
	uint32_t shards;
	uint64_t uptime_ms;
	const char *const *listeners; /* listener_count URLs */
	size_t listener_count;
	const struct assay_counter *counters; /* counter_count of them */
	size_t counter_count;
	int draining; /* 1: stopping, takes no new requests */
};

/* What the answer has: of the four, the one that was asked for; NULL for the others. */
ASSAY_API const struct assay_verdict *assay_answer_verdict(const struct assay_answer *answer);
ASSAY_API const struct assay_tls_policy *assay_answer_tls_policy(const struct assay_answer *answer);
ASSAY_API const struct assay_status *assay_answer_status(const struct assay_answer *answer);
ASSAY_API const struct assay_seal *assay_answer_seal(const struct assay_answer *answer);
/*
 * ---- decisions ----
 */

/* What a missing verdict means. There is no default: it is the site's to say. */
enum assay_missing {
	ASSAY_MISSING_ACCEPT = 1, /* deliver without one */
	ASSAY_MISSING_DEFER = 2   /* have the client try again later */
};

struct assay_site {
	size_t size;                /* sizeof(struct assay_site) */
	enum assay_missing missing; /* has to be set */
	/* The rest are off when 0. */
	int defer_temperror;     /* a DMARC result of temperror defers the message */
	int ignore_dmarc;        /* what domains ask for by DMARC is not done */
	int quarantine_rejected; /* what should be rejected is quarantined */
	int reject_spf_fail;     /* for assay_check_sender(): SPF says fail */
	uint32_t reject_flags;   /* ASSAY_FLAG_ bits for which a message is rejected */
};

enum assay_action {
	ASSAY_ACCEPT = 1,
	ASSAY_QUARANTINE = 2, /* accept, and keep from the inbox */
	ASSAY_REJECT = 3,     /* a permanent reply */
	ASSAY_DEFER = 4       /* a temporary reply */
};

#define ASSAY_REPLY_OCTETS_MAX 400
#define ASSAY_INSERT_MAX       2

struct assay_field_text {
	const char *name;
	const char *value; /* folded with CRLF HTAB, without a CRLF at its end */
};

struct assay_decision {
	size_t size; /* sizeof(struct assay_decision): set by the caller */
	enum assay_action action;
	/* A suggestion of one line, without CRLF: "550 5.7.1 ...", "451 4.4.3 ..."; "" where the message is taken. */
	char reply[ASSAY_REPLY_OCTETS_MAX + 1];
	/*
	 * Whenever the message is taken: delete_count fields to be removed first, in this order, then insert_count to be put
	 * above all others, the first on top: NAME ": " VALUE CRLF. They live as long as the answer.
	 */
	const struct assay_deletion *const *delete_fields;
	size_t delete_count;
	struct assay_field_text insert[ASSAY_INSERT_MAX];
	size_t insert_count;
};

/* What to do with a message by its verdict; `answer` is NULL when there is none. ASSAY_ERROR_ARGUMENT: site.missing, a size. */
ASSAY_API enum assay_error assay_decide(const struct assay_answer *answer, const struct assay_site *site,
					struct assay_decision *decision_out, struct assay_failure *failure);

/* Ends an answer; NULL is allowed. */
ASSAY_API void assay_answer_free(struct assay_answer *answer);

/* "0.1.0": the library's version, which is not the daemon's. */
ASSAY_API const char *assay_version(void);

#ifdef __cplusplus
}
#endif

#endif
