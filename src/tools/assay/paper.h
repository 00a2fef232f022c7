/*
 * paper.h - text for a person: colour where it is welcome, lines that fit, nothing that harms a terminal.
 */
#ifndef ASSAY_TOOLS_PAPER_H
#define ASSAY_TOOLS_PAPER_H

#include <stdbool.h>
#include <stdio.h>

#include "client/assay.h"

enum paper_colour { PAPER_PLAIN, PAPER_GOOD, PAPER_BAD, PAPER_WARN, PAPER_FAINT, PAPER_STRONG };

struct paper {
	FILE *out;
	bool coloured; /* a terminal, NO_COLOR is not set, TERM is not "dumb" */
	int columns;   /* to wrap at: of the terminal, between 60 and 100; else 80 */
};

struct paper paper_of(FILE *out);

/* `text` in `colour`, padded with spaces to `width` columns. */
void paper_word(const struct paper *paper, enum paper_colour colour, const char *text, int width);
/* Octets with each that is not printable ASCII, and each backslash, as \xHH. */
void paper_text(const struct paper *paper, struct assay_text text);
/* The same, but for whole UTF-8 characters above U+009F, which are left as they are: for text that is safe to show. */
void paper_unicode(const struct paper *paper, const char *text);
/*
 * A paragraph: `label` (may be "") at column `indent`, the words of `text` behind column `indent` + `label_width`,
 * wrapped there. Nothing at all when `text` is empty.
 */
void paper_paragraph(const struct paper *paper, enum paper_colour colour, int indent, const char *label,
		     int label_width, const char *text);

#endif
