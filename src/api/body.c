// SPDX-License-Identifier: PostgreSQL
#include "api/body.h"

#include <jansson.h>
#include <stdlib.h>

struct Body {
    json_t root;
};

bool
body_parse(const char *bytes, size_t length, Body **ret_body, Error *error)
{
    json_error_t failure;
    json_t *root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &failure);
    if (root == NULL)
        return error_set(error, ERROR_INPUT, "the body is no sound JSON: line %d, column %d", failure.line,
                         failure.column);
    if (!json_is_object(root)) {
        json_decref(root);
        return error_set(error, ERROR_INPUT, "the body must be a JSON object");
    }
    *ret_body = (Body *)root;
    return true;
}

void
body_free(Body *body)
{
    if (body != NULL)
        json_decref(&body->root);
}

static BodyValue
value_of(const json_t *node)
{
    BodyValue value = {.node = node};
    if (json_is_string(node)) {
        value.kind = BODY_TEXT;
        value.text = json_string_value(node);
        value.text_bytes = json_string_length(node);
    } else if (json_is_integer(node)) {
        value.kind = BODY_INT;
        value.integer = json_integer_value(node);
    } else if (json_is_real(node)) {
        value.kind = BODY_REAL;
        value.real = json_real_value(node);
    } else if (json_is_boolean(node)) {
        value.kind = BODY_BOOL;
        value.boolean = json_is_true(node);
    } else if (json_is_array(node)) {
        value.kind = BODY_LIST;
        value.count = json_array_size(node);
    } else if (json_is_object(node)) {
        value.kind = BODY_OBJECT;
    }
    return value;
}

BodyValue
body_field(const Body *body, const char *name)
{
    return value_of(body == NULL ? NULL : json_object_get(&body->root, name));
}

BodyValue
body_item(const BodyValue *list, size_t position)
{
    fettle_assert(list->kind == BODY_LIST && position < list->count);
    return value_of(json_array_get(list->node, position));
}

BodyValue
body_value_field(const BodyValue *object, const char *name)
{
    fettle_assert(object->kind == BODY_OBJECT);
    return value_of(json_object_get(object->node, name));
}

const char *
body_value_json(Arena *arena, const BodyValue *value)
{
    fettle_assert(value->kind == BODY_OBJECT || value->kind == BODY_LIST);
    char *text = json_dumps(value->node, JSON_COMPACT | JSON_REAL_PRECISION(17));
    fettle_assert(text != NULL);
    char *copy = arena_strdup(arena, text);
    free(text);
    return copy;
}

bool
body_is_json(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    bool is_json = value != NULL;
    json_decref(value);
    return is_json;
}
