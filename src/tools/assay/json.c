#include "tools/assay/json.h"

#include <stdlib.h>
#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD in UTF-8 */

/* How many octets the UTF-8 character at `octets` has; 0: it is none. jansson judges the finer points. */
static size_t character_octets(const char *octets, size_t left)
{
	json_t *trial;

	for (size_t count = 1; count <= 4 && count <= left; count++) {
		trial = json_stringn(octets, count);
		json_decref(trial);
		if (trial)
			return count;
	}
	return 0;
}

static json_t *text_replaced(struct assay_text text)
{
	size_t at = 0;
	char *utf8 = malloc(text.count * strlen(REPLACEMENT) + 1);
	json_t *string;

	if (!utf8)
		return json_null();
	for (size_t i = 0, count; i < text.count; i += count) {
		count = character_octets(text.octets + i, text.count - i);
		if (count) {
			memcpy(utf8 + at, text.octets + i, count);
			at += count;
		} else {
			memcpy(utf8 + at, REPLACEMENT, strlen(REPLACEMENT));
			at += strlen(REPLACEMENT);
			count = 1;
		}
	}
	string = json_stringn(utf8, at);
	free(utf8);
	return string;
}

json_t *json_text(struct assay_text text)
{
	json_t *string = json_stringn(text.octets, text.count);

	return string ? string : text_replaced(text);
}

json_t *json_text_or_null(struct assay_text text)
{
	return text.count ? json_text(text) : json_null();
}

json_t *json_unfolded(struct assay_text field)
{
	char *line = malloc(field.count + 1);
	size_t at = 0, i = 0;
	json_t *string;

	if (!line)
		return json_null();
	while (i < field.count) {
		if (field.count - i < 2 || memcmp(field.octets + i, "\r\n", 2) != 0) {
			line[at++] = field.octets[i++];
			continue;
		}
		line[at++] = ' ';
		for (i += 2; i < field.count && (field.octets[i] == ' ' || field.octets[i] == '\t'); i++)
			continue;
	}
	string = json_text((struct assay_text){ line, at });
	free(line);
	return string;
}

json_t *json_strings(const char *const *strings, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, json_text((struct assay_text){ strings[i], strlen(strings[i]) }));
	return array;
}

void json_add(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value ? value : json_null());
}

void json_add_string(json_t *object, const char *key, const char *string)
{
	json_add(object, key, json_text((struct assay_text){ string, strlen(string) }));
}

void json_print(FILE *out, json_t *object)
{
	json_dumpf(object, out, JSON_PRESERVE_ORDER);
	fputc('\n', out);
	json_decref(object);
}
