// SPDX-License-Identifier: PostgreSQL
#include "math/isolation_forest.h"

#include "base/random.h"
#include "math/statistics.h"

#include <math.h>
#include <string.h>

#define EULER 0.57721566490153286

/* A leaf has no left one. The right one follows the left one. */
typedef struct Node {
    float threshold;
    float length; /* of a leaf: its depth and the steps that its rows would take */
    int32_t column;
    int32_t left;
} Node;

struct IsolationForest {
    Node *nodes;
    size_t node_count;
    int32_t *roots;
    size_t tree_count;
    size_t column_count;
    float *medians;
    double usual_length; /* c(sample) */
};

/* What growing one tree works with. */
typedef struct Growth {
    IsolationForest *forest;
    const float *values; /* all rows, column by column, without unknown ones */
    size_t row_count;
    size_t *rows;    /* numbers of the sample's rows, partitioned by the nodes */
    size_t *columns; /* all of them, in the order of the last draw */
    size_t height_most;
    Random random;
} Growth;

typedef struct Split {
    size_t column;
    float threshold;
} Split;

/* Steps to tell n rows apart, on average. */
static double
usual_length(size_t count)
{
    double n = (double)count;
    if (count <= 1)
        return 0;
    return count == 2 ? 1 : 2 * (log(n - 1) + EULER) - 2 * (n - 1) / n;
}

/* One column of the rows into ret_values, with its median for what is not finite. */
static float
column_take(Arena *arena, const IsolationForestOptions *options, size_t column, float *ret_values)
{
    ArenaMark mark = arena_mark(arena);
    double *known = ARENA_NEW_ARRAY(arena, double, options->row_count);
    size_t count = 0;
    for (size_t row = 0; row < options->row_count; row++) {
        ret_values[row] = options->values[row * options->column_count + column];
        if (isfinite(ret_values[row]))
            known[count++] = ret_values[row];
    }
    bool is_whole = count == options->row_count;
    float median = count == 0 ? 0 : (float)statistics_median(known, count);
    for (size_t row = 0; row < options->row_count && !is_whole; row++)
        if (!isfinite(ret_values[row]))
            ret_values[row] = median;
    arena_rewind(arena, mark);
    return median;
}

/* A column that varies among the rows, each with the same chance, and a threshold in it. */
static bool
split_draw(Growth *growth, const size_t *rows, size_t count, Split *ret_split)
{
    size_t column_count = growth->forest->column_count;
    for (size_t tried = 0; tried < column_count; tried++) {
        size_t other = tried + random_below(&growth->random, column_count - tried);
        size_t column = growth->columns[other];
        growth->columns[other] = growth->columns[tried];
        growth->columns[tried] = column;
        const float *values = growth->values + column * growth->row_count;
        float least = values[rows[0]];
        float greatest = least;
        for (size_t i = 1; i < count; i++) {
            least = fminf(least, values[rows[i]]);
            greatest = fmaxf(greatest, values[rows[i]]);
        }
        if (!(least < greatest))
            continue;
        float threshold =
            (float)((double)least + random_unit(&growth->random) * ((double)greatest - (double)least));
        if (!(threshold > least)) /* both sides get a row */
            threshold = nextafterf(least, greatest);
        *ret_split = (Split){.column = column, .threshold = fminf(threshold, greatest)};
        return true;
    }
    return false;
}

/* The rows below the threshold first; returns how many. */
static size_t
rows_part(const Growth *growth, const Split *split, size_t *rows, size_t count)
{
    const float *values = growth->values + split->column * growth->row_count;
    size_t below = 0;
    for (size_t i = 0; i < count; i++)
        if (values[rows[i]] < split->threshold) {
            size_t row = rows[i];
            rows[i] = rows[below];
            rows[below++] = row;
        }
    return below;
}

/* Depth is at most log2 of the sample: the recursion is as deep. */
static void
node_grow(Growth *growth, int32_t at, size_t *rows, size_t count, size_t depth)
{
    IsolationForest *forest = growth->forest;
    Split split;
    if (count <= 1 || depth >= growth->height_most || !split_draw(growth, rows, count, &split)) {
        forest->nodes[at] = (Node){.length = (float)((double)depth + usual_length(count)), .left = -1};
        return;
    }
    int32_t left = (int32_t)forest->node_count;
    forest->node_count += 2;
    forest->nodes[at] = (Node){.threshold = split.threshold, .column = (int32_t)split.column, .left = left};
    size_t below = rows_part(growth, &split, rows, count);
    fettle_assert(below > 0 && below < count);
    node_grow(growth, left, rows, below, depth + 1);
    node_grow(growth, left + 1, rows + below, count - below, depth + 1);
}

/* Draws sample_count numbers of rows without replacement into the first places of order. */
static void
sample_draw(Random *random, size_t *order, size_t row_count, size_t sample_count)
{
    for (size_t i = 0; i < sample_count; i++) {
        size_t other = i + random_below(random, row_count - i);
        size_t row = order[other];
        order[other] = order[i];
        order[i] = row;
    }
}

static void
trees_grow(Arena *arena, IsolationForest *forest, const IsolationForestOptions *options, size_t sample_count)
{
    size_t columns = options->column_count;
    size_t *order = ARENA_NEW_ARRAY(arena, size_t, options->row_count);
    float *values = ARENA_NEW_ARRAY(arena, float, options->row_count *columns);
    Growth growth = {.forest = forest,
                     .values = values,
                     .row_count = options->row_count,
                     .rows = ARENA_NEW_ARRAY(arena, size_t, sample_count),
                     .columns = ARENA_NEW_ARRAY(arena, size_t, columns),
                     .height_most = (size_t)ceil(log2((double)(sample_count < 2 ? 2 : sample_count))),
                     .random = random_new(options->seed)};
    for (size_t row = 0; row < options->row_count; row++)
        order[row] = row;
    for (size_t column = 0; column < columns; column++) {
        growth.columns[column] = column;
        forest->medians[column] = column_take(arena, options, column, values + column * options->row_count);
    }
    for (size_t tree = 0; tree < forest->tree_count; tree++) {
        sample_draw(&growth.random, order, options->row_count, sample_count);
        memcpy(growth.rows, order, sample_count * sizeof(*order));
        int32_t root = (int32_t)forest->node_count++;
        forest->roots[tree] = root;
        node_grow(&growth, root, growth.rows, sample_count, 0);
    }
}

const IsolationForest *
isolation_forest_fit(Arena *arena, const IsolationForestOptions *options)
{
    size_t trees = options->trees == 0 ? ISOLATION_FOREST_TREES : options->trees;
    size_t sample_count =
        options->row_count < ISOLATION_FOREST_SAMPLE ? options->row_count : ISOLATION_FOREST_SAMPLE;
    fettle_assert(options->row_count >= 2 && trees <= ISOLATION_FOREST_TREES_MOST);
    fettle_assert(options->column_count >= 1 && options->column_count <= ISOLATION_FOREST_COLUMNS_MOST);
    IsolationForest *forest = ARENA_NEW(arena, IsolationForest);
    *forest = (IsolationForest){.nodes = ARENA_NEW_ARRAY(arena, Node, trees * (2 * sample_count - 1)),
                                .roots = ARENA_NEW_ARRAY(arena, int32_t, trees),
                                .tree_count = trees,
                                .column_count = options->column_count,
                                .medians = ARENA_NEW_ARRAY(arena, float, options->column_count),
                                .usual_length = usual_length(sample_count)};
    ArenaMark mark = arena_mark(arena);
    trees_grow(arena, forest, options, sample_count);
    arena_rewind(arena, mark);
    return forest;
}

double
isolation_forest_score(const IsolationForest *forest, const float *row)
{
    float clean[ISOLATION_FOREST_COLUMNS_MOST];
    for (size_t column = 0; column < forest->column_count; column++)
        clean[column] = isfinite(row[column]) ? row[column] : forest->medians[column];
    double length = 0;
    for (size_t tree = 0; tree < forest->tree_count; tree++) {
        const Node *node = &forest->nodes[forest->roots[tree]];
        while (node->left >= 0)
            node = &forest->nodes[node->left + (clean[node->column] < node->threshold ? 0 : 1)];
        length += (double)node->length;
    }
    return exp2(-length / (double)forest->tree_count / forest->usual_length);
}

size_t
isolation_forest_cause(const IsolationForest *forest, const float *row, double *ret_drop)
{
    float changed[ISOLATION_FOREST_COLUMNS_MOST];
    size_t cause = 0;
    double score = isolation_forest_score(forest, row);
    *ret_drop = 0;
    for (size_t column = 0; column < forest->column_count; column++)
        changed[column] = row[column];
    for (size_t column = 0; column < forest->column_count; column++) {
        changed[column] = forest->medians[column];
        double drop = score - isolation_forest_score(forest, changed);
        changed[column] = row[column];
        if (drop > *ret_drop) {
            *ret_drop = drop;
            cause = column;
        }
    }
    return cause;
}
