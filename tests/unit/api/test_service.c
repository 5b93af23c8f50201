// SPDX-License-Identifier: PostgreSQL
/* The API over a real store: who calls, sessions of requests, tests of connections, and the whole of it. */
#include "../store/fixture.h"

#include "api/api_internal.h"
#include "api/connection_test.h"
#include "api/handlers/handlers.h"
#include "pg/result.h"
#include "store/target.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REPLY_BYTES 65536

static int64_t
token_make(StoreFixture *fixture, Role role, int64_t lifetime_ms, char text[TOKEN_TEXT_BYTES])
{
    Error error = {0};
    int64_t id = 0;
    int64_t expires = 0;
    TokenOrder order = {.name = "ci", .role = role, .lifetime_ms = lifetime_ms};
    assert_done(token_create(fixture->connection, &order, text, &id, &expires, &error), &error);
    return id;
}

static Role
role_checked(StoreFixture *fixture, Auth *auth, const char *text)
{
    Caller caller;
    Error error = {0};
    assert_done(auth_check(auth, fixture->connection, fixture->arena, text, &caller, &error), &error);
    return caller.role;
}

static void
a_token_is_remembered_until_all_is_forgotten_whether_it_holds_or_not(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    Caller caller = {.role = ROLE_ADMIN};
    char text[TOKEN_TEXT_BYTES];
    int64_t id = token_make(fixture, ROLE_OPERATOR, 0, text);
    Auth *auth = auth_new();
    assert_false(auth_find(auth, text, &caller));
    assert_int_equal(role_checked(fixture, auth, text), ROLE_OPERATOR);
    assert_int_equal(role_checked(fixture, auth, "fettle_wrong"), ROLE_NONE);
    assert_true(auth_find(auth, text, &caller));
    assert_true(caller.role == ROLE_OPERATOR && caller.token_id == id && caller.user_id == 0);
    assert_string_equal(caller.actor, "token:ci");
    assert_string_equal(caller.username, "");
    assert_true(auth_find(auth, "fettle_wrong", &caller));
    assert_int_equal(caller.role, ROLE_NONE);
    assert_done(token_revoke(fixture->connection, id, &error), &error);
    auth_forget(auth);
    assert_false(auth_find(auth, text, &caller));
    assert_int_equal(role_checked(fixture, auth, text), ROLE_NONE);
    auth_free(auth);
    auth_free(NULL);
}

static void
a_remembered_token_that_expires_does_not_hold(void **state)
{
    StoreFixture *fixture = *state;
    char text[TOKEN_TEXT_BYTES];
    Caller caller = {0};
    Auth *auth = auth_new();
    (void)token_make(fixture, ROLE_ADMIN, 300, text);
    Role first = role_checked(fixture, auth, text);
    (void)store_fixture_value(fixture, "SELECT pg_sleep(0.35)");
    if (first == ROLE_ADMIN)
        assert_true(auth_find(auth, text, &caller));
    assert_int_equal(caller.role, ROLE_NONE);
    auth_free(auth);
}

static ApiRequest
request_of(StoreFixture *fixture, Api *api, HttpRequest *http)
{
    api->context.store = fixture->store;
    *http = (HttpRequest){
        .arena = fixture->arena, .method = "GET", .request_id = "r", .deadline = deadline_after_ms(60000)};
    return (ApiRequest){.api = api, .http = http, .arena = fixture->arena};
}

static void
an_acts_session_is_in_a_transaction_and_a_readers_is_not(void **state)
{
    StoreFixture *fixture = *state;
    Api api = {0};
    HttpRequest http;
    Error error = {0};
    PgConnection *session = NULL;
    PgConnection *again = NULL;
    ApiRoute act = {.action = "test.act"};
    ApiRoute reading = {0};
    ApiRequest request = request_of(fixture, &api, &http);
    request.route = &reading;
    assert_done(api_session(&request, &session, &error), &error);
    assert_false(pg_connection_is_in_transaction(session));
    request.route = &act;
    assert_done(api_session(&request, &again, &error), &error);
    assert_ptr_equal(again, session);
    assert_true(pg_connection_is_in_transaction(session));
    assert_done(pg_execute(session, "INSERT INTO fettle.jobs (kind) VALUES ('left')", &error), &error);
    assert_done(api_session_end(&request, false, &error), &error);
    assert_string_equal(store_fixture_value(fixture, "SELECT count(*) FROM fettle.jobs"), "0");
    assert_done(api_session(&request, &session, &error), &error);
    assert_done(pg_execute(session, "INSERT INTO fettle.jobs (kind) VALUES ('kept')", &error), &error);
    assert_done(api_session_end(&request, true, &error), &error);
    assert_string_equal(store_fixture_value(fixture, "SELECT kind FROM fettle.jobs"), "kept");
}

static void
a_target_that_is_not_there_is_not_found(void **state)
{
    StoreFixture *fixture = *state;
    Api api = {0};
    HttpRequest http;
    Error error = {0};
    int64_t id = 0;
    ApiRequest request = request_of(fixture, &api, &http);
    TargetChange change = {.name = "shop", .dsn = "host=h", .enabled = -1, .interval_ms = -1};
    assert_done(target_create(fixture->store, fixture->connection, &change, &id, &error), &error);
    assert_done(api_target_check(&request, fixture->connection, id, &error), &error);
    assert_false(api_target_check(&request, fixture->connection, id + 1, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
}

static void
ended_tokens_are_forgotten_after_the_act(void **state)
{
    StoreFixture *fixture = *state;
    Api api = {.auth = auth_new()};
    HttpRequest http;
    Caller caller;
    char text[TOKEN_TEXT_BYTES];
    ApiRequest request = request_of(fixture, &api, &http);
    (void)token_make(fixture, ROLE_VIEWER, 0, text);
    assert_int_equal(role_checked(fixture, api.auth, text), ROLE_VIEWER);
    after_tokens_ended(&request);
    assert_false(auth_find(api.auth, text, &caller));
    auth_free(api.auth);
}

/* The fixture's own cluster as a target. */
static const char *
dsn_of(StoreFixture *fixture)
{
    return arena_printf(fixture->arena, "host=%s dbname=%s user=%s", store_fixture_socket(fixture),
                        pg_connection_database(fixture->connection), pg_connection_user(fixture->connection));
}

static void
a_server_that_is_there_is_reached_and_told_of(void **state)
{
    StoreFixture *fixture = *state;
    ConnectionTestOptions options = {.connect_timeout_ms = 10000,
                                     .statement_timeout_ms = 10000,
                                     .lock_timeout_ms = 500,
                                     .deadline = deadline_after_ms(30000)};
    ConnectionTest test;
    connection_test_run(fixture->arena, dsn_of(fixture), &options, &test);
    if (!test.is_reachable)
        fail_msg("%s", test.error_message);
    assert_true(test.connect_ms > 0 && !test.is_standby && !test.is_superuser && !test.is_tls);
    assert_string_equal(test.database, pg_connection_database(fixture->connection));
    assert_string_equal(test.user_name, pg_connection_user(fixture->connection));
    assert_true(test.check_count > 0 && test.checks[0].is_good);
    Text text = text_new(fixture->arena);
    JsonWriter json = json_writer_new(&text, false);
    connection_test_write(&json, &test);
    assert_non_null(strstr(text.data, "\"reachable\":true"));
    assert_non_null(strstr(text.data, "\"name\":\"version\""));
    assert_true(body_is_json(text.data));
}

static void
a_server_that_is_not_there_is_a_result_without_the_password(void **state)
{
    StoreFixture *fixture = *state;
    ConnectionTestOptions options = {.connect_timeout_ms = 1000, .deadline = deadline_after_ms(5000)};
    ConnectionTest test;
    connection_test_run(fixture->arena, "host=/nowhere password=hush", &options, &test);
    assert_false(test.is_reachable);
    assert_true(isnan(test.connect_ms) && test.check_count == 0 && test.server_version == NULL);
    Text text = text_new(fixture->arena);
    JsonWriter json = json_writer_new(&text, false);
    connection_test_write(&json, &test);
    assert_non_null(strstr(text.data, "\"reachable\":false"));
    assert_non_null(strstr(text.data, "\"connect_ms\":null"));
    assert_null(strstr(text.data, "hush"));
    assert_true(body_is_json(text.data));
}

/* The whole reply to bytes that are sent to a port; the connection is closed by the server. */
static char *
exchange(Arena *arena, int port, const char *bytes)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(descriptor >= 0);
    assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(send(descriptor, bytes, strlen(bytes), MSG_NOSIGNAL), strlen(bytes));
    char *reply = arena_alloc(arena, REPLY_BYTES + 1);
    size_t length = 0;
    ssize_t count;
    while (length < REPLY_BYTES && (count = recv(descriptor, reply + length, REPLY_BYTES - length, 0)) > 0)
        length += (size_t)count;
    close(descriptor);
    reply[length] = '\0';
    return reply;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

static void
the_api_listens_answers_and_stops(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    Arena *arena = arena_new("settings", 1 << 20);
    Settings *settings = settings_new(arena);
    assert_done(settings_set(settings, "server.listen", "127.0.0.1:0", &error), &error);
    assert_done(settings_set(settings, "server.workers", "2", &error), &error);
    SettingsHolder *holder = settings_holder_new(arena, settings);
    MetricsRegistry *registry = metrics_registry_new();
    Api *api = NULL;
    ApiContext context = {.store = fixture->store, .settings = holder, .metrics = registry};
    assert_done(api_open(&context, &api, &error), &error);
    int port = api_port(api);
    assert_in_range(port, 1, 65535);
    assert_true(text_starts_with(exchange(fixture->arena, port, GET("/health")), "HTTP/1.1 200 "));
    const char *denied = exchange(fixture->arena, port, GET("/api/v1/targets"));
    assert_true(text_starts_with(denied, "HTTP/1.1 401 "));
    assert_non_null(strstr(denied, "\"code\":\"unauthorized\""));
    Api *second = NULL;
    Settings *taken = settings_new(fixture->arena);
    assert_done(
        settings_set(taken, "server.listen", arena_printf(fixture->arena, "127.0.0.1:%d", port), &error),
        &error);
    settings_replace(holder, arena_new("settings", 65536), taken);
    MetricsRegistry *other = metrics_registry_new();
    context.metrics = other;
    assert_false(api_open(&context, &second, &error));
    assert_null(second);
    api_stop(api, deadline_after_ms(5000));
    api_stop(NULL, deadline_after_ms(1));
    metrics_registry_free(other);
    metrics_registry_free(registry);
    settings_holder_free(holder);
}

static void
triage(void *context, HttpRequest *request)
{
    (void)context;
    request->deadline = deadline_after_ms(60000);
    if (strcmp(request->target, "/now") == 0)
        http_reply_error(request, 404, "not_found", "nothing here", NULL);
}

static void
answer(void *context, HttpRequest *request)
{
    HttpFigures figures = http_server_figures(*(HttpServer **)context);
    request->reply.body =
        arena_printf(request->arena, "%s %lld running", request->target, (long long)figures.running);
    request->reply.length = strlen(request->reply.body);
    request->reply.status = 200;
}

static void
nothing_more(void *context, const HttpRequest *request)
{
    (void)context;
    (void)request;
}

static void
ended(void *context, HttpRequest *request)
{
    nothing_more(context, request);
}

static void
a_request_is_answered_by_triage_or_by_a_worker(void **state)
{
    StoreFixture *fixture = *state;
    HttpServer *server = NULL;
    Error error = {0};
    HttpOptions options = {
        .service = {&server, triage, answer, nothing_more, ended},
        .listen = "127.0.0.1:0",
        .tls_certificate = "",
        .tls_key = "",
        .workers = 2,
        .connections_most = 10,
        .idle_timeout_ms = 5000,
    };
    assert_done(http_server_open(&options, &server, &error), &error);
    int port = http_server_port(server);
    const char *reply = exchange(fixture->arena, port, GET("/now"));
    assert_true(text_starts_with(reply, "HTTP/1.1 404 "));
    assert_non_null(strstr(reply, "\"message\":\"nothing here\""));
    reply = exchange(fixture->arena, port, GET("/later?x"));
    assert_true(text_starts_with(reply, "HTTP/1.1 200 "));
    assert_true(text_ends_with(reply, "\r\n\r\n/later?x 1 running"));
    HttpFigures figures = http_server_figures(server);
    assert_true(figures.queued == 0 && figures.body_bytes == 0 && figures.connections_closed_slow == 0);
    http_server_stop(server, deadline_after_ms(5000));
    http_server_stop(NULL, deadline_after_ms(1));
    options.listen = "nowhere";
    assert_false(http_server_open(&options, &server, &error));
}

#define WITH_STORE(test) cmocka_unit_test_setup(test, store_fixture_clear)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_token_is_remembered_until_all_is_forgotten_whether_it_holds_or_not),
        WITH_STORE(a_remembered_token_that_expires_does_not_hold),
        WITH_STORE(an_acts_session_is_in_a_transaction_and_a_readers_is_not),
        WITH_STORE(a_target_that_is_not_there_is_not_found),
        WITH_STORE(ended_tokens_are_forgotten_after_the_act),
        WITH_STORE(a_server_that_is_there_is_reached_and_told_of),
        WITH_STORE(a_server_that_is_not_there_is_a_result_without_the_password),
        WITH_STORE(the_api_listens_answers_and_stops),
        WITH_STORE(a_request_is_answered_by_triage_or_by_a_worker),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}
