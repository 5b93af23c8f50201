// SPDX-License-Identifier: PostgreSQL
/* What a request brings, read and refused; what a reply is made of. */
#include "api/api_internal.h"
#include "api/handlers/handlers.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
// cmocka needs those above
#include <cmocka.h>

/* A request without a server. */
typedef struct Bench {
    Arena *arena;
    Api api;
    HttpRequest http;
    ApiRequest request;
    int told; /* how often the server was told of a change */
} Bench;

static int
bench_open(void **state)
{
    Arena *arena = arena_new("test", (size_t)1 << 20);
    Bench *bench = ARENA_NEW(arena, Bench);
    bench->arena = arena;
    bench->http = (HttpRequest){.arena = arena, .method = "POST", .request_id = "r"};
    bench->request = (ApiRequest){.api = &bench->api, .http = &bench->http, .arena = arena};
    *state = bench;
    return 0;
}

static int
bench_close(void **state)
{
    Bench *bench = *state;
    body_free(bench->request.body);
    arena_free(bench->arena);
    return 0;
}

static ApiRequest *
with_target(Bench *bench, const char *target)
{
    bench->http.reply = (HttpReply){0};
    uri_parse(bench->arena, target, strlen(target), &bench->request.uri);
    return &bench->request;
}

static ApiRequest *
with_body(Bench *bench, const char *text)
{
    Error error = {0};
    body_free(bench->request.body);
    bench->request.body = NULL;
    bench->http.reply = (HttpReply){0};
    assert_true(body_parse(text, strlen(text), &bench->request.body, &error));
    return &bench->request;
}

static void
assert_refused(Bench *bench, const char *code, const char *words)
{
    assert_int_equal(bench->http.reply.status, 400);
    assert_string_equal(bench->http.reply.error_code, code);
    assert_non_null(strstr(bench->http.reply.body, words));
    bench->http.reply = (HttpReply){0};
}

static void
an_error_has_one_body_and_details_when_there_are_some(void **state)
{
    Bench *bench = *state;
    http_reply_error(&bench->http, 409, "conflict", "the name \"a\" is taken", NULL);
    assert_string_equal(bench->http.reply.body,
                        "{\"error\":\"the name \\\"a\\\" is taken\",\"code\":\"conflict\","
                        "\"message\":\"the name \\\"a\\\" is taken\"}");
    assert_int_equal(bench->http.reply.length, strlen(bench->http.reply.body));
    http_reply_error(&bench->http, 401, "unauthorized", "m", "{\"hint\":1}");
    assert_string_equal(bench->http.reply.body, "{\"error\":\"Unauthorized\",\"code\":\"unauthorized\","
                                                "\"message\":\"m\",\"details\":{\"hint\":1}}");
    assert_int_equal(bench->http.reply.status, 401);
}

static void
a_refusal_is_false_and_makes_the_reply(void **state)
{
    Bench *bench = *state;
    assert_false(api_refuse(&bench->request, 400, "some_code", "%s is %d", "x", 7));
    assert_refused(bench, "some_code", "\"message\":\"x is 7\"");
    api_refuse_fill(&bench->request, 400, "other", "plain");
    assert_refused(bench, "other", "\"message\":\"plain\"");
}

static void
a_reply_is_what_was_written_and_nothing_is_204(void **state)
{
    Bench *bench = *state;
    JsonWriter *json = api_json(&bench->request);
    json_object_begin(json);
    api_json_id(api_json(&bench->request), "id", 0);
    api_json_id(json, "other_id", INT64_MAX);
    json_key_double(json, "unknown", NAN);
    json_key_double(json, "known", 0.5);
    api_json_time(json, "never", 0);
    api_json_time(json, "at", 1771597800000000);
    api_json_embed(json, "embedded", "{\"a\": [1]}");
    api_json_embed(json, "broken", "{\"a\": ");
    api_json_embed(json, "none", NULL);
    json_object_end(json);
    assert_true(api_reply(&bench->request, 201));
    assert_int_equal(bench->http.reply.status, 201);
    assert_string_equal(bench->http.reply.body,
                        "{\"id\":null,\"other_id\":9223372036854775807,\"unknown\":null,\"known\":0.5,"
                        "\"never\":null,\"at\":\"2026-02-20T14:30:00Z\",\"embedded\":{\"a\": [1]},"
                        "\"broken\":null,\"none\":null}");
    assert_true(api_reply_nothing(&bench->request));
    assert_int_equal(bench->http.reply.status, 204);
}

static void
now_is_a_time_of_rfc_3339_between_before_and_after(void **state)
{
    Bench *bench = *state;
    JsonWriter *json = api_json(&bench->request);
    int64_t before_us = clock_wall_us() / 1000000 * 1000000;
    json_object_begin(json);
    api_json_now(json, "t");
    json_object_end(json);
    const char *text = bench->request.text.data + strlen("{\"t\":\"");
    int64_t written_us = 0;
    assert_true(api_time_parse(arena_strndup(bench->arena, text, strcspn(text, "\"")), &written_us));
    assert_true(written_us >= before_us && written_us <= clock_wall_us());
}

static void
a_parameter_is_read_once_and_only_once(void **state)
{
    Bench *bench = *state;
    const char *value = "before";
    assert_true(api_parameter_text(with_target(bench, "/x?a=b%20c&d"), "a", &value));
    assert_string_equal(value, "b c");
    assert_true(api_parameter_text(&bench->request, "d", &value));
    assert_string_equal(value, "");
    assert_true(api_parameter_text(&bench->request, "e", &value));
    assert_null(value);
    assert_false(api_parameter_text(with_target(bench, "/x?a=1&a=1"), "a", &value));
    assert_refused(bench, "invalid_parameter", "a is given more than once");
}

static void
a_word_is_one_of_those_that_are_known(void **state)
{
    Bench *bench = *state;
    static const char *const words[] = {"time", "calls", NULL};
    int index = -1;
    assert_true(api_parameter_word(with_target(bench, "/x?sort=calls"), "sort", words, 0, &index));
    assert_int_equal(index, 1);
    assert_true(api_parameter_word(with_target(bench, "/x"), "sort", words, 7, &index));
    assert_int_equal(index, 7);
    assert_false(api_parameter_word(with_target(bench, "/x?sort=Calls"), "sort", words, 0, &index));
    assert_refused(bench, "invalid_parameter", "sort must be one of time, calls");
}

static void
a_number_is_whole_and_within_its_limits(void **state)
{
    Bench *bench = *state;
    static const char *const bad[] = {"/x?n=0",   "/x?n=101", "/x?n=", "/x?n=1.5", "/x?n=9223372036854775808",
                                      "/x?n=%201"};
    int64_t value = 42;
    assert_true(api_parameter_int(with_target(bench, "/x"), "n", 1, 100, &value));
    assert_int_equal(value, 42);
    assert_true(api_parameter_int(with_target(bench, "/x?n=100"), "n", 1, 100, &value));
    assert_int_equal(value, 100);
    for (size_t i = 0; i < FETTLE_COUNT_OF(bad); i++) {
        assert_false(api_parameter_int(with_target(bench, bad[i]), "n", 1, 100, &value));
        assert_refused(bench, "invalid_parameter", "n must be a whole number from 1 to 100");
    }
    assert_int_equal(value, 100);
}

static void
a_range_is_given_or_the_window_until_now_and_never_empty(void **state)
{
    Bench *bench = *state;
    int64_t from_us = 0, to_us = 0;
    ApiRequest *request = with_target(bench, "/x?from=2026-02-20T14:30:00Z&to=2026-02-20T14:30:01Z");
    assert_true(api_parameter_range(request, 1000, &from_us, &to_us));
    assert_true(from_us == 1771597800000000 && to_us == from_us + 1000000);
    int64_t before_us = clock_wall_us();
    assert_true(api_parameter_range(with_target(bench, "/x"), 60000, &from_us, &to_us));
    assert_true(to_us >= before_us && to_us <= clock_wall_us() && to_us - from_us == 60000000);
    request = with_target(bench, "/x?from=2026-02-20T14:30:00Z&to=2026-02-20T14:30:00Z");
    assert_false(api_parameter_range(request, 1000, &from_us, &to_us));
    assert_refused(bench, "invalid_parameter", "from must be before to");
    assert_false(api_parameter_range(with_target(bench, "/x?to=today"), 1000, &from_us, &to_us));
    assert_refused(bench, "invalid_parameter", "to must be a time");
    int64_t at_us = 5;
    assert_true(api_parameter_time(with_target(bench, "/x?at=1970-01-01T00:00:01Z"), "at", &at_us));
    assert_int_equal(at_us, 1000000);
    assert_true(api_parameter_time(with_target(bench, "/x"), "at", &at_us));
    assert_int_equal(at_us, 1000000);
}

static void
fields_that_are_absent_or_null_leave_their_values(void **state)
{
    Bench *bench = *state;
    const char *text = "before";
    const char *const *texts = NULL;
    size_t count = 9;
    bool is_there = true;
    int64_t number = 42;
    int truth = -1;
    Role role = ROLE_OPERATOR;
    ApiRequest *request = with_body(bench, "{\"a\": null}");
    for (int i = 0; i < 2; i++) {
        const char *name = i == 0 ? "a" : "absent";
        assert_true(api_field_text(request, name, 10, &text) && api_field_int(request, name, 0, 9, &number));
        assert_true(api_field_bool(request, name, &truth) && api_field_role(request, name, &role));
        assert_true(api_field_texts(request, name, 3, &texts, &count, &is_there));
        assert_true(!is_there && count == 0);
        assert_false(api_field_required(request, name));
        assert_refused(bench, "missing_field", "is required");
    }
    assert_string_equal(text, "before");
    assert_true(number == 42 && truth == -1 && role == ROLE_OPERATOR);
}

static void
fields_are_read_by_their_kind(void **state)
{
    Bench *bench = *state;
    const char *text = NULL;
    const char *const *texts = NULL;
    size_t count = 0;
    bool is_there = false;
    int64_t number = 0;
    int truth = -1;
    Role role = ROLE_NONE;
    ApiRequest *request = with_body(
        bench, "{\"t\": \"ten bytes.\", \"n\": 9, \"b\": false, \"r\": \"admin\", \"l\": [\"x\", \"\"]}");
    assert_true(api_field_text(request, "t", 10, &text) && api_field_int(request, "n", 0, 9, &number));
    assert_true(api_field_bool(request, "b", &truth) && api_field_role(request, "r", &role));
    assert_true(api_field_texts(request, "l", 2, &texts, &count, &is_there));
    assert_true(api_field_required(request, "b"));
    assert_string_equal(text, "ten bytes.");
    assert_true(number == 9 && truth == 0 && role == ROLE_ADMIN && is_there && count == 2);
    assert_string_equal(texts[0], "x");
    assert_string_equal(texts[1], "");
}

static void
fields_of_another_kind_or_beyond_their_limits_are_refused(void **state)
{
    Bench *bench = *state;
    const char *text = NULL;
    const char *const *texts = NULL;
    size_t count = 0;
    bool is_there = false;
    int64_t number = 0;
    int truth = -1;
    Role role = ROLE_NONE;
    ApiRequest *request = with_body(bench, "{\"t\": \"ten bytes.\", \"n\": 10, \"f\": 1.0, \"b\": 1, \"r\": "
                                           "\"root\", \"l\": [\"x\", 1], \"many\": [\"\", \"\"]}");
    assert_false(api_field_text(request, "t", 9, &text));
    assert_refused(bench, "invalid_parameter", "t must not be longer than 9 bytes");
    assert_false(api_field_text(request, "n", 9, &text));
    assert_refused(bench, "invalid_parameter", "n must be a text");
    assert_false(api_field_int(request, "n", 0, 9, &number));
    assert_refused(bench, "invalid_parameter", "n must be a whole number from 0 to 9");
    assert_false(api_field_int(request, "f", 0, 9, &number));
    assert_refused(bench, "invalid_parameter", "f must be a whole number");
    assert_false(api_field_bool(request, "b", &truth));
    assert_refused(bench, "invalid_parameter", "b must be true or false");
    assert_false(api_field_role(request, "r", &role));
    assert_refused(bench, "invalid_parameter", "r must be one of viewer, operator, admin");
    assert_false(api_field_texts(request, "l", 9, &texts, &count, &is_there));
    assert_refused(bench, "invalid_parameter", "l must be a list of texts");
    assert_false(api_field_texts(request, "many", 1, &texts, &count, &is_there));
    assert_refused(bench, "invalid_parameter", "many must be a list of at most 1 texts");
    assert_true(text == NULL && number == 0 && truth == -1 && role == ROLE_NONE && count == 0);
}

static void
count_telling(void *server)
{
    (*(int *)server)++;
}

static void
a_change_is_told_to_the_server_when_it_wants_to_know(void **state)
{
    Bench *bench = *state;
    after_targets_changed(&bench->request);
    after_settings_changed(&bench->request);
    bench->api.context = (ApiContext){.server = &bench->told, .targets_changed = count_telling};
    after_settings_changed(&bench->request);
    assert_int_equal(bench->told, 0);
    after_targets_changed(&bench->request);
    assert_int_equal(bench->told, 1);
    bench->api.context.settings_changed = count_telling;
    after_settings_changed(&bench->request);
    assert_int_equal(bench->told, 2);
}

static void
the_bearer_of_a_header_is_its_one_word(void **state)
{
    Bench *bench = *state;
    static const char *const good[] = {"Bearer abc", "bearer abc", "BEARER   abc  ", "Bearer abc\t"};
    static const char *const bad[] = {"", "Bearer", "Bearer ", "Bearer  ", "Basic abc", "Bearer a b", "abc"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(good); i++)
        assert_string_equal(auth_bearer(bench->arena, good[i]), "abc");
    for (size_t i = 0; i < FETTLE_COUNT_OF(bad); i++)
        assert_null(auth_bearer(bench->arena, bad[i]));
    assert_null(auth_bearer(bench->arena, NULL));
}

#define WITH_REQUEST(test) cmocka_unit_test_setup_teardown(test, bench_open, bench_close)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_REQUEST(an_error_has_one_body_and_details_when_there_are_some),
        WITH_REQUEST(a_refusal_is_false_and_makes_the_reply),
        WITH_REQUEST(a_reply_is_what_was_written_and_nothing_is_204),
        WITH_REQUEST(now_is_a_time_of_rfc_3339_between_before_and_after),
        WITH_REQUEST(a_parameter_is_read_once_and_only_once),
        WITH_REQUEST(a_word_is_one_of_those_that_are_known),
        WITH_REQUEST(a_number_is_whole_and_within_its_limits),
        WITH_REQUEST(a_range_is_given_or_the_window_until_now_and_never_empty),
        WITH_REQUEST(fields_that_are_absent_or_null_leave_their_values),
        WITH_REQUEST(fields_are_read_by_their_kind),
        WITH_REQUEST(fields_of_another_kind_or_beyond_their_limits_are_refused),
        WITH_REQUEST(a_change_is_told_to_the_server_when_it_wants_to_know),
        WITH_REQUEST(the_bearer_of_a_header_is_its_one_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
