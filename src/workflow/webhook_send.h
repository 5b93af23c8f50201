// SPDX-License-Identifier: PostgreSQL
/*
 * One message to one webhook: an HTTP POST, signed, with limits on all of it. The only file that knows
 * libcurl.
 *
 *   - http and https only, whatever the URL says; no redirect is followed; a server's certificate is checked;
 *   - a time limit for all, and 5 s to connect; the answer's body is thrown away, and not waited for beyond
 *     64 KiB: its status is what counts, 200 to 299 is delivered;
 *   - neither URL nor secret is in any error.
 *
 * A signed request follows the Standard Webhooks (webhook-id, webhook-timestamp, webhook-signature): the
 * signature is "v1," and the base64 of HMAC-SHA256 over "ID.TIMESTAMP.BODY". The id stays the same at each
 * attempt, the timestamp is the attempt's. A secret "whsec_BASE64" is the bytes that it stands for, any other
 * is its own bytes. docs/notices.md has the receiver's side.
 *
 * Any thread may send; each call has a connection of its own.
 */
#ifndef FETTLE_WORKFLOW_WEBHOOK_SEND_H
#define FETTLE_WORKFLOW_WEBHOOK_SEND_H

#include "base/settings.h"
#include "store/webhook.h"

#include <stdatomic.h>

#define WEBHOOK_SIGNATURE_BYTES 48 /* "v1,", 44 of base64, the end */

typedef struct WebhookSend {
    const WebhookAddress *address;
    const Settings *settings;
    const char *message_id;
    const char *body;
    bool (*is_stopping)(void *context); /* asked now and then; NULL: nothing stops it */
    void *context;
} WebhookSend;

typedef struct WebhookAnswer {
    bool is_delivered;
    long status;            /* 0: there was no answer */
    char reason[128];       /* when it is not delivered */
    int64_t retry_after_ms; /* 0: the receiver did not ask for it */
    int64_t duration_ms;
} WebhookAnswer;

WebhookAnswer webhook_send(Arena *arena, const WebhookSend *send);

/* Sends the message of a person's test, with an id of its own; nothing of it is kept. */
WebhookAnswer webhook_send_test(Arena *arena, const WebhookAddress *address, const Settings *settings);

/* The header's value; false for a "whsec_" that is no base64. */
bool webhook_signature(const char *secret, const char *message_id, int64_t timestamp, const char *body,
                       char ret_signature[WEBHOOK_SIGNATURE_BYTES]) FETTLE_MUST_USE;

/* How long to wait after so many failed attempts (1 ...): 1 min, 5 min, 30 min, 2 h, 8 h, 24 h; 0: it is
 * given up. */
int64_t webhook_back_off_ms(int64_t attempts);

#endif
