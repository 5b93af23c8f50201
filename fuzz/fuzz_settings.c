// SPDX-License-Identifier: PostgreSQL
#include "base/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("fuzz", (size_t)1 << 30);
    Error error = {0};
    Settings *settings = settings_new(arena);
    if (!settings_parse(settings, (const char *)data, size, "fuzz", &error))
        fettle_assert(error.code != ERROR_NONE && error.message[0] != '\0');
    return 0;
}
