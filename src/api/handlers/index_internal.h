// SPDX-License-Identifier: PostgreSQL
/*
 * What the handlers of /indexes share: the index manager of a request, and how a failure of the target, whose
 * words are meant for who asked, becomes a reply.
 */
#ifndef FETTLE_API_HANDLERS_INDEX_INTERNAL_H
#define FETTLE_API_HANDLERS_INDEX_INTERNAL_H

#include "api/request.h"
#include "workflow/index_session.h"

/* The target exists; the store's session is given back, for what follows may take long. */
bool index_target_begin(ApiRequest *request, int64_t target_id, IndexManager *ret_manager, Error *error)
    FETTLE_MUST_USE;

/* Makes the reply of a failure; always false. */
bool index_target_refuse(ApiRequest *request, const Error *error);

void index_json_texts(JsonWriter *json, const char *key, const char *const *texts, size_t count);
void index_json_size(JsonWriter *json, const char *key, int64_t bytes); /* negative: null */

#endif
