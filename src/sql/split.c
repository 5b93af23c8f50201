// SPDX-License-Identifier: PostgreSQL
/*
 * A file of statements into texts. The semicolons that do not end a statement: those in literals and
 * comments, in the parentheses of CREATE RULE, and in BEGIN ATOMIC ... END of a function's SQL body. Lines of
 * psql's own commands
 * ("\set n 1") between statements are skipped.
 */
#include "sql/lexical.h"
#include "sql/statement.h"

#include <string.h>

typedef struct Splitting {
    const char *text;
    size_t length;
    size_t start;     /* of the current statement */
    size_t end;       /* behind its last significant lexeme; start when there is none yet */
    int word_count;   /* words seen in it */
    bool is_create;   /* begins with CREATE */
    bool is_rule;     /* CREATE [OR REPLACE] RULE */
    bool is_routine;  /* CREATE [OR REPLACE] FUNCTION or PROCEDURE */
    bool after_begin; /* the last word was BEGIN */
    int body_depth;   /* BEGIN ATOMIC and CASE that are not ended */
    int parenthesis_depth;
} Splitting;

static void
statement_begin(Splitting *splitting, size_t at)
{
    *splitting = (Splitting){.text = splitting->text, .length = splitting->length, .start = at, .end = at};
}

static void
word_note(Splitting *splitting, size_t at, Lexeme lexeme)
{
    const char *text = splitting->text;
    splitting->word_count++;
    if (splitting->word_count == 1)
        splitting->is_create = sql_lexeme_is(text, at, lexeme, "create");
    if (splitting->is_create && splitting->word_count <= 4) {
        splitting->is_rule = splitting->is_rule || sql_lexeme_is(text, at, lexeme, "rule");
        splitting->is_routine = splitting->is_routine || sql_lexeme_is(text, at, lexeme, "function") ||
                                sql_lexeme_is(text, at, lexeme, "procedure");
    }
    if (!splitting->is_routine)
        return;
    bool begins_body = splitting->after_begin && sql_lexeme_is(text, at, lexeme, "atomic");
    bool begins_case = splitting->body_depth > 0 && sql_lexeme_is(text, at, lexeme, "case");
    if (begins_body || begins_case)
        splitting->body_depth++;
    else if (splitting->body_depth > 0 && sql_lexeme_is(text, at, lexeme, "end"))
        splitting->body_depth--;
    splitting->after_begin = sql_lexeme_is(text, at, lexeme, "begin");
}

static bool
ends_statement(Splitting *splitting, size_t at, Lexeme lexeme)
{
    if (lexeme.kind != LEXEME_OTHER)
        return false;
    char character = splitting->text[at];
    if (splitting->is_rule && character == '(')
        splitting->parenthesis_depth++;
    else if (splitting->is_rule && character == ')' && splitting->parenthesis_depth > 0)
        splitting->parenthesis_depth--;
    return character == ';' && splitting->parenthesis_depth == 0 && splitting->body_depth == 0;
}

static void
statement_end(Arena *arena, Splitting *splitting, TextList *statements)
{
    if (splitting->end > splitting->start)
        vector_push(
            arena, statements,
            arena_strndup(arena, splitting->text + splitting->start, splitting->end - splitting->start));
}

TextList
sql_split(Arena *arena, const char *text, size_t length, size_t limit)
{
    TextList statements = {0};
    Splitting splitting = {.text = text, .length = length};
    for (size_t at = 0; at < length && statements.count < limit;) {
        Lexeme lexeme = sql_lexeme_at(text, at, length);
        bool is_blank = lexeme.kind == LEXEME_SPACE || lexeme.kind == LEXEME_COMMENT;
        bool is_empty = splitting.end == splitting.start;
        if (is_empty && lexeme.kind == LEXEME_OTHER && text[at] == '\\') {
            const char *line_end = memchr(text + at, '\n', length - at);
            lexeme.length = line_end == NULL ? length - at : (size_t)(line_end - (text + at));
            is_blank = true;
        }
        if (is_blank && lexeme.kind == LEXEME_SPACE && is_empty)
            statement_begin(&splitting, at + lexeme.length);
        else if (is_blank && lexeme.kind == LEXEME_OTHER)
            statement_begin(&splitting, at + lexeme.length);
        if (!is_blank && ends_statement(&splitting, at, lexeme)) {
            statement_end(arena, &splitting, &statements);
            statement_begin(&splitting, at + lexeme.length);
        } else if (!is_blank) {
            if (lexeme.kind == LEXEME_WORD)
                word_note(&splitting, at, lexeme);
            splitting.end = at + lexeme.length;
        }
        at += lexeme.length;
    }
    if (statements.count < limit)
        statement_end(arena, &splitting, &statements);
    return statements;
}
