#include "daemon/config_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The whole file, ending in a NUL; to be freed. NULL: `problem` says why. */
char *config_file_read(const char *path, char problem[CONFIG_PROBLEM_SIZE])
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;
	ssize_t len = file ? getdelim(&text, &size, 0, file) : -1;
	bool is_empty = file && len < 0 && feof(file) && !ferror(file);

	if (len < 0 && !is_empty)
		snprintf(problem, CONFIG_PROBLEM_SIZE, "%s: %s", path, strerror(errno));
	else if (len > 0 && text[len - 1] == 0)
		snprintf(problem, CONFIG_PROBLEM_SIZE, "%s: has a NUL octet", path);
	if (file)
		fclose(file);
	if (!problem[0] && !is_empty)
		return text;
	free(text);
	return is_empty ? strdup("") : NULL;
}

/* The end of what cannot begin a comment: a quoted string, a word, or a single octet. */
static char *token_end(char *at)
{
	char quote = *at;

	if (quote != '"' && quote != '\'') {
		size_t word = strcspn(at, " \t\r\n\"'{}()=,#");

		return at + (word ? word : 1);
	}
	for (at++; *at && *at != quote; at++)
		if (*at == '\\' && at[1])
			at++;
	return *at ? at + 1 : at;
}

/* The end of the comment at `at`: `at` itself where there is none, NULL where a block is not closed. */
static char *comment_end(char *at)
{
	if (at[0] == '/' && at[1] == '*') {
		char *end = strstr(at + 2, "*/");

		return end ? end + 2 : NULL;
	}
	return at[0] == '#' || (at[0] == '/' && at[1] == '/') ? at + strcspn(at, "\n") : at;
}

/*
 * Behind a comment libConfuse (3.3) counts lines wrongly: so comments become spaces before it sees them. False: one is
 * not closed.
 */
bool config_comments_blank(char *text)
{
	while (*text) {
		char *end = comment_end(text);

		if (!end)
			return false;
		if (end == text)
			text = token_end(text);
		for (; text < end; text++)
			if (*text != '\n')
				*text = ' ';
	}
	return true;
}
