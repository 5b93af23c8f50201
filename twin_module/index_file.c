// SPDX-License-Identifier: PostgreSQL
/*
 * What the planner reads in an index's file itself: the least and greatest key of a B-tree, and GIN's counts.
 *
 * index_ends_set() inserts two index tuples that point to rows (0,1) and (0,2), which do not exist. The
 * planner's get_actual_variable_range() finds them as in the target's index (table_am.c lets it); every other
 * scan finds nothing. Keys after the first are NULL: nobody reads them. The order is the index's own, so
 * DESC, collation and operator class need no care.
 * index_ends_from_statistics() takes the least and greatest value that the copied statistics name, which are
 * the index's own ends where ANALYZE has seen every row and none has changed since. Values, and the
 * comparison functions of foreign types, run as the table's owner, as REINDEX would run them.
 */
#include "untrusted.h"

#include "access/gin.h"
#include "access/nbtree.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "catalog/pg_statistic.h"
#include "catalog/storage.h"
#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* Opens the index of a twin table and its table, locked so that the file may change. */
static void
twin_index_open(Oid index_id, Relation *ret_table, Relation *ret_index)
{
    if (get_rel_relkind(index_id) != RELKIND_INDEX)
        ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                        errmsg("relation with OID %u is not an index", index_id)));
    *ret_table = table_open(IndexGetRelation(index_id, false), AccessShareLock);
    if (!twin_relation_is_twin(*ret_table))
        ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                        errmsg("\"%s\" is not a planner twin", RelationGetRelationName(*ret_table))));
    *ret_index = index_open(index_id, AccessExclusiveLock);
    if (twin_index_is_supposed(*ret_index))
        ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("index \"%s\" is supposed and has no file",
                                                                   RelationGetRelationName(*ret_index))));
}

static void
twin_index_close(Relation table, Relation index)
{
    index_close(index, NoLock); /* locked until the transaction ends: its file changed */
    table_close(table, NoLock);
}

/* Back to what CREATE INDEX left. Not by REINDEX: that would reset the sizes in pg_class. */
static void
index_empty(Relation table, Relation index)
{
    IndexInfo *info = BuildDummyIndexInfo(index);
    RelationTruncate(index, 0);
    index->rd_indam->ambuild(table, index, info);
    if (index->rd_amcache != NULL)
        pfree(index->rd_amcache);
    index->rd_amcache = NULL;
    CacheInvalidateRelcache(index); /* other sessions remember the old root */
}

static void
first_key_type(Relation table, Relation index, Oid *ret_type, int32 *ret_modifier)
{
    AttrNumber number = index->rd_index->indkey.values[0];
    if (number > 0) {
        Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(table), number - 1);
        *ret_type = attribute->atttypid;
        *ret_modifier = attribute->atttypmod;
    } else {
        Node *expression = linitial(RelationGetIndexExpressions(index));
        *ret_type = exprType(expression);
        *ret_modifier = exprTypmod(expression);
    }
}

/* Least and greatest first key; a flag is false where it is not known. */
typedef struct TwinEnds {
    Datum values[2];
    bool is_known[2];
} TwinEnds;

static void
end_form(Datum value, int which, Datum *ret_values, bool *ret_nulls, ItemPointer ret_row)
{
    memset(ret_nulls, true, INDEX_MAX_KEYS * sizeof(bool));
    ret_values[0] = value;
    ret_nulls[0] = false;
    ItemPointerSet(ret_row, 0, which + 1);
}

/* Whether the root page, which is the only one, holds this very tuple. */
static bool
page_has_end(Relation index, Page page, Datum value, int which)
{
    Datum values[INDEX_MAX_KEYS] = {0};
    bool nulls[INDEX_MAX_KEYS];
    ItemPointerData row;
    IndexTuple wanted;
    OffsetNumber at;
    end_form(value, which, values, nulls, &row);
    wanted = index_form_tuple(RelationGetDescr(index), values, nulls);
    wanted->t_tid = row;
    for (at = FirstOffsetNumber; at <= PageGetMaxOffsetNumber(page); at = OffsetNumberNext(at)) {
        IndexTuple found = (IndexTuple)PageGetItem(page, PageGetItemId(page, at));
        if (IndexTupleSize(found) == IndexTupleSize(wanted) &&
            memcmp(found, wanted, IndexTupleSize(wanted)) == 0)
            return true;
    }
    return false;
}

/* Emptying an index costs a flush of its file: a refresh that brings the same ends leaves it alone. */
static bool
ends_are_written(Relation index, const TwinEnds *ends)
{
    bool is_same;
    Buffer buffer;
    Page page;
    if (RelationGetNumberOfBlocks(index) != 2)
        return false;
    buffer = ReadBuffer(index, 1);
    LockBuffer(buffer, BUFFER_LOCK_SHARE);
    page = BufferGetPage(buffer);
    is_same = (int)PageGetMaxOffsetNumber(page) == ends->is_known[0] + ends->is_known[1] &&
              (!ends->is_known[0] || page_has_end(index, page, ends->values[0], 0)) &&
              (!ends->is_known[1] || page_has_end(index, page, ends->values[1], 1));
    UnlockReleaseBuffer(buffer);
    return is_same;
}

static void
ends_write(Relation table, Relation index, const TwinEnds *ends)
{
    int which;
    if (ends_are_written(index, ends))
        return;
    if (RelationGetNumberOfBlocks(index) != 1)
        index_empty(table, index);
    for (which = 0; which < 2; which++) {
        Datum values[INDEX_MAX_KEYS] = {0};
        bool nulls[INDEX_MAX_KEYS];
        ItemPointerData row;
        if (!ends->is_known[which])
            continue;
        end_form(ends->values[which], which, values, nulls, &row);
        twin_index_insert(index, values, nulls, &row, table, BuildIndexInfo(index));
    }
}

static Datum
end_read(Relation table, Relation index, char *value)
{
    Oid type, input, parameter;
    int32 modifier;
    first_key_type(table, index, &type, &modifier);
    getTypeInputInfo(type, &input, &parameter);
    return OidInputFunctionCall(input, value, parameter, modifier);
}

/* Makes room for the values that a slot of statistics names, in the index's own order. */
static void
ends_widen(Relation index, const AttStatsSlot *slot, TwinEnds *ends)
{
    FmgrInfo *compare = index_getprocinfo(index, 1, BTORDER_PROC);
    Oid collation = index->rd_indcollation[0];
    int i, which;
    for (i = 0; i < slot->nvalues; i++) {
        for (which = 0; which < 2; which++) {
            int sign = which == 0 ? -1 : 1;
            if (!ends->is_known[which] ||
                sign * DatumGetInt32(
                           FunctionCall2Coll(compare, collation, slot->values[i], ends->values[which])) >
                    0)
                ends->values[which] = slot->values[i];
            ends->is_known[which] = true;
        }
    }
}

/* Writes the ends that the statistics of the first key know; false: they know none. */
static bool
ends_write_from_statistics(Relation table, Relation index)
{
    AttrNumber number = index->rd_index->indkey.values[0];
    HeapTuple row =
        SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(RelationGetRelid(number > 0 ? table : index)),
                        Int16GetDatum(number > 0 ? number : 1), BoolGetDatum(false));
    TwinEnds ends = {0};
    AttStatsSlot common, histogram;
    Oid type;
    int32 modifier;
    if (!HeapTupleIsValid(row))
        return false;
    first_key_type(table, index, &type, &modifier);
    if (get_attstatsslot(&common, row, STATISTIC_KIND_MCV, InvalidOid, ATTSTATSSLOT_VALUES) &&
        common.valuetype == type)
        ends_widen(index, &common, &ends);
    if (get_attstatsslot(&histogram, row, STATISTIC_KIND_HISTOGRAM, InvalidOid, ATTSTATSSLOT_VALUES) &&
        histogram.valuetype == type)
        ends_widen(index, &histogram, &ends);
    if (ends.is_known[0])
        ends_write(table, index, &ends);
    free_attstatsslot(&common);
    free_attstatsslot(&histogram);
    ReleaseSysCache(row);
    return ends.is_known[0];
}

/* From texts, NULL where unknown; or, without texts, from statistics. False: there are none that could be
 * written. */
static bool
ends_set(Oid index_id, char *const *texts)
{
    Relation table, index;
    TwinUntrusted run;
    volatile bool is_set = false;
    twin_index_open(index_id, &table, &index);
    if (index->rd_rel->relam != BTREE_AM_OID || !index->rd_index->indisready) {
        twin_index_close(table, index);
        return false;
    }
    twin_untrusted_begin(&run, table->rd_rel->relowner);
    PG_TRY();
    {
        if (texts == NULL) {
            is_set = ends_write_from_statistics(table, index);
        } else {
            TwinEnds ends = {0};
            int which;
            for (which = 0; which < 2; which++) {
                ends.is_known[which] = texts[which] != NULL;
                if (ends.is_known[which])
                    ends.values[which] = end_read(table, index, texts[which]);
            }
            ends_write(table, index, &ends);
            is_set = true;
        }
        twin_untrusted_end(&run);
    }
    PG_CATCH();
    {
        is_set = false;
        twin_untrusted_fail(&run, "an index's ends");
    }
    PG_END_TRY();
    if (!is_set && RelationGetNumberOfBlocks(index) != 1)
        index_empty(table, index); /* half an answer would be a wrong one */
    twin_index_close(table, index);
    return is_set;
}

TWIN_SQL_FUNCTION(fettle_twin_index_ends_set);
Datum
fettle_twin_index_ends_set(PG_FUNCTION_ARGS)
{
    char *texts[2];
    if (PG_ARGISNULL(0))
        PG_RETURN_NULL();
    texts[0] = PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));
    texts[1] = PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2));
    PG_RETURN_BOOL(ends_set(PG_GETARG_OID(0), texts));
}

TWIN_SQL_FUNCTION(fettle_twin_index_ends_from_statistics);
Datum
fettle_twin_index_ends_from_statistics(PG_FUNCTION_ARGS)
{
    PG_RETURN_BOOL(ends_set(PG_GETARG_OID(0), NULL));
}

static BlockNumber
page_count_argument(int64 value, const char *name)
{
    if (value < 0 || value > MaxBlockNumber)
        ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
                        errmsg("%s must be between 0 and %u", name, MaxBlockNumber)));
    return (BlockNumber)value;
}

TWIN_SQL_FUNCTION(fettle_twin_gin_counts_set);
Datum
fettle_twin_gin_counts_set(PG_FUNCTION_ARGS)
{
    GinStatsData counts;
    Relation table, index;
    bool is_gin;
    memset(&counts, 0, sizeof(counts));
    counts.nTotalPages = page_count_argument(PG_GETARG_INT64(1), "total_pages");
    counts.nEntryPages = page_count_argument(PG_GETARG_INT64(2), "entry_pages");
    counts.nDataPages = page_count_argument(PG_GETARG_INT64(3), "data_pages");
    counts.nEntries = PG_GETARG_INT64(4);
    if (counts.nEntries < 0)
        ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("entries must not be negative")));
    twin_index_open(PG_GETARG_OID(0), &table, &index);
    is_gin = index->rd_rel->relam == GIN_AM_OID;
    if (is_gin)
        ginUpdateStats(index, &counts, true);
    twin_index_close(table, index);
    PG_RETURN_BOOL(is_gin);
}
