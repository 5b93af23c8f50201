// SPDX-License-Identifier: PostgreSQL
/*
 * Clusters: statements that behave alike, and statements that come and go together.
 *
 * By behaviour: five features of each statement (ln(1 + mean ms), ln(1 + calls an hour), ln(1 + rows a call),
 * the share of its blocks that were read, deviation over mean of its time), scaled by median and quartile
 * distance, constant ones left out. By default k-means with the number of clusters by silhouette
 * (math/kmeans.h); DBSCAN when asked for, whose label -1 is noise.
 *
 * By arrival (after QB5000, Ma et al. 2018): the log of the hourly calls, centred, of unit length; a
 * statement joins the nearest centre with a cosine of .8 or more, else it opens a new one; centres that are
 * nearer than .9 are merged. Statements that hardly come, or always equally often, have no shape and stay
 * alone (-1).
 *
 * Pure and deterministic.
 */
#ifndef FETTLE_WORKLOAD_CLUSTER_H
#define FETTLE_WORKLOAD_CLUSTER_H

#include "base/error.h"
#include "workload/template.h"

#define CLUSTER_FEATURES 5
#define CLUSTER_TEMPLATES_LEAST ((size_t)10)
#define ARRIVAL_CLUSTERS_MOST ((size_t)256)
#define ARRIVAL_COSINE_JOIN 0.8
#define ARRIVAL_COSINE_MERGE 0.9

typedef enum ClusterMethod { CLUSTER_KMEANS, CLUSTER_DBSCAN } ClusterMethod;

typedef struct ClusterOptions {
    ClusterMethod method;
    size_t clusters;     /* of k-means; 0: by silhouette */
    double radius;       /* of DBSCAN; 0: .5; NAN: found by the knee of the distances */
    size_t points_least; /* 0: 5 */
    uint64_t seed;
} ClusterOptions;

typedef struct TemplateCluster {
    int32_t label;
    size_t size;
    double share;   /* of the time */
    double mean_ms; /* medians of its statements */
    double calls_per_hour;
    double rows_per_call;
    double read_share;
    double variation;    /* deviation over mean of one call's time */
    const char *profile; /* in words: "quick (0.4 ms), very frequent (12,000/h), few rows, from the cache" */
    size_t example;      /* the template with the most time */
} TemplateCluster;

typedef struct TemplateClusters {
    ClusterMethod method;
    int32_t *labels; /* of each template; -1: noise */
    TemplateCluster *items;
    size_t count;
    size_t noise_count;
    double silhouette; /* NAN: fewer than two clusters */
    const char *note;  /* for people: why there is one cluster, or none; NULL */
} TemplateClusters;

/* ERROR_INPUT: a radius that cannot be found. Too few statements are no error: no cluster, and a note. */
bool clusters_find(Arena *arena, const WorkloadTemplates *templates, const ClusterOptions *options,
                   TemplateClusters *ret_clusters, Error *error) FETTLE_MUST_USE;

typedef struct ArrivalCluster {
    size_t size;
    double share; /* of the time */
    double calls_per_hour;
    double *shape;  /* centre: templates' hour_count values, centred logs */
    double *hourly; /* calls by hour of the day, summed over its statements; 24 */
    size_t example;
} ArrivalCluster;

typedef struct ArrivalClusters {
    int32_t *labels;       /* -1: none */
    ArrivalCluster *items; /* the most time first */
    size_t count;
    size_t hour_count;
} ArrivalClusters;

void arrivals_find(Arena *arena, const WorkloadTemplates *templates, ArrivalClusters *ret_arrivals);

#endif
