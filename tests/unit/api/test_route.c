// SPDX-License-Identifier: PostgreSQL
#include "api/api.h"
#include "api/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
// cmocka needs those above
#include <cmocka.h>

static const ApiRoute *
find(Arena *arena, const char *target, Uri *uri)
{
    uri_parse(arena, target, strlen(target), uri);
    return route_find_path(uri);
}

static void
a_literal_segment_wins_over_a_value(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    Uri uri;
    assert_string_equal(find(arena, "/api/v1/targets/test", &uri)->path, "/api/v1/targets/test");
    assert_string_equal(find(arena, "/api/v1/targets/tes", &uri)->path, "/api/v1/targets/{target_id}");
    assert_null(find(arena, "/api/v1/targets/", &uri));
    assert_null(find(arena, "/api/v1", &uri));
}

static void
a_value_is_found_with_its_kind_and_name(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    Uri uri;
    const char *name;
    const char *text;
    const ApiRoute *path = find(arena, "/api/v1/queries/12/plans", &uri);
    assert_int_equal(route_value(arena, path, &uri, &name, &text), ROUTE_VALUE_HASH);
    assert_string_equal(text, "12");
    path = find(arena, "/api/v1/targets/5", &uri);
    assert_int_equal(route_value(arena, path, &uri, &name, &text), ROUTE_VALUE_ID);
    assert_string_equal(name, "target_id");
    path = find(arena, "/api/v1/settings/%ff", &uri);
    assert_int_equal(route_value(arena, path, &uri, &name, &text), ROUTE_VALUE_TEXT);
    assert_null(text);
    path = find(arena, "/health", &uri);
    assert_int_equal(route_value(arena, path, &uri, &name, &text), ROUTE_VALUE_NONE);
}

static void
methods_of_a_path_are_its_rows_and_head_is_get(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    Uri uri;
    const ApiRoute *path = find(arena, "/api/v1/users/3", &uri);
    assert_string_equal(route_allowed(arena, path), "GET, HEAD, PATCH, DELETE");
    assert_ptr_equal(route_find_method(path, "HEAD"), route_find_method(path, "GET"));
    assert_string_equal(route_find_method(path, "DELETE")->operation, "userDelete");
    assert_null(route_find_method(path, "POST"));
    assert_null(route_find_method(path, "get"));
}

static void
the_routes_are_counted_and_described_one_a_line(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    const char *words = api_routes_describe(arena);
    size_t lines = 0;
    for (const char *at = words; *at != '\0'; at++)
        lines += *at == '\n';
    assert_true(lines > 0);
    assert_int_equal(lines, api_route_count());
    assert_null(api_routes[api_route_count()].method);
    assert_non_null(strstr(words, "GET /health - "));
    assert_non_null(strstr(words, "DELETE /api/v1/users/{user_id} admin "));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_literal_segment_wins_over_a_value),
        cmocka_unit_test(a_value_is_found_with_its_kind_and_name),
        cmocka_unit_test(methods_of_a_path_are_its_rows_and_head_is_get),
        cmocka_unit_test(the_routes_are_counted_and_described_one_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
