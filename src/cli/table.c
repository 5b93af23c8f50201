// SPDX-License-Identifier: PostgreSQL
#include "cli/table.h"

#include "base/clock.h"
#include "base/json_writer.h"

#include <inttypes.h>
#include <string.h>

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

/* Narrower the last column is put under its row. */
#define LAST_WIDTH_LEAST 24
#define UNDER_ROW_INDENT 4

typedef struct Layout {
    size_t *widths; /* by column */
    size_t last;    /* the last column that is shown */
    size_t indent;  /* where the last column goes on */
    size_t room;    /* its width; 0: any */
    bool is_under_row;
} Layout;

/* What stands in a column of a row; row 0 has the titles. */
static const char *
shown_words(const CliTable *table, size_t row, size_t column)
{
    if (row == 0)
        return table->columns[column].title;
    return cell_words(table->arena, table->columns[column].cell,
                      &table->values.items[(row - 1) * table->column_count + column]);
}

static Layout
layout_of(const CliTable *table, size_t row_count)
{
    Layout layout = {.widths = ARENA_NEW_ARRAY(table->arena, size_t, table->column_count)};
    for (size_t column = 0; column < table->column_count; column++) {
        if (table->columns[column].title == NULL)
            continue;
        layout.last = column;
        for (size_t row = 0; row <= row_count; row++) {
            size_t width = text_width(shown_words(table, row, column));
            layout.widths[column] = width > layout.widths[column] ? width : layout.widths[column];
        }
    }
    for (size_t column = 0; column < layout.last; column++)
        layout.indent += table->columns[column].title == NULL ? 0 : layout.widths[column] + 2;
    size_t screen = table->screen_columns;
    if (screen == 0 || layout.indent + layout.widths[layout.last] <= screen)
        return layout;
    layout.is_under_row = layout.indent > 0 && layout.indent + LAST_WIDTH_LEAST > screen;
    if (layout.is_under_row)
        layout.indent = UNDER_ROW_INDENT;
    layout.room = screen > layout.indent ? screen - layout.indent : 1;
    return layout;
}

static void
append_spaces(Text *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_append_char(text, ' ');
}

/* Broken between words; a word that is longer than the room has a line of its own. */
static void
append_broken(Text *text, Arena *arena, const char *words, const Layout *layout)
{
    size_t at = 0;
    for (const char *word = words; *word != '\0';) {
        size_t spaces = strspn(word, " ");
        size_t length = strcspn(word + spaces, " ");
        const char *shown = arena_strndup(arena, word + spaces, length);
        size_t width = text_width(shown);
        word += spaces + length;
        if (at > 0 && at + spaces + width > layout->room) {
            text_append_char(text, '\n');
            append_spaces(text, layout->indent);
            at = spaces = 0;
        }
        append_spaces(text, spaces);
        text_append(text, shown);
        at += spaces + width;
    }
}

static void
append_row(const CliTable *table, Text *text, const Layout *layout, size_t row)
{
    size_t owed = 0; /* spaces; none at the end of a line */
    for (size_t column = 0; column < layout->last; column++) {
        if (table->columns[column].title == NULL)
            continue;
        const char *words = shown_words(table, row, column);
        append_spaces(text, owed);
        text_append(text, words);
        owed = layout->widths[column] + 2 - text_width(words);
    }
    const char *last = shown_words(table, row, layout->last);
    if (*last == '\0') {
        text_append_char(text, '\n');
        return;
    }
    if (layout->is_under_row) {
        text_append_char(text, '\n');
        owed = layout->indent;
    }
    append_spaces(text, owed);
    if (layout->room == 0)
        text_append(text, last);
    else
        append_broken(text, table->arena, last, layout);
    text_append_char(text, '\n');
}

static void
append_lines(const CliTable *table, Text *text)
{
    size_t row_count = table->values.count / table->column_count;
    Layout layout = layout_of(table, row_count);
    for (size_t row = 0; row <= row_count; row++)
        append_row(table, text, &layout, row);
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
