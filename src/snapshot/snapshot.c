// SPDX-License-Identifier: PostgreSQL
#include "snapshot/snapshot.h"

#include "snapshot/decode_internal.h"

/* Of a name that is looked for; a server's are of 63 bytes. */
#define NAME_BYTES_MOST 1000
#define PARENTS_MOST 32

const SnapshotRelation *
snapshot_relation(const Snapshot *snapshot, uint32_t id)
{
    return map_get_id(snapshot->relations_by_id, id);
}

const SnapshotRelation *
snapshot_relation_named(const Snapshot *snapshot, const char *schema, const char *name)
{
    if (strnlen(schema, NAME_BYTES_MOST) == NAME_BYTES_MOST ||
        strnlen(name, NAME_BYTES_MOST) == NAME_BYTES_MOST)
        return NULL;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("name", 65536);
    return map_get(snapshot->relations_by_name, decode_name_key(arena, schema, name));
}

const SnapshotRelation *
snapshot_relation_root(const Snapshot *snapshot, const SnapshotRelation *relation)
{
    for (int depth = 0; depth < PARENTS_MOST && relation->is_partition && relation->parent_count > 0;
         depth++) {
        const SnapshotRelation *parent = snapshot_relation(snapshot, relation->parents[0].relation_id);
        if (parent == NULL)
            break;
        relation = parent;
    }
    return relation;
}

static bool
is_part_of(const Snapshot *snapshot, uint32_t part, uint32_t whole, int depth)
{
    const SnapshotRelation *relation = snapshot_relation(snapshot, part);
    for (size_t i = 0; relation != NULL && depth < PARENTS_MOST && i < relation->parent_count; i++)
        if (relation->parents[i].relation_id == whole ||
            is_part_of(snapshot, relation->parents[i].relation_id, whole, depth + 1))
            return true;
    return false;
}

bool
snapshot_relations_overlap(const Snapshot *snapshot, uint32_t one, uint32_t other)
{
    return one == other || (snapshot->has_parts &&
                            (is_part_of(snapshot, one, other, 0) || is_part_of(snapshot, other, one, 0)));
}

const SnapshotIndex *
snapshot_index(const Snapshot *snapshot, uint32_t id)
{
    return map_get_id(snapshot->indexes_by_id, id);
}

const SnapshotColumn *
snapshot_column(const SnapshotRelation *relation, int attnum)
{
    if (attnum < 1 || (size_t)attnum > relation->column_count)
        return NULL;
    const SnapshotColumn *column = &relation->columns[attnum - 1];
    return column->is_dropped ? NULL : column;
}

const SnapshotColumn *
snapshot_column_named(const SnapshotRelation *relation, const char *name)
{
    for (size_t i = 0; i < relation->column_count; i++)
        if (!relation->columns[i].is_dropped && text_equals(relation->columns[i].name, name))
            return &relation->columns[i];
    return NULL;
}

const SnapshotStatistics *
snapshot_column_statistics(const SnapshotRelation *relation, int attnum)
{
    const SnapshotStatistics *found = NULL;
    for (size_t i = 0; i < relation->statistics.count; i++) {
        const SnapshotStatistics *statistics = relation->statistics.items[i];
        if (statistics->attnum == attnum && (found == NULL || !statistics->is_inherited))
            found = statistics;
    }
    return found;
}

const SnapshotStatisticsSlot *
snapshot_column_slot(const SnapshotRelation *relation, int attnum, int kind)
{
    const SnapshotStatistics *statistics = snapshot_column_statistics(relation, attnum);
    for (size_t i = 0; statistics != NULL && i < SNAPSHOT_STATISTICS_SLOTS; i++)
        if (statistics->slots[i].kind == kind)
            return &statistics->slots[i];
    return NULL;
}

const SnapshotGap *
snapshot_gap(const Snapshot *snapshot, const char *subject)
{
    for (size_t i = 0; i < snapshot->gap_count; i++)
        if (text_equals(snapshot->gaps[i].subject, subject))
            return &snapshot->gaps[i];
    return NULL;
}

const SnapshotSetting *
snapshot_setting(const Snapshot *snapshot, const char *name)
{
    for (size_t i = 0; i < snapshot->setting_count; i++)
        if (text_equals(snapshot->settings[i].name, name))
            return &snapshot->settings[i];
    return NULL;
}

/* PostgreSQL's order: role in database, role, database, all; the server's value last. */
const char *
snapshot_effective_setting(const Snapshot *snapshot, const char *name)
{
    const char *value = NULL;
    int best = 0;
    for (size_t i = 0; i < snapshot->role_setting_count; i++) {
        const SnapshotRoleSetting *setting = &snapshot->role_settings[i];
        bool for_role = setting->role != NULL && text_equals(setting->role, snapshot->application_role);
        if (!text_equals(setting->name, name) || (setting->role != NULL && !for_role))
            continue;
        int rank = 1 + (setting->database != NULL) + 2 * for_role;
        if (rank > best) {
            best = rank;
            value = setting->value;
        }
    }
    const SnapshotSetting *server = value == NULL ? snapshot_setting(snapshot, name) : NULL;
    return server == NULL ? value : server->value;
}

const char *
snapshot_rights_word(SnapshotRights rights)
{
    static const char *const words[] = {"catalog", "partial", "view", "function", "full"};
    fettle_assert((size_t)rights < FETTLE_COUNT_OF(words));
    return words[rights];
}
