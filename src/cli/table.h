// SPDX-License-Identifier: PostgreSQL
/*
 * CliTable: rows for people (aligned columns under titles) or for programs (a JSON array of objects), from
 * one filling. Values come row by row in the order of the columns. Control characters of a text never reach a
 * terminal.
 * Where the screen's width is given, what the last column says is broken between words and goes on under
 * itself, or, where the other columns leave it too little room, under its row.
 *
 *     static const CliColumn columns[] = {{"NAME", "name", CLI_TEXT}, {"ON", "enabled", CLI_BOOL}};
 *     CliTable table = cli_table_new(arena, columns, FETTLE_COUNT_OF(columns));
 *     cli_table_text(&table, "shop");
 *     cli_table_number(&table, 1);
 *     cli_table_append(&table, &text, wants_json, "there are no targets\n");
 */
#ifndef FETTLE_CLI_TABLE_H
#define FETTLE_CLI_TABLE_H

#include "base/list.h"
#include "base/text.h"

typedef enum CliCell {
    CLI_TEXT,   /* NULL: nothing, null */
    CLI_NUMBER, /* 0 is a number */
    CLI_ID,     /* 0: nothing, null */
    CLI_BOOL,   /* yes, no */
    CLI_TIME,   /* microseconds since 1970; 0: nothing, null */
} CliCell;

typedef struct CliColumn {
    const char *title; /* NULL: in JSON only */
    const char *key;
    CliCell cell;
} CliColumn;

typedef struct CliValue {
    const char *text;
    int64_t number;
} CliValue;

VECTOR_DEFINE(CliValues, CliValue);

typedef struct CliTable {
    Arena *arena;
    const CliColumn *columns;
    size_t column_count;
    size_t screen_columns; /* CliInput's, for a table whose last column may be long; 0: lines of any length */
    CliValues values;
} CliTable;

CliTable cli_table_new(Arena *arena, const CliColumn *columns, size_t column_count);
void cli_table_text(CliTable *table, const char *text);
void cli_table_number(CliTable *table, int64_t number);
/* Without rows: the words, or an empty array. */
void cli_table_append(const CliTable *table, Text *text, bool as_json, const char *words_when_empty);

/* A copy in which control characters, C0 and C1 (U+0080 to U+009F, which terminals obey too), are spaces. */
char *cli_without_controls(Arena *arena, const char *from);

#endif
