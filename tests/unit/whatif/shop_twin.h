// SPDX-License-Identifier: PostgreSQL
/*
 * A real shop on a real server, its snapshot, and its twin in a private cluster: made once for a test
 * program.
 *
 *     return cmocka_run_group_tests(tests, shop_twin_start, shop_twin_stop);
 *
 * Tables of public: customers (200 rows), orders (20,000, of customers, 5 states, primary key only), events
 * (partitioned by range of day into events_1 and events_2, 5,000 each), view open_orders; extended statistics
 * orders_state. The workload is shop_statements, as a file gives it.
 */
#ifndef FETTLE_TESTS_SHOP_TWIN_H
#define FETTLE_TESTS_SHOP_TWIN_H

#include "../pg/server.h"
#include "whatif/twin.h"

int shop_twin_start(void **state);
int shop_twin_stop(void **state);

/* Each skips the test where no server programs are installed. */
Arena *shop_arena(void);
const Snapshot *shop_snapshot(void);
Cluster *shop_cluster(void);
Twin *shop_twin(void);

extern const char shop_statements[];

#endif
