// SPDX-License-Identifier: PostgreSQL
#include "sql/statement_internal.h"

#include "base/text.h"

#include <pg_query.h>
#include <string.h>

static void *
tree_alloc(void *allocator_data, size_t size)
{
    return arena_alloc(allocator_data, size);
}

static void
tree_free(void *allocator_data, void *pointer)
{
    (void)allocator_data;
    (void)pointer;
}

/* Braces within braces of a JSON text: one per nested message. */
static int
json_depth(const char *json)
{
    int depth = 0;
    int deepest = 0;
    for (const char *at = json; *at != '\0'; at++) {
        if (*at == '"') {
            for (at++; *at != '"' && *at != '\0'; at++)
                if (*at == '\\' && at[1] != '\0')
                    at++;
            if (*at == '\0')
                break;
        } else if (*at == '{') {
            depth++;
            deepest = depth > deepest ? depth : deepest;
        } else if (*at == '}') {
            depth--;
        }
    }
    return deepest;
}

/* libpg_query counts characters from 1. */
static int
byte_position(const char *text, int character)
{
    if (character < 1)
        return -1;
    int at = 0;
    for (int passed = 1; passed < character && text[at] != '\0';) {
        at++;
        if (((unsigned char)text[at] & 0xC0) != 0x80)
            passed++;
    }
    return at;
}

static SqlTreeResult
result_of_error(Arena *arena, const char *text, const PgQueryError *error)
{
    bool is_too_deep = text_starts_with(error->message, "memory exhausted") ||
                       strstr(error->message, "stack depth limit") != NULL;
    return (SqlTreeResult){.message = is_too_deep ? NULL : arena_strdup(arena, error->message),
                           .position = byte_position(text, error->cursorpos)};
}

/* The JSON form is made in linear time, the packed one in time by the square of the depth: look before. */
static bool
text_is_too_deep(const char *text)
{
    if (strlen(text) < SQL_DEPTH_MOST - 100)
        return false;
    PgQueryParseResult parsed = pg_query_parse(text);
    bool is_too_deep = parsed.error == NULL && json_depth(parsed.parse_tree) > SQL_DEPTH_MOST;
    pg_query_free_parse_result(parsed);
    return is_too_deep;
}

SqlTreeResult
sql_tree_parse(Arena *arena, const char *text)
{
    if (text_is_too_deep(text))
        return (SqlTreeResult){.position = -1};
    SqlTreeResult result = {.position = -1};
    PgQueryProtobufParseResult parsed = pg_query_parse_protobuf(text);
    if (parsed.error != NULL) {
        result = result_of_error(arena, text, parsed.error);
    } else {
        ProtobufCAllocator allocator = {.alloc = tree_alloc, .free = tree_free, .allocator_data = arena};
        result.tree = pg_query__parse_result__unpack(&allocator, parsed.parse_tree.len,
                                                     (const uint8_t *)parsed.parse_tree.data);
        if (result.tree == NULL)
            result.message = "the parse tree could not be read";
    }
    pg_query_free_protobuf_parse_result(parsed);
    return result;
}

static void
field_parts(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, SqlTreePart take,
            void *context)
{
    if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        return;
    const char *base = (const char *)message;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t count = *(const size_t *)(const void *)(base + field->quantifier_offset);
        ProtobufCMessage *const *items =
            *(ProtobufCMessage *const *const *)(const void *)(base + field->offset);
        for (size_t i = 0; i < count; i++)
            take(items[i], context);
        return;
    }
    /* Of a choice ("oneof"), only the member that its number names is there. */
    bool is_choice = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    if (is_choice && *(const uint32_t *)(const void *)(base + field->quantifier_offset) != field->id)
        return;
    const ProtobufCMessage *part = *(ProtobufCMessage *const *)(const void *)(base + field->offset);
    if (part != NULL)
        take(part, context);
}

void
sql_tree_parts(const ProtobufCMessage *message, SqlTreePart take, void *context)
{
    for (unsigned i = 0; i < message->descriptor->n_fields; i++)
        field_parts(message, &message->descriptor->fields[i], take, context);
}

typedef struct TreeWalk {
    SqlTreeVisit visit;
    void *context;
} TreeWalk;

static void
walk_part(const ProtobufCMessage *part, void *opaque)
{
    TreeWalk *walk = opaque;
    if (walk->visit(part, walk->context))
        sql_tree_parts(part, walk_part, walk);
}

void
sql_tree_walk(const ProtobufCMessage *message, SqlTreeVisit visit, void *context)
{
    TreeWalk walk = {.visit = visit, .context = context};
    if (message != NULL)
        walk_part(message, &walk);
}
