// SPDX-License-Identifier: PostgreSQL
#include "math/minimize.h"

#include <math.h>
#include <string.h>

typedef double Point[MINIMIZE_PARAMETERS_MOST];

/* Corners and their values, the best first. */
typedef struct Simplex {
    const MinimizeOptions *options;
    size_t count; /* of parameters; one corner more */
    size_t evaluations;
    Point corners[MINIMIZE_PARAMETERS_MOST + 1];
    double values[MINIMIZE_PARAMETERS_MOST + 1];
} Simplex;

static double
evaluate(Simplex *simplex, double *point)
{
    const MinimizeOptions *options = simplex->options;
    for (size_t i = 0; i < simplex->count; i++)
        point[i] = fmin(options->upper[i], fmax(options->lower[i], point[i]));
    double value = options->function(point, options->context);
    simplex->evaluations++;
    return isfinite(value) ? value : INFINITY;
}

/* Moves the corner at a place up to where its value belongs. */
static void
settle(Simplex *simplex, size_t place)
{
    for (; place > 0 && simplex->values[place] < simplex->values[place - 1]; place--) {
        Point corner;
        double value = simplex->values[place];
        memcpy(corner, simplex->corners[place], sizeof(corner));
        memcpy(simplex->corners[place], simplex->corners[place - 1], sizeof(corner));
        memcpy(simplex->corners[place - 1], corner, sizeof(corner));
        simplex->values[place] = simplex->values[place - 1];
        simplex->values[place - 1] = value;
    }
}

static void
begin(Simplex *simplex, const double *parameters)
{
    const MinimizeOptions *options = simplex->options;
    for (size_t corner = 0; corner <= simplex->count; corner++) {
        double *point = simplex->corners[corner];
        memcpy(point, parameters, simplex->count * sizeof(double));
        if (corner > 0) {
            size_t axis = corner - 1;
            double step = options->step * (options->upper[axis] - options->lower[axis]);
            point[axis] += point[axis] + step > options->upper[axis] ? -step : step;
        }
        simplex->values[corner] = evaluate(simplex, point);
        settle(simplex, corner);
    }
}

/* On the line from the worst corner through the middle of the others, at so many times their distance. */
static double
try_at(Simplex *simplex, double distance, double *ret_point)
{
    size_t count = simplex->count;
    for (size_t i = 0; i < count; i++) {
        double middle = 0;
        for (size_t corner = 0; corner < count; corner++)
            middle += simplex->corners[corner][i] / (double)count;
        ret_point[i] = middle + distance * (middle - simplex->corners[count][i]);
    }
    return evaluate(simplex, ret_point);
}

static void
take(Simplex *simplex, const double *point, double value)
{
    memcpy(simplex->corners[simplex->count], point, sizeof(Point));
    simplex->values[simplex->count] = value;
    settle(simplex, simplex->count);
}

static void
shrink(Simplex *simplex)
{
    for (size_t corner = 1; corner <= simplex->count; corner++) {
        for (size_t i = 0; i < simplex->count; i++)
            simplex->corners[corner][i] = (simplex->corners[corner][i] + simplex->corners[0][i]) / 2;
        simplex->values[corner] = evaluate(simplex, simplex->corners[corner]);
    }
    for (size_t corner = 1; corner <= simplex->count; corner++)
        settle(simplex, corner);
}

static void
step(Simplex *simplex)
{
    size_t worst = simplex->count;
    Point reflected = {0};
    Point other = {0};
    double value = try_at(simplex, 1, reflected);
    if (value < simplex->values[0]) {
        double further = try_at(simplex, 2, other);
        take(simplex, further < value ? other : reflected, fmin(further, value));
    } else if (value < simplex->values[worst - 1]) {
        take(simplex, reflected, value);
    } else {
        bool is_outside = value < simplex->values[worst];
        double nearer = try_at(simplex, is_outside ? 0.5 : -0.5, other);
        if (nearer < fmin(value, simplex->values[worst]))
            take(simplex, other, nearer);
        else
            shrink(simplex);
    }
}

double
minimize_simplex(const MinimizeOptions *options, double *parameters, size_t count)
{
    fettle_assert(count >= 1 && count <= MINIMIZE_PARAMETERS_MOST);
    Simplex simplex = {.options = options, .count = count};
    begin(&simplex, parameters);
    while (simplex.evaluations < options->evaluations_most &&
           simplex.values[count] - simplex.values[0] > options->tolerance * fabs(simplex.values[0]))
        step(&simplex);
    memcpy(parameters, simplex.corners[0], count * sizeof(double));
    return simplex.values[0];
}
