// SPDX-License-Identifier: PostgreSQL
#include "memory_sections.h"

#include "base/list.h"
#include "base/text.h"

#include <string.h>

/* Splits at the separator; "\N" alone is NULL, "\n" within a value a line's end. */
static TextList
fields_of(Arena *arena, const char *line, size_t length, char separator)
{
    TextList fields = {0};
    for (size_t at = 0; at <= length;) {
        const char *end = memchr(line + at, separator, length - at);
        size_t field_length = end == NULL ? length - at : (size_t)(end - (line + at));
        Text field = text_new(arena);
        for (size_t i = 0; i < field_length; i++) {
            bool is_newline = line[at + i] == '\\' && i + 1 < field_length && line[at + i + 1] == 'n';
            text_append_char(&field, is_newline ? '\n' : line[at + i]);
            i += is_newline;
        }
        const char *value = text_equals(field.data, "\\N") ? NULL : field.data;
        vector_push(arena, &fields, value);
        at += field_length + 1;
    }
    return fields;
}

static void
section_begin(Arena *arena, SnapshotSections *sections, const TextList *words)
{
    assert_true(sections->count < SNAPSHOT_SECTIONS_MOST);
    sections->items[sections->count++] = (SnapshotSection){
        .name = words->items[0], .columns = words->items + 1, .column_count = words->count - 1};
    (void)arena;
}

SnapshotSections *
memory_sections(Arena *arena, const char *text)
{
    SnapshotSections *sections = ARENA_NEW(arena, SnapshotSections);
    sections->items = ARENA_NEW_ARRAY(arena, SnapshotSection, SNAPSHOT_SECTIONS_MOST);
    TextList values = {0};
    for (const char *line = text; line[0] != '\0';) {
        size_t length = strcspn(line, "\n");
        if (line[0] == '@') {
            TextList words = fields_of(arena, line + 1, length - 1, ' ');
            section_begin(arena, sections, &words);
            values = (TextList){0};
        } else {
            SnapshotSection *section = &sections->items[sections->count - 1];
            TextList row = fields_of(arena, line, length, '|');
            assert_int_equal(row.count, section->column_count);
            for (size_t i = 0; i < row.count; i++)
                vector_push(arena, &values, row.items[i]);
            section->values = values.items;
            section->row_count++;
        }
        line += length + (line[length] == '\n');
    }
    return sections;
}

static const char shop_text[] =
    "@gaps subject reason remedy\n"
    "current sizes|canceling statement due to lock timeout|try again\n"
    "extended statistics|could not read extended_data: bad value \"secret-gap\"|let a superuser read\n"
    "@meta key value\n"
    "server_version_num|150004\n"
    "server_version|15.4\n"
    "database|shop\n"
    "encoding|UTF8\n"
    "reader|fettle_monitor\n"
    "taken_at|2026-02-20T14:30:00Z\n"
    "@settings name value unit type source boot_value\n"
    "work_mem|4096|kB|integer|default|4096\n"
    "search_path|\"$user\", public|\\N|string|default|\"$user\", public\n"
    "pg_stat_statements.max|5000|\\N|integer|configuration file|5000\n"
    "app.api_key|secret-key|\\N|string|configuration file|\\N\n"
    "@role_settings role database name value\n"
    "app|shop|search_path|sales, public\n"
    "app|\\N|app.jwt_key|secret-jwt\n"
    "@schemas id name owner\n"
    "2200|public|postgres\n"
    "16400|sales|app\n"
    "@objects id kind schema name detail volatility definition\n"
    "16500|function|sales|tax|sql|i|CREATE FUNCTION sales.tax(numeric) RETURNS numeric AS 'select 1'\n"
    "16501|function|sales|tax|sql|v|CREATE FUNCTION sales.tax(integer) RETURNS numeric AS 'select 2'\n"
    "16502|function|sales|half|sql|i|CREATE FUNCTION sales.half(numeric) RETURNS numeric\n"
    "@relations id schema name owner kind view_definition partition_bound relpages reltuples\n"
    "16401|sales|orders|app|r|\\N|\\N|1000|100000\n"
    "16402|sales|open_orders|app|v| SELECT id FROM sales.orders WHERE status = 'open'|\\N|0|0\n"
    "16403|public|Notes|app|r|\\N|\\N|1|10\n"
    "16404|public|orders|app|r|\\N|\\N|1|10\n"
    "@columns relation_id attnum name type_name base_type default_expression is_not_null is_dropped\n"
    "16401|1|id|integer|integer|nextval('sales.orders_id_seq'::regclass)|t|f\n"
    "16401|2|........pg.dropped.2........|\\N|\\N|\\N|f|t\n"
    "16401|3|status|sales.state|text|'open'::text|t|f\n"
    "16401|4|total|numeric(10,2)|numeric|\\N|f|f\n"
    "16402|1|id|integer|integer|\\N|f|f\n"
    "16403|1|text|text|text|\\N|f|f\n"
    "16404|1|id|integer|integer|\\N|f|f\n"
    "@indexes id relation_id schema name method definition predicate is_unique is_valid relpages "
    "reltuples\n"
    "16410|16401|sales|orders_pkey|btree|CREATE UNIQUE INDEX orders_pkey ON sales.orders USING btree "
    "(id)|\\N|"
    "t|t|276|100000\n"
    "16411|16401|sales|orders_total|btree|CREATE INDEX orders_total ON sales.orders USING btree "
    "(total) WHERE "
    "(total > 100)|(total > 100)|f|t|9|4000\n"
    "@index_columns id position attnum expression operator_class\n"
    "16410|1|1|\\N|int4_ops\n"
    "16411|1|4|\\N|numeric_ops\n"
    "@constraints id relation_id name type definition columns\n"
    "16420|16401|orders_pkey|p|PRIMARY KEY (id)|{1}\n"
    "16421|16401|orders_check|c|CHECK ((total < (10)::numeric))|{4}\n"
    "@policies relation_id name is_permissive command roles using_expression check_expression\n"
    "16401|own|t|r|{app}|(status <> 'hidden'::text)|\\N\n"
    "@statistics relation_id attnum column_name is_inherited null_fraction average_width_bytes "
    "n_distinct kind1 "
    "operator1 numbers1 values1 kind2 operator2 numbers2 values2 kind3 operator3 numbers3 values3\n"
    "16401|3|status|f|0.25|5|3|1|\\N|{0.9,0.1}|{secret-mcv,b}|2|\\N|\\N|{secret-low,secret-high}|3|"
    "\\N|{0.5}|\\N\n"
    "16401|4|total|f|0|8|-1|6|\\N|{0.01}|{secret-range}|102|\\N|{7,7}|secret-geometry|0|\\N|\\N|\\N\n"
    "@extended_statistics id relation_id schema name definition statistics_target keys\n"
    "16430|16401|sales|both|CREATE STATISTICS sales.both ON status, total FROM "
    "sales.orders|-1|{status,total}\n"
    "@extended_data id is_inherited ndistinct dependencies mcv_json expressions_json\n"
    "16430|false|{\"3, 4\": 900}|{\"3 => 4\": "
    "0.5}|[{\"values\":[\"secret-both\"]}]|[{\"values1\":\"secret-x\"}]\n"
    "@index_ends id low_value high_value\n"
    "16410|secret-1|secret-100000\n"
    "@statements query_id role text is_top_level calls total_ms mean_ms\n"
    "-77|app|select * from orders where status = $1|t|10|500|50\n"
    "78|report|alter role bob password 'secret-password'|t|1|1|1\n"
    "79|app|notify channel, 'secret-message'|t|1|1|1\n"
    "80|app|select * from orders where status = 'secret-cut|t|1|1|1\n"
    "@statement_samples query_id text\n"
    "-77|select * from orders where status = 'secret-sample'\n"
    "@reading key value\n"
    "rights|full\n"
    "has_statements|true\n"
    "read_ms|12.500\n"
    "application_role|\\N\n";

const char *
memory_sections_shop(void)
{
    return shop_text;
}

static const char *
random_text(Arena *arena, Random *random)
{
    static const char *const pieces[] = {
        "a", "0", "'", "\n", "|", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x90\x98", "select", " "};
    uint64_t length = random_below(random, 20) == 0 ? random_below(random, 400) : random_below(random, 12);
    Text text = text_new(arena);
    for (uint64_t i = 0; i < length; i++)
        text_append(&text, pieces[random_below(random, FETTLE_COUNT_OF(pieces))]);
    return text.data;
}

SnapshotSections *
memory_sections_random(Arena *arena, Random *random)
{
    SnapshotSections *sections = ARENA_NEW(arena, SnapshotSections);
    sections->count = (size_t)random_below(random, 10);
    sections->items = ARENA_NEW_ARRAY(arena, SnapshotSection, sections->count);
    for (size_t i = 0; i < sections->count; i++) {
        SnapshotSection *section = &sections->items[i];
        section->column_count = (size_t)random_below(random, 8);
        section->row_count = section->column_count == 0 ? 0 : (size_t)random_below(random, 40);
        section->name = arena_printf(arena, "section%zu%s", i, random_text(arena, random));
        const char **columns = ARENA_NEW_ARRAY(arena, const char *, section->column_count);
        for (size_t k = 0; k < section->column_count; k++)
            columns[k] = arena_printf(arena, "%zu%s", k, random_text(arena, random));
        section->columns = columns;
        section->values = ARENA_NEW_ARRAY(arena, const char *, section->column_count * section->row_count);
        for (size_t k = 0; k < section->column_count * section->row_count; k++)
            section->values[k] = random_below(random, 5) == 0 ? NULL : random_text(arena, random);
    }
    return sections;
}

const char *
memory_sections_value(const SnapshotSections *sections, const char *section, const char *key,
                      const char *column)
{
    const SnapshotSection *found = snapshot_section_find(sections, section);
    assert_non_null(found);
    int position = snapshot_section_column(found, column);
    assert_true(position >= 0);
    for (size_t row = 0; row < found->row_count; row++)
        if (text_equals(snapshot_section_value(found, row, 0), key))
            return snapshot_section_value(found, row, position);
    fail_msg("no row \"%s\" in section %s", key, section);
    return NULL;
}
