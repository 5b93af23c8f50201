// SPDX-License-Identifier: PostgreSQL
#include "workload/cluster.h"

#include "math/dbscan.h"
#include "math/statistics.h"

#include <math.h>
#include <string.h>

#define TINY 1e-9

enum { MEAN, CALLS, ROWS, READS, VARIATION };

static double
read_share_of(const WorkloadTemplate *template)
{
    double blocks = template->blocks_hit + template->blocks_read;
    return blocks > 0 ? template->blocks_read / blocks : 0;
}

static double
variation_of(const WorkloadTemplate *template)
{
    double mean_ms = template_mean_ms(template);
    return mean_ms > 0 ? template->deviation_ms / mean_ms : 0;
}

static void
features_of(const WorkloadTemplate *template, double *ret_features)
{
    ret_features[MEAN] = log1p(template_mean_ms(template));
    ret_features[CALLS] = log1p(template_calls_per_hour(template));
    ret_features[ROWS] = log1p(template_rows_per_call(template));
    ret_features[READS] = read_share_of(template);
    ret_features[VARIATION] = variation_of(template);
}

/* Centre and width of one feature; a width of 0: it is constant. Where half of the values are equal the
 * quartiles are too: then the deviation is its width. */
static void
scale_of(const double *features, size_t count, size_t feature, double *scratch, double *ret_centre,
         double *ret_width)
{
    for (size_t i = 0; i < count; i++)
        scratch[i] = features[i * CLUSTER_FEATURES + feature];
    double deviation = statistics_deviation_population(scratch, count);
    *ret_centre = statistics_median(scratch, count);
    double low = statistics_quantile(scratch, count, 0.25);
    *ret_width = statistics_quantile(scratch, count, 0.75) - low;
    if (*ret_width < TINY)
        *ret_width = deviation < TINY ? 0 : deviation;
}

/* The scaled features that vary. */
static MathRows
rows_of(Arena *arena, const WorkloadTemplates *templates)
{
    size_t count = templates->count;
    double *features = ARENA_NEW_ARRAY(arena, double, count *CLUSTER_FEATURES);
    double *scratch = ARENA_NEW_ARRAY(arena, double, count);
    double centres[CLUSTER_FEATURES];
    double widths[CLUSTER_FEATURES];
    size_t width = 0;
    for (size_t i = 0; i < count; i++)
        features_of(&templates->items[i], features + i * CLUSTER_FEATURES);
    for (size_t f = 0; f < CLUSTER_FEATURES; f++) {
        scale_of(features, count, f, scratch, &centres[f], &widths[f]);
        width += widths[f] > 0;
    }
    double *values = ARENA_NEW_ARRAY(arena, double, count *width);
    for (size_t i = 0; i < count; i++)
        for (size_t f = 0, at = 0; f < CLUSTER_FEATURES; f++)
            if (widths[f] > 0)
                values[i * width + at++] = (features[i * CLUSTER_FEATURES + f] - centres[f]) / widths[f];
    return (MathRows){.values = values, .count = count, .width = width};
}

/* A figure's word by rising limits. */
static const char *
word_by(double value, const double *limits, const char *const *words, size_t limit_count)
{
    size_t at = 0;
    while (at < limit_count && value >= limits[at])
        at++;
    return words[at];
}

static const char *
profile_of_cluster(Arena *arena, const TemplateCluster *cluster)
{
    static const double ms_limits[] = {1, 100, 1000};
    static const char *const ms_words[] = {"very quick", "quick", "slow", "very slow"};
    static const double calls_limits[] = {1, 100, 10000};
    static const char *const calls_words[] = {"rare", "occasional", "frequent", "very frequent"};
    static const double rows_limits[] = {0.5, 10.5, 1000};
    static const char *const rows_words[] = {"no rows", "few rows", "many rows", "very many rows"};
    static const double read_limits[] = {0.01, 0.1, 0.5};
    static const char *const read_words[] = {"from the cache", "mostly from the cache", "partly from disk",
                                             "from disk"};
    static const double variation_limits[] = {0.5, 2};
    static const char *const variation_words[] = {"steady", "uneven", "very uneven"};
    return arena_printf(
        arena, "%s (%s), %s (%s calls an hour), %s, %s, %s",
        word_by(cluster->mean_ms, ms_limits, ms_words, FETTLE_COUNT_OF(ms_limits)),
        text_format_duration_ms(arena, cluster->mean_ms),
        word_by(cluster->calls_per_hour, calls_limits, calls_words, FETTLE_COUNT_OF(calls_limits)),
        cluster->calls_per_hour < 1 ? "under 1" : text_format_count(arena, round(cluster->calls_per_hour)),
        word_by(cluster->rows_per_call, rows_limits, rows_words, FETTLE_COUNT_OF(rows_limits)),
        word_by(cluster->read_share, read_limits, read_words, FETTLE_COUNT_OF(read_limits)),
        word_by(cluster->variation, variation_limits, variation_words, FETTLE_COUNT_OF(variation_limits)));
}

/* The median of one figure over the statements of a cluster. */
static double
median_of(const WorkloadTemplates *templates, const int32_t *labels, int32_t label,
          double (*figure)(const WorkloadTemplate *template), double *scratch)
{
    size_t count = 0;
    for (size_t i = 0; i < templates->count; i++)
        if (labels[i] == label)
            scratch[count++] = figure(&templates->items[i]);
    return count == 0 ? 0 : statistics_median(scratch, count);
}

static TemplateCluster
cluster_of(Arena *arena, const WorkloadTemplates *templates, const int32_t *labels, int32_t label,
           double *scratch)
{
    TemplateCluster cluster = {.label = label, .example = templates->count};
    double total_ms = 0;
    for (size_t i = 0; i < templates->count; i++) {
        if (labels[i] != label)
            continue;
        cluster.size++;
        total_ms += templates->items[i].total_ms;
        if (cluster.example == templates->count ||
            templates->items[i].total_ms > templates->items[cluster.example].total_ms)
            cluster.example = i;
    }
    cluster.share = templates->total_ms > 0 ? total_ms / templates->total_ms : 0;
    cluster.mean_ms = median_of(templates, labels, label, template_mean_ms, scratch);
    cluster.calls_per_hour = median_of(templates, labels, label, template_calls_per_hour, scratch);
    cluster.rows_per_call = median_of(templates, labels, label, template_rows_per_call, scratch);
    cluster.read_share = median_of(templates, labels, label, read_share_of, scratch);
    cluster.variation = median_of(templates, labels, label, variation_of, scratch);
    cluster.profile = profile_of_cluster(arena, &cluster);
    return cluster;
}

static bool
labels_by_dbscan(Arena *arena, const MathRows *rows, const ClusterOptions *options,
                 TemplateClusters *clusters, Error *error)
{
    Dbscan found;
    size_t points_least = options->points_least == 0 ? DBSCAN_POINTS_LEAST : options->points_least;
    double radius = options->radius > 0 ? options->radius : DBSCAN_RADIUS;
    if (isnan(options->radius) && !dbscan_radius(arena, rows, points_least, &radius, error))
        return false;
    dbscan(arena, rows, radius, points_least, &found);
    clusters->labels = found.labels;
    clusters->count = found.clusters;
    clusters->noise_count = found.noise_count;
    clusters->silhouette = silhouette(arena, rows, found.labels, found.clusters, options->seed);
    if (found.clusters == 0)
        clusters->note = "no statements lie dense enough to be a cluster";
    return true;
}

static void
labels_by_kmeans(Arena *arena, const MathRows *rows, const ClusterOptions *options,
                 TemplateClusters *clusters)
{
    Kmeans found;
    if (options->clusters == 0) {
        kmeans_choose(arena, rows, options->seed, &found, &clusters->silhouette);
    } else {
        kmeans(arena, rows, &(KmeansOptions){.clusters = options->clusters, .seed = options->seed}, &found);
        clusters->silhouette = silhouette(arena, rows, found.labels, found.clusters, options->seed);
    }
    clusters->labels = found.labels;
    clusters->count = found.clusters;
    if (found.clusters == 1 && options->clusters != 1)
        clusters->note = "the statements form no distinct groups: one cluster";
}

bool
clusters_find(Arena *arena, const WorkloadTemplates *templates, const ClusterOptions *options,
              TemplateClusters *ret_clusters, Error *error)
{
    TemplateClusters clusters = {.method = options->method, .silhouette = NAN};
    clusters.labels = ARENA_NEW_ARRAY(arena, int32_t, templates->count);
    for (size_t i = 0; i < templates->count; i++)
        clusters.labels[i] = -1;
    if (templates->count < CLUSTER_TEMPLATES_LEAST) {
        clusters.noise_count = templates->count;
        clusters.note = arena_printf(arena, "%zu statements are too few to cluster, %zu are needed",
                                     templates->count, CLUSTER_TEMPLATES_LEAST);
        *ret_clusters = clusters;
        return true;
    }
    MathRows rows = rows_of(arena, templates);
    if (rows.width == 0) {
        memset(clusters.labels, 0, templates->count * sizeof(*clusters.labels));
        clusters.count = 1;
        clusters.note = "all statements behave the same: one cluster";
    } else if (options->method == CLUSTER_KMEANS) {
        labels_by_kmeans(arena, &rows, options, &clusters);
    } else if (!labels_by_dbscan(arena, &rows, options, &clusters, error)) {
        return false;
    }
    double *scratch = ARENA_NEW_ARRAY(arena, double, templates->count);
    clusters.items = ARENA_NEW_ARRAY(arena, TemplateCluster, clusters.count);
    for (size_t c = 0; c < clusters.count; c++)
        clusters.items[c] = cluster_of(arena, templates, clusters.labels, (int32_t)c, scratch);
    *ret_clusters = clusters;
    return true;
}
