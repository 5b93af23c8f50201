// SPDX-License-Identifier: PostgreSQL
#include "whatif/extended_bytes.h"

#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* STATS_MAX_DIMENSIONS; a server never makes more combinations of so many. */
#define ATTRIBUTES_MOST 8
#define ITEMS_MOST 4096
#define NDISTINCT_MAGIC 0xA352BFA4U
#define DEPENDENCIES_MAGIC 0xB4549A2CU
#define TYPE_BASIC 1U

typedef struct Item {
    double value;
    int16_t attributes[ATTRIBUTES_MOST];
    int16_t count;
    bool has_arrow; /* before the last attribute */
} Item;

static void
skip_blanks(const char **at)
{
    *at += strspn(*at, " \t\n");
}

static bool
take(const char **at, const char *token)
{
    skip_blanks(at);
    if (!text_starts_with(*at, token))
        return false;
    *at += strlen(token);
    return true;
}

static bool
take_attribute(const char **at, Item *item)
{
    char *end;
    skip_blanks(at);
    long number = strtol(*at, &end, 10);
    if (end == *at || number == 0 || number < -ATTRIBUTES_MOST || number > 1600 ||
        item->count == ATTRIBUTES_MOST)
        return false;
    for (int i = 0; i < item->count; i++)
        if (item->attributes[i] == number)
            return false;
    item->attributes[item->count++] = (int16_t)number;
    *at = end;
    return true;
}

static bool
take_value(const char **at, double *ret_value)
{
    char number[64];
    skip_blanks(at);
    size_t length = strspn(*at, "0123456789.eE+-");
    if (length == 0 || length >= sizeof(number))
        return false;
    memcpy(number, *at, length);
    number[length] = '\0';
    *at += length;
    return text_parse_double(number, ret_value) && isfinite(*ret_value);
}

/* "1, 3 => 5": 0.5 */
static bool
take_item(const char **at, Item *item)
{
    *item = (Item){0};
    if (!take(at, "\"") || !take_attribute(at, item))
        return false;
    while (!take(at, "\"")) {
        bool is_arrow = take(at, "=>");
        if (item->has_arrow || (!is_arrow && !take(at, ",")) || !take_attribute(at, item))
            return false;
        item->has_arrow = is_arrow;
    }
    return item->count >= 2 && take(at, ":") && take_value(at, &item->value);
}

static void
append_hex(Text *text, const void *bytes, size_t count)
{
    const unsigned char *from = bytes;
    for (size_t i = 0; i < count; i++)
        text_append_format(text, "%02x", from[i]);
}

static void
append_item(Text *text, const Item *item, bool is_dependency)
{
    int32_t wide = item->count;
    append_hex(text, &item->value, sizeof(item->value));
    if (is_dependency)
        append_hex(text, &item->count, sizeof(item->count));
    else
        append_hex(text, &wide, sizeof(wide));
    append_hex(text, item->attributes, (size_t)item->count * sizeof(item->attributes[0]));
}

static char *
extended_bytes(Arena *arena, const char *at, bool is_dependency)
{
    uint32_t header[3] = {is_dependency ? DEPENDENCIES_MAGIC : NDISTINCT_MAGIC, TYPE_BASIC, 0};
    Text items = text_new(arena);
    if (at == NULL || !take(&at, "{"))
        return NULL;
    do {
        Item item;
        if (header[2] == ITEMS_MOST || !take_item(&at, &item) || item.has_arrow != is_dependency)
            return NULL;
        append_item(&items, &item, is_dependency);
        header[2]++;
    } while (take(&at, ","));
    if (!take(&at, "}"))
        return NULL;
    skip_blanks(&at);
    if (*at != '\0')
        return NULL;
    Text text = text_new(arena);
    text_append(&text, "\\x");
    append_hex(&text, header, sizeof(header));
    text_append(&text, items.data);
    return text.data;
}

char *
extended_ndistinct_bytes(Arena *arena, const char *text)
{
    return extended_bytes(arena, text, false);
}

char *
extended_dependencies_bytes(Arena *arena, const char *text)
{
    return extended_bytes(arena, text, true);
}
