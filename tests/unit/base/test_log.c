// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "base/log.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
write_all_levels(void *level)
{
    log_set_level(*(LogLevel *)level);
    log_write(LOG_LEVEL_ERROR, "e%d", 1);
    log_write(LOG_LEVEL_WARNING, "w");
    log_write(LOG_LEVEL_INFO, "i");
    log_write(LOG_LEVEL_DEBUG, "d");
}

static void
what_is_above_the_level_is_not_written(void **state)
{
    (void)state;
    static const char *const wanted[] = {
        "fettle: error: e1\n", "fettle: error: e1\nfettle: warning: w\n",
        "fettle: error: e1\nfettle: warning: w\nfettle: info: i\n",
        "fettle: error: e1\nfettle: warning: w\nfettle: info: i\nfettle: debug: d\n"};
    for (LogLevel level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++) {
        char words[1000];
        standard_error_of(write_all_levels, &level, words, sizeof(words));
        assert_string_equal(words, wanted[level]);
    }
}

static void
write_hostile_text(void *ignored)
{
    (void)ignored;
    log_write(LOG_LEVEL_INFO, "%s", "one\ntwo\x1b[2J\x7f\r ü %s");
    log_write(LOG_LEVEL_INFO, "%9000s", "x");
}

static void
an_event_is_one_line_of_bounded_length(void **state)
{
    (void)state;
    static char words[20000];
    standard_error_of(write_hostile_text, NULL, words, sizeof(words));
    static const char first[] = "fettle: info: one two [2J   ü %s\n";
    assert_memory_equal(words, first, sizeof(first) - 1);
    assert_int_equal(strlen(words), sizeof(first) - 1 + strlen("fettle: info: ") + LOG_MESSAGE_BYTES - 1 + 1);
}

static void
hide_digits(char *message, size_t size_bytes)
{
    assert_true(strlen(message) < size_bytes);
    for (char *at = message; *at != '\0'; at++)
        if (*at >= '0' && *at <= '9')
            *at = '*';
}

static void
write_filtered(void *ignored)
{
    (void)ignored;
    log_set_filter(hide_digits);
    log_write(LOG_LEVEL_WARNING, "pin %d", 1234);
    log_set_filter(NULL);
    log_write(LOG_LEVEL_WARNING, "pin %d", 5);
}

static void
what_a_filter_takes_out_is_not_written(void **state)
{
    (void)state;
    char words[1000];
    standard_error_of(write_filtered, NULL, words, sizeof(words));
    assert_string_equal(words, "fettle: warning: pin ****\nfettle: warning: pin 5\n");
}

static void *
write_from_a_thread(void *word)
{
    for (int i = 0; i < 200; i++)
        log_write(LOG_LEVEL_INFO, "%s%s%s%s", (char *)word, (char *)word, (char *)word, (char *)word);
    return NULL;
}

static void
write_from_threads(void *ignored)
{
    (void)ignored;
    static char words[][8] = {"aaaa", "bbbb", "cccc"};
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        if (pthread_create(&threads[i], NULL, write_from_a_thread, words[i]) != 0)
            abort();
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
}

static void
lines_of_threads_do_not_mix(void **state)
{
    (void)state;
    static char words[100000];
    standard_error_of(write_from_threads, NULL, words, sizeof(words));
    size_t lines = 0;
    for (char *line = words; *line != '\0'; lines++) {
        char *end = strchr(line, '\n');
        assert_non_null(end);
        size_t prefix = strlen("fettle: info: ");
        assert_int_equal(end - line, prefix + 16);
        assert_int_equal(strspn(line + prefix, (char[]){line[prefix], '\0'}), 16);
        line = end + 1;
    }
    assert_int_equal(lines, 600);
}

static void
show_progress(void *enabled)
{
    if (enabled != NULL)
        progress_set_enabled(*(bool *)enabled);
    progress_show("reading", 12, 340);
    for (int i = 0; i < 1000; i++)
        progress_show("too soon", i, 1000);
    log_write(LOG_LEVEL_INFO, "between");
    progress_show("searching", 3, 0);
    progress_clear();
    progress_clear();
}

static void
progress_is_drawn_in_place_and_makes_way_for_lines(void **state)
{
    (void)state;
    char words[4000];
    bool enabled = true;
    standard_error_of(show_progress, &enabled, words, sizeof(words));
    assert_memory_equal(words, "\r\033[Kreading: 12 of 340", strlen("\r\033[Kreading: 12 of 340"));
    assert_non_null(strstr(words, "\r\033[Kfettle: info: between\n\r\033[Ksearching\r\033[K"));
    assert_null(strstr(words, "searching: "));
    /* ten times a second at most; a slow machine may let a few through */
    size_t drawn = 0;
    for (const char *at = strstr(words, "too soon"); at != NULL; at = strstr(at + 1, "too soon"))
        drawn++;
    assert_true(drawn < 100);
    assert_string_equal(words + strlen(words) - strlen("searching\r\033[K"), "searching\r\033[K");
}

static void
there_is_no_progress_but_on_a_terminal(void **state)
{
    (void)state;
    char words[4000];
    bool enabled = false;
    standard_error_of(show_progress, &enabled, words, sizeof(words));
    assert_string_equal(words, "fettle: info: between\n");
    setenv("TERM", "xterm", 1);
    standard_error_of(show_progress, NULL, words, sizeof(words)); /* a pipe */
    assert_string_equal(words, "fettle: info: between\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_above_the_level_is_not_written),
        cmocka_unit_test(what_a_filter_takes_out_is_not_written),
        cmocka_unit_test(an_event_is_one_line_of_bounded_length),
        cmocka_unit_test(lines_of_threads_do_not_mix),
        cmocka_unit_test(progress_is_drawn_in_place_and_makes_way_for_lines),
        cmocka_unit_test(there_is_no_progress_but_on_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
