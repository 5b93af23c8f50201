// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "base/settings_holder.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

/* Settings in an arena of their own, with a number to know them by. */
static const Settings *
numbered(int statements, Arena **ret_arena)
{
    *ret_arena = arena_new("settings", (size_t)1 << 20);
    Settings *settings = settings_new(*ret_arena);
    char value[16];
    snprintf(value, sizeof(value), "%d", statements);
    Error error = {0};
    assert_true(settings_set(settings, "advise.statements", value, &error));
    return settings;
}

static SettingsHolder *
holder_of(int statements)
{
    Arena *arena;
    const Settings *settings = numbered(statements, &arena);
    return settings_holder_new(arena, settings);
}

static void
replace_by(SettingsHolder *holder, int statements)
{
    Arena *arena;
    const Settings *settings = numbered(statements, &arena);
    settings_replace(holder, arena, settings);
}

static int64_t
number_of(const SettingsSnapshot *snapshot)
{
    return settings_get_int(settings_of(snapshot), SETTING_ADVISE_STATEMENTS);
}

static void
a_reader_keeps_what_it_took_while_others_see_the_new(void **state)
{
    (void)state;
    SettingsHolder *holder = holder_of(1);
    const SettingsSnapshot *first = settings_take(holder);
    replace_by(holder, 2);
    const SettingsSnapshot *second = settings_take(holder);
    replace_by(holder, 3);
    {
        FETTLE_CLEANUP(settings_give_at) const SettingsSnapshot *third = settings_take(holder);
        assert_int_equal(number_of(third), 3);
    }
    assert_int_equal(number_of(first), 1);
    assert_int_equal(number_of(second), 2);
    settings_give(second);
    settings_give(first);
    const SettingsSnapshot *none = NULL;
    settings_give_at(&none);
    settings_holder_free(holder);
    settings_holder_free(NULL);
}

static void
free_while_taken(void *ignored)
{
    (void)ignored;
    SettingsHolder *holder = holder_of(1);
    (void)settings_take(holder);
    settings_holder_free(holder);
}

static void
a_holder_with_readers_is_not_freed(void **state)
{
    (void)state;
    assert_dies(free_while_taken, NULL, "snapshots == 0");
}

typedef struct Reading {
    SettingsHolder *holder;
    atomic_bool is_over;
    atomic_int backwards;
} Reading;

static void *
read_on(void *context)
{
    Reading *reading = context;
    int64_t last = 0;
    while (!atomic_load(&reading->is_over)) {
        const SettingsSnapshot *snapshot = settings_take(reading->holder);
        int64_t number = number_of(snapshot);
        if (number < last)
            atomic_fetch_add(&reading->backwards, 1);
        last = number;
        settings_give(snapshot);
    }
    return NULL;
}

/* The sanitizers see a snapshot that is read after it was freed, and one that nobody frees. */
static void
threads_read_while_settings_are_replaced(void **state)
{
    (void)state;
    Reading reading = {.holder = holder_of(1)};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &reading), 0);
    for (int i = 2; i < 300; i++)
        replace_by(reading.holder, i);
    atomic_store(&reading.is_over, true);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&reading.backwards), 0);
    settings_holder_free(reading.holder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_keeps_what_it_took_while_others_see_the_new),
        cmocka_unit_test(a_holder_with_readers_is_not_freed),
        cmocka_unit_test(threads_read_while_settings_are_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
