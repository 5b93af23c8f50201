// SPDX-License-Identifier: PostgreSQL
#include "json_schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

static bool
has_type(const json_t *value, const char *type)
{
    if (strcmp(type, "integer") == 0)
        return json_is_integer(value);
    if (strcmp(type, "number") == 0)
        return json_is_number(value);
    if (strcmp(type, "string") == 0)
        return json_is_string(value);
    if (strcmp(type, "boolean") == 0)
        return json_is_boolean(value);
    if (strcmp(type, "null") == 0)
        return json_is_null(value);
    return strcmp(type, "array") == 0 ? json_is_array(value)
                                      : strcmp(type, "object") == 0 && json_is_object(value);
}

static void
check_words(const json_t *schema, const char *place)
{
    static const char *const known[] = {"$schema", "title",    "description", "type",
                                        "enum",    "required", "properties",  "additionalProperties",
                                        "items",   "$ref",     "$defs"};
    const char *word;
    json_t *ignored;
    json_object_foreach((json_t *)(uintptr_t)schema, word, ignored)
    {
        bool is_known = false;
        for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
            is_known = is_known || strcmp(known[i], word) == 0;
        if (!is_known)
            fail_msg("%s: the schema has a word that is not looked at: %s", place, word);
    }
}

static void
check_type(const json_t *value, const json_t *schema, const char *place)
{
    const json_t *type = json_object_get(schema, "type");
    bool fits = json_is_string(type) && has_type(value, json_string_value(type));
    for (size_t i = 0; i < json_array_size(type); i++)
        fits = fits || has_type(value, json_string_value(json_array_get(type, i)));
    const json_t *choices = json_object_get(schema, "enum");
    bool chosen = choices == NULL;
    for (size_t i = 0; i < json_array_size(choices); i++)
        chosen = chosen || json_equal(json_array_get(choices, i), value);
    if (!fits || !chosen)
        fail_msg("%s: the value does not fit its type or choices", place);
}

static void check_value(const json_t *root, const json_t *value, const json_t *schema, const char *place);

static void
check_object(const json_t *root, const json_t *value, const json_t *schema, const char *place)
{
    const json_t *required = json_object_get(schema, "required");
    for (size_t i = 0; i < json_array_size(required); i++)
        if (json_object_get(value, json_string_value(json_array_get(required, i))) == NULL)
            fail_msg("%s has no %s", place, json_string_value(json_array_get(required, i)));
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)value, name, member)
    {
        const json_t *property = json_object_get(json_object_get(schema, "properties"), name);
        if (property == NULL)
            fail_msg("%s has a member that the schema does not: %s", place, name);
        check_value(root, member, property, name);
    }
}

static void
check_value(const json_t *root, const json_t *value, const json_t *schema, const char *place)
{
    const char *reference = json_string_value(json_object_get(schema, "$ref"));
    if (reference != NULL) {
        assert_int_equal(strncmp(reference, "#/$defs/", 8), 0);
        schema = json_object_get(json_object_get(root, "$defs"), reference + 8);
        assert_non_null(schema);
    }
    check_words(schema, place);
    check_type(value, schema, place);
    if (json_is_object(value))
        check_object(root, value, schema, place);
    for (size_t i = 0; i < json_array_size(value); i++)
        check_value(root, json_array_get(value, i), json_object_get(schema, "items"), place);
}

void
assert_json_fits(const char *json, const char *schema_path)
{
    json_error_t reason;
    json_t *schema = json_load_file(schema_path, 0, &reason);
    if (schema == NULL)
        fail_msg("%s: %s", schema_path, reason.text);
    json_t *value = json_loads(json, 0, &reason);
    if (value == NULL)
        fail_msg("not JSON: %s at line %d", reason.text, reason.line);
    check_value(schema, value, schema, "the report");
    json_decref(value);
    json_decref(schema);
}
