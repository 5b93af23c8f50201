// SPDX-License-Identifier: PostgreSQL
#include "memory_catalog.h"

#include <string.h>

#define COLUMNS(list) .columns = list, .column_count = FETTLE_COUNT_OF(list)

static const SqlCatalogColumn customers[] = {{"id", 1, "integer", true},
                                             {"email", 2, "character varying", true},
                                             {"name", 3, "text", false},
                                             {"country", 4, "text", false},
                                             {"created_at", 5, "timestamp with time zone", true},
                                             {"active", 6, "boolean", true},
                                             {"attributes", 7, "jsonb", false},
                                             {"tags", 8, "text[]", false}};
static const SqlCatalogColumn orders[] = {{"id", 1, "bigint", true},
                                          {"customer_id", 2, "integer", true},
                                          {"status", 3, "text", true},
                                          {"total", 4, "numeric", true},
                                          {"created_at", 5, "timestamp without time zone", true},
                                          {"shipped_on", 7, "date", false}}; /* 6 was dropped */
static const SqlCatalogColumn items[] = {{"order_id", 1, "bigint", true},
                                         {"product_id", 2, "integer", true},
                                         {"quantity", 3, "integer", true},
                                         {"price", 4, "numeric", true}};
static const SqlCatalogColumn products[] = {
    {"id", 1, "integer", true},         {"name", 2, "text", true},  {"price", 3, "numeric", true},
    {"document", 4, "tsvector", false}, {"body", 5, "text", false}, {"parent_id", 6, "integer", false}};
static const SqlCatalogColumn awkward[] = {
    {"Id", 1, "integer", true}, {"order", 2, "text", false}, {"a\"b", 3, "text", false}};
static const SqlCatalogColumn open_orders[] = {
    {"order_id", 1, "bigint", false}, {"buyer", 2, "integer", false}, {"state", 3, "text", false}};
static const SqlCatalogColumn open_totals[] = {{"buyer", 1, "integer", false}, {"sum", 2, "numeric", false}};
static const SqlCatalogColumn looping[] = {{"x", 1, "integer", false}};

static const SqlCatalogRelation relations[] = {
    {.id = 1, .schema = "public", .name = "customers", COLUMNS(customers)},
    {.id = 2, .schema = "public", .name = "orders", COLUMNS(orders)},
    {.id = 3, .schema = "public", .name = "items", COLUMNS(items)},
    {.id = 4, .schema = "public", .name = "products", COLUMNS(products)},
    {.id = 5, .schema = "public", .name = "Awkward Table", COLUMNS(awkward)},
    {.id = 6, .schema = "archive", .name = "orders", COLUMNS(orders)},
    {.id = 7,
     .schema = "public",
     .name = "open_orders",
     COLUMNS(open_orders),
     .view_definition =
         " SELECT orders.id AS order_id,\n    orders.customer_id,\n    orders.status\n   FROM orders\n"
         "  WHERE (orders.status <> 'done'::text);"},
    {.id = 8,
     .schema = "public",
     .name = "open_totals",
     COLUMNS(open_totals),
     .view_definition =
         "SELECT o.buyer, sum(i.price) AS sum FROM (open_orders o JOIN items i ON ((i.order_id = "
         "o.order_id))) GROUP BY o.buyer"},
    {.id = 9,
     .schema = "public",
     .name = "looping",
     COLUMNS(looping),
     .view_definition = "SELECT x FROM looping"},
    {.id = 10, .schema = "public", .name = "broken", COLUMNS(looping), .view_definition = "SELEC x"},
};

static const SqlCatalogRelation *
relation_find(void *context, const char *schema, const char *name)
{
    (void)context;
    for (size_t i = 0; i < FETTLE_COUNT_OF(relations); i++)
        if (strcmp(relations[i].name, name) == 0 &&
            strcmp(relations[i].schema, schema == NULL ? "public" : schema) == 0)
            return &relations[i];
    return NULL;
}

static char
function_volatility(void *context, const char *schema, const char *name)
{
    (void)context;
    (void)schema;
    if (strcmp(name, "slug") == 0)
        return 'i';
    return strcmp(name, "price_now") == 0 ? 's' : 'v';
}

SqlCatalog
memory_catalog(void)
{
    return (SqlCatalog){.relation_find = relation_find, .function_volatility = function_volatility};
}
