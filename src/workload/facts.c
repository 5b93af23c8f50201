// SPDX-License-Identifier: PostgreSQL
#include "workload/facts.h"

#include "base/map.h"
#include "snapshot/catalog.h"
#include "sql/names.h"

#include <string.h>

#define SCRATCH_BYTES ((size_t)4 << 30)
#define KEPT_BYTES_MOST ((size_t)4 << 20) /* of texts whose trees are kept from guessing to analysis */

#define ROLE_SORT 0.5

/* The catalog of one database. */
typedef struct Database {
    const char *name;
    const Snapshot *snapshot; /* NULL: guessed */
    SqlNameGuess *guess;
    SqlCatalog catalog;
} Database;

VECTOR_DEFINE(Databases, Database);

typedef struct FactsWork {
    Arena *arena;
    Arena *scratch;
    const WorkloadTemplates *templates;
    Databases databases;
    StatementFacts *facts;
    SqlStatement **kept; /* parsed while guessing; NULL: parse again */
    size_t kept_bytes;
} FactsWork;

static Database *
database_find(FactsWork *work, const char *name)
{
    for (size_t i = 0; i < work->databases.count; i++)
        if (text_equals(work->databases.items[i].name, name))
            return &work->databases.items[i];
    Database database = {.name = name, .guess = sql_name_guess_new(work->arena)};
    vector_push(work->arena, &work->databases, database);
    return &work->databases.items[work->databases.count - 1];
}

static double
role_of(SqlPredicateKind kind)
{
    switch (kind) {
        case SQL_PREDICATE_EQUAL:
        case SQL_PREDICATE_JOIN: return 1;
        case SQL_PREDICATE_IN:
        case SQL_PREDICATE_RANGE:
        case SQL_PREDICATE_JOIN_RANGE:
        case SQL_PREDICATE_CONTAINS:
        case SQL_PREDICATE_FULL_TEXT:
        case SQL_PREDICATE_IS_NULL:
        case SQL_PREDICATE_IS_NOT_NULL:
        case SQL_PREDICATE_BOOLEAN: return 0.8;
        case SQL_PREDICATE_LIKE_PREFIX:
        case SQL_PREDICATE_LIKE_UNKNOWN:
        case SQL_PREDICATE_LIKE_ANY:
        case SQL_PREDICATE_NOT_EQUAL:
        case SQL_PREDICATE_OTHER: return 0.3;
    }
    return 0;
}

static FactColumn
table_of(const FactsWork *work, const Database *database, const SqlRelationUse *use)
{
    const char *schema = use->schema;
    const char *name = use->name;
    const SnapshotRelation *relation =
        database->snapshot == NULL ? NULL : snapshot_relation(database->snapshot, use->relation_id);
    if (relation != NULL) {
        relation = snapshot_relation_root(database->snapshot, relation);
        schema = relation->schema;
        name = relation->name;
    }
    return (FactColumn){.schema = arena_strdup(work->arena, schema == NULL ? "" : schema),
                        .table = arena_strdup(work->arena, name)};
}

/* Column NULL when it is none. */
static FactColumn
column_of(const FactsWork *work, const Database *database, const SqlAnalysis *analysis, int use, int attnum)
{
    if (use < 0 || attnum <= 0)
        return (FactColumn){0};
    const SqlRelationUse *relation_use = &analysis->uses[use];
    const SqlCatalogRelation *relation = database->catalog.relation_find(
        database->catalog.context,
        relation_use->schema == NULL || relation_use->schema[0] == '\0' ? NULL : relation_use->schema,
        relation_use->name);
    for (size_t i = 0; relation != NULL && i < relation->column_count; i++)
        if (relation->columns[i].attnum == attnum) {
            FactColumn column = table_of(work, database, relation_use);
            column.column = arena_strdup(work->arena, relation->columns[i].name);
            return column;
        }
    return (FactColumn){0};
}

static int
column_compare(const FactColumn *a, const FactColumn *b)
{
    int order = strcmp(a->schema, b->schema);
    if (order == 0)
        order = strcmp(a->table, b->table);
    if (order == 0 && a->column != NULL && b->column != NULL)
        order = strcmp(a->column, b->column);
    return order;
}

static void
column_add(Arena *arena, FactColumns *columns, FactColumn column, double role)
{
    for (size_t i = 0; i < columns->count; i++)
        if (column_compare(&columns->items[i], &column) == 0) {
            if (role > columns->items[i].role)
                columns->items[i].role = role;
            return;
        }
    column.role = role;
    vector_push(arena, columns, column);
}

static void
join_add(Arena *arena, FactJoins *joins, FactColumn a, FactColumn b)
{
    bool is_ordered = column_compare(&a, &b) <= 0;
    FactJoin join = {.left = is_ordered ? a : b, .right = is_ordered ? b : a};
    for (size_t i = 0; i < joins->count; i++)
        if (column_compare(&joins->items[i].left, &join.left) == 0 &&
            column_compare(&joins->items[i].right, &join.right) == 0)
            return;
    vector_push(arena, joins, join);
}

static bool
has_equality(const SqlAnalysis *analysis, int use, int attnum)
{
    for (size_t i = 0; i < analysis->predicate_count; i++) {
        const SqlPredicate *predicate = &analysis->predicates[i];
        if (predicate->use == use && predicate->column == attnum && !predicate->is_under_or &&
            predicate->kind == SQL_PREDICATE_EQUAL)
            return true;
    }
    return false;
}

static bool
is_unique_lookup(const Snapshot *snapshot, const SqlAnalysis *analysis)
{
    for (size_t u = 0; u < analysis->use_count; u++) {
        const SnapshotRelation *relation = snapshot_relation(snapshot, analysis->uses[u].relation_id);
        for (size_t i = 0; relation != NULL && i < relation->indexes.count; i++) {
            const SnapshotIndex *index = relation->indexes.items[i];
            bool is_covered = index->is_unique && index->predicate == NULL && index->column_count > 0;
            for (size_t c = 0; is_covered && c < index->column_count; c++)
                if (!index->columns[c].is_included)
                    is_covered = has_equality(analysis, (int)u, index->columns[c].attnum);
            if (is_covered)
                return true;
        }
    }
    return false;
}

static void
columns_take(const FactsWork *work, const Database *database, const SqlAnalysis *analysis,
             StatementFacts *facts)
{
    for (size_t i = 0; i < analysis->predicate_count; i++) {
        const SqlPredicate *predicate = &analysis->predicates[i];
        FactColumn column = column_of(work, database, analysis, predicate->use, predicate->column);
        if (column.column == NULL)
            continue;
        column_add(work->arena, &facts->columns, column, role_of(predicate->kind));
        FactColumn other = column_of(work, database, analysis, predicate->join_use, predicate->join_column);
        if (predicate->kind != SQL_PREDICATE_JOIN || other.column == NULL)
            continue;
        column_add(work->arena, &facts->columns, other, role_of(SQL_PREDICATE_JOIN));
        join_add(work->arena, &facts->joins, column, other);
    }
    for (size_t s = 0; s < analysis->sort_count; s++)
        for (size_t k = 0; k < analysis->sorts[s].key_count; k++) {
            const SqlSortKey *key = &analysis->sorts[s].keys[k];
            FactColumn column = column_of(work, database, analysis, key->use, key->column);
            if (column.column != NULL)
                column_add(work->arena, &facts->columns, column, ROLE_SORT);
        }
}

static void
statement_take(FactsWork *work, size_t place)
{
    const WorkloadTemplate *template = &work->templates->items[place];
    StatementFacts *facts = &work->facts[place];
    Database *database = database_find(work, template->database_name);
    SqlStatement *statement = work->kept[place];
    if (statement == NULL)
        statement = sql_statement_parse(work->scratch, template->text, strlen(template->text));
    facts->kind = sql_statement_kind(statement);
    facts->is_guessed = database->snapshot == NULL;
    facts->shape = sql_shape(statement);
    if (facts->kind == SQL_KIND_UNPARSED) {
        facts->unparsed = arena_strdup(work->arena, sql_statement_reason_text(statement));
        return;
    }
    const SqlAnalysis *analysis = sql_analyze(work->scratch, statement, &database->catalog);
    for (size_t u = 0; u < analysis->use_count; u++)
        column_add(work->arena, &facts->tables, table_of(work, database, &analysis->uses[u]), 0);
    columns_take(work, database, analysis, facts);
    facts->unresolved_count = analysis->unresolved_count;
    facts->is_internal = analysis->use_count == 0 && analysis->unresolved_count == 0;
    if (database->snapshot != NULL && analysis->use_count > 0)
        facts->is_unique_lookup = is_unique_lookup(database->snapshot, analysis);
}

/* Lets the databases without a snapshot guess. */
static void
names_guess(FactsWork *work)
{
    for (size_t i = 0; i < work->templates->count; i++) {
        const WorkloadTemplate *template = &work->templates->items[i];
        Database *database = database_find(work, template->database_name);
        if (template->text == NULL || database->snapshot != NULL)
            continue;
        size_t length = strlen(template->text);
        ArenaMark mark = arena_mark(work->scratch);
        SqlStatement *statement = sql_statement_parse(work->scratch, template->text, length);
        sql_name_guess_add(database->guess, statement);
        if (work->kept_bytes + length <= KEPT_BYTES_MOST) {
            work->kept[i] = statement;
            work->kept_bytes += length;
        } else {
            arena_rewind(work->scratch, mark);
        }
    }
    for (size_t i = 0; i < work->databases.count; i++) {
        Database *database = &work->databases.items[i];
        database->catalog = database->snapshot != NULL ? snapshot_catalog(work->arena, database->snapshot)
                                                       : sql_name_guess_catalog(database->guess);
    }
}

static void
statements_take(void *context)
{
    FactsWork *work = context;
    names_guess(work);
    for (size_t i = 0; i < work->templates->count; i++) {
        work->facts[i].is_unique_lookup = -1;
        if (work->templates->items[i].text == NULL)
            continue;
        ArenaMark mark = arena_mark(work->scratch);
        statement_take(work, i);
        arena_rewind(work->scratch, mark);
    }
}

void
facts_read(Arena *arena, const WorkloadTemplates *templates, const FactCatalog *catalogs,
           size_t catalog_count, StatementFacts **ret_facts)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("facts of statements", SCRATCH_BYTES);
    FactsWork work = {.arena = arena, .scratch = scratch, .templates = templates};
    work.facts = ARENA_NEW_ARRAY(arena, StatementFacts, templates->count);
    work.kept = ARENA_NEW_ARRAY(scratch, SqlStatement *, templates->count);
    for (size_t i = 0; i < catalog_count; i++) {
        Database database = {.name = catalogs[i].database_name, .snapshot = catalogs[i].snapshot};
        if (database.snapshot != NULL)
            vector_push(arena, &work.databases, database);
    }
    sql_batch_run(statements_take, &work);
    *ret_facts = work.facts;
}
