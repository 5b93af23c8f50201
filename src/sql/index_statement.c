// SPDX-License-Identifier: PostgreSQL
#include "sql/index_statement.h"

#include "sql/lexical.h"
#include "sql/statement_internal.h"

#include <ctype.h>
#include <string.h>

VECTOR_DEFINE(TokenList, const char *);

typedef struct IndexParse {
    Arena *arena;
    const char *text;
    const PgQuery__Node *node;       /* the only statement; NULL: there is none, or several */
    const PgQuery__IndexStmt *index; /* NULL: it is none */
    TextList operands;               /* as of SqlIndexStatement */
    TextList operators;
} IndexParse;

static void
operand_take(IndexParse *parse, const PgQuery__Node *node, const char *operator)
{
    if (node == NULL || node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF || node->column_ref->n_fields == 0)
        return;
    const PgQuery__Node *name = node->column_ref->fields[node->column_ref->n_fields - 1];
    if (name->node_case != PG_QUERY__NODE__NODE_STRING)
        return;
    vector_push(parse->arena, &parse->operands, arena_strdup(parse->arena, name->string->sval));
    vector_push(parse->arena, &parse->operators, arena_strdup(parse->arena, operator));
}

static bool
operator_visit(const ProtobufCMessage *message, void *context)
{
    if (message->descriptor != &pg_query__a__expr__descriptor)
        return true;
    const PgQuery__AExpr *operation = (const PgQuery__AExpr *)message;
    if (operation->n_name == 1 && operation->name[0]->node_case == PG_QUERY__NODE__NODE_STRING) {
        operand_take(context, operation->lexpr, operation->name[0]->string->sval);
        operand_take(context, operation->rexpr, operation->name[0]->string->sval);
    }
    return true;
}

static void
parse_run(void *context)
{
    IndexParse *parse = context;
    SqlTreeResult result = sql_tree_parse(parse->arena, parse->text);
    if (result.tree == NULL || result.tree->n_stmts != 1)
        return;
    parse->node = result.tree->stmts[0]->stmt;
    if (parse->node->node_case != PG_QUERY__NODE__NODE_INDEX_STMT)
        return;
    parse->index = parse->node->index_stmt;
    sql_tree_walk(&parse->index->base, operator_visit, parse);
}

static bool
is_bare_name(const char *name)
{
    if (!islower((unsigned char)name[0]) && name[0] != '_')
        return false;
    for (const char *at = name; *at != '\0'; at++)
        if (!islower((unsigned char)*at) && !isdigit((unsigned char)*at) && *at != '_' && *at != '$')
            return false;
    return true;
}

/* The content of a quoted name; the lexeme as it is when it is none. */
static char *
name_unquote(Arena *arena, const char *lexeme, size_t length)
{
    if (length < 2 || lexeme[0] != '"') {
        char *folded = arena_strndup(arena, lexeme, length);
        for (char *at = folded; *at != '\0'; at++)
            if (*at >= 'A' && *at <= 'Z')
                *at = (char)(*at - 'A' + 'a');
        return folded;
    }
    Text text = text_new(arena);
    for (size_t i = 1; i + 1 < length; i++) {
        text_append_char(&text, lexeme[i]);
        i += lexeme[i] == '"' && i + 2 < length ? 1 : 0;
    }
    return text.data;
}

static char *
quote(Arena *arena, const char *name)
{
    Text text = text_new(arena);
    text_append_char(&text, '"');
    for (const char *at = name; *at != '\0'; at++) {
        if (*at == '"')
            text_append_char(&text, '"');
        text_append_char(&text, *at);
    }
    text_append_char(&text, '"');
    return text.data;
}

static size_t
skip_space(const char *text, size_t at, size_t length)
{
    while (at < length) {
        Lexeme lexeme = sql_lexeme_at(text, at, length);
        if (lexeme.kind != LEXEME_SPACE && lexeme.kind != LEXEME_COMMENT)
            break;
        at += lexeme.length;
    }
    return at;
}

/* What stands behind the table's name: its parts are lexemes joined by dots. */
static char *
tail_of(Arena *arena, const char *text, size_t at)
{
    size_t length = strlen(text);
    at += sql_lexeme_at(text, at, length).length;
    for (;;) {
        size_t next = skip_space(text, at, length);
        if (next >= length || text[next] != '.')
            break;
        next = skip_space(text, next + 1, length);
        at = next + (next < length ? sql_lexeme_at(text, next, length).length : 0);
    }
    at = skip_space(text, at, length);
    while (length > at && (isspace((unsigned char)text[length - 1]) || text[length - 1] == ';'))
        length--;
    return arena_strndup(arena, text + at, length - at);
}

/* Lexemes without space, words in lower case, names without quotes that they do not need. */
static TokenList
tokens_of(Arena *arena, const char *text)
{
    TokenList tokens = {0};
    size_t length = strlen(text);
    for (size_t at = 0; at < length;) {
        Lexeme lexeme = sql_lexeme_at(text, at, length);
        char *token = arena_strndup(arena, text + at, lexeme.length);
        if (lexeme.kind == LEXEME_WORD)
            for (char *letter = token; *letter != '\0'; letter++)
                *letter = (char)tolower((unsigned char)*letter);
        char *bare = token[0] == '"' ? name_unquote(arena, token, strlen(token)) : token;
        if (lexeme.kind != LEXEME_SPACE && lexeme.kind != LEXEME_COMMENT)
            vector_push(arena, &tokens, is_bare_name(bare) ? bare : token);
        at += lexeme.length;
    }
    return tokens;
}

static bool
token_is(const TokenList *tokens, size_t at, const char *word)
{
    return at < tokens->count && strcmp(tokens->items[at], word) == 0;
}

/* How many tokens from here say only what holds anyway. */
static size_t
unsaid_tokens(const TokenList *tokens, size_t at, bool is_descending)
{
    bool ends_key = token_is(tokens, at + 1, ",") || token_is(tokens, at + 1, ")");
    if (token_is(tokens, at, "asc") && (ends_key || token_is(tokens, at + 1, "nulls")))
        return 1;
    if (token_is(tokens, at, "nulls") && token_is(tokens, at + 1, is_descending ? "first" : "last"))
        return 2;
    return 0;
}

/* Without the tablespace, which makes no other index. */
static char *
shape_of(Arena *arena, bool is_unique, const char *tail)
{
    TokenList tokens = tokens_of(arena, tail);
    int depth = 0;
    Text shape = text_new(arena);
    text_append(&shape, is_unique ? "unique" : "plain");
    if (!token_is(&tokens, 0, "using"))
        text_append(&shape, " using btree");
    for (size_t at = 0; at < tokens.count; at++) {
        size_t unsaid = unsaid_tokens(&tokens, at, at > 0 && token_is(&tokens, at - 1, "desc"));
        depth += token_is(&tokens, at, "(") - token_is(&tokens, at, ")");
        if (depth == 0 && token_is(&tokens, at, "tablespace"))
            unsaid = 2;
        /* the predicate ends the statement: a column may be called so */
        if (depth == 0 && token_is(&tokens, at, "where"))
            depth = 1;
        if (unsaid > 0) {
            at += unsaid - 1;
            continue;
        }
        text_append_char(&shape, ' ');
        text_append(&shape, tokens.items[at]);
    }
    return shape.data;
}

/* raw: as written; NULL: not wanted. */
static void
key_push(Arena *arena, TextList *keys, TextList *raw, const char *text, size_t from, size_t to)
{
    while (from < to && isspace((unsigned char)text[from]))
        from++;
    while (to > from && isspace((unsigned char)text[to - 1]))
        to--;
    if (to == from)
        return;
    bool is_name = sql_lexeme_at(text, from, to).length == to - from;
    char *key =
        is_name ? name_unquote(arena, text + from, to - from) : arena_strndup(arena, text + from, to - from);
    vector_push(arena, keys, key);
    if (raw != NULL)
        vector_push(arena, raw, arena_strndup(arena, text + from, to - from));
}

/* The items of the list that opens at or behind `at`; returns where it ends. */
static size_t
list_take(Arena *arena, const char *text, size_t at, TextList *keys, TextList *raw)
{
    size_t length = strlen(text);
    int depth = 0;
    size_t from = at;
    while (at < length) {
        Lexeme lexeme = sql_lexeme_at(text, at, length);
        char here = lexeme.kind == LEXEME_OTHER ? text[at] : '\0';
        depth += here == '(' || here == '[' ? 1 : 0;
        if (here == '(' && depth == 1)
            from = at + 1;
        if ((here == ',' || here == ')') && depth == 1) {
            key_push(arena, keys, raw, text, from, at);
            from = at + 1;
        }
        depth -= here == ')' || here == ']' ? 1 : 0;
        at += lexeme.length;
        if (here == ')' && depth == 0)
            break;
    }
    return at;
}

/* What stands behind the WHERE outside of all lists, or NULL. */
static const char *
predicate_take(Arena *arena, const char *text, size_t at)
{
    size_t length = strlen(text);
    int depth = 0;
    while (at < length) {
        Lexeme lexeme = sql_lexeme_at(text, at, length);
        char here = lexeme.kind == LEXEME_OTHER ? text[at] : '\0';
        depth += here == '(' ? 1 : 0;
        depth -= here == ')' ? 1 : 0;
        if (depth == 0 && lexeme.kind == LEXEME_WORD && sql_lexeme_is(text, at, lexeme, "where"))
            return arena_strdup(arena, text + skip_space(text, at + lexeme.length, length));
        at += lexeme.length;
    }
    return NULL;
}

/* The column that a key is, whatever its order and operator class; "()" of an expression. */
static char *
key_outline(Arena *arena, const char *key)
{
    size_t length = strlen(key);
    Lexeme first = sql_lexeme_at(key, 0, length);
    size_t next = skip_space(key, first.length, length);
    bool is_column = (first.kind == LEXEME_WORD || first.kind == LEXEME_NAME) &&
                     (next >= length || (key[next] != '(' && key[next] != '.'));
    if (!is_column)
        return arena_strdup(arena, "()");
    /* a name by itself was made bare when the list was taken */
    return key[first.length] == '\0' ? arena_strdup(arena, key) : name_unquote(arena, key, first.length);
}

static char *
outline_of(Arena *arena, const SqlIndexStatement *statement, bool has_predicate)
{
    Text outline = text_new(arena);
    text_append_format(&outline, "%s %s", statement->is_unique ? "unique" : "plain", statement->method);
    for (size_t i = 0; i < statement->columns.count; i++)
        text_append_format(&outline, ", %s", key_outline(arena, statement->columns.items[i]));
    for (size_t i = 0; i < statement->included.count; i++)
        text_append_format(&outline, "; %s", key_outline(arena, statement->included.items[i]));
    text_append(&outline, has_predicate ? " where" : "");
    return outline.data;
}

/* Of a key as written, what is not its order, collation or operator class: a name, a call, or what stands in
 * parentheses. */
static size_t
key_expression_length(const char *key)
{
    size_t length = strlen(key);
    int depth = 0;
    for (size_t at = 0; at < length;) {
        Lexeme lexeme = sql_lexeme_at(key, at, length);
        char here = lexeme.kind == LEXEME_OTHER ? key[at] : '\0';
        depth += here == '(' ? 1 : 0;
        at += lexeme.length;
        if (here == ')' && --depth == 0)
            return at;
    }
    return 0;
}

/* Is it what it was made as? Text that the parser reads otherwise than the lexemes were cut could be more. */
static bool
is_plain_select(Arena *arena, const char *text, size_t column_count)
{
    IndexParse parse = {.arena = arena, .text = text};
    sql_big_stack_run(parse_run, &parse);
    if (parse.node == NULL || parse.node->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        return false;
    const PgQuery__SelectStmt *select = parse.node->select_stmt;
    return select->n_target_list == column_count && select->n_from_clause == 1 && select->larg == NULL &&
           select->into_clause == NULL && select->with_clause == NULL && select->n_locking_clause == 0 &&
           select->n_sort_clause == 0 && select->n_group_clause == 0 && select->having_clause == NULL;
}

/* raw: its keys as written. */
static char *
probe_of(Arena *arena, const PgQuery__IndexStmt *index, const SqlIndexStatement *statement,
         const TextList *raw)
{
    Text probe = text_new(arena);
    text_append(&probe, "SELECT");
    if (raw->count != index->n_index_params)
        return NULL;
    for (size_t i = 0; i < raw->count; i++) {
        const PgQuery__IndexElem *element = index->index_params[i]->index_elem;
        size_t length = key_expression_length(raw->items[i]);
        if (element->expr != NULL && length == 0)
            return NULL;
        text_append(&probe, i == 0 ? " " : ", ");
        if (element->expr == NULL)
            text_append(&probe, quote(arena, element->name));
        else
            text_append_format(&probe, "%.*s", (int)length, raw->items[i]);
    }
    for (size_t i = 0; i < index->n_index_including_params; i++)
        text_append_format(&probe, ", %s", quote(arena, index->index_including_params[i]->index_elem->name));
    text_append_format(&probe, " FROM %s.%s", quote(arena, statement->schema),
                       quote(arena, statement->table));
    if (statement->predicate != NULL)
        text_append_format(&probe, " WHERE %s", statement->predicate);
    size_t columns = raw->count + index->n_index_including_params;
    return is_plain_select(arena, probe.data, columns) ? probe.data : NULL;
}

static void
elements_take(Arena *arena, const PgQuery__IndexStmt *index, SqlIndexStatement *statement)
{
    for (size_t i = 0; i < index->n_index_params; i++) {
        const PgQuery__IndexElem *element = index->index_params[i]->index_elem;
        statement->has_expression = statement->has_expression || element->expr != NULL;
        if (element->n_opclass == 0 || element->n_opclass > 2)
            continue;
        const char *schema = element->n_opclass == 2 ? element->opclass[0]->string->sval : "pg_catalog";
        vector_push(arena, &statement->class_schemas, arena_strdup(arena, schema));
        vector_push(arena, &statement->class_names,
                    arena_strdup(arena, element->opclass[element->n_opclass - 1]->string->sval));
    }
}

static void
keys_take(Arena *arena, const char *tail, SqlIndexStatement *statement, TextList *raw)
{
    size_t length = strlen(tail);
    size_t at = list_take(arena, tail, 0, &statement->columns, raw);
    at = skip_space(tail, at, length);
    if (at < length && sql_lexeme_is(tail, at, sql_lexeme_at(tail, at, length), "include"))
        at = list_take(arena, tail, at, &statement->included, NULL);
    statement->predicate = predicate_take(arena, tail, at);
}

static bool
is_named(const char *text)
{
    return text != NULL && text[0] != '\0';
}

bool
sql_index_statement_parse(Arena *arena, const char *text, const SqlIndexNames *names,
                          SqlIndexStatement *ret_statement, Error *error)
{
    size_t length = strlen(text);
    if (length > SQL_STATEMENT_BYTES_MOST || !text_is_valid_utf8(text, length))
        return error_set(error, ERROR_INPUT, "the statement is longer than %d bytes, or no UTF-8",
                         SQL_STATEMENT_BYTES_MOST);
    IndexParse parse = {.arena = arena, .text = sql_comments_blank(arena, text, length)};
    sql_big_stack_run(parse_run, &parse);
    if (parse.index == NULL) {
        error_set(error, ERROR_INPUT, "the statement is not one CREATE INDEX");
        return error_set_hint(error, "give a statement such as CREATE INDEX name ON schema.table (column)");
    }
    const PgQuery__RangeVar *relation = parse.index->relation;
    if (!relation->inh)
        return error_set(error, ERROR_UNSUPPORTED, "CREATE INDEX ON ONLY makes no index that can be used");
    const char *schema = is_named(relation->schemaname) ? relation->schemaname : names->schema;
    const char *name = names->name != NULL ? names->name : parse.index->idxname;
    if (!is_named(name))
        return error_set(error, ERROR_INPUT, "the statement does not name the index") ||
               error_set_hint(error, "write CREATE INDEX name ON schema.table (column)");
    if (!is_named(schema) || is_named(relation->catalogname))
        return error_set(error, ERROR_INPUT, "the statement must name the index and the table's schema");
    char *tail = tail_of(arena, parse.text, (size_t)relation->location);
    SqlIndexStatement statement = {.schema = arena_strdup(arena, schema),
                                   .table = arena_strdup(arena, relation->relname),
                                   .name = arena_strdup(arena, name),
                                   .method = is_named(parse.index->access_method)
                                                 ? arena_strdup(arena, parse.index->access_method)
                                                 : "btree",
                                   .is_unique = parse.index->unique != 0};
    statement.text = arena_printf(arena, "CREATE %sINDEX CONCURRENTLY IF NOT EXISTS %s ON %s.%s %s",
                                  statement.is_unique ? "UNIQUE " : "", quote(arena, statement.name),
                                  quote(arena, statement.schema), quote(arena, statement.table), tail);
    statement.tail = tail;
    if (is_named(parse.index->table_space))
        statement.tablespace = arena_strdup(arena, parse.index->table_space);
    statement.shape = shape_of(arena, statement.is_unique, tail);
    TextList raw = {0};
    keys_take(arena, tail, &statement, &raw);
    statement.probe = probe_of(arena, parse.index, &statement, &raw);
    elements_take(arena, parse.index, &statement);
    statement.operands = parse.operands;
    statement.operators = parse.operators;
    statement.outline = outline_of(arena, &statement, parse.index->where_clause != NULL);
    *ret_statement = statement;
    return true;
}

static bool
is_comment_on(const PgQuery__CommentStmt *comment, const char *schema, const char *name)
{
    const PgQuery__Node *object = comment->object;
    if (comment->objtype != PG_QUERY__OBJECT_TYPE__OBJECT_INDEX || object == NULL ||
        object->node_case != PG_QUERY__NODE__NODE_LIST || object->list->n_items != 2)
        return false;
    for (size_t i = 0; i < 2; i++) {
        const PgQuery__Node *part = object->list->items[i];
        if (part->node_case != PG_QUERY__NODE__NODE_STRING ||
            strcmp(part->string->sval, i == 0 ? schema : name) != 0)
            return false;
    }
    return true;
}

static bool
is_statistics_of(const PgQuery__AlterTableStmt *statement, const char *schema, const char *name)
{
    const PgQuery__RangeVar *relation = statement->relation;
    return statement->objtype == PG_QUERY__OBJECT_TYPE__OBJECT_INDEX && statement->n_cmds == 1 &&
           strcmp(relation->schemaname, schema) == 0 && strcmp(relation->relname, name) == 0 &&
           !is_named(relation->catalogname) &&
           statement->cmds[0]->node_case == PG_QUERY__NODE__NODE_ALTER_TABLE_CMD &&
           statement->cmds[0]->alter_table_cmd->subtype == PG_QUERY__ALTER_TABLE_TYPE__AT_SetStatistics;
}

bool
sql_index_mark_is(Arena *arena, const char *text, const char *schema, const char *name)
{
    IndexParse parse = {.arena = arena, .text = text};
    sql_big_stack_run(parse_run, &parse);
    if (parse.node == NULL)
        return false;
    if (parse.node->node_case == PG_QUERY__NODE__NODE_COMMENT_STMT)
        return is_comment_on(parse.node->comment_stmt, schema, name);
    return parse.node->node_case == PG_QUERY__NODE__NODE_ALTER_TABLE_STMT &&
           is_statistics_of(parse.node->alter_table_stmt, schema, name);
}
