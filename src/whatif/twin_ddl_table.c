// SPDX-License-Identifier: PostgreSQL
#include "whatif/twin_ddl_table.h"

#include "pg/identifier.h"

#include <math.h>
#include <string.h>

static const char *
filler_name(Arena *arena, int attnum)
{
    return arena_printf(arena, "fettle_dropped_%d", attnum);
}

static const char *
identity_words(char identity)
{
    return identity == 'a' ? "ALWAYS" : "BY DEFAULT";
}

static void
table_append_column(Text *text, const SnapshotColumn *column)
{
    if (column->is_dropped) {
        text_append_format(text, "%s integer", filler_name(text->arena, column->attnum));
        return;
    }
    text_append_format(text, "%s %s", pg_identifier_quote(text->arena, column->name), column->type_name);
    if (column->collation != NULL)
        text_append_format(text, " COLLATE %s", column->collation);
    if (column->generated == 's' && column->default_expression != NULL)
        text_append_format(text, " GENERATED ALWAYS AS (%s) STORED", column->default_expression);
    else if (column->generated == 'v' && column->default_expression != NULL)
        text_append_format(text, " GENERATED ALWAYS AS (%s) VIRTUAL", column->default_expression);
    if (column->identity != 0)
        text_append_format(text, " GENERATED %s AS IDENTITY", identity_words(column->identity));
    if (column->is_not_null)
        text_append(text, " NOT NULL");
}

char *
twin_ddl_table(Arena *arena, const SnapshotRelation *relation)
{
    Text text = text_new(arena);
    text_append_format(&text, "CREATE %sTABLE %s (", relation->persistence == 'u' ? "UNLOGGED " : "",
                       pg_identifier_qualify(arena, relation->schema, relation->name));
    for (size_t i = 0; i < relation->column_count; i++) {
        if (i > 0)
            text_append(&text, ", ");
        table_append_column(&text, &relation->columns[i]);
    }
    text_append_char(&text, ')');
    if (relation->partition_key != NULL)
        text_append_format(&text, " PARTITION BY %s", relation->partition_key);
    else if (relation->options != NULL)
        text_append_format(&text, " WITH (%s)", relation->options);
    return text.data;
}

static void
columns_append_options(Arena *arena, TextList *list, const char *table, const SnapshotColumn *column)
{
    const char *name = pg_identifier_quote(arena, column->name);
    if (column->default_expression != NULL && column->generated == 0 && column->identity == 0)
        vector_push(arena, list,
                    arena_printf(arena, "ALTER TABLE ONLY %s ALTER COLUMN %s SET DEFAULT %s", table, name,
                                 column->default_expression));
    if (!isnan(column->option_n_distinct))
        vector_push(arena, list,
                    arena_printf(arena, "ALTER TABLE ONLY %s ALTER COLUMN %s SET (n_distinct = %.17g)", table,
                                 name, column->option_n_distinct));
    if (!isnan(column->option_n_distinct_inherited))
        vector_push(arena, list,
                    arena_printf(arena,
                                 "ALTER TABLE ONLY %s ALTER COLUMN %s SET (n_distinct_inherited = %.17g)",
                                 table, name, column->option_n_distinct_inherited));
}

TextList
twin_ddl_columns(Arena *arena, const SnapshotRelation *relation)
{
    TextList list = {0};
    const char *table = pg_identifier_qualify(arena, relation->schema, relation->name);
    for (size_t i = 0; i < relation->column_count; i++) {
        const SnapshotColumn *column = &relation->columns[i];
        if (column->is_dropped)
            vector_push(arena, &list,
                        arena_printf(arena, "ALTER TABLE ONLY %s DROP COLUMN %s", table,
                                     filler_name(arena, column->attnum)));
        else
            columns_append_options(arena, &list, table, column);
    }
    return list;
}

char *
twin_ddl_index(Arena *arena, const SnapshotIndex *index)
{
    /* pg_get_indexdef() of a partitioned index says ON ONLY itself. */
    return arena_strdup(arena, index->definition);
}
