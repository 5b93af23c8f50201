// SPDX-License-Identifier: PostgreSQL
#include "sql/plannable.h"

#include "base/text.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool
is_word_character(char character)
{
    return isalnum((unsigned char)character) || character == '_' || ((unsigned char)character & 0x80) != 0;
}

static size_t
blank_length(const char *text)
{
    return strspn(text, " \t\r\n");
}

/* Length of a type's words at the text: "timestamp with time zone" is four words; 0 when none begins there.
 */
static size_t
type_length(const char *text)
{
    static const char *const types[] = {"timestamp with time zone",
                                        "timestamp without time zone",
                                        "time with time zone",
                                        "time without time zone",
                                        "timestamptz",
                                        "timestamp",
                                        "timetz",
                                        "time",
                                        "date",
                                        "interval"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(types); i++) {
        size_t length = strlen(types[i]);
        if (strncasecmp(text, types[i], length) == 0 && !is_word_character(text[length]))
            return length;
    }
    return 0;
}

/* Length of "$n" at the text; 0 when there is none. */
static size_t
parameter_length(const char *text)
{
    if (text[0] != '$' || !isdigit((unsigned char)text[1]))
        return 0;
    return 1 + strspn(text + 1, "0123456789");
}

/* Length of a string or quoted name that begins here; 1 for any other character. */
static size_t
skip_length(const char *text)
{
    if (text[0] != '\'' && text[0] != '"')
        return 1;
    const char *end = text + 1;
    while (*end != '\0' && *end != text[0])
        end++;
    return (size_t)(end - text) + (*end != '\0');
}

const char *
sql_plannable_text(Arena *arena, const char *text)
{
    if (strchr(text, '$') == NULL)
        return text;
    Text plannable = text_new(arena);
    bool changed = false;
    for (const char *at = text; *at != '\0';) {
        bool starts_word = at == text || !is_word_character(at[-1]);
        size_t type = starts_word ? type_length(at) : 0;
        size_t blank = type == 0 ? 0 : blank_length(at + type);
        size_t parameter = blank == 0 ? 0 : parameter_length(at + type + blank);
        if (parameter > 0) {
            text_append_format(&plannable, "(%.*s::%.*s)", (int)parameter, at + type + blank, (int)type, at);
            at += type + blank + parameter;
            changed = true;
            continue;
        }
        size_t step = skip_length(at);
        text_append_bytes(&plannable, at, step);
        at += step;
    }
    return changed ? plannable.data : text;
}
