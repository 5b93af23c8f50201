// SPDX-License-Identifier: PostgreSQL
#include "whatif/twin_internal.h"

#include "base/file.h"
#include "base/hash.h"
#include "pg/identifier.h"
#include "pg/query_text.h"
#include "pg/result.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODULE_BYTES_MOST (16 * 1024 * 1024)
#define SCHEMA_PASSES_MOST 10

extern const PgQueryText twin_scripts[];

/* Where fettle_twin-N.so may be: told by the environment, beside the program in a build, or installed. */
static const char *
module_find(Arena *arena, int major)
{
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    program[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(program, '/');
    if (slash != NULL)
        *slash = '\0';
    const char *name = arena_printf(arena, "fettle_twin-%d.so", major);
    const char *told = getenv("FETTLE_MODULES");
    const char *const directories[] = {told == NULL ? program : told,
                                       path_join(arena, program, "../../twin_module"),
                                       path_join(arena, program, "../../../twin_module"),
                                       path_join(arena, program, "../../../../twin_module"),
                                       path_join(arena, program, "../lib/fettle"),
                                       FETTLE_LIBRARY_DIRECTORY};
    for (size_t i = 0; i < FETTLE_COUNT_OF(directories); i++) {
        const char *path = path_join(arena, directories[i], name);
        if (file_exists(path))
            return path;
    }
    return NULL;
}

/* The module is copied to where the cluster's user can read it; its name holds its content's hash. */
bool
twin_module_place(Twin *twin, Error *error)
{
    const char *source = module_find(twin->arena, cluster_major(twin->cluster));
    if (source == NULL)
        return true;
    char *data;
    size_t size;
    if (!file_read(twin->arena, source, MODULE_BYTES_MOST, &data, &size, error))
        return false;
    const char *place =
        arena_printf(twin->arena, "%s/../fettle_twin-%016llx.so", cluster_data_directory(twin->cluster),
                     (unsigned long long)hash_bytes(data, size, 0));
    twin->module_path = place;
    return file_exists(place) || file_write_atomic(place, data, size, 0644, error);
}

bool
twin_database_drop(Cluster *cluster, const char *database, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("twin drop", 65536);
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *admin = NULL;
    return cluster_connect(cluster, "postgres", NULL, &admin, error) &&
           pg_execute(admin,
                      arena_printf(arena, "DROP DATABASE IF EXISTS %s WITH (FORCE)",
                                   pg_identifier_quote(arena, database)),
                      error);
}

static bool
role_make(Twin *twin, PgConnection *admin, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *found = NULL;
    if (!pg_query_simple(admin, "SELECT oid FROM pg_roles WHERE rolname = '" TWIN_ROLE "'", &found, error))
        return false;
    if (pg_result_rows(found) == 0 &&
        !pg_execute(admin, "CREATE ROLE " TWIN_ROLE " LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE", error))
        return false;
    FETTLE_CLEANUP(pg_result_free_at) PgResult *made = NULL;
    if (!pg_query_simple(admin, "SELECT oid FROM pg_roles WHERE rolname = '" TWIN_ROLE "'", &made, error))
        return false;
    twin->role_id = (uint32_t)pg_result_int(made, 0, 0, 0);
    return true;
}

/* The target's default collation, as far as this major knows its provider. Builtin locales order by code
 * point, as "C" does. */
static const char *
locale_words(const Twin *twin)
{
    Arena *arena = twin->arena;
    const Snapshot *snapshot = twin->snapshot;
    int major = cluster_major(twin->cluster);
    const char *locale = snapshot->icu_locale;
    const char *libc =
        arena_printf(arena, "LC_COLLATE %s LC_CTYPE %s", pg_literal_quote(arena, snapshot->collate),
                     pg_literal_quote(arena, snapshot->ctype));
    if (snapshot->collation_provider == 'i' && locale != NULL && major >= 15)
        return arena_printf(arena, "LOCALE_PROVIDER icu ICU_LOCALE %s %s", pg_literal_quote(arena, locale),
                            libc);
    if (snapshot->collation_provider == 'b' && locale != NULL && major >= 17)
        return arena_printf(arena, "LOCALE_PROVIDER builtin BUILTIN_LOCALE %s %s",
                            pg_literal_quote(arena, locale), libc);
    if (snapshot->collation_provider == 'b')
        return "LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'";
    return libc;
}

static bool
database_make(Twin *twin, PgConnection *admin, Error *error)
{
    Arena *arena = twin->arena;
    const char *create =
        arena_printf(arena, "CREATE DATABASE %s OWNER " TWIN_ROLE " TEMPLATE template0 ENCODING 'UTF8'",
                     pg_identifier_quote(arena, twin->database));
    Error reason = {0};
    if (pg_execute(admin, arena_printf(arena, "%s %s", create, locale_words(twin)), &reason))
        return true;
    /* The target's locale is not installed here: byte order then, and said. */
    if (!pg_execute(admin, arena_printf(arena, "%s LC_COLLATE 'C' LC_CTYPE 'C'", create), error))
        return false;
    bool is_libc = twin->snapshot->collation_provider == 'c' || twin->snapshot->icu_locale == NULL;
    twin_lose(
        twin,
        arena_printf(arena, "locale %s", is_libc ? twin->snapshot->collate : twin->snapshot->icu_locale),
        reason.message);
    return true;
}

/* The module's own installation script, with the path put in. */
static bool
module_install(Twin *twin, Error *error)
{
    const char *script = pg_query_text(twin_scripts, "install", cluster_major(twin->cluster));
    fettle_assert(script != NULL);
    Text text = text_new(twin->arena);
    const char *mark = strstr(script, "@MODULE@");
    fettle_assert(mark != NULL);
    text_append_bytes(&text, script, (size_t)(mark - script));
    text_append(&text, twin->module_path);
    text_append(&text, mark + strlen("@MODULE@"));
    return pg_execute_script(twin->admin, text.data, NULL, error) &&
           pg_execute(twin->admin, "GRANT USAGE ON SCHEMA fettle_twin TO " TWIN_ROLE, error) &&
           pg_execute(twin->admin,
                      "GRANT EXECUTE ON FUNCTION fettle_twin.index_estimate(regclass), "
                      "fettle_twin.named_index_blocks(text) TO " TWIN_ROLE,
                      error);
}

bool
twin_database_create(Twin *twin, Error *error)
{
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *admin = NULL;
    Arena *arena = twin->arena;
    twin->part = TWIN_PART_SCHEMA;
    if (!twin_database_drop(twin->cluster, twin->database, error) ||
        !cluster_connect(twin->cluster, "postgres", NULL, &admin, error) || !role_make(twin, admin, error) ||
        !database_make(twin, admin, error))
        return false;
    const char *name = pg_identifier_quote(arena, twin->database);
    if (!pg_execute(admin, arena_printf(arena, "REVOKE ALL ON DATABASE %s FROM PUBLIC", name), error))
        return false;
    if (twin->module_path != NULL &&
        !pg_execute(admin,
                    arena_printf(arena, "ALTER DATABASE %s SET session_preload_libraries = %s", name,
                                 pg_literal_quote(arena, twin->module_path)),
                    error))
        return false;
    if (!twin_admin_connect(twin, error))
        return false;
    return twin->module_path == NULL ? twin_sparse_install(twin, error) : module_install(twin, error);
}

typedef struct SchemaMaking {
    Twin *twin;
    PgConnection *guest;
    bool *done;           /* by statement */
    const char **reasons; /* of the last failure, by statement */
    int64_t made;
} SchemaMaking;

static bool
statement_run(SchemaMaking *making, const TwinStatement *statement, const char **ret_reason, Error *error)
{
    bool is_extension = statement->phase == TWIN_PHASE_EXTENSIONS;
    PgConnection *connection = is_extension ? making->twin->admin : making->guest;
    Error reason = {0};
    *ret_reason = NULL;
    if (pg_execute(connection, statement->text, &reason))
        return true;
    if (pg_connection_is_broken(connection)) {
        *error = reason;
        return error_prefix(error, "could not make %s on the twin", statement->object);
    }
    Arena *arena = making->twin->arena;
    *ret_reason = is_extension ? arena_printf(arena, "%s: is its package for PostgreSQL %d installed here?",
                                              reason.message, making->twin->report.twin_major)
                               : arena_strdup(arena, reason.message);
    return true;
}

/* One pass over what is not made yet; *ret_made counts what succeeded. */
static bool
schema_pass(SchemaMaking *making, const TwinStatementList *statements, int64_t *ret_made, Error *error)
{
    *ret_made = 0;
    for (size_t i = 0; i < statements->count; i++) {
        if (making->done[i])
            continue;
        if (!statement_run(making, &statements->items[i], &making->reasons[i], error))
            return false;
        making->done[i] = making->reasons[i] == NULL;
        *ret_made += making->done[i];
        making->made += making->done[i];
        if (i % 64 == 0)
            twin_progress(making->twin, "building the twin", making->made, (int64_t)statements->count);
    }
    return true;
}

bool
twin_schema_make(Twin *twin, const TwinDdl *ddl, Error *error)
{
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *guest = NULL;
    if (!cluster_connect(twin->cluster, twin->database, TWIN_ROLE, &guest, error) ||
        !pg_execute_script(
            guest,
            "SET check_function_bodies = off; SET search_path = pg_catalog; SET statement_timeout = '10s'",
            NULL, error))
        return false;
    if (twin->module_path != NULL && !pg_execute(guest, "SET default_table_access_method = twin", error))
        return false;
    const TwinStatementList *statements = &ddl->statements;
    SchemaMaking making = {.twin = twin,
                           .guest = guest,
                           .done = ARENA_NEW_ARRAY(twin->arena, bool, statements->count + 1),
                           .reasons = ARENA_NEW_ARRAY(twin->arena, const char *, statements->count + 1)};
    int64_t made = 1;
    for (int pass = 0; made > 0 && pass < SCHEMA_PASSES_MOST && making.made < (int64_t)statements->count;
         pass++)
        if (!schema_pass(&making, statements, &made, error))
            return false;
    for (size_t i = 0; i < statements->count; i++)
        if (!making.done[i] && !statements->items[i].is_optional)
            twin_lose(twin, statements->items[i].object, making.reasons[i]);
    for (size_t i = 0; i < ddl->lost_objects.count; i++)
        twin_lose(twin, ddl->lost_objects.items[i], ddl->lost_reasons.items[i]);
    twin->report.objects_made = making.made;
    return true;
}
