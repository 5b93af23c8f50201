// SPDX-License-Identifier: PostgreSQL
/*
 * The module's entry. It is loaded by absolute path: by session_preload_libraries, or at the latest when a
 * session first opens a twin table, which is before that table is planned. Loading it changes nothing for
 * other tables.
 */
#include "twin_module.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

PG_MODULE_MAGIC;

/* What planning with a hundred indexes takes; glibc would give it back after each question, and the kernel
 * would clear the same pages for the next. */
#define MEMORY_KEPT_BYTES (64 * 1024 * 1024)

extern PGDLLEXPORT void _PG_init(void);

static void
memory_keep(void)
{
#ifdef __GLIBC__
    (void)mallopt(M_TRIM_THRESHOLD, MEMORY_KEPT_BYTES);
    (void)mallopt(M_MMAP_THRESHOLD, MEMORY_KEPT_BYTES / 2);
#endif
}

void
_PG_init(void)
{
    memory_keep();
    twin_estimate_cache_install();
    twin_expression_statistics_install();
    twin_planner_install();
    twin_guard_install();
    twin_hide_install();
    twin_hypothetical_install();
    twin_least_cost_install();
    twin_partial_paths_install();
    twin_outdone_install();
    twin_suppose_install();
}
