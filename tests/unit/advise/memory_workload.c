// SPDX-License-Identifier: PostgreSQL
#include "memory_workload.h"

#include "../snapshot/memory_sections.h"
#include "snapshot/catalog.h"
#include "sql/statement.h"

#include <math.h>
#include <string.h>

const char memory_shop[] =
    "@meta key value\nserver_version_num|150004\ncollate|en_US.UTF-8\n"
    "@relations id schema name kind relpages reltuples is_partition partition_key\n"
    "1|public|orders|r|1000|100000|f|\\N\n"
    "2|public|small|r|5|100|f|\\N\n"
    "3|public|events|p|0|0|f|RANGE (day)\n"
    "4|public|events_1|r|500|50000|t|\\N\n"
    "5|public|events_2|r|500|50000|t|\\N\n"
    "6|public|Odd Näme|r|1000|100000|f|\\N\n"
    "@parents id parent_id sequence\n4|3|1\n5|3|1\n"
    "@columns relation_id attnum name type_name base_type length_bytes\n"
    "1|1|id|integer|integer|4\n1|2|customer_id|integer|integer|4\n1|3|status|text|text|-1\n1|4|total|numeric|"
    "numeric|-1\n"
    "1|5|created_at|timestamp with time zone|timestamp with time "
    "zone|8\n1|6|note|text|text|-1\n1|7|data|jsonb|jsonb|-1\n"
    "2|1|id|integer|integer|4\n2|2|x|integer|integer|4\n"
    "3|1|day|date|date|4\n3|2|kind|integer|integer|4\n4|1|day|date|date|4\n4|2|kind|integer|integer|4\n"
    "5|1|kind|integer|integer|4\n5|2|day|date|date|4\n"
    "6|1|Köl|integer|integer|4\n6|2|group|integer|integer|4\n"
    "@indexes id relation_id schema name method definition is_unique is_primary is_valid\n"
    "10|1|public|orders_pkey|btree|CREATE UNIQUE INDEX orders_pkey ON public.orders USING btree (id)|t|t|t\n"
    "@index_columns id attnum expression operator_class is_default_operator_class\n10|1|\\N|int4_ops|t\n"
    "@sizes id size_blocks\n1|1000\n2|5\n4|500\n5|500\n6|1000\n10|276\n"
    "@statistics relation_id attnum null_fraction average_width_bytes n_distinct\n"
    "1|1|0|4|-1\n1|2|0|4|-0.1\n1|3|0|5|2\n1|4|0|6|-0.5\n1|5|0|8|-0.9\n1|6|0.5|20|1000\n";

Fixture
memory_workload(Arena *arena, const char *snapshot_text, const MemoryStatement *statements, size_t count)
{
    const Snapshot *snapshot = NULL;
    Error error = {0};
    if (!snapshot_decode(arena, memory_sections(arena, snapshot_text), &snapshot, &error))
        fail_msg("%s", error.message);
    SqlCatalog catalog = snapshot_catalog(arena, snapshot);
    Workload *workload = ARENA_NEW(arena, Workload);
    workload->statements = ARENA_NEW_ARRAY(arena, WorkloadStatement, count);
    workload->count = workload->costed_count = count;
    for (size_t i = 0; i < count; i++) {
        SnapshotStatement *source = ARENA_NEW(arena, SnapshotStatement);
        *source = (SnapshotStatement){.text = statements[i].text,
                                      .query_hash = i + 1,
                                      .calls = statements[i].calls,
                                      .total_ms = statements[i].total_ms,
                                      .rows = statements[i].rows};
        SqlStatement *parsed = sql_statement_parse(arena, source->text, strlen(source->text));
        double cost = statements[i].baseline_cost;
        bool has_time = !isnan(source->total_ms);
        workload->statements[i] =
            (WorkloadStatement){.position = i,
                                .source = source,
                                .parsed = parsed,
                                .analysis = sql_analyze(arena, parsed, &catalog),
                                .label = source->text,
                                .is_costed = true,
                                .baseline_cost = cost,
                                .weight = has_time ? source->total_ms / cost : source->calls,
                                .total_ms = source->total_ms};
        workload->has_times = workload->has_times || has_time;
        workload->weighted_cost += workload->statements[i].weight * cost;
    }
    Advice *advice = ARENA_NEW(arena, Advice);
    advice->arena = arena;
    return (Fixture){.context = {.arena = arena,
                                 .snapshot = snapshot,
                                 .workload = workload,
                                 .settings = settings_new(arena),
                                 .deadline = DEADLINE_NEVER,
                                 .budget_bytes = INFINITY},
                     .workload = workload,
                     .advice = advice};
}

Fixture
memory_workload_of(Arena *arena, const char *const *texts, size_t count)
{
    MemoryStatement *statements = ARENA_NEW_ARRAY(arena, MemoryStatement, count);
    for (size_t i = 0; i < count; i++)
        statements[i] = (MemoryStatement){
            .text = texts[i], .calls = 1, .total_ms = NAN, .rows = NAN, .baseline_cost = 1000};
    return memory_workload(arena, memory_shop, statements, count);
}
