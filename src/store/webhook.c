// SPDX-License-Identifier: PostgreSQL
#include "store/webhook.h"

#include "pg/identifier.h"
#include "store/notice.h"
#include "store/seal.h"
#include "store/store_internal.h"

#include <sodium.h>
#include <string.h>

#define ARENA_BYTES ((size_t)1024 * 1024)

static const char *const kind_words[] = {"generic", "slack"};

const char *
webhook_kind_word(WebhookKind kind)
{
    return kind_words[kind];
}

static WebhookKind
kind_of(const char *word)
{
    return word != NULL && strcmp(word, kind_words[WEBHOOK_SLACK]) == 0 ? WEBHOOK_SLACK : WEBHOOK_GENERIC;
}

static bool
is_among(char character, const char *few)
{
    return character != '\0' && strchr(few, character) != NULL;
}

static bool
is_host_character(char character)
{
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || character == '.' || character == '-';
}

/* A host and its port from the text on; their length, 0 for what is none. */
static size_t
host_length(const char *text)
{
    size_t length = 0;
    if (text[0] == '[') {
        length = 1 + strspn(text + 1, "0123456789abcdefABCDEF:.");
        if (length == 1 || text[length] != ']')
            return 0;
        length++;
    } else {
        while (is_host_character(text[length]))
            length++;
        if (length == 0)
            return 0;
    }
    if (text[length] != ':')
        return length;
    size_t digits = strspn(text + length + 1, "0123456789");
    return digits == 0 || digits > 5 ? 0 : length + 1 + digits;
}

bool
webhook_origin(Arena *arena, const char *url, const char **ret_origin, Error *error)
{
    static const char *const schemes[] = {"https://", "http://"};
    size_t scheme = 0;
    for (size_t i = 0; i < FETTLE_COUNT_OF(schemes); i++)
        if (text_starts_with(url, schemes[i]))
            scheme = strlen(schemes[i]);
    if (scheme == 0)
        return error_set(error, ERROR_INPUT, "a webhook's URL begins with https:// or http://");
    if (strlen(url) > WEBHOOK_URL_BYTES)
        return error_set(error, ERROR_INPUT, "a webhook's URL has at most %d bytes", WEBHOOK_URL_BYTES);
    for (const char *at = url; *at != '\0'; at++)
        if (*at <= ' ' || *at > '~' || is_among(*at, "\"\\<>^`{|}#"))
            return error_set(error, ERROR_INPUT,
                             "a webhook's URL has characters that belong into none: write them as %%XX");
    const char *host = url + scheme;
    size_t authority = strcspn(host, "/?");
    const char *at_sign = memrchr(host, '@', authority);
    if (at_sign != NULL) {
        authority -= (size_t)(at_sign + 1 - host);
        host = at_sign + 1;
    }
    size_t length = host_length(host);
    if (length == 0 || length != authority)
        return error_set(error, ERROR_INPUT, "a webhook's URL needs a host, as https://hooks.example/path");
    *ret_origin = arena_printf(arena, "%.*s%.*s", (int)scheme, url, (int)length, host);
    return true;
}

static bool
name_check(const char *name, Error *error)
{
    size_t length = strlen(name);
    bool is_plain = length > 0 && length <= WEBHOOK_NAME_BYTES && text_is_valid_utf8(name, length);
    for (size_t i = 0; i < length; i++)
        is_plain = is_plain && (unsigned char)name[i] >= ' ' && name[i] != 0x7f;
    return is_plain ||
           error_set(error, ERROR_INPUT, "a webhook's name has 1 to %d bytes and no control characters",
                     WEBHOOK_NAME_BYTES);
}

static bool
secret_check(const char *secret, Error *error)
{
    size_t length = strlen(secret);
    bool is_plain =
        length == 0 || (length >= WEBHOOK_SECRET_BYTES_LEAST && length <= WEBHOOK_SECRET_BYTES_MOST);
    for (size_t i = 0; i < length; i++)
        is_plain = is_plain && secret[i] > ' ' && secret[i] <= '~';
    if (!is_plain)
        return error_set(error, ERROR_INPUT,
                         "a signing secret has %d to %d printable ASCII characters and no space",
                         WEBHOOK_SECRET_BYTES_LEAST, WEBHOOK_SECRET_BYTES_MOST);
    unsigned char key[WEBHOOK_SECRET_BYTES_MOST];
    size_t key_bytes;
    bool is_key = !text_starts_with(secret, WEBHOOK_SECRET_PREFIX) ||
                  sodium_base642bin(key, sizeof(key), secret + strlen(WEBHOOK_SECRET_PREFIX),
                                    length - strlen(WEBHOOK_SECRET_PREFIX), NULL, &key_bytes, NULL,
                                    sodium_base64_VARIANT_ORIGINAL) == 0;
    sodium_memzero(key, sizeof(key));
    return is_key || error_set(error, ERROR_INPUT, "a signing secret that begins with %s goes on in base64",
                               WEBHOOK_SECRET_PREFIX);
}

static bool
change_check(const WebhookChange *change, Error *error)
{
    bool is_kind = change->kind == NULL || strcmp(change->kind, kind_words[WEBHOOK_GENERIC]) == 0 ||
                   strcmp(change->kind, kind_words[WEBHOOK_SLACK]) == 0;
    if (change->name != NULL && !name_check(change->name, error))
        return false;
    if (!is_kind)
        return error_set(error, ERROR_INPUT, "a webhook is \"generic\" or \"slack\", not \"%.40s\"",
                         change->kind);
    if (change->secret != NULL && !secret_check(change->secret, error))
        return false;
    for (size_t i = 0; i < change->event_count; i++)
        if (!notice_event_is_known(change->events[i]))
            return error_set(error, ERROR_INPUT, "there is no event \"%.60s\"; there are %s",
                             change->events[i], NOTICE_EVENT_WORDS);
    return change->target_count <= WEBHOOK_TARGETS_MOST ||
           error_set(error, ERROR_INPUT, "a webhook has a list of at most %d targets", WEBHOOK_TARGETS_MOST);
}

/* What URL and secret are sealed beside: not a connection string's words, so that neither opens as the other.
 */
static const char *
seal_label(Arena *arena, const char *origin)
{
    return arena_printf(arena, "webhook %s", origin);
}

static bool
address_seal(Store *store, PgConnection *session, Arena *arena, const WebhookAddress *address,
             const char **ret_origin, char **ret_sealed, Error *error)
{
    if (!webhook_origin(arena, address->url, ret_origin, error))
        return false;
    const char *secrets = arena_printf(arena, "%s\n%s", address->url, address->secret);
    return seal_close(store, session, arena, seal_label(arena, *ret_origin), secrets, ret_sealed, error);
}

static const char *
numbers_literal(Arena *arena, const int64_t *numbers, size_t count)
{
    Text text = text_new(arena);
    text_append_char(&text, '{');
    for (size_t i = 0; i < count; i++)
        text_append_format(&text, "%s%" PRId64, i == 0 ? "" : ",", numbers[i]);
    text_append_char(&text, '}');
    return text.data;
}

static bool
webhook_read_row(const PgResult *rows, int64_t row, Arena *arena, Webhook *webhook, Error *error)
{
    const char **events = NULL;
    const char **targets = NULL;
    *webhook = (Webhook){.webhook_id = pg_result_int(rows, row, 0, 0),
                         .name = arena_strdup(arena, pg_result_text(rows, row, 1)),
                         .kind = kind_of(pg_result_text(rows, row, 2)),
                         .origin = arena_strdup(arena, pg_result_text(rows, row, 3)),
                         .has_secret = pg_result_bool(rows, row, 4),
                         .is_enabled = pg_result_bool(rows, row, 7),
                         .created_at_us = pg_result_int(rows, row, 8, 0),
                         .failures = pg_result_int(rows, row, 9, 0),
                         .last_error = arena_strdup(arena, pg_result_text(rows, row, 10)),
                         .last_failure_at_us = pg_result_int(rows, row, 11, 0),
                         .last_success_at_us = pg_result_int(rows, row, 12, 0),
                         .paused_until_us = pg_result_int(rows, row, 13, 0),
                         .waiting = pg_result_int(rows, row, 14, 0),
                         .given_up = pg_result_int(rows, row, 15, 0)};
    if (!pg_array_parse(arena, pg_result_text(rows, row, 5), &events, &webhook->event_count) ||
        !pg_array_parse(arena, pg_result_text(rows, row, 6), &targets, &webhook->target_count))
        return error_set(error, ERROR_DAMAGED, "the events of webhook %s cannot be read", webhook->name);
    int64_t *ids = ARENA_NEW_ARRAY(arena, int64_t, webhook->target_count + 1);
    for (size_t i = 0; i < webhook->target_count; i++)
        if (targets[i] == NULL || !text_parse_int64(targets[i], &ids[i]))
            return error_set(error, ERROR_DAMAGED, "the targets of webhook %s cannot be read", webhook->name);
    webhook->events = events;
    webhook->target_ids = ids;
    return true;
}

static bool
webhooks_read(PgConnection *session, Arena *arena, const char *id, const char *name, WebhookList *ret_list,
              Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    if (!store_query(session, "webhook_list", STORE_PARAMETERS(id, name), &rows, error))
        return error_prefix(error, "could not read the webhooks");
    WebhookList list = {.count = (size_t)pg_result_rows(rows)};
    list.items = ARENA_NEW_ARRAY(arena, Webhook, list.count);
    for (size_t i = 0; i < list.count; i++)
        if (!webhook_read_row(rows, (int64_t)i, arena, &list.items[i], error))
            return false;
    *ret_list = list;
    return true;
}

bool
webhook_list(PgConnection *session, Arena *arena, WebhookList *ret_list, Error *error)
{
    return webhooks_read(session, arena, NULL, NULL, ret_list, error);
}

static bool
refuse_unknown(int64_t webhook_id, Error *error)
{
    return error_set(error, ERROR_NOT_FOUND, "there is no webhook %" PRId64, webhook_id);
}

bool
webhook_get(PgConnection *session, Arena *arena, int64_t webhook_id, Webhook *ret_webhook, Error *error)
{
    WebhookList list;
    if (!webhooks_read(session, arena, store_number(webhook_id).text, NULL, &list, error))
        return false;
    if (list.count == 0)
        return refuse_unknown(webhook_id, error);
    *ret_webhook = list.items[0];
    return true;
}

bool
webhook_find(PgConnection *session, Arena *arena, const char *name, Webhook *ret_webhook, Error *error)
{
    WebhookList list;
    if (!webhooks_read(session, arena, NULL, name, &list, error))
        return false;
    if (list.count == 0)
        return error_set(error, ERROR_NOT_FOUND, "there is no webhook \"%.100s\"", name);
    *ret_webhook = list.items[0];
    return true;
}

static bool
refuse_taken(const char *name, Error *error)
{
    if (strcmp(error->sqlstate, "23505") != 0)
        return error_prefix(error, "could not write the webhook");
    return error_set(error, ERROR_CONFLICT, "there is a webhook called \"%.100s\" already", name);
}

bool
webhook_create(Store *store, PgConnection *session, const WebhookChange *change, int64_t *ret_id,
               Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("webhook", ARENA_BYTES);
    FETTLE_CLEANUP(pg_result_free_at) PgResult *created = NULL;
    const char *origin;
    char *sealed;
    if (change->name == NULL || change->url == NULL)
        return error_set(error, ERROR_INPUT, "a webhook needs a name and a URL");
    WebhookAddress address = {.url = change->url, .secret = change->secret == NULL ? "" : change->secret};
    if (!change_check(change, error) ||
        !address_seal(store, session, arena, &address, &origin, &sealed, error))
        return false;
    if (!store_query(session, "webhook_create",
                     STORE_PARAMETERS(change->name, webhook_kind_word(kind_of(change->kind)), origin, sealed,
                                      address.secret[0] == '\0' ? "f" : "t",
                                      pg_array_literal(arena, change->events, change->event_count),
                                      numbers_literal(arena, change->target_ids, change->target_count),
                                      change->enabled == 0 ? "f" : "t", store_number(WEBHOOKS_MOST).text),
                     &created, error))
        return refuse_taken(change->name, error);
    if (pg_result_rows(created) == 0)
        return error_set(error, ERROR_CONFLICT, "there are %d webhooks already", WEBHOOKS_MOST);
    *ret_id = pg_result_int(created, 0, 0, 0);
    return true;
}

/* What is to be sealed anew: NULL, NULL when neither URL nor secret changes. */
static bool
change_seal(Store *store, PgConnection *session, Arena *arena, int64_t webhook_id,
            const WebhookChange *change, WebhookAddress *ret_address, Error *error)
{
    if (change->url == NULL && change->secret == NULL)
        return true;
    if (change->url != NULL)
        ret_address->url = change->url;
    else if (!webhook_address(store, session, arena, webhook_id, ret_address, error))
        return false;
    ret_address->secret = change->secret == NULL ? "" : change->secret;
    return true;
}

bool
webhook_update(Store *store, PgConnection *session, int64_t webhook_id, const WebhookChange *change,
               Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("webhook", ARENA_BYTES);
    FETTLE_CLEANUP(pg_result_free_at) PgResult *updated = NULL;
    WebhookAddress address = {0};
    const char *origin = NULL;
    char *sealed = NULL;
    if (!change_check(change, error) ||
        !change_seal(store, session, arena, webhook_id, change, &address, error) ||
        (address.url != NULL && !address_seal(store, session, arena, &address, &origin, &sealed, error)))
        return false;
    const char *has_secret = address.url == NULL ? NULL : address.secret[0] == '\0' ? "f" : "t";
    const char *events =
        change->sets_events ? pg_array_literal(arena, change->events, change->event_count) : NULL;
    const char *targets =
        change->sets_targets ? numbers_literal(arena, change->target_ids, change->target_count) : NULL;
    const char *enabled = change->enabled < 0 ? NULL : change->enabled == 0 ? "f" : "t";
    if (!store_query(session, "webhook_update",
                     STORE_PARAMETERS(store_number(webhook_id).text, change->name, change->kind, origin,
                                      sealed, has_secret, events, targets, enabled),
                     &updated, error))
        return refuse_taken(change->name == NULL ? "" : change->name, error);
    return pg_result_rows(updated) == 1 || refuse_unknown(webhook_id, error);
}

bool
webhook_delete(PgConnection *session, int64_t webhook_id, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *removed = NULL;
    StoreNumber id = store_number(webhook_id);
    if (!store_query(session, "webhook_delete", STORE_PARAMETERS(id.text), &removed, error))
        return error_prefix(error, "could not remove the webhook");
    return pg_result_rows(removed) == 1 || refuse_unknown(webhook_id, error);
}

static bool
refuse_sealed(const char *name, Error *error)
{
    error_prefix(error, "webhook %s", name);
    return error_set_hint(error, "put back the key file it was sealed with, or set the webhook's URL again");
}

bool
webhook_address(Store *store, PgConnection *session, Arena *arena, int64_t webhook_id,
                WebhookAddress *ret_address, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *row = NULL;
    StoreNumber id = store_number(webhook_id);
    const char *opened;
    if (!store_query(session, "webhook_secret", STORE_PARAMETERS(id.text), &row, error))
        return error_prefix(error, "could not read the webhook");
    if (pg_result_rows(row) == 0)
        return refuse_unknown(webhook_id, error);
    const char *name = pg_result_text(row, 0, 0);
    const char *label = seal_label(arena, pg_result_text(row, 0, 2));
    if (!seal_open(store, arena, label, pg_result_text(row, 0, 3), &opened, error))
        return refuse_sealed(name, error);
    const char *end = strchr(opened, '\n');
    if (end == NULL) {
        error_set(error, ERROR_DAMAGED, "what is sealed is no URL");
        return refuse_sealed(name, error);
    }
    *ret_address = (WebhookAddress){.name = arena_strdup(arena, name),
                                    .kind = kind_of(pg_result_text(row, 0, 1)),
                                    .url = arena_printf(arena, "%.*s", (int)(end - opened), opened),
                                    .secret = end + 1};
    return true;
}

bool
webhook_pause(PgConnection *session, int64_t webhook_id, const char *reason, int64_t pause_ms, Error *error)
{
    StoreNumber id = store_number(webhook_id);
    StoreNumber pause = store_number(pause_ms);
    return store_query(session, "webhook_pause", STORE_PARAMETERS(id.text, reason, pause.text), NULL,
                       error) ||
           error_prefix(error, "could not pause the webhook");
}
