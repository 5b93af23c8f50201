// SPDX-License-Identifier: PostgreSQL
/*
 * Webhooks: where people are told of what happens (fettle.webhooks).
 *
 * A webhook's URL often is a credential, Slack's are, and its signing secret always is. So both are sealed
 * together (seal.h), bound to the URL's origin: scheme, host and port. The origin is all that lists, logs and
 * replies show; webhook_address() alone gives the whole URL and the secret back, in the caller's arena. A new
 * URL does not inherit the secret: who gets to see messages signed with it could send them on to the old
 * place.
 *
 * Only http and https are taken, with a host of plain letters, digits, dots and dashes (or an IPv6 address in
 * brackets), so that no two readers of a URL can take it for two places.
 */
#ifndef FETTLE_STORE_WEBHOOK_H
#define FETTLE_STORE_WEBHOOK_H

#include "store/store.h"

#define WEBHOOKS_MOST 100
#define WEBHOOK_NAME_BYTES 63
#define WEBHOOK_URL_BYTES 2048
#define WEBHOOK_SECRET_BYTES_LEAST 16
#define WEBHOOK_SECRET_BYTES_MOST 256
/* A secret that begins so is the bytes that the base64 after it stands for. */
#define WEBHOOK_SECRET_PREFIX "whsec_"
#define WEBHOOK_TARGETS_MOST 1000

/* What the receiver takes: a JSON object of ours, or what Slack's incoming webhooks (and those that imitate
 * them) take. */
typedef enum WebhookKind { WEBHOOK_GENERIC, WEBHOOK_SLACK } WebhookKind;

const char *webhook_kind_word(WebhookKind kind);

typedef struct Webhook {
    int64_t webhook_id;
    const char *name; /* unique */
    WebhookKind kind;
    const char *origin; /* "https://hooks.example:8443" */
    bool has_secret;
    const char *const *events; /* none: all */
    size_t event_count;
    const int64_t *target_ids; /* none: all */
    size_t target_count;
    bool is_enabled;
    int64_t created_at_us;
    int64_t failures;       /* in a row */
    const char *last_error; /* NULL: the last message went well */
    int64_t last_failure_at_us;
    int64_t last_success_at_us;
    int64_t paused_until_us; /* 0: not; nothing is sent before */
    int64_t waiting;         /* messages */
    int64_t given_up;        /* messages */
} Webhook;

typedef struct WebhookList {
    Webhook *items;
    size_t count;
} WebhookList;

/* What webhook_create() and webhook_update() take; a NULL text leaves the field as it is (update). */
typedef struct WebhookChange {
    const char *name;
    const char *kind;   /* its word */
    const char *url;    /* without a secret beside it: there is none any more */
    const char *secret; /* "": none */
    const char *const *events;
    size_t event_count;
    bool sets_events;
    const int64_t *target_ids;
    size_t target_count;
    bool sets_targets;
    int enabled; /* -1 as it is, 0, 1 */
} WebhookChange;

/* Where a webhook's messages go; for sending only. */
typedef struct WebhookAddress {
    const char *name;
    WebhookKind kind;
    const char *url;
    const char *secret; /* "": messages are not signed */
} WebhookAddress;

bool webhook_list(PgConnection *session, Arena *arena, WebhookList *ret_list, Error *error) FETTLE_MUST_USE;
/* ERROR_NOT_FOUND when there is none. */
bool webhook_get(PgConnection *session, Arena *arena, int64_t webhook_id, Webhook *ret_webhook, Error *error)
    FETTLE_MUST_USE;
bool webhook_find(PgConnection *session, Arena *arena, const char *name, Webhook *ret_webhook, Error *error)
    FETTLE_MUST_USE;
/* ERROR_CONFLICT when the name is taken or there are WEBHOOKS_MOST; ERROR_INPUT for what is no name, URL,
 * secret or event. */
bool webhook_create(Store *store, PgConnection *session, const WebhookChange *change, int64_t *ret_id,
                    Error *error) FETTLE_MUST_USE;
bool webhook_update(Store *store, PgConnection *session, int64_t webhook_id, const WebhookChange *change,
                    Error *error) FETTLE_MUST_USE;
/* With what waits for it. */
bool webhook_delete(PgConnection *session, int64_t webhook_id, Error *error) FETTLE_MUST_USE;
bool webhook_address(Store *store, PgConnection *session, Arena *arena, int64_t webhook_id,
                     WebhookAddress *ret_address, Error *error) FETTLE_MUST_USE;
/* Nothing is sent for so long, for a reason that is no answer of the webhook. */
bool webhook_pause(PgConnection *session, int64_t webhook_id, const char *reason, int64_t pause_ms,
                   Error *error) FETTLE_MUST_USE;

/* The origin of a URL that webhooks may have; ERROR_INPUT for any other. */
bool webhook_origin(Arena *arena, const char *url, const char **ret_origin, Error *error) FETTLE_MUST_USE;

#endif
