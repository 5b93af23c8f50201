// SPDX-License-Identifier: PostgreSQL
/*
 * What the verbs on recommendations share: apply, undo, recommendations, results.
 */
#ifndef FETTLE_CLI_RECOMMENDATION_ARGUMENT_H
#define FETTLE_CLI_RECOMMENDATION_ARGUMENT_H

#include "base/error.h"
#include "base/json_writer.h"

/* ERROR_USAGE for what is no number of a recommendation. */
bool recommendation_argument(const char *text, int64_t *ret_id, Error *error) FETTLE_MUST_USE;

/* 0: null */
void json_key_id(JsonWriter *json, const char *key, int64_t id);

#endif
