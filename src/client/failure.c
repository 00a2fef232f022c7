#include "client/failure.h"

#include <stdarg.h>
#include <stdio.h>

void failure_make_printable(char *text)
{
	for (; *text; text++) {
		if (*text < ' ' || *text > '~')
			*text = '?';
	}
}

enum assay_error failure_set(struct assay_failure *failure, enum assay_error error, const char *format, ...)
{
	va_list arguments;

	if (!failure)
		return error;
	failure->error = error;
	va_start(arguments, format);
	vsnprintf(failure->text, sizeof failure->text, format, arguments);
	va_end(arguments);
	if (!failure->text[0])
		snprintf(failure->text, sizeof failure->text, "%s", assay_error_text(error));
	failure_make_printable(failure->text);
	return error;
}
