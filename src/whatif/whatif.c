// SPDX-License-Identifier: PostgreSQL
#include "whatif/whatif.h"

#include "base/hash.h"
#include "pg/identifier.h"
#include "pg/result.h"
#include "whatif/explain.h"
#include "whatif/index_text.h"
#include "whatif/sparse_index.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES_MOST 5 /* a bit each in WhatIfAnswer */
/* Catalog rows of created and dropped indexes pile up until the transaction ends. */
#define CREATIONS_PER_TRANSACTION_MOST 1000

/* A change that stands in the open transaction. */
typedef struct StandingChange {
    WhatIfChange change; /* texts in the WhatIf's arena */
    uint64_t key;
    bool is_hidden; /* made, and not wanted now */
    WhatIfChangeResult result;
} StandingChange;

VECTOR_DEFINE(StandingChangeList, StandingChange);

typedef struct CachedAnswer {
    WhatIfAnswer answer;
    bool has_plan;
} CachedAnswer;

struct WhatIf {
    Arena *arena;
    Twin *twin;
    PgConnection *connection;
    Explainer explainer;
    SparseIndexes sparse; /* when the twin is on a stock server */
    bool is_sparse;
    StandingChangeList standing;
    Map *cache;           /* question key -> CachedAnswer */
    Map *sizes;           /* CREATE INDEX text -> double: its size, estimated once */
    Map *part_names;      /* index of a partition -> name its change gave */
    int64_t creations;    /* in the open transaction */
    uint64_t hidden_hash; /* of what its planner does not see; 0: nothing is hidden */
    double gather_cost;   /* parallel_setup_cost: what any plan with workers costs at the least */
    bool is_open;         /* a transaction is open */
    WhatIfStatistics statistics;
};

static bool
gather_cost_read(WhatIf *whatif, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    if (!pg_query_simple(whatif->connection, "SHOW parallel_setup_cost", &result, error))
        return false;
    whatif->gather_cost = pg_result_double(result, 0, 0, 0);
    return true;
}

bool
whatif_over_twin(Arena *arena, Twin *twin, WhatIf **ret_whatif, Error *error)
{
    WhatIf *whatif = ARENA_NEW(arena, WhatIf);
    *whatif = (WhatIf){.arena = arena, .twin = twin};
    if (!twin_connect(twin, &whatif->connection, error))
        return false;
    whatif->explainer = explainer_new(arena, whatif->connection);
    whatif->is_sparse = twin_report(twin)->method == TWIN_METHOD_SPARSE_FILES;
    /* B-trees without files of their own: what they would cost most. Nothing here is ever committed. */
    if (!whatif->is_sparse &&
        !pg_execute_script(whatif->connection,
                           "SET fettle_twin.suppose_indexes = on; SET fettle_twin.hide_outdone = on; "
                           "SET fettle_twin.note_least_cost = on",
                           NULL, error))
        return false;
    if (!gather_cost_read(whatif, error))
        return false;
    whatif->sparse = sparse_indexes_new(arena, twin, &whatif->explainer);
    whatif->cache = map_new(arena);
    whatif->sizes = map_new(arena);
    whatif->part_names = map_new(arena);
    *ret_whatif = whatif;
    return true;
}

void
whatif_close(WhatIf *whatif)
{
    if (whatif == NULL)
        return;
    pg_connection_close(whatif->connection);
    whatif->connection = NULL;
}

void
whatif_close_at(WhatIf **whatif)
{
    whatif_close(*whatif);
    *whatif = NULL;
}

static uint64_t
text_key(const char *text)
{
    return text == NULL ? 0 : hash_text(text);
}

static uint64_t
change_key(const WhatIfChange *change)
{
    uint64_t key = hash_combine((uint64_t)change->kind, change->relation_id);
    return hash_combine(hash_combine(key, text_key(change->statement)),
                        hash_combine(text_key(change->name), text_key(change->value)));
}

/* Settings that a statement's questions need beyond planning come back with ROLLBACK too: SET is
 * transactional. */
static bool
whatif_rollback(WhatIf *whatif, Error *error)
{
    whatif->standing.count = 0;
    whatif->creations = 0;
    whatif->hidden_hash = 0;
    if (!whatif->is_open)
        return true;
    whatif->is_open = false;
    return pg_execute(whatif->connection, "ROLLBACK", error);
}

bool
whatif_end(WhatIf *whatif, Error *error)
{
    return whatif_rollback(whatif, error);
}

static const SnapshotIndex *
change_index(const WhatIf *whatif, const WhatIfChange *change)
{
    return snapshot_index(twin_snapshot(whatif->twin), change->relation_id);
}

/* The statement that makes a change, in the arena; NULL, and why there is none. */
static const char *
change_text(const WhatIf *whatif, Arena *arena, const WhatIfChange *change, const char **ret_reason)
{
    *ret_reason = NULL;
    const SnapshotIndex *index;
    switch (change->kind) {
        case WHATIF_DROP_INDEX:
            index = change_index(whatif, change);
            *ret_reason = index == NULL ? "the twin has no such index" : NULL;
            return index == NULL ? NULL
                                 : arena_printf(arena, "DROP INDEX %s",
                                                pg_identifier_qualify(arena, index->schema, index->name));
        case WHATIF_SETTING:
            return arena_printf(arena, "SET LOCAL %s = %s", pg_identifier_quote(arena, change->name),
                                pg_literal_quote(arena, change->value));
        case WHATIF_CREATE_INDEX:
            if (index_text_begins(change->statement))
                return change->statement;
            *ret_reason = "the statement creates no index";
            return NULL;
        case WHATIF_DDL: return change->statement;
    }
    return NULL;
}

/* Table that a change touches; 0: all. */
static uint32_t
change_relation(const WhatIf *whatif, const WhatIfChange *change)
{
    if (change->kind != WHATIF_DROP_INDEX)
        return change->kind == WHATIF_SETTING ? 0 : change->relation_id;
    const SnapshotIndex *index = change_index(whatif, change);
    return index == NULL ? 0 : index->relation_id;
}

/* Size of an index just created: the module's estimate, over its partitions when it has some. */
static bool
index_size(WhatIf *whatif, const char *qualified, bool is_partitioned, double *ret_bytes, Error *error)
{
    const char *text = is_partitioned
                           ? "SELECT sum(e.blocks) FROM pg_catalog.pg_partition_tree($1::regclass) p, "
                             "LATERAL fettle_twin.index_estimate(p.relid) e WHERE p.isleaf"
                           : "SELECT blocks FROM fettle_twin.index_estimate($1::regclass)";
    PgQuery query = {.text = text, .parameters = &qualified, .parameter_count = 1};
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    if (!pg_query(whatif->connection, &query, &result, error))
        return false;
    double blocks = pg_result_rows(result) == 0 ? NAN : pg_result_double(result, 0, 0, NAN);
    *ret_bytes = blocks * twin_snapshot(whatif->twin)->block_bytes;
    return true;
}

/* Plans show a partition's own index: remember whose part it is. */
static bool
index_parts_note(WhatIf *whatif, const char *qualified, const char *name, Error *error)
{
    PgQuery query = {.text = "SELECT c.relname FROM pg_catalog.pg_partition_tree($1::regclass) p "
                             "JOIN pg_catalog.pg_class c ON c.oid = p.relid WHERE p.level > 0",
                     .parameters = &qualified,
                     .parameter_count = 1};
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    if (!pg_query(whatif->connection, &query, &result, error))
        return false;
    for (int64_t row = 0; row < pg_result_rows(result); row++)
        map_put(whatif->part_names, pg_result_text(result, row, 0), arena_strdup(whatif->arena, name));
    return true;
}

/* sparse_blocks: as sparse_index_create() gave them; the module is asked here. */
static bool
created_index_examine(WhatIf *whatif, const WhatIfChange *change, double sparse_blocks,
                      WhatIfChangeResult *result, Error *error)
{
    const SnapshotRelation *relation = snapshot_relation(twin_snapshot(whatif->twin), change->relation_id);
    result->size_bytes = NAN;
    result->index_name = change->name;
    if (relation == NULL || change->name == NULL)
        return true;
    bool is_partitioned = relation->kind == 'p';
    const char *qualified = pg_identifier_qualify(whatif->arena, relation->schema, change->name);
    if (is_partitioned && !index_parts_note(whatif, qualified, change->name, error))
        return false;
    if (whatif->is_sparse) {
        result->size_bytes = sparse_blocks * twin_snapshot(whatif->twin)->block_bytes;
        return true;
    }
    double *known = map_get(whatif->sizes, change->statement);
    if (known == NULL) {
        known = ARENA_NEW(whatif->arena, double);
        if (!index_size(whatif, qualified, is_partitioned, known, error))
            return false;
        map_put(whatif->sizes, change->statement, known);
    }
    result->size_bytes = *known;
    return true;
}

/* What failed was refused, in the server's words, unless the session is gone. */
static bool
refusal_take(const WhatIf *whatif, const Error *failure, const char **ret_refusal, Error *error)
{
    if (pg_connection_is_broken(whatif->connection)) {
        *error = *failure;
        return false;
    }
    *ret_refusal = arena_strdup(whatif->arena, failure->message);
    return true;
}

/* Runs a change's statement; *ret_refusal: the server's words when it refused. */
static bool
change_run(WhatIf *whatif, const WhatIfChange *change, const char *text, double *ret_sparse_blocks,
           const char **ret_refusal, Error *error)
{
    Error failure = {0};
    bool makes_index = change->kind == WHATIF_CREATE_INDEX;
    *ret_sparse_blocks = NAN;
    *ret_refusal = NULL;
    if (whatif->is_sparse && (makes_index || change->kind == WHATIF_DDL)) {
        uint32_t table_id = twin_relation_id(whatif->twin, change->relation_id);
        const SnapshotRelation *relation =
            snapshot_relation(twin_snapshot(whatif->twin), change->relation_id);
        if (!makes_index || relation == NULL || change->name == NULL)
            return sparse_ddl_run(&whatif->sparse, table_id, text, ret_refusal, error);
        return sparse_index_create(&whatif->sparse, table_id, text,
                                   pg_identifier_qualify(whatif->arena, relation->schema, change->name),
                                   ret_sparse_blocks, ret_refusal, error);
    }
    return pg_execute(whatif->connection, text, &failure) ||
           refusal_take(whatif, &failure, ret_refusal, error);
}

static void
change_keep(const WhatIf *whatif, StandingChange *standing)
{
    standing->change.statement = arena_strdup(whatif->arena, standing->change.statement);
    standing->change.name = arena_strdup(whatif->arena, standing->change.name);
    standing->change.value = arena_strdup(whatif->arena, standing->change.value);
}

/* It does not stay, or each refusal would nest what comes after it one deeper. */
static bool
savepoint_undo(WhatIf *whatif, Error *error)
{
    return pg_execute_script(whatif->connection, "ROLLBACK TO SAVEPOINT fettle; RELEASE SAVEPOINT fettle",
                             NULL, error);
}

/* One change in a savepoint of its own. False only when the session failed. */
static bool
change_make(WhatIf *whatif, const WhatIfChange *change, StandingChange *ret_standing, Error *error)
{
    const char *refusal;
    const char *text = change_text(whatif, whatif->arena, change, &refusal);
    *ret_standing =
        (StandingChange){.key = change_key(change), .change = *change, .result = {.size_bytes = NAN}};
    change_keep(whatif, ret_standing);
    if (text == NULL) {
        ret_standing->result.reason = refusal;
        return true;
    }
    bool makes_index = change->kind == WHATIF_CREATE_INDEX;
    double sparse_blocks;
    Error failure = {0};
    WhatIfChangeResult made = {.is_applied = true, .size_bytes = NAN};
    if (!pg_execute(whatif->connection, "SAVEPOINT fettle", error) ||
        !change_run(whatif, &ret_standing->change, text, &sparse_blocks, &refusal, error))
        return false;
    if (refusal == NULL && makes_index &&
        !created_index_examine(whatif, &ret_standing->change, sparse_blocks, &made, &failure) &&
        !refusal_take(whatif, &failure, &refusal, error))
        return false;
    if (refusal != NULL) {
        ret_standing->result.reason = refusal;
        return savepoint_undo(whatif, error);
    }
    ret_standing->result = made;
    whatif->statistics.index_creations += makes_index;
    whatif->creations += makes_index;
    return pg_execute(whatif->connection, "RELEASE SAVEPOINT fettle", error);
}

static size_t
standing_find(const WhatIf *whatif, uint64_t key)
{
    for (size_t i = 0; i < whatif->standing.count; i++)
        if (whatif->standing.items[i].key == key)
            return i;
    return SIZE_MAX;
}

static bool
keys_have(const uint64_t *keys, size_t count, uint64_t key)
{
    for (size_t i = 0; i < count; i++)
        if (keys[i] == key)
            return true;
    return false;
}

static bool
standing_drop(WhatIf *whatif, const StandingChange *standing, Error *error)
{
    const SnapshotRelation *relation =
        snapshot_relation(twin_snapshot(whatif->twin), standing->change.relation_id);
    if (!standing->result.is_applied || relation == NULL)
        return true;
    const char *name = pg_identifier_qualify(whatif->arena, relation->schema, standing->change.name);
    return pg_execute(whatif->connection, arena_printf(whatif->arena, "DROP INDEX %s", name), error);
}

/* An index that was made and is not wanted now stays, unseen by the planner, for the next question that wants
 * it: making it again costs more than planning. */
static bool
standing_can_hide(const WhatIf *whatif, const StandingChange *standing)
{
    return !whatif->is_sparse && standing->change.name != NULL && strchr(standing->change.name, ',') == NULL;
}

/* Takes back what is no longer wanted: created indexes are hidden or dropped, anything else ends the
 * transaction. */
static bool
standing_reduce(WhatIf *whatif, const uint64_t *wanted, size_t count, Error *error)
{
    for (size_t i = 0; i < whatif->standing.count; i++) {
        const StandingChange *standing = &whatif->standing.items[i];
        bool is_index = standing->change.kind == WHATIF_CREATE_INDEX;
        if (!is_index && !keys_have(wanted, count, standing->key))
            return whatif_rollback(whatif, error);
    }
    for (size_t i = 0; i < whatif->standing.count;) {
        StandingChange *standing = &whatif->standing.items[i];
        bool is_wanted = keys_have(wanted, count, standing->key);
        if (is_wanted || standing_can_hide(whatif, standing)) {
            standing->is_hidden = !is_wanted;
            i++;
            continue;
        }
        if (!standing_drop(whatif, standing, error))
            return false;
        whatif->standing.items[i] = whatif->standing.items[--whatif->standing.count];
    }
    return true;
}

/* Tells the server which indexes its planner shall not see, when that changed. */
static bool
standing_hide(WhatIf *whatif, Error *error)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < whatif->standing.count; i++)
        if (whatif->standing.items[i].is_hidden)
            hash = hash_combine(hash, whatif->standing.items[i].key);
    if (hash == whatif->hidden_hash)
        return true;
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("hidden indexes", (size_t)64 << 20);
    Text names = text_new(scratch);
    for (size_t i = 0; i < whatif->standing.count; i++)
        if (whatif->standing.items[i].is_hidden && whatif->standing.items[i].result.is_applied)
            text_append_format(&names, "%s%s", names.length == 0 ? "" : ",",
                               whatif->standing.items[i].change.name);
    if (!pg_execute(whatif->connection,
                    arena_printf(scratch, "SET LOCAL fettle_twin.hidden_indexes = %s",
                                 pg_literal_quote(scratch, names.data == NULL ? "" : names.data)),
                    error))
        return false;
    whatif->hidden_hash = hash;
    /* Plans that are kept do not know of it. */
    return map_count(whatif->explainer.prepared) == 0 ||
           pg_execute(whatif->connection, "DISCARD PLANS", error);
}

static bool
standing_add(WhatIf *whatif, const WhatIfChange *change, uint64_t key, WhatIfChangeResult *ret_result,
             Error *error)
{
    size_t at = standing_find(whatif, key);
    if (at == SIZE_MAX) {
        StandingChange standing;
        if (!change_make(whatif, change, &standing, error))
            return false;
        at = whatif->standing.count;
        vector_push(whatif->arena, &whatif->standing, standing);
    }
    *ret_result = whatif->standing.items[at].result;
    return true;
}

/* Can it be made in one script with others? What cannot goes by itself, as one statement of the extended
 * protocol. */
static bool
change_is_plain(const WhatIf *whatif, const WhatIfChange *change)
{
    if (change->kind != WHATIF_CREATE_INDEX || change->name == NULL ||
        !index_text_begins(change->statement) || !index_text_is_whole(change->statement))
        return false;
    const SnapshotRelation *relation = snapshot_relation(twin_snapshot(whatif->twin), change->relation_id);
    return relation != NULL && relation->kind != 'p';
}

/* What is wanted, does not stand, and can be made together: up to the first other change that does not stand,
 * for what comes after it may need it. */
static StandingChangeList
changes_missing(const WhatIf *whatif, Arena *arena, const WhatIfChange *changes, const uint64_t *keys,
                size_t count)
{
    StandingChangeList missing = {0};
    Map *seen = map_new(arena);
    for (size_t i = 0; i < count; i++) {
        StandingChange fresh = {.key = keys[i], .change = changes[i], .result = {.size_bytes = NAN}};
        if (standing_find(whatif, fresh.key) != SIZE_MAX || map_get_id(seen, fresh.key) != NULL)
            continue;
        if (changes[i].kind != WHATIF_CREATE_INDEX)
            break;
        if (!change_is_plain(whatif, &changes[i]))
            continue;
        map_put_id(seen, fresh.key, whatif->arena);
        vector_push(arena, &missing, fresh);
    }
    return missing;
}

/* The estimates of indexes just made, in one question, which the module remembers for their planning. */
static bool
sizes_ask(WhatIf *whatif, Arena *arena, StandingChangeList *made, Error *error)
{
    Text names = text_new(arena);
    for (size_t i = 0; i < made->count; i++) {
        const WhatIfChange *change = &made->items[i].change;
        const SnapshotRelation *relation =
            snapshot_relation(twin_snapshot(whatif->twin), change->relation_id);
        text_append_format(
            &names, "%s%s::regclass", i == 0 ? "" : ", ",
            pg_literal_quote(arena, pg_identifier_qualify(arena, relation->schema, change->name)));
    }
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    const char *text = arena_printf(arena,
                                    "SELECT e.blocks FROM unnest(ARRAY[%s]) WITH ORDINALITY AS i (id, n), "
                                    "LATERAL fettle_twin.index_estimate(i.id) e ORDER BY i.n",
                                    names.data);
    if (!pg_query_simple(whatif->connection, text, &result, error))
        return false;
    if (pg_result_rows(result) != (int64_t)made->count)
        return error_set(error, ERROR_QUERY, "the twin estimated %lld of %zu indexes",
                         (long long)pg_result_rows(result), made->count);
    for (size_t i = 0; i < made->count; i++)
        made->items[i].result.size_bytes =
            pg_result_double(result, (int64_t)i, 0, NAN) * twin_snapshot(whatif->twin)->block_bytes;
    return true;
}

/* Makes the indexes that are missing in one script and one savepoint: round trips are most of what many cost.
 * When one of them is refused none is made, and each is tried by itself. The savepoint is not part of the
 * script, for of a script that cannot be parsed nothing is run. */
static bool
changes_make_together(WhatIf *whatif, const WhatIfChange *changes, const uint64_t *keys, size_t count,
                      Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("what-if indexes", (size_t)256 << 20);
    if (whatif->is_sparse)
        return true;
    StandingChangeList missing = changes_missing(whatif, scratch, changes, keys, count);
    if (missing.count < 2)
        return true;
    Text script = text_new(scratch);
    for (size_t i = 0; i < missing.count; i++)
        text_append_format(&script, "%s;\n", missing.items[i].change.statement);
    if (!pg_execute(whatif->connection, "SAVEPOINT fettle", error))
        return false;
    Error failure = {0};
    const char *refusal;
    if (!pg_execute_script(whatif->connection, script.data, NULL, &failure) ||
        !sizes_ask(whatif, scratch, &missing, &failure))
        return refusal_take(whatif, &failure, &refusal, error) && savepoint_undo(whatif, error);
    whatif->statistics.index_scripts++;
    whatif->statistics.index_creations += (int64_t)missing.count;
    whatif->creations += (int64_t)missing.count;
    for (size_t i = 0; i < missing.count; i++) {
        StandingChange *made = &missing.items[i];
        change_keep(whatif, made);
        made->result.is_applied = true;
        made->result.index_name = made->change.name;
        vector_push(whatif->arena, &whatif->standing, *made);
    }
    return pg_execute(whatif->connection, "RELEASE SAVEPOINT fettle", error);
}

bool
whatif_begin(WhatIf *whatif, Arena *arena, const WhatIfChange *changes, size_t change_count,
             WhatIfChangeResult **ret_results, Error *error)
{
    uint64_t *wanted = ARENA_NEW_ARRAY(arena, uint64_t, change_count + 1);
    for (size_t i = 0; i < change_count; i++)
        wanted[i] = change_key(&changes[i]);
    size_t most = CREATIONS_PER_TRANSACTION_MOST + change_count;
    if (((size_t)whatif->creations > most || whatif->standing.count > most) &&
        !whatif_rollback(whatif, error))
        return false;
    if (!standing_reduce(whatif, wanted, change_count, error))
        return false;
    if (!whatif->is_open && change_count > 0) {
        if (!pg_execute(whatif->connection, "BEGIN", error))
            return false;
        whatif->is_open = true;
    }
    if (!changes_make_together(whatif, changes, wanted, change_count, error))
        return false;
    WhatIfChangeResult *results = ARENA_NEW_ARRAY(arena, WhatIfChangeResult, change_count + 1);
    for (size_t i = 0; i < change_count; i++)
        if (!standing_add(whatif, &changes[i], wanted[i], &results[i], error))
            return false;
    if (!standing_hide(whatif, error))
        return false;
    *ret_results = results;
    return true;
}

static bool
change_is_relevant(const WhatIf *whatif, const StandingChange *standing, const WhatIfStatement *statement)
{
    uint32_t relation_id = change_relation(whatif, &standing->change);
    if (!standing->result.is_applied || standing->is_hidden || relation_id == 0)
        return standing->result.is_applied && !standing->is_hidden;
    for (size_t i = 0; i < statement->relation_count; i++)
        if (snapshot_relations_overlap(twin_snapshot(whatif->twin), statement->relation_ids[i], relation_id))
            return true;
    return false;
}

static size_t
samples_asked(const WhatIfStatement *statement)
{
    size_t count = statement->rewritten == NULL ? statement->sample_count : 0;
    return count < SAMPLES_MOST ? count : SAMPLES_MOST;
}

/* Spread over the list, so that the first few do not stand for all. */
static const char *
sample_asked(const WhatIfStatement *statement, size_t number)
{
    return statement->samples[number * statement->sample_count / samples_asked(statement)];
}

/* The order in which changes were made does not matter to the key. */
static uint64_t
question_key(const WhatIf *whatif, const WhatIfStatement *statement)
{
    uint64_t samples = 0;
    for (size_t i = 0; i < samples_asked(statement); i++)
        samples = hash_combine(samples, text_key(sample_asked(statement, i)));
    uint64_t changes = 0;
    for (size_t i = 0; i < whatif->standing.count; i++)
        if (change_is_relevant(whatif, &whatif->standing.items[i], statement))
            changes += hash_combine(whatif->standing.items[i].key, 0x9E37);
    uint64_t texts = hash_combine(text_key(statement->text), text_key(statement->rewritten));
    return hash_combine(hash_combine(texts, samples), changes);
}

typedef struct UsedIndexes {
    const WhatIf *whatif;
    Arena *arena;
    TextList *names;
} UsedIndexes;

static void
used_indexes_visit(const PgPlanNode *node, const PgPlanNode *parent, void *context)
{
    (void)parent;
    UsedIndexes *used = context;
    if (node->index == NULL)
        return;
    const char *whole = map_get(used->whatif->part_names, node->index);
    const char *name = whole == NULL ? node->index : whole;
    if (!text_list_contains(used->names, name))
        vector_push(used->arena, used->names, arena_strdup(used->arena, name));
}

/* An aborted transaction takes all changes with it; they are made again before the next question. */
static bool
whatif_after_refusal(WhatIf *whatif, Error *error)
{
    if (!whatif->is_open)
        return true;
    size_t count = 0;
    WhatIfChange *changes = ARENA_NEW_ARRAY(whatif->arena, WhatIfChange, whatif->standing.count + 1);
    for (size_t i = 0; i < whatif->standing.count; i++)
        if (!whatif->standing.items[i].is_hidden)
            changes[count++] = whatif->standing.items[i].change;
    WhatIfChangeResult *results;
    return whatif_rollback(whatif, error) &&
           whatif_begin(whatif, whatif->arena, changes, count, &results, error);
}

typedef struct PlanCost {
    double cost;
    double least; /* that fewer indexes could have */
} PlanCost;

/* Can a plan with workers be cheaper? */
static bool
workers_may_win(const WhatIf *whatif, double cost)
{
    for (size_t i = 0; i < whatif->standing.count; i++)
        if (whatif->standing.items[i].change.kind == WHATIF_SETTING)
            return true;
    return cost > whatif->gather_cost;
}

/* The cost that fewer indexes could have at the least, of the plan just made. Of one without workers, too: a
 * narrowed table may be why it is the cheapest. */
static bool
least_cost_ask(WhatIf *whatif, const PgPlan *plan, double *ret_cost, Error *error)
{
    *ret_cost = plan->root->total_cost;
    if (whatif->is_sparse || !workers_may_win(whatif, *ret_cost))
        return true;
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    if (!pg_query_simple(whatif->connection, "SHOW fettle_twin.least_cost", &result, error))
        return false;
    const char *text = pg_result_rows(result) == 1 ? pg_result_text(result, 0, 0) : NULL;
    char *end = NULL;
    double cost = text == NULL ? NAN : strtod(text, &end);
    double least = end == NULL ? NAN : strtod(end, NULL);
    /* Of a plan that the server had kept it says nothing, and 0 bounds nothing. */
    *ret_cost = cost == *ret_cost ? fmin(least, cost) : 0;
    return true;
}

static bool
ask_one(WhatIf *whatif, Arena *arena, const char *text, WhatIfAnswer *answer, PlanCost *ret_cost,
        Error *error)
{
    PgPlan *plan = NULL;
    const char *reason = NULL;
    if (!explainer_ask(&whatif->explainer, arena, text, &plan, &reason, error))
        return false;
    *ret_cost = (PlanCost){.cost = NAN, .least = NAN};
    if (plan == NULL) {
        answer->reason = reason;
        return whatif_after_refusal(whatif, error);
    }
    UsedIndexes used = {.whatif = whatif, .arena = arena, .names = &answer->used_indexes};
    pg_plan_walk(plan, used_indexes_visit, &used);
    ret_cost->cost = plan->root->total_cost;
    if (answer->plan == NULL)
        answer->plan = plan;
    return least_cost_ask(whatif, plan, &ret_cost->least, error);
}

static bool
ask_samples(WhatIf *whatif, Arena *arena, const WhatIfStatement *statement, WhatIfAnswer *answer,
            Error *error)
{
    PlanCost sum = {.cost = 0, .least = 0};
    double known = 0;
    for (size_t i = 0; i < samples_asked(statement); i++) {
        PlanCost cost;
        if (!ask_one(whatif, arena, sample_asked(statement, i), answer, &cost, error))
            return false;
        if (isnan(cost.cost))
            continue;
        sum.cost += cost.cost;
        sum.least += cost.least;
        known++;
        answer->sample_mask |= UINT32_C(1) << i;
    }
    answer->is_known = known > 0;
    answer->cost = known > 0 ? sum.cost / known : NAN;
    answer->least_cost = known > 0 ? sum.least / known : NAN;
    return true;
}

/* A table that the twin lacks is the reason behind whatever the server says. */
static const char *
refusal_reason(const WhatIf *whatif, Arena *arena, const WhatIfStatement *statement, const char *reason)
{
    for (size_t i = 0; i < statement->relation_count; i++) {
        const SnapshotRelation *relation =
            snapshot_relation(twin_snapshot(whatif->twin), statement->relation_ids[i]);
        const char *loss = relation == NULL ? NULL : twin_relation_loss(whatif->twin, relation);
        if (loss != NULL)
            return arena_printf(arena, "the twin lacks %s: %s",
                                pg_identifier_qualify(arena, relation->schema, relation->name), loss);
    }
    return reason == NULL ? "the planner gave no plan"
                          : arena_printf(arena, "the twin cannot plan it: %s", reason);
}

static bool
whatif_ask(WhatIf *whatif, Arena *arena, const WhatIfStatement *statement, WhatIfAnswer *answer, Error *error)
{
    *answer = (WhatIfAnswer){.cost = NAN, .generic_cost = NAN, .least_cost = NAN};
    if (samples_asked(statement) > 0 && !ask_samples(whatif, arena, statement, answer, error))
        return false;
    if (answer->is_known)
        return true;
    const char *text = statement->rewritten != NULL ? statement->rewritten : statement->text;
    PlanCost cost;
    if (!ask_one(whatif, arena, text, answer, &cost, error))
        return false;
    answer->cost = cost.cost;
    answer->least_cost = cost.least;
    answer->is_known = !isnan(answer->cost);
    if (!answer->is_known)
        answer->reason = refusal_reason(whatif, arena, statement, answer->reason);
    answer->is_generic = answer->is_known && explainer_parameter_count(&whatif->explainer, text) > 0;
    answer->generic_cost = answer->is_generic ? answer->cost : NAN;
    return true;
}

bool
whatif_cost(WhatIf *whatif, Arena *arena, const WhatIfStatement *statement, bool with_plan,
            WhatIfAnswer *ret_answer, Error *error)
{
    whatif->statistics.questions++;
    uint64_t key = question_key(whatif, statement);
    CachedAnswer *cached = map_get_id(whatif->cache, key);
    if (cached != NULL && (cached->has_plan || !with_plan || !cached->answer.is_known)) {
        whatif->statistics.cache_hits++;
        *ret_answer = cached->answer;
        return true;
    }
    if (cached == NULL)
        cached = ARENA_NEW(whatif->arena, CachedAnswer);
    /* Plans are large: without one wanted they live for this question only. */
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("question", (size_t)512 << 20);
    WhatIfAnswer answer;
    if (!whatif_ask(whatif, with_plan ? arena : scratch, statement, &answer, error))
        return false;
    cached->has_plan = with_plan;
    cached->answer = answer;
    cached->answer.reason = arena_strdup(whatif->arena, answer.reason);
    if (!with_plan) {
        cached->answer.plan = NULL;
        cached->answer.used_indexes = (TextList){0};
        for (size_t i = 0; i < answer.used_indexes.count; i++)
            vector_push(whatif->arena, &cached->answer.used_indexes,
                        arena_strdup(whatif->arena, answer.used_indexes.items[i]));
    }
    map_put_id(whatif->cache, key, cached);
    *ret_answer = cached->answer;
    return true;
}

WhatIfStatistics
whatif_statistics(const WhatIf *whatif)
{
    WhatIfStatistics statistics = whatif->statistics;
    statistics.explains = whatif->explainer.count;
    statistics.server_ms =
        whatif->connection == NULL ? NAN : (double)pg_connection_server_time_us(whatif->connection) / 1000;
    return statistics;
}
