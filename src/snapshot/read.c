// SPDX-License-Identifier: PostgreSQL
#include "snapshot/read.h"

#include "base/text.h"
#include "pg/identifier.h"
#include "pg/query_text.h"
#include "pg/result.h"
#include "snapshot/read_ends.h"
#include "snapshot/read_sent.h"
#include "snapshot/section.h"
#include "snapshot/sent.h"

#include <string.h>

#define STATEMENTS_MOST 1000
#define DEADLINE_MS 300000
/* For the ends of all indexes together. */
#define ENDS_MS 1500
/* That watching sessions leaves of the time allowed. */
#define WATCH_SPARE_MS 1000

extern const PgQueryText snapshot_queries[];

typedef struct SnapshotRead {
    Arena *arena;
    PgConnection *connection;
    const SnapshotReadOptions *options;
    Deadline deadline;
    int server_major;
    SnapshotSections *sections;
    SnapshotSection *gaps;
    size_t gap_capacity;
    SnapshotRights rights;
    bool has_statements;
    bool adds_scans; /* to the counters of the target's indexes */
    int64_t step;
} SnapshotRead;

static const char *const gap_columns[] = {"subject", "reason", "remedy"};

static void
read_gap(SnapshotRead *read, const char *subject, const char *reason, const char *remedy)
{
    SnapshotSection *gaps = read->gaps;
    if (gaps->row_count == read->gap_capacity)
        return;
    const char **row = gaps->values + gaps->row_count++ * gaps->column_count;
    row[0] = subject;
    row[1] = arena_strdup(read->arena, reason);
    row[2] = arena_strdup(read->arena, remedy);
}

static SnapshotSection *
read_section_new(SnapshotRead *read, const char *name, const PgResult *result)
{
    fettle_assert(read->sections->count < SNAPSHOT_SECTIONS_MOST);
    SnapshotSection *section = &read->sections->items[read->sections->count++];
    size_t columns = (size_t)pg_result_columns(result);
    size_t rows = (size_t)pg_result_rows(result);
    const char **names = ARENA_NEW_ARRAY(read->arena, const char *, columns);
    for (size_t i = 0; i < columns; i++)
        names[i] = arena_strdup(read->arena, pg_result_column_name(result, (int)i));
    *section = (SnapshotSection){.name = name,
                                 .columns = names,
                                 .column_count = columns,
                                 .values = ARENA_NEW_ARRAY(read->arena, const char *, rows *columns),
                                 .row_count = rows};
    for (size_t row = 0; row < rows; row++)
        for (size_t column = 0; column < columns; column++) {
            const char *text = pg_result_text(result, (int64_t)row, (int)column);
            if (text != NULL)
                section->values[row * columns + column] =
                    text_clean_utf8(read->arena, text, pg_result_length(result, (int64_t)row, (int)column));
        }
    return section;
}

/* The named query's text with @schema@ replaced (schema is quoted already). */
static const char *
read_query_text(const SnapshotRead *read, const char *name, const char *schema)
{
    const char *text = pg_query_text(snapshot_queries, name, read->server_major);
    if (text == NULL || schema == NULL)
        return text;
    Text whole = text_new(read->arena);
    for (const char *mark = strstr(text, "@schema@"); mark != NULL; mark = strstr(text, "@schema@")) {
        text_append_bytes(&whole, text, (size_t)(mark - text));
        text_append(&whole, schema);
        text = mark + strlen("@schema@");
    }
    text_append(&whole, text);
    return whole.data;
}

typedef struct ReadQuery {
    const char *name;
    const char *section;   /* NULL: the query's name */
    const char *schema;    /* for @schema@ */
    const char *parameter; /* $1 */
} ReadQuery;

static bool
read_result(SnapshotRead *read, const ReadQuery *wanted, PgResult **ret_result, Error *error)
{
    const char *text = read_query_text(read, wanted->name, wanted->schema);
    fettle_assert(text != NULL);
    if (read->options->progress != NULL)
        read->options->progress(read->options->context, "reading the target", read->step, 0);
    read->step++;
    if (deadline_passed(read->deadline))
        return error_set(error, ERROR_TIMEOUT, "could not read %s: the time allowed has passed",
                         wanted->name);
    PgQuery query = {.text = text,
                     .parameters = wanted->parameter == NULL ? NULL : &wanted->parameter,
                     .parameter_count = wanted->parameter == NULL ? 0 : 1,
                     .rows_most = SNAPSHOT_ROWS_MOST};
    return pg_query(read->connection, &query, ret_result, error) ||
           error_prefix(error, "could not read %s", wanted->name);
}

static bool
read_query(SnapshotRead *read, const ReadQuery *wanted, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    if (!read_result(read, wanted, &result, error))
        return false;
    read_section_new(read, wanted->section != NULL ? wanted->section : wanted->name, result);
    return true;
}

/*
 * A query that may fail for a reason of its own (no right, a lock): in a savepoint, so that the transaction
 * goes on. *ret_done false with `reason` filled means that kind of failure; false from the function means the
 * read is over.
 */
static bool
read_query_optional(SnapshotRead *read, const ReadQuery *wanted, bool *ret_done, Error *reason, Error *error)
{
    if (!pg_execute(read->connection, "SAVEPOINT fettle", error))
        return false;
    error_clear(reason);
    *ret_done = read_query(read, wanted, reason);
    if (*ret_done)
        return pg_execute(read->connection, "RELEASE SAVEPOINT fettle", error);
    bool is_local = reason->code == ERROR_PERMISSION || reason->code == ERROR_QUERY ||
                    reason->code == ERROR_LIMIT || text_equals(reason->sqlstate, "55P03");
    if (!is_local || pg_connection_is_broken(read->connection)) {
        *error = *reason;
        return false;
    }
    return pg_execute(read->connection, "ROLLBACK TO SAVEPOINT fettle", error);
}

static bool
read_catalog(SnapshotRead *read, Error *error)
{
    static const char *const names[] = {"meta",
                                        "settings",
                                        "role_settings",
                                        "schemas",
                                        "extensions",
                                        "objects",
                                        "relations",
                                        "parents",
                                        "columns",
                                        "indexes",
                                        "index_columns",
                                        "constraints",
                                        "extended_statistics",
                                        "policies",
                                        "activity",
                                        "index_activity"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(names); i++)
        if (!read_query(read, &(ReadQuery){.name = names[i]}, error))
            return false;
    return true;
}

static bool
read_sizes(SnapshotRead *read, Error *error)
{
    bool done;
    Error reason = {0};
    if (!read_query_optional(read, &(ReadQuery){.name = "sizes"}, &done, &reason, error))
        return false;
    if (!done)
        read_gap(read, "current sizes", reason.message,
                 "try again when no session holds an ACCESS EXCLUSIVE lock");
    return true;
}

static bool
read_heights(SnapshotRead *read, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *where = NULL;
    if (!read_result(read, &(ReadQuery){.name = "heights_where"}, &where, error))
        return false;
    if (pg_result_rows(where) == 0)
        return true;
    bool done;
    Error reason = {0};
    const char *schema = arena_strdup(read->arena, pg_result_text(where, 0, 0));
    return read_query_optional(read, &(ReadQuery){.name = "heights", .schema = schema}, &done, &reason,
                               error);
}

static const char *const ends_columns[] = {"id", "low_value", "high_value"};

static void
ends_take(void *context, const char *id, const char *low_value, const char *high_value)
{
    SnapshotRead *read = context;
    SnapshotSection *section = &read->sections->items[read->sections->count];
    const char **row = section->values + section->row_count++ * section->column_count;
    row[0] = text_clean_utf8(read->arena, id, strlen(id));
    row[1] = low_value == NULL ? NULL : text_clean_utf8(read->arena, low_value, strlen(low_value));
    row[2] = high_value == NULL ? NULL : text_clean_utf8(read->arena, high_value, strlen(high_value));
}

bool
snapshot_may_stop_counting(PgConnection *connection, bool *ret_may, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *right = NULL;
    int major = pg_connection_server_major(connection);
    if (!pg_query_simple(connection, pg_query_text(snapshot_queries, "counts_right", major), &right, error))
        return error_prefix(error, "could not read counts_right");
    *ret_may = pg_result_rows(right) == 1 && pg_result_bool(right, 0, 0);
    return true;
}

static bool
read_index_ends(SnapshotRead *read, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *probes = NULL;
    bool is_uncounted = false;
    if (read->options->ends != SNAPSHOT_ENDS_NONE &&
        !snapshot_may_stop_counting(read->connection, &is_uncounted, error))
        return false;
    bool are_wanted = read->options->ends == SNAPSHOT_ENDS_READ ||
                      (read->options->ends == SNAPSHOT_ENDS_UNCOUNTED && is_uncounted);
    read->adds_scans = are_wanted && !is_uncounted;
    if (are_wanted && !read_result(read, &(ReadQuery){.name = "index_probes"}, &probes, error))
        return false;
    size_t count = probes == NULL ? 0 : (size_t)pg_result_rows(probes);
    const char **ids = ARENA_NEW_ARRAY(read->arena, const char *, count);
    const char **texts = ARENA_NEW_ARRAY(read->arena, const char *, count);
    for (size_t i = 0; i < count; i++) {
        ids[i] = pg_result_text(probes, (int64_t)i, 0);
        texts[i] = pg_result_text(probes, (int64_t)i, 1);
    }
    SnapshotSection *section = &read->sections->items[read->sections->count];
    *section = (SnapshotSection){.name = "index_ends",
                                 .columns = ends_columns,
                                 .column_count = FETTLE_COUNT_OF(ends_columns),
                                 .values = ARENA_NEW_ARRAY(read->arena, const char *, count * 3)};
    ReadEnds ends = {.ids = ids,
                     .probes = texts,
                     .count = count,
                     .is_uncounted = is_uncounted,
                     .deadline = deadline_after_ms(ENDS_MS)};
    if (!read_ends(read->arena, read->connection, &ends, ends_take, read, error))
        return error_prefix(error, "could not read the ends of indexes");
    read->sections->count++;
    return true;
}

static bool
read_statistics_by(SnapshotRead *read, const char *name, SnapshotRights rights, bool *ret_done, Error *error)
{
    Error reason = {0};
    if (!read_query_optional(read, &(ReadQuery){.name = name, .section = "statistics"}, ret_done, &reason,
                             error))
        return false;
    if (*ret_done)
        read->rights = rights;
    return true;
}

static bool
read_extended_data(SnapshotRead *read, Error *error)
{
    bool done;
    Error reason = {0};
    if (!read_query_optional(read, &(ReadQuery){.name = "extended_data"}, &done, &reason, error))
        return false;
    if (!done)
        read_gap(read, "extended statistics", reason.message,
                 "let a superuser read, or accept lower fidelity for them");
    return true;
}

/* Remedies that are SQL run as they stand; what else helps follows as a comment. */
#define OR_THE_FUNCTION " -- or, as a superuser: fettle doctor --sql | psql"

/* What hides the statistics of tables from this role: no right to select, and row security. */
static void
read_statistics_gaps(SnapshotRead *read, const PgResult *rights)
{
    Arena *arena = read->arena;
    int64_t hidden = pg_result_int(rights, 0, 2, 0);
    int64_t secured = pg_result_int(rights, 0, 3, 0);
    const char *reader = pg_identifier_quote(arena, pg_connection_user(read->connection));
    const char *remedy = arena_printf(arena, "GRANT pg_read_all_data TO %s;" OR_THE_FUNCTION, reader);
    if (hidden > 0 && read->server_major < 14) {
        const char *schemas = pg_result_text(rights, 0, 4);
        remedy = arena_printf(arena,
                              "GRANT USAGE ON SCHEMA %s TO %s; GRANT SELECT ON ALL TABLES IN SCHEMA %s TO "
                              "%s;" OR_THE_FUNCTION,
                              schemas, reader, schemas, reader);
    }
    if (hidden > 0)
        read_gap(read, "column statistics",
                 arena_printf(arena,
                              "no SELECT right on %lld table%s: the planner's view of their values is hidden",
                              (long long)hidden, hidden == 1 ? "" : "s"),
                 remedy);
    /* pg_read_all_data opens pg_statistic itself, which row security does not guard. */
    if (secured > 0 && (hidden == 0 || read->server_major < 14))
        read_gap(read, "column statistics under row security",
                 arena_printf(arena,
                              "the policies of %lld table%s bind this role: their statistics are hidden",
                              (long long)secured, secured == 1 ? "" : "s"),
                 arena_printf(arena, "ALTER ROLE %s BYPASSRLS;" OR_THE_FUNCTION, reader));
}

/* The ladder of rights: pg_statistic itself, the offered function, the pg_stats view. */
static bool
read_statistics(SnapshotRead *read, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rights = NULL;
    if (!read_result(read, &(ReadQuery){.name = "statistics_rights"}, &rights, error))
        return false;
    bool done = false;
    if (pg_result_bool(rights, 0, 0) &&
        !read_statistics_by(read, "statistics_full", SNAPSHOT_RIGHTS_FULL, &done, error))
        return false;
    if (!done && pg_result_bool(rights, 0, 1) &&
        !read_statistics_by(read, "statistics_function", SNAPSHOT_RIGHTS_FUNCTION, &done, error))
        return false;
    if (done)
        return read_extended_data(read, error);
    if (!read_statistics_by(read, "statistics_view", SNAPSHOT_RIGHTS_VIEW, &done, error))
        return false;
    if (pg_result_int(rights, 0, 2, 0) == 0 && pg_result_int(rights, 0, 3, 0) == 0)
        return true;
    const SnapshotSection *section = snapshot_section_find(read->sections, "statistics");
    read->rights =
        section != NULL && section->row_count > 0 ? SNAPSHOT_RIGHTS_PARTIAL : SNAPSHOT_RIGHTS_CATALOG;
    read_statistics_gaps(read, rights);
    return true;
}

#define STATEMENTS_SUBJECT "pg_stat_statements"
#define LOAD_STATEMENTS                                                                                      \
    "add pg_stat_statements to shared_preload_libraries in postgresql.conf and restart the server"

static bool
read_workload_rows(SnapshotRead *read, const char *schema, Error *error)
{
    int64_t most = read->options->statements_most > 0 ? read->options->statements_most : STATEMENTS_MOST;
    const char *limit = arena_printf(read->arena, "%lld", (long long)most);
    bool done;
    Error reason = {0};
    if (!read_query_optional(read, &(ReadQuery){.name = "statements", .schema = schema, .parameter = limit},
                             &done, &reason, error))
        return false;
    if (!done) {
        /* Undefined column: the extension is as an older server made it. */
        bool is_old = text_equals(reason.sqlstate, "42703");
        read_gap(read, STATEMENTS_SUBJECT, reason.message,
                 is_old ? "ALTER EXTENSION pg_stat_statements UPDATE;" : reason.hint);
        return true;
    }
    read->has_statements = true;
    if (read->server_major < 14)
        return true;
    return read_query_optional(read, &(ReadQuery){.name = "statements_info", .schema = schema}, &done,
                               &reason, error);
}

/* Why the statements cannot be asked for at all; false when they can. */
static bool
read_workload_gap(SnapshotRead *read, const PgResult *where)
{
    Arena *arena = read->arena;
    const char *schema = pg_result_text(where, 0, 0);
    const char *reader = pg_identifier_quote(arena, pg_connection_user(read->connection));
    bool is_loaded = pg_result_bool(where, 0, 4);
    if (schema == NULL && is_loaded)
        read_gap(read, STATEMENTS_SUBJECT,
                 "the library is loaded, but the extension is not created in this database",
                 "CREATE EXTENSION pg_stat_statements; -- or give a workload with --workload FILE");
    else if (schema == NULL)
        read_gap(read, STATEMENTS_SUBJECT, "the extension is not installed in this database",
                 LOAD_STATEMENTS
                 ", then run CREATE EXTENSION pg_stat_statements; or give a workload with --workload FILE");
    else if (!is_loaded)
        read_gap(read, STATEMENTS_SUBJECT, "the extension is created, but its library is not loaded",
                 LOAD_STATEMENTS "; or give a workload with --workload FILE");
    else if (!pg_result_bool(where, 0, 1))
        read_gap(read, STATEMENTS_SUBJECT, arena_printf(arena, "no USAGE right on its schema %s", schema),
                 arena_printf(arena, "GRANT USAGE ON SCHEMA %s TO %s;", schema, reader));
    else if (!pg_result_bool(where, 0, 3))
        read_gap(read, STATEMENTS_SUBJECT, "no SELECT right on the view",
                 arena_printf(arena, "GRANT SELECT ON %s.pg_stat_statements TO %s;", schema, reader));
    else
        return false;
    return true;
}

static bool
read_workload(SnapshotRead *read, Error *error)
{
    if (read->options->without_workload)
        return true;
    FETTLE_CLEANUP(pg_result_free_at) PgResult *where = NULL;
    if (!read_result(read, &(ReadQuery){.name = "statements_where"}, &where, error))
        return false;
    bool is_there = pg_result_text(where, 0, 0) != NULL;
    if (is_there && !pg_result_bool(where, 0, 2))
        read_gap(read, "statements of other roles", "their texts are hidden from this role",
                 arena_printf(read->arena, "GRANT pg_read_all_stats TO %s;",
                              pg_identifier_quote(read->arena, pg_connection_user(read->connection))));
    return read_workload_gap(read, where) ||
           read_workload_rows(read, arena_strdup(read->arena, pg_result_text(where, 0, 0)), error);
}

static const char *
milliseconds_text(Arena *arena, double milliseconds)
{
    return arena_printf(arena, "%.3f", milliseconds);
}

/* Facts about the reading itself. */
static void
read_section_reading(SnapshotRead *read, int64_t started_us)
{
    static const char *const columns[] = {"key", "value"};
    const char **values = ARENA_NEW_ARRAY(read->arena, const char *, 10);
    double spent_ms = (double)(pg_connection_server_time_us(read->connection) - started_us) / 1000;
    values[0] = "rights";
    values[1] = snapshot_rights_word(read->rights);
    values[2] = "has_statements";
    values[3] = read->has_statements ? "true" : "false";
    values[4] = "read_ms";
    values[5] = milliseconds_text(read->arena, spent_ms);
    values[6] = "application_role";
    values[7] = read->options->application_role;
    values[8] = "adds_scans";
    values[9] = read->adds_scans ? "true" : "false";
    read->sections->items[read->sections->count++] = (SnapshotSection){
        .name = "reading", .columns = columns, .column_count = 2, .values = values, .row_count = 5};
}

/* A role that does not exist would plan with nobody's settings, silently. */
static bool
read_check_role(SnapshotRead *read, Error *error)
{
    const char *role = read->options->application_role;
    if (role == NULL)
        return true;
    FETTLE_CLEANUP(pg_result_free_at) PgResult *found = NULL;
    if (!read_result(read, &(ReadQuery){.name = "role", .parameter = role}, &found, error))
        return false;
    if (pg_result_rows(found) > 0)
        return true;
    error_set(error, ERROR_NOT_FOUND, "there is no role \"%.80s\" on the target", role);
    return error_set_hint(error, "list the roles with: psql -c '\\du'");
}

static bool
read_all(SnapshotRead *read, Error *error)
{
    return read_check_role(read, error) && read_catalog(read, error) && read_sizes(read, error) &&
           read_heights(read, error) && read_index_ends(read, error) && read_statistics(read, error) &&
           read_workload(read, error);
}

static const char *
sent_remedy(const SnapshotRead *read, const Error *refusal)
{
    if (refusal->code == ERROR_PERMISSION)
        return arena_printf(read->arena, "GRANT SELECT ON pg_catalog.pg_stat_activity TO %s;",
                            pg_identifier_quote(read->arena, pg_connection_user(read->connection)));
    return "try again, or do without them: --watch 0";
}

/* Behind the transaction: one that lasts holds back vacuum. */
static bool
read_sent(SnapshotRead *read, const Snapshot **snapshot, Error *error)
{
    int64_t left_ms = read->deadline - clock_monotonic_ms() - WATCH_SPARE_MS;
    int64_t watch_ms = read->options->watch_ms < left_ms ? read->options->watch_ms : left_ms;
    if (watch_ms <= 0 || !read->has_statements || !snapshot_needs_sent(*snapshot))
        return true;
    ReadSent watch = {.snapshot = *snapshot,
                      .watch_ms = watch_ms,
                      .progress = read->options->progress,
                      .context = read->options->context};
    SnapshotSentList sent = {0};
    Error refusal = {0};
    if (!snapshot_read_sent(read->arena, read->connection, &watch, &sent, &refusal, error))
        return false;
    if (refusal.code != ERROR_NONE) {
        read_gap(read, SNAPSHOT_SENT_SUBJECT, refusal.message, sent_remedy(read, &refusal));
        if (!snapshot_decode(read->arena, read->sections, snapshot, error))
            return false;
    }
    return snapshot_with_sent(read->arena, *snapshot, &sent, snapshot, error);
}

bool
snapshot_read(Arena *arena, PgConnection *connection, const SnapshotReadOptions *options,
              const Snapshot **ret_snapshot, Error *error)
{
    SnapshotRead read = {.arena = arena, .connection = connection, .options = options};
    int64_t started_us = pg_connection_server_time_us(connection);
    read.deadline = options->deadline != 0 ? options->deadline : deadline_after_ms(DEADLINE_MS);
    read.server_major = pg_connection_server_major(connection);
    read.sections = ARENA_NEW(arena, SnapshotSections);
    read.sections->items = ARENA_NEW_ARRAY(arena, SnapshotSection, SNAPSHOT_SECTIONS_MOST);
    read.gap_capacity = 64;
    read.gaps = &read.sections->items[read.sections->count++];
    *read.gaps = (SnapshotSection){.name = "gaps",
                                   .columns = gap_columns,
                                   .column_count = FETTLE_COUNT_OF(gap_columns),
                                   .values = ARENA_NEW_ARRAY(arena, const char *, 64 * 3)};
    if (!pg_transaction_begin_read_only(connection, error))
        return false;
    if (!read_all(&read, error)) {
        Error ignored = {0};
        if (!pg_connection_is_broken(connection) && !pg_transaction_end(connection, &ignored))
            error_clear(&ignored);
        return false;
    }
    if (!pg_transaction_end(connection, error))
        return false;
    read_section_reading(&read, started_us);
    const Snapshot *snapshot;
    if (!snapshot_decode(arena, read.sections, &snapshot, error) || !read_sent(&read, &snapshot, error))
        return false;
    *ret_snapshot = snapshot;
    return true;
}
