// SPDX-License-Identifier: PostgreSQL
#include "sql/plannable.h"

#include "base/text.h"
#include "sql/lexical.h"

#include <string.h>

typedef struct Place {
    size_t at;
    Lexeme lexeme;
} Place;

/* The lexeme at a place, past blanks and comments; its length is 0 at the end. */
static Place
place_from(const char *text, size_t length, size_t at)
{
    while (at < length) {
        Lexeme lexeme = sql_lexeme_at(text, at, length);
        if (lexeme.kind != LEXEME_SPACE && lexeme.kind != LEXEME_COMMENT)
            return (Place){at, lexeme};
        at += lexeme.length;
    }
    return (Place){.at = at};
}

static Place
place_next(const char *text, size_t length, Place place)
{
    return place_from(text, length, place.at + place.lexeme.length);
}

static bool
is_word(const char *text, Place place, const char *word)
{
    return place.lexeme.length > 0 && sql_lexeme_is(text, place.at, place.lexeme, word);
}

static bool
is_character(const char *text, Place place, char character)
{
    return place.lexeme.length > 0 && place.lexeme.kind == LEXEME_OTHER && text[place.at] == character;
}

static bool
is_type_word(const char *text, Place place)
{
    static const char *const types[] = {
        "timestamptz", "timestamp", "timetz",    "time",    "date",      "interval", "numeric",
        "int2",        "int4",      "int8",      "integer", "bigint",    "smallint", "float4",
        "float8",      "bool",      "boolean",   "text",    "varchar",   "uuid",     "json",
        "jsonb",       "inet",      "cidr",      "macaddr", "bytea",     "money",    "regclass",
        "tsquery",     "tsvector",  "jsonpath",  "point",   "box",       "circle",   "polygon",
        "int4range",   "int8range", "daterange", "tsrange", "tstzrange", "numrange", "geometry",
        "geography",   "decimal",   "real"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(types); i++)
        if (is_word(text, place, types[i]))
            return true;
    return false;
}

/* The parameter behind a type that begins here: "timestamp (3) with time zone $1"; its length is 0 when there
 * is none. *ret_type_end is where the type ends. */
static Place
typed_parameter(const char *text, size_t length, Place type, size_t *ret_type_end)
{
    Place none = {.at = type.at};
    if (!is_type_word(text, type))
        return none;
    *ret_type_end = type.at + type.lexeme.length;
    Place next = place_next(text, length, type);
    if (is_character(text, next, '(')) {
        while (next.lexeme.length > 0 && !is_character(text, next, ')')) {
            next = place_next(text, length, next);
            bool is_modifier = next.lexeme.kind == LEXEME_NUMBER || is_character(text, next, ',') ||
                               is_character(text, next, ')');
            if (!is_modifier)
                return none;
        }
        *ret_type_end = next.at + next.lexeme.length;
        next = place_next(text, length, next);
    }
    if (is_word(text, next, "with") || is_word(text, next, "without")) {
        Place time = place_next(text, length, next);
        Place zone = place_next(text, length, time);
        if (!is_word(text, time, "time") || !is_word(text, zone, "zone"))
            return none;
        *ret_type_end = zone.at + zone.lexeme.length;
        next = place_next(text, length, zone);
    }
    return next.lexeme.length > 0 && next.lexeme.kind == LEXEME_PARAMETER ? next : none;
}

/* The place behind "extract ($1 from": the grammar wants a word there, date_part() takes a value. */
static Place
extract_parameter(const char *text, size_t length, Place extract, Place *ret_parameter)
{
    Place none = {.at = extract.at};
    if (!is_word(text, extract, "extract"))
        return none;
    Place opening = place_next(text, length, extract);
    Place parameter = place_next(text, length, opening);
    Place from = place_next(text, length, parameter);
    bool is_it = is_character(text, opening, '(') && parameter.lexeme.length > 0 &&
                 parameter.lexeme.kind == LEXEME_PARAMETER && is_word(text, from, "from");
    *ret_parameter = parameter;
    return is_it ? from : none;
}

const char *
sql_plannable_text(Arena *arena, const char *text)
{
    if (strchr(text, '$') == NULL)
        return text;
    size_t length = strlen(text);
    Text plannable = text_new(arena);
    bool changed = false;
    for (size_t at = 0; at < length;) {
        Place place = {at, sql_lexeme_at(text, at, length)};
        size_t type_end = at;
        Place field = {0};
        Place typed = typed_parameter(text, length, place, &type_end);
        Place from = extract_parameter(text, length, place, &field);
        if (typed.lexeme.length > 0) {
            text_append_format(&plannable, "(%.*s::%.*s)", (int)typed.lexeme.length, text + typed.at,
                               (int)(type_end - at), text + at);
            at = typed.at + typed.lexeme.length;
        } else if (from.lexeme.length > 0) {
            text_append_format(&plannable, "date_part(%.*s,", (int)field.lexeme.length, text + field.at);
            at = from.at + from.lexeme.length;
        } else {
            text_append_bytes(&plannable, text + at, place.lexeme.length);
            at += place.lexeme.length;
            continue;
        }
        changed = true;
    }
    return changed ? plannable.data : text;
}

/* The second parameter of "$1 + $2" that begins here; its length is 0 when there is none. */
static Place
arithmetic_parameter(const char *text, size_t length, Place first)
{
    Place none = {.at = first.at};
    if (first.lexeme.kind != LEXEME_PARAMETER)
        return none;
    Place sign = place_next(text, length, first);
    Place second = place_next(text, length, sign);
    bool is_sign = sign.lexeme.length > 0 && sign.lexeme.kind == LEXEME_OPERATOR &&
                   strchr("+-*/%", text[sign.at]) != NULL;
    bool is_it = is_sign && second.lexeme.length > 0 && second.lexeme.kind == LEXEME_PARAMETER;
    /* "$2::int" has a type */
    Place after = place_next(text, length, second);
    return is_it && !is_character(text, after, ':') ? second : none;
}

const char *
sql_parameters_typed(Arena *arena, const char *text, const char *first, const char *second)
{
    size_t length = strlen(text);
    Text typed = text_new(arena);
    bool changed = false;
    for (size_t at = 0; at < length;) {
        Place place = {at, sql_lexeme_at(text, at, length)};
        Place other = arithmetic_parameter(text, length, place);
        text_append_bytes(&typed, text + at, place.lexeme.length);
        at += place.lexeme.length;
        if (other.lexeme.length == 0)
            continue;
        text_append_format(&typed, "::%s%.*s::%s", first, (int)(other.at + other.lexeme.length - at),
                           text + at, second);
        at = other.at + other.lexeme.length;
        changed = true;
    }
    return changed ? typed.data : text;
}

/* Behind "ARRAY[$1, $2]" that begins here, which no cast follows; its length is 0 when it does not. */
static Place
parameter_array_end(const char *text, size_t length, Place array)
{
    Place none = {.at = array.at};
    Place place = is_word(text, array, "array") ? place_next(text, length, array) : none;
    if (!is_character(text, place, '['))
        return none;
    do {
        place = place_next(text, length, place);
        if (place.lexeme.length == 0 || place.lexeme.kind != LEXEME_PARAMETER)
            return none;
        place = place_next(text, length, place);
    } while (is_character(text, place, ','));
    bool is_typed = is_character(text, place_next(text, length, place), ':');
    return is_character(text, place, ']') && !is_typed ? place : none;
}

const char *
sql_arrays_typed(Arena *arena, const char *text, const char *type)
{
    size_t length = strlen(text);
    Text typed = text_new(arena);
    size_t array_end = 0;
    for (size_t at = 0; at < length;) {
        Place place = {at, sql_lexeme_at(text, at, length)};
        Place end = parameter_array_end(text, length, place);
        if (end.lexeme.length > 0)
            array_end = end.at;
        text_append_bytes(&typed, text + at, place.lexeme.length);
        if (at < array_end && place.lexeme.kind == LEXEME_PARAMETER)
            text_append_format(&typed, "::%s", type);
        at += place.lexeme.length;
    }
    return array_end > 0 ? typed.data : text;
}
