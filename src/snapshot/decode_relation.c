// SPDX-License-Identifier: PostgreSQL
#include "snapshot/decode_internal.h"

#include "pg/identifier.h"

#include <math.h>
#include <stdio.h>

static SnapshotRelation *
relation_of(const Decode *decode, uint32_t id)
{
    return map_get_id(decode->snapshot->relations_by_id, id);
}

static const char *
text_or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

static double
double_or(double value, double fallback)
{
    return isnan(value) ? fallback : value;
}

static SnapshotRelation
relation_from_row(DecodeRow row)
{
    return (SnapshotRelation){.id = decode_id(row, "id"),
                              .schema = text_or_empty(decode_text(row, "schema")),
                              .name = text_or_empty(decode_text(row, "name")),
                              .owner = text_or_empty(decode_text(row, "owner")),
                              .kind = decode_char(row, "kind"),
                              .persistence = decode_char(row, "persistence"),
                              .access_method = decode_text(row, "access_method"),
                              .tablespace = decode_text(row, "tablespace"),
                              .options = decode_text(row, "options"),
                              .view_definition = decode_text(row, "view_definition"),
                              .partition_key = decode_text(row, "partition_key"),
                              .partition_bound = decode_text(row, "partition_bound"),
                              .is_partition = decode_bool(row, "is_partition"),
                              .is_populated = decode_bool(row, "is_populated"),
                              .has_row_security = decode_bool(row, "has_row_security"),
                              .is_row_security_forced = decode_bool(row, "is_row_security_forced"),
                              .replica_identity = decode_char(row, "replica_identity"),
                              .extension_id = decode_id(row, "extension_id"),
                              .size_blocks = -1,
                              .total_bytes = -1,
                              .relpages = double_or(decode_double(row, "relpages"), 0),
                              .reltuples = double_or(decode_double(row, "reltuples"), -1),
                              .relallvisible = double_or(decode_double(row, "relallvisible"), 0)};
}

static bool
decode_relation_rows(Decode *decode)
{
    DecodeRow row;
    size_t count = decode_rows(decode, "relations", &row);
    SnapshotRelation *relations = ARENA_NEW_ARRAY(decode->arena, SnapshotRelation, count);
    for (; row.row < count; row.row++) {
        relations[row.row] = relation_from_row(row);
        SnapshotRelation *relation = &relations[row.row];
        if (relation->id == 0 || relation->name[0] == '\0' || relation_of(decode, relation->id) != NULL)
            return decode_damaged(decode, row, "a relation without an id or name of its own");
        map_put_id(decode->snapshot->relations_by_id, relation->id, relation);
        map_put(decode->snapshot->relations_by_name,
                decode_name_key(decode->arena, relation->schema, relation->name), relation);
    }
    decode->snapshot->relations = relations;
    decode->snapshot->relation_count = count;
    return true;
}

static SnapshotColumn
column_from_row(DecodeRow row, int attnum)
{
    return (SnapshotColumn){.attnum = attnum,
                            .name = text_or_empty(decode_text(row, "name")),
                            .type_name = decode_text(row, "type_name"),
                            .type_id = decode_id(row, "type_id"),
                            .base_type = decode_text(row, "base_type"),
                            .collation = decode_text(row, "collation"),
                            .default_expression = decode_text(row, "default_expression"),
                            .generated = decode_char(row, "generated"),
                            .identity = decode_char(row, "identity"),
                            .storage = decode_char(row, "storage"),
                            .is_not_null = decode_bool(row, "is_not_null"),
                            .is_dropped = decode_bool(row, "is_dropped"),
                            .is_inherited_only = decode_bool(row, "is_inherited_only"),
                            .statistics_target = (int)decode_int(row, "statistics_target", -1),
                            .option_n_distinct = decode_double(row, "option_n_distinct"),
                            .option_n_distinct_inherited = decode_double(row, "option_n_distinct_inherited"),
                            .length_bytes = (int)decode_int(row, "length_bytes", -1),
                            .alignment = decode_char(row, "alignment")};
}

/* Columns come by relation and attnum without a gap: dropped ones have their rows too. */
static bool
decode_columns(Decode *decode)
{
    DecodeRow row;
    size_t count = decode_rows(decode, "columns", &row);
    SnapshotColumn *columns = ARENA_NEW_ARRAY(decode->arena, SnapshotColumn, count);
    for (; row.row < count; row.row++) {
        SnapshotRelation *relation = relation_of(decode, decode_id(row, "relation_id"));
        int64_t attnum = decode_int(row, "attnum", 0);
        if (relation == NULL)
            continue;
        if (attnum != (int64_t)relation->column_count + 1 || attnum > DECODE_ATTNUM_MOST)
            return decode_damaged(decode, row, "columns are not in order");
        if (attnum == 1)
            relation->columns = &columns[row.row];
        else if (relation->columns + relation->column_count != &columns[row.row])
            return decode_damaged(decode, row, "columns of a relation are not together");
        columns[row.row] = column_from_row(row, (int)attnum);
        if (!columns[row.row].is_dropped && columns[row.row].type_name == NULL)
            return decode_damaged(decode, row, "a column without a type");
        relation->column_count++;
    }
    return true;
}

static void
decode_parents(Decode *decode)
{
    DecodeRow row;
    size_t count = decode_rows(decode, "parents", &row);
    SnapshotParent *parents = ARENA_NEW_ARRAY(decode->arena, SnapshotParent, count);
    for (; row.row < count; row.row++) {
        uint32_t id = decode_id(row, "id");
        parents[row.row] = (SnapshotParent){.relation_id = decode_id(row, "parent_id"),
                                            .sequence = (int)decode_int(row, "sequence", 1)};
        SnapshotRelation *relation = relation_of(decode, id);
        SnapshotIndex *index = map_get_id(decode->snapshot->indexes_by_id, id);
        if (index != NULL)
            index->parent_id = parents[row.row].relation_id;
        if (relation == NULL)
            continue;
        if (relation->parents == NULL)
            relation->parents = &parents[row.row];
        if (relation->parents + relation->parent_count == &parents[row.row])
            relation->parent_count++;
        decode->snapshot->has_parts = true;
    }
}

static SnapshotIndex
index_from_row(DecodeRow row)
{
    return (SnapshotIndex){.id = decode_id(row, "id"),
                           .relation_id = decode_id(row, "relation_id"),
                           .schema = text_or_empty(decode_text(row, "schema")),
                           .name = text_or_empty(decode_text(row, "name")),
                           .method = text_or_empty(decode_text(row, "method")),
                           .definition = text_or_empty(decode_text(row, "definition")),
                           .predicate = decode_text(row, "predicate"),
                           .options = decode_text(row, "options"),
                           .is_unique = decode_bool(row, "is_unique"),
                           .is_nulls_not_distinct = decode_bool(row, "is_nulls_not_distinct"),
                           .is_primary = decode_bool(row, "is_primary"),
                           .is_exclusion = decode_bool(row, "is_exclusion"),
                           .is_valid = decode_bool(row, "is_valid"),
                           .is_ready = decode_bool(row, "is_ready"),
                           .is_replica_identity = decode_bool(row, "is_replica_identity"),
                           .is_clustered = decode_bool(row, "is_clustered"),
                           .is_partitioned = decode_bool(row, "is_partitioned"),
                           .constraint_id = decode_id(row, "constraint_id"),
                           .extension_id = decode_id(row, "extension_id"),
                           .size_blocks = -1,
                           .relpages = double_or(decode_double(row, "relpages"), 0),
                           .reltuples = double_or(decode_double(row, "reltuples"), -1),
                           .height = -1,
                           .scans = -1,
                           .tuples_read = -1};
}

static bool
decode_indexes(Decode *decode)
{
    DecodeRow row;
    size_t count = decode_rows(decode, "indexes", &row);
    SnapshotIndex *indexes = ARENA_NEW_ARRAY(decode->arena, SnapshotIndex, count);
    size_t kept = 0;
    for (; row.row < count; row.row++) {
        SnapshotIndex index = index_from_row(row);
        SnapshotRelation *relation = relation_of(decode, index.relation_id);
        if (index.id == 0 || map_get_id(decode->snapshot->indexes_by_id, index.id) != NULL)
            return decode_damaged(decode, row, "an index without an id of its own");
        if (relation == NULL)
            continue;
        indexes[kept] = index;
        map_put_id(decode->snapshot->indexes_by_id, index.id, &indexes[kept]);
        const SnapshotIndex *placed = &indexes[kept++];
        vector_push(decode->arena, &relation->indexes, placed);
    }
    decode->snapshot->indexes = indexes;
    decode->snapshot->index_count = kept;
    return true;
}

static bool
decode_index_columns(Decode *decode)
{
    DecodeRow row;
    size_t count = decode_rows(decode, "index_columns", &row);
    SnapshotIndexColumn *columns = ARENA_NEW_ARRAY(decode->arena, SnapshotIndexColumn, count);
    for (; row.row < count; row.row++) {
        SnapshotIndex *index = map_get_id(decode->snapshot->indexes_by_id, decode_id(row, "id"));
        if (index == NULL)
            continue;
        if (index->columns == NULL)
            index->columns = &columns[row.row];
        if (index->columns + index->column_count != &columns[row.row])
            return decode_damaged(decode, row, "columns of an index are not together");
        int64_t attnum = decode_int(row, "attnum", 0);
        const SnapshotRelation *relation = relation_of(decode, index->relation_id);
        if (attnum < INT16_MIN || attnum > (int64_t)relation->column_count)
            return decode_damaged(decode, row, "an index column that its table does not have");
        columns[row.row] =
            (SnapshotIndexColumn){.attnum = (int)attnum,
                                  .expression = decode_text(row, "expression"),
                                  .operator_class = decode_text(row, "operator_class"),
                                  .is_default_operator_class = decode_bool(row, "is_default_operator_class"),
                                  .collation = decode_text(row, "collation"),
                                  .is_descending = decode_bool(row, "is_descending"),
                                  .is_nulls_first = decode_bool(row, "is_nulls_first"),
                                  .is_included = decode_bool(row, "is_included")};
        index->column_count++;
    }
    return true;
}

/* Average width of an index's key, as its statistics have it: column by column, expressions by their own
 * rows. */
static double
index_key_width_bytes(const SnapshotRelation *relation, const SnapshotIndex *index)
{
    double width = 0;
    for (size_t i = 0; i < index->column_count && !index->columns[i].is_included; i++) {
        const SnapshotStatistics *statistics = snapshot_column_statistics(relation, index->columns[i].attnum);
        const SnapshotColumn *column = snapshot_column(relation, index->columns[i].attnum);
        if (statistics != NULL)
            width += statistics->average_width_bytes;
        else
            width += column != NULL && column->length_bytes > 0 ? column->length_bytes : 32;
    }
    return width;
}

/*
 * Levels of a B-tree above its leaves from its size and key width, for when the metapage cannot be read: an
 * inner page is filled to 70 % and holds per entry a line pointer of 4 bytes, a header of 8 and the key,
 * aligned to 8.
 */
static int
height_guess(const Snapshot *snapshot, const SnapshotRelation *relation, const SnapshotIndex *index)
{
    double entry_bytes = 4 + 8 * ceil((8 + index_key_width_bytes(relation, index)) / 8);
    double fanout = floor(0.7 * snapshot->block_bytes / entry_bytes);
    int height = 0;
    int64_t pages = index->size_blocks - 1;
    while (pages > 1 && height < 32) {
        pages = (int64_t)ceil((double)pages / (fanout < 2 ? 2 : fanout));
        height++;
    }
    return height;
}

/* Runs after the statistics are known. */
static void
decode_heights(Decode *decode)
{
    for (size_t i = 0; i < decode->snapshot->index_count; i++) {
        SnapshotIndex *index = map_get_id(decode->snapshot->indexes_by_id, decode->snapshot->indexes[i].id);
        if (index->height < 0 && text_equals(index->method, "btree") && index->size_blocks >= 0)
            index->height = height_guess(decode->snapshot, relation_of(decode, index->relation_id), index);
    }
}

static void
decode_sizes(Decode *decode)
{
    DecodeRow row;
    for (size_t count = decode_rows(decode, "sizes", &row); row.row < count; row.row++) {
        uint32_t id = decode_id(row, "id");
        SnapshotRelation *relation = relation_of(decode, id);
        SnapshotIndex *index = map_get_id(decode->snapshot->indexes_by_id, id);
        int64_t size_blocks = decode_int(row, "size_blocks", -1);
        if (relation != NULL) {
            relation->size_blocks = size_blocks;
            relation->total_bytes = decode_int(row, "total_bytes", -1);
        }
        if (index != NULL)
            index->size_blocks = size_blocks;
    }
    for (size_t count = decode_rows(decode, "heights", &row); row.row < count; row.row++) {
        SnapshotIndex *index = map_get_id(decode->snapshot->indexes_by_id, decode_id(row, "id"));
        int64_t height = decode_int(row, "height", -1);
        if (index != NULL && height >= 0 && height < 64)
            index->height = (int)height;
    }
    for (size_t count = decode_rows(decode, "index_ends", &row); row.row < count; row.row++) {
        SnapshotIndex *index = map_get_id(decode->snapshot->indexes_by_id, decode_id(row, "id"));
        if (index == NULL)
            continue;
        index->low_value = decode_text(row, "low_value");
        index->high_value = decode_text(row, "high_value");
    }
}

/* "{1,3}" to attnums; bad ones are left out. */
static const int *
attnums_of(Arena *arena, const char *text, size_t *ret_count)
{
    const char **values = NULL;
    size_t count = 0;
    *ret_count = 0;
    if (text == NULL || !pg_array_parse(arena, text, &values, &count))
        return NULL;
    int *attnums = ARENA_NEW_ARRAY(arena, int, count);
    for (size_t i = 0; i < count; i++) {
        int64_t attnum;
        if (text_parse_int64(values[i], &attnum) && attnum > 0 && attnum <= DECODE_ATTNUM_MOST)
            attnums[(*ret_count)++] = (int)attnum;
    }
    return attnums;
}

static void
decode_constraints(Decode *decode)
{
    DecodeRow row;
    size_t count = decode_rows(decode, "constraints", &row);
    SnapshotConstraint *constraints = ARENA_NEW_ARRAY(decode->arena, SnapshotConstraint, count);
    size_t kept = 0;
    for (; row.row < count; row.row++) {
        SnapshotRelation *relation = relation_of(decode, decode_id(row, "relation_id"));
        if (relation == NULL)
            continue;
        SnapshotConstraint *constraint = &constraints[kept++];
        *constraint = (SnapshotConstraint){.id = decode_id(row, "id"),
                                           .relation_id = relation->id,
                                           .name = text_or_empty(decode_text(row, "name")),
                                           .type = decode_char(row, "type"),
                                           .definition = text_or_empty(decode_text(row, "definition")),
                                           .index_id = decode_id(row, "index_id"),
                                           .foreign_relation_id = decode_id(row, "foreign_relation_id"),
                                           .parent_id = decode_id(row, "parent_id"),
                                           .is_validated = decode_bool(row, "is_validated"),
                                           .is_deferrable = decode_bool(row, "is_deferrable"),
                                           .is_local = decode_bool(row, "is_local"),
                                           .is_no_inherit = decode_bool(row, "is_no_inherit")};
        constraint->columns =
            attnums_of(decode->arena, decode_text(row, "columns"), &constraint->column_count);
        constraint->foreign_columns =
            attnums_of(decode->arena, decode_text(row, "foreign_columns"), &constraint->foreign_column_count);
        const SnapshotConstraint *placed = constraint;
        vector_push(decode->arena, &relation->constraints, placed);
    }
    decode->snapshot->constraints = constraints;
    decode->snapshot->constraint_count = kept;
}

static const char *
slot_text(DecodeRow row, const char *part, int slot)
{
    char column[32];
    snprintf(column, sizeof(column), "%s%d", part, slot);
    return decode_text(row, column);
}

static void
decode_statistics(Decode *decode)
{
    DecodeRow row;
    size_t count = decode_rows(decode, "statistics", &row);
    SnapshotStatistics *statistics = ARENA_NEW_ARRAY(decode->arena, SnapshotStatistics, count);
    for (; row.row < count; row.row++) {
        SnapshotStatistics *one = &statistics[row.row];
        *one = (SnapshotStatistics){.relation_id = decode_id(row, "relation_id"),
                                    .attnum = (int)decode_int(row, "attnum", 0),
                                    .column_name = text_or_empty(decode_text(row, "column_name")),
                                    .is_inherited = decode_bool(row, "is_inherited"),
                                    .null_fraction = double_or(decode_double(row, "null_fraction"), 0),
                                    .average_width_bytes =
                                        double_or(decode_double(row, "average_width_bytes"), 0),
                                    .n_distinct = double_or(decode_double(row, "n_distinct"), 0)};
        for (int slot = 0; slot < SNAPSHOT_STATISTICS_SLOTS; slot++) {
            int64_t kind;
            if (!text_parse_int64(slot_text(row, "kind", slot + 1), &kind) || kind < 0 || kind > 32767)
                continue;
            one->slots[slot] = (SnapshotStatisticsSlot){.kind = (int)kind,
                                                        .operator_name = slot_text(row, "operator", slot + 1),
                                                        .collation = slot_text(row, "collation", slot + 1),
                                                        .numbers = slot_text(row, "numbers", slot + 1),
                                                        .values = slot_text(row, "values", slot + 1)};
        }
        SnapshotRelation *relation = relation_of(decode, one->relation_id);
        const SnapshotStatistics *placed = one;
        if (relation != NULL)
            vector_push(decode->arena, &relation->statistics, placed);
    }
    decode->snapshot->statistics = statistics;
    decode->snapshot->statistics_count = count;
}

static void
extended_take_data(const Decode *decode, SnapshotExtendedStatistics *statistics)
{
    DecodeRow row;
    for (size_t count = decode_rows(decode, "extended_data", &row); row.row < count; row.row++) {
        if (decode_id(row, "id") != statistics->id)
            continue;
        /* A partitioned table has only the tree's; where both are, its own are taken. */
        if (statistics->ndistinct != NULL || statistics->dependencies != NULL || statistics->mcv_json != NULL)
            continue;
        statistics->is_inherited = decode_bool(row, "is_inherited");
        statistics->expressions_json = decode_text(row, "expressions_json");
        statistics->ndistinct = decode_text(row, "ndistinct");
        statistics->dependencies = decode_text(row, "dependencies");
        statistics->mcv_json = decode_text(row, "mcv_json");
    }
}

static void
decode_extended(Decode *decode)
{
    DecodeRow row;
    size_t count = decode_rows(decode, "extended_statistics", &row);
    SnapshotExtendedStatistics *list = ARENA_NEW_ARRAY(decode->arena, SnapshotExtendedStatistics, count);
    size_t kept = 0;
    for (; row.row < count; row.row++) {
        SnapshotRelation *relation = relation_of(decode, decode_id(row, "relation_id"));
        const char *definition = decode_text(row, "definition");
        if (relation == NULL || definition == NULL)
            continue;
        SnapshotExtendedStatistics *one = &list[kept++];
        *one =
            (SnapshotExtendedStatistics){.id = decode_id(row, "id"),
                                         .relation_id = relation->id,
                                         .schema = text_or_empty(decode_text(row, "schema")),
                                         .name = text_or_empty(decode_text(row, "name")),
                                         .definition = definition,
                                         .statistics_target = (int)decode_int(row, "statistics_target", -1)};
        const char **keys = NULL;
        size_t key_count = 0;
        if (pg_array_parse(decode->arena, decode_text(row, "keys"), &keys, &key_count))
            for (size_t i = 0; i < key_count; i++)
                vector_push(decode->arena, &one->keys, text_or_empty(keys[i]));
        extended_take_data(decode, one);
        const SnapshotExtendedStatistics *placed = one;
        vector_push(decode->arena, &relation->extended_statistics, placed);
    }
    decode->snapshot->extended_statistics = list;
    decode->snapshot->extended_statistics_count = kept;
}

static void
decode_policies(Decode *decode)
{
    DecodeRow row;
    for (size_t count = decode_rows(decode, "policies", &row); row.row < count; row.row++) {
        SnapshotRelation *relation = relation_of(decode, decode_id(row, "relation_id"));
        if (relation == NULL)
            continue;
        SnapshotPolicy *policy = ARENA_NEW(decode->arena, SnapshotPolicy);
        *policy = (SnapshotPolicy){.name = text_or_empty(decode_text(row, "name")),
                                   .is_permissive = decode_bool(row, "is_permissive"),
                                   .command = decode_char(row, "command"),
                                   .using_expression = decode_text(row, "using_expression"),
                                   .check_expression = decode_text(row, "check_expression")};
        const char **roles = NULL;
        size_t role_count = 0;
        if (pg_array_parse(decode->arena, decode_text(row, "roles"), &roles, &role_count))
            for (size_t i = 0; i < role_count; i++)
                vector_push(decode->arena, &policy->roles, text_or_empty(roles[i]));
        const SnapshotPolicy *placed = policy;
        vector_push(decode->arena, &relation->policies, placed);
    }
}

static void
decode_activity(Decode *decode)
{
    DecodeRow row;
    for (size_t count = decode_rows(decode, "activity", &row); row.row < count; row.row++) {
        SnapshotRelation *relation = relation_of(decode, decode_id(row, "relation_id"));
        if (relation == NULL)
            continue;
        relation->activity =
            (SnapshotActivity){.is_known = true,
                               .sequential_scans = decode_int(row, "sequential_scans", 0),
                               .sequential_tuples = decode_int(row, "sequential_tuples", 0),
                               .index_scans = decode_int(row, "index_scans", 0),
                               .tuples_inserted = decode_int(row, "tuples_inserted", 0),
                               .tuples_updated = decode_int(row, "tuples_updated", 0),
                               .tuples_hot_updated = decode_int(row, "tuples_hot_updated", 0),
                               .tuples_deleted = decode_int(row, "tuples_deleted", 0),
                               .live_tuples = decode_int(row, "live_tuples", 0),
                               .dead_tuples = decode_int(row, "dead_tuples", 0),
                               .modified_since_analyze = decode_int(row, "modified_since_analyze", 0),
                               .last_vacuum = decode_text(row, "last_vacuum"),
                               .last_analyze = decode_text(row, "last_analyze")};
    }
    for (size_t count = decode_rows(decode, "index_activity", &row); row.row < count; row.row++) {
        SnapshotIndex *index = map_get_id(decode->snapshot->indexes_by_id, decode_id(row, "id"));
        if (index == NULL)
            continue;
        index->scans = decode_int(row, "scans", -1);
        index->tuples_read = decode_int(row, "tuples_read", -1);
        index->last_scan = decode_text(row, "last_scan");
        index->is_being_built = decode_bool(row, "is_being_built");
    }
}

bool
decode_relations(Decode *decode)
{
    if (!decode_relation_rows(decode) || !decode_columns(decode) || !decode_indexes(decode) ||
        !decode_index_columns(decode))
        return false;
    decode_parents(decode);
    decode_sizes(decode);
    decode_constraints(decode);
    decode_statistics(decode);
    decode_heights(decode);
    decode_extended(decode);
    decode_policies(decode);
    decode_activity(decode);
    return true;
}
