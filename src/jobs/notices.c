// SPDX-License-Identifier: PostgreSQL
#include "jobs/notices.h"

#include "base/log.h"
#include "store/notice.h"
#include "store/webhook.h"
#include "workflow/notice_text.h"
#include "workflow/webhook_send.h"

#define LIST_BYTES ((size_t)1024 * 1024)
/* As many messages as a rate allows, each with a digest's payload at most. */
#define TURN_BYTES ((size_t)512 * 1024 * 1024)
#define PAUSE_MS_MOST ((int64_t)30 * 60 * 1000)
#define HTTP_GONE 410

static bool
attempt_write(const NoticesRun *run, const NoticeAttempt *attempt, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    return store_session_take(run->store, 0, &session, error) &&
           notice_attempt(session.connection, attempt, error);
}

static NoticeAttempt
attempt_judge(const NoticeMessage *message, const WebhookAnswer *answer)
{
    NoticeAttempt attempt = {
        .delivery_id = message->delivery_id, .status = answer->status, .state = "delivered"};
    if (answer->is_delivered)
        return attempt;
    int64_t wait_ms = webhook_back_off_ms(message->attempts + 1);
    attempt.reason = answer->reason;
    if (wait_ms == 0 || answer->status == HTTP_GONE) {
        attempt.state = "given_up";
        return attempt;
    }
    attempt.state = "pending";
    attempt.wait_ms = wait_ms > answer->retry_after_ms ? wait_ms : answer->retry_after_ms;
    attempt.pause_ms = attempt.wait_ms < PAUSE_MS_MOST ? attempt.wait_ms : PAUSE_MS_MOST;
    return attempt;
}

/* One message; *ret_goes_on: the webhook may get the next one. */
static bool
message_send(NoticesRun *run, const WebhookAddress *address, const NoticeMessage *message, bool *ret_goes_on,
             Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("message of a webhook", TURN_BYTES);
    WebhookSend send = {.address = address,
                        .settings = run->settings,
                        .message_id = message->message_id,
                        .is_stopping = run->is_stopping,
                        .context = run->context};
    send.body = address->kind == WEBHOOK_SLACK
                    ? notice_text_slack(arena, &message->notice)
                    : notice_text_json(arena, &message->notice, message->message_id);
    WebhookAnswer answer = webhook_send(arena, &send);
    *ret_goes_on = answer.is_delivered;
    /* broken off by our own end: that is no attempt */
    if (!answer.is_delivered && run->is_stopping(run->context))
        return true;
    run->sent += answer.is_delivered;
    run->failed += !answer.is_delivered;
    if (!answer.is_delivered)
        log_write(LOG_LEVEL_DEBUG, "webhook %s: %s", address->name, answer.reason);
    NoticeAttempt attempt = attempt_judge(message, &answer);
    return attempt_write(run, &attempt, error);
}

/* Reads what a webhook gets now; the session is given back before anything is sent. */
static bool
turn_read(const NoticesRun *run, Arena *arena, const NoticeWaiting *waiting, WebhookAddress *ret_address,
          NoticeMessage **ret_messages, size_t *ret_count, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    Error unreadable = {0};
    *ret_count = 0;
    if (!store_session_take(run->store, 0, &session, error))
        return false;
    if (webhook_address(run->store, session.connection, arena, waiting->webhook_id, ret_address, &unreadable))
        return notice_take(session.connection, arena, waiting, ret_messages, ret_count, error);
    /* a lost key keeps this one waiting, not the others */
    log_write(LOG_LEVEL_WARNING, "%s", unreadable.message);
    return webhook_pause(session.connection, waiting->webhook_id, unreadable.message, PAUSE_MS_MOST, error);
}

static bool
webhook_turn(NoticesRun *run, const NoticeWaiting *waiting, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("messages of a webhook", TURN_BYTES);
    WebhookAddress address;
    NoticeMessage *messages = NULL;
    size_t count;
    bool goes_on = true;
    /* who answers slowly does not keep the others waiting: the rest is for the next turn */
    Deadline turn_end = deadline_after_ms(2 * settings_get_int(run->settings, SETTING_NOTICE_TIMEOUT));
    if (!turn_read(run, arena, waiting, &address, &messages, &count, error))
        return false;
    for (size_t i = 0; i < count && goes_on && !deadline_passed(turn_end) && !run->is_stopping(run->context);
         i++)
        if (!message_send(run, &address, &messages[i], &goes_on, error))
            return false;
    return true;
}

/* What there is to tell of: new recommendations, and then all that waits. */
static bool
waiting_read(NoticesRun *run, Arena *arena, NoticeWaiting **ret_waiting, size_t *ret_count, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    int64_t told;
    return store_session_take(run->store, 0, &session, error) &&
           notice_recommendations(session.connection,
                                  settings_get_double(run->settings, SETTING_NOTICE_ROI_SCORE), &told,
                                  error) &&
           notice_is_awaited(session.connection, &run->is_awaited, error) &&
           notice_waiting(session.connection, arena,
                          settings_get_int(run->settings, SETTING_NOTICE_MESSAGES_PER_MINUTE), ret_waiting,
                          ret_count, error);
}

bool
notices_send(NoticesRun *run, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("webhooks that wait", LIST_BYTES);
    NoticeWaiting *waiting;
    size_t count;
    if (!waiting_read(run, arena, &waiting, &count, error))
        return false;
    for (size_t i = 0; i < count && !run->is_stopping(run->context); i++)
        if (!webhook_turn(run, &waiting[i], error))
            return false;
    return true;
}
