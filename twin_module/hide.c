// SPDX-License-Identifier: PostgreSQL
/*
 * Indexes that the planner does not see.
 *
 * A search for indexes asks about hundreds of sets of them. Made and dropped for each question, their catalog
 * rows cost more than the planning; made once and hidden by name, a question costs its planning.
 * fettle_twin.hidden_indexes lists names, separated by commas and without quoting (what is not such a name
 * hides nothing). A partition's index is hidden by the name of the index that it is part of. Only planning on
 * twin tables is touched: constraints, DDL and other modules find the index as it is. A plan that is cached
 * does not know of the change: DISCARD PLANS.
 */
#include "twin_module.h"

#include "catalog/partition.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

static char *hidden_indexes;
static bool is_parsed;
static char *names_text; /* a copy, cut at its commas */
static char **names;     /* sorted, into the copy */
static int name_count;

static void
hidden_assign(const char *value, void *extra)
{
    is_parsed = false;
}

static int
name_compare(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void
hidden_parse(void)
{
    char *at;
    int most = 1;
    if (names_text != NULL)
        pfree(names_text);
    if (names != NULL)
        pfree(names);
    names = NULL;
    name_count = 0;
    names_text = MemoryContextStrdup(TopMemoryContext, hidden_indexes);
    for (at = names_text; *at != '\0'; at++)
        most += *at == ',';
    names = MemoryContextAlloc(TopMemoryContext, sizeof(char *) * (Size)most);
    for (at = names_text; at != NULL;) {
        char *comma = strchr(at, ',');
        if (comma != NULL)
            *comma = '\0';
        names[name_count++] = at;
        at = comma == NULL ? NULL : comma + 1;
    }
    qsort(names, (size_t)name_count, sizeof(char *), name_compare);
    is_parsed = true;
}

bool
twin_index_name_is_hidden(const char *name)
{
    if (hidden_indexes == NULL || hidden_indexes[0] == '\0' || name == NULL)
        return false;
    if (!is_parsed)
        hidden_parse();
    return bsearch(&name, names, (size_t)name_count, sizeof(char *), name_compare) != NULL;
}

bool
twin_index_is_hidden(Oid index_id)
{
    ListCell *cell;
    if (hidden_indexes == NULL || hidden_indexes[0] == '\0')
        return false;
    if (twin_index_name_is_hidden(get_rel_name(index_id)))
        return true;
    if (!get_rel_relispartition(index_id))
        return false;
    foreach (cell, get_partition_ancestors(index_id))
        if (twin_index_name_is_hidden(get_rel_name(lfirst_oid(cell))))
            return true;
    return false;
}

void
twin_hide_install(void)
{
    DefineCustomStringVariable("fettle_twin.hidden_indexes",
                               "Names of indexes on twin tables that the planner does not see.", NULL,
                               &hidden_indexes, "", PGC_USERSET, 0, NULL, hidden_assign, NULL);
}
