// SPDX-License-Identifier: PostgreSQL
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wchar.h>

#define TEXT_FIRST_BYTES 64

Text
text_new(Arena *arena)
{
    return (Text){.arena = arena, .data = arena_alloc(arena, TEXT_FIRST_BYTES), .capacity = TEXT_FIRST_BYTES};
}

static void
text_reserve(Text *text, size_t more)
{
    size_t need = text->length + more + 1;
    fettle_assert(need > more);
    if (need <= text->capacity)
        return;
    size_t capacity = text->capacity * 2;
    if (capacity < need)
        capacity = need;
    char *data = arena_alloc(text->arena, capacity);
    memcpy(data, text->data, text->length + 1);
    text->data = data;
    text->capacity = capacity;
}

void
text_append_bytes(Text *text, const char *more, size_t length)
{
    if (length == 0)
        return;
    text_reserve(text, length);
    memcpy(text->data + text->length, more, length);
    text->length += length;
    text->data[text->length] = '\0';
}

void
text_append(Text *text, const char *more)
{
    text_append_bytes(text, more, strlen(more));
}

void
text_append_char(Text *text, char character)
{
    text_append_bytes(text, &character, 1);
}

void
text_append_format(Text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    fettle_assert(length >= 0);
    text_reserve(text, (size_t)length);
    va_start(arguments, format);
    vsnprintf(text->data + text->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    text->length += (size_t)length;
}

void
text_truncate(Text *text, size_t length)
{
    fettle_assert(length <= text->length);
    text->length = length;
    text->data[length] = '\0';
}

bool
text_equals(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool
text_equals_ignoring_case(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcasecmp(a, b) == 0);
}

bool
text_starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool
text_ends_with(const char *text, const char *suffix)
{
    size_t length = strlen(text);
    size_t suffix_length = strlen(suffix);
    return suffix_length <= length && memcmp(text + length - suffix_length, suffix, suffix_length) == 0;
}

/* Length of the valid UTF-8 sequence at text, 0 when it is not one (overlong, surrogate, beyond U+10FFFF,
 * cut). */
static size_t
text_utf8_sequence(const unsigned char *text, size_t left)
{
    unsigned char first = text[0];
    if (first < 0x80)
        return 1;
    size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    if ((first == 0xE0 && text[1] < 0xA0) || (first == 0xED && text[1] > 0x9F) ||
        (first == 0xF0 && text[1] < 0x90) || (first == 0xF4 && text[1] > 0x8F))
        return 0;
    return length;
}

bool
text_is_valid_utf8(const char *text, size_t length)
{
    for (size_t at = 0; at < length;) {
        size_t step = text_utf8_sequence((const unsigned char *)text + at, length - at);
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

bool
text_parse_int64(const char *text, int64_t *ret_value)
{
    if (text == NULL || text[0] == '\0' || isspace((unsigned char)text[0]))
        return false;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0')
        return false;
    *ret_value = value;
    return true;
}

bool
text_parse_uint32(const char *text, uint32_t *ret_value)
{
    int64_t value;
    if (!text_parse_int64(text, &value) || value < 0 || value > UINT32_MAX)
        return false;
    *ret_value = (uint32_t)value;
    return true;
}

static locale_t c_locale;

static void
c_locale_make(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    fettle_assert(c_locale != (locale_t)0);
}

bool
text_parse_double(const char *text, double *ret_value)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, c_locale_make);
    /* strtod() takes hexadecimal figures and "nan(...)" too */
    if (text == NULL || text[0] == '\0' || isspace((unsigned char)text[0]) || strpbrk(text, "xX(") != NULL)
        return false;
    char *end;
    errno = 0;
    double value = strtod_l(text, &end, c_locale);
    if (*end != '\0' || (errno == ERANGE && (value == HUGE_VAL || value == -HUGE_VAL)))
        return false;
    *ret_value = value;
    return true;
}

char *
text_format_bytes(Arena *arena, double bytes)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB"};
    size_t unit = 0;
    double value = bytes;
    while (fabs(value) >= 1024 && unit + 1 < FETTLE_COUNT_OF(units)) {
        value /= 1024;
        unit++;
    }
    bool whole = unit == 0 || fabs(value) >= 100;
    return arena_printf(arena, whole ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

char *
text_format_duration_ms(Arena *arena, double milliseconds)
{
    double size = fabs(milliseconds);
    /* the limits are where rounding would give the next unit: "1000 ms" is "1.0 s" */
    if (size < 0.9995)
        return arena_printf(arena, "%.0f µs", milliseconds * 1000);
    if (size < 999.5)
        return arena_printf(arena, size < 9.95 ? "%.1f ms" : "%.0f ms", milliseconds);
    if (size < 59950)
        return arena_printf(arena, "%.1f s", milliseconds / 1000);
    double seconds = round(size / 1000);
    const char *sign = milliseconds < 0 ? "-" : "";
    if (seconds < 3600)
        return arena_printf(arena, "%s%.0f min %02.0f s", sign, floor(seconds / 60), fmod(seconds, 60));
    double minutes = floor(seconds / 60);
    return arena_printf(arena, "%s%.0f h %02.0f min", sign, floor(minutes / 60), fmod(minutes, 60));
}

char *
text_format_count(Arena *arena, double count)
{
    char digits[DBL_MAX_10_EXP + 8];
    snprintf(digits, sizeof(digits), "%.0f", fabs(count));
    Text text = text_new(arena);
    size_t length = strlen(digits);
    if (count < 0 && strcmp(digits, "0") != 0)
        text_append_char(&text, '-');
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            text_append_char(&text, ',');
        text_append_char(&text, digits[i]);
    }
    return text.data;
}

size_t
text_width(const char *text)
{
    size_t width = 0;
    size_t left = strlen(text);
    mbstate_t state = {0};
    while (left > 0) {
        wchar_t character;
        size_t step = mbrtowc(&character, text, left, &state);
        if (step == (size_t)-1 || step == (size_t)-2) {
            step = 1;
            width++;
            memset(&state, 0, sizeof(state));
        } else {
            int columns = wcwidth(character);
            width += columns > 0 ? (size_t)columns : 0;
        }
        text += step;
        left -= step;
    }
    return width;
}
