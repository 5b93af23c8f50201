// SPDX-License-Identifier: PostgreSQL
/*
 * Inside of the twin module: what its files share. See README.md for what the module is and its storage
 * contract.
 *
 * Invariants:
 * 1. A twin table's main fork has no blocks, and SELECT never returns a row.
 * 2. Sizes are false only while the planner plans (twin_planner_is_active()): whoever else asks for a size,
 * such as an index build, gets the real one, zero.
 * 3. A table of another access method, and an index of one, are planned as by a server without the module.
 * 4. Nothing here trusts a value: texts, numbers and definitions come from a foreign database.
 *
 * Backends are single-threaded; the few static variables below belong to the backend.
 */
#ifndef FETTLE_TWIN_MODULE_H
#define FETTLE_TWIN_MODULE_H

#include "postgres.h"

#include "compat.h"

#include "nodes/pg_list.h"
#include "utils/rel.h"

/* table_am.c */
const TableAmRoutine *twin_table_routine(void);
static inline bool
twin_relation_is_twin(Relation relation)
{
    return relation->rd_tableam != NULL && relation->rd_tableam == twin_table_routine();
}

/* planner.c */
void twin_planner_install(void);
bool twin_planner_is_active(void);
/* Planning, and not what a function plans that planning runs. */
bool twin_planner_is_outermost(void);
/* Makes size questions be answered by the contract; nests. Pair with leave, also on error. */
void twin_planner_enter(void);
void twin_planner_leave(void);

/* guard.c */
void twin_guard_install(void);
bool twin_relation_id_is_twin(Oid relation_id); /* by the catalog only */

/* hide.c */
void twin_hide_install(void);
bool twin_index_is_hidden(Oid index_id);
bool twin_index_name_is_hidden(const char *name);

/* least_cost.c: around each outermost planning; the copy is of the query before it was planned, NULL when
 * none is needed.
 */
void twin_least_cost_install(void);
struct Query *twin_least_cost_prepare(struct Query *query);
void twin_least_cost_take(struct Query *copy, const char *text, int options,
                          struct ParamListInfoData *parameters, double cost);

/* partial_paths.c: between keep and leave, the outermost planning keeps partial paths with more workers
 * beside cheaper ones. Of the topmost relation of each query level, in the order in which their joins are
 * made, it tells of how many numbers of workers it has paths, and has the chosen of these (0: the cheapest).
 * TWIN_PARTIAL_IDEAL: one that no query has, with the most workers at the least cost.
 * A table's paths that are dearer than the cost are not kept where they are run as a whole.
 */
struct PlannerInfo;
struct RelOptInfo;
#define TWIN_PARTIAL_IDEAL (-1)
void twin_partial_paths_install(void);
void twin_partial_paths_keep(double cost, const int *chosen_groups, int *ret_group_counts, int count_most);
int twin_partial_paths_leave(
    void); /* query levels, of which the most that was given are told; below 0: wider paths were lost */
bool twin_partial_paths_are_kept(void);
/* Of a table, once the planner has made its paths; narrowed: the cheapest has not the most workers. */
void twin_partial_paths_of_table(struct PlannerInfo *root, struct RelOptInfo *rel, bool is_narrowed);
/* Partitions are joined each with its own, of which nothing is kept. */
bool twin_partial_join_is_by_parts(const struct RelOptInfo *join);
/* The most that a partial path can have: by the table's pages, or an index's that answers alone. */
int twin_partial_workers_most(struct RelOptInfo *rel);

/* outdone.c */
void twin_outdone_install(void);
void twin_outdone_begin(void); /* of a query's planning */
/* Of the relation's indexes those that can matter to the query stay, when it is asked to. */
void twin_outdone_leave_out(struct PlannerInfo *root, struct RelOptInfo *rel);

/* hypothetical.c: an index that no catalog knows is a Relation of few fields, of which only
 * RelationGetRelid() names it to others. */
struct IndexOptInfo;
struct IndexStmt;
struct ExplainStmt;
void twin_hypothetical_install(void);
/* Tells the planner of the index, if it is asked to and can; false: another way is to be gone. */
bool twin_hypothetical_index(const struct IndexStmt *statement);
/* Around each EXPLAIN, and each planning: only of the query of one that runs nothing does the planner hear of
 * them. What is returned is for the end of it, also on error. */
const char *twin_hypothetical_enter(const struct ExplainStmt *statement, const char *text);
void twin_hypothetical_leave(const char *before);
bool twin_hypothetical_show(const char *text);
void twin_hypothetical_show_again(bool was_seen);
bool twin_hypothetical_any(void);           /* that the planner is to hear of now */
List *twin_hypothetical_of(Relation table); /* these, as Relations; the list is the caller's */
struct IndexOptInfo *twin_hypothetical_info(struct RelOptInfo *rel, Relation table, Relation index);
const char *twin_index_name(Oid index_id); /* of any index; NULL: there is none */

/* suppose.c */
void twin_suppose_install(void);
/* What an index on it would be, a plain one, may be known without its file. */
bool twin_table_can_go_without_file(Relation table);
Oid twin_default_class(Oid type); /* of B-trees; InvalidOid: the type has none */
/* Makes the index without a file, if it is asked to and can; false: the server's way is to be gone. */
bool twin_suppose_index(struct IndexStmt *statement, const char *text);
void twin_suppose_unlock(const struct IndexStmt *statement); /* after any other CREATE INDEX */
void twin_suppose_check_truncate(void);
bool twin_index_is_supposed(Relation index);
bool twin_index_is_supposed_here(Relation index); /* the same, by a transaction that has supposed some */

/* pg_class columns that carry sizes; see README.md. */
static inline bool
twin_size_is_known(Relation relation)
{
    return relation->rd_rel->relrewrite != InvalidOid;
}
static inline BlockNumber
twin_size_blocks(Relation relation)
{
    return (BlockNumber)(relation->rd_rel->relrewrite - 1);
}

/* estimate.c: what an index that was never seen elsewhere would be like. */
typedef struct TwinIndexEstimate {
    double pages;  /* whole file, metapage included, at least 1 */
    double tuples; /* table rows that it holds */
    int height;    /* of a B-tree, root level, 0: the root is a leaf; else -1 */
    /* of GIN's metapage */
    double gin_entry_pages;
    double gin_data_pages;
    double gin_entries;
} TwinIndexEstimate;

void twin_index_estimate(Relation table, Relation index, TwinIndexEstimate *ret_estimate);
void twin_index_estimate_by_id(Oid index_id, TwinIndexEstimate *ret_estimate); /* remembered, too */

/* estimate_cache.c: the same, from memory while nothing has changed. */
void twin_estimate_cache_install(void);
void twin_index_estimate_remember(Relation table, Relation index, TwinIndexEstimate *ret_estimate);
/* Another number once the catalog may have changed: what was derived from it is to be derived anew. */
uint64 twin_catalog_generation(void);
/* Around the making of an index on the table that tells nothing of others, up to its
 * CommandCounterIncrement(); InvalidOid: it was not made. */
void twin_estimates_hold(Oid table_id);
void twin_estimates_release(Oid index_id);
/* expression_statistics.c: expressions of supposed indexes have statistics, as after ANALYZE. */
void twin_expression_statistics_install(void);
/* True while the estimator itself asks the planner's functions: the hook then must not start another. */
bool twin_estimate_is_running(void);

#endif
