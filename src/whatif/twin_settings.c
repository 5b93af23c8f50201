// SPDX-License-Identifier: PostgreSQL
#include "whatif/twin_internal.h"

#include "pg/identifier.h"
#include "pg/result.h"

#include <string.h>

/* Settings outside "Query Tuning" that the planner reads. */
static bool
setting_plans(const SnapshotSetting *setting)
{
    static const char *const names[] = {"work_mem",
                                        "hash_mem_multiplier",
                                        "effective_io_concurrency",
                                        "max_parallel_workers_per_gather",
                                        "max_parallel_workers",
                                        "parallel_leader_participation",
                                        "temp_buffers",
                                        "default_statistics_target",
                                        "row_security",
                                        "DateStyle",
                                        "IntervalStyle",
                                        "TimeZone",
                                        "array_nulls",
                                        "transform_null_equals",
                                        "enable_partition_pruning"};
    if (text_starts_with(setting->category, "Query Tuning"))
        return true;
    for (size_t i = 0; i < FETTLE_COUNT_OF(names); i++)
        if (strcmp(setting->name, names[i]) == 0)
            return true;
    return false;
}

/* "$user" means the application's role, whoever asks here. */
static const char *
search_path_for(Arena *arena, const Snapshot *snapshot)
{
    const char *role = snapshot->application_role;
    const char *mark = strstr(snapshot->search_path, "\"$user\"");
    if (mark == NULL || role == NULL)
        return snapshot->search_path;
    return arena_printf(arena, "%.*s%s%s", (int)(mark - snapshot->search_path), snapshot->search_path,
                        pg_identifier_quote(arena, role), mark + strlen("\"$user\""));
}

bool
twin_settings_apply(const Snapshot *snapshot, PgConnection *connection, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("planner settings", 16 * 1024 * 1024);
    TextList names = {0};
    TextList values = {0};
    for (size_t i = 0; i < snapshot->setting_count; i++) {
        const SnapshotSetting *setting = &snapshot->settings[i];
        if (!setting_plans(setting))
            continue;
        vector_push(arena, &names, setting->name);
        vector_push(arena, &values, snapshot_effective_setting(snapshot, setting->name));
    }
    /* JIT does not change a plan, but costs time at each question. */
    vector_push(arena, &names, "search_path");
    vector_push(arena, &values, search_path_for(arena, snapshot));
    const char *parameters[] = {pg_array_literal(arena, names.items, names.count),
                                pg_array_literal(arena, values.items, values.count)};
    return pg_execute_parameters(
               connection,
               "SELECT pg_catalog.set_config(s.name, s.value, false) FROM ROWS FROM "
               "(pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) AS s (name, value) "
               "WHERE s.name IN (SELECT p.name FROM pg_catalog.pg_settings p WHERE p.context = 'user')",
               parameters, 2, error) &&
           pg_execute(connection, "SET jit = off", error) &&
           pg_execute(connection, "SET plan_cache_mode = force_generic_plan", error);
}
