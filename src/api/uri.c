// SPDX-License-Identifier: PostgreSQL
#include "api/uri.h"

#include <string.h>

static int
hex_digit(char character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    if (character >= 'a' && character <= 'f')
        return character - 'a' + 10;
    if (character >= 'A' && character <= 'F')
        return character - 'A' + 10;
    return -1;
}

/* The decoded text; NULL when it is not a sound one. */
static const char *
decode(Arena *arena, const char *text, size_t length, bool plus_is_space)
{
    char *decoded = arena_alloc(arena, length + 1);
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        char character = text[i];
        if (character == '%') {
            int high = length - i > 2 ? hex_digit(text[i + 1]) : -1;
            int low = length - i > 2 ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return NULL;
            character = (char)(high * 16 + low);
            i += 2;
        } else if (character == '+' && plus_is_space) {
            character = ' ';
        }
        if (character == '\0')
            return NULL;
        decoded[count++] = character;
    }
    return text_is_valid_utf8(decoded, count) ? decoded : NULL;
}

static void
path_parse(Arena *arena, const char *text, size_t length, Uri *uri)
{
    if (length == 0 || text[0] != '/')
        return;
    size_t at = 1;
    for (;;) {
        const char *slash = memchr(text + at, '/', length - at);
        size_t end = slash == NULL ? length : (size_t)(slash - text);
        if (uri->segment_count == URI_SEGMENTS_MOST)
            return;
        uri->segments[uri->segment_count++] = decode(arena, text + at, end - at, false);
        if (slash == NULL)
            break;
        at = end + 1;
    }
    uri->is_path = true;
}

static bool
parameter_parse(Arena *arena, const char *text, size_t length, Uri *uri)
{
    const char *equals = memchr(text, '=', length);
    size_t name_length = equals == NULL ? length : (size_t)(equals - text);
    const char *name = decode(arena, text, name_length, true);
    const char *value = equals == NULL ? "" : decode(arena, equals + 1, length - name_length - 1, true);
    if (name == NULL || value == NULL || uri->parameter_count == URI_PARAMETERS_MOST)
        return false;
    uri->parameters[uri->parameter_count++] = (UriParameter){.name = name, .value = value};
    return true;
}

static void
query_parse(Arena *arena, const char *text, size_t length, Uri *uri)
{
    uri->is_query_valid = true;
    for (size_t at = 0; at < length && uri->is_query_valid;) {
        const char *ampersand = memchr(text + at, '&', length - at);
        size_t end = ampersand == NULL ? length : (size_t)(ampersand - text);
        if (end > at)
            uri->is_query_valid = parameter_parse(arena, text + at, end - at, uri);
        at = end + 1;
    }
}

void
uri_parse(Arena *arena, const char *text, size_t length, Uri *ret_uri)
{
    *ret_uri = (Uri){0};
    const char *fragment = memchr(text, '#', length);
    if (fragment != NULL)
        length = (size_t)(fragment - text);
    const char *question = memchr(text, '?', length);
    size_t path_length = question == NULL ? length : (size_t)(question - text);
    path_parse(arena, text, path_length, ret_uri);
    if (question == NULL)
        ret_uri->is_query_valid = true;
    else
        query_parse(arena, question + 1, length - path_length - 1, ret_uri);
}

const char *
uri_parameter(const Uri *uri, const char *name, bool *ret_is_repeated)
{
    const char *value = NULL;
    *ret_is_repeated = false;
    for (size_t i = 0; i < uri->parameter_count; i++) {
        if (strcmp(uri->parameters[i].name, name) != 0)
            continue;
        *ret_is_repeated = value != NULL;
        if (value == NULL)
            value = uri->parameters[i].value;
        else
            break;
    }
    return value;
}
