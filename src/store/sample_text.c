// SPDX-License-Identifier: PostgreSQL
#include "store/sample_internal.h"

#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NUMBERS_MOST ((size_t)1 << 24)

char *
sample_bytes_text(Arena *arena, SampleBytes bytes)
{
    static const char digits[] = "0123456789abcdef";
    char *text = arena_alloc(arena, 2 * bytes.size + 3);
    text[0] = '\\';
    text[1] = 'x';
    for (size_t i = 0; i < bytes.size; i++) {
        text[2 * i + 2] = digits[bytes.data[i] >> 4];
        text[2 * i + 3] = digits[bytes.data[i] & 15];
    }
    return text;
}

bool
sample_bytes_of(const PgResult *rows, int64_t row, int column, SampleBytes *ret_bytes, Error *error)
{
    ret_bytes->data = pg_result_bytes(rows, row, column, &ret_bytes->size);
    return ret_bytes->data != NULL ||
           error_set(error, ERROR_DAMAGED, "the store answered something else than bytes");
}

SampleTime
sample_time_text(int64_t at_us)
{
    SampleTime time;
    time_t seconds = (time_t)(sample_time_floor(at_us, 1000000) / 1000000);
    struct tm parts;
    fettle_assert(gmtime_r(&seconds, &parts) != NULL && parts.tm_year > -1900 && parts.tm_year < 8100);
    snprintf(time.text, sizeof(time.text), "%04d-%02d-%02d %02d:%02d:%02d.%06d+00", parts.tm_year + 1900,
             parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
             (int)(at_us - (int64_t)seconds * 1000000));
    return time;
}

bool
sample_numbers_parse(Arena *arena, const char *text, SampleNumbers *ret_numbers, Error *error)
{
    size_t count = 0;
    for (const char *at = text; at != NULL && *at != '\0'; at++)
        count += *at == ',';
    if (text == NULL || text[0] != '{' || count >= NUMBERS_MOST)
        return error_set(error, ERROR_DAMAGED, "the store answered something else than numbers");
    SampleNumbers numbers = {.items = ARENA_NEW_ARRAY(arena, int64_t, count + 1)};
    const char *at = text + 1;
    while (*at != '\0' && *at != '}') {
        char *end = NULL;
        errno = 0;
        numbers.items[numbers.count] = strtoll(at, &end, 10);
        if (end == at || errno != 0 || (*end != ',' && *end != '}') || numbers.count > count)
            return error_set(error, ERROR_DAMAGED, "the store answered something else than numbers");
        numbers.count++;
        at = *end == ',' ? end + 1 : end;
    }
    *ret_numbers = numbers;
    return true;
}

char *
sample_numbers_text(Arena *arena, const int64_t *numbers, size_t count)
{
    Text text = text_new(arena);
    text_append_char(&text, '{');
    for (size_t i = 0; i < count; i++)
        text_append_format(&text, "%s%lld", i == 0 ? "" : ",", (long long)numbers[i]);
    text_append_char(&text, '}');
    return text.data;
}

char *
sample_times_text(Arena *arena, const int64_t *times_us, size_t count)
{
    Text text = text_new(arena);
    text_append_char(&text, '{');
    for (size_t i = 0; i < count; i++)
        text_append_format(&text, "%s\"%s\"", i == 0 ? "" : ",", sample_time_text(times_us[i]).text);
    text_append_char(&text, '}');
    return text.data;
}
