// SPDX-License-Identifier: PostgreSQL
/*
 * JsonWriter: writes JSON text into a Text. (Reading is jansson's, which is strict.)
 *
 * Commas and nesting are kept by the writer; a key outside an object or a value without a key inside one is
 * an assert. Invalid UTF-8 becomes U+FFFD, so the output is always valid JSON. Doubles are printed with the
 * digits that round-trip; NaN and infinities become null.
 *
 *     JsonWriter json = json_writer_new(&text, true);
 *     json_object_begin(&json);
 *     json_key(&json, "cost");
 *     json_double(&json, 12.5);
 *     json_object_end(&json);
 */
#ifndef FETTLE_BASE_JSON_WRITER_H
#define FETTLE_BASE_JSON_WRITER_H

#include "base/text.h"

#define JSON_WRITER_DEPTH_MOST 64

typedef struct JsonWriter {
    Text *text;
    bool indented;
    int depth;
    bool is_object[JSON_WRITER_DEPTH_MOST];
    bool has_items[JSON_WRITER_DEPTH_MOST];
    bool after_key;
} JsonWriter;

JsonWriter json_writer_new(Text *text, bool indented);

void json_object_begin(JsonWriter *json);
void json_object_end(JsonWriter *json);
void json_array_begin(JsonWriter *json);
void json_array_end(JsonWriter *json);
void json_key(JsonWriter *json, const char *key);

/* json_string() and json_null() are jansson's. */
void json_write_string(JsonWriter *json, const char *value); /* NULL writes null */
void json_int(JsonWriter *json, int64_t value);
void json_double(JsonWriter *json, double value);
void json_bool(JsonWriter *json, bool value);
void json_write_null(JsonWriter *json);
/* text is one JSON value already (a jsonb column's, say); what is not stays the caller's fault. */
void json_raw(JsonWriter *json, const char *text);

/* key and value in one call */
void json_key_string(JsonWriter *json, const char *key, const char *value);
void json_key_int(JsonWriter *json, const char *key, int64_t value);
void json_key_double(JsonWriter *json, const char *key, double value);
void json_key_bool(JsonWriter *json, const char *key, bool value);

#endif
