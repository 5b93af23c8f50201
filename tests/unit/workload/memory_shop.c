// SPDX-License-Identifier: PostgreSQL
#include "memory_shop.h"

#include "../snapshot/memory_sections.h"

static const char shop_text[] =
    "@meta key value\nserver_version_num|150004\n"
    "@relations id schema name kind relpages reltuples is_partition partition_key view_definition\n"
    "1|public|orders|r|1000|100000|f|\\N|\\N\n"
    "2|public|customers|r|5|1000|f|\\N|\\N\n"
    "3|public|events|p|0|50000|f|RANGE (day)|\\N\n"
    "4|public|events_1|r|500|50000|t|\\N|\\N\n"
    "5|public|open_orders|v|0|0|f|\\N|SELECT id, customer_id FROM orders WHERE status = 'open'\n"
    "@parents id parent_id sequence\n4|3|1\n"
    "@columns relation_id attnum name type_name base_type length_bytes\n"
    "1|1|id|integer|integer|4\n1|2|customer_id|integer|integer|4\n1|3|status|text|text|-1\n"
    "2|1|id|integer|integer|4\n2|2|name|text|text|-1\n2|3|tags|text[]|text[]|-1\n"
    "3|1|day|date|date|4\n3|2|kind|integer|integer|4\n4|1|day|date|date|4\n4|2|kind|integer|integer|4\n"
    "5|1|id|integer|integer|4\n5|2|customer_id|integer|integer|4\n"
    "@indexes id relation_id schema name method definition is_unique is_primary is_valid\n"
    "10|1|public|orders_pkey|btree|CREATE UNIQUE INDEX orders_pkey ON public.orders USING btree (id)|t|t|t\n"
    "@index_columns id attnum expression operator_class is_default_operator_class\n10|1|\\N|int4_ops|t\n"
    "@statistics relation_id attnum is_inherited null_fraction average_width_bytes n_distinct kind1 "
    "operator1 "
    "numbers1 values1 kind2 operator2 numbers2\n"
    "1|1|f|0|4|-1|2|pg_catalog.<(integer,integer)|\\N|{1,2}|3|pg_catalog.<(integer,integer)|{0.5}\n"
    "1|3|f|0.2|5|4|1|pg_catalog.=(text,text)|{0.6,0.1}|{a,b}|0|\\N|\\N\n"
    "2|1|f|0|4|-1|0|pg_catalog.<(integer,integer)|\\N|\\N|0|\\N|\\N\n"
    "2|2|f|0|4|100|0|pg_catalog.=(text,text)|{0.1}|\\N|0|\\N|\\N\n"
    "2|3|f|0|4|10|0|pg_catalog.=(text,text)|{0.9}|\\N|0|\\N|\\N\n"
    "3|2|t|0|4|7|0|\\N|\\N|\\N|0|\\N|\\N\n";

WorkloadTemplates
shop_templates(Arena *arena, const ShopStatement *statements, size_t count)
{
    WorkloadTemplates templates = {.items = ARENA_NEW_ARRAY(arena, WorkloadTemplate, count), .count = count};
    for (size_t i = 0; i < count; i++) {
        templates.items[i] = (WorkloadTemplate){.database_name = "shop",
                                                .query_hash = (int64_t)i + 1,
                                                .text = statements[i].text,
                                                .observed_seconds = 86400,
                                                .calls = statements[i].calls,
                                                .total_ms = statements[i].calls * statements[i].mean_ms,
                                                .rows = statements[i].calls * statements[i].rows_per_call};
        templates.total_ms += templates.items[i].total_ms;
    }
    return templates;
}

void
shop_hours(Arena *arena, WorkloadTemplate *template, float (*calls_at)(size_t hour))
{
    float *hours = ARENA_NEW_ARRAY(arena, float, SHOP_HOURS);
    for (size_t i = 0; i < SHOP_HOURS; i++)
        hours[i] = calls_at(i);
    template->hours = hours;
}

const Snapshot *
shop_snapshot(Arena *arena)
{
    const Snapshot *snapshot = NULL;
    Error error = {0};
    if (!snapshot_decode(arena, memory_sections(arena, shop_text), &snapshot, &error))
        fail_msg("%s", error.message);
    return snapshot;
}
