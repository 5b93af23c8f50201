// SPDX-License-Identifier: PostgreSQL
#include "store/notice.h"

#include "base/text.h"
#include "store/store_internal.h"

#include <stdio.h>

bool
notice_event_is_known(const char *event)
{
    static const char *const words[] = {
#define NOTICE_WORD(id, word) word,
        NOTICE_EVENTS(NOTICE_WORD)
#undef NOTICE_WORD
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(words); i++)
        if (text_equals(event, words[i]))
            return true;
    return false;
}

bool
notice_record(PgConnection *session, const Notice *notice, const char *once_key, Error *error)
{
    StoreNumber target = store_number(notice->target_id);
    fettle_assert(notice_event_is_known(notice->event));
    return store_query(session, "notice_record",
                       STORE_PARAMETERS(notice->target_id == 0 ? NULL : target.text, notice->event,
                                        notice->payload, once_key),
                       NULL, error) ||
           error_prefix(error, "could not record the notice");
}

/* Columns from `first` on: id, target_id, target's name, event, payload, time. */
static Notice
notice_read_row(const PgResult *rows, int64_t row, int first, Arena *arena)
{
    return (Notice){.id = pg_result_int(rows, row, first, 0),
                    .target_id = pg_result_int(rows, row, first + 1, 0),
                    .target_name = arena_strdup(arena, pg_result_text(rows, row, first + 2)),
                    .event = arena_strdup(arena, pg_result_text(rows, row, first + 3)),
                    .payload = arena_strdup(arena, pg_result_text(rows, row, first + 4)),
                    .created_at_us = pg_result_int(rows, row, first + 5, 0)};
}

/* Both lists are in descending order of the notices' ids. */
static bool
deliveries_read(PgConnection *session, Arena *arena, NoticeList *list, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    Text ids = text_new(arena);
    for (size_t i = 0; i < list->count; i++)
        text_append_format(&ids, "%c%" PRId64, i == 0 ? '{' : ',', list->items[i].id);
    text_append(&ids, list->count == 0 ? "{}" : "}");
    if (!store_query(session, "notice_deliveries_read", STORE_PARAMETERS(ids.data), &rows, error))
        return false;
    int64_t count = pg_result_rows(rows);
    NoticeDelivery *deliveries = ARENA_NEW_ARRAY(arena, NoticeDelivery, (size_t)count + 1);
    int64_t row = 0;
    for (size_t i = 0; i < list->count; i++) {
        Notice *notice = &list->items[i];
        notice->deliveries = deliveries + row;
        for (; row < count && pg_result_int(rows, row, 0, 0) == notice->id; row++, notice->delivery_count++)
            deliveries[row] =
                (NoticeDelivery){.webhook_id = pg_result_int(rows, row, 1, 0),
                                 .webhook_name = arena_strdup(arena, pg_result_text(rows, row, 2)),
                                 .message_id = arena_strdup(arena, pg_result_text(rows, row, 3)),
                                 .state = arena_strdup(arena, pg_result_text(rows, row, 4)),
                                 .attempts = pg_result_int(rows, row, 5, 0),
                                 .next_attempt_at_us = pg_result_int(rows, row, 6, 0),
                                 .last_status = pg_result_int(rows, row, 7, 0),
                                 .last_error = arena_strdup(arena, pg_result_text(rows, row, 8)),
                                 .delivered_at_us = pg_result_int(rows, row, 9, 0)};
    }
    return true;
}

bool
notice_list(PgConnection *session, Arena *arena, const NoticeRange *range, NoticeList *ret_list, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    fettle_assert(range->most >= 1 && range->most <= NOTICES_MOST);
    StoreNumber from = store_number(range->from_us);
    StoreNumber to = store_number(range->to_us);
    StoreNumber target = store_number(range->target_id);
    StoreNumber before = store_number(range->before_id);
    StoreNumber most = store_number((int64_t)range->most);
    if (!store_query(session, "notice_list",
                     STORE_PARAMETERS(range->from_us == 0 ? NULL : from.text,
                                      range->to_us == 0 ? NULL : to.text, range->event,
                                      range->target_id == 0 ? NULL : target.text,
                                      range->before_id == 0 ? NULL : before.text, most.text),
                     &rows, error))
        return error_prefix(error, "could not read the notices");
    NoticeList list = {.count = (size_t)pg_result_rows(rows)};
    list.items = ARENA_NEW_ARRAY(arena, Notice, list.count);
    for (size_t i = 0; i < list.count; i++)
        list.items[i] = notice_read_row(rows, (int64_t)i, 0, arena);
    if (!deliveries_read(session, arena, &list, error))
        return error_prefix(error, "could not read the notices' deliveries");
    *ret_list = list;
    return true;
}

bool
notice_recommendations(PgConnection *session, double least_return, int64_t *ret_told, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    char number[32];
    snprintf(number, sizeof(number), "%.17g", least_return);
    if (!store_query(session, "notice_recommendations", STORE_PARAMETERS(number), &rows, error))
        return error_prefix(error, "could not tell of new recommendations");
    *ret_told = pg_result_int(rows, 0, 0, 0);
    return true;
}

bool
notice_waiting(PgConnection *session, Arena *arena, int64_t per_minute, NoticeWaiting **ret_waiting,
               size_t *ret_count, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber rate = store_number(per_minute);
    if (!store_query(session, "notice_waiting", STORE_PARAMETERS(rate.text), &rows, error))
        return error_prefix(error, "could not look for notices that wait");
    *ret_count = (size_t)pg_result_rows(rows);
    *ret_waiting = ARENA_NEW_ARRAY(arena, NoticeWaiting, *ret_count + 1);
    for (size_t i = 0; i < *ret_count; i++)
        (*ret_waiting)[i] = (NoticeWaiting){.webhook_id = pg_result_int(rows, (int64_t)i, 0, 0),
                                            .budget = pg_result_int(rows, (int64_t)i, 1, 0)};
    return true;
}

bool
notice_is_awaited(PgConnection *session, bool *ret_is_awaited, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *row = NULL;
    if (!store_query(session, "notice_is_awaited", NULL, 0, &row, error))
        return error_prefix(error, "could not look for notices that wait");
    *ret_is_awaited = pg_result_bool(row, 0, 0);
    return true;
}

static bool
messages_read(PgConnection *session, Arena *arena, const NoticeWaiting *waiting, NoticeMessage **ret_messages,
              size_t *ret_count, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber webhook = store_number(waiting->webhook_id);
    StoreNumber most = store_number(waiting->budget);
    if (!store_query(session, "notice_due", STORE_PARAMETERS(webhook.text, most.text), &rows, error))
        return false;
    *ret_count = (size_t)pg_result_rows(rows);
    *ret_messages = ARENA_NEW_ARRAY(arena, NoticeMessage, *ret_count + 1);
    for (size_t i = 0; i < *ret_count; i++)
        (*ret_messages)[i] =
            (NoticeMessage){.delivery_id = pg_result_int(rows, (int64_t)i, 0, 0),
                            .message_id = arena_strdup(arena, pg_result_text(rows, (int64_t)i, 1)),
                            .attempts = pg_result_int(rows, (int64_t)i, 2, 0),
                            .notice = notice_read_row(rows, (int64_t)i, 3, arena)};
    return true;
}

bool
notice_take(PgConnection *session, Arena *arena, const NoticeWaiting *waiting, NoticeMessage **ret_messages,
            size_t *ret_count, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *digest = NULL;
    StoreNumber webhook = store_number(waiting->webhook_id);
    int64_t single = waiting->budget; /* messages that are told one by one */
    if (single > 0) {
        if (!store_query(session, "notice_digest", STORE_PARAMETERS(webhook.text), &digest, error))
            return error_prefix(error, "could not put together what was held back");
        single -= pg_result_text(digest, 0, 0) != NULL;
    }
    StoreNumber kept = store_number(single);
    if (!store_query(session, "notice_hold", STORE_PARAMETERS(webhook.text, kept.text), NULL, error))
        return error_prefix(error, "could not hold notices back");
    return messages_read(session, arena, waiting, ret_messages, ret_count, error) ||
           error_prefix(error, "could not read what is due");
}

bool
notice_attempt(PgConnection *session, const NoticeAttempt *attempt, Error *error)
{
    StoreNumber id = store_number(attempt->delivery_id);
    StoreNumber status = store_number(attempt->status);
    StoreNumber wait = store_number(attempt->wait_ms);
    StoreNumber pause = store_number(attempt->pause_ms);
    return store_query(session, "notice_attempt",
                       STORE_PARAMETERS(id.text, attempt->state, attempt->status == 0 ? NULL : status.text,
                                        attempt->reason, wait.text, pause.text),
                       NULL, error) ||
           error_prefix(error, "could not record an attempt to tell");
}

bool
notice_expire(PgConnection *session, int64_t kept_ms, Error *error)
{
    StoreNumber kept = store_number(kept_ms);
    StoreNumber most = store_number(NOTICES_KEPT_MOST);
    return store_query(session, "notice_expire", STORE_PARAMETERS(kept.text, most.text), NULL, error) ||
           error_prefix(error, "could not drop old notices");
}
