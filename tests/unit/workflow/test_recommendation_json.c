// SPDX-License-Identifier: PostgreSQL
/*
 * A recommendation as members of a JSON object.
 */
#include "base/text.h"
#include "workflow/recommendation_json.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void
what_is_known_is_written_and_what_is_not_is_null(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", 1 << 20);
    RankedRecommendation found = {.source_type = "index",
                                  .text = "CREATE INDEX \"a\" ON b (c)",
                                  .improvement_percent = 62.5,
                                  .confidence = 0.8,
                                  .urgency = NAN,
                                  .roi = 12,
                                  .saving_ms_per_hour = 300,
                                  .saving_low = NAN,
                                  .saving_high = 450,
                                  .is_dismissed = true,
                                  .dismissal_reason = "not now"};
    Text text = text_new(arena);
    JsonWriter json = json_writer_new(&text, false);
    json_object_begin(&json);
    recommendation_fields_write(&json, &found);
    json_object_end(&json);
    json_t *read = json_loads(text.data, 0, NULL);
    assert_non_null(read);
    assert_int_equal(json_object_size(read), 16);
    assert_string_equal(json_string_value(json_object_get(read, "recommendation_text")), found.text);
    assert_true(json_number_value(json_object_get(read, "estimated_improvement_percent")) == 62.5);
    assert_true(json_number_value(json_object_get(read, "expected_saving_high")) == 450);
    assert_true(json_is_null(json_object_get(read, "expected_saving_low")));
    assert_true(json_is_null(json_object_get(read, "urgency_score")));
    assert_true(json_is_null(json_object_get(read, "kind")));
    assert_true(json_is_true(json_object_get(read, "is_dismissed")));
    json_decref(read);
    arena_free(arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_known_is_written_and_what_is_not_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
