// SPDX-License-Identifier: PostgreSQL
#include "collect/collector_internal.h"

#include "base/hash.h"
#include "base/list.h"
#include "base/text.h"
#include "sql/statement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KNOWN_BYTES ((size_t)2 << 30)
#define TEXT_ATTEMPTS_MOST 3
/* Rows inserted by hand have numbers from here on. */
#define NUMBER_BY_HAND (1 << 30)
#define TEXTS_MOST 20000 /* asked for in one round */
/* Longer without Fettle, and what is new since says too little of the time between. */
#define FIRST_GAP_US ((int64_t)15 * 60 * 1000000)

VECTOR_DEFINE(StatementRowList, StatementRow);
VECTOR_DEFINE(KnownList, KnownStatement *);

static uint64_t
statement_hash(const StatementKey *key)
{
    uint64_t owner = (uint64_t)key->user_oid << 32 | key->database_oid;
    return hash_combine(hash_combine(owner, (uint64_t)key->queryid), key->is_toplevel);
}

KnownStatement *
collector_statement(const Collector *collector, const StatementKey *key)
{
    KnownStatement *known = map_get_id(collector->statements, statement_hash(key));
    bool is_it = known != NULL && known->key.queryid == key->queryid &&
                 known->key.user_oid == key->user_oid && known->key.database_oid == key->database_oid &&
                 known->key.is_toplevel == key->is_toplevel;
    return is_it ? known : NULL;
}

/* NULL when there are too many, or for one of two keys with the same hash. */
static KnownStatement *
statement_add(Collector *collector, const StatementKey *key, int32_t statement_id)
{
    uint64_t hash = statement_hash(key);
    if (map_count(collector->statements) >= COLLECTOR_STATEMENTS_MOST ||
        map_get_id(collector->statements, hash) != NULL)
        return NULL;
    KnownStatement *known = ARENA_NEW(collector->arena, KnownStatement);
    *known = (KnownStatement){.key = *key, .statement_id = statement_id};
    map_put_id(collector->statements, hash, known);
    if (statement_id > collector->statement_id_most && statement_id < NUMBER_BY_HAND)
        collector->statement_id_most = statement_id;
    return known;
}

static KnownDatabase *
database_add(Collector *collector, int32_t database_id, uint32_t oid, const char *name)
{
    KnownDatabase *known = ARENA_NEW(collector->arena, KnownDatabase);
    *known =
        (KnownDatabase){.database_id = database_id, .oid = oid, .name = arena_strdup(collector->arena, name)};
    map_put_id(collector->databases, (uint64_t)database_id, known);
    if (database_id > collector->database_id_most && database_id < NUMBER_BY_HAND)
        collector->database_id_most = database_id;
    return known;
}

bool
collector_known_read(Collector *collector, PgConnection *session, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("known statements", KNOWN_BYTES);
    DatabaseRows databases = {0};
    StatementRows statements = {0};
    if (!database_rows_read(session, arena, collector->target_id, &databases, error) ||
        !statement_rows_read(session, arena, collector->target_id, false, &statements, error))
        return error_prefix(error, "could not read what is known of the target");
    for (size_t i = 0; i < databases.count; i++)
        database_add(collector, databases.items[i].database_id, databases.items[i].database_oid,
                     databases.items[i].database_name)
            ->is_stored = true;
    for (size_t i = 0; i < statements.count; i++) {
        const StatementRow *row = &statements.items[i];
        StatementKey key = {.user_oid = row->user_oid,
                            .database_oid = (uint32_t)row->database_id,
                            .queryid = row->queryid,
                            .is_toplevel = row->is_toplevel};
        if (row->statement_id > collector->statement_id_most && row->statement_id < NUMBER_BY_HAND)
            collector->statement_id_most = row->statement_id;
        KnownStatement *known = statement_add(collector, &key, row->statement_id);
        if (known != NULL) {
            known->is_stored = true;
            known->has_text = row->fingerprint_hash != 0;
        }
    }
    return true;
}

KnownDatabase *
collector_database_by_oid(const Collector *collector, uint32_t oid)
{
    for (size_t i = 0; oid != 0 && i < map_count(collector->databases); i++) {
        KnownDatabase *known = map_value_at(collector->databases, i);
        if (known->oid == oid)
            return known;
    }
    return NULL;
}

static KnownDatabase *
database_by_name(const Collector *collector, const char *name)
{
    for (size_t i = 0; i < map_count(collector->databases); i++) {
        KnownDatabase *known = map_value_at(collector->databases, i);
        if (text_equals(known->name, name))
            return known;
    }
    return NULL;
}

/* A renamed database keeps its number, and so does one that was made again under its name. True when the row
 * is to be written. */
static bool
database_take(Collector *collector, const SourceDatabase *database, DatabaseRow *ret_row)
{
    KnownDatabase *known = collector_database_by_oid(collector, database->oid);
    if (known == NULL)
        known = database_by_name(collector, database->name);
    if (known == NULL)
        known = database_add(collector, collector->database_id_most + 1, database->oid, database->name);
    if (known->oid != database->oid || !text_equals(known->name, database->name)) {
        known->oid = database->oid;
        known->name = arena_strdup(collector->arena, database->name);
        known->is_stored = false;
    }
    *ret_row = (DatabaseRow){
        .database_id = known->database_id, .database_oid = known->oid, .database_name = known->name};
    return !known->is_stored;
}

void
collector_databases_take(CollectorRound *round)
{
    const SourceState *state = &round->pending->state;
    CollectorPending *pending = round->pending;
    pending->databases = ARENA_NEW_ARRAY(round->arena, DatabaseRow, state->database_count);
    for (size_t i = 0; i < state->database_count; i++) {
        if (!state->databases[i].is_watched)
            continue;
        round->report->databases++;
        pending->database_count += database_take(round->collector, &state->databases[i],
                                                 &pending->databases[pending->database_count]);
    }
}

static bool
users_read(CollectorRound *round, Error *error)
{
    Collector *collector = round->collector;
    SourceUsers users = {0};
    if (!collector->session->ops->users_read(collector->session, round->arena, &users, error))
        return false;
    for (size_t i = 0; i < users.count; i++) {
        const char *known = map_get_id(collector->users, users.items[i].oid);
        if (!text_equals(known, users.items[i].name))
            map_put_id(collector->users, users.items[i].oid,
                       arena_strdup(collector->arena, users.items[i].name));
    }
    return true;
}

static const char *
user_name(const Collector *collector, uint32_t oid)
{
    const char *name = map_get_id(collector->users, oid);
    return name == NULL || name[0] == '\0' ? NULL : name;
}

static StatementRow
statement_row(const Collector *collector, const KnownStatement *known)
{
    return (StatementRow){.statement_id = known->statement_id,
                          .database_id = (int32_t)known->key.database_oid,
                          .user_name = user_name(collector, known->key.user_oid),
                          .user_oid = known->key.user_oid,
                          .queryid = known->key.queryid,
                          .query_hash = known->key.queryid & INT64_MAX,
                          .is_toplevel = known->key.is_toplevel};
}

/*
 * What the target did not replace by itself is replaced here: constants of utility statements may be
 * passwords, and in a text that does not parse anything may be one.
 */
static void
text_take(Arena *arena, const char *text, StatementRow *row)
{
    SqlStatement *statement = sql_statement_parse(arena, text, strlen(text));
    SqlKind kind = sql_statement_kind(statement);
    bool is_normal = kind != SQL_KIND_UTILITY && kind != SQL_KIND_UNPARSED;
    row->query_text = is_normal ? text : sql_statement_normalized(arena, statement);
    row->fingerprint_hash = (int64_t)sql_statement_fingerprint(statement);
}

static const char *
text_of(const Map *by_id, const KnownStatement *known, uint32_t database_oid)
{
    StatementKey key = {.database_oid = database_oid, .queryid = known->key.queryid};
    const SourceText *found = map_get_id(by_id, statement_hash(&key));
    bool is_shown = found != NULL && found->text != NULL && found->text[0] != '\0' &&
                    !text_starts_with(found->text, "<insufficient privilege>");
    return is_shown ? found->text : NULL;
}

typedef struct TextsWork {
    CollectorRound *round;
    const SourceTexts *texts;
    const KnownList *wanted;
    StatementRowList *rows;
} TextsWork;

/* Adds or completes a row for each of wanted whose text came. */
static void
texts_take(void *context)
{
    const TextsWork *work = context;
    CollectorRound *round = work->round;
    const SourceTexts *texts = work->texts;
    const KnownList *wanted = work->wanted;
    StatementRowList *rows = work->rows;
    Map *by_id = map_new(round->arena);
    Map *row_of = map_new(round->arena);
    for (size_t i = 0; i < texts->count; i++) {
        StatementKey key = {.database_oid = texts->items[i].database_oid, .queryid = texts->items[i].queryid};
        map_put_id(by_id, statement_hash(&key), &texts->items[i]);
    }
    for (size_t i = 0; i < rows->count; i++)
        map_put_id(row_of, (uint64_t)rows->items[i].statement_id, (void *)(uintptr_t)(i + 1));
    for (size_t i = 0; i < wanted->count; i++) {
        KnownStatement *known = wanted->items[i];
        const KnownDatabase *database = map_get_id(round->collector->databases, known->key.database_oid);
        const char *text = text_of(by_id, known, database->oid);
        known->text_attempts++;
        if (text == NULL)
            continue;
        uintptr_t place = (uintptr_t)map_get_id(row_of, (uint64_t)known->statement_id);
        if (place == 0) {
            vector_push(round->arena, rows, statement_row(round->collector, known));
            place = rows->count;
        }
        text_take(round->arena, text, &rows->items[place - 1]);
        round->report->texts_read++;
    }
}

static bool
texts_are_due(const CollectorRound *round)
{
    int64_t interval_us = settings_get_int(round->settings, SETTING_COLLECT_TEXTS_INTERVAL) * 1000;
    int64_t since_us = clock_monotonic_us() - round->collector->texts_at_us;
    return round->collector->texts_at_us == 0 || since_us >= interval_us;
}

/* Statements whose text is not known, of this round or of earlier ones. */
static KnownList
statements_without_text(const CollectorRound *round)
{
    const Map *statements = round->collector->statements;
    KnownList wanted = {0};
    for (size_t i = 0; i < map_count(statements) && wanted.count < TEXTS_MOST; i++) {
        KnownStatement *known = map_value_at(statements, i);
        if (!known->has_text && known->text_attempts < TEXT_ATTEMPTS_MOST)
            vector_push(round->arena, &wanted, known);
    }
    return wanted;
}

static bool
texts_read(CollectorRound *round, StatementRowList *rows, Error *error)
{
    Collector *collector = round->collector;
    if (!texts_are_due(round))
        return true;
    KnownList wanted = statements_without_text(round);
    if (wanted.count == 0)
        return true;
    int64_t *ids = ARENA_NEW_ARRAY(round->arena, int64_t, wanted.count);
    for (size_t i = 0; i < wanted.count; i++)
        ids[i] = wanted.items[i]->key.queryid;
    SourceTexts texts = {0};
    int64_t bytes_most = settings_get_int(round->settings, SETTING_COLLECT_TEXTS_BYTES);
    if (!collector->session->ops->texts_read(collector->session, round->arena, ids, wanted.count, bytes_most,
                                             &texts, error))
        return error_prefix(error, "could not read texts of statements");
    collector->texts_at_us = clock_monotonic_us();
    collector->texts_notice[0] = '\0';
    if (texts.gap == NULL)
        sql_batch_run(texts_take,
                      &(TextsWork){.round = round, .texts = &texts, .wanted = &wanted, .rows = rows});
    else
        snprintf(collector->texts_notice, sizeof(collector->texts_notice),
                 "texts of statements are not read: %.400s", texts.gap);
    return true;
}

typedef struct SampleWork {
    CollectorRound *round;
    DeltaRound delta;
    StatementRowList rows; /* statements that are new to the store */
    Sample **samples;      /* by position of the database in state.databases */
    size_t *counts;
} SampleWork;

/* Position of a watched database; SIZE_MAX: none. */
static size_t
database_position(const SourceState *state, uint32_t oid)
{
    size_t low = 0, high = state->database_count; /* ascending by oid */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (state->databases[middle].oid < oid)
            low = middle + 1;
        else
            high = middle;
    }
    bool is_there = low < state->database_count && state->databases[low].oid == oid;
    return is_there && state->databases[low].is_watched ? low : SIZE_MAX;
}

static KnownStatement *
statement_for(SampleWork *work, const StatementCounters *entry, const KnownDatabase *database)
{
    Collector *collector = work->round->collector;
    StatementKey key = entry->key;
    key.database_oid = (uint32_t)database->database_id;
    KnownStatement *known = collector_statement(collector, &key);
    if (known == NULL && collector->statement_id_most < NUMBER_BY_HAND - 1)
        known = statement_add(collector, &key, collector->statement_id_most + 1);
    if (known != NULL && !known->is_stored)
        vector_push(work->round->arena, &work->rows, statement_row(collector, known));
    if (known == NULL)
        work->round->report->flags |= SAMPLE_FLAG_CUT;
    return known;
}

static void
sample_add(SampleWork *work, const DeltaSample *delta)
{
    CollectorRound *round = work->round;
    const StatementCounters *entry = &round->pending->read.items[delta->position];
    size_t position = database_position(&round->pending->state, entry->key.database_oid);
    /* query_hash 0 is no statement by contract; a dropped database has no name to be shown by. */
    if (position == SIZE_MAX || (entry->key.queryid & INT64_MAX) == 0)
        return;
    KnownDatabase *database = collector_database_by_oid(round->collector, entry->key.database_oid);
    fettle_assert(database != NULL);
    KnownStatement *known = statement_for(work, entry, database);
    if (known == NULL)
        return;
    Sample *sample = &work->samples[position][work->counts[position]++];
    sample->statement_id = known->statement_id;
    memcpy(sample->counters, delta->counters, sizeof(sample->counters));
}

static int
sample_order(const void *a, const void *b)
{
    int32_t left = ((const Sample *)a)->statement_id;
    int32_t right = ((const Sample *)b)->statement_id;
    return (left > right) - (left < right);
}

/* Every watched database gets a round, also one in which nothing happened: it was seen. */
static void
rounds_make(SampleWork *work, int64_t interval_ms)
{
    CollectorRound *round = work->round;
    CollectorPending *pending = round->pending;
    const SourceState *state = &pending->state;
    pending->rounds = ARENA_NEW_ARRAY(round->arena, SampleRound, state->database_count);
    for (size_t i = 0; i < state->database_count; i++) {
        if (!state->databases[i].is_watched)
            continue;
        if (work->counts[i] > 1)
            qsort(work->samples[i], work->counts[i], sizeof(Sample), sample_order);
        const KnownDatabase *known = collector_database_by_oid(round->collector, state->databases[i].oid);
        pending->rounds[pending->round_count++] =
            (SampleRound){.target_id = round->collector->target_id,
                          .database_id = known->database_id,
                          .collected_at_us = round->report->collected_at_us,
                          .interval_ms = interval_ms,
                          .flags = round->report->flags,
                          .samples = work->samples[i],
                          .sample_count = work->counts[i]};
        pending->sample_count += work->counts[i];
    }
}

/* Samples of a database go to a stretch of one array; each stretch has room for the deltas of its own. */
static void
stretches_make(SampleWork *work)
{
    CollectorRound *round = work->round;
    const SourceState *state = &round->pending->state;
    work->samples = ARENA_NEW_ARRAY(round->arena, Sample *, state->database_count);
    work->counts = ARENA_NEW_ARRAY(round->arena, size_t, state->database_count);
    for (size_t i = 0; i < work->delta.count; i++) {
        const DeltaSample *delta = &work->delta.samples[i];
        size_t position =
            database_position(state, round->pending->read.items[delta->position].key.database_oid);
        if (position != SIZE_MAX)
            work->counts[position]++;
    }
    for (size_t i = 0; i < state->database_count; i++) {
        work->samples[i] = ARENA_NEW_ARRAY(round->arena, Sample, work->counts[i]);
        work->counts[i] = 0;
    }
}

/* Names are read when a user's is not known yet; one that is gone has none, and is not asked for again. */
static bool
users_read_if_new(CollectorRound *round, const DeltaRound *delta, Error *error)
{
    Map *users = round->collector->users;
    bool were_read = false;
    for (size_t i = 0; i < delta->count; i++) {
        uint32_t oid = round->pending->read.items[delta->samples[i].position].key.user_oid;
        if (map_get_id(users, oid) != NULL)
            continue;
        if (!were_read && !users_read(round, error))
            return false;
        were_read = true;
        if (map_get_id(users, oid) == NULL)
            map_put_id(users, oid, arena_strdup(round->collector->arena, ""));
    }
    return true;
}

bool
collector_samples_make(CollectorRound *round, Error *error)
{
    Collector *collector = round->collector;
    CollectorPending *pending = round->pending;
    if (!pending->has_statements)
        return true;
    int64_t last_us = collector->target.last_round_at_us;
    int64_t gap_us = round->report->collected_at_us - last_us;
    bool has_short_gap = last_us > 0 && gap_us > 0 && gap_us <= FIRST_GAP_US;
    int64_t ahead_us = pending->state.now_us - round->report->collected_at_us;
    DeltaRead read = {.statements = &pending->read,
                      .state = &pending->state,
                      .is_session_new = collector->session_is_new,
                      .first_since = has_short_gap ? (double)(last_us + ahead_us) / 1e6 : 0};
    SampleWork work = {.round = round};
    bool is_first = round->report->interval_ms == 0;
    delta_round(round->arena, collector->history, &read, &work.delta);
    round->report->flags |= work.delta.flags;
    if (!users_read_if_new(round, &work.delta, error))
        return false;
    stretches_make(&work);
    for (size_t i = 0; i < work.delta.count; i++)
        sample_add(&work, &work.delta.samples[i]);
    if (!texts_read(round, &work.rows, error))
        return false;
    pending->statements = work.rows.items;
    pending->statement_count = work.rows.count;
    if (!is_first || work.delta.count > 0)
        rounds_make(&work, is_first ? gap_us / 1000 + 1 : round->report->interval_ms);
    return true;
}
