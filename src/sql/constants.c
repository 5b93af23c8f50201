// SPDX-License-Identifier: PostgreSQL
#include "sql/constants.h"

#include "base/hash.h"
#include "base/text.h"
#include "sql/lexical.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define CALL_DEPTH_MOST 64

typedef struct Token {
    size_t at;
    Lexeme lexeme; /* its length is 0 behind the last one */
} Token;

typedef struct Walk {
    const char *text;
    size_t length;
    size_t at;
    Token token;       /* the one that the walk stands on */
    size_t comment_at; /* of the last comment skipped before it; 0: none */
} Walk;

static void
walk_next(Walk *walk)
{
    walk->comment_at = 0;
    while (walk->at < walk->length) {
        Lexeme lexeme = sql_lexeme_at(walk->text, walk->at, walk->length);
        size_t at = walk->at;
        walk->at += lexeme.length;
        if (lexeme.kind == LEXEME_COMMENT)
            walk->comment_at = at;
        if (lexeme.kind == LEXEME_SPACE || lexeme.kind == LEXEME_COMMENT)
            continue;
        walk->token = (Token){at, lexeme};
        return;
    }
    walk->token = (Token){.at = walk->length};
}

static Walk
walk_from(const char *text)
{
    Walk walk = {.text = text, .length = strlen(text)};
    walk_next(&walk);
    return walk;
}

static bool
walk_is_over(const Walk *walk)
{
    return walk->token.lexeme.length == 0;
}

static bool
is_kind(const Walk *walk, LexemeKind kind)
{
    return !walk_is_over(walk) && walk->token.lexeme.kind == kind;
}

static bool
is_word(const Walk *walk, const char *word)
{
    return !walk_is_over(walk) && sql_lexeme_is(walk->text, walk->token.at, walk->token.lexeme, word);
}

static bool
is_character(const Walk *walk, char character)
{
    return (is_kind(walk, LEXEME_OTHER) || is_kind(walk, LEXEME_OPERATOR)) &&
           walk->text[walk->token.at] == character;
}

static bool
is_constant_word(const Walk *walk)
{
    return is_word(walk, "true") || is_word(walk, "false") || is_word(walk, "null");
}

/* The number of $n; of one that is too high, some number over SQL_CONSTANTS_MOST. */
static size_t
parameter_number(const Walk *walk)
{
    size_t number = 0;
    for (size_t i = 1; i < walk->token.lexeme.length && number <= SQL_CONSTANTS_MOST; i++)
        number = number * 10 + (size_t)(walk->text[walk->token.at + i] - '0');
    return number;
}

static uint64_t
token_hash(const Walk *walk)
{
    const char *text = walk->text + walk->token.at;
    size_t length = walk->token.lexeme.length;
    if (walk->token.lexeme.kind != LEXEME_WORD)
        return hash_bytes(text, length, 0);
    uint64_t hash = 1;
    for (size_t i = 0; i < length; i++)
        hash = hash_combine(hash, (uint64_t)(unsigned char)tolower((unsigned char)text[i]));
    return hash;
}

/* Where extract( has been read so far: the word that follows is a constant. */
static int
extract_step(const Walk *walk, int step)
{
    return is_word(walk, "extract") ? 1 : step == 1 && is_character(walk, '(') ? 2 : 0;
}

#define KEY_CONSTANT UINT64_C(0x9E3779B97F4A7C15)

uint64_t
sql_constants_key(const char *text)
{
    uint64_t key = 0;
    size_t minuses = 0;
    bool is_behind_constant = false, holds_comma = false;
    int extract = 0;
    static const uint64_t minus_hash = 7, comma_hash = 11;
    for (Walk walk = walk_from(text); !walk_is_over(&walk); walk_next(&walk)) {
        bool is_field = extract == 2 && is_kind(&walk, LEXEME_WORD);
        extract = extract_step(&walk, extract);
        if (is_kind(&walk, LEXEME_OPERATOR) && is_character(&walk, '-')) {
            minuses++;
            continue;
        }
        if (is_field || is_constant_word(&walk) || is_kind(&walk, LEXEME_STRING) ||
            is_kind(&walk, LEXEME_NUMBER) || is_kind(&walk, LEXEME_PARAMETER)) {
            /* A sign is the constant's or the operator's: the key knows neither. */
            if (!holds_comma)
                key = hash_combine(key, KEY_CONSTANT);
            minuses = 0;
            holds_comma = false;
            is_behind_constant = true;
            continue;
        }
        if (holds_comma)
            key = hash_combine(key, comma_hash);
        for (; minuses > 0; minuses--)
            key = hash_combine(key, minus_hash);
        holds_comma = is_behind_constant && is_character(&walk, ',');
        if (!holds_comma)
            key = hash_combine(key, token_hash(&walk));
        is_behind_constant = false;
    }
    return key;
}

size_t
sql_constants_count(const char *text)
{
    size_t most = 0;
    for (Walk walk = walk_from(text); !walk_is_over(&walk); walk_next(&walk))
        if (is_kind(&walk, LEXEME_PARAMETER)) {
            size_t number = parameter_number(&walk);
            most = number > most ? number : most;
        }
    return most;
}

static SqlConstant
string_constant(Arena *arena, const char *value, size_t length)
{
    Text literal = text_new(arena);
    text_append_char(&literal, '\'');
    for (size_t i = 0; i < length; i++) {
        if (value[i] == '\'')
            text_append_char(&literal, '\'');
        text_append_char(&literal, value[i]);
    }
    text_append_char(&literal, '\'');
    return (SqlConstant){SQL_CONSTANT_STRING, literal.data, arena_strndup(arena, value, length)};
}

/* 'a', E'a' and $$a$$ of the same value are the same. */
static SqlConstant
string_read(Arena *arena, const char *text, size_t length)
{
    const SqlConstant none = {0};
    if (text[0] == '$') {
        const char *start = memchr(text + 1, '$', length - 1);
        size_t tag = (size_t)(start + 1 - text);
        return memchr(text, '\\', length) != NULL ? none
                                                  : string_constant(arena, text + tag, length - 2 * tag);
    }
    size_t at = text[0] == 'E' || text[0] == 'e' ? 1 : 0;
    if (text[at] != '\'' || memchr(text, '\\', length) != NULL)
        return none;
    Text value = text_new(arena);
    for (at++; at + 1 < length; at++) {
        if (text[at] == '\'' && (at + 2 >= length || text[++at] != '\''))
            return none; /* it goes on on another line */
        text_append_char(&value, text[at]);
    }
    return string_constant(arena, value.data, value.length);
}

static SqlConstant
number_read(Arena *arena, const char *text, size_t length, bool is_negative)
{
    for (size_t i = 0; i < length; i++)
        if (strchr("0123456789.eE+-", text[i]) == NULL)
            return (SqlConstant){0};
    const char *value = arena_printf(arena, "%s%.*s", is_negative ? "-" : "", (int)length, text);
    /* Behind another "-" its own would begin a comment. */
    const char *literal = is_negative ? arena_printf(arena, "(%s)", value) : value;
    return (SqlConstant){SQL_CONSTANT_NUMBER, literal, value};
}

/* The constant that the walk stands on, and behind it; false when there is none. */
static bool
constant_read(Arena *arena, Walk *sent, bool is_field, SqlConstant *ret_constant)
{
    bool is_negative = is_kind(sent, LEXEME_OPERATOR) && is_character(sent, '-');
    if (is_negative)
        walk_next(sent);
    const char *text = sent->text + sent->token.at;
    size_t length = sent->token.lexeme.length;
    *ret_constant = (SqlConstant){0};
    if (sent->token.lexeme.is_open || walk_is_over(sent))
        return false;
    if (is_kind(sent, LEXEME_NUMBER)) {
        *ret_constant = number_read(arena, text, length, is_negative);
    } else if (is_negative) {
        return false;
    } else if (is_kind(sent, LEXEME_STRING)) {
        *ret_constant = string_read(arena, text, length);
        walk_next(sent);
        return !is_kind(sent, LEXEME_STRING) && !is_word(sent, "uescape");
    } else if (is_constant_word(sent)) {
        bool is_null = is_word(sent, "null");
        const char *word = is_null ? "NULL" : is_word(sent, "true") ? "true" : "false";
        *ret_constant =
            (SqlConstant){is_null ? SQL_CONSTANT_NULL : SQL_CONSTANT_BOOLEAN, word, is_null ? NULL : word};
    } else if (is_field && is_kind(sent, LEXEME_WORD)) {
        const char *word = arena_strndup(arena, text, length);
        *ret_constant = (SqlConstant){SQL_CONSTANT_FIELD, word, word};
    } else if (!is_kind(sent, LEXEME_PARAMETER)) {
        return false;
    }
    walk_next(sent);
    return true;
}

static bool
tokens_equal(const Walk *a, const Walk *b)
{
    const Token *left = &a->token, *right = &b->token;
    if (left->lexeme.kind != right->lexeme.kind || left->lexeme.length != right->lexeme.length)
        return false;
    const char *one = a->text + left->at, *other = b->text + right->at;
    return left->lexeme.kind == LEXEME_WORD ? strncasecmp(one, other, left->lexeme.length) == 0
                                            : memcmp(one, other, left->lexeme.length) == 0;
}

/* PostgreSQL 18 writes a list as "$1 /_*, ... *_/", whatever its length. */
static bool
is_list(const Walk *behind_parameter)
{
    const char *comment = behind_parameter->text + behind_parameter->comment_at;
    return behind_parameter->comment_at > 0 && text_starts_with(comment, "/*, ...");
}

static void
list_skip(Walk *sent)
{
    int depth = 0;
    for (; !walk_is_over(sent); walk_next(sent)) {
        bool opens = is_character(sent, '(') || is_character(sent, '[');
        bool closes = is_character(sent, ')') || is_character(sent, ']');
        if (closes && depth == 0)
            return;
        depth += opens - closes;
    }
}

bool
sql_constants_bind(Arena *arena, const char *text, const char *sent, SqlConstant *constants, size_t count)
{
    Walk own = walk_from(text), other = walk_from(sent);
    int extract = 0;
    bool *is_bound = ARENA_NEW_ARRAY(arena, bool, count);
    memset(constants, 0, count * sizeof(*constants));
    while (!walk_is_over(&own)) {
        bool is_field = extract == 2;
        extract = extract_step(&own, extract);
        if (!is_kind(&own, LEXEME_PARAMETER)) {
            if (walk_is_over(&other) || !tokens_equal(&own, &other))
                return false;
            walk_next(&own);
            walk_next(&other);
            continue;
        }
        size_t number = parameter_number(&own);
        SqlConstant constant;
        if (number == 0 || number > count)
            return false;
        walk_next(&own);
        if (is_list(&own)) {
            list_skip(&other);
            continue;
        }
        if (!constant_read(arena, &other, is_field, &constant))
            return false;
        if (is_bound[number - 1] && !text_equals(constants[number - 1].literal, constant.literal))
            return false;
        constants[number - 1] = constant;
        is_bound[number - 1] = true;
    }
    return walk_is_over(&other);
}

/* A call, or another "(", that a $n stands in. */
typedef struct OpenCall {
    Token function;  /* the word before it; its length is 0 when there is none */
    size_t argument; /* from 0 */
} OpenCall;

typedef struct Places {
    Walk walk;
    Token before, before_that;
    char operator_text[8]; /* that ends where the token stands; "" */
    OpenCall calls[CALL_DEPTH_MOST];
    size_t depth; /* also counts the calls that there is no room for */
} Places;

static bool
token_is(const Places *places, Token token, const char *word)
{
    return token.lexeme.length > 0 && sql_lexeme_is(places->walk.text, token.at, token.lexeme, word);
}

static bool
token_is_one_of(const Places *places, Token token, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (token_is(places, token, words[i]))
            return true;
    return false;
}

static bool
is_before(const Places *places, char character)
{
    return places->before.lexeme.length == 1 && places->walk.text[places->before.at] == character;
}

/* Whether another argument follows the $n, which may have a cast. */
static bool
has_next_argument(Walk walk)
{
    walk_next(&walk);
    while (is_character(&walk, ':') || is_kind(&walk, LEXEME_WORD) || is_character(&walk, '.'))
        walk_next(&walk);
    return is_character(&walk, ',');
}

static bool
is_name_argument(const Places *places)
{
    static const char *const fields[] = {"date_trunc", "date_part", "extract"};
    static const char *const searches[] = {"to_tsvector", "to_tsquery", "plainto_tsquery",
                                           "websearch_to_tsquery", "phraseto_tsquery"};
    static const char *const paths[] = {"jsonb_extract_path", "jsonb_extract_path_text", "json_extract_path",
                                        "json_extract_path_text"};
    if (places->depth == 0 || places->depth > CALL_DEPTH_MOST)
        return false;
    const OpenCall *call = &places->calls[places->depth - 1];
    if (call->argument > 0)
        return is_before(places, ',') &&
               token_is_one_of(places, call->function, paths, FETTLE_COUNT_OF(paths));
    return is_before(places, '(') &&
           (token_is_one_of(places, call->function, fields, FETTLE_COUNT_OF(fields)) ||
            (token_is_one_of(places, call->function, searches, FETTLE_COUNT_OF(searches)) &&
             has_next_argument(places->walk)));
}

static SqlConstantPlace
place_of(const Places *places)
{
    static const char *const keys[] = {"->", "->>", "#>", "#>>"};
    static const char *const patterns[] = {"like", "ilike", "to", "escape"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(keys); i++)
        if (strcmp(places->operator_text, keys[i]) == 0)
            return SQL_PLACE_NAME;
    if (strchr(places->operator_text, '~') != NULL ||
        token_is_one_of(places, places->before, patterns, FETTLE_COUNT_OF(patterns)))
        return SQL_PLACE_PATTERN;
    bool is_fetch = token_is(places, places->before_that, "fetch") &&
                    (token_is(places, places->before, "first") || token_is(places, places->before, "next"));
    if (is_fetch || token_is(places, places->before, "limit"))
        return SQL_PLACE_ROWS;
    return is_name_argument(places) ? SQL_PLACE_NAME : SQL_PLACE_VALUE;
}

static void
calls_follow(Places *places)
{
    const Walk *walk = &places->walk;
    if (is_character(walk, '(') || is_character(walk, '[')) {
        const Token none = {0};
        bool is_call = is_character(walk, '(') && places->before.lexeme.kind == LEXEME_WORD;
        if (places->depth < CALL_DEPTH_MOST)
            places->calls[places->depth] = (OpenCall){.function = is_call ? places->before : none};
        places->depth++;
    } else if ((is_character(walk, ')') || is_character(walk, ']')) && places->depth > 0) {
        places->depth--;
    } else if (is_character(walk, ',') && places->depth > 0 && places->depth <= CALL_DEPTH_MOST) {
        places->calls[places->depth - 1].argument++;
    }
}

/* An operator's characters stand side by side. */
static void
operator_follow(Places *places)
{
    const Token *token = &places->walk.token;
    size_t length = strlen(places->operator_text);
    bool goes_on = places->before.at + places->before.lexeme.length == token->at;
    if (token->lexeme.kind != LEXEME_OPERATOR || !goes_on)
        length = 0;
    if (token->lexeme.kind == LEXEME_OPERATOR && length + 1 < sizeof(places->operator_text))
        places->operator_text[length++] = places->walk.text[token->at];
    places->operator_text[length] = '\0';
}

void
sql_constants_places(Arena *arena, const char *text, SqlConstantPlace *ret_places, size_t count)
{
    Places *places = ARENA_NEW(arena, Places);
    bool *is_seen = ARENA_NEW_ARRAY(arena, bool, count);
    memset(ret_places, 0, count * sizeof(*ret_places));
    for (places->walk = walk_from(text); !walk_is_over(&places->walk); walk_next(&places->walk)) {
        size_t number = is_kind(&places->walk, LEXEME_PARAMETER) ? parameter_number(&places->walk) : 0;
        if (number > 0 && number <= count) {
            SqlConstantPlace place = place_of(places);
            bool is_other = is_seen[number - 1] && ret_places[number - 1] != place;
            ret_places[number - 1] =
                !is_other ? place
                : place == SQL_PLACE_PATTERN || ret_places[number - 1] == SQL_PLACE_PATTERN
                    ? SQL_PLACE_PATTERN
                    : SQL_PLACE_VALUE;
            is_seen[number - 1] = true;
        }
        calls_follow(places);
        operator_follow(places);
        places->before_that = places->before;
        places->before = places->walk.token;
    }
}

/* What a literal would become one lexeme with, were there no blank between them. */
static bool
joins(char character)
{
    return isalnum((unsigned char)character) || ((unsigned char)character & 0x80) != 0 ||
           (character != '\0' && strchr("_.$'\"", character) != NULL);
}

const char *
sql_constants_fill(Arena *arena, const char *text, const char *const *literals, size_t count)
{
    size_t length = strlen(text);
    size_t most = sql_constants_count(text);
    if (most > SQL_CONSTANTS_MOST)
        return text;
    size_t *numbers = ARENA_NEW_ARRAY(arena, size_t, most + 1);
    for (size_t number = 1, next = 1; number <= most; number++)
        numbers[number] = number <= count && literals[number - 1] != NULL ? 0 : next++;
    Text filled = text_new(arena);
    for (size_t at = 0; at < length;) {
        Walk here = {.text = text, .length = length, .token = {at, sql_lexeme_at(text, at, length)}};
        size_t number = is_kind(&here, LEXEME_PARAMETER) ? parameter_number(&here) : 0;
        if (number == 0)
            text_append_bytes(&filled, text + at, here.token.lexeme.length);
        else if (numbers[number] == 0)
            text_append_format(&filled, "%s%s%s", at > 0 && joins(text[at - 1]) ? " " : "",
                               literals[number - 1], joins(text[at + here.token.lexeme.length]) ? " " : "");
        else
            text_append_format(&filled, "$%zu", numbers[number]);
        at += here.token.lexeme.length;
    }
    return filled.data;
}
