// SPDX-License-Identifier: PostgreSQL
#include "math/dbscan.h"

#include "base/list.h"

#include <math.h>
#include <stdlib.h>

#define LEAF_ROWS ((size_t)32)
#define UNSEEN (-2)

/* A part of the tree: rows order[first .. past), within the box low .. high. */
typedef struct TreeNode {
    size_t first;
    size_t past;
    size_t left; /* 0: a leaf */
    size_t right;
} TreeNode;

VECTOR_DEFINE(TreeNodes, TreeNode);
VECTOR_DEFINE(Places, size_t);

typedef struct Tree {
    const MathRows *rows;
    size_t *order;
    TreeNodes nodes;
    double *packed; /* the rows in that order */
    double *boxes;  /* of each node: low and high of each column */
} Tree;

static void
box_find(Tree *tree, size_t node, double *box)
{
    size_t width = tree->rows->width;
    for (size_t j = 0; j < width; j++) {
        box[j] = INFINITY;
        box[width + j] = -INFINITY;
    }
    for (size_t i = tree->nodes.items[node].first; i < tree->nodes.items[node].past; i++) {
        const double *row = tree->rows->values + tree->order[i] * width;
        for (size_t j = 0; j < width; j++) {
            box[j] = fmin(box[j], row[j]);
            box[width + j] = fmax(box[width + j], row[j]);
        }
    }
}

static size_t
widest_column(const double *box, size_t width)
{
    size_t widest = 0;
    for (size_t j = 1; j < width; j++)
        if (box[width + j] - box[j] > box[width + widest] - box[widest])
            widest = j;
    return widest;
}

/* Puts the rows below the middle of the box' widest column before the others; returns where those begin. */
static size_t
node_cut(Tree *tree, const TreeNode *node, const double *box)
{
    size_t width = tree->rows->width;
    size_t column = widest_column(box, width);
    double middle = box[column] + (box[width + column] - box[column]) / 2;
    size_t cut = node->first;
    for (size_t i = node->first; i < node->past; i++)
        if (tree->rows->values[tree->order[i] * width + column] <= middle) {
            size_t swapped = tree->order[i];
            tree->order[i] = tree->order[cut];
            tree->order[cut++] = swapped;
        }
    return cut;
}

/* Cut at the middle of its box, not of its rows: a node of n rows has at most 2n - 1 below it either way, and
 * boxes that are not drawn long are asked for less. */
static void
tree_make(Arena *arena, const MathRows *rows, Tree *tree)
{
    size_t width = rows->width;
    *tree = (Tree){.rows = rows,
                   .order = ARENA_NEW_ARRAY(arena, size_t, rows->count),
                   .packed = ARENA_NEW_ARRAY(arena, double, rows->count *width),
                   .boxes = ARENA_NEW_ARRAY(arena, double, 4 * rows->count * width)};
    for (size_t i = 0; i < rows->count; i++)
        tree->order[i] = i;
    vector_push(arena, &tree->nodes, ((TreeNode){.past = rows->count}));
    for (size_t at = 0; at < tree->nodes.count; at++) {
        double *box = tree->boxes + 2 * width * at;
        TreeNode node = tree->nodes.items[at];
        box_find(tree, at, box);
        if (node.past - node.first <= LEAF_ROWS)
            continue;
        size_t cut = node_cut(tree, &node, box);
        if (cut == node.first || cut == node.past)
            continue; /* all rows are equal */
        tree->nodes.items[at].left = tree->nodes.count;
        tree->nodes.items[at].right = tree->nodes.count + 1;
        vector_push(arena, &tree->nodes, ((TreeNode){.first = node.first, .past = cut}));
        vector_push(arena, &tree->nodes, ((TreeNode){.first = cut, .past = node.past}));
    }
    for (size_t i = 0; i < rows->count; i++)
        for (size_t j = 0; j < width; j++)
            tree->packed[i * width + j] = rows->values[tree->order[i] * width + j];
}

/* Squared, from a row to the nearest place of a box; what is above the limit may be told as any other number
 * above it. Plain comparisons: fmax() is a call, for its care of NaN. */
static double
box_distance(const double *box, const double *row, size_t width, double limit)
{
    double sum = 0;
    for (size_t j = 0; j < width && sum <= limit; j++) {
        double below = box[j] - row[j];
        double above = row[j] - box[width + j];
        double outside = below > 0 ? below : above > 0 ? above : 0;
        sum += outside * outside;
    }
    return sum;
}

/* Squared; what is above the limit may be told as any other number above it. */
static double
row_distance(const double *a, const double *b, size_t width, double limit)
{
    double sum = 0;
    size_t j = 0;
    for (; j + 4 <= width && sum <= limit; j += 4) {
        double d0 = a[j] - b[j];
        double d1 = a[j + 1] - b[j + 1];
        double d2 = a[j + 2] - b[j + 2];
        double d3 = a[j + 3] - b[j + 3];
        sum += (d0 * d0 + d1 * d1) + (d2 * d2 + d3 * d3);
    }
    for (; j < width && sum <= limit; j++)
        sum += (a[j] - b[j]) * (a[j] - b[j]);
    return sum;
}

/* All rows within the radius of a row, itself among them. stack is scratch. */
static void
neighbours_find(Arena *arena, const Tree *tree, size_t row, double radius, Places *stack, Places *ret_found)
{
    size_t width = tree->rows->width;
    const double *at = tree->rows->values + row * width;
    double limit = radius * radius;
    ret_found->count = 0;
    stack->count = 0;
    vector_push(arena, stack, 0);
    while (stack->count > 0) {
        size_t place = stack->items[--stack->count];
        const TreeNode *node = &tree->nodes.items[place];
        if (box_distance(tree->boxes + 2 * width * place, at, width, limit) > limit)
            continue;
        if (node->left != 0) {
            vector_push(arena, stack, node->left);
            vector_push(arena, stack, node->right);
            continue;
        }
        for (size_t i = node->first; i < node->past; i++)
            if (row_distance(at, tree->packed + i * width, width, limit) <= limit)
                vector_push(arena, ret_found, tree->order[i]);
    }
}

typedef struct Growth {
    Arena *arena;
    const Tree *tree;
    double radius;
    size_t points_least;
    int32_t *labels;
    Places stack;
    Places found;
    Places open; /* members of the cluster that were not asked yet */
} Growth;

/* Takes the row's neighbours into the cluster when it is a core; false when it is none. */
static bool
growth_ask(Growth *growth, size_t row, int32_t label)
{
    neighbours_find(growth->arena, growth->tree, row, growth->radius, &growth->stack, &growth->found);
    if (growth->found.count < growth->points_least)
        return false;
    growth->labels[row] = label;
    for (size_t i = 0; i < growth->found.count; i++) {
        size_t neighbour = growth->found.items[i];
        if (growth->labels[neighbour] >= 0)
            continue;
        if (growth->labels[neighbour] == UNSEEN)
            vector_push(growth->arena, &growth->open, neighbour);
        growth->labels[neighbour] = label;
    }
    return true;
}

void
dbscan(Arena *arena, const MathRows *rows, double radius, size_t points_least, Dbscan *ret_dbscan)
{
    fettle_assert(rows->count > 0 && rows->width > 0 && radius > 0 && points_least > 0);
    Tree tree;
    Dbscan found = {.labels = ARENA_NEW_ARRAY(arena, int32_t, rows->count)};
    Growth growth = {.arena = arena,
                     .tree = &tree,
                     .radius = radius,
                     .points_least = points_least,
                     .labels = found.labels};
    tree_make(arena, rows, &tree);
    for (size_t i = 0; i < rows->count; i++)
        found.labels[i] = UNSEEN;
    for (size_t i = 0; i < rows->count; i++) {
        if (found.labels[i] != UNSEEN)
            continue;
        if (!growth_ask(&growth, i, (int32_t)found.clusters)) {
            found.labels[i] = -1; /* unless a core comes later */
            continue;
        }
        while (growth.open.count > 0)
            (void)growth_ask(&growth, growth.open.items[--growth.open.count], (int32_t)found.clusters);
        found.clusters++;
    }
    for (size_t i = 0; i < rows->count; i++)
        found.noise_count += found.labels[i] < 0;
    *ret_dbscan = found;
}

/* The distance to the nearest-th row, the row itself counted. best is scratch for nearest values. */
static double
distance_to_nearest(Arena *arena, const Tree *tree, size_t row, size_t nearest, Places *stack, double *best)
{
    size_t width = tree->rows->width;
    const double *at = tree->rows->values + row * width;
    for (size_t i = 0; i < nearest; i++)
        best[i] = INFINITY; /* ascending */
    stack->count = 0;
    vector_push(arena, stack, 0);
    while (stack->count > 0) {
        size_t place = stack->items[--stack->count];
        const TreeNode *node = &tree->nodes.items[place];
        if (box_distance(tree->boxes + 2 * width * place, at, width, best[nearest - 1]) > best[nearest - 1])
            continue;
        if (node->left != 0) {
            const double *left = tree->boxes + 2 * width * node->left;
            const double *right = tree->boxes + 2 * width * node->right;
            bool is_left =
                box_distance(left, at, width, INFINITY) <= box_distance(right, at, width, INFINITY);
            vector_push(arena, stack, is_left ? node->right : node->left);
            vector_push(arena, stack, is_left ? node->left : node->right);
            continue;
        }
        for (size_t i = node->first; i < node->past; i++) {
            double distance = row_distance(at, tree->packed + i * width, width, best[nearest - 1]);
            size_t to = nearest;
            for (; to > 0 && distance < best[to - 1]; to--)
                if (to < nearest)
                    best[to] = best[to - 1];
            if (to < nearest)
                best[to] = distance;
        }
    }
    return sqrt(best[nearest - 1]);
}

static int
compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

bool
dbscan_radius(Arena *arena, const MathRows *rows, size_t points_least, double *ret_radius, Error *error)
{
    fettle_assert(points_least > 1 && points_least <= DBSCAN_POINTS_MOST);
    if (rows->width > DBSCAN_KNEE_WIDTH_MOST)
        return error_set(error, ERROR_INPUT, "a radius cannot be found in %zu dimensions, only in up to %zu",
                         rows->width, DBSCAN_KNEE_WIDTH_MOST);
    if (rows->count <= points_least)
        return error_set(error, ERROR_INPUT, "%zu rows are too few to find a radius", rows->count);
    Tree tree;
    Places stack = {0};
    double best[DBSCAN_POINTS_MOST];
    double *distances = ARENA_NEW_ARRAY(arena, double, rows->count);
    tree_make(arena, rows, &tree);
    for (size_t i = 0; i < rows->count; i++)
        distances[i] = distance_to_nearest(arena, &tree, i, points_least, &stack, best);
    qsort(distances, rows->count, sizeof(*distances), compare_doubles);
    /* the knee: where the curve is farthest below the line between its ends */
    double first = distances[0];
    double rise = distances[rows->count - 1] - first;
    size_t knee = rows->count - 1;
    double deepest = 0;
    for (size_t i = 0; i < rows->count; i++) {
        double line = first + rise * (double)i / (double)(rows->count - 1);
        if (line - distances[i] > deepest) {
            deepest = line - distances[i];
            knee = i;
        }
    }
    if (!(distances[knee] > 0))
        return error_set(error, ERROR_INPUT, "too many rows are equal to find a radius");
    *ret_radius = distances[knee];
    return true;
}
