// SPDX-License-Identifier: PostgreSQL
#include "workflow/index_sent.h"

#include "base/log.h"
#include "base/text.h"
#include "pg/identifier.h"
#include "pg/result.h"
#include "workflow/workflow_internal.h"

#include <inttypes.h>

#define SENT_ARENA_BYTES 65536

/* The server and this session's process there. */
static bool
sender_read(PgConnection *connection, IndexSent *sent, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    FETTLE_CLEANUP(pg_result_free_at) PgResult *systems = NULL;
    Error refused = {0};
    if (!workflow_query(connection, "index_sender", NULL, 0, &rows, error))
        return error_prefix(error, "could not ask which server this is");
    sent->server_start_us = pg_result_int(rows, 0, 0, 0);
    sent->backend_start_us = pg_result_int(rows, 0, 1, 0);
    sent->pid = pg_connection_backend_pid(connection);
    /* a strict owner may not show it */
    if (workflow_query(connection, "index_system", NULL, 0, &systems, &refused))
        sent->system_identifier = pg_result_int(systems, 0, 0, 0);
    else if (pg_connection_is_broken(connection))
        return error_set(error, ERROR_CONNECTION, "the session was lost while the server was looked at");
    return true;
}

bool
index_sent_record(const IndexManager *manager, PgConnection *connection, IndexChange *change,
                  const char *action, uint32_t index_oid, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    IndexSent sent = {.action = action, .index_oid = index_oid};
    if (!sender_read(connection, &sent, error) || !store_session_take(manager->store, 0, &session, error) ||
        !index_change_sent(session.connection, change->id, &sent, error))
        return false;
    change->sent = sent;
    return true;
}

void
index_sent_take_back(const IndexManager *manager, IndexChange *change, const IndexSent *before)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    Error error = {0};
    if (!store_session_take(manager->store, 0, &session, &error) ||
        !index_change_sent(session.connection, change->id, before, &error))
        log_write(LOG_LEVEL_DEBUG, "%s", error.message);
    else
        change->sent = *before;
}

bool
index_sent_drop(const IndexChange *change)
{
    return text_equals(change->sent.action, "drop");
}

/* What drops comes after what creates. */
bool
index_sent_create(const IndexChange *change)
{
    return change->sent.action != NULL;
}

static bool
index_renamed_find(PgConnection *connection, Arena *arena, uint32_t oid, IndexGone *gone, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    const char *number = arena_printf(arena, "%u", oid);
    if (!workflow_query(connection, "index_by_oid", &number, 1, &rows, error))
        return error_prefix(error, "could not look for the index by its OID");
    if (pg_result_rows(rows) == 0)
        return true;
    gone->renamed = pg_identifier_qualify(arena, pg_result_text(rows, 0, 0), pg_result_text(rows, 0, 1));
    gone->is_valid = pg_result_bool(rows, 0, 2);
    return true;
}

static bool
is_same_server(const IndexSent *sent, const IndexSent *now)
{
    return sent->system_identifier == 0 || now->system_identifier == 0 ||
           sent->system_identifier == now->system_identifier;
}

#define DOUBT_NO_RECORD "an earlier version of Fettle kept no record of what it sent"
#define DOUBT_OTHER_SERVER "the target is another server than the one that the statement was sent to"
#define DOUBT_RESTART                                                                                        \
    "the server was started anew after the statement was sent, and may have stopped it before that, so "     \
    "that "                                                                                                  \
    "somebody else may have "

bool
index_sent_judge(PgConnection *connection, Arena *arena, const IndexSent *sent, IndexGone *ret_gone,
                 Error *error)
{
    IndexSent now = {0};
    *ret_gone = (IndexGone){0};
    if (!sender_read(connection, &now, error))
        return false;
    if (sent->index_oid == 0) {
        ret_gone->doubt = DOUBT_NO_RECORD;
        return true;
    }
    if (!is_same_server(sent, &now)) {
        ret_gone->doubt = DOUBT_OTHER_SERVER;
        return true;
    }
    if (!index_renamed_find(connection, arena, sent->index_oid, ret_gone, error))
        return false;
    ret_gone->is_proven = ret_gone->renamed == NULL;
    if (sent->server_start_us != now.server_start_us)
        ret_gone->doubt = DOUBT_RESTART "dropped the index";
    return true;
}

bool
index_sent_judge_made(PgConnection *connection, const IndexSent *sent, const char **ret_doubt, Error *error)
{
    IndexSent now = {0};
    *ret_doubt = NULL;
    if (!sender_read(connection, &now, error))
        return false;
    if (sent->server_start_us == 0)
        *ret_doubt = DOUBT_NO_RECORD;
    else if (!is_same_server(sent, &now))
        *ret_doubt = DOUBT_OTHER_SERVER;
    else if (sent->server_start_us != now.server_start_us)
        *ret_doubt = DOUBT_RESTART "made the index";
    return true;
}

/* A record of a statement without a server. */
void
index_sent_doubt(const IndexManager *manager, IndexChange *change)
{
    index_sent_take_back(manager, change, &(IndexSent){.action = "create"});
}

bool
index_sent_is_doubted(const IndexChange *change)
{
    return text_equals(change->sent.action, "create") && change->sent.server_start_us == 0;
}
