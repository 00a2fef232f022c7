/*
 * stack - a peer of assayd: libopendkim, libspf2 and libopendmarc in one program, as a mail filter would call them.
 *
 *   stack CORPUS [MESSAGES]
 *
 * Speaks what bench/run/peer.py says of every peer: "ready N" when the corpus is read; for each line "pass" it checks all
 * messages and says "passed N"; for a line "verdicts" it tells those of the last pass, a JSON object a line, and then ".".
 *
 * Each library caches what it can (SPF_DNS_CACHE, DKIM_LIBFLAGS_CACHE); what they ask is answered by the system's
 * resolver. The author domain is taken from the index, for none of them reads a From field: that much is for free.
 */
#include "corpus/read.h"

#include "corpus/text.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <arpa/nameser.h>
#include <resolv.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dkim.h>
#include <opendmarc/dmarc.h>
#include <spf2/spf.h>

#define SUFFIXES "/usr/share/publicsuffix/public_suffix_list.dat" /* unless PUBLIC_SUFFIX_LIST names another */

struct peer {
	DKIM_LIB *dkim;
	SPF_server_t *spf;
	OPENDMARC_LIB_T dmarc;
};

/* What was found for one message. */
struct found {
	const char *spf, *dmarc;
	unsigned signatures_count;
	struct {
		const char *result;
		char domain[256], selector[64];
	} signatures[ENTRY_SIGNATURES_MAX];
};

static void peer_open(struct peer *peer)
{
	unsigned flags = DKIM_LIBFLAGS_CACHE;
	const char *suffixes = getenv("PUBLIC_SUFFIX_LIST");

	peer->dkim = dkim_init(NULL, NULL);
	peer->spf = SPF_server_new(SPF_DNS_CACHE, 0);
	peer->dmarc.tld_type = OPENDMARC_TLD_TYPE_MOZILLA;
	snprintf((char *)peer->dmarc.tld_source_file, sizeof(peer->dmarc.tld_source_file), "%s",
	         suffixes ? suffixes : SUFFIXES);
	if (!peer->dkim || !peer->spf || opendmarc_policy_library_init(&peer->dmarc) != DMARC_PARSE_OKAY)
		die("a library cannot be initialised");
	if (dkim_libfeature(peer->dkim, DKIM_FEATURE_QUERY_CACHE))
		dkim_options(peer->dkim, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof(flags));
	SPF_server_set_rec_dom(peer->spf, "mx.example.org");
	fprintf(stderr, "stack: libopendkim %s its cache of keys, %s ed25519\n",
	        dkim_libfeature(peer->dkim, DKIM_FEATURE_QUERY_CACHE) ? "has" : "was built without",
	        dkim_libfeature(peer->dkim, DKIM_FEATURE_ED25519) ? "knows" : "does not know");
}

static void peer_close(struct peer *peer)
{
	dkim_close(peer->dkim);
	SPF_server_free(peer->spf);
	opendmarc_policy_library_shutdown(&peer->dmarc);
}

/* --- SPF --- */

static const char *spf_word(SPF_result_t result)
{
	switch (result) {
	case SPF_RESULT_PASS: return "pass";
	case SPF_RESULT_FAIL: return "fail";
	case SPF_RESULT_SOFTFAIL: return "softfail";
	case SPF_RESULT_NEUTRAL: return "neutral";
	case SPF_RESULT_NONE: return "none";
	case SPF_RESULT_TEMPERROR: return "temperror";
	default: return "permerror";
	}
}

static void spf_check(struct peer *peer, const struct entry *entry, struct found *found)
{
	SPF_request_t *request = SPF_request_new(peer->spf);
	SPF_response_t *response = NULL;

	if (strchr(entry->client_ip, ':'))
		SPF_request_set_ipv6_str(request, entry->client_ip);
	else
		SPF_request_set_ipv4_str(request, entry->client_ip);
	SPF_request_set_helo_dom(request, entry->helo);
	if (*entry->mail_from)
		SPF_request_set_env_from(request, entry->mail_from);
	SPF_request_query_mailfrom(request, &response);
	found->spf = response ? spf_word(SPF_response_result(response)) : "temperror";
	SPF_response_free(response);
	SPF_request_free(request);
}

/* --- DKIM --- */

static const char *dkim_word(DKIM_SIGINFO *signature)
{
	if (DKIM_SIG_CHECK(signature))
		return "pass";
	switch (dkim_sig_geterror(signature)) {
	case DKIM_SIGERROR_KEYFAIL: return "temperror";
	case DKIM_SIGERROR_INVALID_A:
	case DKIM_SIGERROR_KEYTYPEUNKNOWN: return "neutral";
	case DKIM_SIGERROR_UNKNOWN:
	case DKIM_SIGERROR_OK:
	case DKIM_SIGERROR_BADSIG: return "fail";
	default: return "permerror";
	}
}

static void signatures_tell(DKIM *dkim, struct found *found)
{
	DKIM_SIGINFO **list;
	int count = 0;

	if (dkim_getsiglist(dkim, &list, &count) != DKIM_STAT_OK)
		return;
	for (int i = 0; i < count && i < ENTRY_SIGNATURES_MAX; i++) {
		found->signatures[i].result = dkim_word(list[i]);
		snprintf(found->signatures[i].domain, sizeof(found->signatures[i].domain), "%s",
		         (const char *)dkim_sig_getdomain(list[i]));
		snprintf(found->signatures[i].selector, sizeof(found->signatures[i].selector), "%s",
		         (const char *)dkim_sig_getselector(list[i]));
		found->signatures_count++;
	}
}

static void dkim_check(struct peer *peer, const struct entry *entry, struct found *found)
{
	DKIM_STAT status;
	DKIM *dkim = dkim_verify(peer->dkim, (const unsigned char *)"bench", NULL, &status);
	/* The library's own type; it does not write to what it is given. */
	unsigned char *octets = (unsigned char *)(uintptr_t)entry->octets;

	if (!dkim)
		die("dkim_verify: status %d", status);
	status = dkim_chunk(dkim, octets, entry->len);
	if (status == DKIM_STAT_OK)
		status = dkim_chunk(dkim, NULL, 0);
	dkim_eom(dkim, NULL);
	signatures_tell(dkim, found);
	dkim_free(dkim);
}

/* --- DMARC --- */

static const char *dmarc_word(DMARC_POLICY_T *policy, OPENDMARC_STATUS_T asked)
{
	if (asked == DMARC_DNS_ERROR_TMPERR)
		return "temperror";
	switch (opendmarc_get_policy_to_enforce(policy)) {
	case DMARC_POLICY_PASS: return "pass";
	case DMARC_POLICY_NONE:
	case DMARC_POLICY_QUARANTINE:
	case DMARC_POLICY_REJECT: return "fail";
	default: return "none";
	}
}

/* The library takes its strings as octets that it does not change. */
static unsigned char *text(const char *string)
{
	return (unsigned char *)(uintptr_t)string;
}

static void dmarc_check(const struct entry *entry, struct found *found)
{
	bool has_path = *entry->mail_from;
	DMARC_POLICY_T *policy = opendmarc_policy_connect_init(text(entry->client_ip), strchr(entry->client_ip, ':') ? 6 : 4);
	const char *at = has_path ? strrchr(entry->mail_from, '@') : NULL;
	OPENDMARC_STATUS_T asked;

	opendmarc_policy_store_from_domain(policy, text(entry->author));
	opendmarc_policy_store_spf(policy, text(at ? at + 1 : entry->helo),
	                           strcmp(found->spf, "pass") == 0 ? DMARC_POLICY_SPF_OUTCOME_PASS
	                                                           : DMARC_POLICY_SPF_OUTCOME_FAIL,
	                           has_path ? DMARC_POLICY_SPF_ORIGIN_MAILFROM : DMARC_POLICY_SPF_ORIGIN_HELO, NULL);
	for (unsigned i = 0; i < found->signatures_count; i++)
		opendmarc_policy_store_dkim(policy, text(found->signatures[i].domain), text(found->signatures[i].selector),
		                            strcmp(found->signatures[i].result, "pass") == 0 ? DMARC_POLICY_DKIM_OUTCOME_PASS
		                                                                             : DMARC_POLICY_DKIM_OUTCOME_FAIL,
		                            NULL);
	asked = opendmarc_policy_query_dmarc(policy, NULL);
	found->dmarc = dmarc_word(policy, asked);
	opendmarc_policy_connect_shutdown(policy);
}

/* --- what is said --- */

static void verdicts_tell(const struct found *found, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		printf("{\"spf\":\"%s\",\"dmarc\":\"%s\",\"dkim\":[", found[i].spf, found[i].dmarc);
		for (unsigned k = 0; k < found[i].signatures_count; k++)
			printf("%s[\"%s\",\"%s\",\"%s\"]", k ? "," : "", found[i].signatures[k].domain,
			       found[i].signatures[k].selector, found[i].signatures[k].result);
		puts("]}");
	}
	puts(".");
}

int main(int argc, char **argv)
{
	struct corpus *corpus;
	struct found *found;
	struct peer peer = { 0 };
	char line[32];

	if (argc < 2 || argc > 3) {
		fputs("stack CORPUS [MESSAGES]\n", stderr);
		return 2;
	}
	corpus = corpus_read(argv[1], argc > 2 ? strtoul(argv[2], NULL, 10) : 0);
	found = memory_new(corpus->count, sizeof(*found));
	peer_open(&peer);
	setvbuf(stdout, NULL, _IOFBF, BUFSIZ);
	printf("ready %zu\n", corpus->count);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		if (strcmp(line, "pass\n") == 0) {
			for (size_t i = 0; i < corpus->count; i++) {
				found[i].signatures_count = 0;
				spf_check(&peer, &corpus->entries[i], &found[i]);
				dkim_check(&peer, &corpus->entries[i], &found[i]);
				dmarc_check(&corpus->entries[i], &found[i]);
			}
			printf("passed %zu\n", corpus->count);
		} else if (strcmp(line, "verdicts\n") == 0) {
			verdicts_tell(found, corpus->count);
		}
		fflush(stdout);
	}
	peer_close(&peer);
	free(found);
	return 0;
}
