// SPDX-License-Identifier: PostgreSQL
/* Signatures, waits, and places that give no answer; answers of all kinds are in
 * tests/integration/test_notices.py. */
#include "workflow/webhook_send.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void
a_signature_is_the_one_that_the_standard_publishes(void **state)
{
    (void)state;
    char signature[WEBHOOK_SIGNATURE_BYTES];
    assert_true(webhook_signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek",
                                  1614265330, "{\"test\": 2432232314}", signature));
    assert_string_equal(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

static void
a_signature_depends_on_all_that_is_signed(void **state)
{
    (void)state;
    static const struct {
        const char *secret, *id, *body;
        int64_t timestamp;
    } rows[] = {
        {"a secret that is no base64", "1", "{}", 17},  {"a secret that is no base64", "2", "{}", 17},
        {"a secret that is no base64", "1", "{ }", 17}, {"a secret that is no base64", "1", "{}", 18},
        {"another secret that is none", "1", "{}", 17},
    };
    char signatures[FETTLE_COUNT_OF(rows)][WEBHOOK_SIGNATURE_BYTES];
    for (size_t i = 0; i < FETTLE_COUNT_OF(rows); i++) {
        assert_true(
            webhook_signature(rows[i].secret, rows[i].id, rows[i].timestamp, rows[i].body, signatures[i]));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(signatures[i], signatures[j]);
    }
    assert_false(webhook_signature("whsec_not*base64", "1", 17, "{}", signatures[0]));
}

static void
waits_grow_to_a_day_and_end(void **state)
{
    (void)state;
    int64_t before = 0;
    for (int attempt = 1; attempt <= 6; attempt++) {
        assert_true(webhook_back_off_ms(attempt) > before);
        before = webhook_back_off_ms(attempt);
    }
    assert_int_equal(webhook_back_off_ms(1), 60000);
    assert_int_equal(before, 86400000);
    assert_int_equal(webhook_back_off_ms(7), 0);
}

/* A port that nobody listens at, or, with a backlog, that takes connections and says nothing. */
static int
port_take(bool listens, int *ret_socket)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    *ret_socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(*ret_socket >= 0);
    assert_int_equal(bind(*ret_socket, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(*ret_socket, (struct sockaddr *)&address, &length), 0);
    if (listens)
        assert_int_equal(listen(*ret_socket, 5), 0);
    return ntohs(address.sin_port);
}

static bool
stops_at_once(void *context)
{
    ++*(int *)context;
    return true;
}

static void
a_place_without_an_answer_is_no_delivery_and_a_stop_ends_the_waiting(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    Settings *settings = settings_new(arena);
    Error error = {0};
    assert_true(settings_set(settings, "notice.timeout", "300ms", &error));
    int silent;
    int closed;
    int port = port_take(false, &closed);
    WebhookAddress address = {
        .name = "x", .url = arena_printf(arena, "http://u:hidden@127.0.0.1:%d/hidden", port), .secret = ""};
    WebhookAnswer answer = webhook_send_test(arena, &address, settings);
    assert_false(answer.is_delivered);
    assert_int_equal(answer.status, 0);
    assert_null(strstr(answer.reason, "hidden"));
    address.url = arena_printf(arena, "http://127.0.0.1:%d/", port_take(true, &silent));
    answer = webhook_send_test(arena, &address, settings);
    assert_false(answer.is_delivered);
    assert_string_equal(answer.reason, "Timeout was reached");
    assert_true(settings_set(settings, "notice.timeout", "60s", &error));
    int asked = 0;
    WebhookSend send = {.address = &address,
                        .settings = settings,
                        .message_id = "1",
                        .body = "{}",
                        .is_stopping = stops_at_once,
                        .context = &asked};
    answer = webhook_send(arena, &send);
    assert_true(!answer.is_delivered && asked > 0 && answer.duration_ms < 30000);
    assert_string_equal(answer.reason, "the service stopped");
    address.secret = "whsec_not*base64";
    assert_non_null(strstr(webhook_send(arena, &send).reason, "base64"));
    address.secret = "";
    address.url = "file:///etc/passwd";
    assert_false(webhook_send(arena, &send).is_delivered);
    close(silent);
    close(closed);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signature_is_the_one_that_the_standard_publishes),
        cmocka_unit_test(a_signature_depends_on_all_that_is_signed),
        cmocka_unit_test(waits_grow_to_a_day_and_end),
        cmocka_unit_test(a_place_without_an_answer_is_no_delivery_and_a_stop_ends_the_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
