// SPDX-License-Identifier: PostgreSQL
#include "advise/index/definition.h"

#include "advise/index/partition_script.h"
#include "pg/identifier.h"

#include <ctype.h>
#include <string.h>

/* Letters and digits of an expression, for a name: "lower(email)" gives "lower_email". */
static void
name_append_expression(Text *name, const char *expression)
{
    bool gap = false;
    for (const char *at = expression; *at != '\0'; at++) {
        bool is_word = isalnum((unsigned char)*at) || *at == '_' || ((unsigned char)*at & 0x80) != 0;
        if (is_word && gap)
            text_append_char(name, '_');
        if (is_word)
            text_append_char(name, (char)tolower((unsigned char)*at));
        gap = !is_word && name->length > 0 && name->data[name->length - 1] != '_';
    }
}

static bool
name_is_taken(const Snapshot *snapshot, const char *schema, const char *name, const Map *taken)
{
    if (map_get(taken, name) != NULL || snapshot_relation_named(snapshot, schema, name) != NULL)
        return true;
    for (size_t i = 0; i < snapshot->index_count; i++)
        if (text_equals(snapshot->indexes[i].schema, schema) && text_equals(snapshot->indexes[i].name, name))
            return true;
    return false;
}

/* base cut so that base and suffix fit an identifier, at a character. */
static char *
name_with_suffix(Arena *arena, const char *base, const char *suffix)
{
    size_t room = PG_IDENTIFIER_BYTES - strlen(suffix);
    size_t length = strlen(base);
    if (length > room) {
        length = room;
        while (length > 0 && ((unsigned char)base[length] & 0xC0) == 0x80)
            length--;
    }
    return arena_printf(arena, "%.*s%s", (int)length, base, suffix);
}

char *
index_name_free(Arena *arena, const Snapshot *snapshot, const char *schema, const char *base,
                const char *suffix, Map *taken)
{
    char *name = name_with_suffix(arena, base, suffix);
    for (int number = 1; name_is_taken(snapshot, schema, name, taken); number++)
        name = name_with_suffix(arena, base, arena_printf(arena, "%s%d", suffix, number));
    map_put(taken, name, name);
    return name;
}

char *
index_name_choose(Arena *arena, const Snapshot *snapshot, const Candidate *candidate, Map *taken)
{
    Text base = text_new(arena);
    text_append(&base, candidate->relation->name);
    for (size_t i = 0; i < candidate->key_count; i++) {
        const CandidateKey *key = &candidate->keys[i];
        text_append_char(&base, '_');
        if (key->attnum == 0)
            name_append_expression(&base, key->expression);
        else
            text_append(&base, candidate->relation->columns[key->attnum - 1].name);
    }
    if (candidate->included.count > 0)
        text_append(&base, "_covering");
    if (candidate->predicate != NULL)
        text_append(&base, "_partial");
    if (candidate->method != CANDIDATE_BTREE)
        text_append_format(&base, "_%s", candidate_method_word(candidate->method));
    return index_name_free(arena, snapshot, candidate->relation->schema, base.data, "_idx", taken);
}

void
index_scripts(Arena *arena, const Snapshot *snapshot, const Candidate *candidate, const char *name,
              Map *taken, IndexScripts *ret_scripts)
{
    const SnapshotRelation *relation = candidate->relation;
    if (relation->kind == 'p') {
        partition_scripts(arena, snapshot, candidate, name, taken, ret_scripts);
        return;
    }
    *ret_scripts = (IndexScripts){
        .create = arena_printf(arena, "%s;", candidate_create_statement(arena, candidate, name, true)),
        .undo = arena_printf(arena, "DROP INDEX CONCURRENTLY %s;",
                             pg_identifier_qualify(arena, relation->schema, name))};
}
