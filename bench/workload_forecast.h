// SPDX-License-Identifier: PostgreSQL
/*
 * Forecasts of generated fleets, for bench/workload_bench.c.
 *
 * Each series is exp(base + day profile + week profile + AR(1) + white noise) calls an hour, Poisson on top,
 * and what its kind adds: holidays, a drift, a level shift, bursts between idle hours, jobs, gaps and spikes,
 * a level that walks, few calls, few days; or it is a size that
 * grows by day and by steps. All parameters come from the seed: even seeds are for tuning, odd
 * ones for the report. The forecast is made of all hours but the last two days, which it is compared with;
 * so is the day before again (seasonal naive 24), in the same run.
 */
#ifndef FETTLE_BENCH_WORKLOAD_FORECAST_H
#define FETTLE_BENCH_WORKLOAD_FORECAST_H

/* A line of JSON for each kind; parity 0: seeds for tuning, 1: for the report. */
int measure_forecasts(unsigned parity, unsigned series_count);

/* Dates at which sizes reach a limit, of generated histories whose future is known: lines that grow with
 * scatter around them, and sums of steps, of 14 to 120 days; a line of JSON for each. */
int measure_capacity(unsigned parity, unsigned series_count);

#endif
