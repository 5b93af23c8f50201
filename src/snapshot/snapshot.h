// SPDX-License-Identifier: PostgreSQL
/*
 * Snapshot: what advice needs to know of one database, at one time, as an immutable value.
 *
 * It has two layers. Sections are plain tables of texts, exactly as they were read (snapshot/section.h): they
 * are what the file holds, what is redacted, compared and hashed. Over them stands this typed view, made by
 * snapshot_decode(), the only way to get one, whether the sections came from a live target, a file or the
 * store. So a snapshot read from a file equals the one that was written, and everything above works on
 * snapshots alone.
 *
 * Everything lives in one arena, points into it and never changes. Lists are ordered: relations, indexes,
 * constraints by OID (the planner breaks ties in that order), columns by attnum, statements by total time,
 * the longest first. Figures that could not be read are NAN or -1 as said at each field; `gaps` says what
 * could not be read and why. All texts come from a foreign database: valid UTF-8, bounded in length,
 * otherwise hostile.
 */
#ifndef FETTLE_SNAPSHOT_SNAPSHOT_H
#define FETTLE_SNAPSHOT_SNAPSHOT_H

#include "base/error.h"
#include "base/list.h"
#include "base/map.h"

typedef struct SnapshotSections SnapshotSections; /* snapshot/section.h */

/* How much of the statistics the reading role could see; each level includes the one before. */
typedef enum SnapshotRights {
    SNAPSHOT_RIGHTS_CATALOG,  /* sizes and schema only: no column statistics */
    SNAPSHOT_RIGHTS_PARTIAL,  /* column statistics of some relations */
    SNAPSHOT_RIGHTS_VIEW,     /* all column statistics through pg_stats */
    SNAPSHOT_RIGHTS_FUNCTION, /* through the offered SECURITY DEFINER function */
    SNAPSHOT_RIGHTS_FULL,     /* pg_statistic itself, extended statistics, index heights and ends */
} SnapshotRights;

typedef struct SnapshotSetting {
    const char *name;
    const char *value; /* as current_setting() would print without unit: pg_settings.setting */
    const char *unit;  /* or NULL */
    const char *type;  /* "bool", "integer", "real", "string", "enum" */
    const char *category;
    const char *source;
    const char *boot_value;
    bool is_pending_restart;
} SnapshotSetting;

typedef struct SnapshotRoleSetting {
    const char *role;     /* NULL: all roles */
    const char *database; /* NULL: all databases */
    const char *name;
    const char *value;
} SnapshotRoleSetting;

typedef struct SnapshotSchema {
    uint32_t id;
    const char *name;
    const char *owner;
} SnapshotSchema;

typedef struct SnapshotExtension {
    uint32_t id;
    const char *name;
    const char *version;
    const char *schema;
} SnapshotExtension;

/* Types, functions, operators, collations ... that are needed to re-create the schema: ready DDL. */
typedef enum SnapshotObjectKind {
    SNAPSHOT_OBJECT_ENUM,
    SNAPSHOT_OBJECT_DOMAIN,
    SNAPSHOT_OBJECT_COMPOSITE,
    SNAPSHOT_OBJECT_RANGE,
    SNAPSHOT_OBJECT_COLLATION,
    SNAPSHOT_OBJECT_SEQUENCE,
    SNAPSHOT_OBJECT_FUNCTION, /* functions and procedures; language in `detail` */
    SNAPSHOT_OBJECT_AGGREGATE,
    SNAPSHOT_OBJECT_OPERATOR,
    SNAPSHOT_OBJECT_CAST,
    SNAPSHOT_OBJECT_TEXT_SEARCH_CONFIGURATION,
} SnapshotObjectKind;

typedef struct SnapshotObject {
    uint32_t id;
    SnapshotObjectKind kind;
    const char *schema;
    const char *name;
    const char *detail;     /* function: language; otherwise NULL */
    char volatility;        /* function: 'i', 's', 'v'; otherwise 0 */
    const char *definition; /* a CREATE statement with every name qualified */
} SnapshotObject;

typedef struct SnapshotColumn {
    int attnum;
    const char *name;
    const char *type_name; /* format_type(type, typmod), schema-qualified when not in pg_catalog */
    uint32_t type_id;      /* on the target; stable for built-in types only */
    const char
        *base_type; /* format_type of the type under domains, without modifier: "text", "integer", "jsonb" */
    const char *collation;          /* qualified and quoted, or NULL for the type's default */
    const char *default_expression; /* or the generation expression; NULL */
    char generated;                 /* 's' stored, 'v' virtual, 0 */
    char identity;                  /* 'a', 'd', 0 */
    char storage;                   /* 'p' 'e' 'm' 'x', 0 when it is the type's own */
    bool is_not_null;
    bool is_dropped; /* a gap in attnums: type is unknown, name is PostgreSQL's "........pg.dropped.N........"
                      */
    bool is_inherited_only;             /* comes from a parent: attislocal is false */
    int statistics_target;              /* -1: default */
    double option_n_distinct;           /* ALTER COLUMN SET (n_distinct=); NAN when none */
    double option_n_distinct_inherited; /* NAN when none */
    int length_bytes;                   /* of the dropped or live column: attlen */
    char alignment;                     /* attalign */
} SnapshotColumn;

/* One row of pg_statistic for a table or an index's expression column. */
#define SNAPSHOT_STATISTICS_SLOTS 5
typedef struct SnapshotStatisticsSlot {
    int kind; /* STATISTIC_KIND_*; 0: empty */
    const char
        *operator_name;    /* regoperator text: "pg_catalog.=(integer,integer)"; NULL: derive from the type */
    const char *collation; /* qualified name; NULL: none or derive */
    const char *numbers;   /* text of float4[]; NULL */
    const char *values;    /* text of the anyarray; NULL */
    const char *values_type; /* element type of values, qualified; NULL: derive */
} SnapshotStatisticsSlot;

typedef struct SnapshotStatistics {
    uint32_t relation_id;
    int attnum;
    const char *column_name;
    bool is_inherited; /* of the whole inheritance tree */
    double null_fraction;
    double average_width_bytes;
    double n_distinct; /* as in pg_statistic: < 0 is a share of the rows */
    SnapshotStatisticsSlot slots[SNAPSHOT_STATISTICS_SLOTS];
} SnapshotStatistics;

typedef struct SnapshotExtendedStatistics {
    uint32_t id;
    uint32_t relation_id;
    const char *schema;
    const char *name;
    const char *definition; /* CREATE STATISTICS ... */
    int statistics_target;  /* -1: default */
    TextList keys;          /* column names; "(n)" for expression number n */
    bool is_inherited;
    const char *ndistinct; /* text forms; NULL when not built or not readable */
    const char *dependencies;
    const char *mcv_json;         /* [{"values":[...],"nulls":[...],"frequency":f,"base_frequency":b}] */
    const char *expressions_json; /* one object per expression, fields as pg_statistic's */
} SnapshotExtendedStatistics;

typedef struct SnapshotConstraint {
    uint32_t id;
    uint32_t relation_id;
    const char *name;
    char type;                    /* 'p' 'u' 'x' 'f' 'c' 'n' (not null, 18) 't' trigger */
    const char *definition;       /* pg_get_constraintdef() */
    uint32_t index_id;            /* 0 */
    uint32_t foreign_relation_id; /* 0 */
    uint32_t parent_id;           /* of a partition's; 0 */
    const int *columns;           /* conkey */
    size_t column_count;
    const int *foreign_columns; /* confkey */
    size_t foreign_column_count;
    bool is_validated;
    bool is_deferrable;
    bool is_local; /* not only inherited */
    bool is_no_inherit;
} SnapshotConstraint;

typedef struct SnapshotIndexColumn {
    int attnum;                 /* 0: an expression */
    const char *expression;     /* NULL for a plain column */
    const char *operator_class; /* qualified; NULL for INCLUDE columns */
    bool is_default_operator_class;
    const char *collation; /* qualified; NULL when none */
    bool is_descending;
    bool is_nulls_first;
    bool is_included; /* an INCLUDE column */
} SnapshotIndexColumn;

typedef struct SnapshotIndex {
    uint32_t id;
    uint32_t relation_id;
    uint32_t parent_id; /* partitioned index it is attached to; 0 */
    const char *schema;
    const char *name;
    const char *method;     /* "btree", "gin" ... */
    const char *definition; /* pg_get_indexdef() */
    const char *predicate;  /* NULL */
    const char *options;    /* reloptions text: "fillfactor=70, ..." or NULL */
    const SnapshotIndexColumn *columns;
    size_t column_count;
    bool is_unique;
    bool is_nulls_not_distinct;
    bool is_primary;
    bool is_exclusion;
    bool is_valid;
    bool is_ready;
    bool is_replica_identity;
    bool is_clustered;
    bool is_partitioned;    /* relkind 'I' */
    uint32_t constraint_id; /* that it backs; 0 */
    uint32_t extension_id;  /* that owns it; 0 */
    int64_t size_blocks;    /* current file size; -1 unknown */
    double relpages;
    double reltuples;
    int height;            /* B-tree levels below the root page as tree_height counts; -1 unknown */
    const char *low_value; /* live end points of the first key; NULL unknown */
    const char *high_value;
    int64_t scans; /* idx_scan; -1 unknown */
    int64_t tuples_read;
    const char *last_scan; /* 16+; NULL unknown */
    bool is_being_built; /* or another one of its table, as the snapshot was taken; false also where the role
                            may not see it */
} SnapshotIndex;

typedef struct SnapshotActivity {
    bool is_known;
    int64_t sequential_scans;
    int64_t sequential_tuples;
    int64_t index_scans;
    int64_t tuples_inserted;
    int64_t tuples_updated;
    int64_t tuples_hot_updated;
    int64_t tuples_deleted;
    int64_t live_tuples;
    int64_t dead_tuples;
    int64_t modified_since_analyze;
    const char *last_vacuum; /* manual or automatic, the later; timestamptz text or NULL */
    const char *last_analyze;
} SnapshotActivity;

typedef struct SnapshotPolicy {
    const char *name;
    bool is_permissive;
    char command; /* 'r' 'a' 'w' 'd' '*' */
    TextList roles;
    const char *using_expression;
    const char *check_expression;
} SnapshotPolicy;

VECTOR_DEFINE(SnapshotStatisticsList, const SnapshotStatistics *);
VECTOR_DEFINE(SnapshotIndexList, const struct SnapshotIndex *);
VECTOR_DEFINE(SnapshotConstraintList, const SnapshotConstraint *);
VECTOR_DEFINE(SnapshotExtendedStatisticsList, const SnapshotExtendedStatistics *);
VECTOR_DEFINE(SnapshotPolicyList, const SnapshotPolicy *);

typedef struct SnapshotParent {
    uint32_t relation_id;
    int sequence; /* pg_inherits.inhseqno */
} SnapshotParent;

typedef struct SnapshotRelation {
    uint32_t id;
    const char *schema;
    const char *name;
    const char *owner;
    char kind; /* 'r' table 'p' partitioned 'v' view 'm' materialised view 'f' foreign 't' toast 'S' sequence
                */
    char persistence;            /* 'p' 'u' 't' */
    const char *access_method;   /* "heap", or NULL */
    const char *tablespace;      /* NULL: the database's */
    const char *options;         /* reloptions, comma-separated, or NULL */
    const char *view_definition; /* of views and materialised views */
    const char *partition_key;   /* pg_get_partkeydef(): "RANGE (created_at)" */
    const char *partition_bound; /* "FOR VALUES FROM ..." or "DEFAULT" */
    bool is_partition;
    bool is_populated;
    bool has_row_security;
    bool is_row_security_forced;
    char replica_identity;
    uint32_t extension_id; /* that owns it; 0 */
    int64_t size_blocks;   /* current main fork; -1 unknown */
    double relpages;
    double reltuples; /* -1: never analysed (14+), 0 may mean the same before */
    double relallvisible;
    int64_t total_bytes; /* with indexes and TOAST, without maps of free space; -1 unknown */
    const SnapshotParent *parents;
    size_t parent_count;
    const SnapshotColumn *columns; /* attnum 1 .. column_count, dropped ones included: columns[attnum - 1] */
    size_t column_count;
    SnapshotIndexList indexes;
    SnapshotConstraintList constraints;
    SnapshotStatisticsList statistics; /* of its own columns */
    SnapshotExtendedStatisticsList extended_statistics;
    SnapshotPolicyList policies;
    SnapshotActivity activity;
} SnapshotRelation;

typedef struct SnapshotStatement {
    uint64_t query_hash; /* queryid & 0x7FFFFFFFFFFFFFFF; for a workload file: of the fingerprint */
    int64_t query_id;    /* signed, as the server has it; for a workload file: of the fingerprint */
    const char *role;    /* that ran it; NULL unknown */
    const char *text;    /* as the server has it, $n in place of constants but for those that are known not to
                            vary (snapshot/sent.h); or the literal text of a file */
    bool is_top_level;
    double calls;
    double total_ms; /* execution; NAN unknown, as the ones below */
    double mean_ms;
    double stddev_ms;
    double min_ms;
    double max_ms;
    double plan_ms;
    double rows;
    double shared_hit_blocks;
    double shared_read_blocks;
    double shared_dirtied_blocks;
    double temp_read_blocks;
    double temp_written_blocks;
    double read_ms;
    double write_ms;
    double wal_bytes;
    const char *const *samples; /* the same statement with literals, as known from files, logs or activity */
    size_t sample_count;
} SnapshotStatement;

/* Something that could not be read, and what would change that. */
typedef struct SnapshotGap {
    const char *subject; /* "column statistics", "public.orders", "pg_stat_statements" */
    const char *reason;  /* "permission denied for function pg_get_statisticsobjdef" */
    const char *remedy;  /* "grant pg_read_all_data to fettle_monitor"; "" when nothing is known */
} SnapshotGap;

/* The gap of constants that sessions were not seen to send (sent.h), or not as long as was wished. */
#define SNAPSHOT_SENT_SUBJECT "what sessions send"

VECTOR_DEFINE(SnapshotStatementList, const SnapshotStatement *);

typedef struct Snapshot {
    Arena *arena;
    const SnapshotSections *sections;
    int server_version_num;
    int server_major;
    const char *server_version;
    const char *database;
    const char *encoding;
    const char *collate;
    const char *ctype;
    char collation_provider;       /* 'c' libc, 'i' icu, 'b' builtin */
    const char *icu_locale;        /* or NULL */
    const char *owner;             /* of the database */
    const char *reader;            /* the role that read */
    const char *application_role;  /* whose settings and search_path plans are made with; NULL: the database's
                                      defaults */
    const char *search_path;       /* of that role in that database */
    const char *system_identifier; /* NULL when not readable */
    const char *taken_at;          /* RFC 3339 UTC */
    const char *statistics_reset;  /* of pg_stat_statements; NULL unknown */
    double workload_seconds;       /* that the workload's counters cover; NAN unknown */
    double read_ms;                /* total time spent on the target */
    bool is_reader_superuser;
    bool is_standby;
    bool is_redacted;
    bool has_statements; /* pg_stat_statements could be read, or a workload file was given */
    bool adds_scans;     /* the reader may not turn counting off: what it looks up counts as scans of indexes;
                            false too where no ends of indexes were looked up */
    int block_bytes;
    SnapshotRights rights;

    const SnapshotSetting *settings; /* by name */
    size_t setting_count;
    const SnapshotRoleSetting *role_settings;
    size_t role_setting_count;
    const SnapshotSchema *schemas;
    size_t schema_count;
    const SnapshotExtension *extensions;
    size_t extension_count;
    const SnapshotObject *objects;
    size_t object_count;
    const SnapshotRelation *relations;
    size_t relation_count;
    const SnapshotIndex *indexes; /* all, by OID */
    size_t index_count;
    const SnapshotConstraint *constraints; /* all, by OID */
    size_t constraint_count;
    const SnapshotStatistics *statistics; /* all; an index's by index OID and attnum */
    size_t statistics_count;
    const SnapshotExtendedStatistics *extended_statistics;
    size_t extended_statistics_count;
    const SnapshotStatement *statements;
    size_t statement_count;
    const SnapshotGap *gaps;
    size_t gap_count;
    Map *relations_by_id;   /* SnapshotRelation * */
    Map *relations_by_name; /* SnapshotRelation *, for snapshot_relation_named() */
    Map *indexes_by_id;
    bool has_parts; /* some relation is a partition or child of another */
} Snapshot;

/* Makes the typed view; sections must live in the arena (or outlive it). Refuses sections that contradict
 * themselves (ERROR_DAMAGED), names the row. */
bool snapshot_decode(Arena *arena, const SnapshotSections *sections, const Snapshot **ret_snapshot,
                     Error *error) FETTLE_MUST_USE;

const SnapshotRelation *snapshot_relation(const Snapshot *snapshot, uint32_t id); /* NULL: none */
const SnapshotRelation *snapshot_relation_named(const Snapshot *snapshot, const char *schema,
                                                const char *name);
/* The topmost parent of a partition; of what is none, itself. */
const SnapshotRelation *snapshot_relation_root(const Snapshot *snapshot, const SnapshotRelation *relation);
/* Whether reading one may read the other: they are the same, or one is a partition or child of the other, at
 * whatever depth. */
bool snapshot_relations_overlap(const Snapshot *snapshot, uint32_t one, uint32_t other);
const SnapshotIndex *snapshot_index(const Snapshot *snapshot, uint32_t id);
const SnapshotColumn *snapshot_column(const SnapshotRelation *relation, int attnum); /* live ones only */
const SnapshotColumn *snapshot_column_named(const SnapshotRelation *relation, const char *name);
const SnapshotStatistics *snapshot_column_statistics(const SnapshotRelation *relation,
                                                     int attnum); /* NULL: none */
/* pg_statistic.stakind */
#define SNAPSHOT_KIND_COMMON_VALUES 1
#define SNAPSHOT_KIND_CORRELATION 3
const SnapshotStatisticsSlot *snapshot_column_slot(const SnapshotRelation *relation, int attnum,
                                                   int kind); /* NULL: none */
/* What could not be read of a subject; NULL: it was read. */
const SnapshotGap *snapshot_gap(const Snapshot *snapshot, const char *subject);
const SnapshotSetting *snapshot_setting(const Snapshot *snapshot, const char *name);
/* The value the application role gets: role and database settings over the server's; NULL when unknown. */
const char *snapshot_effective_setting(const Snapshot *snapshot, const char *name);

const char *
snapshot_rights_word(SnapshotRights rights); /* "catalog", "partial", "view", "function", "full" */

#endif
