// SPDX-License-Identifier: PostgreSQL
/*
 * Study: everything that is told of one target's workload over some days, read from the store; what the API's
 * handlers and the command line share.
 *
 * Parts are asked for one by one, for the texts of ten thousand statements are not parsed to name the peak
 * hours. A part that was not asked for is empty. All is of whole hours until now; the window before, of the
 * same length, is what changes are told against.
 *
 * The store is only read. study_classes_keep() writes what was found of the statements' classes, once for an
 * analysis: a class changes when two of them in a row find another.
 */
#ifndef FETTLE_WORKLOAD_STUDY_H
#define FETTLE_WORKLOAD_STUDY_H

#include "workload/characteristic.h"
#include "workload/cluster.h"
#include "workload/hot.h"
#include "workload/issue.h"
#include "workload/overview.h"
#include "workload/period.h"

#define STUDY_DAYS 7
#define STUDY_DAYS_LEAST 1
#define STUDY_DAYS_MOST 90

typedef enum StudyPart {
    STUDY_OVERVIEW = 1, /* overview, bottlenecks, classes */
    STUDY_SERIES = 2,   /* the series alone: periods, profile */
    STUDY_HOT = 4,
    STUDY_CLASSES = 8,
    STUDY_CLUSTERS = 16,
    STUDY_BOTTLENECKS = 32,
    STUDY_CHARACTERISTICS = 64,
    STUDY_ISSUES = 128,
} StudyPart;

#define STUDY_BYTES ((size_t)4 << 30) /* for its arena: ten thousand statements' texts may be long */

typedef struct StudyRange {
    int64_t target_id;
    const char *database_name; /* NULL: all */
    int days;                  /* STUDY_DAYS_LEAST .. STUDY_DAYS_MOST */
    int64_t now_us;
    unsigned parts;
    ClusterOptions clusters;
} StudyRange;

typedef struct WorkloadStudy {
    StudyRange range;
    HourlySeries *databases;
    size_t database_count;
    HourlySeries series; /* their sum */
    WorkloadTemplates templates;
    StatementFacts *facts;
    FactCatalog *catalogs; /* databases of which a snapshot is kept */
    size_t catalog_count;
    PlanBook plans;
    ClassFound *found;      /* of each template */
    WorkloadClass *classes; /* of each template: as they stand with this finding */
    Overview overview;
    Bottlenecks bottlenecks;
    HotObjects hot;
    TemplateClusters clusters;
    ArrivalClusters arrivals;
    Characteristics characteristics;
    IssueCatalog issue_catalog;
    Issues issues;
} WorkloadStudy;

/* ERROR_INPUT: clusters that cannot be found as asked. Not in a transaction. */
bool study_read(PgConnection *session, Arena *arena, const StudyRange *range, WorkloadStudy *ret_study,
                Error *error) FETTLE_MUST_USE;
bool study_classes_keep(PgConnection *session, const WorkloadStudy *study, Error *error) FETTLE_MUST_USE;

#endif
