// SPDX-License-Identifier: PostgreSQL
#include "jobs/anomalies.h"

#include "base/clock.h"
#include "base/log.h"

bool
anomalies_look(Store *store, const Settings *settings, int64_t target_id, AnomalyReport *ret_report,
               Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    AnomalyWatchOptions options = anomaly_watch_options(settings, target_id, clock_wall_us());
    if (!store_session_take(store, 0, &session, error) ||
        !anomaly_watch(session.connection, &options, ret_report, error))
        return false;
    if (ret_report->incidents_new > 0)
        log_write(LOG_LEVEL_WARNING, "target %lld: an incident began; \"fettle anomalies\" shows it",
                  (long long)target_id);
    if (ret_report->incidents_resolved > 0)
        log_write(LOG_LEVEL_INFO, "target %lld: %lld incidents are over", (long long)target_id,
                  (long long)ret_report->incidents_resolved);
    return true;
}
