// SPDX-License-Identifier: PostgreSQL
/*
 * A scheduled change for people and for programs; fettle apply and fettle schedule write it alike.
 */
#ifndef FETTLE_CLI_SCHEDULED_TEXT_H
#define FETTLE_CLI_SCHEDULED_TEXT_H

#include "base/json_writer.h"
#include "store/scheduled_change.h"

void scheduled_json_write(JsonWriter *json, const ScheduledChange *change);
/* The same as a text of its own, with a line's end. */
void scheduled_json_append(Text *text, const ScheduledChange *change);
/* Some lines. */
void scheduled_text_append(Text *text, const ScheduledChange *change);

#endif
