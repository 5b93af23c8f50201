// SPDX-License-Identifier: PostgreSQL
#include "base/json_writer.h"

#include "base/decimal.h"

#include <math.h>
#include <string.h>

JsonWriter
json_writer_new(Text *text, bool indented)
{
    return (JsonWriter){.text = text, .indented = indented};
}

static void
json_break(JsonWriter *json)
{
    if (!json->indented)
        return;
    text_append_char(json->text, '\n');
    for (int i = 0; i < json->depth; i++)
        text_append(json->text, "  ");
}

/* Comma and line break before an item; a value after its key needs neither. */
static void
json_item(JsonWriter *json, bool is_key)
{
    if (json->depth == 0)
        return;
    int level = json->depth - 1;
    fettle_assert(json->is_object[level] == (is_key || json->after_key));
    if (json->after_key) {
        fettle_assert(!is_key);
        json->after_key = false;
        return;
    }
    if (json->has_items[level])
        text_append_char(json->text, ',');
    json->has_items[level] = true;
    json_break(json);
}

static void
json_open(JsonWriter *json, bool is_object)
{
    json_item(json, false);
    fettle_assert(json->depth < JSON_WRITER_DEPTH_MOST);
    text_append_char(json->text, is_object ? '{' : '[');
    json->is_object[json->depth] = is_object;
    json->has_items[json->depth] = false;
    json->depth++;
}

static void
json_close(JsonWriter *json, bool is_object)
{
    fettle_assert(json->depth > 0 && !json->after_key && json->is_object[json->depth - 1] == is_object);
    json->depth--;
    if (json->has_items[json->depth])
        json_break(json);
    text_append_char(json->text, is_object ? '}' : ']');
}

void
json_object_begin(JsonWriter *json)
{
    json_open(json, true);
}

void
json_object_end(JsonWriter *json)
{
    json_close(json, true);
}

void
json_array_begin(JsonWriter *json)
{
    json_open(json, false);
}

void
json_array_end(JsonWriter *json)
{
    json_close(json, false);
}

static void
json_append_character(Text *text, unsigned char character)
{
    switch (character) {
        case '"': text_append(text, "\\\""); break;
        case '\\': text_append(text, "\\\\"); break;
        case '\n': text_append(text, "\\n"); break;
        case '\r': text_append(text, "\\r"); break;
        case '\t': text_append(text, "\\t"); break;
        default:
            if (character < 0x20 || character == 0x7f)
                text_append_format(text, "\\u%04x", character);
            else
                text_append_char(text, (char)character);
    }
}

/* Bytes from here on that stand for themselves. */
static size_t
plain_length(const char *text)
{
    size_t length = 0;
    while ((unsigned char)text[length] >= 0x20 && (unsigned char)text[length] < 0x7f && text[length] != '"' &&
           text[length] != '\\')
        length++;
    return length;
}

static void
json_append_quoted(Text *text, const char *value)
{
    text_append_char(text, '"');
    size_t length = strlen(value);
    for (size_t at = 0; at < length;) {
        size_t plain = plain_length(value + at);
        text_append_bytes(text, value + at, plain);
        at += plain;
        if (at == length)
            break;
        if ((unsigned char)value[at] < 0x80) {
            json_append_character(text, (unsigned char)value[at]);
            at++;
            continue;
        }
        /* the shortest valid beginning is one sequence; a longer one would take characters to escape along */
        size_t step = 2;
        while (step <= 4 && (step > length - at || !text_is_valid_utf8(value + at, step)))
            step++;
        if (step > 4)
            text_append(text, "\xEF\xBF\xBD");
        else
            text_append_bytes(text, value + at, step);
        at += step > 4 ? 1 : step;
    }
    text_append_char(text, '"');
}

void
json_key(JsonWriter *json, const char *key)
{
    fettle_assert(json->depth > 0 && json->is_object[json->depth - 1]);
    json_item(json, true);
    json_append_quoted(json->text, key);
    text_append(json->text, json->indented ? ": " : ":");
    json->after_key = true;
}

void
json_write_string(JsonWriter *json, const char *value)
{
    json_item(json, false);
    if (value == NULL)
        text_append(json->text, "null");
    else
        json_append_quoted(json->text, value);
}

void
json_int(JsonWriter *json, int64_t value)
{
    char digits[DECIMAL_BYTES];
    json_item(json, false);
    text_append_bytes(json->text, digits, decimal_from_int(value, digits));
}

void
json_double(JsonWriter *json, double value)
{
    json_item(json, false);
    if (!isfinite(value)) {
        text_append(json->text, "null");
        return;
    }
    char digits[DECIMAL_BYTES];
    text_append_bytes(json->text, digits, decimal_from_double(value, digits));
}

void
json_bool(JsonWriter *json, bool value)
{
    json_item(json, false);
    text_append(json->text, value ? "true" : "false");
}

void
json_write_null(JsonWriter *json)
{
    json_item(json, false);
    text_append(json->text, "null");
}

void
json_raw(JsonWriter *json, const char *text)
{
    json_item(json, false);
    text_append(json->text, text);
}

void
json_key_string(JsonWriter *json, const char *key, const char *value)
{
    json_key(json, key);
    json_write_string(json, value);
}

void
json_key_int(JsonWriter *json, const char *key, int64_t value)
{
    json_key(json, key);
    json_int(json, value);
}

void
json_key_double(JsonWriter *json, const char *key, double value)
{
    json_key(json, key);
    json_double(json, value);
}

void
json_key_bool(JsonWriter *json, const char *key, bool value)
{
    json_key(json, key);
    json_bool(json, value);
}
