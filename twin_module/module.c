// SPDX-License-Identifier: PostgreSQL
/*
 * The module's entry. It is loaded by absolute path: by session_preload_libraries, or at the latest when a
 * session first opens a twin table, which is before that table is planned. Loading it changes nothing for
 * other tables.
 */
#include "twin_module.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
    twin_estimate_cache_install();
    twin_expression_statistics_install();
    twin_planner_install();
    twin_guard_install();
    twin_hide_install();
    twin_least_cost_install();
    twin_outdone_install();
    twin_suppose_install();
}
