// SPDX-License-Identifier: PostgreSQL
/*
 * Body: a request's JSON object, read strictly (by jansson, which only this file knows here).
 *
 * Refused: what is no object, names that are there twice, bytes after the end, NUL and invalid UTF-8 in
 * texts, numbers beyond 64 bits, nesting beyond jansson's limit. null means absent (contract, section 1).
 *
 *     if (!body_parse(bytes, length, &body, error)) ...
 *     BodyValue name = body_field(body, "name");
 *     if (name.kind == BODY_TEXT) use(name.text);
 *     body_free(body);
 */
#ifndef FETTLE_API_BODY_H
#define FETTLE_API_BODY_H

#include "base/arena.h"
#include "base/error.h"

typedef struct Body Body;

typedef enum BodyKind {
    BODY_ABSENT,
    BODY_TEXT,
    BODY_INT,
    BODY_REAL,
    BODY_BOOL,
    BODY_LIST,
    BODY_OBJECT
} BodyKind;

typedef struct BodyValue {
    BodyKind kind;
    const char *text; /* lives as long as the body; without NUL bytes */
    size_t text_bytes;
    int64_t integer;
    double real;
    bool boolean;
    size_t count;     /* of a list */
    const void *node; /* the file's own */
} BodyValue;

bool body_parse(const char *bytes, size_t length, Body **ret_body, Error *error) FETTLE_MUST_USE;
void body_free(Body *body); /* NULL is allowed */

/* The field; BODY_ABSENT also without a body. */
BodyValue body_field(const Body *body, const char *name);
BodyValue body_item(const BodyValue *list, size_t position);

/* Of a value that is an object. */
BodyValue body_value_field(const BodyValue *object, const char *name);

/* An object or list as JSON text, in the arena. */
const char *body_value_json(Arena *arena, const BodyValue *value);

/* True for one JSON value, whatever its kind. */
bool body_is_json(const char *text);

#endif
