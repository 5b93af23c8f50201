// SPDX-License-Identifier: PostgreSQL
/*
 * What must not be done to a planner twin, and could not be refused by its table access method.
 *
 * UPDATE, DELETE and MERGE would find no rows and seem to work; they are refused when executed (EXPLAIN
 * without ANALYZE is what a twin is for, and passes). ANALYZE of a partitioned parent or of the whole
 * database, and REFRESH of a materialized view, would write zero rows over sizes.
 */
#include "twin_module.h"

#include "parser/parsetree.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/defrem.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

static ExecutorStart_hook_type previous_executor_start;
static ProcessUtility_hook_type previous_utility;

/* By catalog only, without opening: the relation may be locked by nobody yet. */
bool
twin_relation_id_is_twin(Oid relation_id)
{
    bool is_twin = false;
    HeapTuple class_row = SearchSysCache1(RELOID, ObjectIdGetDatum(relation_id));
    HeapTuple method_row;
    if (!HeapTupleIsValid(class_row))
        return false;
    method_row = SearchSysCache1(AMOID, ObjectIdGetDatum(((Form_pg_class)GETSTRUCT(class_row))->relam));
    if (HeapTupleIsValid(method_row)) {
        is_twin = strcmp(NameStr(((Form_pg_am)GETSTRUCT(method_row))->amname), "twin") == 0;
        ReleaseSysCache(method_row);
    }
    ReleaseSysCache(class_row);
    return is_twin;
}

static bool
any_descendant_is_twin(Oid relation_id)
{
    ListCell *cell;
    foreach (cell, find_all_inheritors(relation_id, AccessShareLock, NULL)) {
        if (twin_relation_id_is_twin(lfirst_oid(cell)))
            return true;
    }
    return false;
}

static void
twin_executor_start(QueryDesc *query, int flags)
{
    CmdType command = query->operation;
    bool changes = command != CMD_SELECT && command != CMD_INSERT && command != CMD_UTILITY;
    if (changes && !(flags & EXEC_FLAG_EXPLAIN_ONLY)) {
        ListCell *cell;
        foreach (cell, query->plannedstmt->resultRelations) {
            RangeTblEntry *entry = rt_fetch(lfirst_int(cell), query->plannedstmt->rtable);
            if (twin_relation_id_is_twin(entry->relid))
                ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                                errmsg("cannot change rows of \"%s\": it is a planner twin",
                                       get_rel_name(entry->relid)),
                                errhint("Use EXPLAIN without ANALYZE.")));
        }
    }
    if (previous_executor_start != NULL)
        previous_executor_start(query, flags);
    else
        standard_ExecutorStart(query, flags);
}

static bool
vacuum_analyzes(const VacuumStmt *statement)
{
    ListCell *cell;
    if (!statement->is_vacuumcmd)
        return true;
    foreach (cell, statement->options) {
        DefElem *option = lfirst_node(DefElem, cell);
        if (strcmp(option->defname, "analyze") == 0)
            return defGetBoolean(option);
    }
    return false;
}

static void
vacuum_check(const VacuumStmt *statement)
{
    ListCell *cell;
    if (!vacuum_analyzes(statement))
        return;
    if (statement->rels == NIL && OidIsValid(get_am_oid("twin", true)))
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("cannot analyze a whole database of planner twins"),
                        errhint("Name the relations to analyze.")));
    foreach (cell, statement->rels) {
        VacuumRelation *target = lfirst_node(VacuumRelation, cell);
        Oid relation_id =
            target->relation != NULL ? RangeVarGetRelid(target->relation, NoLock, true) : target->oid;
        if (OidIsValid(relation_id) && get_rel_relkind(relation_id) == RELKIND_PARTITIONED_TABLE &&
            any_descendant_is_twin(relation_id))
            ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                            errmsg("cannot analyze \"%s\": its partitions are planner twins",
                                   get_rel_name(relation_id)),
                            errdetail("A planner twin's statistics are copied from its target.")));
    }
}

static void
refresh_check(const RefreshMatViewStmt *statement)
{
    Oid relation_id = RangeVarGetRelid(statement->relation, NoLock, true);
    if (OidIsValid(relation_id) && twin_relation_id_is_twin(relation_id))
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("cannot refresh \"%s\": it is a planner twin", get_rel_name(relation_id))));
}

static void
utility_run(TWIN_UTILITY_PARAMETERS)
{
    if (previous_utility != NULL)
        previous_utility(TWIN_UTILITY_ARGUMENTS);
    else
        standard_ProcessUtility(TWIN_UTILITY_ARGUMENTS);
}

/* What is explained may have a plan that cannot be run. */
static void
explain_run(TWIN_UTILITY_PARAMETERS)
{
    const char *before = twin_hypothetical_enter(castNode(ExplainStmt, statement->utilityStmt), text);
    PG_TRY();
    {
        utility_run(TWIN_UTILITY_ARGUMENTS);
    }
    PG_FINALLY();
    {
        twin_hypothetical_leave(before);
    }
    PG_END_TRY();
}

static void
twin_utility(TWIN_UTILITY_PARAMETERS)
{
    if (IsA(statement->utilityStmt, ExplainStmt)) {
        explain_run(TWIN_UTILITY_ARGUMENTS);
        return;
    }
    if (IsA(statement->utilityStmt, IndexStmt) &&
        (twin_hypothetical_index(castNode(IndexStmt, statement->utilityStmt)) ||
         twin_suppose_index(castNode(IndexStmt, statement->utilityStmt), text)))
        return;
    if (IsA(statement->utilityStmt, TruncateStmt))
        twin_suppose_check_truncate();
    if (IsA(statement->utilityStmt, VacuumStmt))
        vacuum_check(castNode(VacuumStmt, statement->utilityStmt));
    else if (IsA(statement->utilityStmt, RefreshMatViewStmt))
        refresh_check(castNode(RefreshMatViewStmt, statement->utilityStmt));
    utility_run(TWIN_UTILITY_ARGUMENTS);
    if (IsA(statement->utilityStmt, IndexStmt))
        twin_suppose_unlock(castNode(IndexStmt, statement->utilityStmt));
}

void
twin_guard_install(void)
{
    previous_executor_start = ExecutorStart_hook;
    ExecutorStart_hook = twin_executor_start;
    previous_utility = ProcessUtility_hook;
    ProcessUtility_hook = twin_utility;
}
