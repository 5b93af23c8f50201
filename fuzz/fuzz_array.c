// SPDX-License-Identifier: PostgreSQL
/*
 * Array literals of a server: what is one is written and read as the same again.
 *
 *     fuzz_array fuzz/corpus/array
 */
#include "base/text.h"
#include "pg/identifier.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("fuzz", (size_t)1 << 30);
    const char *text = arena_strndup(arena, (const char *)data, size);
    const char **values = NULL;
    size_t count = 0;
    if (!pg_array_parse(arena, text, &values, &count))
        return 0;
    const char *again = pg_array_literal(arena, values, count);
    const char **other_values = NULL;
    size_t other_count = 0;
    fettle_assert(pg_array_parse(arena, again, &other_values, &other_count));
    fettle_assert(other_count == count);
    for (size_t i = 0; i < count; i++)
        fettle_assert(text_equals(values[i], other_values[i]));
    return 0;
}
