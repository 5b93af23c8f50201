// SPDX-License-Identifier: PostgreSQL
#include "workload/cluster.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DAY_HOURS 24
#define HOURS_LEAST 48
#define ACTIVE_LEAST 3 /* hours with a call */

/* Centres while they are looked for: sums of unit vectors. */
typedef struct Centres {
    double *sums;
    double *lengths;
    size_t *sizes;
    size_t count;
    size_t width;
} Centres;

/* The log of the calls, centred, of unit length; a gap is the mean. False: it has no shape. */
static bool
shape_of(const WorkloadTemplate *template, size_t count, double *ret_shape)
{
    double sum = 0;
    size_t observed = 0;
    size_t active = 0;
    for (size_t i = 0; i < count; i++) {
        if (isnan(template->hours[i]))
            continue;
        sum += log1p((double)template->hours[i]);
        observed++;
        active += template->hours[i] > 0;
    }
    if (observed < HOURS_LEAST || active < ACTIVE_LEAST)
        return false;
    double mean = sum / (double)observed;
    double square = 0;
    for (size_t i = 0; i < count; i++) {
        ret_shape[i] = isnan(template->hours[i]) ? 0 : log1p((double)template->hours[i]) - mean;
        square += ret_shape[i] * ret_shape[i];
    }
    if (square < 1e-6 * (double)observed)
        return false; /* always equally often */
    for (size_t i = 0; i < count; i++)
        ret_shape[i] /= sqrt(square);
    return true;
}

static double
product_of(const double *a, const double *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

/* The nearest centre of those before past, and its cosine. */
static size_t
nearest_of(const Centres *centres, const double *shape, double *ret_cosine)
{
    size_t nearest = centres->count;
    *ret_cosine = -1;
    for (size_t c = 0; c < centres->count; c++) {
        if (centres->sizes[c] == 0)
            continue;
        double cosine =
            product_of(centres->sums + c * centres->width, shape, centres->width) / centres->lengths[c];
        if (cosine > *ret_cosine) {
            *ret_cosine = cosine;
            nearest = c;
        }
    }
    return nearest;
}

static void
centre_add(Centres *centres, size_t centre, const double *shape, size_t size)
{
    double *sum = centres->sums + centre * centres->width;
    for (size_t i = 0; i < centres->width; i++)
        sum[i] += shape[i];
    centres->lengths[centre] = fmax(1e-12, sqrt(product_of(sum, sum, centres->width)));
    centres->sizes[centre] += size;
}

/* Merges centres that are nearer to each other than they may be; ret_into says where each went. */
static void
centres_merge(Centres *centres, size_t *ret_into)
{
    for (size_t c = 0; c < centres->count; c++)
        ret_into[c] = c;
    for (size_t a = 0; a < centres->count; a++)
        for (size_t b = a + 1; b < centres->count; b++) {
            if (ret_into[a] != a || ret_into[b] != b)
                continue;
            double *left = centres->sums + a * centres->width;
            double *right = centres->sums + b * centres->width;
            double cosine =
                product_of(left, right, centres->width) / (centres->lengths[a] * centres->lengths[b]);
            if (cosine <= ARRIVAL_COSINE_MERGE)
                continue;
            centre_add(centres, a, right, centres->sizes[b]);
            centres->sizes[b] = 0;
            ret_into[b] = a;
        }
}

static void
cluster_sum(ArrivalCluster *cluster, const WorkloadTemplates *templates, size_t place)
{
    const WorkloadTemplate *template = &templates->items[place];
    if (cluster->size++ == 0)
        cluster->example = place;
    cluster->share += templates->total_ms > 0 ? template->total_ms / templates->total_ms : 0;
    cluster->calls_per_hour += template_calls_per_hour(template);
    double sums[DAY_HOURS] = {0};
    double seen[DAY_HOURS] = {0};
    for (size_t i = 0; i < templates->hour_count; i++)
        if (!isnan(template->hours[i])) {
            sums[(templates->from_hour + (int64_t)i) % DAY_HOURS] += (double)template->hours[i];
            seen[(templates->from_hour + (int64_t)i) % DAY_HOURS]++;
        }
    for (size_t h = 0; h < DAY_HOURS; h++)
        cluster->hourly[h] += seen[h] > 0 ? sums[h] / seen[h] : 0;
}

static int
cluster_compare(const void *a, const void *b)
{
    const ArrivalCluster *left = *(ArrivalCluster *const *)a;
    const ArrivalCluster *right = *(ArrivalCluster *const *)b;
    if (left->share != right->share)
        return left->share > right->share ? -1 : 1;
    return (left->example > right->example) - (left->example < right->example);
}

/* The clusters by their time, and the labels by that order. */
static void
clusters_make(Arena *arena, const WorkloadTemplates *templates, const Centres *centres, int32_t *labels,
              ArrivalClusters *arrivals)
{
    ArrivalCluster *all = ARENA_NEW_ARRAY(arena, ArrivalCluster, centres->count);
    ArrivalCluster **order = ARENA_NEW_ARRAY(arena, ArrivalCluster *, centres->count);
    int32_t *places = ARENA_NEW_ARRAY(arena, int32_t, centres->count);
    for (size_t c = 0; c < centres->count; c++) {
        all[c].hourly = ARENA_NEW_ARRAY(arena, double, DAY_HOURS);
        all[c].shape = centres->sums + c * centres->width;
        for (size_t i = 0; i < centres->width; i++)
            all[c].shape[i] /= centres->lengths[c];
        order[c] = &all[c];
    }
    for (size_t i = 0; i < templates->count; i++)
        if (labels[i] >= 0)
            cluster_sum(&all[labels[i]], templates, i);
    if (centres->count > 1)
        qsort(order, centres->count, sizeof(ArrivalCluster *), cluster_compare);
    arrivals->items = ARENA_NEW_ARRAY(arena, ArrivalCluster, centres->count);
    for (size_t c = 0; c < centres->count; c++)
        if (order[c]->size > 0) {
            places[order[c] - all] = (int32_t)arrivals->count;
            arrivals->items[arrivals->count++] = *order[c];
        }
    for (size_t i = 0; i < templates->count; i++)
        labels[i] = labels[i] < 0 ? -1 : places[labels[i]];
    arrivals->labels = labels;
}

void
arrivals_find(Arena *arena, const WorkloadTemplates *templates, ArrivalClusters *ret_arrivals)
{
    ArrivalClusters arrivals = {.hour_count = templates->hour_count};
    size_t width = templates->hour_count;
    Centres centres = {.width = width,
                       .sums = ARENA_NEW_ARRAY(arena, double, ARRIVAL_CLUSTERS_MOST *width),
                       .lengths = ARENA_NEW_ARRAY(arena, double, ARRIVAL_CLUSTERS_MOST),
                       .sizes = ARENA_NEW_ARRAY(arena, size_t, ARRIVAL_CLUSTERS_MOST)};
    int32_t *labels = ARENA_NEW_ARRAY(arena, int32_t, templates->count);
    double *shape = ARENA_NEW_ARRAY(arena, double, width);
    for (size_t i = 0; i < templates->count; i++) {
        double cosine;
        labels[i] = -1;
        if (templates->items[i].hours == NULL || !shape_of(&templates->items[i], width, shape))
            continue;
        size_t nearest = nearest_of(&centres, shape, &cosine);
        if (cosine < ARRIVAL_COSINE_JOIN) {
            if (centres.count == ARRIVAL_CLUSTERS_MOST)
                continue; /* the busiest come first: what is left has little time */
            nearest = centres.count++;
        }
        centre_add(&centres, nearest, shape, 1);
        labels[i] = (int32_t)nearest;
    }
    size_t *into = ARENA_NEW_ARRAY(arena, size_t, centres.count);
    centres_merge(&centres, into);
    for (size_t i = 0; i < templates->count; i++)
        labels[i] = labels[i] < 0 ? -1 : (int32_t)into[labels[i]];
    clusters_make(arena, templates, &centres, labels, &arrivals);
    *ret_arrivals = arrivals;
}
