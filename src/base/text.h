// SPDX-License-Identifier: PostgreSQL
/*
 * Text: a growing, always NUL-terminated byte string; and small pure functions over C strings.
 *
 * A Text lives in an arena, so nothing is freed by hand; growing leaves the old bytes to the arena (at most
 * twice the final size in all). data is never NULL after text_new().
 *
 *     Text sql = text_new(arena);
 *     text_append(&sql, "select ");
 *     text_append_format(&sql, "%d", 1);
 *     use(sql.data, sql.length);
 */
#ifndef FETTLE_BASE_TEXT_H
#define FETTLE_BASE_TEXT_H

#include "base/arena.h"

typedef struct Text {
    Arena *arena;
    char *data;
    size_t length;
    size_t capacity; /* bytes of data, the terminator included */
} Text;

Text text_new(Arena *arena);
void text_append(Text *text, const char *more);
void text_append_bytes(Text *text, const char *more, size_t length);
void text_append_char(Text *text, char character);
void text_append_format(Text *text, const char *format, ...) FETTLE_PRINTF(2, 3);
void text_truncate(Text *text, size_t length);

bool text_equals(const char *a, const char *b);               /* NULL equals NULL only */
bool text_equals_ignoring_case(const char *a, const char *b); /* ASCII case */
bool text_starts_with(const char *text, const char *prefix);
bool text_ends_with(const char *text, const char *suffix);
bool text_is_valid_utf8(const char *text, size_t length);
/* A copy of at most length bytes in which what is not UTF-8 is replaced by U+FFFD. */
char *text_clean_utf8(Arena *arena, const char *text, size_t length);

/* Strict number parsing: the whole text must be the number; false (and *ret untouched) otherwise. */
bool text_parse_int64(const char *text, int64_t *ret_value) FETTLE_MUST_USE;
bool text_parse_uint32(const char *text, uint32_t *ret_value) FETTLE_MUST_USE;
/* C locale whatever the process's; "NaN", "Infinity" and "-Infinity" as PostgreSQL prints them. */
bool text_parse_double(const char *text, double *ret_value) FETTLE_MUST_USE;

/* Human forms in the arena: "1.4 GB" (1024-based, kB MB GB TB), "12.3 s"/"4 min 05 s"/"850 µs", "1,234,567".
 */
char *text_format_bytes(Arena *arena, double bytes);
char *text_format_duration_ms(Arena *arena, double milliseconds);
char *text_format_count(Arena *arena, double count);

/* Columns that text takes on a terminal (UTF-8, wide and combining characters by wcwidth in a UTF-8 locale).
 */
size_t text_width(const char *text);

#endif
