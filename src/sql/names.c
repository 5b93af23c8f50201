// SPDX-License-Identifier: PostgreSQL
#include "sql/names.h"

#include "base/map.h"
#include "sql/statement_internal.h"

#include <string.h>

/* What a guess remembers at most: a workload of generated names must not fill the memory. */
#define RELATIONS_MOST 20000
#define COLUMNS_MOST 1600 /* of a table; PostgreSQL's own limit */

VECTOR_DEFINE(ColumnList, SqlCatalogColumn);

typedef struct GuessedRelation {
    SqlCatalogRelation relation;
    ColumnList columns;
    Map *columns_by_name;
} GuessedRelation;

struct SqlNameGuess {
    Arena *arena;
    Map *relations; /* GuessedRelation *, by "schema.name", or ".name" without a schema */
    Map *schemas;   /* GuessedRelation * of a name with a schema; AMBIGUOUS when of several */
};

static GuessedRelation ambiguous;

/* One statement's table. */
typedef struct NamedTable {
    const char *alias;
    GuessedRelation *relation;
} NamedTable;

VECTOR_DEFINE(NamedTables, NamedTable);

typedef struct NameWalk {
    SqlNameGuess *guess;
    NamedTables tables;
    TextList ctes;
} NameWalk;

static bool
is_system_schema(const char *schema)
{
    return strcmp(schema, "pg_catalog") == 0 || strcmp(schema, "information_schema") == 0;
}

static GuessedRelation *
relation_take(SqlNameGuess *guess, const char *schema, const char *name)
{
    const char *key = arena_printf(guess->arena, "%s.%s", schema, name);
    GuessedRelation *relation = map_get(guess->relations, key);
    if (relation != NULL || map_count(guess->relations) >= RELATIONS_MOST)
        return relation;
    relation = ARENA_NEW(guess->arena, GuessedRelation);
    relation->relation = (SqlCatalogRelation){.id = (uint32_t)map_count(guess->relations) + 1,
                                              .schema = arena_strdup(guess->arena, schema),
                                              .name = arena_strdup(guess->arena, name)};
    relation->columns_by_name = map_new(guess->arena);
    map_put(guess->relations, key, relation);
    if (schema[0] != '\0')
        map_put(guess->schemas, name, map_get(guess->schemas, name) == NULL ? relation : &ambiguous);
    return relation;
}

static void
column_take(SqlNameGuess *guess, GuessedRelation *relation, const char *name)
{
    if (map_get(relation->columns_by_name, name) != NULL || relation->columns.count >= COLUMNS_MOST)
        return;
    SqlCatalogColumn column = {.name = arena_strdup(guess->arena, name),
                               .attnum = (int)relation->columns.count + 1,
                               .type_name = "text"};
    vector_push(guess->arena, &relation->columns, column);
    map_put(relation->columns_by_name, name, relation);
}

static bool
cte_take(const ProtobufCMessage *message, void *context)
{
    NameWalk *walk = context;
    if (message->descriptor == &pg_query__common_table_expr__descriptor) {
        const PgQuery__CommonTableExpr *cte = (const PgQuery__CommonTableExpr *)message;
        vector_push(walk->guess->arena, &walk->ctes, cte->ctename);
    }
    return true;
}

static bool
table_take(const ProtobufCMessage *message, void *context)
{
    NameWalk *walk = context;
    if (message->descriptor != &pg_query__range_var__descriptor)
        return true;
    const PgQuery__RangeVar *range = (const PgQuery__RangeVar *)message;
    bool has_schema = range->schemaname != NULL && range->schemaname[0] != '\0';
    const char *name = range->relname;
    if ((!has_schema && (text_list_contains(&walk->ctes, name) || text_starts_with(name, "pg_"))) ||
        (has_schema && is_system_schema(range->schemaname)))
        return true;
    NamedTable table = {.alias = range->alias != NULL ? range->alias->aliasname : name,
                        .relation = relation_take(walk->guess, has_schema ? range->schemaname : "", name)};
    if (table.relation != NULL)
        vector_push(walk->guess->arena, &walk->tables, table);
    return true;
}

static const char *
field_text(const PgQuery__ColumnRef *reference, size_t place)
{
    const PgQuery__Node *field = reference->fields[place];
    return field->node_case == PG_QUERY__NODE__NODE_STRING ? field->string->sval : NULL;
}

static bool
column_refer(const ProtobufCMessage *message, void *context)
{
    NameWalk *walk = context;
    if (message->descriptor != &pg_query__column_ref__descriptor)
        return true;
    const PgQuery__ColumnRef *reference = (const PgQuery__ColumnRef *)message;
    size_t fields = reference->n_fields;
    const char *column = fields == 0 ? NULL : field_text(reference, fields - 1);
    if (column == NULL)
        return true; /* "*" */
    if (fields == 1) {
        for (size_t i = 1; i < walk->tables.count; i++)
            if (walk->tables.items[i].relation != walk->tables.items[0].relation)
                return true;
        if (walk->tables.count > 0 && walk->ctes.count == 0)
            column_take(walk->guess, walk->tables.items[0].relation, column);
        return true;
    }
    const char *qualifier = field_text(reference, fields - 2);
    for (size_t i = 0; qualifier != NULL && i < walk->tables.count; i++)
        if (strcmp(walk->tables.items[i].alias, qualifier) == 0) {
            column_take(walk->guess, walk->tables.items[i].relation, column);
            break;
        }
    return true;
}

SqlNameGuess *
sql_name_guess_new(Arena *arena)
{
    SqlNameGuess *guess = ARENA_NEW(arena, SqlNameGuess);
    *guess = (SqlNameGuess){.arena = arena, .relations = map_new(arena), .schemas = map_new(arena)};
    return guess;
}

typedef struct AddWork {
    NameWalk *walk;
    const SqlStatement *statement;
} AddWork;

static void
add(void *context)
{
    AddWork *work = context;
    const ProtobufCMessage *root = &work->statement->tree->base;
    sql_tree_walk(root, cte_take, work->walk);
    sql_tree_walk(root, table_take, work->walk);
    sql_tree_walk(root, column_refer, work->walk);
}

void
sql_name_guess_add(SqlNameGuess *guess, const SqlStatement *statement)
{
    if (statement->tree == NULL || statement->kind == SQL_KIND_UNPARSED ||
        statement->kind == SQL_KIND_UTILITY)
        return;
    NameWalk walk = {.guess = guess};
    AddWork work = {.walk = &walk, .statement = statement};
    sql_big_stack_run(add, &work);
}

static const SqlCatalogRelation *
relation_find(void *context, const char *schema, const char *name)
{
    SqlNameGuess *guess = context;
    GuessedRelation *relation = NULL;
    if (schema == NULL)
        relation = map_get(guess->schemas, name);
    if (relation == NULL || relation == &ambiguous)
        relation = map_get(guess->relations,
                           arena_printf(guess->arena, "%s.%s", schema == NULL ? "" : schema, name));
    return relation == NULL ? NULL : &relation->relation;
}

SqlCatalog
sql_name_guess_catalog(SqlNameGuess *guess)
{
    for (size_t i = 0; i < map_count(guess->relations); i++) {
        GuessedRelation *relation = map_value_at(guess->relations, i);
        GuessedRelation *whole =
            relation->relation.schema[0] == '\0' ? map_get(guess->schemas, relation->relation.name) : NULL;
        if (whole != NULL && whole != &ambiguous) /* the same table, by its bare name */
            for (size_t c = 0; c < relation->columns.count; c++)
                column_take(guess, whole, relation->columns.items[c].name);
    }
    for (size_t i = 0; i < map_count(guess->relations); i++) {
        GuessedRelation *relation = map_value_at(guess->relations, i);
        relation->relation.columns = relation->columns.items;
        relation->relation.column_count = relation->columns.count;
    }
    return (SqlCatalog){.context = guess, .relation_find = relation_find};
}
