// SPDX-License-Identifier: PostgreSQL
#include "math/memory_mixture.h"

#include "math/fourier.h"

#include <math.h>

#define SINGLE_FREQUENCIES ((size_t)16)
#define WIDTH_SHARE 0.15 /* of a band above those, of its first frequency */
#define ITERATIONS 1000  /* steps; the slow parts of white noise fade slowly */

/* Neighbouring frequencies, which the parts' spectra differ little over. */
typedef struct Band {
    double frequencies; /* how many */
    double power;       /* mean of theirs, over the count of values */
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
shape_of(double coefficient, double frequency)
{
    return (1 - coefficient * coefficient) /
           (1 - 2 * coefficient * cos(2 * M_PI * frequency) + coefficient * coefficient);
}

static size_t
bands_make(const double *power, size_t count, Band *bands)
{
    size_t half = count / 2;
    size_t band_count = 0;
    for (size_t first = 1; first <= half;) {
        size_t width = first <= SINGLE_FREQUENCIES ? 1 : (size_t)fmax(WIDTH_SHARE * (double)first, 1);
        size_t end = first + width <= half + 1 ? first + width : half + 1;
        Band *band = &bands[band_count++];
        *band = (Band){.frequencies = (double)(end - first)};
        for (size_t j = first; j < end; j++) {
            band->power += power[j] / (double)count / band->frequencies;
            for (size_t k = 0; k < MEMORY_MIXTURE_PARTS; k++)
                band->shapes[k] +=
                    shape_of(memory_mixture_coefficient(k), (double)j / (double)count) / band->frequencies;
        }
        first = end;
    }
    return band_count;
}

/* One multiplicative step of all variances. */
static void
variances_step(const Band *bands, size_t band_count, double *variances)
{
    double wanted[MEMORY_MIXTURE_PARTS] = {0};
    double given[MEMORY_MIXTURE_PARTS] = {0};
    for (size_t b = 0; b < band_count; b++) {
        double density = 0;
        for (size_t k = 0; k < MEMORY_MIXTURE_PARTS; k++)
            density += variances[k] * bands[b].shapes[k];
        for (size_t k = 0; k < MEMORY_MIXTURE_PARTS && density > 0; k++) {
            double share = bands[b].frequencies * bands[b].shapes[k] / density;
            wanted[k] += share * bands[b].power / density;
            given[k] += share;
        }
    }
    for (size_t k = 0; k < MEMORY_MIXTURE_PARTS; k++)
        variances[k] *= given[k] > 0 ? sqrt(wanted[k] / given[k]) : 0;
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
    double *power = ARENA_NEW_ARRAY(arena, double, count / 2 + 1);
    Band *bands = ARENA_NEW_ARRAY(arena, Band, count / 2 + 1);
    fourier_power(arena, values, count, power);
    size_t band_count = bands_make(power, count, bands);
    for (size_t k = 0; k < MEMORY_MIXTURE_PARTS; k++)
        ret_mixture->variances[k] = square / (double)count / (double)MEMORY_MIXTURE_PARTS;
    for (int iteration = 0; iteration < ITERATIONS; iteration++)
        variances_step(bands, band_count, ret_mixture->variances);
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
