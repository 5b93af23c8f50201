// SPDX-License-Identifier: PostgreSQL
/*
 * The server's API as the twin module uses it, made one for majors 13 to 18. The only file with version
 * conditions.
 *
 * Each shim takes the newest form of a call and serves the older ones. Include it after postgres.h and before
 * anything else of the module; it includes what its shims need.
 */
#ifndef FETTLE_TWIN_MODULE_COMPAT_H
#define FETTLE_TWIN_MODULE_COMPAT_H

#include "access/genam.h"
#include "access/tableam.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_statistic_ext.h"
#include "commands/defrem.h"
#include "executor/executor.h"
#include "executor/instrument.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"
#include "optimizer/planner.h"
#include "parser/parse_relation.h"
#include "statistics/statistics.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/selfuncs.h"

#if PG_VERSION_NUM < 130000 || PG_VERSION_NUM >= 190000
#error "the twin module knows the servers 13 to 18"
#endif

/* Before 16 the server's headers leave functions' visibility to the compiler, and we compile with hidden. */
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#define TWIN_SQL_FUNCTION(name)                                                                              \
    extern PGDLLEXPORT Datum name(PG_FUNCTION_ARGS);                                                         \
    PG_FUNCTION_INFO_V1(name)

#if PG_VERSION_NUM >= 160000
#include "storage/relfilelocator.h"
typedef RelFileLocator TwinFileLocator;
typedef TU_UpdateIndexes TwinUpdatedIndexes;
#define twin_set_new_file relation_set_new_filelocator
#define twin_existing_file oldNumber
#define twin_first_file_subtransaction rd_firstRelfilelocatorSubid
#else
#include "storage/relfilenode.h"
typedef RelFileNode TwinFileLocator;
typedef bool TwinUpdatedIndexes;
#define twin_set_new_file relation_set_new_filenode
#define twin_existing_file oldNode
#define twin_first_file_subtransaction rd_firstRelfilenodeSubid
#endif

/* The planner may drop one side of a self-join; since 18. */
#define TWIN_SELF_JOINS_MAY_GO (PG_VERSION_NUM >= 180000)

/* A B-tree's key without a condition is skipped: then what stands before a key that serves matters. */
#define TWIN_KEYS_ARE_SKIPPED (PG_VERSION_NUM >= 180000)

static inline double
twin_estimate_array_length(PlannerInfo *root, Node *array)
{
#if PG_VERSION_NUM >= 170000
    return estimate_array_length(root, array);
#else
    return estimate_array_length(array);
#endif
}

static inline double
twin_estimate_num_groups(PlannerInfo *root, List *expressions, double rows)
{
#if PG_VERSION_NUM >= 140000
    return estimate_num_groups(root, expressions, rows, NULL, NULL);
#else
    return estimate_num_groups(root, expressions, rows, NULL);
#endif
}

/* Expressions that a statistics object has statistics of, each alone; since 14. */
static inline List *
twin_statistics_expressions(const StatisticExtInfo *info)
{
#if PG_VERSION_NUM >= 140000
    return info->kind == STATS_EXT_EXPRESSIONS ? info->exprs : NIL;
#else
    return NIL;
#endif
}

static inline void
twin_distinct_item_set(MVNDistinctItem *item, const AttrNumber *attributes, int count)
{
#if PG_VERSION_NUM >= 140000
    item->nattributes = count;
    item->attributes = palloc(sizeof(AttrNumber) * count);
    memcpy(item->attributes, attributes, sizeof(AttrNumber) * count);
#else
    for (int i = 0; i < count; i++)
        item->attrs = bms_add_member(item->attrs, attributes[i]);
#endif
}

static inline bool
twin_index_insert(Relation index, Datum *values, bool *isnull, ItemPointer tid, Relation table,
                  struct IndexInfo *info)
{
#if PG_VERSION_NUM >= 140000
    return index_insert(index, values, isnull, tid, table, UNIQUE_CHECK_NO, false, info);
#else
    return index_insert(index, values, isnull, tid, table, UNIQUE_CHECK_NO, info);
#endif
}

static inline bool
twin_lock_is_held(const LOCKTAG *tag, LOCKMODE mode)
{
#if PG_VERSION_NUM >= 170000
    return LockHeldByMe(tag, mode, false);
#else
    return LockHeldByMe(tag, mode);
#endif
}

/* An index like CREATE INDEX makes, with its checks, but nothing built. */
static inline ObjectAddress
twin_define_index(Oid table_id, IndexStmt *statement)
{
#if PG_VERSION_NUM >= 160000
    return DefineIndex(table_id, statement, InvalidOid, InvalidOid, InvalidOid, -1, false, true, true, true,
                       false);
#else
    return DefineIndex(table_id, statement, InvalidOid, InvalidOid, InvalidOid, false, true, true, true,
                       false);
#endif
}

/* It cannot be indexed; since 18. */
static inline bool
twin_column_is_virtual(Form_pg_attribute column)
{
#if PG_VERSION_NUM >= 180000
    return column->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL;
#else
    (void)column;
    return false;
#endif
}

static inline bool
twin_may_create_in(Oid schema_id)
{
#if PG_VERSION_NUM >= 160000
    return object_aclcheck(NamespaceRelationId, schema_id, GetUserId(), ACL_CREATE) == ACLCHECK_OK;
#else
    return pg_namespace_aclcheck(schema_id, GetUserId(), ACL_CREATE) == ACLCHECK_OK;
#endif
}

/* Whom the range table entry's permissions belong to has its own list since 16. */
static inline void
twin_permission_info_add(Query *query, RangeTblEntry *entry)
{
#if PG_VERSION_NUM >= 160000
    addRTEPermissionInfo(&query->rteperminfos, entry);
#else
    (void)query;
    entry->requiredPerms = 0;
#endif
}

static inline void
twin_planner_info_complete(PlannerInfo *root)
{
    root->wt_param_id = -1;
#if PG_VERSION_NUM >= 160000
    root->join_domains = list_make1(makeNode(JoinDomain));
#endif
}

/* What a whole query level joins; outer joins count since 16. */
static inline Relids
twin_query_relids(const PlannerInfo *root)
{
#if PG_VERSION_NUM >= 160000
    return root->all_query_rels;
#else
    return root->all_baserels;
#endif
}

/* What enable_* forbids comes before the cost since 18, and is of the cost before. */
static inline void
twin_path_forbid(Path *path)
{
#if PG_VERSION_NUM >= 180000
    path->disabled_nodes = 1000;
#else
    (void)path;
#endif
}

static inline void
twin_path_allow_as(Path *path, const Path *other)
{
#if PG_VERSION_NUM >= 180000
    path->disabled_nodes = Min(path->disabled_nodes, other->disabled_nodes);
#else
    (void)path;
    (void)other;
#endif
}

/* What a Memoize keeps the rows of, since 14; NULL: it is none. */
static inline const Path *
twin_memoized_path(const Path *path)
{
#if PG_VERSION_NUM >= 140000
    return IsA(path, MemoizePath) ? ((const MemoizePath *)path)->subpath : NULL;
#else
    (void)path;
    return NULL;
#endif
}

/* Of an INSERT, UPDATE or DELETE; what reads for it is its lefttree since 14. */
static inline const List *
twin_modifying_plans(const Plan *plan)
{
#if PG_VERSION_NUM >= 140000
    (void)plan;
    return NIL;
#else
    return IsA(plan, ModifyTable) ? ((const ModifyTable *)plan)->plans : NIL;
#endif
}

/* Utility hook: the tree may have to be kept read-only since 14. */
#if PG_VERSION_NUM >= 140000
#define TWIN_UTILITY_PARAMETERS                                                                              \
    PlannedStmt *statement, const char *text, bool read_only_tree, ProcessUtilityContext context,            \
        ParamListInfo parameters, QueryEnvironment *environment, DestReceiver *destination,                  \
        QueryCompletion *completion
#define TWIN_UTILITY_ARGUMENTS                                                                               \
    statement, text, read_only_tree, context, parameters, environment, destination, completion
#else
#define TWIN_UTILITY_PARAMETERS                                                                              \
    PlannedStmt *statement, const char *text, ProcessUtilityContext context, ParamListInfo parameters,       \
        QueryEnvironment *environment, DestReceiver *destination, QueryCompletion *completion
#define TWIN_UTILITY_ARGUMENTS statement, text, context, parameters, environment, destination, completion
#endif

#endif
