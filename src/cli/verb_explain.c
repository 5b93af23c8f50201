// SPDX-License-Identifier: PostgreSQL
#include "cli/session.h"

#include "base/file.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "whatif/whatif.h"

#include <ctype.h>
#include <string.h>

extern const CliVerb cli_verb_explain;

#define STATEMENT_BYTES_MOST (1024 * 1024)

static const CliOption explain_options[] = {
    {"statement", 's', "SQL", "the statement to plan; \"-\" reads standard input"},
    {"with-index", 'i', "SQL", "a CREATE INDEX that is supposed to exist"},
    {"without-index", 'x', "NAME", "an index that is supposed not to exist (schema.name or name)"},
    {"role", 0, "ROLE", "the application's role"},
    {"json", 0, NULL, "as JSON"},
    {"output", 'o', "FILE", "write to a file"},
    {NULL, 0, NULL, NULL},
};

static bool
index_named(const Snapshot *snapshot, const char *name, uint32_t *ret_id, Error *error)
{
    const char *dot = strchr(name, '.');
    for (size_t i = 0; i < snapshot->index_count; i++) {
        const SnapshotIndex *index = &snapshot->indexes[i];
        size_t schema_length = strlen(index->schema);
        bool qualified = dot != NULL && strncmp(name, index->schema, schema_length) == 0 &&
                         name[schema_length] == '.' && strcmp(name + schema_length + 1, index->name) == 0;
        if (qualified || strcmp(name, index->name) == 0) {
            *ret_id = index->id;
            return true;
        }
    }
    return error_set(error, ERROR_NOT_FOUND, "there is no index called \"%.130s\"", name);
}

/* The word at *at, in lower case; *at is moved behind it and the white space that follows. */
static const char *
word_next(Arena *arena, const char **at)
{
    size_t length = strspn(*at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_");
    char *word = arena_strndup(arena, *at, length);
    for (char *letter = word; *letter != '\0'; letter++)
        *letter = (char)tolower((unsigned char)*letter);
    *at += length;
    *at += strspn(*at, " \t\r\n");
    return word;
}

/* A CREATE INDEX as a transaction can run it: CONCURRENTLY is left out. Nothing else is let through. */
static bool
create_index_text(Arena *arena, const char *text, const char **ret_text, Error *error)
{
    const SqlStatement *parsed = sql_statement_parse(arena, text, strlen(text));
    const char *at = text + strspn(text, " \t\r\n");
    bool is_create = strcmp(word_next(arena, &at), "create") == 0;
    const char *word = word_next(arena, &at);
    bool is_unique = strcmp(word, "unique") == 0;
    word = is_unique ? word_next(arena, &at) : word;
    if (!is_create || strcmp(word, "index") != 0 || sql_statement_kind(parsed) != SQL_KIND_UTILITY) {
        error_set(error, ERROR_USAGE, "--with-index takes one CREATE INDEX statement");
        return error_set_hint(error, "such as --with-index 'create index on orders (customer_id)'");
    }
    const char *rest = at;
    bool is_concurrent = strcmp(word_next(arena, &at), "concurrently") == 0;
    *ret_text =
        arena_printf(arena, "CREATE %sINDEX %s", is_unique ? "UNIQUE " : "", is_concurrent ? at : rest);
    return true;
}

static bool
changes_of(CliInput *input, const CliSession *session, WhatIfChange *changes, size_t *ret_count, Error *error)
{
    const char *with = cli_option(input, "with-index");
    const char *without = cli_option(input, "without-index");
    *ret_count = 0;
    if (with != NULL && !create_index_text(input->arena, with, &with, error))
        return false;
    if (with != NULL)
        changes[(*ret_count)++] = (WhatIfChange){.kind = WHATIF_CREATE_INDEX, .statement = with};
    if (without == NULL)
        return true;
    WhatIfChange *change = &changes[(*ret_count)++];
    *change = (WhatIfChange){.kind = WHATIF_DROP_INDEX};
    return index_named(session->snapshot, without, &change->relation_id, error);
}

static bool
statement_text(CliInput *input, const char **ret_text, Error *error)
{
    const char *text = cli_option(input, "statement");
    if (text == NULL) {
        error_set(error, ERROR_USAGE, "no statement was given");
        return error_set_hint(error, "give one with --statement SQL, or \"-\" for standard input");
    }
    char *read;
    size_t length;
    if (strcmp(text, "-") == 0) {
        if (!file_read(input->arena, "-", STATEMENT_BYTES_MOST, &read, &length, error))
            return false;
        text = read;
    }
    SqlStatement *parsed = sql_statement_parse(input->arena, text, strlen(text));
    if (sql_statement_kind(parsed) == SQL_KIND_UNPARSED)
        return error_set(error, ERROR_INPUT, "the statement does not parse: %s",
                         sql_statement_reason_text(parsed));
    *ret_text = sql_statement_text(parsed);
    return true;
}

static bool
ask(CliInput *input, const CliSession *session, WhatIf *whatif, const char *text, WhatIfAnswer *before,
    WhatIfAnswer *after, Error *error)
{
    WhatIfChange changes[2];
    size_t count;
    WhatIfChangeResult *results;
    WhatIfStatement statement = {.text = text};
    if (!changes_of(input, session, changes, &count, error) ||
        !whatif_cost(whatif, input->arena, &statement, true, before, error))
        return false;
    if (!before->is_known)
        return error_set(error, ERROR_INPUT, "no plan for the statement: %s", before->reason);
    *after = *before;
    if (count == 0)
        return true;
    if (!whatif_begin(whatif, input->arena, changes, count, &results, error))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!results[i].is_applied)
            return error_set(error, ERROR_INPUT, "the change cannot be made: %s", results[i].reason);
    return whatif_cost(whatif, input->arena, &statement, true, after, error) && whatif_end(whatif, error);
}

static void
append_answer(CliInput *input, Text *text, const WhatIfAnswer *before, const WhatIfAnswer *after)
{
    bool changed = cli_option(input, "with-index") != NULL || cli_option(input, "without-index") != NULL;
    if (cli_option(input, "json") != NULL) {
        JsonWriter json = json_writer_new(text, true);
        json_object_begin(&json);
        json_key_double(&json, "cost", before->cost);
        json_key_string(&json, "plan", pg_plan_format(input->arena, before->plan, true));
        if (changed) {
            json_key_double(&json, "cost_after", after->cost);
            json_key_string(&json, "plan_after", pg_plan_format(input->arena, after->plan, true));
        }
        json_object_end(&json);
        text_append_char(text, '\n');
        return;
    }
    text_append(text, pg_plan_format(input->arena, before->plan, true));
    if (changed)
        text_append_format(text, "\nwith the change (cost %.2f instead of %.2f):\n%s", after->cost,
                           before->cost, pg_plan_format(input->arena, after->plan, true));
}

static bool
explain_run(CliInput *input, int *ret_exit_status, Error *error)
{
    FETTLE_CLEANUP(session_close_at) CliSession session = {0};
    FETTLE_CLEANUP(whatif_close_at) WhatIf *whatif = NULL;
    const char *statement = NULL;
    WhatIfAnswer before = {0};
    WhatIfAnswer after = {0};
    if (!statement_text(input, &statement, error) || !session_read(input, &session, error) ||
        !session_open_twin(input, &session, false, error) ||
        !whatif_over_twin(input->arena, session.twin, &whatif, error) ||
        !ask(input, &session, whatif, statement, &before, &after, error))
        return false;
    progress_clear();
    Text text = text_new(input->arena);
    append_answer(input, &text, &before, &after);
    *ret_exit_status = CLI_EXIT_NOTHING;
    return cli_write(input, text.data, text.length, error);
}

const CliVerb cli_verb_explain = {
    .name = "explain",
    .arguments = "TARGET",
    .arguments_most = 1,
    .summary = "the target's plan for a statement, as it is or with a supposed change, from the twin",
    .description = "Plans a statement on the planner twin, which asks nothing of the target but its catalog. "
                   "Parameters ($1) are\n"
                   "planned generically. --with-index and --without-index show what would change.",
    .examples = "  fettle explain shop.fettle -s 'select * from orders where customer_id = $1'\n"
                "  fettle explain postgres://fettle@db/shop -s 'select ...' -i 'create index on orders "
                "(customer_id)'\n",
    .options = explain_options,
    .run = explain_run,
};
