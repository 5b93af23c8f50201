// SPDX-License-Identifier: PostgreSQL
/*
 * PgPlan: the plan tree of EXPLAIN (FORMAT JSON), with or without ANALYZE and VERBOSE.
 *
 * The text is hostile: depth, node count and size are bounded, unknown fields are ignored, a missing or
 * wrongly typed field gives an absent figure (NAN, NULL), never a made-up one. Nodes live in the arena.
 */
#ifndef FETTLE_PG_PLAN_H
#define FETTLE_PG_PLAN_H

#include "base/error.h"
#include "base/list.h"
#include "base/text.h"

#define PG_PLAN_DEPTH_MOST 200
#define PG_PLAN_NODES_MOST 20000
#define PG_PLAN_TEXT_BYTES_MOST (16 * 1024 * 1024)

typedef struct PgPlanNode PgPlanNode;

VECTOR_DEFINE(PgPlanNodeList, PgPlanNode *);

struct PgPlanNode {
    const char *node_type; /* "Seq Scan" */
    const char
        *parent_relationship; /* "Outer", "Inner", "InitPlan", "SubPlan", "Member", "Subquery" or NULL */
    const char *join_type;
    const char *strategy; /* "Hashed", "Sorted", "Plain", "Mixed" or NULL */
    const char *partial_mode;
    const char *operation; /* "Insert", "Update" ... of ModifyTable */
    const char *command;   /* "Intersect", "Except All" ... of SetOp */
    const char *schema;    /* with VERBOSE only */
    const char *relation;
    const char *alias;
    const char *index;
    const char *index_condition;
    const char *filter;
    const char *join_filter;
    const char *hash_condition;
    const char *merge_condition;
    const char *recheck_condition;
    const char *scan_direction;
    const char *subplan_name;
    const char *cte_name;
    TextList sort_keys;
    TextList presorted_keys;
    TextList group_keys;
    TextList output;
    bool is_parallel_aware;
    double workers_planned; /* NAN when absent, as all figures below */
    double startup_cost;
    double total_cost;
    double plan_rows;
    double plan_width;
    double actual_startup_ms;
    double actual_total_ms;
    double actual_rows;
    double actual_loops;
    double rows_removed_by_filter;
    double shared_hit_blocks;
    double shared_read_blocks;
    double temp_read_blocks;
    double temp_written_blocks;
    PgPlanNodeList children;
};

typedef struct PgPlan {
    PgPlanNode *root;
    size_t node_count;
    double planning_ms;  /* NAN when absent */
    double execution_ms; /* NAN when absent */
    const char *text;    /* the JSON it was read from; NULL unless its reader kept it */
} PgPlan;

/* text: what EXPLAIN (FORMAT JSON) gives: an array of one object with "Plan". */
bool pg_plan_parse(Arena *arena, const char *text, size_t length, PgPlan **ret_plan, Error *error)
    FETTLE_MUST_USE;

/* A hash of the plan's shape: node types, relations, indexes, join types and their nesting; costs and rows
 * are left out. */
uint64_t pg_plan_shape_hash(const PgPlan *plan);

/* Same shape and every cost, row count and width equal. */
bool pg_plan_is_identical(const PgPlan *a, const PgPlan *b);

/* One line a node, as people know it from EXPLAIN: "Index Scan using i on t  (cost=0.29..8.31 rows=1)" with
 * conditions below, indented. show_costs as named. */
char *pg_plan_format(Arena *arena, const PgPlan *plan, bool show_costs);

/* Puts another name where the plan uses an index of the first. */
void pg_plan_rename_index(PgPlan *plan, const char *from, const char *to);

/* Calls visit for every node, parents first. */
typedef void (*PgPlanVisitor)(const PgPlanNode *node, const PgPlanNode *parent, void *context);
void pg_plan_walk(const PgPlan *plan, PgPlanVisitor visit, void *context);

/* The costliest node that names the relation (without its schema); NULL: none does. */
const PgPlanNode *pg_plan_scan_of(const PgPlan *plan, const char *relation);

/* How many times one process's share the rows of all are below a Gather, as the planner reckons: the leader
 * helps less the more workers it has. */
double pg_plan_shares_of(const PgPlanNode *gather);

/* The rows of a node of the plan that all processes have together: a parallel scan's own are one process's
 * share. NAN when absent. */
double pg_plan_rows_of_all(const PgPlan *plan, const PgPlanNode *node);

#endif
