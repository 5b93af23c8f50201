// SPDX-License-Identifier: PostgreSQL
#include "snapshot/sent.h"

#include "base/text.h"
#include "pg/identifier.h"
#include "snapshot/catalog.h"
#include "snapshot/section.h"
#include "sql/analysis.h"
#include "sql/constants.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#define EXECUTIONS_LEAST 5 /* for what is a value */
/* Of a column of more values, five calls may be those of one customer. */
#define DISTINCT_MOST 20
#define PARTS_MOST 32 /* statements of one text that was sent */
#define NAME_BYTES_MOST 32
#define NAME_DIGITS_MOST 2 /* more of them make a number of somebody, a date or a token */
#define ROWS_MOST 100000

/* A statement and what was seen to be sent for it. */
typedef struct SentStatement {
    const SnapshotStatement *statement;
    size_t count;           /* of its $n */
    SqlConstant *constants; /* of kind NONE where they vary */
    size_t executions;
    size_t seen_last; /* position + 1 of the text that was bound last */
} SentStatement;

VECTOR_DEFINE(SentStatementList, SentStatement *);

typedef struct SentWork {
    Arena *arena;
    const Snapshot *snapshot;
    const SnapshotSentList *sent;
    SqlCatalog catalog;
    Map *by_key;               /* SentStatementList */
    SentStatementList matched; /* in the order that they were seen in */
    TextList rows;             /* query_id, text */
} SentWork;

bool
snapshot_needs_sent(const Snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->statement_count; i++)
        if (sql_constants_count(snapshot->statements[i].text) > 0)
            return true;
    return false;
}

static void
statements_by_key(SentWork *work)
{
    Map *query_ids = map_new(work->arena);
    for (size_t i = 0; i < work->snapshot->statement_count; i++) {
        const SnapshotStatement *statement = &work->snapshot->statements[i];
        size_t count = sql_constants_count(statement->text);
        if (count == 0 || count > SQL_CONSTANTS_MOST || statement->query_id == 0 ||
            map_get_id(query_ids, (uint64_t)statement->query_id) != NULL)
            continue;
        SentStatement *own = ARENA_NEW(work->arena, SentStatement);
        *own = (SentStatement){.statement = statement,
                               .count = count,
                               .constants = ARENA_NEW_ARRAY(work->arena, SqlConstant, count)};
        map_put_id(query_ids, (uint64_t)statement->query_id, own);
        uint64_t key = sql_constants_key(statement->text);
        SentStatementList *list = map_get_id(work->by_key, key);
        if (list == NULL) {
            list = ARENA_NEW(work->arena, SentStatementList);
            map_put_id(work->by_key, key, list);
        }
        vector_push(work->arena, list, own);
    }
}

static void
statement_bind(SentWork *work, SentStatement *own, const char *text, size_t position)
{
    const SnapshotSent *sent = &work->sent->items[position];
    SqlConstant constants[SQL_CONSTANTS_MOST];
    if (!sql_constants_bind(work->arena, own->statement->text, text, constants, own->count))
        return;
    if (own->executions == 0)
        vector_push(work->arena, &work->matched, own);
    for (size_t i = 0; i < own->count; i++) {
        bool is_same = own->executions == 0 || (own->constants[i].kind == constants[i].kind &&
                                                text_equals(own->constants[i].literal, constants[i].literal));
        own->constants[i] = is_same ? constants[i] : (SqlConstant){0};
    }
    /* Twice in one text is one execution. */
    own->executions += own->seen_last == position + 1 ? 0 : sent->executions;
    own->seen_last = position + 1;
}

/* The statement that the text is one execution of. Where the server tells its query id that decides; else
 * only a statement that no other is like: the same text in another schema is another statement. */
static SentStatement *
statement_of(const SentStatementList *list, int64_t query_id)
{
    if (query_id == 0)
        return list->count == 1 ? list->items[0] : NULL;
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i]->statement->query_id == query_id)
            return list->items[i];
    return NULL;
}

/* The query id is that of one of several statements in a text, nobody knows of which. */
static void
text_take(SentWork *work, const char *text, bool is_whole, size_t position)
{
    const SentStatementList *list = map_get_id(work->by_key, sql_constants_key(text));
    if (list == NULL)
        return;
    SentStatement *own = statement_of(list, is_whole ? work->sent->items[position].query_id : 0);
    if (own != NULL)
        statement_bind(work, own, text, position);
}

/* A plain identifier, or a path of them: '{a,b}'. */
static bool
looks_like_a_name(const char *value)
{
    size_t length = strlen(value);
    size_t digits = 0;
    for (size_t i = 0; i < length; i++) {
        digits += isdigit((unsigned char)value[i]) != 0;
        if (!isalnum((unsigned char)value[i]) && strchr("_{,}", value[i]) == NULL)
            return false;
    }
    return length > 0 && !isdigit((unsigned char)value[0]) && length <= NAME_BYTES_MOST &&
           digits <= NAME_DIGITS_MOST;
}

/* A page's length, not somebody's number. */
static bool
is_page(const char *literal)
{
    int64_t rows;
    return text_parse_int64(literal, &rows) && rows >= 0 && rows <= ROWS_MOST;
}

static bool
has_few_values(const SnapshotRelation *relation, int attnum)
{
    const SnapshotStatistics *statistics = snapshot_column_statistics(relation, attnum);
    double distinct = statistics == NULL ? 0 : statistics->n_distinct;
    if (distinct < 0)
        distinct = -distinct * fmax(relation->reltuples, 0);
    return distinct > 0 && distinct <= DISTINCT_MOST;
}

static bool
is_common_value(Arena *arena, const SnapshotRelation *relation, int attnum, const char *value)
{
    const SnapshotStatisticsSlot *slot =
        relation == NULL || !has_few_values(relation, attnum)
            ? NULL
            : snapshot_column_slot(relation, attnum, SNAPSHOT_KIND_COMMON_VALUES);
    const char **values;
    size_t count;
    if (slot == NULL || slot->values == NULL || !pg_array_parse(arena, slot->values, &values, &count))
        return false;
    for (size_t i = 0; i < count; i++)
        if (text_equals(values[i], value))
            return true;
    return false;
}

/* Of the column that it is compared with; where no comparison is known (a list), of one that the statement
 * reads. */
static bool
is_common(SentWork *work, const SqlAnalysis *analysis, size_t number, const char *value)
{
    bool is_compared = false;
    for (size_t i = 0; i < analysis->predicate_count; i++) {
        const SqlPredicate *predicate = &analysis->predicates[i];
        if (predicate->parameter != (int)number || predicate->use < 0)
            continue;
        is_compared = true;
        const SnapshotRelation *relation =
            snapshot_relation(work->snapshot, analysis->uses[predicate->use].relation_id);
        if (predicate->column > 0 && is_common_value(work->arena, relation, predicate->column, value))
            return true;
    }
    for (size_t i = 0; !is_compared && i < analysis->use_count; i++) {
        const SqlRelationUse *use = &analysis->uses[i];
        const SnapshotRelation *relation = snapshot_relation(work->snapshot, use->relation_id);
        for (size_t k = 0; k < use->needed_column_count; k++)
            if (is_common_value(work->arena, relation, use->needed_columns[k], value))
                return true;
    }
    return false;
}

static bool
is_filled(SentWork *work, const SentStatement *own, size_t number, SqlConstantPlace place,
          const SqlAnalysis *analysis)
{
    const SqlConstant *constant = &own->constants[number - 1];
    bool is_often = own->executions >= EXECUTIONS_LEAST;
    if (constant->kind == SQL_CONSTANT_NONE)
        return false;
    switch (place) {
        case SQL_PLACE_NAME:
            return constant->value != NULL && (is_often || constant->kind == SQL_CONSTANT_FIELD) &&
                   looks_like_a_name(constant->value);
        case SQL_PLACE_ROWS: return constant->kind == SQL_CONSTANT_NUMBER && is_page(constant->literal);
        case SQL_PLACE_PATTERN: return false;
        case SQL_PLACE_VALUE: break;
    }
    bool is_state = constant->kind == SQL_CONSTANT_BOOLEAN || constant->kind == SQL_CONSTANT_NULL;
    return is_often && (is_state || is_common(work, analysis, number, constant->value));
}

static void
statement_fill(SentWork *work, const SentStatement *own)
{
    const char *text = own->statement->text;
    SqlConstantPlace places[SQL_CONSTANTS_MOST];
    const char *literals[SQL_CONSTANTS_MOST] = {0};
    SqlStatement *parsed = sql_statement_parse(work->arena, text, strlen(text));
    const SqlAnalysis *analysis = sql_analyze(work->arena, parsed, &work->catalog);
    sql_constants_places(work->arena, text, places, own->count);
    size_t filled = 0;
    for (size_t number = 1; number <= own->count; number++)
        if (is_filled(work, own, number, places[number - 1], analysis)) {
            literals[number - 1] = own->constants[number - 1].literal;
            filled++;
        }
    if (filled == 0)
        return;
    vector_push(work->arena, &work->rows,
                arena_printf(work->arena, "%lld", (long long)own->statement->query_id));
    vector_push(work->arena, &work->rows, sql_constants_fill(work->arena, text, literals, own->count));
}

static void
sent_work(void *context)
{
    SentWork *work = context;
    statements_by_key(work);
    for (size_t i = 0; i < work->sent->count; i++) {
        const char *text = work->sent->items[i].text;
        TextList parts = sql_split(work->arena, text, strlen(text), PARTS_MOST);
        for (size_t k = 0; k < parts.count; k++)
            text_take(work, parts.items[k], parts.count == 1, i);
    }
    for (size_t i = 0; i < work->matched.count; i++)
        statement_fill(work, work->matched.items[i]);
}

bool
snapshot_with_sent(Arena *arena, const Snapshot *snapshot, const SnapshotSentList *sent,
                   const Snapshot **ret_snapshot, Error *error)
{
    static const char *const columns[] = {"query_id", "text"};
    SentWork work = {.arena = arena,
                     .snapshot = snapshot,
                     .sent = sent,
                     .catalog = snapshot_catalog(arena, snapshot),
                     .by_key = map_new(arena)};
    sql_batch_run(sent_work, &work);
    *ret_snapshot = snapshot;
    if (work.rows.count == 0)
        return true;
    SnapshotSections *sections = ARENA_NEW(arena, SnapshotSections);
    sections->items = ARENA_NEW_ARRAY(arena, SnapshotSection, snapshot->sections->count + 1);
    for (size_t i = 0; i < snapshot->sections->count; i++)
        if (strcmp(snapshot->sections->items[i].name, "statements_sent") != 0)
            sections->items[sections->count++] = snapshot->sections->items[i];
    sections->items[sections->count++] =
        (SnapshotSection){.name = "statements_sent",
                          .columns = columns,
                          .column_count = FETTLE_COUNT_OF(columns),
                          .values = work.rows.items,
                          .row_count = work.rows.count / FETTLE_COUNT_OF(columns)};
    return snapshot_decode(arena, sections, ret_snapshot, error);
}
