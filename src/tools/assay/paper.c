#include "tools/assay/paper.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COLUMNS_DEFAULT 80
#define COLUMNS_MIN     60
#define COLUMNS_MAX     100

static bool wants_colour(FILE *out)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (no_color && *no_color)
		return false;
	return isatty(fileno(out)) && term && strcmp(term, "dumb") != 0;
}

static int columns_of(FILE *out)
{
	struct winsize size;

	if (ioctl(fileno(out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return COLUMNS_DEFAULT;
	if (size.ws_col < COLUMNS_MIN)
		return COLUMNS_MIN;
	return size.ws_col > COLUMNS_MAX ? COLUMNS_MAX : size.ws_col;
}

struct paper paper_of(FILE *out)
{
	return (struct paper){ .out = out, .coloured = wants_colour(out), .columns = columns_of(out) };
}

static const char *escape(enum paper_colour colour)
{
	switch (colour) {
	case PAPER_GOOD: return "\033[32m";
	case PAPER_BAD: return "\033[31m";
	case PAPER_WARN: return "\033[33m";
	case PAPER_FAINT: return "\033[2m";
	case PAPER_STRONG: return "\033[1m";
	default: return "";
	}
}

static void begin(const struct paper *paper, enum paper_colour colour)
{
	if (paper->coloured)
		fputs(escape(colour), paper->out);
}

static void end(const struct paper *paper, enum paper_colour colour)
{
	if (paper->coloured && colour != PAPER_PLAIN)
		fputs("\033[0m", paper->out);
}

static void spaces(const struct paper *paper, int count)
{
	if (count > 0)
		fprintf(paper->out, "%*s", count, "");
}

void paper_word(const struct paper *paper, enum paper_colour colour, const char *text, int width)
{
	begin(paper, colour);
	fputs(text, paper->out);
	end(paper, colour);
	spaces(paper, width - (int)strlen(text));
}

void paper_text(const struct paper *paper, struct assay_text text)
{
	for (size_t i = 0; i < text.count; i++) {
		unsigned char octet = (unsigned char)text.octets[i];

		if (octet < ' ' || octet > '~' || octet == '\\')
			fprintf(paper->out, "\\x%02X", octet);
		else
			fputc(octet, paper->out);
	}
}

/* Octets of the UTF-8 character at `text` if it is above U+009F, the controls; 0: it is not, or is no whole one. */
static size_t character_octets(const char *text)
{
	const unsigned char *octets = (const unsigned char *)text;
	size_t count = octets[0] >= 0xf0 && octets[0] < 0xf5 ? 4
		       : octets[0] >= 0xe0 && octets[0] < 0xf0 ? 3
		       : octets[0] >= 0xc2 && octets[0] < 0xe0 ? 2
							       : 0;

	for (size_t i = 1; i < count; i++)
		if ((octets[i] & 0xc0) != 0x80)
			return 0;
	return octets[0] == 0xc2 && octets[1] < 0xa0 ? 0 : count;
}

void paper_unicode(const struct paper *paper, const char *text)
{
	while (*text) {
		size_t count = character_octets(text);

		if (count)
			fwrite(text, 1, count, paper->out);
		else
			paper_text(paper, (struct assay_text){ text, count = 1 });
		text += count;
	}
}

void paper_paragraph(const struct paper *paper, enum paper_colour colour, int indent, const char *label,
		     int label_width, const char *text)
{
	int left = indent + label_width, column;

	if (!*text)
		return;
	spaces(paper, indent);
	paper_word(paper, PAPER_FAINT, label, label_width);
	column = left;
	begin(paper, colour);
	while (*text) {
		size_t len = strcspn(text, " ");

		if (column > left && column + 1 + (int)len > paper->columns) {
			fputc('\n', paper->out);
			spaces(paper, left);
			column = left;
		} else if (column > left) {
			fputc(' ', paper->out);
			column++;
		}
		paper_text(paper, (struct assay_text){ text, len });
		column += (int)len;
		text += len + strspn(text + len, " ");
	}
	end(paper, colour);
	fputc('\n', paper->out);
}
