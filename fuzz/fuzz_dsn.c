// SPDX-License-Identifier: PostgreSQL
/*
 * Connection strings: what libpq takes as a secret stands neither in the description nor in the refusal.
 *
 *     fuzz_dsn fuzz/corpus/dsn
 */
#include "base/text.h"
#include "pg/connection_internal.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char unreadable[] = "(unreadable connection string)";

/* Whether a secret is also part of what may be shown: then its place in the description proves nothing. */
static bool
is_shown_elsewhere(const PQconninfoOption *options, const char *secret)
{
    static const char *const shown[] = {"user", "host", "hostaddr", "port", "dbname", "service"};
    for (; options->keyword != NULL; options++)
        for (size_t i = 0; i < FETTLE_COUNT_OF(shown); i++)
            if (options->val != NULL && strcmp(options->keyword, shown[i]) == 0 &&
                strstr(options->val, secret) != NULL)
                return true;
    return false;
}

static void
secrets_check(const char *dsn, const char *description)
{
    PQconninfoOption *options = PQconninfoParse(dsn, NULL);
    for (const PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++) {
        bool is_secret = strstr(option->keyword, "password") != NULL && option->val != NULL;
        if (is_secret && strlen(option->val) >= 8 && !is_shown_elsewhere(options, option->val))
            fettle_assert(strstr(description, option->val) == NULL);
    }
    PQconninfoFree(options);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("fuzz", (size_t)256 << 20);
    const char *dsn = arena_strndup(arena, (const char *)data, size);
    Error error = {0};
    bool good = pg_dsn_check(dsn, &error);
    const char *description = pg_dsn_describe(arena, dsn);
    fettle_assert(good == (error.code == ERROR_NONE));
    fettle_assert(good || (error.code == ERROR_USAGE && error.hint[0] != '\0'));
    fettle_assert(good || strcmp(description, unreadable) == 0);
    (void)pg_dsn_looks_like(dsn);
    if (good)
        secrets_check(dsn, description);
    return 0;
}
