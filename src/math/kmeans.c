// SPDX-License-Identifier: PostgreSQL
#include "math/kmeans.h"

#include "base/random.h"
#include "math/statistics.h"

#include <math.h>
#include <string.h>

#define LANES ((size_t)4)
#define CLUSTERS_TRIED_MOST ((size_t)15)

/* Four floats that are worked on at once. */
typedef float Lane __attribute__((vector_size(LANES * sizeof(float))));

typedef struct Work {
    const Lane *rows;
    size_t count;
    size_t lanes; /* of a row */
    size_t clusters;
    double tolerance; /* squared, of the centres' movement in all */
    Random random;
    Lane *centres;
    double *sums; /* of the rows of each cluster */
    size_t *sizes;
    int32_t *labels;
    float *upper;   /* no farther is a row from its own centre, */
    float *lower;   /* no nearer to any other one */
    float *half;    /* of a centre's distance to its nearest neighbour */
    float *moved;   /* by the last step */
    float *nearest; /* squared distance to the nearest centre so far, while starting */
    float *tried;
    float *chosen;
} Work;

static float
distance_squared(const Lane *a, const Lane *b, size_t lanes)
{
    Lane sum = {0};
    for (size_t i = 0; i < lanes; i++) {
        Lane difference = a[i] - b[i];
        sum += difference * difference;
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static const Lane *
row_at(const Work *work, size_t row)
{
    return work->rows + row * work->lanes;
}

static Lane *
centre_at(const Work *work, size_t cluster)
{
    return work->centres + cluster * work->lanes;
}

/* Squared distances to the candidate, no greater than those to the centres so far; returns their sum. */
static double
start_try(const Work *work, size_t candidate, float *ret_nearest)
{
    const Lane *centre = row_at(work, candidate);
    double sum = 0;
    for (size_t i = 0; i < work->count; i++) {
        float distance = distance_squared(row_at(work, i), centre, work->lanes);
        ret_nearest[i] = distance < work->nearest[i] ? distance : work->nearest[i];
        sum += (double)ret_nearest[i];
    }
    return sum;
}

/* A row with a chance by its squared distance to the nearest centre. */
static size_t
start_draw(Work *work, double sum)
{
    double at = random_unit(&work->random) * sum;
    for (size_t i = 0; i < work->count; i++) {
        at -= (double)work->nearest[i];
        if (at < 0)
            return i;
    }
    return random_below(&work->random, work->count);
}

/* Greedy k-means++: of some candidates the one that lowers the sum the most. */
static void
start(Work *work)
{
    size_t candidates = 2 + (size_t)log((double)work->clusters);
    for (size_t i = 0; i < work->count; i++)
        work->nearest[i] = INFINITY;
    size_t first = random_below(&work->random, work->count);
    double sum = start_try(work, first, work->tried);
    memcpy(work->nearest, work->tried, work->count * sizeof(float));
    memcpy(centre_at(work, 0), row_at(work, first), work->lanes * sizeof(Lane));
    for (size_t cluster = 1; cluster < work->clusters; cluster++) {
        size_t best = 0;
        double least = INFINITY;
        for (size_t t = 0; t < candidates; t++) {
            size_t candidate = start_draw(work, sum);
            double reached = start_try(work, candidate, work->tried);
            if (reached >= least)
                continue;
            least = reached;
            best = candidate;
            float *swapped = work->tried;
            work->tried = work->chosen;
            work->chosen = swapped;
        }
        float *swapped = work->nearest;
        work->nearest = work->chosen;
        work->chosen = swapped;
        sum = least;
        memcpy(centre_at(work, cluster), row_at(work, best), work->lanes * sizeof(Lane));
    }
}

/* Distances to all centres: the nearest and the next. */
static void
row_search(Work *work, size_t row)
{
    float best = INFINITY;
    float next = INFINITY;
    int32_t label = 0;
    for (size_t c = 0; c < work->clusters; c++) {
        float distance = distance_squared(row_at(work, row), centre_at(work, c), work->lanes);
        if (distance < best) {
            next = best;
            best = distance;
            label = (int32_t)c;
        } else if (distance < next) {
            next = distance;
        }
    }
    work->labels[row] = label;
    work->upper[row] = sqrtf(best);
    work->lower[row] = sqrtf(next);
}

/* Hamerly's test: a row whose bounds are apart keeps its cluster. */
static void
row_assign(Work *work, size_t row)
{
    int32_t label = work->labels[row];
    float bound = work->half[label] > work->lower[row] ? work->half[label] : work->lower[row];
    if (work->upper[row] <= bound)
        return;
    work->upper[row] =
        sqrtf(distance_squared(row_at(work, row), centre_at(work, (size_t)label), work->lanes));
    if (work->upper[row] > bound)
        row_search(work, row);
}

static void
halves_find(Work *work)
{
    for (size_t a = 0; a < work->clusters; a++)
        work->half[a] = INFINITY;
    for (size_t a = 0; a < work->clusters; a++)
        for (size_t b = a + 1; b < work->clusters; b++) {
            float half = sqrtf(distance_squared(centre_at(work, a), centre_at(work, b), work->lanes)) / 2;
            work->half[a] = fminf(work->half[a], half);
            work->half[b] = fminf(work->half[b], half);
        }
}

static void
sums_find(Work *work)
{
    size_t width = work->lanes * LANES;
    memset(work->sums, 0, work->clusters * width * sizeof(*work->sums));
    memset(work->sizes, 0, work->clusters * sizeof(*work->sizes));
    for (size_t i = 0; i < work->count; i++) {
        double *sum = work->sums + (size_t)work->labels[i] * width;
        const Lane *row = row_at(work, i);
        for (size_t j = 0; j < width; j++)
            sum[j] += (double)row[j / LANES][j % LANES];
        work->sizes[work->labels[i]]++;
    }
}

/* Gives an empty cluster the row that is farthest from its centre, of a cluster that has others. */
static void
empty_fill(Work *work, size_t cluster)
{
    size_t width = work->lanes * LANES;
    size_t farthest = work->count;
    float most = -1;
    for (size_t i = 0; i < work->count; i++) {
        size_t label = (size_t)work->labels[i];
        float distance = distance_squared(row_at(work, i), centre_at(work, label), work->lanes);
        if (distance > most && work->sizes[label] > 1) {
            most = distance;
            farthest = i;
        }
    }
    fettle_assert(farthest < work->count);
    size_t from = (size_t)work->labels[farthest];
    const Lane *row = row_at(work, farthest);
    for (size_t j = 0; j < width; j++) {
        double value = (double)row[j / LANES][j % LANES];
        work->sums[from * width + j] -= value;
        work->sums[cluster * width + j] = value;
    }
    work->sizes[from]--;
    work->sizes[cluster] = 1;
    work->labels[farthest] = (int32_t)cluster;
    work->upper[farthest] = INFINITY; /* not known any more */
    work->lower[farthest] = 0;
}

/* Moves the centres to their rows' means; returns the sum of the squared movements. */
static double
centres_move(Work *work)
{
    size_t width = work->lanes * LANES;
    double moved = 0;
    sums_find(work);
    for (size_t c = 0; c < work->clusters; c++)
        if (work->sizes[c] == 0)
            empty_fill(work, c);
    for (size_t c = 0; c < work->clusters; c++) {
        Lane *centre = centre_at(work, c);
        double square = 0;
        for (size_t j = 0; j < width; j++) {
            double mean = work->sums[c * width + j] / (double)work->sizes[c];
            double step = mean - (double)centre[j / LANES][j % LANES];
            square += step * step;
            centre[j / LANES][j % LANES] = (float)mean;
        }
        work->moved[c] = (float)sqrt(square);
        moved += square;
    }
    return moved;
}

static void
bounds_move(Work *work)
{
    size_t first = 0;
    float second = 0;
    for (size_t c = 1; c < work->clusters; c++)
        if (work->moved[c] > work->moved[first])
            first = c;
    for (size_t c = 0; c < work->clusters; c++)
        if (c != first)
            second = fmaxf(second, work->moved[c]);
    for (size_t i = 0; i < work->count; i++) {
        size_t label = (size_t)work->labels[i];
        work->upper[i] += work->moved[label];
        work->lower[i] -= label == first ? second : work->moved[first];
    }
}

/* One run from a start; returns the sum of squares. */
static double
run(Work *work, int *ret_rounds)
{
    start(work);
    for (size_t i = 0; i < work->count; i++)
        row_search(work, i);
    int rounds = 0;
    while (rounds < KMEANS_ROUNDS_MOST) {
        rounds++;
        double moved = centres_move(work);
        bounds_move(work);
        halves_find(work);
        for (size_t i = 0; i < work->count; i++)
            row_assign(work, i);
        if (moved <= work->tolerance)
            break;
    }
    double inertia = 0;
    for (size_t i = 0; i < work->count; i++)
        inertia +=
            (double)distance_squared(row_at(work, i), centre_at(work, (size_t)work->labels[i]), work->lanes);
    *ret_rounds = rounds;
    return inertia;
}

/* Rows as centred floats, filled up with zeros to whole lanes. */
static void
rows_centre(Arena *arena, const MathRows *rows, Work *work, double *ret_means)
{
    Lane *centred = ARENA_NEW_ARRAY(arena, Lane, rows->count * work->lanes);
    double variance = 0;
    for (size_t j = 0; j < rows->width; j++) {
        double sum = 0;
        for (size_t i = 0; i < rows->count; i++)
            sum += rows->values[i * rows->width + j];
        ret_means[j] = sum / (double)rows->count;
        for (size_t i = 0; i < rows->count; i++) {
            double value = rows->values[i * rows->width + j] - ret_means[j];
            centred[i * work->lanes + j / LANES][j % LANES] = (float)value;
            variance += value * value / (double)rows->count;
        }
    }
    work->rows = centred;
    work->tolerance = KMEANS_TOLERANCE * variance / (double)rows->width;
}

static void
work_make(Arena *arena, const MathRows *rows, size_t clusters, Work *work)
{
    work->count = rows->count;
    work->lanes = (rows->width + LANES - 1) / LANES;
    work->clusters = clusters;
    work->centres = ARENA_NEW_ARRAY(arena, Lane, clusters * work->lanes);
    work->sums = ARENA_NEW_ARRAY(arena, double, clusters * work->lanes * LANES);
    work->sizes = ARENA_NEW_ARRAY(arena, size_t, clusters);
    work->half = ARENA_NEW_ARRAY(arena, float, clusters);
    work->moved = ARENA_NEW_ARRAY(arena, float, clusters);
    work->labels = ARENA_NEW_ARRAY(arena, int32_t, rows->count);
    float **arrays[] = {&work->upper, &work->lower, &work->nearest, &work->tried, &work->chosen};
    for (size_t i = 0; i < FETTLE_COUNT_OF(arrays); i++)
        *arrays[i] = ARENA_NEW_ARRAY(arena, float, rows->count);
}

/* The clusters by size, then by their first row. */
static void
labels_order(const int32_t *labels, size_t count, size_t clusters, size_t *scratch, int32_t *ret_places)
{
    size_t *sizes = scratch;
    size_t *firsts = scratch + clusters;
    memset(sizes, 0, clusters * sizeof(*sizes));
    for (size_t i = count; i-- > 0;) {
        sizes[labels[i]]++;
        firsts[labels[i]] = i;
    }
    for (size_t a = 0; a < clusters; a++) {
        int32_t place = 0;
        for (size_t b = 0; b < clusters; b++)
            place += sizes[b] > sizes[a] || (sizes[b] == sizes[a] && firsts[b] < firsts[a]);
        ret_places[a] = place;
    }
}

static void
result_make(Arena *arena, const MathRows *rows, const int32_t *labels, Kmeans *ret_kmeans)
{
    size_t clusters = ret_kmeans->clusters;
    int32_t *places = ARENA_NEW_ARRAY(arena, int32_t, clusters);
    labels_order(labels, rows->count, clusters, ARENA_NEW_ARRAY(arena, size_t, 2 * clusters), places);
    ret_kmeans->labels = ARENA_NEW_ARRAY(arena, int32_t, rows->count);
    ret_kmeans->sizes = ARENA_NEW_ARRAY(arena, size_t, clusters);
    ret_kmeans->centres = ARENA_NEW_ARRAY(arena, double, clusters * rows->width);
    for (size_t i = 0; i < rows->count; i++) {
        size_t label = (size_t)places[labels[i]];
        ret_kmeans->labels[i] = (int32_t)label;
        ret_kmeans->sizes[label]++;
        for (size_t j = 0; j < rows->width; j++)
            ret_kmeans->centres[label * rows->width + j] += rows->values[i * rows->width + j];
    }
    for (size_t c = 0; c < clusters; c++)
        for (size_t j = 0; j < rows->width; j++)
            ret_kmeans->centres[c * rows->width + j] /= (double)ret_kmeans->sizes[c];
}

void
kmeans(Arena *arena, const MathRows *rows, const KmeansOptions *options, Kmeans *ret_kmeans)
{
    fettle_assert(rows->count > 0 && rows->width > 0);
    fettle_assert(options->clusters > 0 && options->clusters <= KMEANS_CLUSTERS_MOST);
    size_t clusters = options->clusters < rows->count ? options->clusters : rows->count;
    Work work = {.random = random_new(options->seed)};
    Kmeans found = {.clusters = clusters, .inertia = INFINITY};
    int32_t *labels = ARENA_NEW_ARRAY(arena, int32_t, rows->count);
    int runs = options->runs == 0 ? KMEANS_RUNS : options->runs;
    work_make(arena, rows, clusters, &work);
    rows_centre(arena, rows, &work, ARENA_NEW_ARRAY(arena, double, rows->width));
    for (int r = 0; r < runs; r++) {
        int rounds;
        double inertia = run(&work, &rounds);
        if (!(inertia < found.inertia))
            continue;
        found.inertia = inertia;
        found.rounds = rounds;
        memcpy(labels, work.labels, rows->count * sizeof(*labels));
    }
    /* equal rows leave clusters empty in the end */
    memset(work.sizes, 0, clusters * sizeof(*work.sizes));
    for (size_t i = 0; i < rows->count; i++)
        work.sizes[labels[i]]++;
    int32_t used = 0;
    for (size_t c = 0; c < clusters; c++) {
        if (work.sizes[c] == 0)
            continue;
        for (size_t i = 0; i < rows->count && (size_t)used != c; i++)
            labels[i] = (size_t)labels[i] == c ? used : labels[i];
        used++;
    }
    found.clusters = (size_t)used;
    result_make(arena, rows, labels, &found);
    *ret_kmeans = found;
}

/* The places of a sample without repetition, ascending. */
static size_t
sample_rows(Arena *arena, size_t count, uint64_t seed, size_t **ret_places)
{
    size_t wanted = count < SILHOUETTE_ROWS_MOST ? count : SILHOUETTE_ROWS_MOST;
    size_t *places = ARENA_NEW_ARRAY(arena, size_t, wanted);
    Random random = random_new(seed);
    size_t taken = 0;
    for (size_t i = 0; i < count && taken < wanted; i++) /* Knuth's algorithm S */
        if (random_below(&random, count - i) < wanted - taken)
            places[taken++] = i;
    *ret_places = places;
    return taken;
}

typedef struct Distances {
    size_t count;
    const size_t *places;
    float *values; /* count × count */
} Distances;

static Distances
distances_of(Arena *arena, const MathRows *rows, uint64_t seed)
{
    size_t *places;
    Distances distances = {.count = sample_rows(arena, rows->count, seed, &places)};
    distances.places = places;
    distances.values = ARENA_NEW_ARRAY(arena, float, distances.count *distances.count);
    for (size_t a = 0; a < distances.count; a++)
        for (size_t b = a + 1; b < distances.count; b++) {
            const double *left = rows->values + places[a] * rows->width;
            const double *right = rows->values + places[b] * rows->width;
            double sum = 0;
            for (size_t j = 0; j < rows->width; j++)
                sum += (left[j] - right[j]) * (left[j] - right[j]);
            distances.values[a * distances.count + b] = (float)sqrt(sum);
            distances.values[b * distances.count + a] = (float)sqrt(sum);
        }
    return distances;
}

/* The silhouette of one row: (b - a) / max(a, b), 0 for a row alone in its cluster. */
static double
silhouette_of_row(const double *sums, const size_t *sizes, size_t clusters, size_t own)
{
    double nearest = INFINITY;
    if (sizes[own] < 2)
        return 0;
    double within = sums[own] / (double)(sizes[own] - 1);
    for (size_t c = 0; c < clusters; c++)
        if (c != own && sizes[c] > 0)
            nearest = fmin(nearest, sums[c] / (double)sizes[c]);
    double greater = fmax(within, nearest);
    return greater > 0 ? (nearest - within) / greater : 0;
}

static double
silhouette_over(Arena *arena, const Distances *distances, const int32_t *labels, size_t clusters)
{
    ArenaMark mark = arena_mark(arena);
    size_t *sizes = ARENA_NEW_ARRAY(arena, size_t, clusters);
    double *sums = ARENA_NEW_ARRAY(arena, double, clusters);
    size_t used = 0;
    size_t rows = 0;
    double total = 0;
    for (size_t i = 0; i < distances->count; i++)
        if (labels[distances->places[i]] >= 0)
            used += sizes[labels[distances->places[i]]]++ == 0;
    for (size_t a = 0; a < distances->count && used > 1; a++) {
        int32_t own = labels[distances->places[a]];
        if (own < 0)
            continue;
        memset(sums, 0, clusters * sizeof(*sums));
        for (size_t b = 0; b < distances->count; b++)
            if (labels[distances->places[b]] >= 0)
                sums[labels[distances->places[b]]] += (double)distances->values[a * distances->count + b];
        total += silhouette_of_row(sums, sizes, clusters, (size_t)own);
        rows++;
    }
    arena_rewind(arena, mark);
    return used > 1 ? total / (double)rows : NAN;
}

double
silhouette(Arena *arena, const MathRows *rows, const int32_t *labels, size_t clusters, uint64_t seed)
{
    Distances distances = distances_of(arena, rows, seed);
    return silhouette_over(arena, &distances, labels, clusters);
}

void
kmeans_choose(Arena *arena, const MathRows *rows, uint64_t seed, Kmeans *ret_kmeans, double *ret_silhouette)
{
    Distances distances = distances_of(arena, rows, seed);
    Kmeans best = {0};
    double most = NAN;
    double standard = NAN;
    Kmeans five = {0};
    for (size_t k = 2; k <= CLUSTERS_TRIED_MOST && k < rows->count; k++) {
        Kmeans tried;
        kmeans(arena, rows, &(KmeansOptions){.clusters = k, .seed = seed}, &tried);
        double fit = silhouette_over(arena, &distances, tried.labels, tried.clusters);
        if (k == KMEANS_CLUSTERS_STANDARD) {
            standard = fit;
            five = tried;
        }
        if (!isnan(fit) && !(fit <= most)) {
            most = fit;
            best = tried;
        }
    }
    if (!isnan(standard) && standard > most - KMEANS_GAIN_LEAST) {
        most = standard;
        best = five;
    }
    *ret_silhouette = most;
    if (best.clusters == 0 || most < SILHOUETTE_LEAST)
        kmeans(arena, rows, &(KmeansOptions){.clusters = 1, .runs = 1, .seed = seed}, &best);
    *ret_kmeans = best;
}
