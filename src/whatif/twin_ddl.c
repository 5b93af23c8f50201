// SPDX-License-Identifier: PostgreSQL
#include "whatif/twin_ddl.h"

#include "pg/identifier.h"
#include "whatif/twin_ddl_table.h"

#include <stdlib.h>
#include <string.h>

typedef struct Ddl {
    Arena *arena;
    const Snapshot *snapshot;
    TwinDdl result;
} Ddl;

bool
twin_extension_is_allowed(const char *name)
{
    static const char *const allowed[] = {"bloom",
                                          "btree_gin",
                                          "btree_gist",
                                          "citext",
                                          "cube",
                                          "dict_int",
                                          "dict_xsyn",
                                          "earthdistance",
                                          "fuzzystrmatch",
                                          "hstore",
                                          "intarray",
                                          "isn",
                                          "ip4r",
                                          "ltree",
                                          "pg_trgm",
                                          "pgcrypto",
                                          "postgis",
                                          "prefix",
                                          "rum",
                                          "seg",
                                          "tablefunc",
                                          "tsm_system_rows",
                                          "tsm_system_time",
                                          "unaccent",
                                          "uuid-ossp",
                                          "vector",
                                          "pg_uuidv7",
                                          "semver",
                                          "unit",
                                          "periods",
                                          "orafce",
                                          "numeral",
                                          "hll",
                                          "roaringbitmap",
                                          "postgis_raster",
                                          "pgrouting",
                                          "temporal_tables"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(allowed); i++)
        if (strcmp(allowed[i], name) == 0)
            return true;
    return false;
}

/* Extensions that offer tables and columns nothing that a plan could need: their absence is no loss. */
static bool
extension_is_without_bearing(const char *name)
{
    static const char *const without[] = {
        "adminpack",          "amcheck",      "auto_explain",    "dblink",
        "file_fdw",           "hypopg",       "old_snapshot",    "pageinspect",
        "pg_buffercache",     "pg_cron",      "pg_freespacemap", "pg_hint_plan",
        "pg_prewarm",         "pg_qualstats", "pg_repack",       "pg_stat_kcache",
        "pg_stat_statements", "pg_surgery",   "pg_visibility",   "pg_wait_sampling",
        "pg_walinspect",      "pgaudit",      "pgrowlocks",      "pgstattuple",
        "plpgsql_check",      "postgres_fdw", "sslinfo",         "tcn"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(without); i++)
        if (strcmp(without[i], name) == 0)
            return true;
    return false;
}

static void
ddl_add(Ddl *ddl, TwinPhase phase, uint32_t id, const char *object, const char *text)
{
    TwinStatement statement = {.phase = phase, .id = id, .object = object, .text = text};
    vector_push(ddl->arena, &ddl->result.statements, statement);
}

static void
ddl_add_optional(Ddl *ddl, TwinPhase phase, uint32_t id, const char *object, const char *text)
{
    TwinStatement statement = {.phase = phase, .id = id, .object = object, .text = text, .is_optional = true};
    vector_push(ddl->arena, &ddl->result.statements, statement);
}

static void
ddl_lose(Ddl *ddl, const char *object, const char *reason)
{
    vector_push(ddl->arena, &ddl->result.lost_objects, object);
    vector_push(ddl->arena, &ddl->result.lost_reasons, reason);
}

static void
ddl_schemas(Ddl *ddl)
{
    for (size_t i = 0; i < ddl->snapshot->schema_count; i++) {
        const SnapshotSchema *schema = &ddl->snapshot->schemas[i];
        ddl_add(ddl, TWIN_PHASE_SCHEMAS, schema->id, arena_printf(ddl->arena, "schema %s", schema->name),
                arena_printf(ddl->arena, "CREATE SCHEMA IF NOT EXISTS %s",
                             pg_identifier_quote(ddl->arena, schema->name)));
    }
}

static void
ddl_extensions(Ddl *ddl)
{
    for (size_t i = 0; i < ddl->snapshot->extension_count; i++) {
        const SnapshotExtension *extension = &ddl->snapshot->extensions[i];
        const char *object = arena_printf(ddl->arena, "extension %s", extension->name);
        if (!twin_extension_is_allowed(extension->name)) {
            if (!extension_is_without_bearing(extension->name))
                ddl_lose(ddl, object, "it is not among the extensions that a twin loads");
            continue;
        }
        ddl_add(ddl, TWIN_PHASE_EXTENSIONS, extension->id, object,
                arena_printf(ddl->arena, "CREATE EXTENSION IF NOT EXISTS %s SCHEMA %s",
                             pg_identifier_quote(ddl->arena, extension->name),
                             pg_identifier_quote(ddl->arena, extension->schema)));
    }
}

static void
ddl_objects(Ddl *ddl)
{
    for (size_t i = 0; i < ddl->snapshot->object_count; i++) {
        const SnapshotObject *object = &ddl->snapshot->objects[i];
        const char *name = pg_identifier_qualify(ddl->arena, object->schema, object->name);
        bool is_function = object->kind == SNAPSHOT_OBJECT_FUNCTION;
        const char *word = is_function                                 ? "function"
                           : object->kind == SNAPSHOT_OBJECT_SEQUENCE  ? "sequence"
                           : object->kind == SNAPSHOT_OBJECT_COLLATION ? "collation"
                                                                       : "type";
        if (is_function && object->detail != NULL && strcmp(object->detail, "sql") != 0 &&
            strcmp(object->detail, "plpgsql") != 0) {
            ddl_lose(ddl, arena_printf(ddl->arena, "function %s", name),
                     arena_printf(ddl->arena, "language %s is not run on a twin", object->detail));
            continue;
        }
        ddl_add(ddl, TWIN_PHASE_OBJECTS, object->id, arena_printf(ddl->arena, "%s %s", word, name),
                object->definition);
    }
}

static void
ddl_view(Ddl *ddl, const SnapshotRelation *relation)
{
    const char *name = pg_identifier_qualify(ddl->arena, relation->schema, relation->name);
    if (relation->view_definition == NULL) {
        ddl_lose(ddl, arena_printf(ddl->arena, "view %s", name), "its definition could not be read");
        return;
    }
    size_t length = strlen(relation->view_definition);
    while (length > 0 && strchr("; \n", relation->view_definition[length - 1]) != NULL)
        length--;
    const char *definition = arena_strndup(ddl->arena, relation->view_definition, length);
    bool is_materialized = relation->kind == 'm';
    const char *options =
        relation->options == NULL ? "" : arena_printf(ddl->arena, " WITH (%s)", relation->options);
    ddl_add(ddl, TWIN_PHASE_OBJECTS, relation->id, arena_printf(ddl->arena, "view %s", name),
            arena_printf(ddl->arena, "CREATE %sVIEW %s%s AS %s%s", is_materialized ? "MATERIALIZED " : "",
                         name, options, definition, is_materialized ? " WITH NO DATA" : ""));
}

static void
ddl_relations(Ddl *ddl)
{
    for (size_t i = 0; i < ddl->snapshot->relation_count; i++) {
        const SnapshotRelation *relation = &ddl->snapshot->relations[i];
        const char *name = pg_identifier_qualify(ddl->arena, relation->schema, relation->name);
        const char *object = arena_printf(ddl->arena, "table %s", name);
        if (relation->extension_id != 0 || relation->persistence == 't' || relation->kind == 't' ||
            relation->kind == 'S')
            continue;
        if (relation->kind == 'v' || relation->kind == 'm') {
            ddl_view(ddl, relation);
            continue;
        }
        if (relation->kind == 'f') {
            ddl_lose(ddl, object, "a foreign table: its server is not asked from a twin");
            continue;
        }
        ddl_add(ddl, TWIN_PHASE_OBJECTS, relation->id, object, twin_ddl_table(ddl->arena, relation));
        TextList columns = twin_ddl_columns(ddl->arena, relation);
        for (size_t k = 0; k < columns.count; k++)
            ddl_add_optional(ddl, TWIN_PHASE_COLUMNS, relation->id, object, columns.items[k]);
    }
}

static void
ddl_attachments(Ddl *ddl)
{
    for (size_t i = 0; i < ddl->snapshot->relation_count; i++) {
        const SnapshotRelation *child = &ddl->snapshot->relations[i];
        for (size_t k = 0; k < child->parent_count && child->extension_id == 0; k++) {
            const SnapshotRelation *parent = snapshot_relation(ddl->snapshot, child->parents[k].relation_id);
            if (parent == NULL || child->kind == 'f' || child->kind == 't')
                continue;
            const char *child_name = pg_identifier_qualify(ddl->arena, child->schema, child->name);
            const char *parent_name = pg_identifier_qualify(ddl->arena, parent->schema, parent->name);
            const char *text =
                child->is_partition && child->partition_bound != NULL
                    ? arena_printf(ddl->arena, "ALTER TABLE ONLY %s ATTACH PARTITION %s %s", parent_name,
                                   child_name, child->partition_bound)
                    : arena_printf(ddl->arena, "ALTER TABLE %s INHERIT %s", child_name, parent_name);
            ddl_add(ddl, TWIN_PHASE_ATTACH, child->id, arena_printf(ddl->arena, "child table %s", child_name),
                    text);
        }
    }
}

static void
ddl_constraints(Ddl *ddl)
{
    for (size_t i = 0; i < ddl->snapshot->constraint_count; i++) {
        const SnapshotConstraint *constraint = &ddl->snapshot->constraints[i];
        const SnapshotRelation *relation = snapshot_relation(ddl->snapshot, constraint->relation_id);
        if (relation == NULL || relation->extension_id != 0 || relation->kind == 'f' ||
            (constraint->type != 'c' && constraint->type != 'f'))
            continue;
        bool is_check = constraint->type == 'c';
        if (!is_check && constraint->parent_id != 0)
            continue;
        const char *table = pg_identifier_qualify(ddl->arena, relation->schema, relation->name);
        ddl_add(ddl, is_check ? TWIN_PHASE_CHECKS : TWIN_PHASE_FOREIGN_KEYS, constraint->id,
                arena_printf(ddl->arena, "constraint %s on %s", constraint->name, table),
                arena_printf(ddl->arena, "ALTER TABLE %s ADD CONSTRAINT %s %s", table,
                             pg_identifier_quote(ddl->arena, constraint->name), constraint->definition));
    }
}

static const SnapshotConstraint *
ddl_constraint_find(const SnapshotRelation *relation, uint32_t id)
{
    for (size_t i = 0; i < relation->constraints.count; i++)
        if (relation->constraints.items[i]->id == id)
            return relation->constraints.items[i];
    return NULL;
}

/* Made ON ONLY, and never completed: no plan uses it, and its parts are to be seen as indexes of their own,
 * which a what-if index of the whole can have. */
static bool
index_lacks_parts(const SnapshotIndex *index)
{
    return index->is_partitioned && !index->is_valid && index->constraint_id == 0;
}

static void
ddl_index(Ddl *ddl, const SnapshotIndex *index)
{
    const SnapshotRelation *relation = snapshot_relation(ddl->snapshot, index->relation_id);
    if (relation == NULL || index_lacks_parts(index) || relation->extension_id != 0 ||
        relation->kind == 't' || relation->kind == 'f')
        return;
    const char *table = pg_identifier_qualify(ddl->arena, relation->schema, relation->name);
    const char *object =
        arena_printf(ddl->arena, "index %s", pg_identifier_qualify(ddl->arena, index->schema, index->name));
    const SnapshotConstraint *constraint =
        index->constraint_id == 0 ? NULL : ddl_constraint_find(relation, index->constraint_id);
    if (constraint != NULL)
        ddl_add(ddl, TWIN_PHASE_INDEXES, index->id, object,
                arena_printf(ddl->arena, "ALTER TABLE ONLY %s ADD CONSTRAINT %s %s", table,
                             pg_identifier_quote(ddl->arena, constraint->name), constraint->definition));
    else
        ddl_add(ddl, TWIN_PHASE_INDEXES, index->id, object, twin_ddl_index(ddl->arena, index));
    const SnapshotIndex *parent =
        index->parent_id == 0 ? NULL : snapshot_index(ddl->snapshot, index->parent_id);
    if (parent != NULL && !index_lacks_parts(parent))
        ddl_add(ddl, TWIN_PHASE_INDEX_ATTACH, index->id, object,
                arena_printf(ddl->arena, "ALTER INDEX %s ATTACH PARTITION %s",
                             pg_identifier_qualify(ddl->arena, parent->schema, parent->name),
                             pg_identifier_qualify(ddl->arena, index->schema, index->name)));
}

static void
ddl_statistics(Ddl *ddl)
{
    for (size_t i = 0; i < ddl->snapshot->extended_statistics_count; i++) {
        const SnapshotExtendedStatistics *statistics = &ddl->snapshot->extended_statistics[i];
        ddl_add(ddl, TWIN_PHASE_STATISTICS, statistics->id,
                arena_printf(ddl->arena, "statistics %s",
                             pg_identifier_qualify(ddl->arena, statistics->schema, statistics->name)),
                statistics->definition);
    }
}

static const char *
policy_text(Arena *arena, const char *table, const SnapshotPolicy *policy)
{
    static const struct {
        char letter;
        const char *word;
    } commands[] = {{'r', "SELECT"}, {'a', "INSERT"}, {'w', "UPDATE"}, {'d', "DELETE"}, {'*', "ALL"}};
    const char *word = "ALL";
    for (size_t i = 0; i < FETTLE_COUNT_OF(commands); i++)
        if (commands[i].letter == policy->command)
            word = commands[i].word;
    Text text = text_new(arena);
    /* Roles of the target do not exist on the twin; a policy applies there to whoever plans. */
    text_append_format(&text, "CREATE POLICY %s ON %s AS %s FOR %s TO PUBLIC",
                       pg_identifier_quote(arena, policy->name), table,
                       policy->is_permissive ? "PERMISSIVE" : "RESTRICTIVE", word);
    if (policy->using_expression != NULL)
        text_append_format(&text, " USING (%s)", policy->using_expression);
    if (policy->check_expression != NULL)
        text_append_format(&text, " WITH CHECK (%s)", policy->check_expression);
    return text.data;
}

/* Does a policy speak of the application role (or of everybody)? */
static bool
policy_concerns(const Snapshot *snapshot, const SnapshotPolicy *policy)
{
    if (policy->roles.count == 0 || snapshot->application_role == NULL)
        return true;
    return text_list_contains(&policy->roles, "public") ||
           text_list_contains(&policy->roles, snapshot->application_role);
}

/* Plans are those of the application's role; without one, of the reader's, whom row security may not bind. */
static bool
security_is_bypassed(const Snapshot *snapshot)
{
    bool as_reader =
        snapshot->application_role == NULL || text_equals(snapshot->application_role, snapshot->reader);
    return as_reader && snapshot->is_reader_superuser;
}

static void
ddl_security(Ddl *ddl)
{
    if (security_is_bypassed(ddl->snapshot))
        return;
    for (size_t i = 0; i < ddl->snapshot->relation_count; i++) {
        const SnapshotRelation *relation = &ddl->snapshot->relations[i];
        bool by_owner = text_equals(relation->owner, ddl->snapshot->application_role);
        if (!relation->has_row_security || (by_owner && !relation->is_row_security_forced))
            continue;
        const char *table = pg_identifier_qualify(ddl->arena, relation->schema, relation->name);
        const char *object = arena_printf(ddl->arena, "row security of %s", table);
        ddl_add(ddl, TWIN_PHASE_SECURITY, relation->id, object,
                arena_printf(ddl->arena, "ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
                             table));
        for (size_t k = 0; k < relation->policies.count; k++)
            if (policy_concerns(ddl->snapshot, relation->policies.items[k]))
                ddl_add(ddl, TWIN_PHASE_SECURITY, relation->id, object,
                        policy_text(ddl->arena, table, relation->policies.items[k]));
    }
}

/* Stable order by phase, then OID; equal ones keep the order in which they were added. */
static int
ddl_statement_compare(const void *left, const void *right)
{
    const TwinStatement *a = left;
    const TwinStatement *b = right;
    if (a->phase != b->phase)
        return a->phase < b->phase ? -1 : 1;
    if (a->id != b->id)
        return a->id < b->id ? -1 : 1;
    return 0;
}

/* Merge sort: qsort is not stable. */
static void
ddl_sort(Arena *arena, TwinStatement *items, size_t count)
{
    if (count < 2)
        return;
    size_t half = count / 2;
    ddl_sort(arena, items, half);
    ddl_sort(arena, items + half, count - half);
    ArenaMark mark = arena_mark(arena);
    TwinStatement *merged = ARENA_NEW_ARRAY(arena, TwinStatement, count);
    for (size_t i = 0, a = 0, b = half; i < count; i++) {
        bool take_first = b == count || (a < half && ddl_statement_compare(&items[a], &items[b]) <= 0);
        merged[i] = take_first ? items[a++] : items[b++];
    }
    memcpy(items, merged, count * sizeof(*items));
    arena_rewind(arena, mark);
}

TwinDdl
twin_ddl(Arena *arena, const Snapshot *snapshot)
{
    Ddl ddl = {.arena = arena, .snapshot = snapshot};
    ddl_schemas(&ddl);
    ddl_extensions(&ddl);
    ddl_objects(&ddl);
    ddl_relations(&ddl);
    ddl_attachments(&ddl);
    ddl_constraints(&ddl);
    for (size_t i = 0; i < snapshot->index_count; i++)
        ddl_index(&ddl, &snapshot->indexes[i]);
    ddl_statistics(&ddl);
    ddl_security(&ddl);
    ddl_sort(arena, ddl.result.statements.items, ddl.result.statements.count);
    return ddl.result;
}
