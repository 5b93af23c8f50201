// SPDX-License-Identifier: PostgreSQL
#include "api/metrics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
// cmocka needs those above
#include <cmocka.h>

static void
collect(void *context)
{
    metric_set(context, 7);
}

static void
metrics_are_written_with_one_description_for_each_name(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    MetricsRegistry *registry = metrics_registry_new();
    Metric *first = metrics_new(registry, METRICS_COUNTER, "a_total", "what", "x=\"1\"");
    Metric *second = metrics_new(registry, METRICS_COUNTER, "a_total", "what", "x=\"2\"");
    Metric *gauge = metrics_new(registry, METRICS_GAUGE, "b", "else", "");
    metric_add(first, 1);
    metric_add(first, 1.5);
    metric_set(second, NAN);
    metrics_collector_add(registry, collect, gauge);
    Text text = text_new(arena);
    metrics_write(registry, &text);
    assert_string_equal(
        text.data, "# HELP a_total what\n# TYPE a_total counter\na_total{x=\"1\"} 2.5\na_total{x=\"2\"} NaN\n"
                   "# HELP b else\n# TYPE b gauge\nb 7\n");
    metrics_collector_remove(registry, gauge);
    metric_set(gauge, 1);
    text_truncate(&text, 0);
    metrics_write(registry, &text);
    assert_true(text_ends_with(text.data, "\nb 1\n"));
    metrics_registry_free(registry);
}

static void
a_metric_has_the_value_that_was_set_and_what_was_added(void **state)
{
    (void)state;
    MetricsRegistry *registry = metrics_registry_new();
    Metric *metric = metrics_new(registry, METRICS_GAUGE, "g", "what", "");
    assert_true(metric_value(metric) == 0);
    metric_set(metric, 2);
    metric_add(metric, 0.5);
    assert_true(metric_value(metric) == 2.5);
    metrics_registry_free(registry);
}

static double
figure_of(const char *text, const char *name)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 65536);
    const char *line = strstr(text, arena_printf(arena, "\n%s ", name));
    assert_non_null(line);
    return strtod(strchr(line, ' '), NULL);
}

static void
the_process_tells_its_memory_files_and_time(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    MetricsRegistry *registry = metrics_registry_new();
    metrics_process_add(registry);
    Text text = text_new(arena);
    metrics_write(registry, &text);
    assert_true(figure_of(text.data, "process_resident_memory_bytes") > 4096);
    assert_true(figure_of(text.data, "process_open_fds") >= 3);
    assert_true(figure_of(text.data, "process_cpu_seconds_total") >= 0);
    assert_true(figure_of(text.data, "process_start_time_seconds") > 1.5e9);
    metrics_registry_free(registry);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_are_written_with_one_description_for_each_name),
        cmocka_unit_test(a_metric_has_the_value_that_was_set_and_what_was_added),
        cmocka_unit_test(the_process_tells_its_memory_files_and_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
