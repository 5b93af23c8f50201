// SPDX-License-Identifier: PostgreSQL
/*
 * What the planner reads in an index's file itself: the least and greatest key of a B-tree, and GIN's counts.
 *
 * index_ends_set() inserts two index tuples that point to rows (0,1) and (0,2), which do not exist. The
 * planner's get_actual_variable_range() finds them as in the target's index (table_am.c lets it); every other
 * scan finds nothing. Keys after the first are NULL: nobody reads them. The order is the index's own, so
 * DESC, collation and operator class need no care. Values, and the comparison functions of foreign types, run
 * as the table's owner, as REINDEX would run them.
 */
#include "untrusted.h"

#include "access/gin.h"
#include "access/nbtree.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "catalog/storage.h"
#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"

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

static void
end_insert(Relation table, Relation index, char *value, OffsetNumber row)
{
    Datum values[INDEX_MAX_KEYS] = {0};
    bool nulls[INDEX_MAX_KEYS];
    Oid type, input, parameter;
    int32 modifier;
    ItemPointerData tid;
    memset(nulls, true, sizeof(nulls));
    first_key_type(table, index, &type, &modifier);
    getTypeInputInfo(type, &input, &parameter);
    values[0] = OidInputFunctionCall(input, value, parameter, modifier);
    nulls[0] = false;
    ItemPointerSet(&tid, 0, row);
    twin_index_insert(index, values, nulls, &tid, table, BuildIndexInfo(index));
}

TWIN_SQL_FUNCTION(fettle_twin_index_ends_set);
Datum
fettle_twin_index_ends_set(PG_FUNCTION_ARGS)
{
    char *low, *high;
    Relation table, index;
    TwinUntrusted run;
    volatile bool is_set = false;
    if (PG_ARGISNULL(0))
        PG_RETURN_NULL();
    low = PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));
    high = PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2));
    twin_index_open(PG_GETARG_OID(0), &table, &index);
    if (index->rd_rel->relam != BTREE_AM_OID || !index->rd_index->indisready) {
        twin_index_close(table, index);
        PG_RETURN_BOOL(false);
    }
    if (RelationGetNumberOfBlocks(index) != 1)
        index_empty(table, index);
    twin_untrusted_begin(&run, table->rd_rel->relowner);
    PG_TRY();
    {
        if (low != NULL)
            end_insert(table, index, low, 1);
        if (high != NULL)
            end_insert(table, index, high, 2);
        is_set = true;
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
    PG_RETURN_BOOL(is_set);
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
