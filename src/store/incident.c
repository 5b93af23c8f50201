// SPDX-License-Identifier: PostgreSQL
#include "store/incident.h"

#include "store/sample_internal.h"

#include <math.h>

#define WRITE_BYTES ((size_t)1 << 20)

static const char *
real_text(Arena *arena, double value)
{
    return isfinite(value) ? arena_printf(arena, "%.9g", value) : NULL;
}

bool
incident_write(PgConnection *session, Incident *incident, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("incident", WRITE_BYTES);
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    fettle_assert(incident->query_hash_count <= INCIDENT_HASHES_MOST);
    StoreNumber target = store_number(incident->target_id);
    StoreNumber id = store_number(incident->id);
    StoreNumber first = store_number(incident->first_at_us);
    StoreNumber last = store_number(incident->last_at_us);
    StoreNumber peak = store_number(incident->peak_at_us);
    StoreNumber hash = store_number(incident->peak_query_hash);
    StoreNumber calm = store_number(incident->calm);
    StoreNumber resolved = store_number(incident->resolved_at_us);
    if (!store_query(
            session, "incident_write",
            STORE_PARAMETERS(target.text, id.text, incident->incident_type, incident->severity, first.text,
                             last.text, peak.text, real_text(arena, incident->peak_z), incident->peak_metric,
                             real_text(arena, incident->peak_value),
                             real_text(arena, incident->peak_baseline), hash.text,
                             sample_numbers_text(arena, incident->query_hashes, incident->query_hash_count),
                             incident->probable_cause, calm.text, incident->resolved ? resolved.text : NULL),
            &rows, error))
        return error_prefix(error, "could not write an incident");
    incident->id = pg_result_int(rows, 0, 0, 0);
    return true;
}

bool
incident_explain_write(PgConnection *session, const Incident *incident, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber target = store_number(incident->target_id);
    StoreNumber id = store_number(incident->id);
    return store_query(
               session, "incident_explain",
               STORE_PARAMETERS(target.text, id.text, incident->incident_type, incident->probable_cause),
               &rows, error) ||
           error_prefix(error, "could not write an incident's cause");
}

static bool
incident_of(Arena *arena, const PgResult *rows, int64_t i, Incident *ret_incident, Error *error)
{
    SampleNumbers hashes;
    if (!sample_numbers_parse(arena, pg_result_text(rows, i, 12), &hashes, error))
        return false;
    *ret_incident = (Incident){.id = pg_result_int(rows, i, 0, 0),
                               .target_id = pg_result_int(rows, i, 1, 0),
                               .incident_type = arena_strdup(arena, pg_result_text(rows, i, 2)),
                               .severity = arena_strdup(arena, pg_result_text(rows, i, 3)),
                               .first_at_us = pg_result_int(rows, i, 4, 0),
                               .last_at_us = pg_result_int(rows, i, 5, 0),
                               .peak_at_us = pg_result_int(rows, i, 6, 0),
                               .peak_z = pg_result_double(rows, i, 7, NAN),
                               .peak_metric = arena_strdup(arena, pg_result_text(rows, i, 8)),
                               .peak_value = pg_result_double(rows, i, 9, NAN),
                               .peak_baseline = pg_result_double(rows, i, 10, NAN),
                               .peak_query_hash = pg_result_int(rows, i, 11, 0),
                               .query_hashes = hashes.items,
                               .query_hash_count = hashes.count,
                               .probable_cause = arena_strdup(arena, pg_result_text(rows, i, 13)),
                               .calm = pg_result_int(rows, i, 14, 0),
                               .resolved = pg_result_bool(rows, i, 15),
                               .resolved_at_us = pg_result_int(rows, i, 16, 0)};
    return true;
}

bool
incidents_read(PgConnection *session, Arena *arena, const AnomalyFilter *filter, Incidents *ret_incidents,
               Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    fettle_assert(filter->most >= 1 && filter->most <= ANOMALIES_MOST);
    StoreNumber target = store_number(filter->target_id);
    StoreNumber since = store_number(filter->since_us);
    StoreNumber most = store_number((int64_t)filter->most);
    const char *resolved = filter->resolved == 1 ? "t" : "f";
    if (!store_query(session, "incidents_read",
                     STORE_PARAMETERS(filter->target_id == 0 ? NULL : target.text, filter->severity,
                                      filter->type, filter->resolved < 0 ? NULL : resolved,
                                      filter->since_us == 0 ? NULL : since.text, most.text),
                     &rows, error))
        return error_prefix(error, "could not read incidents");
    ret_incidents->count = (size_t)pg_result_rows(rows);
    ret_incidents->items = ARENA_NEW_ARRAY(arena, Incident, ret_incidents->count);
    for (int64_t i = 0; i < pg_result_rows(rows); i++)
        if (!incident_of(arena, rows, i, &ret_incidents->items[i], error))
            return error_prefix(error, "could not read incidents");
    return true;
}
