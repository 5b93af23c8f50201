// SPDX-License-Identifier: PostgreSQL
/*
 * The changes that stand in a WhatIf's transaction: made, hidden from the planner, and taken back.
 */
#include "pg/identifier.h"
#include "pg/result.h"
#include "whatif/index_text.h"
#include "whatif/whatif_internal.h"

#include <math.h>
#include <string.h>

/* Catalog rows of created and dropped indexes pile up until the transaction ends. */
#define CREATIONS_PER_TRANSACTION_MOST 1000

uint64_t
whatif_change_key(const WhatIfChange *change)
{
    uint64_t key = hash_combine((uint64_t)change->kind, change->relation_id);
    return hash_combine(hash_combine(key, whatif_text_key(change->statement)),
                        hash_combine(whatif_text_key(change->name), whatif_text_key(change->value)));
}

/* Settings that a statement's questions need beyond planning come back with ROLLBACK too: SET is
 * transactional. */
bool
whatif_rollback(WhatIf *whatif, Error *error)
{
    whatif->standing.count = 0;
    whatif->creations = 0;
    whatif->hidden_hash = 0;
    whatif->is_settled = whatif->wanted.count == 0;
    if (!whatif->is_open)
        return true;
    whatif->is_open = false;
    return pg_execute(whatif->connection, "ROLLBACK", error);
}

bool
whatif_end(WhatIf *whatif, Error *error)
{
    whatif->wanted.count = 0;
    whatif->is_mixed = false;
    whatif_lanes_rest(whatif->lanes);
    return whatif_rollback(whatif, error);
}

static const SnapshotIndex *
change_index(const WhatIf *whatif, const WhatIfChange *change)
{
    return snapshot_index(twin_snapshot(whatif->twin), change->relation_id);
}

/* The CREATE INDEX under the name that the index has on this session. */
static const char *
renamed_text(const WhatIf *whatif, Arena *arena, const KnownChange *known)
{
    const WhatIfChange *change = &known->change;
    if (whatif->name_prefix[0] == '\0' || change->name == NULL)
        return change->statement;
    const char *name = pg_identifier_quote(arena, change->name);
    const char *at = strstr(change->statement, name);
    if (at == NULL)
        return change->statement;
    return arena_printf(arena, "%.*s%s%s", (int)(at - change->statement), change->statement,
                        pg_identifier_quote(arena, known->made_name), at + strlen(name));
}

/* The statement that makes a change, in the arena; NULL, and why there is none. */
static const char *
change_text(const WhatIf *whatif, Arena *arena, const KnownChange *known, const char **ret_reason)
{
    *ret_reason = NULL;
    const WhatIfChange *change = &known->change;
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
                return renamed_text(whatif, arena, known);
            *ret_reason = "the statement creates no index";
            return NULL;
        case WHATIF_DDL: return change->statement;
    }
    return NULL;
}

/* Size of an index just created: the module's estimate, over its partitions when it has some. A partition's
 * own index of the same definition became part of it: it is older, and not built. */
static bool
index_size(WhatIf *whatif, const char *qualified, bool is_partitioned, double *ret_bytes, Error *error)
{
    const char *text =
        is_partitioned
            ? "SELECT coalesce(sum(e.blocks), 0) FROM pg_catalog.pg_partition_tree($1::regclass) p, "
              "LATERAL fettle_twin.index_estimate(p.relid) e "
              "WHERE p.isleaf AND p.relid::oid > $1::regclass::oid"
            : "SELECT fettle_twin.named_index_blocks($1)";
    PgQuery query = {.text = text, .parameters = &qualified, .parameter_count = 1};
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    if (!pg_query(whatif->connection, &query, &result, error))
        return false;
    double blocks = pg_result_rows(result) == 0 ? NAN : pg_result_double(result, 0, 0, NAN);
    *ret_bytes = blocks * twin_snapshot(whatif->twin)->block_bytes;
    return true;
}

#define PARTS_DEPTH_MOST 32

static bool
has_clustered_part(const Snapshot *snapshot, const SnapshotIndex *index, int depth)
{
    bool has = index->is_clustered;
    size_t count = index->is_partitioned && depth < PARTS_DEPTH_MOST ? snapshot->index_count : 0;
    for (size_t i = 0; !has && i < count; i++)
        has = snapshot->indexes[i].parent_id == index->id &&
              has_clustered_part(snapshot, &snapshot->indexes[i], depth + 1);
    return has;
}

static const SnapshotIndex *
index_named(const Snapshot *snapshot, const char *schema, const char *name)
{
    for (size_t i = 0; i < snapshot->index_count; i++)
        if (text_equals(snapshot->indexes[i].name, name) && text_equals(snapshot->indexes[i].schema, schema))
            return &snapshot->indexes[i];
    return NULL;
}

/*
 * Blocks of a partition's own index that the twin's server took for a part, and that is built anew on the
 * target all the same: one of other directions or options, or one that a table is clustered by, or that is of
 * a whole with such a one (the undo could not bring that mark back).
 */
static double
part_built_anew(const WhatIf *whatif, const char *schema, const char *name, bool is_otherwise)
{
    const Snapshot *snapshot = twin_snapshot(whatif->twin);
    const SnapshotIndex *part = index_named(snapshot, schema, name);
    const SnapshotIndex *whole = part;
    if (part == NULL)
        return 0;
    for (int depth = 0; whole->parent_id != 0 && depth < PARTS_DEPTH_MOST; depth++) {
        const SnapshotIndex *parent = snapshot_index(snapshot, whole->parent_id);
        if (parent == NULL)
            break;
        whole = parent;
    }
    if (!is_otherwise && !has_clustered_part(snapshot, whole, 0))
        return 0;
    return part->size_blocks >= 0 ? (double)part->size_blocks : part->relpages;
}

/* Plans show a partition's own index: remember whose part it is. *ret_anew: blocks of what was there and is
 * built anew. */
static bool
index_parts_note(WhatIf *whatif, const char *qualified, const char *name, double *ret_anew, Error *error)
{
    PgQuery query = {.text =
                         "SELECT c.relname, n.nspname, p.isleaf AND c.oid < w.indexrelid, "
                         "(i.indoption::text, c.reloptions::text) IS DISTINCT FROM (w.indoption::text, "
                         "(SELECT o.reloptions::text FROM pg_catalog.pg_class o WHERE o.oid = w.indexrelid)) "
                         "FROM pg_catalog.pg_partition_tree($1::regclass) p "
                         "JOIN pg_catalog.pg_class c ON c.oid = p.relid "
                         "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
                         "JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid "
                         "JOIN pg_catalog.pg_index w ON w.indexrelid = $1::regclass WHERE p.level > 0",
                     .parameters = &qualified,
                     .parameter_count = 1};
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    *ret_anew = 0;
    if (!pg_query(whatif->connection, &query, &result, error))
        return false;
    for (int64_t row = 0; row < pg_result_rows(result); row++) {
        const char *part = pg_result_text(result, row, 0);
        map_put(whatif->given_names, part, arena_strdup(whatif->arena, name));
        if (pg_result_bool(result, row, 2))
            *ret_anew +=
                part_built_anew(whatif, pg_result_text(result, row, 1), part, pg_result_bool(result, row, 3));
    }
    return true;
}

/* sparse_blocks: as sparse_index_create() gave them; the module is asked here. */
static bool
created_index_examine(WhatIf *whatif, const KnownChange *known, double sparse_blocks,
                      WhatIfChangeResult *result, Error *error)
{
    const WhatIfChange *change = &known->change;
    const SnapshotRelation *relation = snapshot_relation(twin_snapshot(whatif->twin), change->relation_id);
    result->size_bytes = NAN;
    result->index_name = change->name;
    if (relation == NULL || change->name == NULL)
        return true;
    bool is_partitioned = relation->kind == 'p';
    const char *qualified = pg_identifier_qualify(whatif->arena, relation->schema, known->made_name);
    double anew = 0;
    if (is_partitioned && !index_parts_note(whatif, qualified, change->name, &anew, error))
        return false;
    double anew_bytes = anew * twin_snapshot(whatif->twin)->block_bytes;
    if (whatif->is_sparse) {
        result->size_bytes = sparse_blocks * twin_snapshot(whatif->twin)->block_bytes + anew_bytes;
        return true;
    }
    double *bytes = map_get(whatif->sizes, change->statement);
    if (bytes == NULL) {
        bytes = ARENA_NEW(whatif->arena, double);
        if (!index_size(whatif, qualified, is_partitioned, bytes, error))
            return false;
        map_put(whatif->sizes, change->statement, bytes);
    }
    result->size_bytes = *bytes + anew_bytes;
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
change_run(WhatIf *whatif, const KnownChange *known, const char *text, double *ret_sparse_blocks,
           const char **ret_refusal, Error *error)
{
    Error failure = {0};
    const WhatIfChange *change = &known->change;
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
                                   pg_identifier_qualify(whatif->arena, relation->schema, known->made_name),
                                   ret_sparse_blocks, ret_refusal, error);
    }
    return pg_execute(whatif->connection, text, &failure) ||
           refusal_take(whatif, &failure, ret_refusal, error);
}

KnownChange *
whatif_known_change(const WhatIf *whatif, const WhatIfChange *change)
{
    return map_get_id(whatif->known, whatif_change_key(change));
}

/* Kept once, however often it is made; beside other changes it may come out otherwise. */
static KnownChange *
change_keep(WhatIf *whatif, const WhatIfChange *change, uint64_t key)
{
    KnownChange *known = whatif->is_mixed ? NULL : map_get_id(whatif->known, key);
    if (known != NULL)
        return known;
    known = ARENA_NEW(whatif->arena, KnownChange);
    *known = (KnownChange){.key = key, .change = *change, .result = {.size_bytes = NAN}};
    known->change.statement = arena_strdup(whatif->arena, change->statement);
    known->change.name = arena_strdup(whatif->arena, change->name);
    known->change.value = arena_strdup(whatif->arena, change->value);
    known->made_name = known->change.name;
    if (change->kind == WHATIF_CREATE_INDEX && change->name != NULL && whatif->name_prefix[0] != '\0') {
        known->made_name = arena_printf(whatif->arena, "%s%s", whatif->name_prefix, change->name);
        map_put(whatif->given_names, known->made_name, (void *)known->change.name);
    }
    return known;
}

KnownChange *
whatif_learn_change(WhatIf *whatif, const WhatIfChange *change, const WhatIfChangeResult *result)
{
    KnownChange *known = change_keep(whatif, change, whatif_change_key(change));
    known->result = *result;
    known->result.reason = arena_strdup(whatif->arena, result->reason);
    known->result.index_name = known->change.name;
    map_put_id(whatif->known, known->key, known);
    return known;
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
change_make(WhatIf *whatif, KnownChange *known, Error *error)
{
    const char *refusal;
    const char *text = change_text(whatif, whatif->arena, known, &refusal);
    known->result = (WhatIfChangeResult){.size_bytes = NAN, .reason = refusal};
    if (text == NULL)
        return true;
    bool makes_index = known->change.kind == WHATIF_CREATE_INDEX;
    double sparse_blocks;
    Error failure = {0};
    WhatIfChangeResult made = {.is_applied = true, .size_bytes = NAN};
    if (!pg_execute(whatif->connection, "SAVEPOINT fettle", error) ||
        !change_run(whatif, known, text, &sparse_blocks, &refusal, error))
        return false;
    if (refusal == NULL && makes_index &&
        !created_index_examine(whatif, known, sparse_blocks, &made, &failure) &&
        !refusal_take(whatif, &failure, &refusal, error))
        return false;
    if (refusal != NULL) {
        known->result.reason = refusal;
        return savepoint_undo(whatif, error);
    }
    known->result = made;
    whatif->statistics.index_creations += makes_index;
    whatif->creations += makes_index;
    return pg_execute(whatif->connection, "RELEASE SAVEPOINT fettle", error);
}

static size_t
standing_find(const WhatIf *whatif, uint64_t key)
{
    for (size_t i = 0; i < whatif->standing.count; i++)
        if (whatif->standing.items[i].known->key == key)
            return i;
    return SIZE_MAX;
}

/* In the order of their names, in which the module looks hidden ones up: it need not sort what it is told. */
static void
standing_push(WhatIf *whatif, KnownChange *known)
{
    StandingChangeList *standing = &whatif->standing;
    vector_push(whatif->arena, standing, ((StandingChange){.known = known}));
    size_t at = standing->count - 1;
    for (; at > 0 && known->made_name != NULL; at--) {
        const char *before = standing->items[at - 1].known->made_name;
        if (before != NULL && strcmp(before, known->made_name) <= 0)
            break;
        standing->items[at] = standing->items[at - 1];
    }
    standing->items[at] = (StandingChange){.known = known};
}

static void
standing_remove(WhatIf *whatif, size_t at)
{
    StandingChangeList *standing = &whatif->standing;
    standing->count--;
    memmove(&standing->items[at], &standing->items[at + 1],
            (standing->count - at) * sizeof(*standing->items));
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
standing_drop(WhatIf *whatif, const KnownChange *known, Error *error)
{
    const SnapshotRelation *relation =
        snapshot_relation(twin_snapshot(whatif->twin), known->change.relation_id);
    if (!known->result.is_applied || relation == NULL)
        return true;
    const char *name = pg_identifier_qualify(whatif->arena, relation->schema, known->made_name);
    return pg_execute(whatif->connection, arena_printf(whatif->arena, "DROP INDEX %s", name), error);
}

/* An index that was made and is not wanted now stays, unseen by the planner, for the next question that wants
 * it: making it again costs more than planning. */
static bool
standing_can_hide(const WhatIf *whatif, const KnownChange *known)
{
    return !whatif->is_sparse && known->made_name != NULL && strchr(known->made_name, ',') == NULL;
}

/* Takes back what is no longer wanted: created indexes are hidden or dropped, anything else ends the
 * transaction. */
static bool
standing_reduce(WhatIf *whatif, const uint64_t *wanted, size_t count, Error *error)
{
    for (size_t i = 0; i < whatif->standing.count; i++) {
        const KnownChange *known = whatif->standing.items[i].known;
        if (known->change.kind != WHATIF_CREATE_INDEX && !keys_have(wanted, count, known->key))
            return whatif_rollback(whatif, error);
    }
    for (size_t i = 0; i < whatif->standing.count;) {
        StandingChange *standing = &whatif->standing.items[i];
        bool is_wanted = keys_have(wanted, count, standing->known->key);
        if (is_wanted || standing_can_hide(whatif, standing->known)) {
            standing->is_hidden = !is_wanted;
            i++;
            continue;
        }
        if (!standing_drop(whatif, standing->known, error))
            return false;
        standing_remove(whatif, i);
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
            hash = hash_combine(hash, whatif->standing.items[i].known->key);
    if (hash == whatif->hidden_hash)
        return true;
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("hidden indexes", (size_t)64 << 20);
    Text names = text_new(scratch);
    for (size_t i = 0; i < whatif->standing.count; i++) {
        const StandingChange *standing = &whatif->standing.items[i];
        if (!standing->is_hidden || !standing->known->result.is_applied)
            continue;
        if (names.length > 0)
            text_append_char(&names, ',');
        text_append(&names, standing->known->made_name);
    }
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
standing_add(WhatIf *whatif, const WhatIfChange *change, uint64_t key, Error *error)
{
    if (standing_find(whatif, key) != SIZE_MAX)
        return true;
    KnownChange *known = change_keep(whatif, change, key);
    if (!change_make(whatif, known, error))
        return false;
    standing_push(whatif, known);
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
static KnownChangeList
changes_missing(WhatIf *whatif, Arena *arena, const WhatIfChange *changes, const uint64_t *keys, size_t count)
{
    KnownChangeList missing = {0};
    Map *seen = map_new(arena);
    for (size_t i = 0; i < count; i++) {
        if (standing_find(whatif, keys[i]) != SIZE_MAX || map_get_id(seen, keys[i]) != NULL)
            continue;
        if (changes[i].kind != WHATIF_CREATE_INDEX)
            break;
        if (!change_is_plain(whatif, &changes[i]))
            continue;
        KnownChange *known = change_keep(whatif, &changes[i], keys[i]);
        map_put_id(seen, keys[i], known);
        vector_push(arena, &missing, known);
    }
    return missing;
}

/* The estimates of indexes just made, in one question, which the module remembers for their planning. */
static bool
sizes_ask(WhatIf *whatif, Arena *arena, const KnownChangeList *made, double *ret_bytes, Error *error)
{
    Text names = text_new(arena);
    for (size_t i = 0; i < made->count; i++) {
        const KnownChange *known = made->items[i];
        const SnapshotRelation *relation =
            snapshot_relation(twin_snapshot(whatif->twin), known->change.relation_id);
        text_append_format(
            &names, "%s%s", i == 0 ? "" : ", ",
            pg_literal_quote(arena, pg_identifier_qualify(arena, relation->schema, known->made_name)));
    }
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    const char *text = arena_printf(arena,
                                    "SELECT fettle_twin.named_index_blocks(i.name) "
                                    "FROM unnest(ARRAY[%s]) WITH ORDINALITY AS i (name, n) ORDER BY i.n",
                                    names.data);
    if (!pg_query_simple(whatif->connection, text, &result, error))
        return false;
    if (pg_result_rows(result) != (int64_t)made->count)
        return error_set(error, ERROR_QUERY, "the twin estimated %lld of %zu indexes",
                         (long long)pg_result_rows(result), made->count);
    for (size_t i = 0; i < made->count; i++)
        ret_bytes[i] =
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
    KnownChangeList missing = changes_missing(whatif, scratch, changes, keys, count);
    if (missing.count < 2)
        return true;
    double *bytes = ARENA_NEW_ARRAY(scratch, double, missing.count);
    Text script = text_new(scratch);
    for (size_t i = 0; i < missing.count; i++)
        text_append_format(&script, "%s;\n", renamed_text(whatif, scratch, missing.items[i]));
    if (!pg_execute(whatif->connection, "SAVEPOINT fettle", error))
        return false;
    Error failure = {0};
    const char *refusal;
    if (!pg_execute_script(whatif->connection, script.data, NULL, &failure) ||
        !sizes_ask(whatif, scratch, &missing, bytes, &failure))
        return refusal_take(whatif, &failure, &refusal, error) && savepoint_undo(whatif, error);
    whatif->statistics.index_scripts++;
    whatif->statistics.index_creations += (int64_t)missing.count;
    whatif->creations += (int64_t)missing.count;
    for (size_t i = 0; i < missing.count; i++) {
        KnownChange *known = missing.items[i];
        known->result = (WhatIfChangeResult){
            .is_applied = true, .index_name = known->change.name, .size_bytes = bytes[i]};
        standing_push(whatif, known);
    }
    return pg_execute(whatif->connection, "RELEASE SAVEPOINT fettle", error);
}

/* Makes the transaction's changes these. */
static bool
standing_make(WhatIf *whatif, const WhatIfChange *changes, const uint64_t *keys, size_t count, Error *error)
{
    size_t most = CREATIONS_PER_TRANSACTION_MOST + count;
    if (((size_t)whatif->creations > most || whatif->standing.count > most) &&
        !whatif_rollback(whatif, error))
        return false;
    if (!standing_reduce(whatif, keys, count, error))
        return false;
    if (!whatif->is_open && count > 0) {
        if (!pg_execute(whatif->connection, "BEGIN", error))
            return false;
        whatif->is_open = true;
    }
    if (!changes_make_together(whatif, changes, keys, count, error))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!standing_add(whatif, &changes[i], keys[i], error))
            return false;
    return standing_hide(whatif, error);
}

bool
whatif_are_indexes(const WhatIfChange *changes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (changes[i].kind != WHATIF_CREATE_INDEX || changes[i].name == NULL)
            return false;
    return true;
}

static bool
are_known(const WhatIf *whatif, const uint64_t *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (map_get_id(whatif->known, keys[i]) == NULL)
            return false;
    return true;
}

void
whatif_changes_add(Arena *arena, Map *seen, KnownChangeList *list, KnownChange *known)
{
    if (map_get_id(seen, known->key) != NULL)
        return;
    map_put_id(seen, known->key, known);
    vector_push(arena, list, known);
}

static void
wanted_set(WhatIf *whatif, Arena *scratch, KnownChange *const *changes, size_t count)
{
    Map *seen = map_new(scratch);
    whatif->wanted.count = 0;
    for (size_t i = 0; i < count; i++)
        whatif_changes_add(whatif->arena, seen, &whatif->wanted, changes[i]);
}

bool
whatif_settle(WhatIf *whatif, Error *error)
{
    if (whatif->is_settled)
        return true;
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("wanted changes", (size_t)64 << 20);
    size_t count = whatif->wanted.count;
    WhatIfChange *changes = ARENA_NEW_ARRAY(scratch, WhatIfChange, count + 1);
    uint64_t *keys = ARENA_NEW_ARRAY(scratch, uint64_t, count + 1);
    for (size_t i = 0; i < count; i++) {
        changes[i] = whatif->wanted.items[i]->change;
        keys[i] = whatif->wanted.items[i]->key;
    }
    if (!standing_make(whatif, changes, keys, count, error))
        return false;
    for (size_t i = 0; i < count; i++)
        whatif->wanted.items[i] = whatif->standing.items[standing_find(whatif, keys[i])].known;
    whatif->is_settled = true;
    return true;
}

bool
whatif_begin(WhatIf *whatif, Arena *arena, const WhatIfChange *changes, size_t change_count,
             WhatIfChangeResult **ret_results, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("changes to begin", (size_t)64 << 20);
    uint64_t *keys = ARENA_NEW_ARRAY(scratch, uint64_t, change_count + 1);
    KnownChange **known = ARENA_NEW_ARRAY(scratch, KnownChange *, change_count + 1);
    for (size_t i = 0; i < change_count; i++)
        keys[i] = whatif_change_key(&changes[i]);
    whatif->is_mixed = !whatif_are_indexes(changes, change_count);
    bool is_made = whatif->is_mixed || !are_known(whatif, keys, change_count);
    /* others than CREATE INDEX wait for whoever has asked about the table */
    if (whatif->is_mixed)
        whatif_lanes_rest(whatif->lanes);
    if (is_made && !standing_make(whatif, changes, keys, change_count, error))
        return false;
    *ret_results = ARENA_NEW_ARRAY(arena, WhatIfChangeResult, change_count + 1);
    for (size_t i = 0; i < change_count; i++) {
        known[i] = is_made ? whatif->standing.items[standing_find(whatif, keys[i])].known
                           : map_get_id(whatif->known, keys[i]);
        if (!whatif->is_mixed && known[i]->result.is_applied) /* a refusal may have been of the moment */
            map_put_id(whatif->known, keys[i], known[i]);
        (*ret_results)[i] = known[i]->result;
    }
    wanted_set(whatif, scratch, known, change_count);
    whatif->is_settled = is_made;
    return true;
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

bool
whatif_change_is_relevant(const WhatIf *whatif, const KnownChange *known, const WhatIfStatement *statement)
{
    uint32_t relation_id = change_relation(whatif, &known->change);
    if (!known->result.is_applied || relation_id == 0)
        return known->result.is_applied;
    for (size_t i = 0; i < statement->relation_count; i++)
        if (snapshot_relations_overlap(twin_snapshot(whatif->twin), statement->relation_ids[i], relation_id))
            return true;
    return false;
}
