// SPDX-License-Identifier: PostgreSQL
#include "math/minimize.h"

#include <math.h>
#include <string.h>

typedef struct Corner {
    double at[MINIMIZE_PARAMETERS_MOST];
    double value;
} Corner;

/* The best first. */
typedef struct Simplex {
    const MinimizeOptions *options;
    size_t count; /* of parameters; one corner more */
    size_t evaluations;
    Corner corners[MINIMIZE_PARAMETERS_MOST + 1];
} Simplex;

static void
evaluate(Simplex *simplex, Corner *corner)
{
    const MinimizeOptions *options = simplex->options;
    for (size_t i = 0; i < simplex->count; i++)
        corner->at[i] = fmin(options->upper[i], fmax(options->lower[i], corner->at[i]));
    double value = options->function(corner->at, options->context);
    simplex->evaluations++;
    corner->value = isfinite(value) ? value : INFINITY;
}

/* Moves the corner at a place up to where its value belongs. */
static void
settle(Simplex *simplex, size_t place)
{
    for (; place > 0 && simplex->corners[place].value < simplex->corners[place - 1].value; place--) {
        Corner corner = simplex->corners[place];
        simplex->corners[place] = simplex->corners[place - 1];
        simplex->corners[place - 1] = corner;
    }
}

static void
begin(Simplex *simplex, const double *parameters)
{
    const MinimizeOptions *options = simplex->options;
    for (size_t place = 0; place <= simplex->count; place++) {
        Corner *corner = &simplex->corners[place];
        memcpy(corner->at, parameters, simplex->count * sizeof(double));
        if (place > 0) {
            size_t axis = place - 1;
            double step = options->step * (options->upper[axis] - options->lower[axis]);
            corner->at[axis] += corner->at[axis] + step > options->upper[axis] ? -step : step;
        }
        evaluate(simplex, corner);
        settle(simplex, place);
    }
}

/* On the line from the worst corner through the middle of the others, at so many times their distance. */
static Corner
try_at(Simplex *simplex, double distance)
{
    Corner corner = {.value = 0};
    size_t count = simplex->count;
    for (size_t i = 0; i < count; i++) {
        double middle = 0;
        for (size_t place = 0; place < count; place++)
            middle += simplex->corners[place].at[i] / (double)count;
        corner.at[i] = middle + distance * (middle - simplex->corners[count].at[i]);
    }
    evaluate(simplex, &corner);
    return corner;
}

static void
take(Simplex *simplex, const Corner *corner)
{
    simplex->corners[simplex->count] = *corner;
    settle(simplex, simplex->count);
}

static void
shrink(Simplex *simplex)
{
    for (size_t place = 1; place <= simplex->count; place++) {
        for (size_t i = 0; i < simplex->count; i++)
            simplex->corners[place].at[i] = (simplex->corners[place].at[i] + simplex->corners[0].at[i]) / 2;
        evaluate(simplex, &simplex->corners[place]);
    }
    for (size_t place = 1; place <= simplex->count; place++)
        settle(simplex, place);
}

static void
step(Simplex *simplex)
{
    size_t worst = simplex->count;
    Corner reflected = try_at(simplex, 1);
    if (reflected.value < simplex->corners[0].value) {
        Corner further = try_at(simplex, 2);
        take(simplex, further.value < reflected.value ? &further : &reflected);
    } else if (reflected.value < simplex->corners[worst - 1].value) {
        take(simplex, &reflected);
    } else {
        Corner nearer = try_at(simplex, reflected.value < simplex->corners[worst].value ? 0.5 : -0.5);
        if (nearer.value < fmin(reflected.value, simplex->corners[worst].value))
            take(simplex, &nearer);
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
           simplex.corners[count].value - simplex.corners[0].value >
               options->tolerance * fabs(simplex.corners[0].value))
        step(&simplex);
    memcpy(parameters, simplex.corners[0].at, count * sizeof(double));
    return simplex.corners[0].value;
}
