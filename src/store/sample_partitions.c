// SPDX-License-Identifier: PostgreSQL
#include "store/sample_internal.h"

bool
sample_partitions_keep(PgConnection *session, int64_t now_us, int64_t samples_kept_ms,
                       int64_t rollups_kept_ms, SampleUpkeep *upkeep, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *made = NULL;
    FETTLE_CLEANUP(pg_result_free_at) PgResult *dropped = NULL;
    SampleTime now = sample_time_text(now_us);
    StoreNumber samples_kept = store_number(samples_kept_ms);
    StoreNumber rollups_kept = store_number(rollups_kept_ms);
    /* Made first: what is made stays when a reader keeps the old ones from being dropped. */
    if (!store_query(session, "sample_partitions_make_ahead", STORE_PARAMETERS(now.text), &made, error))
        return error_prefix(error, "could not make the partitions of the coming days");
    upkeep->partitions_made += pg_result_int(made, 0, 0, 0);
    if (!store_query(session, "sample_partitions_drop",
                     STORE_PARAMETERS(now.text, samples_kept.text, rollups_kept.text), &dropped, error))
        return error_prefix(error, "could not drop old partitions");
    upkeep->partitions_dropped += pg_result_int(dropped, 0, 0, 0);
    return true;
}
