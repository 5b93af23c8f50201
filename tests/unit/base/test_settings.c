// SPDX-License-Identifier: PostgreSQL
#include "../death.h"
#include "../scratch.h"

#include "base/random.h"
#include "base/settings.h"
#include "base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool
parse(Settings *settings, const char *text, Error *error)
{
    return settings_parse(settings, text, strlen(text), "fettle.conf", error);
}

static void
the_table_is_consistent(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    Settings *settings = settings_new(arena);
    for (int id = 0; id < SETTING_COUNT; id++) {
        const SettingInfo *info = setting_info((SettingId)id);
        assert_non_null(strchr(info->name, '.'));
        assert_int_equal(strspn(info->name, "abcdefghijklmnopqrstuvwxyz_."), strlen(info->name));
        assert_true(info->documentation[0] != '\0' &&
                    info->documentation[strlen(info->documentation) - 1] != '.');
        assert_string_equal(settings_get_text(settings, (SettingId)id), info->standard);
        if (info->type != SETTING_TEXT && info->type != SETTING_SECRET && info->type != SETTING_BOOL)
            assert_true(info->low <= settings_get_double(settings, (SettingId)id) &&
                        settings_get_double(settings, (SettingId)id) <= info->high);
        for (int other = 0; other < id; other++)
            assert_string_not_equal(info->name, setting_info((SettingId)other)->name);
    }
}

static void
values_have_units(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        SettingId id;
        const char *value;
        int64_t number;
    } cases[] = {{"target.connect_timeout", SETTING_TARGET_CONNECT_TIMEOUT, "250", 250},
                 {"target.connect_timeout", SETTING_TARGET_CONNECT_TIMEOUT, "250ms", 250},
                 {"target.connect_timeout", SETTING_TARGET_CONNECT_TIMEOUT, "1.5 s", 1500},
                 {"target.connect_timeout", SETTING_TARGET_CONNECT_TIMEOUT, "10min", 600000},
                 {"target.deadline", SETTING_TARGET_DEADLINE, "2h", 7200000},
                 {"target.deadline", SETTING_TARGET_DEADLINE, "1d", 86400000},
                 {"cluster.shared_buffers", SETTING_CLUSTER_SHARED_BUFFERS, "2MB", 2097152},
                 {"cluster.shared_buffers", SETTING_CLUSTER_SHARED_BUFFERS, "1048576B", 1048576},
                 {"cluster.shared_buffers", SETTING_CLUSTER_SHARED_BUFFERS, "1048576", 1048576},
                 {"cluster.shared_buffers", SETTING_CLUSTER_SHARED_BUFFERS, "1.5GB", 1610612736},
                 {"cluster.shared_buffers", SETTING_CLUSTER_SHARED_BUFFERS, "0.01TB", 10995116277},
                 {"advise.statements", SETTING_ADVISE_STATEMENTS, "1e3", 1000},
                 {"advise.statements", SETTING_ADVISE_STATEMENTS, "100000", 100000}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    Settings *settings = settings_new(arena);
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        Error error = {0};
        if (!settings_set(settings, cases[i].name, cases[i].value, &error))
            fail_msg("%s", error.message);
        assert_int_equal(settings_get_int(settings, cases[i].id), cases[i].number);
        assert_string_equal(settings_get_text(settings, cases[i].id), cases[i].value);
    }
    Error error = {0};
    assert_true(settings_set(settings, "advise.gain_percent", "0.25", &error));
    assert_true(settings_get_double(settings, SETTING_ADVISE_GAIN_PERCENT) == 0.25);
}

static void
a_bad_value_is_refused_with_what_it_takes(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"target.connect_timeout", "", "a time"},
        {"target.connect_timeout", "soon", "a time"},
        {"target.connect_timeout", "10 sec", "a time"},
        {"target.connect_timeout", "10kB", "a time"},
        {"target.connect_timeout", "10MS", "a time"},
        {"target.connect_timeout", "1e999", "a time"},
        {"target.connect_timeout", "nan", "a time"},
        {"target.connect_timeout", "inf", "a time"},
        {"target.connect_timeout", "1..5s", "a time"},
        {"target.connect_timeout", "--5s", "a time"},
        {"cluster.shared_buffers", "16mb", "a size"},
        {"cluster.shared_buffers", "MB", "a size"},
        {"cluster.shared_buffers", "0x10", "a size"},
        {"advise.statements", "1.5", "a whole number"},
        {"advise.statements", "7 pieces", "a whole number"},
        {"advise.gain_percent", "5%", "a number"},
        {"advise.statements", "0000000000000000000000000000000000000000000000000000000000000000001",
         "a whole"}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    Settings *settings = settings_new(arena);
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        Error error = {0};
        assert_false(settings_set(settings, cases[i][0], cases[i][1], &error));
        assert_int_equal(error.code, ERROR_INPUT);
        assert_string_equal(error.message,
                            arena_printf(arena, "\"%s\" is not a value for %s", cases[i][1], cases[i][0]));
        assert_non_null(strstr(error.hint, cases[i][2]));
    }
}

static void
a_value_beyond_its_limits_is_refused_with_them(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    Settings *settings = settings_new(arena);
    for (int id = 0; id < SETTING_COUNT; id++) {
        const SettingInfo *info = setting_info((SettingId)id);
        if (info->type == SETTING_TEXT || info->type == SETTING_SECRET || info->type == SETTING_BOOL)
            continue;
        const double inside[] = {info->low, info->high};
        const double outside[] = {info->low - 1, info->high + 1, -1e300, 1e300};
        for (size_t i = 0; i < FETTLE_COUNT_OF(inside); i++) {
            Error error = {0};
            assert_true(settings_set(settings, info->name, arena_printf(arena, "%.17g", inside[i]), &error));
            assert_true(settings_get_double(settings, (SettingId)id) == inside[i]);
        }
        for (size_t i = 0; i < FETTLE_COUNT_OF(outside); i++) {
            Error error = {0};
            assert_false(
                settings_set(settings, info->name, arena_printf(arena, "%.17g", outside[i]), &error));
            assert_non_null(strstr(error.message, info->name));
            assert_non_null(strstr(error.message, "must be between"));
            assert_true(settings_get_double(settings, (SettingId)id) == info->high);
        }
    }
}

static void
limits_are_told_in_the_units_that_people_write(void **state)
{
    (void)state;
    static const char *const cases[][4] = {
        {"advise.time", "30", "between 1s and 1d", "without a unit is milliseconds"},
        {"advise.time", "48h", "between 1s and 1d", "its default is 6s"},
        {"index.observation", "1d", "between 7d and 365d", "its default is 35d"},
        {"sql.statement_bytes", "2MB", "between 1kB and 1MB", "its default is 64kB"},
        {"index.free_space_floor", "2TB", "between 0 and 1TB", "its default is 1GB"},
        {"collect.workers", "0", "between 1 and ", "its default is 16"},
    };
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    Settings *settings = settings_new(arena);
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        Error error = {0};
        assert_false(settings_set(settings, cases[i][0], cases[i][1], &error));
        if (strstr(error.message, cases[i][2]) == NULL || strstr(error.hint, cases[i][3]) == NULL)
            fail_msg("%s; %s", error.message, error.hint);
    }
}

static void
an_unknown_setting_is_told(void **state)
{
    (void)state;
    static const char *const names[] = {
        "", ".", "target", "target.", "connect_timeout", "Target.Connect_Timeout", "target.connect_timeout "};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    Settings *settings = settings_new(arena);
    for (size_t i = 0; i < FETTLE_COUNT_OF(names); i++) {
        Error error = {0};
        assert_false(settings_set(settings, names[i], "1", &error));
        assert_non_null(strstr(error.message, "there is no setting called"));
        assert_non_null(strstr(error.hint, "fettle help settings"));
    }
}

static void
a_file_has_sections_comments_and_quotes(void **state)
{
    (void)state;
    static const char text[] =
        "# a comment\n; another\n\n[target]\r\n  connect_timeout = 3s  \r\n\tlock_timeout=20ms\n"
        "[data]\ndirectory = \"/a path/with \\\"quotes\\\" # and \\\\\"\n"
        "[cluster]\nbinaries = /usr/lib # not a comment\n[log]\nlevel=\n[twin]\n"
        "statement_timeout = \"7 s\"";
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    Settings *settings = settings_new(arena);
    Error error = {0};
    if (!parse(settings, text, &error))
        fail_msg("%s", error.message);
    assert_int_equal(settings_get_int(settings, SETTING_TARGET_CONNECT_TIMEOUT), 3000);
    assert_int_equal(settings_get_int(settings, SETTING_TARGET_LOCK_TIMEOUT), 20);
    assert_string_equal(settings_get_text(settings, SETTING_DATA_DIRECTORY),
                        "/a path/with \"quotes\" # and \\");
    assert_string_equal(settings_get_text(settings, SETTING_CLUSTER_BINARIES), "/usr/lib # not a comment");
    assert_string_equal(settings_get_text(settings, SETTING_LOG_LEVEL), "");
    assert_int_equal(settings_get_int(settings, SETTING_TWIN_STATEMENT_TIMEOUT), 7000);
    assert_int_equal(settings_get_int(settings, SETTING_ADVISE_STATEMENTS), 1000);
    assert_true(parse(settings, "", &error));
}

static void
a_fault_is_told_with_line_and_column_and_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"[target]\nconnect_timeout = soon\n", "fettle.conf:2:19: \"soon\" is not a value"},
        {"[target]\n\n  bogus = 1\n", "fettle.conf:3:3: there is no setting called \"target.bogus\""},
        {"connect_timeout = 1s\n", "fettle.conf:1:1: \"connect_timeout\" stands before the first [section]"},
        {"target.connect_timeout = 1s\n",
         "fettle.conf:1:1: \"target.connect_timeout\" stands before the first [section]"},
        {"[target]\nlock_timeout=1s\n lock_timeout=2s\n",
         "fettle.conf:3:2: target.lock_timeout is set twice"},
        {"[target]\nlock_timeout\n", "fettle.conf:2:1: the line \"lock_timeout\" is neither"},
        {"  [target\n", "fettle.conf:1:3: \"[target\" is not a [section]"},
        {"[]\n", "fettle.conf:1:1: \"[]\" is not a [section]"},
        {"[data]\ndirectory = \"open\n", "fettle.conf:2:13: the quoted value does not end"},
        {"[data]\ndirectory = \"a\" b\n", "fettle.conf:2:13: the quoted value does not end"},
        {"[data]\ndirectory = \"a\\\"\n", "fettle.conf:2:13: the quoted value does not end"},
        {"[target]\nlock_timeout=11min\n",
         "fettle.conf:2:14: target.lock_timeout must be between 1ms and 10min"},
        {"[target]\ndeadline=2h\n= 5\n", "fettle.conf:3:1: there is no setting called \"target.\""}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        Settings *settings = settings_new(arena);
        Error error = {0};
        assert_false(parse(settings, arena_printf(arena, "%s", cases[i].text), &error));
        assert_int_equal(error.code, ERROR_INPUT);
        if (!text_starts_with(error.message, cases[i].message))
            fail_msg("%s: not %s", error.message, cases[i].message);
        for (int id = 0; id < SETTING_COUNT; id++)
            assert_string_equal(settings_get_text(settings, (SettingId)id),
                                setting_info((SettingId)id)->standard);
    }
}

static void
a_line_has_a_length_and_no_nul(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    Settings *settings = settings_new(arena);
    Error error = {0};
    char *line =
        arena_printf(arena, "[data]\ndirectory=%*s\n", SETTINGS_LINE_BYTES - (int)strlen("directory="), "x");
    assert_true(parse(settings, line, &error));
    line = arena_printf(arena, "[data]\ndirectory=%*s\n", SETTINGS_LINE_BYTES + 1 - (int)strlen("directory="),
                        "x");
    assert_false(parse(settings, line, &error));
    assert_non_null(strstr(error.message, "fettle.conf:2:1: the line is too long"));
    static const char nul[] = "[data]\ndirectory=a\0b\n";
    assert_false(settings_parse(settings, nul, sizeof(nul) - 1, "fettle.conf", &error));
    assert_non_null(strstr(error.message, "NUL"));
    assert_false(parse(settings, arena_printf(arena, "[%064d]", 0), &error));
    assert_false(parse(settings, "\xff\xfe\n", &error));
    assert_true(text_is_valid_utf8(error.message, strlen(error.message)));
}

static void
a_file_is_read_up_to_its_limit(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    Settings *settings = settings_new(arena);
    Error error = {0};
    static const char text[] = "[advise]\nstatements = 77\n";
    scratch_write("good.conf", text, sizeof(text) - 1);
    assert_true(settings_read_file(settings, scratch_path("good.conf"), &error));
    assert_int_equal(settings_get_int(settings, SETTING_ADVISE_STATEMENTS), 77);
    assert_false(settings_read_file(settings, scratch_path("none.conf"), &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    static char large[SETTINGS_FILE_BYTES + 1];
    memset(large, '\n', sizeof(large));
    scratch_write("large.conf", large, SETTINGS_FILE_BYTES);
    assert_true(settings_read_file(settings, scratch_path("large.conf"), &error));
    scratch_write("large.conf", large, sizeof(large));
    assert_false(settings_read_file(settings, scratch_path("large.conf"), &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    assert_int_equal(settings_get_int(settings, SETTING_ADVISE_STATEMENTS), 77);
}

static void
the_environment_wins_over_the_file(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    Settings *settings = settings_new(arena);
    Error error = {0};
    assert_true(parse(settings, "[target]\nlock_timeout = 5ms\n", &error));
    setenv("FETTLE_TARGET_LOCK_TIMEOUT", "9ms", 1);
    setenv("FETTLE_OF_ANOTHER_PROGRAM", "x", 1);
    setenv("FETTLE_target_deadline", "x", 1);
    assert_true(settings_read_environment(settings, &error));
    assert_int_equal(settings_get_int(settings, SETTING_TARGET_LOCK_TIMEOUT), 9);
    setenv("FETTLE_TARGET_LOCK_TIMEOUT", "soon", 1);
    assert_false(settings_read_environment(settings, &error));
    assert_non_null(strstr(error.message, "environment variable FETTLE_TARGET_LOCK_TIMEOUT: \"soon\""));
    unsetenv("FETTLE_TARGET_LOCK_TIMEOUT");
}

static void
the_documents_names_are_read_and_ours_win(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    Settings *settings = settings_new(arena);
    Error error = {0};
    setenv("INDEX_ANALYSIS_ENABLED", "false", 1);
    setenv("INDEX_USAGE_THRESHOLD", "0.05", 1);
    setenv("FETTLE_INDEX_USAGE_THRESHOLD_RATIO", "0.02", 1);
    assert_true(settings_read_environment(settings, &error));
    assert_false(settings_get_bool(settings, SETTING_INDEX_ANALYSIS_ENABLED));
    assert_true(settings_get_double(settings, SETTING_INDEX_USAGE_THRESHOLD_RATIO) == 0.02);
    setenv("INDEX_USAGE_THRESHOLD", "much", 1);
    assert_false(settings_read_environment(settings, &error));
    assert_non_null(strstr(error.message, "environment variable INDEX_USAGE_THRESHOLD"));
    unsetenv("INDEX_ANALYSIS_ENABLED");
    unsetenv("INDEX_USAGE_THRESHOLD");
    unsetenv("FETTLE_INDEX_USAGE_THRESHOLD_RATIO");
}

static void
a_switch_is_on_or_off(void **state)
{
    (void)state;
    static const char *const on[] = {"on", "ON", "true", "yes", "1"};
    static const char *const off[] = {"off", "False", "no", "0"};
    static const char *const neither[] = {"", "2", "onn", "maybe", "-1"};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    Settings *settings = settings_new(arena);
    Error error = {0};
    for (size_t i = 0; i < FETTLE_COUNT_OF(on); i++) {
        assert_true(settings_set(settings, "metrics.require_token", on[i], &error));
        assert_true(settings_get_bool(settings, SETTING_METRICS_REQUIRE_TOKEN));
    }
    for (size_t i = 0; i < FETTLE_COUNT_OF(off); i++) {
        assert_true(settings_set(settings, "metrics.require_token", off[i], &error));
        assert_false(settings_get_bool(settings, SETTING_METRICS_REQUIRE_TOKEN));
    }
    for (size_t i = 0; i < FETTLE_COUNT_OF(neither); i++) {
        assert_false(settings_set(settings, "metrics.require_token", neither[i], &error));
        assert_non_null(strstr(error.hint, "on or off"));
    }
}

static void
a_time_or_a_size_is_read_without_a_settings_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t milliseconds, bytes; /* -1: refused */
    } cases[] = {{"0", 0, 0},
                 {"500", 500, 500},
                 {"5min", 300000, -1},
                 {"2GB", -1, 2147483648},
                 {"1.5s", 1500, -1},
                 {"1.9", 1, 1},
                 {"-1", -1, -1},
                 {"-5min", -1, -1},
                 {"", -1, -1},
                 {"five", -1, -1},
                 {"1e300", -1, -1},
                 {"10 kB", -1, 10240},
                 {"9007199254740992", INT64_C(1) << 53, INT64_C(1) << 53},
                 {"9007199254740994", -1, -1},
                 {"nan", -1, -1},
                 {"5 min ", -1, -1},
                 {" 5", -1, -1},
                 {"1d", 86400000, -1}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        int64_t value = -1;
        assert_int_equal(setting_duration_parse(cases[i].text, &value), cases[i].milliseconds >= 0);
        assert_int_equal(value, cases[i].milliseconds);
        value = -1;
        assert_int_equal(setting_size_parse(cases[i].text, &value), cases[i].bytes >= 0);
        assert_int_equal(value, cases[i].bytes);
    }
}

static void
a_secret_stands_in_no_message(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "[store]\nurl postgres://me:s3cr3t@db/x\n", "[store]\nurl: s3cr3t\n",
        "[store]\npostgres://me:s3cr3t@db/x\n",     "[store]\nurl = \"s3cr3t\n",
        "[store]\nurl = s3cr3t\nurl = s3cr3t\n",    "[store]\nulr = s3cr3t\n"};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    for (size_t i = 0; i < FETTLE_COUNT_OF(texts); i++) {
        Error error = {0};
        assert_false(parse(settings_new(arena), texts[i], &error));
        assert_null(strstr(error.message, "s3cr3t"));
        assert_null(strstr(error.hint, "s3cr3t"));
    }
}

static void
get_bool_of_a_duration(void *settings)
{
    (void)settings_get_bool(settings, SETTING_TARGET_DEADLINE);
}

static void
ask_for_no_setting(void *ignored)
{
    (void)ignored;
    (void)setting_info(SETTING_COUNT);
}

static void
a_setting_of_another_type_is_a_bug(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    assert_dies(get_bool_of_a_duration, settings_new(arena), "SETTING_BOOL");
    assert_dies(ask_for_no_setting, NULL, "SETTING_COUNT");
}

/* Lines cut from good and bad pieces: the parse never ends but in success or an error of that file,
 * unchanged. */
static void
no_text_breaks_the_reader(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "[target]", "[",         "]",  "\n",           "=",        "\"",
        "\\",       "#",         " ",  "lock_timeout", "5ms",      "connect_timeout",
        "[data]",   "directory", "\t", "\r",           "\xc3\xa9", "\xff",
        "-1"};
    Random random = random_new(11);
    for (int round = 0; round < 20000; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
        Settings *settings = settings_new(arena);
        Text text = text_new(arena);
        for (uint64_t left = random_below(&random, 16); left > 0; left--)
            text_append(&text, pieces[random_below(&random, FETTLE_COUNT_OF(pieces))]);
        Error error = {0};
        if (settings_parse(settings, text.data, text.length, "f", &error)) {
            assert_int_equal(error.code, ERROR_NONE);
            continue;
        }
        assert_true(text_starts_with(error.message, "f:") && isdigit((unsigned char)error.message[2]));
        assert_int_equal(settings_get_int(settings, SETTING_TARGET_LOCK_TIMEOUT), 500);
    }
}

static void
a_value_may_say_where_it_comes_from_and_those_after_it_do_not_inherit_that(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    Settings *settings = settings_new(arena);
    Error error = {0};
    assert_true(settings_set_from(settings, "collect.interval", "30s", "store", &error));
    assert_true(settings_set(settings, "log.level", "debug", &error));
    assert_int_equal(settings_get_int(settings, SETTING_COLLECT_INTERVAL), 30000);
    assert_string_equal(settings_get_source(settings, SETTING_COLLECT_INTERVAL), "store");
    assert_string_not_equal(settings_get_source(settings, SETTING_LOG_LEVEL), "store");
    assert_false(settings_set_from(settings, "collect.interval", "soon", "store", &error));
    assert_int_equal(settings_get_int(settings, SETTING_COLLECT_INTERVAL), 30000);
}

static void
a_value_is_shown_as_it_was_set_but_for_a_secret(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    Settings *settings = settings_new(arena);
    Error error = {0};
    assert_string_equal(settings_get_shown(settings, SETTING_STORE_URL), "");
    assert_true(settings_set(settings, "store.url", "postgres://me:hush@db/fettle", &error));
    assert_true(settings_set(settings, "collect.interval", "30s", &error));
    assert_string_equal(settings_get_shown(settings, SETTING_STORE_URL), "***");
    assert_string_equal(settings_get_shown(settings, SETTING_COLLECT_INTERVAL), "30s");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_consistent),
        cmocka_unit_test(values_have_units),
        cmocka_unit_test(a_bad_value_is_refused_with_what_it_takes),
        cmocka_unit_test(a_value_beyond_its_limits_is_refused_with_them),
        cmocka_unit_test(limits_are_told_in_the_units_that_people_write),
        cmocka_unit_test(an_unknown_setting_is_told),
        cmocka_unit_test(a_file_has_sections_comments_and_quotes),
        cmocka_unit_test(a_fault_is_told_with_line_and_column_and_changes_nothing),
        cmocka_unit_test(a_line_has_a_length_and_no_nul),
        cmocka_unit_test_setup_teardown(a_file_is_read_up_to_its_limit, scratch_make, scratch_remove),
        cmocka_unit_test(the_environment_wins_over_the_file),
        cmocka_unit_test(the_documents_names_are_read_and_ours_win),
        cmocka_unit_test(a_switch_is_on_or_off),
        cmocka_unit_test(a_time_or_a_size_is_read_without_a_settings_bounds),
        cmocka_unit_test(a_secret_stands_in_no_message),
        cmocka_unit_test(a_setting_of_another_type_is_a_bug),
        cmocka_unit_test(no_text_breaks_the_reader),
        cmocka_unit_test(a_value_may_say_where_it_comes_from_and_those_after_it_do_not_inherit_that),
        cmocka_unit_test(a_value_is_shown_as_it_was_set_but_for_a_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
