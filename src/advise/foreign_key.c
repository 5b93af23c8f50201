// SPDX-License-Identifier: PostgreSQL
#include "advise/foreign_key.h"

#include "base/text.h"
#include "pg/identifier.h"

#include <string.h>

static bool
columns_have(const int *columns, size_t count, int attnum)
{
    for (size_t i = 0; i < count; i++)
        if (columns[i] == attnum)
            return true;
    return false;
}

static bool
index_begins_with(const SnapshotIndex *index, const SnapshotConstraint *constraint)
{
    if (!index->is_valid || index->predicate != NULL || !text_equals(index->method, "btree") ||
        index->column_count < constraint->column_count)
        return false;
    for (size_t i = 0; i < constraint->column_count; i++)
        if (index->columns[i].is_included ||
            !columns_have(constraint->columns, constraint->column_count, index->columns[i].attnum))
            return false;
    return true;
}

bool
foreign_key_lacks_index(const Snapshot *snapshot, const SnapshotConstraint *constraint)
{
    const SnapshotRelation *relation = snapshot_relation(snapshot, constraint->relation_id);
    if (constraint->type != 'f' || constraint->parent_id != 0 || constraint->column_count == 0 ||
        relation == NULL)
        return false;
    for (size_t i = 0; i < relation->indexes.count; i++)
        if (index_begins_with(relation->indexes.items[i], constraint))
            return false;
    return true;
}

bool
foreign_key_is_checked_by(const SnapshotConstraint *constraint, const SqlAnalysis *analysis)
{
    bool is_delete = analysis->kind == SQL_KIND_DELETE;
    for (size_t i = 0; (is_delete || analysis->kind == SQL_KIND_UPDATE) && i < analysis->use_count; i++) {
        const SqlRelationUse *use = &analysis->uses[i];
        if (!use->is_write_target || use->relation_id != constraint->foreign_relation_id)
            continue;
        if (is_delete)
            return true;
        for (size_t k = 0; k < use->written_column_count; k++)
            if (columns_have(constraint->foreign_columns, constraint->foreign_column_count,
                             use->written_columns[k]))
                return true;
    }
    return false;
}

const char *
foreign_key_lookup(Arena *arena, const Snapshot *snapshot, const SnapshotConstraint *constraint)
{
    const SnapshotRelation *relation = snapshot_relation(snapshot, constraint->relation_id);
    Text text = text_new(arena);
    text_append_format(&text, "SELECT 1 FROM %s%s x WHERE ", relation->kind == 'p' ? "" : "ONLY ",
                       pg_identifier_qualify(arena, relation->schema, relation->name));
    for (size_t i = 0; i < constraint->column_count; i++) {
        const SnapshotColumn *column = snapshot_column(relation, constraint->columns[i]);
        if (column == NULL)
            return NULL;
        text_append_format(&text, "%s$%zu = %s", i == 0 ? "" : " AND ", i + 1,
                           pg_identifier_quote(arena, column->name));
    }
    text_append(&text, " FOR KEY SHARE OF x");
    return text.data;
}

bool
foreign_key_lookups_are_counted(const Snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->statement_count; i++)
        if (text_ends_with(snapshot->statements[i].text, " FOR KEY SHARE OF x"))
            return true;
    return false;
}
