// SPDX-License-Identifier: PostgreSQL
#include "sql/lexical.h"
#include "sql/statement_internal.h"

#include <ctype.h>
#include <pg_query.h>
#include <string.h>

typedef struct Tokens {
    Text text;
    size_t list_end;       /* behind a "?" that a "," may follow; 0: none */
    bool after_list_comma; /* a "," stands behind such a "?" and is not written yet */
    bool after_operator;
} Tokens;

static void
token_append(Tokens *tokens, const char *token, size_t length, bool lower)
{
    if (tokens->text.length > 0)
        text_append_char(&tokens->text, ' ');
    for (size_t i = 0; i < length; i++)
        text_append_char(&tokens->text, lower ? (char)tolower((unsigned char)token[i]) : token[i]);
}

/* "?, ?, ?" becomes "?, ...": a list's length makes no other statement. */
static void
literal_append(Tokens *tokens)
{
    bool is_next = tokens->after_list_comma;
    if (is_next && !text_ends_with(tokens->text.data, "..."))
        text_append(&tokens->text, ", ...");
    else if (!is_next)
        token_append(tokens, "?", 1, false);
    tokens->list_end = tokens->text.length;
    tokens->after_list_comma = false;
}

static void
other_append(Tokens *tokens, const char *token, Lexeme lexeme, bool is_joined)
{
    if (tokens->after_list_comma)
        text_append(&tokens->text, ",");
    tokens->after_list_comma = false;
    tokens->list_end = 0;
    if (is_joined)
        text_append_bytes(&tokens->text, token, lexeme.length);
    else
        token_append(tokens, token, lexeme.length, lexeme.kind == LEXEME_WORD);
}

char *
sql_tokens_normalize(Arena *arena, const char *text)
{
    Tokens tokens = {.text = text_new(arena)};
    size_t length = strlen(text);
    for (size_t at = 0; at < length;) {
        Lexeme lexeme = sql_lexeme_at(text, at, length);
        bool is_blank = lexeme.kind == LEXEME_SPACE || lexeme.kind == LEXEME_COMMENT;
        bool is_operator = lexeme.kind == LEXEME_OPERATOR;
        bool is_literal = lexeme.kind == LEXEME_STRING || lexeme.kind == LEXEME_NUMBER ||
                          lexeme.kind == LEXEME_PARAMETER || (is_operator && text[at] == '?');
        if (is_literal)
            literal_append(&tokens);
        else if (!is_blank && text[at] == ',' && tokens.list_end > 0)
            tokens.after_list_comma = true;
        else if (!is_blank)
            other_append(&tokens, text + at, lexeme, is_operator && tokens.after_operator);
        tokens.after_operator = is_operator && !is_literal;
        at += lexeme.length;
    }
    return tokens.text.data;
}

typedef struct NormalizeWork {
    Arena *arena;
    const SqlStatement *statement;
    const char *normalized;
} NormalizeWork;

static void
normalize_work(void *context)
{
    NormalizeWork *work = context;
    PgQueryNormalizeResult result = pg_query_normalize(work->statement->text);
    if (result.error == NULL)
        work->normalized = arena_strdup(work->arena, result.normalized_query);
    pg_query_free_normalize_result(result);
}

const char *
sql_statement_normalized(Arena *arena, const SqlStatement *statement)
{
    NormalizeWork work = {.arena = arena, .statement = statement};
    if (statement->tree != NULL)
        sql_big_stack_run(normalize_work, &work);
    return work.normalized != NULL ? work.normalized : sql_tokens_normalize(arena, statement->text);
}
