#include "world.h"

#include "proto/dkim/body.h"

#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#define BODIES_ASKED_MAX 256

struct world_private {
	bool body_asked[2][2];
	bool signature_seen[SIGNATURE_ID_MAX];
	enum signature_answer signature[SIGNATURE_ID_MAX];
	struct body_digest digests[BODIES_ASKED_MAX];
	size_t digests_count;
	bool signing_seen[SIGNING_ID_MAX];
	struct signing_answer signing[SIGNING_ID_MAX];
};

static struct world_record *world_add(struct world *world, const char *name, enum dns_type type)
{
	struct world_record *record = &world->records[world->records_count++];

	ASSERT(world->records_count <= WORLD_RECORDS_MAX);
	*record = (struct world_record){ .name = name, .type = type, .outcome = DNS_FOUND };
	return record;
}

void world_txt_slice(struct world *world, const char *name, struct slice text)
{
	world_add(world, name, DNS_TXT)->record.data = text;
}

void world_txt(struct world *world, const char *name, const char *text)
{
	world_txt_slice(world, name, slice_of_str(text));
}

void world_a(struct world *world, const char *name, const char *ip)
{
	struct world_record *record = world_add(world, name, DNS_A);

	ASSERT(inet_pton(AF_INET, ip, record->text) == 1);
	record->record.data = slice_of(record->text, 4);
}

void world_aaaa(struct world *world, const char *name, const char *ip)
{
	struct world_record *record = world_add(world, name, DNS_AAAA);

	ASSERT(inet_pton(AF_INET6, ip, record->text) == 1);
	record->record.data = slice_of(record->text, 16);
}

void world_mx(struct world *world, const char *name, uint16_t preference, const char *host)
{
	struct world_record *record = world_add(world, name, DNS_MX);

	record->record.data = slice_of_str(host);
	record->record.preference = preference;
}

void world_ptr(struct world *world, const char *name, const char *host)
{
	world_add(world, name, DNS_PTR)->record.data = slice_of_str(host);
}

void world_cname(struct world *world, const char *name, const char *target)
{
	world_add(world, name, DNS_CNAME)->record.data = slice_of_str(target);
}

void world_tlsa(struct world *world, const char *name, struct slice rdata)
{
	world_add(world, name, DNS_TLSA)->record.data = rdata;
}

void world_insecure(struct world *world, const char *name)
{
	ASSERT(world->insecure_count < WORLD_INSECURE_MAX);
	world->insecure[world->insecure_count++] = name;
}

static bool world_is_secure(const struct world *world, struct slice name)
{
	for (size_t i = 0; i < world->insecure_count; i++)
		if (slice_equal_nocase(slice_of_str(world->insecure[i]), name))
			return false;
	return world->secure;
}

/* Goes one alias further; false: there is none at that name. */
static bool world_follow(const struct world *world, struct slice *name)
{
	for (size_t i = 0; i < world->records_count; i++) {
		const struct world_record *record = &world->records[i];

		if (record->type == DNS_CNAME && record->outcome == DNS_FOUND &&
		    slice_equal_nocase(slice_of_str(record->name), *name)) {
			*name = record->record.data;
			return true;
		}
	}
	return false;
}

void world_outcome(struct world *world, const char *name, enum dns_type type, enum dns_outcome outcome)
{
	world_add(world, name, type)->outcome = outcome;
}

static void world_answer(struct world *world, struct world_asked *asked)
{
	struct dns_record *records = ARENA_NEW_ARRAY(&world->arena, world->records_count, struct dns_record);
	struct slice name = slice_of_str(asked->name);
	bool exists = false;

	ASSERT(records);
	asked->answer = (struct dns_answer){ .outcome = DNS_NXDOMAIN, .ttl = 300, .records = records };
	asked->answer.secure = world_is_secure(world, name);
	while (asked->type != DNS_CNAME && world_follow(world, &name)) {
		asked->answer.alias = name;
		asked->answer.secure = asked->answer.secure && world_is_secure(world, name);
	}
	for (size_t i = 0; i < world->records_count; i++) {
		const struct world_record *record = &world->records[i];

		if (!slice_equal_nocase(slice_of_str(record->name), name))
			continue;
		exists = true;
		if (record->type != asked->type)
			continue;
		if (record->outcome != DNS_FOUND) {
			asked->answer = (struct dns_answer){ .outcome = record->outcome };
			return;
		}
		records[asked->answer.count++] = record->record;
	}
	if (exists)
		asked->answer.outcome = asked->answer.count ? DNS_FOUND : DNS_NODATA;
}

/* As a cache does, every other time: the evaluator must not tell the difference. */
static void world_read(struct world *world, struct world_asked *asked, const struct dns_form *form)
{
	if (!form || asked->answer.outcome != DNS_FOUND || world->asked_count % 2)
		return;
	ASSERT(dns_answer_read(&asked->answer, form, &world->arena, &asked->answer.object) == 0);
	asked->answer.form = form;
}

static const struct dns_answer *world_dns(void *arg, const struct dns_question *question)
{
	static const struct dns_answer budget = { .outcome = DNS_BUDGET };
	struct slice name = question->name;
	enum dns_type type = question->type;
	struct world *world = arg;
	struct world_asked *asked;

	ASSERT(name.len > 0 && name.len <= 253);
	for (size_t i = 0; i < world->asked_count; i++) {
		asked = &world->asked[i];
		if (asked->type == type && slice_equal_nocase(slice_of_str(asked->name), name)) {
			asked->times++;
			asked->is_optional = asked->is_optional && question->is_optional;
			return &asked->answer;
		}
	}
	if (world->lookups_max && world->asked_count + question->reserved >= world->lookups_max)
		return &budget;
	ASSERT(world->asked_count < WORLD_ASKED_MAX);
	asked = &world->asked[world->asked_count++];
	memcpy(asked->name, name.ptr, name.len);
	asked->name[name.len] = 0;
	asked->type = type;
	asked->times = 1;
	asked->is_optional = question->is_optional;
	world_answer(world, asked);
	world_read(world, asked, question->form);
	return world->eager ? &asked->answer : NULL;
}

static const struct body_digest *world_body_digest(void *arg, const struct body_question *question)
{
	struct world *world = arg;
	struct world_private *private = world->private;
	struct body_digest *digest;
	struct dkim_body body;
	struct slice part;
	EVP_MD_CTX *md;
	uint64_t left = question->octets_max;

	world->bodies_asked++;
	if (!private->body_asked[question->canon][question->hash] && !world->eager) {
		private->body_asked[question->canon][question->hash] = true;
		return NULL;
	}
	ASSERT(private->digests_count < BODIES_ASKED_MAX);
	digest = &private->digests[private->digests_count++];
	md = EVP_MD_CTX_new();
	ASSERT(EVP_DigestInit_ex(md, question->hash == HASH_SHA1 ? EVP_sha1() : EVP_sha256(), NULL));
	dkim_body_init(&body, question->canon);
	dkim_body_feed(&body, question->body);
	for (int finished = 0; finished < 2; finished++) {
		while (dkim_body_next(&body, &part)) {
			digest->canonical_octets += part.len;
			part = slice_sub(part, 0, left < part.len ? (size_t)left : part.len);
			left -= part.len;
			ASSERT(EVP_DigestUpdate(md, part.ptr, part.len));
		}
		if (!finished)
			dkim_body_finish(&body);
	}
	ASSERT(EVP_DigestFinal_ex(md, digest->octets, NULL));
	EVP_MD_CTX_free(md);
	return digest;
}

static EVP_PKEY *world_rsa_key(const struct public_key *key)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_bin2bn(key->modulus.ptr, (int)key->modulus.len, NULL);
	BIGNUM *e = BN_bin2bn(key->exponent.ptr, (int)key->exponent.len, NULL);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *pkey = NULL;
	OSSL_PARAM *params;

	OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n);
	OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e);
	params = OSSL_PARAM_BLD_to_param(builder);
	if (EVP_PKEY_fromdata_init(context) == 1)
		(void)EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(builder);
	EVP_PKEY_CTX_free(context);
	BN_free(n);
	BN_free(e);
	return pkey;
}

static enum signature_answer world_verify(const struct signature_question *question)
{
	bool rsa = question->key.kind == PUBLIC_KEY_RSA;
	EVP_PKEY *pkey = rsa ? world_rsa_key(&question->key)
	                     : EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, question->key.point.ptr,
	                                                   question->key.point.len);
	const EVP_MD *hash = question->hash == HASH_SHA1 ? EVP_sha1() : EVP_sha256();
	EVP_MD_CTX *md = EVP_MD_CTX_new(), *verify = EVP_MD_CTX_new();
	EVP_PKEY_CTX *context = NULL;
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned digest_len = 0;
	int valid = 0;

	EVP_DigestInit_ex(md, hash, NULL);
	for (size_t i = 0; i < question->signed_parts_count; i++)
		EVP_DigestUpdate(md, question->signed_parts[i].ptr, question->signed_parts[i].len);
	EVP_DigestFinal_ex(md, digest, &digest_len);
	if (pkey && rsa) {
		context = EVP_PKEY_CTX_new(pkey, NULL);
		valid = EVP_PKEY_verify_init(context) == 1 && EVP_PKEY_CTX_set_rsa_padding(context, 1) == 1 &&
		        EVP_PKEY_CTX_set_signature_md(context, hash) == 1 &&
		        EVP_PKEY_verify(context, question->signature.ptr, question->signature.len, digest, digest_len) == 1;
	} else if (pkey) {
		valid = EVP_DigestVerifyInit(verify, NULL, NULL, NULL, pkey) == 1 &&
		        EVP_DigestVerify(verify, question->signature.ptr, question->signature.len, digest, digest_len) == 1;
	}
	EVP_PKEY_CTX_free(context);
	EVP_MD_CTX_free(md);
	EVP_MD_CTX_free(verify);
	EVP_PKEY_free(pkey);
	return valid ? SIGNATURE_VALID : SIGNATURE_INVALID;
}

static bool world_signature_known(void *arg, unsigned id, enum signature_answer *answer_out)
{
	struct world *world = arg;
	struct world_private *private = world->private;

	ASSERT(id < SIGNATURE_ID_MAX);
	if (!private->signature_seen[id])
		return false;
	*answer_out = private->signature[id];
	return true;
}

static enum signature_answer world_signature(void *arg, const struct signature_question *question)
{
	struct world *world = arg;
	struct world_private *private = world->private;

	ASSERT(question->id < SIGNATURE_ID_MAX && !private->signature_seen[question->id]);
	world->signatures_asked++;
	private->signature_seen[question->id] = true;
	private->signature[question->id] =
		world->signature_forced != SIGNATURE_PENDING ? world->signature_forced : world_verify(question);
	return world->eager ? private->signature[question->id] : SIGNATURE_PENDING;
}

static struct slice world_signature_of(struct world *world, const struct signing_question *question)
{
	BIO *bio = BIO_new_mem_buf(world->signing_key, -1);
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t len = 512;
	uint8_t *signature = arena_alloc(&world->arena, len);

	ASSERT(pkey && signature && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, pkey) == 1);
	for (size_t i = 0; i < question->parts_count; i++)
		ASSERT(EVP_DigestSignUpdate(context, question->parts[i].ptr, question->parts[i].len) == 1);
	ASSERT(EVP_DigestSignFinal(context, signature, &len) == 1);
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(pkey);
	BIO_free(bio);
	return slice_of(signature, len);
}

static const struct signing_answer *world_sign(void *arg, const struct signing_question *question)
{
	struct world *world = arg;
	struct world_private *private = world->private;
	struct signing_answer *answer = &private->signing[question->id];

	ASSERT(question->id < SIGNING_ID_MAX);
	if (private->signing_seen[question->id])
		return answer;
	private->signing_seen[question->id] = true;
	world->signings_asked++;
	answer->fault = !world->signing_key;
	if (world->signing_key)
		answer->signature = world_signature_of(world, question);
	return world->eager ? answer : NULL;
}

static const struct policy_answer *world_policy_kept(void *arg, struct slice domain)
{
	struct world *world = arg;

	(void)domain;
	return &world->policy_kept;
}

static const struct policy_answer *world_policy_fetch(void *arg, const struct policy_question *question)
{
	struct world *world = arg;

	ASSERT(question->addresses_count > 0 && question->addresses_count <= 16);
	memcpy(world->policy_addresses, question->addresses, question->addresses_count * sizeof(*question->addresses));
	world->policy_asked = *question;
	return world->policies_asked++ || world->eager ? &world->policy_fetched : NULL;
}

void world_init(struct world *world)
{
	static const struct ask_ops ops = {
		.dns = world_dns,
		.body_digest = world_body_digest,
		.signature_known = world_signature_known,
		.signature = world_signature,
		.sign = world_sign,
		.policy_kept = world_policy_kept,
		.policy_fetch = world_policy_fetch,
	};

	memset(world, 0, sizeof(*world));
	world->policy_kept.outcome = POLICY_NOT_KEPT;
	world->policy_fetched = (struct policy_answer){ .outcome = POLICY_NOT_SERVED, .detail = SLICE("no connection") };
	arena_init(&world->arena, (size_t)64 << 20);
	world->private = calloc(1, sizeof(struct world_private));
	ASSERT(world->private);
	world->ask = (struct ask){ .ops = &ops, .arg = world };
}

void world_deinit(struct world *world)
{
	arena_deinit(&world->arena);
	free(world->private);
}

bool world_asked_optionally(const struct world *world, const char *name, enum dns_type type)
{
	for (size_t i = 0; i < world->asked_count; i++)
		if (world->asked[i].type == type &&
		    slice_equal_nocase(slice_of_str(world->asked[i].name), slice_of_str(name)))
			return world->asked[i].is_optional;
	return false;
}

unsigned world_times_asked(const struct world *world, const char *name, enum dns_type type)
{
	for (size_t i = 0; i < world->asked_count; i++)
		if (world->asked[i].type == type &&
		    slice_equal_nocase(slice_of_str(world->asked[i].name), slice_of_str(name)))
			return world->asked[i].times;
	return 0;
}
