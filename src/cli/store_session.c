// SPDX-License-Identifier: PostgreSQL
#include "cli/store_session.h"

#include "base/json_writer.h"
#include "base/log.h"
#include "store/audit.h"
#include "store/setting_row.h"

#include <ctype.h>
#include <inttypes.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

static const char *
os_user(Arena *arena)
{
    const struct passwd *entry = getpwuid(getuid());
    return entry != NULL ? arena_strdup(arena, entry->pw_name)
                         : arena_printf(arena, "%u", (unsigned)getuid());
}

/* As the service has them: what was changed in the store goes before file and environment. */
static bool
settings_apply(CliInput *input, PgConnection *session, Error *error)
{
    Settings *settings;
    int skipped;
    if (!cli_settings_load(input, input->arena, &settings, error) ||
        !setting_rows_apply(session, settings, &skipped, error) ||
        !cli_settings_override(input, settings, error))
        return false;
    input->settings = settings;
    return true;
}

bool
cli_store_open(CliInput *input, bool without_check, CliStore *ret_store, Error *error)
{
    StoreOptions options = {.settings = input->settings, .without_migration_check = without_check};
    *ret_store = (CliStore){.arena = input->arena,
                            .actor = arena_printf(input->arena, "cli:%s", os_user(input->arena))};
    progress_show("opening the store", 0, 0);
    if (!store_open(&options, &ret_store->store, error) ||
        !store_session_take(ret_store->store, 0, &ret_store->session, error))
        return false;
    ret_store->connection = ret_store->session.connection;
    progress_clear();
    return without_check || settings_apply(input, ret_store->connection, error);
}

void
cli_store_close_at(CliStore *store)
{
    store_session_close_at(&store->session);
    store_close(store->store);
    *store = (CliStore){0};
}

bool
cli_store_audit(CliStore *store, const CliAct *act, bool done, Error *error)
{
    Error failure = {0};
    AuditLine line = {.actor = store->actor,
                      .action = act->action,
                      .object = act->object,
                      .target_id = act->target_id,
                      .details = act->details,
                      .outcome = done ? "ok" : error_code_word(error->code)};
    if (pg_connection_is_broken(store->connection) || audit_write(store->connection, &line, &failure) ||
        !done)
        return done;
    *error = failure;
    return error_prefix(error, "%s was done, but", act->action);
}

CliAct
cli_subject_act(CliInput *input, const CliSubject *subject, const char *action)
{
    Text details = text_new(input->arena);
    JsonWriter json = json_writer_new(&details, false);
    json_object_begin(&json);
    json_key_string(&json, "name", subject->name);
    json_object_end(&json);
    return (CliAct){.action = arena_printf(input->arena, "%s.%s", subject->kind, action),
                    .object = subject->id == 0
                                  ? subject->kind
                                  : arena_printf(input->arena, "%s:%" PRId64, subject->kind, subject->id),
                    .target_id = strcmp(subject->kind, "target") == 0 ? subject->id : 0,
                    .details = details.data};
}

bool
cli_subject_say(CliInput *input, const CliSubject *subject, const char *words, Error *error)
{
    Text text = text_new(input->arena);
    if (cli_option(input, "json") != NULL) {
        JsonWriter json = json_writer_new(&text, true);
        json_object_begin(&json);
        json_key_int(&json, arena_printf(input->arena, "%s_id", subject->kind), subject->id);
        json_key_string(&json, "name", subject->name);
        json_object_end(&json);
        text_append_char(&text, '\n');
    } else if (!input->is_quiet) {
        text_append_format(&text, "%s %s (%" PRId64 ") %s\n", subject->kind, subject->name, subject->id,
                           words);
    }
    return cli_write(input, text.data, text.length, error);
}

TextList
cli_words_split(Arena *arena, const char *text)
{
    TextList words = {0};
    char *state = NULL;
    for (char *word = strtok_r(arena_strdup(arena, text), ",", &state); word != NULL;
         word = strtok_r(NULL, ",", &state)) {
        while (isspace((unsigned char)*word))
            word++;
        size_t length = strlen(word);
        while (length > 0 && isspace((unsigned char)word[length - 1]))
            word[--length] = '\0';
        if (length > 0)
            vector_push(arena, &words, word);
    }
    return words;
}

bool
cli_target_find(const CliStore *store, const char *name, Target *ret_target, Error *error)
{
    int64_t id;
    if (target_find(store->connection, store->arena, name, ret_target, error))
        return true;
    if (error->code != ERROR_NOT_FOUND || !text_parse_int64(name, &id))
        return false;
    error_clear(error);
    return target_get(store->connection, store->arena, id, ret_target, error);
}

bool
cli_user_find(const CliStore *store, const char *name, User *ret_user, Error *error)
{
    int64_t id;
    if (user_find(store->connection, store->arena, name, ret_user, error))
        return true;
    if (error->code != ERROR_NOT_FOUND || !text_parse_int64(name, &id))
        return false;
    error_clear(error);
    return user_get(store->connection, store->arena, id, ret_user, error);
}

bool
cli_action_run(CliInput *input, const CliAction *actions, Error *error)
{
    const char *word = input->arguments[0];
    for (const CliAction *action = actions; action->name != NULL; action++) {
        if (strcmp(action->name, word) != 0)
            continue;
        int count = input->argument_count - 1;
        if (count >= action->arguments_least && count <= action->arguments_most)
            return action->run(input, error);
        error_set(error, ERROR_USAGE, "\"fettle %s %s\" needs %s arguments", input->verb->name, word,
                  count < action->arguments_least ? "more" : "fewer");
        return error_set_hint(error, "run \"fettle help %s\"", input->verb->name);
    }
    error_set(error, ERROR_USAGE, "\"fettle %s\" does not know \"%.40s\"", input->verb->name, word);
    return error_set_hint(error, "it takes %s", input->verb->arguments);
}
