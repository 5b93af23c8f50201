// SPDX-License-Identifier: PostgreSQL
/*
 * Bottleneck: which resource bounds the busy hours of a target, and by what that is seen.
 *
 * Busy hours are the fifth of the observed hours in which statements took the most time. Each resource has a
 * load between 0 and 1 in them:
 *
 *   cpu         share of the machine's processors in use (a local target), else the share of active sessions
 *               that waited for nothing
 *   io          share of active sessions that waited for blocks, or of the statements' time that the server
 *               timed as reading and writing
 *   lock        share of active sessions that waited for a lock
 *   wal         share of active sessions that waited for the write-ahead log
 *   connection  sessions over max_connections, at their greatest
 *   memory      share of active sessions that waited for temporary files, or of the blocks that were
 * temporary
 *
 * and a limit from which on it bounds; what is not known has no load (NAN) and bounds nothing. Besides, the
 * hours of the day in which statements are slow tell why by what else rises in them (contract, section 11):
 * contention, capacity or cache. Each names the figures it rests on, in the busy hours and in the others.
 *
 * bottlenecks_find() is pure; bottleneck_input_read() gets what it needs.
 */
#ifndef FETTLE_WORKLOAD_BOTTLENECK_H
#define FETTLE_WORKLOAD_BOTTLENECK_H

#include "store/observation.h"
#include "workload/series.h"
#include "workload/template.h"

typedef enum BottleneckResource {
    BOTTLENECK_CPU,
    BOTTLENECK_IO,
    BOTTLENECK_LOCK,
    BOTTLENECK_WAL,
    BOTTLENECK_CONNECTION,
    BOTTLENECK_MEMORY,
    BOTTLENECK_RESOURCES
} BottleneckResource;

const char *bottleneck_resource_word(BottleneckResource resource);

/* What sessions waited for, summed over samples. */
typedef struct BottleneckWaits {
    double active; /* sessions seen at work, 0: none were */
    double cpu;
    double io;
    double lock;
    double wal;
    double temporary;
} BottleneckWaits;

typedef struct BottleneckInput {
    const HourlySeries *series;          /* of the target, all databases */
    const WorkloadTemplates *templates;  /* NULL: not known */
    const double *metrics[METRIC_COUNT]; /* the mean of each hour of the series; NULL: not asked for */
    const double *connections_greatest;
    BottleneckWaits busy;
    BottleneckWaits others;
} BottleneckInput;

typedef struct BottleneckEvidence {
    const char *figure; /* "cpu_share", "sessions waiting for a lock" */
    const char *unit;   /* "1" for shares */
    double busy;        /* NAN: not known */
    double otherwise;
} BottleneckEvidence;

#define BOTTLENECK_EVIDENCE_MOST 4

typedef struct Bottleneck {
    const char *type; /* a resource's word, or "contention", "capacity", "cache" */
    double load;      /* 0 .. 1; NAN for those of hours of the day */
    double limit;
    const char *severity; /* "medium", "high", "critical" */
    const char *description;
    BottleneckEvidence evidence[BOTTLENECK_EVIDENCE_MOST];
    size_t evidence_count;
} Bottleneck;

typedef struct Bottlenecks {
    Bottleneck *items; /* what bounds, the most pressing first */
    size_t count;
    double loads[BOTTLENECK_RESOURCES]; /* of all resources; NAN: not known */
    double limits[BOTTLENECK_RESOURCES];
    size_t busy_hours; /* 0: too little was observed */
    const char *note;  /* for people, when nothing bounds or nothing can be told; NULL */
} Bottlenecks;

void bottlenecks_find(Arena *arena, const BottleneckInput *input, Bottlenecks *ret_bottlenecks);

/* Which hours are busy: a flag for each hour of the series; returns how many. */
size_t bottleneck_busy_hours(Arena *arena, const HourlySeries *series, bool **ret_is_busy);

/* Metrics and waits of the series' target and hours. Not in a transaction. */
bool bottleneck_input_read(PgConnection *session, Arena *arena, const HourlySeries *series,
                           const WorkloadTemplates *templates, BottleneckInput *ret_input, Error *error)
    FETTLE_MUST_USE;

#endif
