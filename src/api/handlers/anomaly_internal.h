// SPDX-License-Identifier: PostgreSQL
/*
 * What answers with anomalies share.
 */
#ifndef FETTLE_API_HANDLERS_ANOMALY_INTERNAL_H
#define FETTLE_API_HANDLERS_ANOMALY_INTERNAL_H

#include "base/json_writer.h"
#include "store/anomaly.h"

/* An object of the schema Anomaly. */
void api_anomaly_write(JsonWriter *json, const AnomalyRow *row);

#endif
