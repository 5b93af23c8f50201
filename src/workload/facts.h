// SPDX-License-Identifier: PostgreSQL
/*
 * Facts: what the statements of a workload are about: tables, columns by their role, pairs of joined columns.
 *
 * Names are resolved against the snapshot of their database where one is kept (views and CTEs to base tables,
 * partitions to their topmost parent, unique keys known), else against a catalog that is guessed from the
 * statements themselves, by the names as they are written (sql/names.h); is_guessed says so. A statement that
 * touches system catalogs only is internal. Texts that do not parse have a reason and nothing else.
 *
 * Parsing is done in scratch memory, one statement at a time; facts are small.
 */
#ifndef FETTLE_WORKLOAD_FACTS_H
#define FETTLE_WORKLOAD_FACTS_H

#include "snapshot/snapshot.h"
#include "sql/analysis.h"
#include "sql/shape.h"
#include "workload/template.h"

typedef struct FactColumn {
    const char *schema; /* "" when it is not known */
    const char *table;
    const char *column;
    double role; /* the heaviest it has in the statement: equality and join 1, range .8 ... LIKE .3 */
} FactColumn;

VECTOR_DEFINE(FactColumns, FactColumn);

/* In the order of their texts, so that a = b and b = a are one. */
typedef struct FactJoin {
    FactColumn left;
    FactColumn right;
} FactJoin;

VECTOR_DEFINE(FactJoins, FactJoin);

typedef struct StatementFacts {
    SqlKind kind;
    SqlShape shape;
    const char *unparsed; /* why it did not parse; NULL: it did, or its text is not known */
    FactColumns tables;   /* each once; column NULL */
    FactColumns columns;  /* each once */
    FactJoins joins;
    size_t unresolved_count;
    bool is_internal;     /* system catalogs only */
    bool is_guessed;      /* by the names as written */
    int is_unique_lookup; /* 1 yes, 0 no, -1 not known: equality over all columns of a unique index */
} StatementFacts;

typedef struct FactCatalog {
    const char *database_name;
    const Snapshot *snapshot;
} FactCatalog;

/* One for each template, in their order. */
void facts_read(Arena *arena, const WorkloadTemplates *templates, const FactCatalog *catalogs,
                size_t catalog_count, StatementFacts **ret_facts);

#endif
