// SPDX-License-Identifier: PostgreSQL
#include "cli/table.h"

#include "base/clock.h"
#include "base/json_writer.h"

#include <inttypes.h>

CliTable
cli_table_new(Arena *arena, const CliColumn *columns, size_t column_count)
{
    return (CliTable){.arena = arena, .columns = columns, .column_count = column_count};
}

static CliCell
next_cell(const CliTable *table)
{
    return table->columns[table->values.count % table->column_count].cell;
}

void
cli_table_text(CliTable *table, const char *text)
{
    fettle_assert(next_cell(table) == CLI_TEXT);
    CliValue value = {.text = arena_strdup(table->arena, text)};
    vector_push(table->arena, &table->values, value);
}

void
cli_table_number(CliTable *table, int64_t number)
{
    fettle_assert(next_cell(table) != CLI_TEXT);
    CliValue value = {.number = number};
    vector_push(table->arena, &table->values, value);
}

char *
cli_without_controls(Arena *arena, const char *from)
{
    char *text = arena_strdup(arena, from);
    size_t length = 0;
    for (const char *at = from; *at != '\0'; at++) {
        const unsigned char *byte = (const unsigned char *)at;
        bool is_c1 = byte[0] == 0xC2 && byte[1] >= 0x80 && byte[1] <= 0x9F;
        at += is_c1;
        text[length++] = is_c1 || byte[0] < 0x20 || byte[0] == 0x7f ? ' ' : *at;
    }
    text[length] = '\0';
    return text;
}

static const char *
cell_words(Arena *arena, CliCell cell, const CliValue *value)
{
    switch (cell) {
        case CLI_TEXT: return value->text == NULL ? "-" : cli_without_controls(arena, value->text);
        case CLI_NUMBER: return arena_printf(arena, "%" PRId64, value->number);
        case CLI_ID: return value->number == 0 ? "-" : arena_printf(arena, "%" PRId64, value->number);
        case CLI_BOOL: return value->number != 0 ? "yes" : "no";
        case CLI_TIME: return value->number == 0 ? "-" : clock_format_utc(arena, value->number);
    }
    return "";
}

static void
append_padded(Text *text, const char *words, size_t width, bool is_last)
{
    text_append(text, words);
    for (size_t at = text_width(words); !is_last && at < width + 2; at++)
        text_append_char(text, ' ');
}

static void
append_lines(const CliTable *table, Text *text)
{
    size_t rows = table->values.count / table->column_count;
    size_t last = 0;
    size_t *widths = ARENA_NEW_ARRAY(table->arena, size_t, table->column_count);
    for (size_t column = 0; column < table->column_count; column++) {
        if (table->columns[column].title == NULL)
            continue;
        last = column;
        widths[column] = text_width(table->columns[column].title);
        for (size_t row = 0; row < rows; row++) {
            size_t width = text_width(cell_words(table->arena, table->columns[column].cell,
                                                 &table->values.items[row * table->column_count + column]));
            widths[column] = width > widths[column] ? width : widths[column];
        }
    }
    for (size_t row = 0; row <= rows; row++) {
        for (size_t column = 0; column < table->column_count; column++) {
            if (table->columns[column].title == NULL)
                continue;
            append_padded(text,
                          row == 0
                              ? table->columns[column].title
                              : cell_words(table->arena, table->columns[column].cell,
                                           &table->values.items[(row - 1) * table->column_count + column]),
                          widths[column], column == last);
        }
        text_append_char(text, '\n');
    }
}

static void
json_value(JsonWriter *json, Arena *arena, CliCell cell, const CliValue *value)
{
    switch (cell) {
        case CLI_TEXT: json_write_string(json, value->text); return;
        case CLI_NUMBER: json_int(json, value->number); return;
        case CLI_BOOL: json_bool(json, value->number != 0); return;
        case CLI_ID:
            if (value->number == 0)
                json_write_null(json);
            else
                json_int(json, value->number);
            return;
        case CLI_TIME:
            json_write_string(json, value->number == 0 ? NULL : clock_format_utc(arena, value->number));
    }
}

static void
append_json(const CliTable *table, Text *text)
{
    JsonWriter json = json_writer_new(text, true);
    json_array_begin(&json);
    for (size_t i = 0; i < table->values.count; i++) {
        const CliColumn *column = &table->columns[i % table->column_count];
        if (i % table->column_count == 0)
            json_object_begin(&json);
        json_key(&json, column->key);
        json_value(&json, table->arena, column->cell, &table->values.items[i]);
        if ((i + 1) % table->column_count == 0)
            json_object_end(&json);
    }
    json_array_end(&json);
    text_append_char(text, '\n');
}

void
cli_table_append(const CliTable *table, Text *text, bool as_json, const char *words_when_empty)
{
    fettle_assert(table->values.count % table->column_count == 0);
    if (as_json)
        append_json(table, text);
    else if (table->values.count == 0)
        text_append(text, words_when_empty);
    else
        append_lines(table, text);
}
