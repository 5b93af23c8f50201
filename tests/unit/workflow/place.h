// SPDX-License-Identifier: PostgreSQL
/*
 * What the tests of the index manager share: a real store that is its own target, with a table own.t of a
 * thousand rows (id, a, "B b").
 */
#ifndef FETTLE_TESTS_WORKFLOW_PLACE_H
#define FETTLE_TESTS_WORKFLOW_PLACE_H

#include "../store/fixture.h"

#include "store/index_change.h"
#include "workflow/index_plan.h"

typedef struct Place {
    StoreFixture *fixture;
    IndexManager manager;
    int64_t target_id;
    Arena *arena;
} Place;

/* Of a test's state; makes the target and the table anew. */
Place place_of(void **state);
/* An order for an index on own.t (a). */
IndexOrder order_of(const Place *place, const char *name);
/* The number of a recorded change that has not begun. */
int64_t recorded(const Place *place, const IndexOrder *order);
IndexChange change_of(const Place *place, int64_t id);
/* True when schema own has a relation of the name. */
bool exists(const Place *place, const char *name);
/* In the store, which is the target too. */
void run_sql(const Place *place, const char *sql);
/* The number of a recommendation to create an index on own.t (a). */
int64_t recommended(const Place *place);

#endif
