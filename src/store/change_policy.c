// SPDX-License-Identifier: PostgreSQL
#include "store/change_policy.h"

#include "base/json_writer.h"
#include "base/text.h"
#include "pg/identifier.h"
#include "store/store_internal.h"

#include <string.h>

#define SQLSTATE_INVALID_PARAMETER "22023"
#define SQLSTATE_CHECK "23514"
#define SQLSTATE_FOREIGN_KEY "23503"

const char *
change_action_word(ChangeAction action)
{
    static const char *const words[CHANGE_ACTIONS] = {
        [CHANGE_CREATE_INDEX] = "create_index",
        [CHANGE_DROP_INDEX] = "drop_index",
        [CHANGE_REPLACE_INDEX] = "replace_index",
    };
    fettle_assert(action < CHANGE_ACTIONS);
    return words[action];
}

static bool
refuse_unknown(int64_t target_id, Error *error)
{
    return error_set(error, ERROR_NOT_FOUND, "there is no target %" PRId64, target_id);
}

bool
change_policy_read(PgConnection *session, Arena *arena, int64_t target_id, int64_t now_us,
                   ChangePolicy *ret_policy, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber target = store_number(target_id);
    StoreNumber now = store_number(now_us);
    const char **windows = NULL;
    if (!store_query(session, "change_policy_read", STORE_PARAMETERS(target.text, now.text), &rows, error))
        return error_prefix(error, "could not read the rules for changes");
    if (pg_result_rows(rows) == 0)
        return refuse_unknown(target_id, error);
    ChangePolicy policy = {.changed_by = arena_strdup(arena, pg_result_text(rows, 0, 4)),
                           .changed_at_us = pg_result_int(rows, 0, 5, 0),
                           .opens_us = pg_result_int(rows, 0, 6, 0),
                           .closes_us = pg_result_int(rows, 0, 7, 0)};
    for (int action = 0; action < CHANGE_ACTIONS; action++)
        policy.classes[action] = arena_strdup(arena, pg_result_text(rows, 0, action));
    const char *list = pg_result_text(rows, 0, 3);
    if (list != NULL && !pg_array_parse(arena, list, &windows, &policy.window_count))
        return error_set(error, ERROR_DAMAGED, "the windows of target %" PRId64 " cannot be read", target_id);
    policy.windows = windows;
    *ret_policy = policy;
    return true;
}

static bool
windows_check(const ChangePolicy *policy, Error *error)
{
    if (policy->window_count > CHANGE_WINDOWS_MOST)
        return error_set(error, ERROR_INPUT, "a target has at most %d windows", CHANGE_WINDOWS_MOST);
    for (size_t i = 0; i < policy->window_count; i++)
        if (strlen(policy->windows[i]) > CHANGE_WINDOW_BYTES)
            return error_set(error, ERROR_INPUT, "a window has at most %d bytes", CHANGE_WINDOW_BYTES);
    return true;
}

bool
change_policy_write(PgConnection *session, Arena *arena, int64_t target_id, const ChangePolicy *policy,
                    const char *actor, Error *error)
{
    StoreNumber target = store_number(target_id);
    if (!windows_check(policy, error))
        return false;
    const char *windows = pg_array_literal(arena, policy->windows, policy->window_count);
    if (store_query(session, "change_policy_write",
                    STORE_PARAMETERS(target.text, policy->classes[CHANGE_CREATE_INDEX],
                                     policy->classes[CHANGE_DROP_INDEX],
                                     policy->classes[CHANGE_REPLACE_INDEX], windows, actor),
                    NULL, error))
        return true;
    if (strcmp(error->sqlstate, SQLSTATE_FOREIGN_KEY) == 0)
        return refuse_unknown(target_id, error);
    if (strcmp(error->sqlstate, SQLSTATE_CHECK) == 0)
        return error_set(error, ERROR_INPUT, "a class of approval is advise, ask or auto");
    if (strcmp(error->sqlstate, SQLSTATE_INVALID_PARAMETER) != 0)
        return error_prefix(error, "could not write the rules for changes");
    error->code = ERROR_INPUT;
    error->sqlstate[0] = '\0';
    return false;
}

bool
change_policy_is_open(const ChangePolicy *policy, int64_t now_us)
{
    return policy->window_count == 0 || (policy->opens_us != 0 && policy->opens_us <= now_us);
}

const char *
change_policy_details(Arena *arena, const ChangePolicy *policy)
{
    Text details = text_new(arena);
    JsonWriter json = json_writer_new(&details, false);
    json_object_begin(&json);
    for (int action = 0; action < CHANGE_ACTIONS; action++)
        json_key_string(&json, change_action_word((ChangeAction)action), policy->classes[action]);
    json_key(&json, "windows");
    json_array_begin(&json);
    for (size_t i = 0; i < policy->window_count; i++)
        json_write_string(&json, policy->windows[i]);
    json_array_end(&json);
    json_object_end(&json);
    return details.data;
}
