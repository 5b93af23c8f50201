// SPDX-License-Identifier: PostgreSQL
#include "math/memory_mixture.h"

#include "math/fourier.h"
#include "math/non_negative.h"

#include <math.h>
#include <string.h>

#define SINGLE_FREQUENCIES ((size_t)16)
#define WIDTH_SHARE 0.15 /* of a band above those, of its first frequency */
#define BEGINNING 30     /* multiplicative steps: near enough for those by least squares */
#define STEPS_MOST 50
#define HALVINGS_MOST 12
#define MISFIT_LEAST 1e-7 /* of the logarithm of the likelihood, to go on */

/* Neighbouring frequencies, which the parts' spectra differ little over. */
typedef struct Band {
    double frequencies; /* how many */
    double power;       /* mean of theirs, over the sum of squares of all values */
    double shapes[MEMORY_MIXTURE_PARTS];
} Band;

double
memory_mixture_coefficient(size_t part)
{
    fettle_assert(part < MEMORY_MIXTURE_PARTS);
    return part == 0 ? 0 : exp(-1 / exp2((double)part - 1));
}

/* The spectrum of a part of variance 1. */
static double
shape_of(double coefficient, double cosine)
{
    return (1 - coefficient * coefficient) / (1 - 2 * coefficient * cosine + coefficient * coefficient);
}

static size_t
bands_make(const double *power, size_t count, double scale, Band *bands)
{
    double coefficients[MEMORY_MIXTURE_PARTS];
    for (size_t k = 0; k < MEMORY_MIXTURE_PARTS; k++)
        coefficients[k] = memory_mixture_coefficient(k);
    size_t half = count / 2;
    size_t band_count = 0;
    for (size_t first = 1; first <= half;) {
        size_t width = first <= SINGLE_FREQUENCIES ? 1 : (size_t)fmax(WIDTH_SHARE * (double)first, 1);
        size_t end = first + width <= half + 1 ? first + width : half + 1;
        Band *band = &bands[band_count++];
        *band = (Band){.frequencies = (double)(end - first)};
        for (size_t j = first; j < end; j++)
            band->power += power[j] / scale / band->frequencies;
        /* A shape's mean over a band by the two points of Gauss: exact to the third power. */
        double middle = ((double)first + (double)end - 1) / 2;
        double apart = end - first > 1 ? band->frequencies / 2 / sqrt(3) : 0;
        double cosines[] = {cos(2 * M_PI * (middle - apart) / (double)count),
                            cos(2 * M_PI * (middle + apart) / (double)count)};
        for (size_t k = 0; k < MEMORY_MIXTURE_PARTS; k++)
            band->shapes[k] =
                (shape_of(coefficients[k], cosines[0]) + shape_of(coefficients[k], cosines[1])) / 2;
        first = end;
    }
    return band_count;
}

static double
density_of(const Band *band, const double *variances)
{
    double density = 0;
    for (size_t k = 0; k < MEMORY_MIXTURE_PARTS; k++)
        density += variances[k] * band->shapes[k];
    return density;
}

/* One multiplicative step of all variances. */
static void
variances_step(const Band *bands, size_t band_count, double *variances)
{
    double wanted[MEMORY_MIXTURE_PARTS] = {0};
    double given[MEMORY_MIXTURE_PARTS] = {0};
    for (size_t b = 0; b < band_count; b++) {
        double density = density_of(&bands[b], variances);
        for (size_t k = 0; k < MEMORY_MIXTURE_PARTS && density > 0; k++) {
            double share = bands[b].frequencies * bands[b].shapes[k] / density;
            wanted[k] += share * bands[b].power / density;
            given[k] += share;
        }
    }
    for (size_t k = 0; k < MEMORY_MIXTURE_PARTS; k++)
        variances[k] *= given[k] > 0 ? sqrt(wanted[k] / given[k]) : 0;
}

/* Less the logarithm of the likelihood. */
static double
misfit_of(const Band *bands, size_t band_count, const double *variances)
{
    double misfit = 0;
    for (size_t b = 0; b < band_count; b++) {
        double density = density_of(&bands[b], variances);
        if (!(density > 0))
            return INFINITY;
        misfit += bands[b].frequencies * (log(density) + bands[b].power / density);
    }
    return misfit;
}

/* Where least squares lead to whose weights are those of the likelihood here. */
static void
variances_aim(Arena *arena, const Band *bands, size_t band_count, const double *variances, double *ret_aim)
{
    double products[MEMORY_MIXTURE_PARTS * MEMORY_MIXTURE_PARTS] = {0};
    double target[MEMORY_MIXTURE_PARTS] = {0};
    double scales[MEMORY_MIXTURE_PARTS];
    for (size_t b = 0; b < band_count; b++) {
        double density = density_of(&bands[b], variances);
        double weight = bands[b].frequencies / (density * density);
        for (size_t k = 0; k < MEMORY_MIXTURE_PARTS; k++) {
            target[k] += weight * bands[b].shapes[k] * bands[b].power;
            for (size_t l = 0; l < MEMORY_MIXTURE_PARTS; l++)
                products[k * MEMORY_MIXTURE_PARTS + l] += weight * bands[b].shapes[k] * bands[b].shapes[l];
        }
    }
    for (size_t k = 0; k < MEMORY_MIXTURE_PARTS; k++)
        scales[k] = 1 / sqrt(products[k * MEMORY_MIXTURE_PARTS + k]);
    for (size_t k = 0; k < MEMORY_MIXTURE_PARTS; k++) {
        target[k] *= scales[k];
        for (size_t l = 0; l < MEMORY_MIXTURE_PARTS; l++)
            products[k * MEMORY_MIXTURE_PARTS + l] *= scales[k] * scales[l];
    }
    non_negative_solve(arena, products, target, MEMORY_MIXTURE_PARTS, ret_aim);
    for (size_t k = 0; k < MEMORY_MIXTURE_PARTS; k++)
        ret_aim[k] *= scales[k];
}

/* To the top of the likelihood: so far towards each aim as it rises. */
static void
variances_climb(Arena *arena, const Band *bands, size_t band_count, double *variances)
{
    double misfit = misfit_of(bands, band_count, variances);
    double gain = INFINITY;
    for (int step = 0; step < STEPS_MOST && gain > MISFIT_LEAST && isfinite(misfit); step++) {
        double aim[MEMORY_MIXTURE_PARTS];
        ArenaMark mark = arena_mark(arena);
        variances_aim(arena, bands, band_count, variances, aim);
        arena_rewind(arena, mark);
        gain = 0;
        double part = 1;
        for (int halving = 0; halving < HALVINGS_MOST && gain <= 0; halving++) {
            double trial[MEMORY_MIXTURE_PARTS];
            for (size_t k = 0; k < MEMORY_MIXTURE_PARTS; k++)
                trial[k] = variances[k] + part * (aim[k] - variances[k]);
            double reached = misfit_of(bands, band_count, trial);
            part /= 2;
            if (!(reached < misfit))
                continue;
            gain = misfit - reached;
            misfit = reached;
            memcpy(variances, trial, sizeof(trial));
        }
    }
}

void
memory_mixture_fit(Arena *arena, const double *values, size_t count, MemoryMixture *ret_mixture)
{
    *ret_mixture = (MemoryMixture){0};
    double square = 0;
    for (size_t i = 0; i < count; i++)
        square += values[i] * values[i];
    if (count < 2 || !(square > 0))
        return;
    ArenaMark mark = arena_mark(arena);
    double *variances = ret_mixture->variances;
    double *power = ARENA_NEW_ARRAY(arena, double, count / 2 + 1);
    Band *bands = ARENA_NEW_ARRAY(arena, Band, count / 2 + 1);
    fourier_power(arena, values, count, power);
    size_t band_count = bands_make(power, count, square, bands);
    for (size_t k = 0; k < MEMORY_MIXTURE_PARTS; k++)
        variances[k] = 1 / (double)MEMORY_MIXTURE_PARTS;
    for (int iteration = 0; iteration < BEGINNING; iteration++)
        variances_step(bands, band_count, variances);
    variances_climb(arena, bands, band_count, variances);
    for (size_t k = 0; k < MEMORY_MIXTURE_PARTS; k++)
        variances[k] *= square / (double)count;
    arena_rewind(arena, mark);
}

double
memory_mixture_variance(const MemoryMixture *mixture, size_t slots)
{
    fettle_assert(slots >= 1);
    double sum = mixture->variances[0];
    double n = (double)slots;
    for (size_t k = 1; k < MEMORY_MIXTURE_PARTS; k++) {
        double c = memory_mixture_coefficient(k);
        double factor = (1 + c) / (1 - c) - 2 * c * (1 - pow(c, n)) / (n * (1 - c) * (1 - c));
        sum += mixture->variances[k] * factor;
    }
    return sum;
}
