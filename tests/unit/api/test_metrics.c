// SPDX-License-Identifier: PostgreSQL
#include "api/metrics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_are_written_with_one_description_for_each_name)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
