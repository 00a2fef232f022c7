#include "corpus/body.h"

#include <stdio.h>
#include <string.h>

#define QP_LINE 75            /* octets before the soft line end (RFC 2045 section 6.7) */
#define BASE64_LINE_OCTETS 57 /* 76 characters */

static const char *word(struct prng *prng)
{
	static const char *const words[] = {
		"the", "to", "and", "of", "a", "in", "you", "for", "is", "your", "we", "this", "that", "on", "with",
		"our", "be", "are", "have", "it", "will", "as", "from", "or", "please", "at", "if", "by", "not", "can",
		"all", "order", "more", "me", "new", "an", "time", "was", "here", "any", "email", "has", "account", "but",
		"thanks", "know", "out", "up", "week", "team", "best", "today", "regards", "meeting", "about", "just",
		"what", "would", "make", "they", "get", "which", "been", "there", "only", "invoice", "number", "payment",
		"information", "service", "offer", "before", "question", "attached", "report", "delivery", "customer",
		"available", "project", "change", "update", "schedule", "document", "review", "following", "contact",
		"address", "confirmation", "subscription", "notification", "september", "discount", "shipping",
		"responsible", "unsubscribe", "conference", "management", "international", "recommendation",
	};
	size_t count = sizeof(words) / sizeof(*words);
	size_t a = (size_t)prng_below(prng, count), b = (size_t)prng_below(prng, count);

	return words[a < b ? a : b];
}

void body_words(struct prng *prng, unsigned count, struct octets *out)
{
	for (unsigned i = 0; i < count; i++)
		octets_format(out, i ? " %s" : "%s", word(prng));
}

/* Paragraphs; `flowed` lines keep the space at their end (RFC 3676), and some lines have two spaces inside. */
static void prose(struct prng *prng, size_t target, struct octets *out)
{
	size_t end = out->len + target;
	bool flowed = prng_chance(prng, 40);

	while (out->len < end) {
		unsigned lines = prng_between(prng, 1, 7);

		for (unsigned i = 0; i < lines; i++) {
			size_t line = out->len, width = prng_between(prng, 58, 72);

			while (out->len - line < width)
				octets_format(out, prng_chance(prng, 8) ? "%s.  " : "%s ", word(prng));
			if (!flowed || i + 1 == lines)
				out->len -= 1;
			octets_text(out, "\r\n");
		}
		octets_text(out, "\r\n");
	}
}

/* Adds text in quoted-printable with soft line ends. `column` is where the line stands. */
static void qp_add(struct octets *out, const char *text, size_t *column)
{
	for (; *text; text++) {
		char coded[4] = { *text, 0, 0, 0 };

		if (*text == '\n') {
			octets_text(out, "\r\n");
			*column = 0;
			continue;
		}
		if (*text == '=' || (unsigned char)*text >= 0x80)
			snprintf(coded, sizeof(coded), "=%02X", (unsigned char)*text);
		if (*column + strlen(coded) > QP_LINE) {
			octets_text(out, "=\r\n");
			*column = 0;
		}
		octets_text(out, coded);
		*column += strlen(coded);
	}
}

static void html(struct prng *prng, size_t target, struct octets *out)
{
	static const char *const styles[] = {
		"padding:0 24px 12px 24px;font-family:Arial,Helvetica,sans-serif;font-size:14px;color:#333333",
		"background-color:#ffffff;border-collapse:collapse;margin:0 auto",
		"color:#1a73e8;text-decoration:none",
		"display:block;border:0;width:100%;max-width:600px",
	};
	size_t end = out->len + target, column = 0;
	struct octets piece = { NULL, 0, 0 };

	qp_add(out, "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head>\n<body>\n", &column);
	while (out->len < end) {
		const char *style = styles[prng_below(prng, 4)];

		octets_clear(&piece);
		octets_format(&piece, "%*s<tr><td align=\"left\" style=\"%s\">\n", (int)prng_between(prng, 0, 24), "", style);
		if (prng_chance(prng, 30))
			octets_format(&piece, "<a href=\"https://click.example/%llx?u=%llx&c=%u\">",
			              (unsigned long long)prng_next(prng), (unsigned long long)prng_next(prng),
			              prng_between(prng, 1, 99999));
		body_words(prng, prng_between(prng, 4, 40), &piece);
		octets_text(&piece, prng_chance(prng, 15) ? " caf\xc3\xa9 \xe2\x82\xac" : "");
		octets_text(&piece, "</td></tr>\n");
		qp_add(out, (const char *)piece.at, &column);
	}
	qp_add(out, "</body></html>\n", &column);
	octets_free(&piece);
}

static void attachment(struct prng *prng, size_t target, struct octets *out)
{
	uint8_t octets[BASE64_LINE_OCTETS];

	for (size_t made = 0; made < target; made += 78) {
		prng_octets(prng, octets, sizeof(octets));
		octets_base64(out, octets, sizeof(octets));
		octets_text(out, "\r\n");
	}
}

static void part_begin(struct octets *out, const char *boundary, const char *fields)
{
	octets_format(out, "--%s\r\n%s\r\n\r\n", boundary, fields);
}

static void alternative(struct prng *prng, size_t target, const char *boundary, struct octets *out)
{
	part_begin(out, boundary, "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit");
	prose(prng, target / 6, out);
	part_begin(out, boundary, "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable");
	html(prng, target - target / 6, out);
	octets_format(out, "\r\n--%s--\r\n", boundary);
}

static void mixed(struct prng *prng, size_t target, const char *boundary, struct octets *out)
{
	size_t words = target < 8192 ? target / 3 : 2048 + (size_t)prng_below(prng, 6144);
	unsigned attachments = prng_between(prng, 1, 2);
	char inner[72], fields[200];

	snprintf(inner, sizeof(inner), "%.60s-alt", boundary);
	snprintf(fields, sizeof(fields), "Content-Type: multipart/alternative; boundary=\"%s\"", inner);
	part_begin(out, boundary, fields);
	alternative(prng, words, inner, out);
	for (unsigned i = 0; i < attachments; i++) {
		snprintf(fields, sizeof(fields),
		         "Content-Type: application/pdf; name=\"document-%u.pdf\"\r\nContent-Transfer-Encoding: base64\r\n"
		         "Content-Disposition: attachment; filename=\"document-%u.pdf\"",
		         i, i);
		part_begin(out, boundary, fields);
		attachment(prng, (target - words) / attachments, out);
	}
	octets_format(out, "--%s--\r\n", boundary);
}

void body_make_opaque(struct prng *prng, size_t target, struct body *body)
{
	body->encoding = "base64";
	snprintf(body->content_type, sizeof(body->content_type), "application/octet-stream");
	octets_clear(&body->octets);
	attachment(prng, target, &body->octets);
}

void body_make(struct prng *prng, size_t target, struct body *body)
{
	/* Of 100: plain text, then text and HTML; the rest has attachments. */
	unsigned plain = target < 4096 ? 60 : target < 30000 ? 15 : target < 100000 ? 3 : 1;
	unsigned alternatives = target < 4096 ? 40 : target < 30000 ? 73 : target < 100000 ? 40 : 7;
	unsigned kind = (unsigned)prng_below(prng, 100);
	char boundary[40];

	snprintf(boundary, sizeof(boundary), "=_%016llx_%04x", (unsigned long long)prng_next(prng),
	         (unsigned)prng_below(prng, 65536));
	body->encoding = "7bit";
	octets_clear(&body->octets);
	if (kind < plain) {
		snprintf(body->content_type, sizeof(body->content_type), "text/plain; charset=utf-8");
		prose(prng, target, &body->octets);
		return;
	}
	snprintf(body->content_type, sizeof(body->content_type), "multipart/%s;\r\n\tboundary=\"%s\"",
	         kind < plain + alternatives ? "alternative" : "mixed", boundary);
	if (prng_chance(prng, 50))
		octets_text(&body->octets, "This is a multi-part message in MIME format.\r\n\r\n");
	if (kind < plain + alternatives)
		alternative(prng, target, boundary, &body->octets);
	else
		mixed(prng, target, boundary, &body->octets);
}
