// SPDX-License-Identifier: PostgreSQL
/* What of a target could not be read, as JSON: subject, reason and remedy each. */
#ifndef FETTLE_CLI_GAPS_H
#define FETTLE_CLI_GAPS_H

#include "base/json_writer.h"
#include "snapshot/snapshot.h"

void gaps_write_json(JsonWriter *json, const char *key, const SnapshotGap *gaps, size_t count);

#endif
