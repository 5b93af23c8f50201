// SPDX-License-Identifier: PostgreSQL
/*
 * Estimates of indexes, remembered from one planning to the next.
 *
 * A search plans a statement again and again with a hundred supposed indexes present, and estimating each was
 * a third of it. An estimate follows from the catalog alone: definitions, sizes and statistics; whenever any
 * of these changes for this session (relations or pg_statistic, by whomever, also by ROLLBACK) all are
 * forgotten. A further index over columns alone that is not unique says nothing of the others: to suppose one
 * makes nothing forgotten.
 */
#include "twin_module.h"

#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#define REMEMBERED_MOST 8192
#define PENDING_MOST 8

typedef struct RememberedEstimate {
    Oid index_id; /* the key */
    TwinIndexEstimate estimate;
} RememberedEstimate;

static HTAB *remembered;
static bool is_forgotten = true;
static uint64 generation;

uint64
twin_catalog_generation(void)
{
    return generation;
}

/* While an index is supposed that tells nothing of others. */
static Oid held_table;
static Oid pending[PENDING_MOST]; /* other relations that changed meanwhile: the index itself, or by others */
static int pending_count;

static void
forget(void)
{
    generation++;
    is_forgotten = true;
}

static void
forget_relations(Datum argument, Oid relation_id)
{
    if (OidIsValid(held_table) && relation_id == held_table)
        return;
    if (OidIsValid(held_table) && OidIsValid(relation_id) && pending_count < PENDING_MOST)
        pending[pending_count++] = relation_id;
    else
        forget();
}

void
twin_estimates_hold(Oid table_id)
{
    held_table = table_id;
    pending_count = 0;
}

void
twin_estimates_release(Oid index_id)
{
    bool is_of_others = !OidIsValid(index_id);
    int i;
    held_table = InvalidOid;
    for (i = 0; i < pending_count; i++)
        is_of_others = is_of_others || pending[i] != index_id;
    if (is_of_others)
        forget();
    pending_count = 0;
}

static void
forget_statistics(Datum argument, int cache_id, uint32 hash)
{
    forget();
}

static void
remembered_clear(void)
{
    HASHCTL control = {.keysize = sizeof(Oid), .entrysize = sizeof(RememberedEstimate)};
    if (remembered != NULL)
        hash_destroy(remembered);
    control.hcxt = TopMemoryContext;
    remembered = hash_create("fettle twin estimates", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
    is_forgotten = false;
}

void
twin_index_estimate_remember(Relation table, Relation index, TwinIndexEstimate *ret_estimate)
{
    Oid index_id = RelationGetRelid(index);
    RememberedEstimate *known;
    if (is_forgotten || remembered == NULL || hash_get_num_entries(remembered) > REMEMBERED_MOST)
        remembered_clear();
    known = hash_search(remembered, &index_id, HASH_FIND, NULL);
    if (known != NULL) {
        *ret_estimate = known->estimate;
        return;
    }
    twin_index_estimate(table, index, ret_estimate);
    if (is_forgotten)
        return; /* what it was estimated from changed meanwhile */
    known = hash_search(remembered, &index_id, HASH_ENTER, NULL);
    known->estimate = *ret_estimate;
}

void
twin_estimate_cache_install(void)
{
    CacheRegisterRelcacheCallback(forget_relations, (Datum)0);
    CacheRegisterSyscacheCallback(STATRELATTINH, forget_statistics, (Datum)0);
    CacheRegisterSyscacheCallback(STATEXTOID, forget_statistics, (Datum)0);
}
