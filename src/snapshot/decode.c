// SPDX-License-Identifier: PostgreSQL
#include "snapshot/decode_internal.h"

#include <math.h>

size_t
decode_rows(const Decode *decode, const char *section, DecodeRow *ret_row)
{
    *ret_row = (DecodeRow){.section = snapshot_section_find(decode->sections, section)};
    return ret_row->section == NULL ? 0 : ret_row->section->row_count;
}

const char *
decode_text(DecodeRow row, const char *column)
{
    return snapshot_section_value(row.section, row.row, snapshot_section_column(row.section, column));
}

int64_t
decode_int(DecodeRow row, const char *column, int64_t fallback)
{
    int64_t value;
    return text_parse_int64(decode_text(row, column), &value) ? value : fallback;
}

double
decode_double(DecodeRow row, const char *column)
{
    double value;
    return text_parse_double(decode_text(row, column), &value) ? value : NAN;
}

bool
decode_bool(DecodeRow row, const char *column)
{
    const char *text = decode_text(row, column);
    return text_equals(text, "t") || text_equals(text, "true");
}

char
decode_char(DecodeRow row, const char *column)
{
    const char *text = decode_text(row, column);
    return text == NULL ? 0 : text[0];
}

uint32_t
decode_id(DecodeRow row, const char *column)
{
    uint32_t id;
    return text_parse_uint32(decode_text(row, column), &id) ? id : 0;
}

bool
decode_damaged(const Decode *decode, DecodeRow row, const char *what)
{
    return error_set(decode->error, ERROR_DAMAGED, "the snapshot contradicts itself: section %s, row %zu: %s",
                     row.section->name, row.row + 1, what);
}

/* The value of a key of a key/value section; NULL when absent. */
static const char *
decode_fact(const Decode *decode, const char *section, const char *key)
{
    DecodeRow row;
    for (size_t count = decode_rows(decode, section, &row); row.row < count; row.row++)
        if (text_equals(decode_text(row, "key"), key))
            return decode_text(row, "value");
    return NULL;
}

static const char *
fact_or(const char *fact, const char *fallback)
{
    return fact == NULL ? fallback : fact;
}

static SnapshotRights
rights_of(const char *word)
{
    for (int rights = SNAPSHOT_RIGHTS_CATALOG; rights <= SNAPSHOT_RIGHTS_FULL; rights++)
        if (text_equals(word, snapshot_rights_word((SnapshotRights)rights)))
            return (SnapshotRights)rights;
    return SNAPSHOT_RIGHTS_CATALOG;
}

static bool
decode_meta(Decode *decode)
{
    Snapshot *snapshot = decode->snapshot;
    int64_t version;
    const char *version_text = decode_fact(decode, "meta", "server_version_num");
    if (!text_parse_int64(version_text, &version) || version < 90000 || version > 1000000)
        return error_set(decode->error, ERROR_DAMAGED, "the snapshot does not say its server's version");
    snapshot->server_version_num = (int)version;
    snapshot->server_major = (int)(version / 10000);
    snapshot->server_version = fact_or(decode_fact(decode, "meta", "server_version"), version_text);
    snapshot->database = fact_or(decode_fact(decode, "meta", "database"), "");
    snapshot->encoding = fact_or(decode_fact(decode, "meta", "encoding"), "UTF8");
    snapshot->collate = fact_or(decode_fact(decode, "meta", "collate"), "C");
    snapshot->ctype = fact_or(decode_fact(decode, "meta", "ctype"), "C");
    snapshot->collation_provider = fact_or(decode_fact(decode, "meta", "collation_provider"), "c")[0];
    snapshot->icu_locale = decode_fact(decode, "meta", "icu_locale");
    snapshot->owner = decode_fact(decode, "meta", "owner");
    snapshot->reader = decode_fact(decode, "meta", "reader");
    snapshot->taken_at = fact_or(decode_fact(decode, "meta", "taken_at"), "");
    snapshot->system_identifier = decode_fact(decode, "meta", "system_identifier");
    snapshot->is_reader_superuser = text_equals(decode_fact(decode, "meta", "is_superuser"), "true");
    snapshot->is_standby = text_equals(decode_fact(decode, "meta", "is_standby"), "true");
    snapshot->is_redacted = text_equals(decode_fact(decode, "reading", "is_redacted"), "true");
    snapshot->has_statements = text_equals(decode_fact(decode, "reading", "has_statements"), "true");
    snapshot->adds_scans = text_equals(decode_fact(decode, "reading", "adds_scans"), "true");
    snapshot->rights = rights_of(decode_fact(decode, "reading", "rights"));
    snapshot->application_role = decode_fact(decode, "reading", "application_role");
    if (!text_parse_double(decode_fact(decode, "reading", "read_ms"), &snapshot->read_ms))
        snapshot->read_ms = NAN;
    int64_t block_bytes;
    bool has_block = text_parse_int64(decode_fact(decode, "meta", "block_bytes"), &block_bytes);
    snapshot->block_bytes =
        has_block && block_bytes >= 1024 && block_bytes <= 32768 ? (int)block_bytes : 8192;
    return true;
}

static void
decode_settings(Decode *decode)
{
    DecodeRow row;
    size_t count = decode_rows(decode, "settings", &row);
    SnapshotSetting *settings = ARENA_NEW_ARRAY(decode->arena, SnapshotSetting, count);
    for (; row.row < count; row.row++)
        settings[row.row] = (SnapshotSetting){.name = fact_or(decode_text(row, "name"), ""),
                                              .value = fact_or(decode_text(row, "value"), ""),
                                              .unit = decode_text(row, "unit"),
                                              .type = fact_or(decode_text(row, "type"), "string"),
                                              .category = fact_or(decode_text(row, "category"), ""),
                                              .source = fact_or(decode_text(row, "source"), ""),
                                              .boot_value = decode_text(row, "boot_value"),
                                              .is_pending_restart = decode_bool(row, "is_pending_restart")};
    decode->snapshot->settings = settings;
    decode->snapshot->setting_count = count;
    count = decode_rows(decode, "role_settings", &row);
    SnapshotRoleSetting *role_settings = ARENA_NEW_ARRAY(decode->arena, SnapshotRoleSetting, count);
    for (; row.row < count; row.row++)
        role_settings[row.row] = (SnapshotRoleSetting){.role = decode_text(row, "role"),
                                                       .database = decode_text(row, "database"),
                                                       .name = fact_or(decode_text(row, "name"), ""),
                                                       .value = fact_or(decode_text(row, "value"), "")};
    decode->snapshot->role_settings = role_settings;
    decode->snapshot->role_setting_count = count;
}

static void
decode_schemas(Decode *decode)
{
    DecodeRow row;
    size_t count = decode_rows(decode, "schemas", &row);
    SnapshotSchema *schemas = ARENA_NEW_ARRAY(decode->arena, SnapshotSchema, count);
    for (; row.row < count; row.row++)
        schemas[row.row] = (SnapshotSchema){.id = decode_id(row, "id"),
                                            .name = fact_or(decode_text(row, "name"), ""),
                                            .owner = decode_text(row, "owner")};
    decode->snapshot->schemas = schemas;
    decode->snapshot->schema_count = count;
    count = decode_rows(decode, "extensions", &row);
    SnapshotExtension *extensions = ARENA_NEW_ARRAY(decode->arena, SnapshotExtension, count);
    for (; row.row < count; row.row++)
        extensions[row.row] = (SnapshotExtension){.id = decode_id(row, "id"),
                                                  .name = fact_or(decode_text(row, "name"), ""),
                                                  .version = fact_or(decode_text(row, "version"), ""),
                                                  .schema = fact_or(decode_text(row, "schema"), "public")};
    decode->snapshot->extensions = extensions;
    decode->snapshot->extension_count = count;
}

static bool
decode_object_kind(const char *word, SnapshotObjectKind *ret_kind)
{
    static const char *const words[] = {
        [SNAPSHOT_OBJECT_ENUM] = "enum",           [SNAPSHOT_OBJECT_DOMAIN] = "domain",
        [SNAPSHOT_OBJECT_COMPOSITE] = "composite", [SNAPSHOT_OBJECT_RANGE] = "range",
        [SNAPSHOT_OBJECT_COLLATION] = "collation", [SNAPSHOT_OBJECT_SEQUENCE] = "sequence",
        [SNAPSHOT_OBJECT_FUNCTION] = "function"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(words); i++)
        if (text_equals(word, words[i])) {
            *ret_kind = (SnapshotObjectKind)i;
            return true;
        }
    return false;
}

static void
decode_objects(Decode *decode)
{
    DecodeRow row;
    size_t count = decode_rows(decode, "objects", &row);
    SnapshotObject *objects = ARENA_NEW_ARRAY(decode->arena, SnapshotObject, count);
    size_t kept = 0;
    for (; row.row < count; row.row++) {
        SnapshotObjectKind kind;
        const char *definition = decode_text(row, "definition");
        if (!decode_object_kind(decode_text(row, "kind"), &kind) || definition == NULL)
            continue;
        objects[kept++] = (SnapshotObject){.id = decode_id(row, "id"),
                                           .kind = kind,
                                           .schema = fact_or(decode_text(row, "schema"), "public"),
                                           .name = fact_or(decode_text(row, "name"), ""),
                                           .detail = decode_text(row, "detail"),
                                           .volatility = decode_char(row, "volatility"),
                                           .definition = definition};
    }
    decode->snapshot->objects = objects;
    decode->snapshot->object_count = kept;
}

static SnapshotStatement
decode_statement(DecodeRow row)
{
    int64_t query_id = decode_int(row, "query_id", 0);
    return (SnapshotStatement){.query_id = query_id,
                               .query_hash = (uint64_t)query_id & UINT64_C(0x7FFFFFFFFFFFFFFF),
                               .role = decode_text(row, "role"),
                               .text = fact_or(decode_text(row, "text"), ""),
                               .is_top_level = decode_bool(row, "is_top_level"),
                               .calls = decode_double(row, "calls"),
                               .total_ms = decode_double(row, "total_ms"),
                               .mean_ms = decode_double(row, "mean_ms"),
                               .stddev_ms = decode_double(row, "stddev_ms"),
                               .min_ms = decode_double(row, "min_ms"),
                               .max_ms = decode_double(row, "max_ms"),
                               .plan_ms = decode_double(row, "plan_ms"),
                               .rows = decode_double(row, "rows"),
                               .shared_hit_blocks = decode_double(row, "shared_hit_blocks"),
                               .shared_read_blocks = decode_double(row, "shared_read_blocks"),
                               .shared_dirtied_blocks = decode_double(row, "shared_dirtied_blocks"),
                               .temp_read_blocks = decode_double(row, "temp_read_blocks"),
                               .temp_written_blocks = decode_double(row, "temp_written_blocks"),
                               .read_ms = decode_double(row, "read_ms"),
                               .write_ms = decode_double(row, "write_ms"),
                               .wal_bytes = decode_double(row, "wal_bytes")};
}

/* Samples by query id, each a TextList. */
static Map *
decode_samples(Decode *decode)
{
    DecodeRow row;
    Map *samples = map_new(decode->arena);
    for (size_t count = decode_rows(decode, "statement_samples", &row); row.row < count; row.row++) {
        uint64_t query_id = (uint64_t)decode_int(row, "query_id", 0);
        const char *text = decode_text(row, "text");
        TextList *list = map_get_id(samples, query_id);
        if (list == NULL) {
            list = ARENA_NEW(decode->arena, TextList);
            map_put_id(samples, query_id, list);
        }
        if (text != NULL)
            vector_push(decode->arena, list, text);
    }
    return samples;
}

/* Texts by query id: the statements' with constants as they are sent. */
static Map *
decode_sent(Decode *decode)
{
    DecodeRow row;
    Map *sent = map_new(decode->arena);
    for (size_t count = decode_rows(decode, "statements_sent", &row); row.row < count; row.row++) {
        const char *text = decode_text(row, "text");
        if (text != NULL && text[0] != '\0')
            map_put_id(sent, (uint64_t)decode_int(row, "query_id", 0), arena_strdup(decode->arena, text));
    }
    return sent;
}

static void
decode_workload(Decode *decode)
{
    DecodeRow row;
    size_t count = decode_rows(decode, "statements", &row);
    SnapshotStatement *statements = ARENA_NEW_ARRAY(decode->arena, SnapshotStatement, count);
    const Map *samples = decode_samples(decode);
    const Map *sent = decode_sent(decode);
    size_t kept = 0;
    for (; row.row < count; row.row++) {
        statements[kept] = decode_statement(row);
        if (statements[kept].query_hash == 0 || isnan(statements[kept].calls) || statements[kept].calls < 0)
            continue;
        const TextList *own = map_get_id(samples, (uint64_t)statements[kept].query_id);
        if (own != NULL) {
            statements[kept].samples = own->items;
            statements[kept].sample_count = own->count;
        }
        const char *as_sent = map_get_id(sent, (uint64_t)statements[kept].query_id);
        if (as_sent != NULL)
            statements[kept].text = as_sent;
        kept++;
    }
    decode->snapshot->statements = statements;
    decode->snapshot->statement_count = kept;
    decode->snapshot->workload_seconds = NAN;
    if (decode_rows(decode, "statements_info", &row) > 0) {
        decode->snapshot->statistics_reset = decode_text(row, "stats_reset");
        decode->snapshot->workload_seconds = decode_double(row, "seconds");
    }
}

static void
decode_gaps(Decode *decode)
{
    DecodeRow row;
    size_t count = decode_rows(decode, "gaps", &row);
    SnapshotGap *gaps = ARENA_NEW_ARRAY(decode->arena, SnapshotGap, count);
    for (; row.row < count; row.row++)
        gaps[row.row] = (SnapshotGap){.subject = fact_or(decode_text(row, "subject"), ""),
                                      .reason = fact_or(decode_text(row, "reason"), ""),
                                      .remedy = fact_or(decode_text(row, "remedy"), "")};
    decode->snapshot->gaps = gaps;
    decode->snapshot->gap_count = count;
}

/* Without a role that was named: the one that the workload's time belongs to. */
static void
decode_application_role(Decode *decode)
{
    Snapshot *snapshot = decode->snapshot;
    Map *times = map_new(decode->arena);
    double most = 0;
    for (size_t i = 0; snapshot->application_role == NULL && i < snapshot->statement_count; i++) {
        const SnapshotStatement *statement = &snapshot->statements[i];
        if (statement->role == NULL || isnan(statement->total_ms))
            continue;
        double *time = map_get(times, statement->role);
        if (time == NULL) {
            time = ARENA_NEW(decode->arena, double);
            map_put(times, statement->role, time);
        }
        *time += statement->total_ms;
    }
    for (size_t i = 0; i < map_count(times); i++)
        if (*(double *)map_value_at(times, i) > most) {
            most = *(double *)map_value_at(times, i);
            snapshot->application_role = map_key_at(times, i);
        }
    const char *path = snapshot_effective_setting(snapshot, "search_path");
    snapshot->search_path = path == NULL ? "\"$user\", public" : path;
}

bool
snapshot_decode(Arena *arena, const SnapshotSections *sections, const Snapshot **ret_snapshot, Error *error)
{
    Snapshot *snapshot = ARENA_NEW(arena, Snapshot);
    snapshot->arena = arena;
    snapshot->sections = sections;
    snapshot->relations_by_id = map_new(arena);
    snapshot->relations_by_name = map_new(arena);
    snapshot->indexes_by_id = map_new(arena);
    Decode decode = {.arena = arena, .sections = sections, .snapshot = snapshot, .error = error};
    if (!decode_meta(&decode))
        return false;
    decode_settings(&decode);
    decode_schemas(&decode);
    decode_objects(&decode);
    if (!decode_relations(&decode))
        return false;
    decode_workload(&decode);
    decode_gaps(&decode);
    decode_application_role(&decode);
    *ret_snapshot = snapshot;
    return true;
}
