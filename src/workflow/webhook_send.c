// SPDX-License-Identifier: PostgreSQL
#include "workflow/webhook_send.h"

#include "base/clock.h"
#include "base/json_writer.h"
#include "base/random.h"
#include "workflow/notice_text.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define CONNECT_MS 5000
#define ANSWER_BYTES_MOST ((size_t)64 * 1024)
#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define RETRY_AFTER_MS_MOST (24 * HOUR_MS)

static pthread_once_t libraries_once = PTHREAD_ONCE_INIT;

static void
libraries_begin(void)
{
    int sodium = sodium_init();
    CURLcode curl = curl_global_init(CURL_GLOBAL_DEFAULT);
    fettle_assert(sodium >= 0 && curl == CURLE_OK);
}

int64_t
webhook_back_off_ms(int64_t attempts)
{
    static const int64_t waits_ms[] = {MINUTE_MS,   5 * MINUTE_MS, 30 * MINUTE_MS,
                                       2 * HOUR_MS, 8 * HOUR_MS,   24 * HOUR_MS};
    fettle_assert(attempts >= 1);
    return attempts > (int64_t)FETTLE_COUNT_OF(waits_ms) ? 0 : waits_ms[attempts - 1];
}

bool
webhook_signature(const char *secret, const char *message_id, int64_t timestamp, const char *body,
                  char ret_signature[WEBHOOK_SIGNATURE_BYTES])
{
    unsigned char key[WEBHOOK_SECRET_BYTES_MOST];
    unsigned char hash[crypto_auth_hmacsha256_BYTES];
    char base64[WEBHOOK_SIGNATURE_BYTES];
    char stamp[32];
    size_t key_bytes = strlen(secret);
    fettle_assert(key_bytes <= sizeof(key));
    pthread_once(&libraries_once, libraries_begin);
    if (!text_starts_with(secret, WEBHOOK_SECRET_PREFIX))
        memcpy(key, secret, key_bytes);
    else if (sodium_base642bin(key, sizeof(key), secret + strlen(WEBHOOK_SECRET_PREFIX),
                               key_bytes - strlen(WEBHOOK_SECRET_PREFIX), NULL, &key_bytes, NULL,
                               sodium_base64_VARIANT_ORIGINAL) != 0)
        return false;
    crypto_auth_hmacsha256_state state;
    snprintf(stamp, sizeof(stamp), ".%" PRId64 ".", timestamp);
    crypto_auth_hmacsha256_init(&state, key, key_bytes);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)message_id, strlen(message_id));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)stamp, strlen(stamp));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)body, strlen(body));
    crypto_auth_hmacsha256_final(&state, hash);
    sodium_memzero(key, sizeof(key));
    sodium_memzero(&state, sizeof(state));
    sodium_bin2base64(base64, sizeof(base64), hash, sizeof(hash), sodium_base64_VARIANT_ORIGINAL);
    snprintf(ret_signature, WEBHOOK_SIGNATURE_BYTES, "v1,%.44s", base64);
    return true;
}

/* --- one exchange --- */

typedef struct Exchange {
    const WebhookSend *send;
    CURL *curl;
    struct curl_slist *headers;
    size_t answer_bytes;
} Exchange;

static void
exchange_close_at(Exchange *exchange)
{
    curl_easy_cleanup(exchange->curl);
    curl_slist_free_all(exchange->headers);
}

/* Counts what comes and keeps nothing; more than the limit ends the exchange. */
static size_t
answer_take(char *data, size_t size, size_t count, void *context)
{
    Exchange *exchange = context;
    (void)data;
    exchange->answer_bytes += size * count;
    return exchange->answer_bytes > ANSWER_BYTES_MOST ? 0 : size * count;
}

static int
progress_look(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const Exchange *exchange = context;
    (void)a, (void)b, (void)c, (void)d;
    return exchange->send->is_stopping != NULL && exchange->send->is_stopping(exchange->send->context);
}

static void
header_add(Exchange *exchange, const char *line)
{
    struct curl_slist *longer = curl_slist_append(exchange->headers, line);
    fettle_assert(longer != NULL);
    exchange->headers = longer;
}

static bool
headers_make(Exchange *exchange, Arena *arena)
{
    const WebhookSend *send = exchange->send;
    int64_t now = clock_wall_us() / 1000000;
    char signature[WEBHOOK_SIGNATURE_BYTES];
    header_add(exchange, "Content-Type: application/json");
    header_add(exchange, "Expect:"); /* no waiting for 100 Continue */
    header_add(exchange, arena_printf(arena, "webhook-id: %s", send->message_id));
    header_add(exchange, arena_printf(arena, "webhook-timestamp: %" PRId64, now));
    if (send->address->secret[0] == '\0')
        return true;
    if (!webhook_signature(send->address->secret, send->message_id, now, send->body, signature))
        return false;
    header_add(exchange, arena_printf(arena, "webhook-signature: %s", signature));
    return true;
}

/* An option that this libcurl does not take would leave a limit out: that is a bug, not an answer. */
#define OPTION(exchange, option, value)                                                                      \
    do {                                                                                                     \
        CURLcode option_result = curl_easy_setopt((exchange)->curl, option, value);                          \
        fettle_assert(option_result == CURLE_OK);                                                            \
    } while (0)

static void
options_set(Exchange *exchange)
{
    const WebhookSend *send = exchange->send;
    const char *authorities = settings_get_text(send->settings, SETTING_NOTICE_CA_FILE);
    long timeout_ms = (long)settings_get_int(send->settings, SETTING_NOTICE_TIMEOUT);
    OPTION(exchange, CURLOPT_URL, send->address->url);
    OPTION(exchange, CURLOPT_PROTOCOLS_STR, "http,https");
    OPTION(exchange, CURLOPT_FOLLOWLOCATION, 0L);
    OPTION(exchange, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms < CONNECT_MS ? timeout_ms : CONNECT_MS);
    OPTION(exchange, CURLOPT_TIMEOUT_MS, timeout_ms);
    OPTION(exchange, CURLOPT_NOSIGNAL, 1L);
    OPTION(exchange, CURLOPT_SSL_VERIFYPEER, 1L);
    OPTION(exchange, CURLOPT_SSL_VERIFYHOST, 2L);
    OPTION(exchange, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    OPTION(exchange, CURLOPT_USERAGENT, "fettle/" FETTLE_VERSION);
    OPTION(exchange, CURLOPT_HTTPHEADER, exchange->headers);
    OPTION(exchange, CURLOPT_POST, 1L);
    OPTION(exchange, CURLOPT_POSTFIELDSIZE, (long)strlen(send->body));
    OPTION(exchange, CURLOPT_POSTFIELDS, send->body);
    OPTION(exchange, CURLOPT_WRITEFUNCTION, answer_take);
    OPTION(exchange, CURLOPT_WRITEDATA, exchange);
    OPTION(exchange, CURLOPT_NOPROGRESS, 0L);
    OPTION(exchange, CURLOPT_XFERINFOFUNCTION, progress_look);
    OPTION(exchange, CURLOPT_XFERINFODATA, exchange);
    if (authorities[0] != '\0')
        OPTION(exchange, CURLOPT_CAINFO, authorities);
}

/* A status that came counts, also when the rest of the answer was too long or too slow. */
static void
answer_judge(const Exchange *exchange, CURLcode result, WebhookAnswer *answer)
{
    curl_off_t retry_after_s = 0;
    (void)curl_easy_getinfo(exchange->curl, CURLINFO_RESPONSE_CODE, &answer->status);
    answer->is_delivered = answer->status >= 200 && answer->status <= 299;
    if (answer->is_delivered)
        return;
    if (answer->status != 0)
        snprintf(answer->reason, sizeof(answer->reason), "the answer was %ld%s", answer->status,
                 answer->status >= 300 && answer->status <= 399 ? ": redirects are not followed" : "");
    else if (result == CURLE_ABORTED_BY_CALLBACK)
        snprintf(answer->reason, sizeof(answer->reason), "the service stopped");
    else
        snprintf(answer->reason, sizeof(answer->reason), "%s", curl_easy_strerror(result));
    (void)curl_easy_getinfo(exchange->curl, CURLINFO_RETRY_AFTER, &retry_after_s);
    if (retry_after_s > 0)
        answer->retry_after_ms =
            retry_after_s < RETRY_AFTER_MS_MOST / 1000 ? (int64_t)retry_after_s * 1000 : RETRY_AFTER_MS_MOST;
}

WebhookAnswer
webhook_send(Arena *arena, const WebhookSend *send)
{
    WebhookAnswer answer = {0};
    pthread_once(&libraries_once, libraries_begin);
    FETTLE_CLEANUP(exchange_close_at) Exchange exchange = {.send = send, .curl = curl_easy_init()};
    fettle_assert(exchange.curl != NULL);
    if (!headers_make(&exchange, arena)) {
        snprintf(answer.reason, sizeof(answer.reason),
                 "the signing secret is not the base64 it claims to be");
        return answer;
    }
    options_set(&exchange);
    int64_t began_ms = clock_monotonic_ms();
    CURLcode result = curl_easy_perform(exchange.curl);
    answer.duration_ms = clock_monotonic_ms() - began_ms;
    answer_judge(&exchange, result, &answer);
    return answer;
}

/* A random UUID, as the deliveries' ids are. */
static const char *
message_id_make(Arena *arena)
{
    unsigned char bytes[16];
    random_system_bytes(bytes, sizeof(bytes));
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
    Text text = text_new(arena);
    for (size_t i = 0; i < sizeof(bytes); i++)
        text_append_format(&text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", bytes[i]);
    return text.data;
}

WebhookAnswer
webhook_send_test(Arena *arena, const WebhookAddress *address, const Settings *settings)
{
    Text payload = text_new(arena);
    JsonWriter json = json_writer_new(&payload, false);
    json_object_begin(&json);
    json_key_string(&json, "name", address->name);
    json_object_end(&json);
    Notice notice = {.event = NOTICE_EVENT_TEST, .payload = payload.data, .created_at_us = clock_wall_us()};
    WebhookSend send = {.address = address, .settings = settings, .message_id = message_id_make(arena)};
    send.body = address->kind == WEBHOOK_SLACK ? notice_text_slack(arena, &notice)
                                               : notice_text_json(arena, &notice, send.message_id);
    return webhook_send(arena, &send);
}
