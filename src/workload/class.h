// SPDX-License-Identifier: PostgreSQL
/*
 * Class: what kind of statement a template is (contract, sections 11 and 12).
 *
 *   class    OLTP and OLAP are each a number of signals; the side whose share of the signals that could be
 *            observed is more than 1.5 times the other's has it, else MIXED. Without a plan, or a catalog,
 *            their signals are absent and count on neither side.
 *   weight   by the mean time: LIGHT below 100 ms, HEAVY above 1000 ms, else MEDIUM
 *   cadence  SCHEDULED: more than 100 calls a day on average, in no more than half of its hours, and those
 *            regular: a period (workload/period.h), or four of five of them in the same hours of the day on 7
 *            days or more. A chatty statement that is called in most hours has the rhythm of its users, not
 *            one of its own, and stays AD_HOC. What was not observed by hour is AD_HOC too.
 *
 * A class that was given is kept until two analyses in a row find another one: class_settle().
 *
 * Pure.
 */
#ifndef FETTLE_WORKLOAD_CLASS_H
#define FETTLE_WORKLOAD_CLASS_H

#include "store/workload_class.h"
#include "workload/facts.h"

typedef enum QueryClass { QUERY_MIXED, QUERY_OLTP, QUERY_OLAP, QUERY_CLASSES } QueryClass;
typedef enum QueryWeight { QUERY_LIGHT, QUERY_MEDIUM, QUERY_HEAVY, QUERY_WEIGHTS } QueryWeight;
typedef enum QueryCadence { QUERY_AD_HOC, QUERY_SCHEDULED, QUERY_CADENCES } QueryCadence;

const char *query_class_word(QueryClass class);
const char *query_weight_word(QueryWeight weight);
const char *query_cadence_word(QueryCadence cadence);

/* What is known of a statement besides its figures. */
typedef struct ClassEvidence {
    const StatementFacts *facts;
    /* By its plan; 1 yes, 0 no, -1 not known: */
    int reads_much;         /* more than 1000 rows read for each that is returned */
    int scans_sequentially; /* more than 10,000 rows */
} ClassEvidence;

typedef struct ClassFound {
    QueryClass class;
    QueryWeight weight;
    QueryCadence cadence;
    double oltp_share; /* of the signals that could be observed */
    double olap_share;
} ClassFound;

ClassFound class_find(Arena *arena, const WorkloadTemplate *template, const WorkloadTemplates *all,
                      const ClassEvidence *evidence);

/* What is kept after an analysis found this; before NULL: it is the first. */
WorkloadClass class_settle(const WorkloadClass *before, const WorkloadTemplate *template,
                           const ClassFound *found);

#endif
