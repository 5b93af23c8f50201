// SPDX-License-Identifier: PostgreSQL
#include "sql/statement_internal.h"

#include "base/hash.h"

#include <ctype.h>
#include <pg_query.h>
#include <pthread.h>
#include <string.h>

#define BIG_STACK_BYTES ((size_t)256 * 1024 * 1024)

typedef struct BigStackWork {
    void (*work)(void *context);
    void *context;
} BigStackWork;

static void *
big_stack_thread(void *opaque)
{
    BigStackWork *work = opaque;
    work->work(work->context);
    return NULL;
}

void
sql_big_stack_run(void (*work)(void *context), void *context)
{
    BigStackWork job = {.work = work, .context = context};
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    /* Only touched pages cost memory. */
    int result = pthread_attr_setstacksize(&attributes, BIG_STACK_BYTES);
    fettle_assert(result == 0);
    result = pthread_create(&thread, &attributes, big_stack_thread, &job);
    fettle_assert(result == 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
}

static void *
tree_alloc(void *allocator_data, size_t size)
{
    return arena_alloc(allocator_data, size);
}

static void
tree_free(void *allocator_data, void *pointer)
{
    (void)allocator_data;
    (void)pointer;
}

static PgQuery__ParseResult *
tree_unpack(Arena *arena, const PgQueryProtobuf *packed)
{
    ProtobufCAllocator allocator = {.alloc = tree_alloc, .free = tree_free, .allocator_data = arena};
    return pg_query__parse_result__unpack(&allocator, packed->len, (const uint8_t *)packed->data);
}

PgQuery__ParseResult *
sql_tree_parse(Arena *arena, const char *text)
{
    if (strlen(text) > SQL_STATEMENT_BYTES_MOST || sql_nesting(text) > SQL_DEPTH_MOST)
        return NULL;
    PgQueryProtobufParseResult result = pg_query_parse_protobuf(text);
    PgQuery__ParseResult *tree = result.error == NULL ? tree_unpack(arena, &result.parse_tree) : NULL;
    pg_query_free_protobuf_parse_result(result);
    return tree;
}

PgQuery__Node *
sql_statement_root(const SqlStatement *statement)
{
    return statement->tree == NULL ? NULL : statement->tree->stmts[0]->stmt;
}

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

/* What a walk over every message of a tree finds out. */
typedef struct TreeFacts {
    int parameter_most;
    bool writes;
    bool too_deep;
} TreeFacts;

static void tree_facts_walk(const ProtobufCMessage *message, int depth, TreeFacts *facts);

static void
tree_facts_note(const ProtobufCMessage *message, TreeFacts *facts)
{
    if (message->descriptor == &pg_query__param_ref__descriptor) {
        int number = ((const PgQuery__ParamRef *)message)->number;
        facts->parameter_most = number > facts->parameter_most ? number : facts->parameter_most;
    }
    if (message->descriptor == &pg_query__select_stmt__descriptor) {
        const PgQuery__SelectStmt *select = (const PgQuery__SelectStmt *)message;
        facts->writes = facts->writes || select->into_clause != NULL || select->n_locking_clause > 0;
    }
    facts->writes = facts->writes || message->descriptor == &pg_query__insert_stmt__descriptor ||
                    message->descriptor == &pg_query__update_stmt__descriptor ||
                    message->descriptor == &pg_query__delete_stmt__descriptor ||
                    message->descriptor == &pg_query__merge_stmt__descriptor;
}

/* One field of a message by protobuf-c's own description of it. */
static void
tree_facts_field(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, int depth, TreeFacts *facts)
{
    if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        return;
    const char *base = (const char *)message;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t count = *(const size_t *)(const void *)(base + field->quantifier_offset);
        ProtobufCMessage *const *items = *(ProtobufCMessage *const *const *)(const void *)(base + field->offset);
        for (size_t i = 0; i < count; i++)
            tree_facts_walk(items[i], depth + 1, facts);
        return;
    }
    bool is_choice = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    if (is_choice && *(const uint32_t *)(const void *)(base + field->quantifier_offset) != field->id)
        return;
    tree_facts_walk(*(ProtobufCMessage *const *)(const void *)(base + field->offset), depth + 1, facts);
}

static void
tree_facts_walk(const ProtobufCMessage *message, int depth, TreeFacts *facts)
{
    if (message == NULL)
        return;
    if (depth > SQL_DEPTH_MOST * 8) {
        facts->too_deep = true;
        return;
    }
    tree_facts_note(message, facts);
    for (unsigned i = 0; i < message->descriptor->n_fields; i++)
        tree_facts_field(message, &message->descriptor->fields[i], depth, facts);
}

typedef struct ParseWork {
    Arena *arena;
    SqlStatement *statement;
} ParseWork;

static bool
statement_refuse(Arena *arena, SqlStatement *statement, SqlUnparsedReason reason, const char *reason_text)
{
    statement->kind = SQL_KIND_UNPARSED;
    statement->reason = reason;
    statement->reason_text = reason_text;
    statement->writes = true;
    statement->tree = NULL;
    uint64_t hash = hash_text(sql_tokens_normalize(arena, statement->text));
    statement->fingerprint = hash == 0 ? 1 : hash;
    return false;
}

static size_t
trimmed_length(const char *text)
{
    size_t length = strlen(text);
    while (length > 0 && (isspace((unsigned char)text[length - 1]) || text[length - 1] == ';'))
        length--;
    return length;
}

static bool
statement_refuse_syntax(Arena *arena, SqlStatement *statement, const PgQueryError *failure)
{
    bool at_end = strstr(failure->message, "at end of input") != NULL ||
                  strstr(failure->message, "unterminated") != NULL;
    if (at_end)
        return statement_refuse(arena, statement, SQL_REASON_TRUNCATED,
                                arena_printf(arena, "the text is cut off after %zu bytes", trimmed_length(statement->text)));
    return statement_refuse(arena, statement, SQL_REASON_SYNTAX,
                            arena_printf(arena, "%.200s (byte %d)", failure->message, failure->cursorpos));
}

static bool
statement_take_tree(Arena *arena, SqlStatement *statement, PgQuery__ParseResult *tree)
{
    if (tree == NULL)
        return statement_refuse(arena, statement, SQL_REASON_SYNTAX, "the parse tree could not be read");
    if (tree->n_stmts == 0)
        return statement_refuse(arena, statement, SQL_REASON_EMPTY, "there is no statement in it");
    if (tree->n_stmts > 1)
        return statement_refuse(arena, statement, SQL_REASON_MULTIPLE, "there is more than one statement in it");
    TreeFacts facts = {0};
    tree_facts_walk(&tree->base, 0, &facts);
    if (facts.too_deep || tree->stmts[0]->stmt == NULL)
        return statement_refuse(arena, statement, SQL_REASON_TOO_DEEP, "it is nested too deeply");
    statement->tree = tree;
    statement->kind = kind_of(tree->stmts[0]->stmt);
    statement->parameter_count = facts.parameter_most;
    statement->writes = facts.writes || statement->kind == SQL_KIND_UTILITY;
    return true;
}

static bool
statement_parse_text(Arena *arena, SqlStatement *statement)
{
    PgQueryProtobufParseResult result = pg_query_parse_protobuf(statement->text);
    bool parsed = result.error == NULL
                      ? statement_take_tree(arena, statement, tree_unpack(arena, &result.parse_tree))
                      : statement_refuse_syntax(arena, statement, result.error);
    pg_query_free_protobuf_parse_result(result);
    return parsed;
}

static void
statement_fingerprint(SqlStatement *statement)
{
    PgQueryFingerprintResult result = pg_query_fingerprint(statement->text);
    statement->fingerprint = result.error == NULL && result.fingerprint != 0 ? result.fingerprint : 1;
    pg_query_free_fingerprint_result(result);
}

static void
parse_work(void *context)
{
    ParseWork *work = context;
    SqlStatement *statement = work->statement;
    bool parsed = statement_parse_text(work->arena, statement);
    if (!parsed && statement->reason == SQL_REASON_SYNTAX && strchr(statement->text, '?') != NULL) {
        /* "?" may be a placeholder of a driver: a text that parses with it numbered is one. */
        int count;
        SqlStatement numbered = {.text = sql_question_marks_number(work->arena, statement->text, &count)};
        parsed = count > 0 && statement_parse_text(work->arena, &numbered);
        if (parsed)
            *statement = numbered;
    }
    if (parsed)
        statement_fingerprint(statement);
}

SqlStatement *
sql_statement_parse(Arena *arena, const char *text, size_t length)
{
    SqlStatement *statement = ARENA_NEW(arena, SqlStatement);
    statement->reason_text = "";
    if (!text_is_valid_utf8(text, length) || memchr(text, '\0', length) != NULL) {
        statement->text = "";
        statement_refuse(arena, statement, SQL_REASON_ENCODING, "the text is not UTF-8");
        return statement;
    }
    if (length > SQL_STATEMENT_BYTES_MOST) {
        statement->text = arena_strndup(arena, text, SQL_STATEMENT_BYTES_MOST);
        statement_refuse(arena, statement, SQL_REASON_TOO_LONG,
                         arena_printf(arena, "the text has %zu bytes; at most %d are analysed", length,
                                      SQL_STATEMENT_BYTES_MOST));
        return statement;
    }
    statement->text = sql_comments_blank(arena, text, length);
    if (sql_nesting(statement->text) > SQL_DEPTH_MOST) {
        statement_refuse(arena, statement, SQL_REASON_TOO_DEEP, "it is nested too deeply");
        return statement;
    }
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
    return statement->reason_text == NULL ? "" : statement->reason_text;
}

const char *
sql_kind_word(SqlKind kind)
{
    static const char *const words[] = {"unparsed", "select", "insert", "update", "delete", "merge", "utility"};
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

const char *
sql_statement_normalized(Arena *arena, const SqlStatement *statement)
{
    if (statement->tree == NULL)
        return sql_tokens_normalize(arena, statement->text);
    PgQueryNormalizeResult result = pg_query_normalize(statement->text);
    const char *normalized = result.error == NULL ? arena_strdup(arena, result.normalized_query)
                                                  : sql_tokens_normalize(arena, statement->text);
    pg_query_free_normalize_result(result);
    return normalized;
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
