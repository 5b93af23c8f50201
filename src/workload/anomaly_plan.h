// SPDX-License-Identifier: PostgreSQL
/*
 * AnomalyPlan: a changed plan as the cause of an incident.
 *
 * Counters alone tell that a statement touches more blocks than it did, not why. The plans in the store do
 * (jobs/plans.h, where the statements of open incidents, 40 at most, are among those that are planned): when
 * a statement of the incident got another plan within ANOMALY_PLAN_NEAR_US of its first point, that is the
 * cause, with what changed the plan where it is known ("the index orders_customer is gone") and the tables
 * that are now scanned sequentially and were not before (five of them by name). Of several statements the one
 * counts whose plan's cause is known. Only the plans of the change that is told are read, and of those that
 * are longer than PLAN_PAIR_BYTES_MOST (a table of thousands of partitions) no tables are told.
 *
 * Whoever looks often asks only while a plan that explains may still come, or the incident has become another
 * (anomaly_plan_is_near()).
 *
 * Waiting for locks, another rate, a new statement and more rows a call are not explained by a plan, and
 * stay what they are. Told from what the incident holds, so that telling it again changes nothing.
 */
#ifndef FETTLE_WORKLOAD_ANOMALY_PLAN_H
#define FETTLE_WORKLOAD_ANOMALY_PLAN_H

#include "pg/plan.h"
#include "store/incident.h"
#include "store/observation.h"

#define ANOMALY_PLAN_NEAR_US (INT64_C(3600) * 1000000)
#define ANOMALY_PLAN_STATEMENTS_MOST ((size_t)20)

/* True when a plan may be the cause, and the incident names a statement. */
bool anomaly_plan_may_explain(const Incident *incident);

/* What a change of plan is told as: why it changed (NULL: not known), and what is now scanned sequentially,
 * when both plans are known (NULL: too long to be read). */
const char *anomaly_plan_text(Arena *arena, const char *change_cause, const PgPlan *before,
                              const PgPlan *now);

/* Sets type and probable_cause of one that is not over and that a plan explains; the arena holds the texts.
 */
bool anomaly_plan_consult(PgConnection *session, Arena *arena, Incident *incident, Error *error)
    FETTLE_MUST_USE;

/* Whether a plan that is taken at the time, or was, may be near the incident's first point; later ones are
 * not. */
bool anomaly_plan_is_near(const Incident *incident, int64_t at_us);

/* The same with the open incidents of the store, for whoever has just taken plans, at taken_at_us.
 * *ret_explained: those that a plan explains. */
bool anomaly_plans_explain(PgConnection *session, int64_t target_id, int64_t taken_at_us,
                           int64_t *ret_explained, Error *error) FETTLE_MUST_USE;

#endif
