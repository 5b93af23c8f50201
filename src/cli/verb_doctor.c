// SPDX-License-Identifier: PostgreSQL
#include "cli/gaps.h"
#include "cli/session.h"

#include "base/json_writer.h"
#include "base/log.h"
#include "pg/identifier.h"
#include "pg/result.h"
#include "snapshot/read.h"

extern const CliVerb cli_verb_doctor;

static const CliOption doctor_options[] = {
    {"output", 'o', "FILE", "write the report to a file"},
    {"json", 0, NULL, "as JSON"},
    {"sql", 0, NULL,
     "print the SECURITY DEFINER function that shows column statistics to pg_monitor, and nothing else"},
    {NULL, 0, NULL, NULL},
};

#define WISHES_MOST 1
#define UNCOUNTED_WORTH                                                                                      \
    ": what the service does by itself takes the ends of indexes from the statistics, which may be old; "    \
    "and what is run by hand (advise, snapshot, twin, explain, index trial) looks them up, which the "       \
    "server counts as two scans of an index: it looks used"

/* What a role could have that nothing is missing without. */
typedef struct DoctorWishes {
    SnapshotGap items[WISHES_MOST];
    size_t count;
} DoctorWishes;

/* What each level of rights is worth, from measurements of 154 statements (docs/design/whatif.md). */
static const char *
rights_meaning(SnapshotRights rights)
{
    switch (rights) {
        case SNAPSHOT_RIGHTS_FULL: return "everything the planner sees: plans on the twin are the target's";
        case SNAPSHOT_RIGHTS_FUNCTION:
            return "column statistics by the offered function: same plan nearly always";
        case SNAPSHOT_RIGHTS_VIEW: return "column statistics by pg_stats: same plan nearly always";
        case SNAPSHOT_RIGHTS_PARTIAL:
            return "column statistics of some tables only: plans on the others are rough";
        case SNAPSHOT_RIGHTS_CATALOG:
            return "no column statistics: only about 6 of 10 plans are the target's";
    }
    return "";
}

/* What works without, so that the exit status says nothing of it. */
static bool
wishes_read(Arena *arena, PgConnection *connection, DoctorWishes *ret_wishes, Error *error)
{
    bool may_stop_counting = false;
    *ret_wishes = (DoctorWishes){0};
    if (!pg_transaction_begin_read_only(connection, error) ||
        !snapshot_may_stop_counting(connection, &may_stop_counting, error) ||
        !pg_transaction_end(connection, error))
        return false;
    if (may_stop_counting)
        return true;
    bool is_grantable = pg_connection_server_major(connection) >= 15;
    ret_wishes->items[ret_wishes->count++] = (SnapshotGap){
        .subject = "the ends of indexes, looked up without being counted",
        .reason = is_grantable
                      ? "this role may not turn track_counts off" UNCOUNTED_WORTH
                      : "before PostgreSQL 15 only a superuser may turn track_counts off" UNCOUNTED_WORTH,
        .remedy = is_grantable ? arena_printf(arena, "GRANT SET ON PARAMETER track_counts TO %s;",
                                              pg_identifier_quote(arena, pg_connection_user(connection)))
                               : ""};
    return true;
}

static void
append_gap(Text *text, const char *heading, const SnapshotGap *gap)
{
    text_append_format(text, "\n%s: %s\n  why: %s\n", heading, gap->subject, gap->reason);
    if (gap->remedy[0] != '\0')
        text_append_format(text, "  do:  %s\n", gap->remedy);
}

static void
append_findings(Text *text, const CliSession *session, const DoctorWishes *wishes)
{
    const Snapshot *snapshot = session->snapshot;
    text_append_format(text, "%s: PostgreSQL %s, database %s%s\n", session->source, snapshot->server_version,
                       snapshot->database, snapshot->is_standby ? " (standby)" : "");
    text_append_format(text, "  read as %s in %s: %zu relations, %zu indexes, %zu statements\n",
                       snapshot->reader, text_format_duration_ms(text->arena, snapshot->read_ms),
                       snapshot->relation_count, snapshot->index_count, snapshot->statement_count);
    text_append_format(text, "  statistics rights: %s; %s\n", snapshot_rights_word(snapshot->rights),
                       rights_meaning(snapshot->rights));
    if (snapshot->application_role != NULL)
        text_append_format(text, "  application role: %s (--role names another)\n",
                           snapshot->application_role);
    for (size_t i = 0; i < snapshot->gap_count; i++)
        append_gap(text, "missing", &snapshot->gaps[i]);
    if (snapshot->gap_count == 0)
        text_append(text, "\nnothing is missing\n");
    for (size_t i = 0; i < wishes->count; i++)
        append_gap(text, "better with", &wishes->items[i]);
}

static void
json_findings(Text *text, const CliSession *session, const DoctorWishes *wishes)
{
    const Snapshot *snapshot = session->snapshot;
    JsonWriter json = json_writer_new(text, true);
    json_object_begin(&json);
    json_key_string(&json, "target", session->source);
    json_key_string(&json, "server_version", snapshot->server_version);
    json_key_string(&json, "database", snapshot->database);
    json_key_bool(&json, "standby", snapshot->is_standby);
    json_key_string(&json, "role", snapshot->reader);
    json_key_string(&json, "application_role", snapshot->application_role);
    json_key_string(&json, "rights", snapshot_rights_word(snapshot->rights));
    json_key_int(&json, "relations", (int64_t)snapshot->relation_count);
    json_key_int(&json, "indexes", (int64_t)snapshot->index_count);
    json_key_int(&json, "statements", (int64_t)snapshot->statement_count);
    json_key_double(&json, "read_ms", snapshot->read_ms);
    gaps_write_json(&json, "missing", snapshot->gaps, snapshot->gap_count);
    gaps_write_json(&json, "better_with", wishes->items, wishes->count);
    json_object_end(&json);
    text_append_char(text, '\n');
}

static bool
doctor_run(CliInput *input, int *ret_exit_status, Error *error)
{
    Text text = text_new(input->arena);
    *ret_exit_status = CLI_EXIT_NOTHING;
    if (cli_option(input, "sql") != NULL) {
        text_append(&text, snapshot_helper_function_sql(input->arena));
        return cli_write(input, text.data, text.length, error);
    }
    FETTLE_CLEANUP(session_close_at) CliSession session = {.ends = SNAPSHOT_ENDS_NONE};
    DoctorWishes wishes;
    if (!session_open_target(input, &session, error) || !session_read(input, &session, error) ||
        !wishes_read(input->arena, session.target, &wishes, error))
        return false;
    progress_clear();
    if (cli_option(input, "json") != NULL)
        json_findings(&text, &session, &wishes);
    else
        append_findings(&text, &session, &wishes);
    *ret_exit_status = session.snapshot->gap_count > 0 ? CLI_EXIT_ADVICE : CLI_EXIT_NOTHING;
    return cli_write(input, text.data, text.length, error);
}

const CliVerb cli_verb_doctor = {
    .name = "doctor",
    .arguments = "TARGET",
    .arguments_most = 1,
    .summary = "what is readable, what is missing, and which GRANT would add it",
    .description =
        "Reads the target as advise would and says what it could not read and what would change that.\n"
        "Exit status 10 when something is missing; what it would only be better with has no part in that.",
    .examples = "  fettle doctor postgres://fettle@db/shop\n"
                "  fettle doctor --sql | psql -d shop     # as a superuser: shows statistics to pg_monitor\n",
    .options = doctor_options,
    .run = doctor_run,
};
