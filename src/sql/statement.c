// SPDX-License-Identifier: PostgreSQL
#include "base/hash.h"
#include "sql/lexical.h"
#include "sql/plannable.h"
#include "sql/statement_internal.h"

#include <ctype.h>
#include <pg_query.h>
#include <string.h>
#include <strings.h>

static SqlKind
kind_of(const PgQuery__Node *node)
{
    switch (node->node_case) {
        case PG_QUERY__NODE__NODE_SELECT_STMT: return SQL_KIND_SELECT;
        case PG_QUERY__NODE__NODE_INSERT_STMT: return SQL_KIND_INSERT;
        case PG_QUERY__NODE__NODE_UPDATE_STMT: return SQL_KIND_UPDATE;
        case PG_QUERY__NODE__NODE_DELETE_STMT: return SQL_KIND_DELETE;
        case PG_QUERY__NODE__NODE_MERGE_STMT: return SQL_KIND_MERGE;
        default: return SQL_KIND_UTILITY;
    }
}

/* Utility statements that change nothing by themselves; a statement within them is looked at on its own. */
static bool
utility_is_harmless(const PgQuery__Node *node)
{
    switch (node->node_case) {
        case PG_QUERY__NODE__NODE_VARIABLE_SHOW_STMT:
        case PG_QUERY__NODE__NODE_VARIABLE_SET_STMT:
        case PG_QUERY__NODE__NODE_TRANSACTION_STMT:
        case PG_QUERY__NODE__NODE_EXPLAIN_STMT:
        case PG_QUERY__NODE__NODE_PREPARE_STMT:
        case PG_QUERY__NODE__NODE_DEALLOCATE_STMT:
        case PG_QUERY__NODE__NODE_DECLARE_CURSOR_STMT:
        case PG_QUERY__NODE__NODE_FETCH_STMT:
        case PG_QUERY__NODE__NODE_CLOSE_PORTAL_STMT:
        case PG_QUERY__NODE__NODE_LISTEN_STMT:
        case PG_QUERY__NODE__NODE_UNLISTEN_STMT:
        case PG_QUERY__NODE__NODE_CONSTRAINTS_SET_STMT:
        case PG_QUERY__NODE__NODE_DISCARD_STMT: return true;
        case PG_QUERY__NODE__NODE_COPY_STMT:
            return !node->copy_stmt->is_from && !node->copy_stmt->is_program &&
                   node->copy_stmt->filename[0] == '\0';
        default: return false;
    }
}

typedef struct TreeFacts {
    int parameter_most;
    bool writes;
} TreeFacts;

static bool
tree_facts_visit(const ProtobufCMessage *message, void *context)
{
    TreeFacts *facts = context;
    const ProtobufCMessageDescriptor *kind = message->descriptor;
    if (kind == &pg_query__param_ref__descriptor) {
        int number = ((const PgQuery__ParamRef *)message)->number;
        facts->parameter_most = number > facts->parameter_most ? number : facts->parameter_most;
    } else if (kind == &pg_query__select_stmt__descriptor) {
        const PgQuery__SelectStmt *select = (const PgQuery__SelectStmt *)message;
        facts->writes = facts->writes || select->into_clause != NULL || select->n_locking_clause > 0;
    } else if (kind == &pg_query__insert_stmt__descriptor || kind == &pg_query__update_stmt__descriptor ||
               kind == &pg_query__delete_stmt__descriptor || kind == &pg_query__merge_stmt__descriptor ||
               kind == &pg_query__create_table_as_stmt__descriptor ||
               kind == &pg_query__execute_stmt__descriptor) {
        facts->writes = true;
    }
    return true;
}

/* Operators with a "?" in them that PostgreSQL has; by any other the "?" is a placeholder run into its
 * neighbours. */
static bool
operator_is_known(const PgQuery__AExpr *expression, const char *name)
{
    static const char *const infix[] = {"?", "?|", "?&", "?#", "?-", "?-|", "?||", "@?", "##?"};
    if (expression->lexpr == NULL) {
        bool is_geometric = strcmp(name, "?-") == 0 || strcmp(name, "?|") == 0;
        const PgQuery__Node *operand = expression->rexpr;
        return is_geometric && operand != NULL && operand->node_case != PG_QUERY__NODE__NODE_A_CONST &&
               operand->node_case != PG_QUERY__NODE__NODE_PARAM_REF;
    }
    for (size_t i = 0; i < FETTLE_COUNT_OF(infix); i++)
        if (strcmp(infix[i], name) == 0)
            return true;
    return false;
}

static bool
placeholder_visit(const ProtobufCMessage *message, void *context)
{
    bool *has_placeholder = context;
    if (message->descriptor == &pg_query__a__expr__descriptor) {
        const PgQuery__AExpr *expression = (const PgQuery__AExpr *)message;
        const PgQuery__Node *last = expression->n_name == 0 ? NULL : expression->name[expression->n_name - 1];
        bool is_named = last != NULL && last->node_case == PG_QUERY__NODE__NODE_STRING;
        if (is_named && strchr(last->string->sval, '?') != NULL)
            *has_placeholder = *has_placeholder || !operator_is_known(expression, last->string->sval);
    }
    return true;
}

static bool
statement_refuse(Arena *arena, SqlStatement *statement, SqlUnparsedReason reason, const char *reason_text)
{
    statement->kind = SQL_KIND_UNPARSED;
    statement->reason = reason;
    statement->reason_text = reason_text;
    statement->writes = true;
    statement->tree = NULL;
    statement->parameter_count = 0;
    uint64_t hash = hash_text(sql_tokens_normalize(arena, statement->text));
    statement->fingerprint = hash == 0 ? 1 : hash;
    return false;
}

/* The last lexeme that is neither space nor comment; *ret_at its place. */
static Lexeme
last_lexeme(const char *text, size_t *ret_at)
{
    Lexeme last = {.kind = LEXEME_SPACE};
    size_t length = strlen(text);
    for (size_t at = 0; at < length;) {
        Lexeme lexeme = sql_lexeme_at(text, at, length);
        if (lexeme.is_open || (lexeme.kind != LEXEME_SPACE && lexeme.kind != LEXEME_COMMENT)) {
            last = lexeme;
            *ret_at = at;
        }
        at += lexeme.length;
    }
    return last;
}

/* "SELECT * FRO": the text ends in the first letters of a key word, and there the error stands. */
static bool
ends_in_half_word(const char *text, int position)
{
    static const char *const words[] = {
        "from",  "where",     "group",   "order",   "having",   "limit", "offset",   "inner",     "left",
        "right", "outer",     "cross",   "natural", "join",     "union", "values",   "using",     "window",
        "fetch", "returning", "between", "ilike",   "conflict", "then",  "distinct", "intersect", "except"};
    size_t at = 0;
    Lexeme last = last_lexeme(text, &at);
    if (last.kind != LEXEME_WORD || position < 0 || at != (size_t)position)
        return false;
    for (size_t i = 0; i < FETTLE_COUNT_OF(words); i++)
        if (last.length < strlen(words[i]) && strncasecmp(text + at, words[i], last.length) == 0)
            return true;
    return false;
}

/* What libpg_query says, without the user's literals: they are not for reports. */
static const char *
syntax_text(Arena *arena, const char *text, const SqlTreeResult *result)
{
    const char *near = strstr(result->message, " at or near ");
    int length = near == NULL ? (int)strlen(result->message) : (int)(near - result->message);
    if (result->position < 0)
        return arena_printf(arena, "%.*s", length < 200 ? length : 200, result->message);
    size_t at = (size_t)result->position;
    Lexeme lexeme = text[at] == '\0' ? (Lexeme){.kind = LEXEME_SPACE} : sql_lexeme_at(text, at, strlen(text));
    if (near == NULL || lexeme.kind == LEXEME_SPACE)
        return arena_printf(arena, "%.*s at byte %d", length < 200 ? length : 200, result->message,
                            result->position + 1);
    if (lexeme.kind == LEXEME_STRING)
        return arena_printf(arena, "%.*s at or near a string constant at byte %d", length, result->message,
                            result->position + 1);
    const char *token = arena_strndup(arena, text + at, lexeme.length < 63 ? lexeme.length : 63);
    while (!text_is_valid_utf8(token, strlen(token)))
        token = arena_strndup(arena, token, strlen(token) - 1);
    return arena_printf(arena, "%.*s at or near \"%s\" at byte %d", length, result->message, token,
                        result->position + 1);
}

static bool
statement_refuse_syntax(Arena *arena, SqlStatement *statement, const SqlTreeResult *result)
{
    if (result->message == NULL)
        return statement_refuse(arena, statement, SQL_REASON_TOO_DEEP, "it is nested too deeply");
    size_t at = 0;
    Lexeme last = last_lexeme(statement->text, &at);
    if (strstr(result->message, "at end of input") != NULL || last.is_open ||
        ends_in_half_word(statement->text, result->position))
        return statement_refuse(arena, statement, SQL_REASON_TRUNCATED,
                                arena_printf(arena, "the text is cut off after %s bytes",
                                             text_format_count(arena, (double)(at + last.length))));
    return statement_refuse(arena, statement, SQL_REASON_SYNTAX, syntax_text(arena, statement->text, result));
}

static bool
statement_parse_text(Arena *arena, SqlStatement *statement)
{
    SqlTreeResult result = sql_tree_parse(arena, statement->text);
    if (result.tree == NULL)
        return statement_refuse_syntax(arena, statement, &result);
    if (result.tree->n_stmts == 0)
        return statement_refuse(arena, statement, SQL_REASON_EMPTY, "there is no statement in it");
    if (result.tree->n_stmts > 1)
        return statement_refuse(arena, statement, SQL_REASON_MULTIPLE,
                                "there is more than one statement in it");
    const PgQuery__Node *root = result.tree->stmts[0]->stmt;
    if (root == NULL)
        return statement_refuse(arena, statement, SQL_REASON_EMPTY, "there is no statement in it");
    TreeFacts facts = {0};
    sql_tree_walk(&root->base, tree_facts_visit, &facts);
    statement->tree = result.tree;
    statement->reason = SQL_REASON_NONE;
    statement->reason_text = "";
    statement->kind = kind_of(root);
    statement->parameter_count = facts.parameter_most;
    statement->writes = facts.writes || (statement->kind == SQL_KIND_UTILITY && !utility_is_harmless(root));
    return true;
}

static bool
is_numbered(const char *name)
{
    for (size_t i = 0; name[i] != '\0'; i++)
        if (isdigit((unsigned char)name[i]) && isdigit((unsigned char)name[i + 1]))
            return true;
    return false;
}

static bool
numbered_relation_visit(const ProtobufCMessage *message, void *context)
{
    uint64_t *fingerprint = context;
    if (message->descriptor == &pg_query__range_var__descriptor) {
        const char *name = ((const PgQuery__RangeVar *)message)->relname;
        if (name != NULL && is_numbered(name))
            *fingerprint = hash_bytes(name, strlen(name), *fingerprint);
    }
    return true;
}

/* libpg_query leaves out digits that follow each other in a relation's name, so that logs_2025 and logs_2026
 * are one to it. Here they are two: what helps one need not help the other. */
static void
statement_fingerprint(Arena *arena, SqlStatement *statement)
{
    PgQueryFingerprintResult result = pg_query_fingerprint(statement->text);
    uint64_t fingerprint =
        result.error == NULL ? result.fingerprint : hash_text(sql_tokens_normalize(arena, statement->text));
    if (result.error == NULL && statement->tree != NULL)
        sql_tree_walk(&statement->tree->base, numbered_relation_visit, &fingerprint);
    statement->fingerprint = fingerprint == 0 ? 1 : fingerprint;
    pg_query_free_fingerprint_result(result);
}

/* A text with "?" that parses is not yet read rightly ("a = ? - 5" has a prefix operator): then, and when it
 * does not parse, a text that parses with the placeholders numbered is what was meant. */
static bool
statement_parse_placeholders(Arena *arena, SqlStatement *statement, bool parsed)
{
    if (strchr(statement->text, '?') == NULL || (!parsed && statement->reason == SQL_REASON_TOO_DEEP))
        return parsed;
    bool is_wanted = !parsed;
    if (parsed)
        sql_tree_walk(&statement->tree->base, placeholder_visit, &is_wanted);
    if (!is_wanted)
        return parsed;
    int count = 0;
    SqlStatement numbered = {.text = sql_question_marks_number(arena, statement->text, &count)};
    bool has_parsed = (count > 0 || !parsed) && statement_parse_text(arena, &numbered);
    /* A reason is told of the numbered text too: in the other, the first "?" is all that it complains about.
     */
    if (has_parsed || (!parsed && count > 0))
        *statement = numbered;
    return parsed || has_parsed;
}

/* pg_stat_statements writes interval '1 day' as "interval $1", which no grammar has. */
static bool
statement_parse_typed(Arena *arena, SqlStatement *statement)
{
    SqlStatement plannable = {.text = sql_plannable_text(arena, statement->text)};
    if (plannable.text == statement->text || !statement_parse_text(arena, &plannable))
        return false;
    *statement = plannable;
    return true;
}

typedef struct ParseWork {
    Arena *arena;
    SqlStatement *statement;
} ParseWork;

static void
parse_work(void *context)
{
    ParseWork *work = context;
    bool parsed = statement_parse_text(work->arena, work->statement);
    if (!parsed && work->statement->reason == SQL_REASON_SYNTAX)
        parsed = statement_parse_typed(work->arena, work->statement);
    if (statement_parse_placeholders(work->arena, work->statement, parsed))
        statement_fingerprint(work->arena, work->statement);
}

SqlStatement *
sql_statement_parse(Arena *arena, const char *text, size_t length)
{
    SqlStatement *statement = ARENA_NEW(arena, SqlStatement);
    statement->reason_text = "";
    if (!text_is_valid_utf8(text, length) || memchr(text, '\0', length) != NULL) {
        statement->text = "";
        statement_refuse(arena, statement, SQL_REASON_ENCODING, "the text is not UTF-8, or has a NUL byte");
        statement->fingerprint = hash_bytes(text, length, 0) | 1;
        return statement;
    }
    if (length > SQL_STATEMENT_BYTES_MOST) {
        size_t kept = SQL_STATEMENT_BYTES_MOST;
        while (((unsigned char)text[kept] & 0xC0) == 0x80)
            kept--;
        statement->text = sql_comments_blank(arena, text, kept);
        statement_refuse(arena, statement, SQL_REASON_TOO_LONG,
                         arena_printf(arena, "the text has %s bytes; at most %s are analysed",
                                      text_format_count(arena, (double)length),
                                      text_format_count(arena, SQL_STATEMENT_BYTES_MOST)));
        return statement;
    }
    statement->text = sql_comments_blank(arena, text, length);
    ParseWork work = {.arena = arena, .statement = statement};
    sql_big_stack_run(parse_work, &work);
    return statement;
}

SqlKind
sql_statement_kind(const SqlStatement *statement)
{
    return statement->kind;
}

SqlUnparsedReason
sql_statement_reason(const SqlStatement *statement)
{
    return statement->reason;
}

const char *
sql_statement_reason_text(const SqlStatement *statement)
{
    return statement->reason_text;
}

const char *
sql_kind_word(SqlKind kind)
{
    static const char *const words[] = {"unparsed", "select", "insert", "update",
                                        "delete",   "merge",  "utility"};
    fettle_assert((size_t)kind < FETTLE_COUNT_OF(words));
    return words[kind];
}

const char *
sql_statement_text(const SqlStatement *statement)
{
    return statement->text;
}

uint64_t
sql_statement_fingerprint(const SqlStatement *statement)
{
    return statement->fingerprint;
}

int
sql_statement_parameter_count(const SqlStatement *statement)
{
    return statement->parameter_count;
}

bool
sql_statement_writes(const SqlStatement *statement)
{
    return statement->writes;
}
