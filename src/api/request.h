// SPDX-License-Identifier: PostgreSQL
/*
 * ApiRequest: what a handler works with, and the words it speaks.
 *
 * A handler reads parameters and body fields, does its work over api_session(), writes JSON with
 * api_json() and ends with api_reply(). It returns false when it failed: either after api_refuse() (or a
 * reader below, which refuses by itself), or with the error set by the store, which becomes the reply by one
 * rule. All its memory is request->arena.
 *
 *     static bool
 *     job_get_handle(ApiRequest *request, Error *error)
 *     {
 *         PgConnection *session;
 *         Job job;
 *         if (!api_session(request, &session, error) || !job_get(session, request->arena, request->id, ...))
 *             return false;
 *         job_write(api_json(request), &job);
 *         return api_reply(request, 200);
 *     }
 */
#ifndef FETTLE_API_REQUEST_H
#define FETTLE_API_REQUEST_H

#include "api/api.h"
#include "api/auth.h"
#include "api/body.h"
#include "api/http.h"
#include "api/route.h"
#include "api/uri.h"
#include "base/json_writer.h"
#include "base/settings_holder.h"

struct ApiRequest {
    Api *api;
    HttpRequest *http;
    Arena *arena;
    const ApiRoute *route;
    Uri uri;
    const SettingsSnapshot *held; /* the settings of the request's begin, given back at its end */
    const Settings *settings;
    Caller caller;
    int64_t id;       /* the path's value: an id or a hash */
    const char *name; /* the path's value when it is a text */
    Body *body;       /* NULL: none was sent */
    StoreSession session;
    Text text;
    JsonWriter json;
    bool is_in_transaction;
    void (*after)(ApiRequest *request); /* called once the act is committed; NULL: nothing to do then */
    /* for the audit line of an act */
    const char *action; /* when it is not the route's; only of a route that has one */
    const char *object; /* "target:17" */
    int64_t target_id;
    const char *actor; /* when it is not the caller's: of a login */
    const char *details;
};

/* --- the store --- */

/* A session until the end of the request; its calls end by the request's deadline. The first call of an act
 * begins the transaction that the act and its audit line are in. */
bool api_session(ApiRequest *request, PgConnection **ret_session, Error *error) FETTLE_MUST_USE;

/* --- replies --- */

/* api_refuse(request, status, code, format, ...): makes the reply of a refusal and is false, so that it can
 * end a return statement (a macro for compilers to see that). */
void api_refuse_fill(ApiRequest *request, int status, const char *code, const char *format, ...)
    FETTLE_PRINTF(4, 5);
#define api_refuse(...) (api_refuse_fill(__VA_ARGS__), error_is_false())
JsonWriter *api_json(ApiRequest *request);
bool api_reply(ApiRequest *request, int status); /* what api_json() wrote; true */
bool api_reply_nothing(ApiRequest *request);     /* 204; true */

/* Values in JSON: times as RFC 3339 (0: null), a JSON text as it is (null when it is none). */
void api_json_time(JsonWriter *json, const char *key, int64_t wall_us);
void api_json_embed(JsonWriter *json, const char *key, const char *json_text);
void api_json_id(JsonWriter *json, const char *key, int64_t id); /* 0: null */
void api_json_now(JsonWriter *json, const char *key);
/* "from" and "to". */
void api_json_range(JsonWriter *json, int64_t from_us, int64_t to_us);

/* A reply that is a list, {"KEY": [rows], "count": N}: begin, the rows, reply (true). */
JsonWriter *api_list_begin(ApiRequest *request, const char *key);
bool api_list_reply(ApiRequest *request, size_t count);
/* The head of a reply about a range: an object that stays open, with the id of what it is about. */
JsonWriter *api_ranged_begin(ApiRequest *request, const char *id_key, int64_t from_us, int64_t to_us);

/* --- parameters of the query; each refuses with 400 and returns false when it is not as it should be --- */

bool api_parameter_text(ApiRequest *request, const char *name, const char **ret_value);
/* NULL when absent. words ends with NULL; *ret_index is the word's place, or fallback. */
bool api_parameter_word(ApiRequest *request, const char *name, const char *const *words, int fallback,
                        int *ret_index);
bool api_parameter_int(ApiRequest *request, const char *name, int64_t low, int64_t high, int64_t *value);
/* from and to as RFC 3339; absent: the last window_ms until now. from < to. */
bool api_parameter_range(ApiRequest *request, int64_t window_ms, int64_t *ret_from_us, int64_t *ret_to_us);
bool api_parameter_time(ApiRequest *request, const char *name, int64_t *value_us);

/* --- fields of the body; absent and null leave *value as it is --- */

bool api_field_text(ApiRequest *request, const char *name, size_t bytes_most, const char **value);
bool api_field_int(ApiRequest *request, const char *name, int64_t low, int64_t high, int64_t *value);
bool api_field_bool(ApiRequest *request, const char *name, int *value); /* 0, 1 */
bool api_field_texts(ApiRequest *request, const char *name, size_t most, const char *const **ret_values,
                     size_t *ret_count, bool *ret_is_there);
bool api_field_role(ApiRequest *request, const char *name, Role *value);
/* 400 missing_field "NAME is required". */
bool api_field_required(ApiRequest *request, const char *name);

/* RFC 3339 with seconds, an optional fraction, and Z or an offset; false for anything else. */
bool api_time_parse(const char *text, int64_t *ret_wall_us);

/* --- what several resources do --- */

/* 404 when there is no such target. */
bool api_target_check(ApiRequest *request, PgConnection *session, int64_t target_id, Error *error)
    FETTLE_MUST_USE;

#endif
