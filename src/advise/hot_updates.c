// SPDX-License-Identifier: PostgreSQL
#include "advise/hot_updates.h"

#include <math.h>
#include <string.h>

/* An expression or predicate is only a text here: any column named in it counts. */
static bool
index_reads_column(const SnapshotIndex *index, const SnapshotColumn *column)
{
    for (size_t i = 0; i < index->column_count; i++) {
        const char *expression = index->columns[i].expression;
        if (index->columns[i].attnum == column->attnum ||
            (expression != NULL && strstr(expression, column->name) != NULL))
            return true;
    }
    return index->predicate != NULL && strstr(index->predicate, column->name) != NULL;
}

/* An update that sets a column of some index is not HOT as it is. */
static bool
use_writes_indexed(const Snapshot *snapshot, const SqlRelationUse *use, const SnapshotRelation *relation)
{
    for (size_t i = 0; i < use->written_column_count; i++) {
        const SnapshotColumn *column = snapshot_column(relation, use->written_columns[i]);
        for (size_t k = 0; column != NULL && k < relation->indexes.count; k++) {
            const SnapshotIndex *index = relation->indexes.items[k];
            bool is_transparent =
                text_equals(index->method, "brin") && snapshot->server_major >= HOT_BRIN_MAJOR;
            if (!is_transparent && index_reads_column(index, column))
                return true;
        }
    }
    return false;
}

double
hot_updates_share(const Snapshot *snapshot, const SqlRelationUse *use, const SnapshotRelation *relation,
                  double unknown)
{
    const SnapshotActivity *activity = &relation->activity;
    if (use_writes_indexed(snapshot, use, relation))
        return 0;
    if (!activity->is_known || activity->tuples_updated <= 0)
        return unknown;
    return fmin((double)activity->tuples_hot_updated / (double)activity->tuples_updated, 1);
}
