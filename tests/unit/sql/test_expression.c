// SPDX-License-Identifier: PostgreSQL
/*
 * Canonical texts of expressions; "!" marks those that may not be indexed.
 */
#include "analysis_check.h"

static void
expressions_are_printed_and_known_to_be_immutable_or_not(void **state)
{
    (void)state;
    static const AnalysisCase cases[] = {
        {"select id from customers where lower(email) = lower($1)",
         "customers customers L0 [id email] | customers.{lower(email)} equal ="},
        {"select id from customers where lower(email::text) = 'x'",
         "customers customers L0 [id email] | customers.{lower(email)} equal = 'x'"},
        {"select id from customers where email::text = 'x'",
         "customers customers L0 [id email] | customers.email equal = 'x'"},
        {"select id from customers where id::text = '5'",
         "customers customers L0 [id] | customers.{id::text} equal = '5'"},
        {"select id from customers where name::varchar = 'x'",
         "customers customers L0 [id name] | customers.name equal = 'x'"},
        {"select id from customers where name::varchar(10) = 'x'",
         "customers customers L0 [id name] | customers.{name::character varying(10)} equal = 'x'"},
        {"select id from customers where id::int4 = 5",
         "customers customers L0 [id] | customers.id equal = 5"},
        {"select id from orders where date_trunc('day', created_at) = '2024-01-01'",
         "orders orders L0 [id created_at] | orders.{date_trunc('day', created_at)} equal = '2024-01-01'"},
        {"select id from customers where date_trunc('day', created_at) = '2024-01-01'",
         "customers customers L0 [id created_at] | customers.{date_trunc('day', created_at)}! equal = "
         "'2024-01-01'"},
        {"select id from orders where extract(year from created_at) = 2024",
         "orders orders L0 [id created_at] | orders.{EXTRACT(year FROM created_at)} equal = 2024"},
        {"select id from customers where extract(year from created_at) = 2024",
         "customers customers L0 [id created_at] | customers.{EXTRACT(year FROM created_at)}! equal = 2024"},
        {"select id from orders where created_at::date = '2024-01-01'",
         "orders orders L0 [id created_at] | orders.{created_at::date} equal = '2024-01-01'"},
        {"select id from customers where created_at::date = '2024-01-01'",
         "customers customers L0 [id created_at] | customers.{created_at::date}! equal = '2024-01-01'"},
        {"select id from customers where (created_at at time zone 'UTC')::date = '2024-01-01'",
         "customers customers L0 [id created_at] | customers.{timezone('UTC', created_at)::date} equal = "
         "'2024-01-01'"},
        {"select id from orders where date(created_at) = $1",
         "orders orders L0 [id created_at] | orders.{date(created_at)} equal = $1"},
        {"select id from customers where attributes ->> 'k' = 'v'",
         "customers customers L0 [id attributes] | customers.{attributes ->> 'k'} equal = 'v'"},
        {"select id from customers where attributes ->> $1 = $2",
         "customers customers L0 [id attributes] | customers. other = $2"},
        {"select id from customers where (attributes ->> 'n')::int > 5",
         "customers customers L0 [id attributes] | customers.{(attributes ->> 'n')::integer} range > 5"},
        {"select id from customers where (attributes ->> 'd')::date > '2024-01-01'",
         "customers customers L0 [id attributes] | customers.{(attributes ->> 'd')::date}! range > "
         "'2024-01-01'"},
        {"select id from customers where attributes -> 'a' ->> 'b' = 'c'",
         "customers customers L0 [id attributes] | customers.{(attributes -> 'a') ->> 'b'} equal = 'c'"},
        {"select id from customers where attributes #>> '{a,b}' = 'c'",
         "customers customers L0 [id attributes] | customers.{attributes #>> '{a,b}'} equal = 'c'"},
        {"select id from customers where attributes['a'] = '1'",
         "customers customers L0 [id attributes] | customers. other = '1'"},
        {"select id from customers where name || ' ' || country = 'x y'",
         "customers customers L0 [id name country] | customers.{(name || ' ') || country} equal = 'x y'"},
        {"select id from customers where id || name = 'x'",
         "customers customers L0 [id name] | customers.{id || name}! equal = 'x'"},
        {"select id from customers where name collate \"C\" < 'x'",
         "customers customers L0 [id name] | customers.{name COLLATE \"C\"} range < 'x'"},
        {"select id from customers where slug(name) = 'x' and price_now(id) = 3 and other(name) = 'y'",
         "customers customers L0 [id name] | customers.{slug(name)} equal = 'x' | customers.{price_now(id)}! "
         "equal = 3 | customers.{other(name)}! equal = 'y'"},
        {"select id from customers where slug(name)",
         "customers customers L0 [id name] | customers.{slug(name)} boolean true"},
        {"select id from customers where substring(name from 1 for 3) = 'abc' and trim(name) = 'x' and "
         "position('a' in name) = 1",
         "customers customers L0 [id name] | customers.{\"substring\"(name, 1, 3)} equal = 'abc' | "
         "customers.{btrim(name)} equal = 'x' | customers.{\"position\"(name, 'a')} equal = 1"},
        {"select id from orders where total * 2 + 1 > 10 and -total < 5",
         "orders orders L0 [id total] | orders.{(total * 2) + 1} range > 10 | orders.{- total} range < 5"},
        {"select id from orders where total::numeric(10,2) = 5",
         "orders orders L0 [id total] | orders.{total::numeric(10, 2)} equal = 5"},
        {"select id from orders where round(total) = 5 and abs(total) > 1",
         "orders orders L0 [id total] | orders.{round(total)} equal = 5 | orders.{abs(total)} range > 1"},
        {"select \"Id\" from \"Awkward Table\" where upper(\"order\") = 'X' and lower(\"a\"\"b\") = 'y' and "
         "\"Id\" = 3",
         "Awkward Table Awkward Table L0 [Id order a\"b] | Awkward Table.{upper(\"order\")} equal = 'X' | "
         "Awkward Table.{lower(\"a\"\"b\")} equal = 'y' | Awkward Table.Id equal = 3"},
        {"select id from customers where name || 'it''s' || E'a\\\\b' = 'x'",
         "customers customers L0 [id name] | customers.{(name || 'it''s') || E'a\\\\b'} equal = 'x'"},
        {"select id from customers where random() > 0.5", "customers customers L0 [id] | volatile"},
        {"select id from customers where created_at + interval '1 day' > now()",
         "customers customers L0 [id created_at] | customers.{created_at + '1 day'::interval}! range >"},
        {"select id from customers where name::pg_catalog.text = 'x' and id::bigint = 5 and created_at::text "
         "= 'y'",
         "customers customers L0 [id name created_at] | customers.name equal = 'x' | customers.{id::bigint} "
         "equal = 5 | customers.{created_at::text}! equal = 'y'"},
        {"select id from customers where to_tsvector('simple', coalesce(name, '') || ' ' || "
         "coalesce(country, '')) @@ to_tsquery('simple', $1)",
         "customers customers L0 [id name country] | customers.{to_tsvector('simple', (COALESCE(name, '') || "
         "' ') || COALESCE(country, ''))} full_text @@"},
        {"select id from orders where created_at - interval '1 day' > $1 and shipped_on + 1 = $2",
         "orders orders L0 [id created_at shipped_on] | orders.{created_at - '1 day'::interval} range > $1 | "
         "orders.{shipped_on + 1} equal = $2"},
        {"select id from customers where (attributes -> 'n')::int = 3 and jsonb_array_length(attributes) > 2 "
         "and attributes ->> 0 = 'x'",
         "customers customers L0 [id attributes] | customers.{(attributes -> 'n')::integer} equal = 3 | "
         "customers.{jsonb_array_length(attributes)} range > 2 | customers.{attributes ->> 0} equal = 'x'"},
        {"select id from customers where concat(name, country) = 'x' and length(name) = 3 and tags[1] = 'a'",
         "customers customers L0 [id name country tags] | customers.{concat(name, country)}! equal = 'x' | "
         "customers.{length(name)} equal = 3 | customers. other = 'a'"},
        {"select id from customers where public.slug(name) = 'x' and \"slug\"(name) = 'y'",
         "customers customers L0 [id name] | customers.{public.slug(name)} equal = 'x' | "
         "customers.{slug(name)} equal = 'y'"},
        {"select id from orders where status || $1 = 'x' and lower(status) in ('a','b') and lower(status) is "
         "null",
         "orders orders L0 [id status] | orders. other = 'x' | orders.{lower(status)} in = #2 | "
         "orders.{lower(status)} is_null"},
    };
    analyses_check(cases, FETTLE_COUNT_OF(cases));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_are_printed_and_known_to_be_immutable_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
