// SPDX-License-Identifier: PostgreSQL
/*
 * Table access method "twin": heap without rows, whose size the planner reads from pg_class.
 *
 * It is a copy of the server's heap routine, of which the callbacks below are replaced, so that everything
 * else is heap's of this very server. The planner's sizes are heap's own formula on a false file length:
 *
 *     planner -> relation_estimate_size (ours) -> heap's formula -> relation_size (ours) ->
 * pg_class.relrewrite - 1
 *
 * Index entries that index_ends_set() made point to rows that do not exist. Only the planner's look at an
 * index's ends (get_actual_variable_range(), known by its non-vacuumable snapshot) is told that they live.
 */
#include "twin_module.h"

#include "access/multixact.h"

#include "access/heapam.h"
#include "access/transam.h"
#include "utils/snapmgr.h"

static TableAmRoutine twin_routine;
static const TableAmRoutine *heap_routine;
static bool is_answering_size;

static uint64
twin_relation_size(Relation relation, ForkNumber fork)
{
    if (is_answering_size && fork == MAIN_FORKNUM && twin_size_is_known(relation))
        return (uint64)twin_size_blocks(relation) * BLCKSZ;
    return heap_routine->relation_size(relation, fork);
}

static void
twin_relation_estimate_size(Relation relation, int32 *widths, BlockNumber *ret_pages, double *ret_tuples,
                            double *ret_visible_share)
{
    bool before = is_answering_size;
    is_answering_size = twin_planner_is_active();
    PG_TRY();
    {
        heap_routine->relation_estimate_size(relation, widths, ret_pages, ret_tuples, ret_visible_share);
    }
    PG_FINALLY();
    {
        is_answering_size = before;
    }
    PG_END_TRY();
}

/*
 * No rows to index. -1 rows says "not counted", so that CREATE INDEX, which updates the table's pg_class row
 * in place and beyond any rollback, leaves reltuples, relpages and relallvisible alone.
 */
static double
twin_index_build_range_scan(Relation table, Relation index, struct IndexInfo *info, bool allow_sync,
                            bool any_visible, bool progress, BlockNumber first, BlockNumber count,
                            IndexBuildCallback callback, void *callback_state, TableScanDesc scan)
{
    if (scan != NULL)
        table_endscan(scan); /* as heap's does: a parallel build hands its scan over */
    return -1;
}

static void
twin_index_validate_scan(Relation table, Relation index, struct IndexInfo *info, Snapshot snapshot,
                         struct ValidateIndexState *state)
{
}

static bool
twin_index_fetch_tuple(struct IndexFetchTableData *scan, ItemPointer tid, Snapshot snapshot,
                       TupleTableSlot *slot, bool *call_again, bool *all_dead)
{
    *call_again = false;
    if (all_dead != NULL)
        *all_dead = false;
    return snapshot->snapshot_type == SNAPSHOT_NON_VACUUMABLE;
}

static bool
twin_tuple_fetch_row_version(Relation relation, ItemPointer tid, Snapshot snapshot, TupleTableSlot *slot)
{
    return false;
}

#if PG_VERSION_NUM >= 140000
static TransactionId
twin_index_delete_tuples(Relation relation, TM_IndexDeleteOp *state)
{
    state->ndeltids = 0;
    return InvalidTransactionId;
}
#endif

static bool
twin_needs_toast_table(Relation relation)
{
    return false;
}

/* Sampling an empty file would write zero rows over the sizes, in place: ANALYZE is refused before it starts.
 */
static TableScanDesc
twin_scan_begin(Relation relation, Snapshot snapshot, int key_count, struct ScanKeyData *keys,
                ParallelTableScanDesc parallel, uint32 flags)
{
    if (flags & SO_TYPE_ANALYZE)
        ereport(ERROR,
                (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                 errmsg("cannot analyze \"%s\": it is a planner twin", RelationGetRelationName(relation)),
                 errdetail("A planner twin's statistics are copied from its target.")));
    return heap_routine->scan_begin(relation, snapshot, key_count, keys, parallel, flags);
}

static _Noreturn void
row_is_refused(Relation relation)
{
    ereport(ERROR,
            (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
             errmsg("cannot change rows of \"%s\": it is a planner twin", RelationGetRelationName(relation)),
             errdetail("A planner twin has the sizes and statistics of its target, and stores no rows.")));
    pg_unreachable();
}

/* A materialized view is filled by its query; its rows are let fall, and it counts as populated. */
static void
refuse_unless_dropped(Relation relation)
{
    if (relation->rd_rel->relkind != RELKIND_MATVIEW)
        row_is_refused(relation);
}

static void
twin_tuple_insert(Relation relation, TupleTableSlot *slot, CommandId command, int options,
                  struct BulkInsertStateData *bulk)
{
    refuse_unless_dropped(relation);
}

static void
twin_tuple_insert_speculative(Relation relation, TupleTableSlot *slot, CommandId command, int options,
                              struct BulkInsertStateData *bulk, uint32 token)
{
    row_is_refused(relation);
}

static void
twin_tuple_complete_speculative(Relation relation, TupleTableSlot *slot, uint32 token, bool succeeded)
{
    row_is_refused(relation);
}

static void
twin_multi_insert(Relation relation, TupleTableSlot **slots, int count, CommandId command, int options,
                  struct BulkInsertStateData *bulk)
{
    refuse_unless_dropped(relation);
}

static TM_Result
twin_tuple_delete(Relation relation, ItemPointer tid, CommandId command, Snapshot snapshot,
                  Snapshot crosscheck, bool wait, TM_FailureData *failure, bool changing_partition)
{
    row_is_refused(relation);
}

static TM_Result
twin_tuple_update(Relation relation, ItemPointer tid, TupleTableSlot *slot, CommandId command,
                  Snapshot snapshot, Snapshot crosscheck, bool wait, TM_FailureData *failure,
                  LockTupleMode *lock_mode, TwinUpdatedIndexes *updated)
{
    row_is_refused(relation);
}

/*
 * A new file: of a new table, or in place of an old one by TRUNCATE, which resets pg_class. No horizon is
 * kept for rows that cannot be, so neither autovacuum nor the database's age minds twin tables.
 */
static void
twin_new_file(Relation relation, const TwinFileLocator *file, char persistence, TransactionId *ret_freeze,
              MultiXactId *ret_minimum)
{
    if (relation->rd_createSubid == InvalidSubTransactionId)
        ereport(ERROR,
                (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                 errmsg("cannot truncate \"%s\": it is a planner twin", RelationGetRelationName(relation))));
    heap_routine->twin_set_new_file(relation, file, persistence, ret_freeze, ret_minimum);
    *ret_freeze = InvalidTransactionId;
    *ret_minimum = InvalidMultiXactId;
}

static void
twin_vacuum(Relation relation, struct VacuumParams *parameters, BufferAccessStrategy strategy)
{
}

static void
twin_copy_for_cluster(Relation old_table, Relation new_table, Relation old_index, bool use_sort,
                      TransactionId oldest, TransactionId *cutoff, MultiXactId *multi_cutoff,
                      double *tuple_count, double *vacuumed, double *recently_dead)
{
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("cannot rewrite \"%s\": it is a planner twin", RelationGetRelationName(old_table)),
                    errhint("VACUUM FULL and CLUSTER would destroy the sizes of a planner twin.")));
}

const TableAmRoutine *
twin_table_routine(void)
{
    if (heap_routine != NULL)
        return &twin_routine;
    twin_routine = *GetHeapamTableAmRoutine();
    twin_routine.relation_size = twin_relation_size;
    twin_routine.relation_estimate_size = twin_relation_estimate_size;
    twin_routine.index_build_range_scan = twin_index_build_range_scan;
    twin_routine.index_validate_scan = twin_index_validate_scan;
    twin_routine.index_fetch_tuple = twin_index_fetch_tuple;
    twin_routine.tuple_fetch_row_version = twin_tuple_fetch_row_version;
#if PG_VERSION_NUM >= 140000
    twin_routine.index_delete_tuples = twin_index_delete_tuples;
#endif
    twin_routine.relation_needs_toast_table = twin_needs_toast_table;
    twin_routine.scan_begin = twin_scan_begin;
    twin_routine.tuple_insert = twin_tuple_insert;
    twin_routine.tuple_insert_speculative = twin_tuple_insert_speculative;
    twin_routine.tuple_complete_speculative = twin_tuple_complete_speculative;
    twin_routine.multi_insert = twin_multi_insert;
    twin_routine.tuple_delete = twin_tuple_delete;
    twin_routine.tuple_update = twin_tuple_update;
    twin_routine.twin_set_new_file = twin_new_file;
    twin_routine.relation_vacuum = twin_vacuum;
    twin_routine.relation_copy_for_cluster = twin_copy_for_cluster;
    heap_routine = GetHeapamTableAmRoutine();
    return &twin_routine;
}

TWIN_SQL_FUNCTION(fettle_twin_handler);
Datum
fettle_twin_handler(PG_FUNCTION_ARGS)
{
    PG_RETURN_POINTER(twin_table_routine());
}
