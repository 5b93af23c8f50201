// SPDX-License-Identifier: PostgreSQL
/*
 * Issues: what is wrong in a workload, by the contract's eleven types and thresholds (section 11).
 *
 *   missing_index           a sequential scan reads more than 1000 rows (high: 10,000), its filter keeps a
 *                           tenth of them at most (or the join gives out so many), and no index leads with a
 *                           column that the filter names (or that it is joined by)
 *   full_table_scan         as many rows, where an index would not help, is there and not used, or cannot be
 *                           told
 *   inefficient_index       a scan of an index reads more than 1000 rows each time (high: 10,000), and its
 *                           filter throws nine of ten of them away
 *   poor_join_strategy      a nested loop yields more than 10,000 rows (high: 100,000)
 *   wrong_cardinality       the planner's row count is off by .2 of the greater one or more (high: .5): of
 *                           scans that were measured, else of the rows that a statement returns on average,
 *                           where the plan for any parameters can be compared with them
 *   suboptimal_pattern      a statement has more than 5 joins
 *   orm_generated           more than 20 statements are alike but for their output and the length of lists
 *   high_io_workload        less than .9 of a statement's blocks are found in shared buffers (high: .5)
 *   inefficient_reporting   a statement that aggregates takes more than 1000 ms a call (high: 10,000)
 *   stale_statistics        the statistics of a table that statements use are older than 30 days, or there
 *                           are none
 *   config_tuning           work_mem or shared_buffers is too small for what the statements do
 *
 * An issue that was high is critical when its figure is a hundred times what high asks for and the statements
 * behind it take a quarter of the time; one is low where the figure says little: statistics of a table that
 * has not changed, or none of one that is too small for autovacuum to analyse (50 rows).
 *
 * One object (a table, an index, a statement) has one issue of a type: the statements behind it are counted,
 * the costliest named, and so with its tables. What the data cannot tell is not guessed: a statement without
 * a plan has no issue that only a plan tells, a table whose rows or statistics nobody counted none of its
 * own; how many there are is told beside. Statements on system catalogs are left out.
 *
 * issues_find() is pure; issue_input_read() (below) gathers from the store what a study has not.
 */
#ifndef FETTLE_WORKLOAD_ISSUE_H
#define FETTLE_WORKLOAD_ISSUE_H

#include "store/observation.h"
#include "store/statement.h"
#include "workload/class.h"
#include "workload/plan_facts.h"

#define ISSUES_MOST ((size_t)200)    /* the gravest */
#define ISSUE_STATEMENTS_MOST 5      /* named of each */
#define ISSUE_TABLES_MOST 20         /* as well */
#define ISSUE_SCAN_ROWS 1000.0       /* more is medium ... */
#define ISSUE_SCAN_ROWS_HIGH 10000.0 /* ... and high */
#define ISSUE_NESTED_ROWS 10000.0
#define ISSUE_NESTED_ROWS_HIGH 100000.0
#define ISSUE_SIMILAR_STATEMENTS 20.0
#define ISSUE_JOINS 5.0
#define ISSUE_HIT_RATIO 0.9
#define ISSUE_HIT_RATIO_HIGH 0.5
#define ISSUE_CARDINALITY_ERROR 0.2
#define ISSUE_CARDINALITY_ERROR_HIGH 0.5
#define ISSUE_STATISTICS_DAYS 30.0
#define ISSUE_REPORT_MS 1000.0
#define ISSUE_REPORT_MS_HIGH 10000.0
#define ISSUE_TEMP_SHARE 0.01 /* of all blocks: temporary ones */

typedef enum IssueType {
    ISSUE_MISSING_INDEX,
    ISSUE_INEFFICIENT_INDEX,
    ISSUE_POOR_JOIN_STRATEGY,
    ISSUE_FULL_TABLE_SCAN,
    ISSUE_SUBOPTIMAL_PATTERN,
    ISSUE_STALE_STATISTICS,
    ISSUE_WRONG_CARDINALITY,
    ISSUE_ORM_GENERATED,
    ISSUE_HIGH_IO_WORKLOAD,
    ISSUE_INEFFICIENT_REPORTING,
    ISSUE_CONFIG_TUNING,
    ISSUE_TYPES
} IssueType;

typedef enum IssueSeverity { ISSUE_LOW, ISSUE_MEDIUM, ISSUE_HIGH, ISSUE_CRITICAL } IssueSeverity;

const char *issue_type_word(IssueType type);
const char *issue_severity_word(IssueSeverity severity);

typedef struct Issue {
    IssueType type;
    IssueSeverity severity;
    const char *database_name;                /* NULL: the target as a whole */
    TextList tables;                          /* "public.orders": ISSUE_TABLES_MOST at most */
    size_t table_count;                       /* with those that are not named */
    size_t statements[ISSUE_STATEMENTS_MOST]; /* places of templates, the costliest first */
    size_t statement_named;                   /* of them here */
    size_t statement_count;
    double time_share;  /* of the time of all statements; 0: no statement is behind it */
    const char *figure; /* what was measured: "rows read by a sequential scan" */
    double value;       /* NAN: never, of statistics that there are none of */
    double threshold;
    const char *description;
    const char *action;
} Issue;

VECTOR_DEFINE(IssueList, Issue);

/* A table as it was last seen, by the collector's round, else by the schema that is kept. */
typedef struct IssueTable {
    const char *database_name;
    const char *schema;
    const char *name;
    double row_count;                 /* NAN: not known */
    int64_t analyzed_at_us;           /* 0: never, or not known */
    bool was_never_analyzed;          /* known to be so */
    double changed_rows;              /* since then, when the schema was read; NAN: not known */
    const SnapshotRelation *relation; /* NULL: no schema is kept */
    const SnapshotRelation *root;     /* of a partition: the topmost table; else relation */
} IssueTable;

VECTOR_DEFINE(IssueTables, IssueTable *);

typedef struct IssueIndex {
    double rows_per_scan; /* NAN: never scanned */
} IssueIndex;

typedef struct IssueCatalog {
    Arena *arena;
    Map *tables;         /* IssueTable *, by database, schema and name */
    Map *tables_by_name; /* IssueTables *, by database and name: plans tell no schema */
    Map *indexes;        /* IssueIndex *, by database and name; of names that stand for two: NAN */
    double size_bytes;   /* of all relations of the rounds; NAN: no round */
    bool is_cut;         /* smaller relations were left out of the rounds */
} IssueCatalog;

IssueCatalog issue_catalog_new(Arena *arena);
/* What a round saw, and what a schema says; of a table that both know, the round's figures stay. Pure. */
void issue_catalog_add_round(IssueCatalog *catalog, const char *database_name, const RelationRound *round);
void issue_catalog_add_snapshot(IssueCatalog *catalog, const FactCatalog *schema);

typedef struct IssueInput {
    const WorkloadTemplates *templates;
    const StatementFacts *facts; /* of each template */
    const PlanBook *plans;
    const IssueCatalog *catalog;
    double work_mem_bytes;       /* NAN: not known */
    double shared_buffers_bytes; /* NAN: not known */
    double block_bytes;          /* NAN: not known */
    int64_t now_us;
} IssueInput;

typedef struct Issues {
    Issue *items; /* the gravest first */
    size_t count;
    size_t found_count;     /* with those above ISSUES_MOST */
    size_t statement_count; /* that were looked at */
    size_t without_plan;    /* statements that could have one */
    size_t without_text;    /* unknown, or it does not parse */
    size_t without_schema;  /* statements of databases of which no schema is kept */
    size_t tables_unknown;  /* that statements use and of whose statistics' age nothing is known */
    bool has_all_relations; /* none was left out because there are so many */
} Issues;

void issues_find(Arena *arena, const IssueInput *input, Issues *ret_issues);

typedef struct IssueSource {
    int64_t target_id;
    const FactCatalog *schemas;
    size_t schema_count;
} IssueSource;

/* Fills the input's catalog, which is *ret_catalog, and the settings from the store; the rest is the
 * caller's, the templates before. Of the databases that have statements the 50,000 greatest relations are
 * read. */
bool issue_input_read(PgConnection *session, Arena *arena, const IssueSource *source,
                      IssueCatalog *ret_catalog, IssueInput *input, Error *error) FETTLE_MUST_USE;

#endif
