// SPDX-License-Identifier: PostgreSQL
#include "math/fourier.h"

#include <math.h>

/* glibc has it for gcc alone; clang knows the builtin too */
#ifndef CMPLX
#define CMPLX(real, imaginary) __builtin_complex((double)(real), (double)(imaginary))
#endif

static size_t
power_of_two_from(size_t count)
{
    size_t size = 1;
    while (size < count)
        size *= 2;
    return size;
}

static void
reorder_by_reversed_bits(double complex *values, size_t size)
{
    size_t reversed = 0;
    for (size_t i = 1; i < size; i++) {
        size_t bit = size / 2;
        for (; (reversed & bit) != 0; bit /= 2)
            reversed ^= bit;
        reversed |= bit;
        if (i < reversed) {
            double complex swapped = values[i];
            values[i] = values[reversed];
            values[reversed] = swapped;
        }
    }
}

/* The product without C's care for infinities, which costs a call. */
static inline double complex
product(double complex a, double complex b)
{
    return CMPLX(creal(a) * creal(b) - cimag(a) * cimag(b), creal(a) * cimag(b) + cimag(a) * creal(b));
}

#define FINE ((size_t)64)

/* The first half of the roots of unity, e^(-2 pi i k / size) for k < size / 2: products of one of few coarse
 * angles and one of few fine ones, so that their error does not grow with k and few angles cost a sine. */
static double complex *
roots_of(Arena *arena, size_t size)
{
    double complex fine[FINE];
    double complex *roots = ARENA_NEW_ARRAY(arena, double complex, size / 2 + 1);
    for (size_t k = 0; k < FINE && k < size / 2; k++) {
        double angle = -2 * M_PI * (double)k / (double)size;
        fine[k] = roots[k] = CMPLX(cos(angle), sin(angle));
    }
    for (size_t begin = FINE; begin < size / 2; begin += FINE) {
        double angle = -2 * M_PI * (double)begin / (double)size;
        double complex coarse = CMPLX(cos(angle), sin(angle));
        for (size_t k = 0; k < FINE && begin + k < size / 2; k++)
            roots[begin + k] = product(coarse, fine[k]);
    }
    return roots;
}

/* Size is a power of two, of which the roots are. */
static void
transform_power_of_two(const double complex *roots, double complex *values, size_t size)
{
    reorder_by_reversed_bits(values, size);
    for (size_t half = 1; half < size; half *= 2) {
        size_t stride = size / (2 * half);
        for (size_t start = 0; start < size; start += 2 * half)
            for (size_t k = 0; k < half; k++) {
                double complex odd = product(values[start + half + k], roots[k * stride]);
                double complex even = values[start + k];
                values[start + k] = even + odd;
                values[start + half + k] = even - odd;
            }
    }
}

/* e^(pi i k^2 / n), of the first n of the 2 n roots of unity, with k^2 reduced first: its rounding would be
 * the angle's. */
static double complex
chirp(const double complex *roots, size_t k, size_t count)
{
    size_t place = (k * k) % (2 * count);
    return place < count ? conj(roots[place]) : -conj(roots[place - count]);
}

static void
transform_any(Arena *arena, double complex *values, size_t count)
{
    size_t size = power_of_two_from(2 * count - 1);
    const double complex *roots = roots_of(arena, size);
    const double complex *angles = roots_of(arena, 2 * count);
    double complex *chirps = ARENA_NEW_ARRAY(arena, double complex, count);
    double complex *a = ARENA_NEW_ARRAY(arena, double complex, size);
    double complex *b = ARENA_NEW_ARRAY(arena, double complex, size);
    for (size_t k = 0; k < count; k++) {
        chirps[k] = chirp(angles, k, count);
        a[k] = product(values[k], conj(chirps[k]));
        b[k] = chirps[k];
        if (k > 0)
            b[size - k] = b[k];
    }
    transform_power_of_two(roots, a, size);
    transform_power_of_two(roots, b, size);
    for (size_t i = 0; i < size; i++)
        a[i] = conj(product(a[i], b[i]));
    transform_power_of_two(roots, a, size); /* backward, by way of the conjugates */
    for (size_t k = 0; k < count; k++)
        values[k] = product(conj(a[k]) / (double)size, conj(chirps[k]));
}

void
fourier_transform(Arena *arena, double complex *values, size_t count)
{
    fettle_assert(count > 0 && count <= FOURIER_COUNT_MOST);
    if (power_of_two_from(count) == count)
        transform_power_of_two(roots_of(arena, count), values, count);
    else
        transform_any(arena, values, count);
}

/* Two neighbours of a real series as one complex value: half the length. The transforms of the even and of
 * the odd values are its symmetric and its antisymmetric part. count is even. */
static void
power_of_pairs(Arena *arena, const double *values, size_t count, double *ret_power)
{
    size_t half = count / 2;
    double complex *work = ARENA_NEW_ARRAY(arena, double complex, half);
    for (size_t i = 0; i < half; i++)
        work[i] = CMPLX(values[2 * i], values[2 * i + 1]);
    fourier_transform(arena, work, half);
    for (size_t k = 0; k <= half; k++) {
        double complex forward = work[k == half ? 0 : k];
        double complex backward = conj(work[k == 0 ? 0 : half - k]);
        double angle = -2 * M_PI * (double)k / (double)count;
        double complex even = (forward + backward) / 2;
        double complex odd = product(CMPLX(0, -0.5), forward - backward);
        double complex sum = even + product(CMPLX(cos(angle), sin(angle)), odd);
        ret_power[k] = creal(sum) * creal(sum) + cimag(sum) * cimag(sum);
    }
}

void
fourier_power(Arena *arena, const double *values, size_t count, double *ret_power)
{
    if (count % 2 == 0) {
        power_of_pairs(arena, values, count, ret_power);
        return;
    }
    double complex *work = ARENA_NEW_ARRAY(arena, double complex, count);
    for (size_t i = 0; i < count; i++)
        work[i] = values[i];
    fourier_transform(arena, work, count);
    for (size_t k = 0; k <= count / 2; k++)
        ret_power[k] = creal(work[k]) * creal(work[k]) + cimag(work[k]) * cimag(work[k]);
}

void
fourier_correlate(Arena *arena, const double *values, size_t count, size_t lags, double *ret_sums)
{
    fettle_assert(lags <= count && count <= FOURIER_COUNT_MOST);
    size_t size = power_of_two_from(count + lags);
    const double complex *roots = roots_of(arena, size);
    double complex *work = ARENA_NEW_ARRAY(arena, double complex, size);
    for (size_t i = 0; i < count; i++)
        work[i] = values[i];
    transform_power_of_two(roots, work, size);
    for (size_t i = 0; i < size; i++)
        work[i] = creal(work[i]) * creal(work[i]) + cimag(work[i]) * cimag(work[i]);
    transform_power_of_two(roots, work, size);
    for (size_t lag = 0; lag < lags; lag++)
        ret_sums[lag] = creal(work[lag]) / (double)size;
}
