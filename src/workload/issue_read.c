// SPDX-License-Identifier: PostgreSQL
#include "workload/issue.h"

#include <math.h>

#define KILOBYTE 1024.0
#define RELATIONS_MOST ((size_t)50000) /* as the collector takes of one database */

static bool
setting_read(PgConnection *session, Arena *arena, int64_t target_id, const char *name, double *ret_value,
             Error *error)
{
    const char *text;
    *ret_value = NAN;
    if (!target_setting_read(session, arena, target_id, name, &text, error))
        return false;
    if (text != NULL && !text_parse_double(text, ret_value))
        *ret_value = NAN;
    return true;
}

static const char *
database_named(const DatabaseRows *databases, int32_t database_id)
{
    for (size_t i = 0; i < databases->count; i++)
        if (databases->items[i].database_id == database_id)
            return databases->items[i].database_name;
    return NULL;
}

/* Those that have statements here. */
static TextList
database_names(Arena *arena, const WorkloadTemplates *templates)
{
    TextList names = {0};
    Map *seen = map_new(arena);
    for (size_t i = 0; i < templates->count; i++) {
        const char *name = templates->items[i].database_name;
        if (name == NULL || map_get(seen, name) != NULL)
            continue;
        map_put(seen, name, seen);
        vector_push(arena, &names, name);
    }
    return names;
}

static bool
rounds_read(PgConnection *session, Arena *arena, const IssueSource *source,
            const WorkloadTemplates *templates, IssueCatalog *catalog, Error *error)
{
    DatabaseRows databases;
    RelationUses uses;
    TextList names = database_names(arena, templates);
    RelationUsesOf of = {.target_id = source->target_id,
                         .database_names = names.items,
                         .database_count = names.count,
                         .row_limit = RELATIONS_MOST};
    if (!database_rows_read(session, arena, source->target_id, &databases, error) ||
        !relation_uses_read(session, arena, &of, &uses, error))
        return false;
    for (size_t i = 0; i < uses.count; i++) {
        const char *name = database_named(&databases, uses.rounds[i].database_id);
        if (name != NULL)
            issue_catalog_add_round(catalog, name, &uses.rounds[i]);
    }
    catalog->is_cut = uses.is_cut;
    return true;
}

bool
issue_input_read(PgConnection *session, Arena *arena, const IssueSource *source, IssueCatalog *ret_catalog,
                 IssueInput *input, Error *error)
{
    IssueCatalog catalog = issue_catalog_new(arena);
    double work_mem;
    double shared_buffers;
    double block_bytes;
    if (!rounds_read(session, arena, source, input->templates, &catalog, error) ||
        !setting_read(session, arena, source->target_id, "work_mem", &work_mem, error) ||
        !setting_read(session, arena, source->target_id, "shared_buffers", &shared_buffers, error) ||
        !setting_read(session, arena, source->target_id, "block_size", &block_bytes, error))
        return false;
    for (size_t i = 0; i < source->schema_count; i++)
        issue_catalog_add_snapshot(&catalog, &source->schemas[i]);
    *ret_catalog = catalog;
    input->catalog = ret_catalog;
    input->work_mem_bytes = work_mem * KILOBYTE;
    input->shared_buffers_bytes = shared_buffers * block_bytes;
    input->block_bytes = block_bytes;
    return true;
}
