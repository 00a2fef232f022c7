#include "corpus/message.h"

#include "corpus/body.h"
#include "corpus/canon.h"

#include <math.h>
#include <openssl/sha.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define EPOCH INT64_C(1767225600) /* 2026-01-01: when the first message is received */
#define OCTETS_MIN 1500
#define BODY_MIN 200
#define FIELDS_MAX 64

/* What goes wrong on the way. */
enum damage { DAMAGE_NONE, DAMAGE_BODY, DAMAGE_HEADER, DAMAGE_KEY_MISSING, DAMAGE_KEY_REVOKED };

/* Whose reverse-path it is. */
enum sender { SENDER_AUTHOR, SENDER_BOUNCE, SENDER_PROVIDER, SENDER_NULL };

struct making {
	const struct message_maker *maker;
	const struct domain *domain;
	struct provider provider;
	struct prng prng;
	struct message *message;
	bool author_is_below;       /* the author is at news.D */
	enum sender sender;
	bool client_is_good;
	enum damage damage;
	struct octets fields[FIELDS_MAX]; /* each without its last CRLF, from the top */
	unsigned fields_count, received_count;
	struct body body;
};

/* --- header --- */

__attribute__((format(printf, 2, 3))) static void field(struct making *making, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	if (making->fields_count == FIELDS_MAX)
		die("a message with too many header fields");
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	octets_text(&making->fields[making->fields_count++], text);
}

static void date_text(int64_t at, char text[48])
{
	time_t seconds = (time_t)at;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, 48, "%a, %d %b %Y %H:%M:%S +0000", &tm);
}

static void received_chain(struct making *making)
{
	static const char *const with[] = { "ESMTPS", "ESMTP", "SMTP", "ESMTPSA" };
	struct prng *prng = &making->prng;
	int64_t at = making->message->received_at;
	char date[48];

	making->received_count = prng_between(prng, 1, 6);
	for (unsigned hop = 0; hop < making->received_count; hop++) {
		date_text(at, date);
		field(making,
		      "Received: from relay%u.%s (relay%u.%s [198.18.%u.%u])\r\n\tby mx%u.%s (Postfix) with %s id %llX\r\n"
		      "\t(version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 bits=256 verify=NO)\r\n\tfor <%s>; %s",
		      hop, making->domain->name, hop, making->domain->name, hop, prng_between(prng, 1, 254), hop,
		      making->provider.name, with[prng_below(prng, 4)], (unsigned long long)prng_next(prng) >> 20,
		      making->message->rcpt_to, date);
		at -= prng_between(prng, 0, 4);
	}
}

static void extra_fields(struct making *making, unsigned wanted)
{
	static const char *const names[] = {
		"X-Mailer", "X-Campaign-ID", "X-MS-Exchange-Organization-SCL", "X-Originating-IP", "X-Spam-Status",
		"X-Report-Abuse", "X-Entity-ID", "X-SG-EID", "X-Message-ID", "X-Priority", "Importance", "Thread-Index",
		"Thread-Topic", "X-Google-Smtp-Source", "X-Received", "X-Gm-Message-State", "X-MS-Has-Attach",
		"X-MS-TNEF-Correlator", "X-Auto-Response-Suppress", "X-CSA-Complaints", "Precedence", "X-Job",
		"X-Virus-Scanned", "X-Sender-Info", "X-Proofpoint-GUID", "X-Feedback-Token",
	};
	struct prng *prng = &making->prng;
	size_t first = (size_t)prng_below(prng, 26);
	uint8_t token[120];

	for (size_t i = 0; i < 26 && making->fields_count < wanted; i++) {
		struct octets text = { NULL, 0, 0 };
		size_t count = prng_between(prng, 6, sizeof(token));

		prng_octets(prng, token, count);
		octets_base64(&text, token, count);
		/* Long values are folded. */
		if (text.len > 60)
			field(making, "%s: %.60s\r\n %s", names[(first + i) % 26], (const char *)text.at,
			      (const char *)text.at + 60);
		else
			field(making, "%s: %s", names[(first + i) % 26], (const char *)text.at);
		octets_free(&text);
	}
}

static void header_make(struct making *making)
{
	static const char *const names[] = { "Anna Keller", "\"Newsletter\"", "Support Team", "J. Smith", "\"Billing, EU\"" };
	struct prng *prng = &making->prng;
	const struct message *message = making->message;
	unsigned wanted = prng_between(prng, 14, 38);
	struct octets subject = { NULL, 0, 0 };
	char date[48];

	received_chain(making);
	date_text(message->received_at - making->received_count * 2, date);
	body_words(prng, prng_between(prng, 3, 9), &subject);
	field(making, "Date: %s", date);
	field(making, "From: %s <%s@%s>", names[prng_below(prng, 5)], prng_chance(prng, 50) ? "info" : "anna.keller",
	      message->author);
	field(making, "To: %s", message->rcpt_to);
	field(making, "Subject: %s%s", prng_chance(prng, 20) ? "Re:  " : "", (const char *)subject.at);
	field(making, "Message-ID: <%llx.%llx@%s>", (unsigned long long)prng_next(prng),
	      (unsigned long long)prng_next(prng), message->author);
	field(making, "MIME-Version: 1.0");
	field(making, "Content-Type: %s", making->body.content_type);
	field(making, "Content-Transfer-Encoding: %s", making->body.encoding);
	if (prng_chance(prng, 60)) {
		field(making, "Reply-To: reply+%llx@%s", (unsigned long long)prng_next(prng), message->author);
		field(making, "List-Unsubscribe: <https://click.example/u/%llx>,\r\n <mailto:leave-%llx@%s>",
		      (unsigned long long)prng_next(prng), (unsigned long long)prng_next(prng), message->author);
		field(making, "List-Unsubscribe-Post: List-Unsubscribe=One-Click");
		field(making, "Feedback-ID: %u:%u:campaign:%s", prng_between(prng, 1, 999999), prng_between(prng, 1, 99),
		      making->provider.name);
	}
	extra_fields(making, wanted);
	octets_free(&subject);
}

static struct octets *field_find(struct making *making, const char *name)
{
	size_t len = strlen(name);

	for (unsigned i = 0; i < making->fields_count; i++) {
		struct octets *at = &making->fields[i];

		if (at->len > len && at->at[len] == ':' && strncasecmp((const char *)at->at, name, len) == 0)
			return at;
	}
	return NULL;
}

/* --- signatures --- */

static void base64_folded(const struct octets *text, struct octets *out)
{
	for (size_t at = 0; at < text->len; at += 68) {
		octets_text(out, "\r\n\t ");
		octets_add(out, text->at + at, text->len - at < 68 ? text->len - at : 68);
	}
}

/* Makes the field without the signature, and what is signed but for the field itself. */
static void signature_prepare(struct making *making, const struct signature *signature, struct octets *own,
                              struct octets *signed_octets)
{
	static const char *const names[] = {
		"From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
		"Reply-To", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID",
	};
	struct octets canonical = { NULL, 0, 0 };
	uint8_t digest[SHA256_DIGEST_LENGTH];

	canon_body(making->body.octets.at, making->body.octets.len, signature->relaxed_body, &canonical);
	SHA256(canonical.at, canonical.len, digest);
	octets_free(&canonical);
	octets_format(own, "DKIM-Signature: v=1; a=%s; c=%s/%s; d=%s; s=%s;\r\n\tt=%lld; h=From",
	              key_algorithm(signature->key), signature->relaxed_header ? "relaxed" : "simple",
	              signature->relaxed_body ? "relaxed" : "simple", signature->domain, signature->selector,
	              (long long)making->message->received_at - 20);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const struct octets *at = field_find(making, names[i]);

		if (!at)
			continue;
		if (i > 0)
			octets_format(own, i % 5 ? ":%s" : ":\r\n\t %s", names[i]);
		canon_field(at->at, at->len, signature->relaxed_header, signed_octets);
		octets_text(signed_octets, "\r\n");
	}
	/* From once more: nobody can add another one unseen (RFC 6376 section 8.15). */
	octets_format(own, "%s;\r\n\tbh=", prng_chance(&making->prng, 30) ? ":from" : "");
	octets_base64(own, digest, sizeof(digest));
	octets_text(own, "; b=");
}

static void sign(struct making *making, const struct signature *signature, struct octets *own)
{
	struct octets signed_octets = { NULL, 0, 0 }, text = { NULL, 0, 0 };

	signature_prepare(making, signature, own, &signed_octets);
	canon_field(own->at, own->len, signature->relaxed_header, &signed_octets);
	key_sign(making->maker->pool, signature->key, signature->key_number, signed_octets.at, signed_octets.len, &text);
	base64_folded(&text, own);
	octets_free(&signed_octets);
	octets_free(&text);
}

static struct signature *signature_add(struct making *making, const char *domain, const char *selector,
                                       enum key_kind key, unsigned key_number)
{
	struct message *message = making->message;
	struct signature *signature = &message->signatures[message->signatures_count++];
	unsigned canon = (unsigned)prng_below(&making->prng, 100);

	*signature = (struct signature){ .key = key, .key_number = key_number, .expected = "pass" };
	snprintf(signature->domain, sizeof(signature->domain), "%s", domain);
	snprintf(signature->selector, sizeof(signature->selector), "%s", selector);
	signature->relaxed_header = canon < 96 || making->maker->plain;
	signature->relaxed_body = canon < 90 || making->maker->plain;
	return signature;
}

/* The author's own last, so that it stands lowest, where the first signer puts it. */
static void signatures_plan(struct making *making)
{
	const struct domain *domain = making->domain;
	struct signature *own;
	unsigned third = (making->provider.number + 1) % PROVIDERS;

	if (prng_chance(&making->prng, 9) && !making->maker->plain) {
		struct provider forwarder = provider_of(making->maker->seed, third);

		signature_add(making, forwarder.name, forwarder.selector, KEY_RSA_2048, forwarder.key_number);
	}
	if (domain->has_ed25519)
		signature_add(making, domain->name, ED25519_SELECTOR, KEY_ED25519, domain->key_number);
	else if (prng_chance(&making->prng, 24) && !making->maker->plain)
		signature_add(making, making->provider.name, making->provider.selector, KEY_RSA_2048,
		              making->provider.key_number);
	own = signature_add(making, domain->name, domain->selector, domain->key, domain->key_number);
	if (making->damage == DAMAGE_KEY_MISSING)
		snprintf(own->selector, sizeof(own->selector), "%s", MISSING_SELECTOR);
	if (making->damage == DAMAGE_KEY_REVOKED)
		snprintf(own->selector, sizeof(own->selector), "%s", REVOKED_SELECTOR);
	if (making->damage == DAMAGE_KEY_MISSING || making->damage == DAMAGE_KEY_REVOKED) {
		own->expected = "permerror";
		own->work = WORK_NONE;
	}
}

static void damage(struct making *making)
{
	struct message *message = making->message;
	struct octets *subject;

	if (making->damage == DAMAGE_BODY) {
		octets_text(&making->body.octets, "-- \r\nYou get this as a member of the list. To leave it, write to the owner.\r\n");
	} else if (making->damage == DAMAGE_HEADER) {
		subject = field_find(making, "Subject");
		octets_clear(subject);
		octets_text(subject, "Subject: [list] changed on the way");
	} else {
		return;
	}
	for (unsigned i = 0; i < message->signatures_count; i++) {
		message->signatures[i].expected = "fail";
		message->signatures[i].work = making->damage == DAMAGE_BODY ? WORK_BODY : WORK_FULL;
	}
}

/* --- envelope and expected verdict --- */

static void envelope_make(struct making *making)
{
	static const char *const receivers[] = { "postmaster", "anna", "sales", "bob.miller", "office", "info" };
	struct message *message = making->message;
	const char *name = making->domain->name;
	struct prng *prng = &making->prng;
	bool through = making->sender == SENDER_PROVIDER || making->sender == SENDER_BOUNCE ||
	               (making->sender == SENDER_AUTHOR && making->author_is_below);

	snprintf(message->author, sizeof(message->author), making->author_is_below ? "news.%s" : "%s", name);
	snprintf(message->rcpt_to, sizeof(message->rcpt_to), "%s@receiver.example", receivers[prng_below(prng, 6)]);
	snprintf(message->helo, sizeof(message->helo), "mail.%s", name);
	if (through || (making->sender == SENDER_AUTHOR && prng_chance(prng, 50)))
		snprintf(message->helo, sizeof(message->helo), "out%u.%s", (unsigned)prng_below(prng, PROVIDER_HOSTS),
		         making->provider.name);
	switch (making->sender) {
	case SENDER_AUTHOR: snprintf(message->mail_from, sizeof(message->mail_from), "info@%s", message->author); break;
	case SENDER_BOUNCE:
		snprintf(message->mail_from, sizeof(message->mail_from), "b-%llx@bounce.%s",
		         (unsigned long long)prng_next(prng), name);
		break;
	case SENDER_PROVIDER:
		snprintf(message->mail_from, sizeof(message->mail_from), "b-%llx@bounces.%s",
		         (unsigned long long)prng_next(prng), making->provider.name);
		break;
	case SENDER_NULL: snprintf(message->helo, sizeof(message->helo), "mail.%s", name); break;
	}
	if (!making->client_is_good)
		snprintf(message->client_ip, sizeof(message->client_ip), "203.0.113.%u", prng_between(prng, 1, 254));
	else if (through)
		provider_client(&making->provider, prng, message->client_ip, sizeof(message->client_ip));
	else if (making->sender == SENDER_NULL)
		snprintf(message->client_ip, sizeof(message->client_ip), "%u.%u.%u.%u", making->domain->own_ip >> 24,
		         making->domain->own_ip >> 16 & 255, making->domain->own_ip >> 8 & 255, making->domain->own_ip & 255);
	else
		domain_client(making->domain, prng, message->client_ip, sizeof(message->client_ip));
}

static const char *spf_expected(const struct making *making)
{
	const struct domain *domain = making->domain;
	bool own = making->sender == SENDER_AUTHOR && !making->author_is_below;

	if (own && (domain->shape == SPF_ABSENT || domain->shape == SPF_TWICE || !making->client_is_good))
		return domain_spf_miss(domain);
	if (making->client_is_good)
		return "pass";
	return making->sender == SENDER_PROVIDER ? "softfail" : "fail";
}

static bool spf_is_aligned(const struct making *making)
{
	if (strcmp(making->message->spf, "pass") != 0 || making->sender == SENDER_PROVIDER)
		return false;
	return !making->domain->dmarc.aspf_strict || making->sender == SENDER_AUTHOR;
}

static bool dkim_is_aligned(const struct making *making)
{
	const struct message *message = making->message;

	for (unsigned i = 0; i < message->signatures_count; i++) {
		const struct signature *signature = &message->signatures[i];
		bool same = strcmp(signature->domain, message->author) == 0;
		bool related = strcmp(signature->domain, making->domain->name) == 0;

		if (strcmp(signature->expected, "pass") == 0 && (making->domain->dmarc.adkim_strict ? same : related))
			return true;
	}
	return false;
}

static void verdict_expect(struct making *making)
{
	const struct dmarc_policy *dmarc = &making->domain->dmarc;
	struct message *message = making->message;
	enum policy policy = making->author_is_below && dmarc->has_sp ? dmarc->sp : dmarc->p;

	message->spf = spf_expected(making);
	message->disposition = POLICY_NONE;
	if (!dmarc->published) {
		message->dmarc = "none";
	} else if (spf_is_aligned(making) || dkim_is_aligned(making)) {
		message->dmarc = "pass";
	} else {
		message->dmarc = "fail";
		/* RFC 9989: under test, one step milder. */
		message->disposition = dmarc->testing && policy > POLICY_NONE ? (enum policy)(policy - 1) : policy;
	}
}

/* --- the whole --- */

static void message_assemble(struct making *making)
{
	struct message *message = making->message;
	struct octets own[SIGNATURES_MAX] = { { NULL, 0, 0 } };

	for (unsigned i = 0; i < message->signatures_count; i++)
		sign(making, &message->signatures[i], &own[i]);
	damage(making);
	/* The last hop's trace stands above the signatures, which other hops have added since. */
	for (unsigned i = 0; i < making->fields_count; i++) {
		for (unsigned k = 0; i == 1 && k < message->signatures_count; k++) {
			octets_add(&message->octets, own[k].at, own[k].len);
			octets_text(&message->octets, "\r\n");
		}
		octets_add(&message->octets, making->fields[i].at, making->fields[i].len);
		octets_text(&message->octets, "\r\n");
		octets_free(&making->fields[i]);
	}
	octets_text(&message->octets, "\r\n");
	octets_add(&message->octets, making->body.octets.at, making->body.octets.len);
	octets_free(&making->body.octets);
	for (unsigned i = 0; i < SIGNATURES_MAX; i++)
		octets_free(&own[i]);
}

static size_t size_draw(struct making *making)
{
	const struct message_maker *maker = making->maker;
	double size = maker->median * exp(maker->sigma * prng_normal(&making->prng));

	if (size > (double)maker->octets_max)
		size = (double)maker->octets_max;
	return size < OCTETS_MIN ? OCTETS_MIN : (size_t)size;
}

static unsigned damage_draw(struct prng *prng)
{
	unsigned at = (unsigned)prng_below(prng, 1000);

	return at < 45 ? DAMAGE_BODY : at < 75 ? DAMAGE_HEADER : at < 90 ? DAMAGE_KEY_MISSING : at < 105 ? DAMAGE_KEY_REVOKED
	                                                                                            : DAMAGE_NONE;
}

static unsigned sender_draw(struct prng *prng)
{
	unsigned at = (unsigned)prng_below(prng, 100);

	return at < 58 ? SENDER_AUTHOR : at < 78 ? SENDER_BOUNCE : at < 95 ? SENDER_PROVIDER : SENDER_NULL;
}

static void making_begin(struct making *making, const struct message_maker *maker, unsigned number,
                         struct message *message)
{
	*message = (struct message){ .received_at = EPOCH + number };
	*making = (struct making){ .maker = maker, .message = message };
	prng_init(&making->prng, maker->seed, "message", number);
}

void message_make(const struct message_maker *maker, unsigned number, const struct domain *domain,
                  struct message *message)
{
	struct making making;
	size_t size, header = 0;

	making_begin(&making, maker, number, message);
	making.domain = domain;
	making.provider = provider_of(maker->seed, domain->providers[0]);
	making.author_is_below = prng_chance(&making.prng, 15);
	making.sender = (enum sender)sender_draw(&making.prng);
	making.client_is_good = prng_chance(&making.prng, 85);
	making.damage = maker->plain ? DAMAGE_NONE : (enum damage)damage_draw(&making.prng);
	envelope_make(&making);
	size = size_draw(&making);
	signatures_plan(&making);
	/* The header names the body's type, so the body comes first; 3 KB is what a header has about. */
	header = 2600 + 700 * message->signatures_count;
	(maker->opaque ? body_make_opaque : body_make)(&making.prng, size > header + BODY_MIN ? size - header : BODY_MIN,
	                                               &making.body);
	header_make(&making);
	message_assemble(&making);
	verdict_expect(&making);
}

void message_cold(const struct message_maker *maker, struct message *message)
{
	const char *name = COLD_LABEL "." COLD_PARENT;
	struct domain domain = { .key = KEY_RSA_2048 };
	struct making making;

	making_begin(&making, maker, UINT32_MAX, message);
	snprintf(domain.name, sizeof(domain.name), "%s", name);
	making.domain = &domain;
	making.provider = provider_of(maker->seed, 0);
	snprintf(message->author, sizeof(message->author), "%s", name);
	snprintf(message->helo, sizeof(message->helo), "%s", name);
	snprintf(message->mail_from, sizeof(message->mail_from), "info@%s", name);
	snprintf(message->rcpt_to, sizeof(message->rcpt_to), "anna@receiver.example");
	snprintf(message->client_ip, sizeof(message->client_ip), "%s", COLD_CLIENT);
	message->received_at = EPOCH;
	signature_add(&making, name, COLD_SELECTOR, KEY_RSA_2048, COLD_KEY_NUMBER);
	message->signatures[0].relaxed_header = message->signatures[0].relaxed_body = true;
	body_make(&making.prng, 2000, &making.body);
	header_make(&making);
	message_assemble(&making);
	/* Another label than the signed one stands there when it is sent. */
	message->signatures[0].expected = "fail";
	message->spf = "pass";
	message->dmarc = "pass";
	message->disposition = POLICY_NONE;
}
