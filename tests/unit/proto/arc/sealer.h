/*
 * sealer.h - chains with real Ed25519 signatures, for the tests of this folder.
 *
 * What is signed is written down, not computed by the code under test: each field is made in relaxed canonical form from
 * the start. The key is that of RFC 8463 appendix A.
 */
#ifndef ASSAY_TESTS_ARC_SEALER_H
#define ASSAY_TESTS_ARC_SEALER_H

#include "unit.h"

#include <openssl/evp.h>
#include <stdlib.h>

#define SEALER_KEY    "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define SEALER_SECRET "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="

#define AUTHOR        "from:Joe <joe@author.example>\r\n"
#define BODY          "Hi.\r\n"

#define HOPS_MAX      60
#define FIELD_SIZE    512

/* What hops do, each hop the same unless `odd` says otherwise. */
struct plan {
	unsigned hops;
	unsigned changed_at;     /* this hop, as it adds its set, has changed the subject; 0: nobody has */
	const char *names;       /* h=; NULL: from:subject */
	const char *findings;    /* of each hop, behind its authserv-id; NULL: dmarc=pass for author.example */
};

struct made_chain {
	char fields[HOPS_MAX][3][FIELD_SIZE]; /* results, message signature, seal; without CRLF */
	char text[3 * HOPS_MAX * FIELD_SIZE]; /* the message */
};

static inline void sealer_base64(const uint8_t *octets, size_t len, char *out)
{
	EVP_EncodeBlock((unsigned char *)out, octets, (int)len);
}

/* Ed25519 over SHA-256 (RFC 8463 section 3), as base64. */
static inline void sealer_sign(const char *text, char *out)
{
	uint8_t secret[48], digest[32], signature[64];
	size_t len = sizeof(signature);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY *key;

	assert_int_equal(EVP_DecodeBlock(secret, (const unsigned char *)SEALER_SECRET, 44), 33);
	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, 32);
	assert_true(EVP_Digest(text, strlen(text), digest, NULL, EVP_sha256(), NULL));
	assert_true(EVP_DigestSignInit(context, NULL, NULL, NULL, key));
	assert_true(EVP_DigestSign(context, signature, &len, digest, sizeof(digest)));
	sealer_base64(signature, len, out);
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
}

static inline void sealer_body_hash(char *out)
{
	uint8_t digest[32];

	assert_true(EVP_Digest(BODY, strlen(BODY), digest, NULL, EVP_sha256(), NULL));
	sealer_base64(digest, sizeof(digest), out);
}

static inline const char *sealer_subject(const struct plan *plan, unsigned hop)
{
	return hop < plan->changed_at ? "subject:old\r\n" : "subject:new\r\n";
}

static inline void sealer_message_signature(struct made_chain *made, const struct plan *plan, unsigned hop)
{
	const char *names = plan->names ? plan->names : "from:subject";
	char *field = made->fields[hop - 1][1], body_hash[64], signature[128], input[2 * FIELD_SIZE];

	sealer_body_hash(body_hash);
	snprintf(field, FIELD_SIZE,
		 "arc-message-signature:i=%u; a=ed25519-sha256; c=relaxed/relaxed; d=h%u.example; s=k; h=%s; bh=%s; b=",
		 hop, hop, names, body_hash);
	snprintf(input, sizeof(input), "%s%s%s", strstr(names, "from") ? AUTHOR : "",
		 strstr(names, "subject") ? sealer_subject(plan, hop) : "", field);
	sealer_sign(input, signature);
	strcat(field, signature);
}

static inline void sealer_seal(struct made_chain *made, unsigned hop)
{
	char *field = made->fields[hop - 1][2], signature[128], *input = made->text;

	snprintf(field, FIELD_SIZE, "arc-seal:i=%u; cv=%s; a=ed25519-sha256; d=h%u.example; s=k; t=1600000000; b=", hop,
		 hop == 1 ? "none" : "pass", hop);
	input[0] = 0;
	for (unsigned i = 0; i < hop; i++)
		for (unsigned k = 0; k < 3; k++)
			input += sprintf(input, "%s%s", made->fields[i][k], i == hop - 1 && k == 2 ? "" : "\r\n");
	sealer_sign(made->text, signature);
	strcat(field, signature);
}

/* The message as it comes in: the newest set on top. To be freed. */
static inline struct made_chain *chain_make(const struct plan *plan)
{
	struct made_chain *made = calloc(1, sizeof(*made));
	const char *findings = plan->findings ? plan->findings : "dmarc=pass header.from=author.example";
	char *at;

	assert_non_null(made);
	assert_true(plan->hops <= HOPS_MAX);
	for (unsigned hop = 1; hop <= plan->hops; hop++) {
		snprintf(made->fields[hop - 1][0], FIELD_SIZE, "arc-authentication-results:i=%u; mx%u.example; %s", hop,
			 hop, findings);
		sealer_message_signature(made, plan, hop);
		sealer_seal(made, hop);
	}
	at = made->text;
	for (unsigned hop = plan->hops; hop > 0; hop--)
		for (unsigned k = 3; k > 0; k--)
			at += sprintf(at, "%s\r\n", made->fields[hop - 1][k - 1]);
	sprintf(at, AUTHOR "%s\r\n" BODY, sealer_subject(plan, plan->hops));
	return made;
}

#endif
