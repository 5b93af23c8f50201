// SPDX-License-Identifier: PostgreSQL
/*
 * Periods found in generated series of known truth, for bench/workload_bench.c: smooth profiles of one or two
 * periods, jobs of an hour or two, and series without any period, with trend, level shift, spikes and gaps.
 */
#ifndef FETTLE_BENCH_WORKLOAD_PERIODS_H
#define FETTLE_BENCH_WORKLOAD_PERIODS_H

/* A line of JSON for each kind; parity 0: seeds for tuning, 1: for the report. */
int measure_periods(unsigned parity);

#endif
