// SPDX-License-Identifier: PostgreSQL
/*
 * Numbers of users and servers: whole, 32 bits, fractions, and settings with units; what is taken is within
 * its limits and means the same when written again.
 *
 *     fuzz_number fuzz/corpus/number
 */
#include "base/settings.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
plain_numbers_check(Arena *arena, const char *text)
{
    int64_t whole, again;
    if (text_parse_int64(text, &whole))
        fettle_assert(text_parse_int64(arena_printf(arena, "%" PRId64, whole), &again) && again == whole);
    uint32_t small;
    if (text_parse_uint32(text, &small))
        fettle_assert(text_parse_int64(text, &again) && again == small);
    double fraction, back;
    if (!text_parse_double(text, &fraction) || isnan(fraction))
        return;
    fettle_assert(text_parse_double(arena_printf(arena, "%.17g", fraction), &back) && back == fraction);
    fettle_assert(text_format_bytes(arena, fraction)[0] != '\0' &&
                  text_format_count(arena, fraction)[0] != '\0');
    fettle_assert(text_format_duration_ms(arena, fraction)[0] != '\0');
}

static void
settings_check(Arena *arena, const char *text)
{
    Settings *settings = settings_new(arena);
    for (int id = 0; id < SETTING_COUNT; id++) {
        const SettingInfo *info = setting_info((SettingId)id);
        Error error = {0};
        if (!settings_set(settings, info->name, text, &error)) {
            fettle_assert(error.code == ERROR_INPUT && strstr(error.message, info->name) != NULL);
            continue;
        }
        double value = settings_get_double(settings, (SettingId)id);
        if (info->low < info->high)
            fettle_assert(value >= info->low && value <= info->high);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("fuzz", (size_t)64 << 20);
    const char *text = arena_strndup(arena, (const char *)data, size < 200 ? size : 200);
    plain_numbers_check(arena, text);
    settings_check(arena, text);
    return 0;
}
