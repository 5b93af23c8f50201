// SPDX-License-Identifier: PostgreSQL
/*
 * LIKE, regular expressions, SIMILAR TO, starts_with.
 */
#include "analysis_check.h"

static void
a_pattern_has_a_prefix_or_none_or_is_not_known(void **state)
{
    (void)state;
    static const AnalysisCase cases[] = {
        {"select id from customers where name like 'abc%'",
         "customers customers L0 [id name] | customers.name like_prefix ~~ 'abc%'"},
        {"select id from customers where name like '%abc'",
         "customers customers L0 [id name] | customers.name like_any ~~ '%abc'"},
        {"select id from customers where name like $1",
         "customers customers L0 [id name] | customers.name like_unknown ~~ $1"},
        {"select id from customers where name like $1 || '%'",
         "customers customers L0 [id name] | customers.name like_unknown ~~"},
        {"select id from customers where name like 'abc' || $1",
         "customers customers L0 [id name] | customers.name like_prefix ~~"},
        {"select id from customers where name like '%' || $1",
         "customers customers L0 [id name] | customers.name like_any ~~"},
        {"select id from customers where name like '!%a' escape '!'",
         "customers customers L0 [id name] | customers.name like_prefix ~~"},
        {"select id from customers where name like '\\_a%'",
         "customers customers L0 [id name] | customers.name like_prefix ~~ E'\\\\_a%'"},
        {"select id from customers where name like ''",
         "customers customers L0 [id name] | customers.name like_any ~~ ''"},
        {"select id from customers where name not like 'abc%'",
         "customers customers L0 [id name] | customers.name other !~~ 'abc%'"},
        {"select id from customers where not name like 'abc%'",
         "customers customers L0 [id name] | customers.name other !~~ 'abc%'"},
        {"select id from customers where name ilike 'abc%'",
         "customers customers L0 [id name] | customers.name like_any ~~* 'abc%'"},
        {"select id from customers where name ~ '^abc'",
         "customers customers L0 [id name] | customers.name like_prefix ~ '^abc'"},
        {"select id from customers where name ~ 'abc'",
         "customers customers L0 [id name] | customers.name like_any ~ 'abc'"},
        {"select id from customers where name ~ '^(a|b)'",
         "customers customers L0 [id name] | customers.name like_any ~ '^(a|b)'"},
        {"select id from customers where name ~ '^a*b'",
         "customers customers L0 [id name] | customers.name like_any ~ '^a*b'"},
        {"select id from customers where name ~ '^\\.x'",
         "customers customers L0 [id name] | customers.name like_prefix ~ E'^\\\\.x'"},
        {"select id from customers where name ~* '^abc'",
         "customers customers L0 [id name] | customers.name like_any ~* '^abc'"},
        {"select id from customers where name !~ '^abc'",
         "customers customers L0 [id name] | customers.name other !~ '^abc'"},
        {"select id from customers where name ~ $1",
         "customers customers L0 [id name] | customers.name like_unknown ~ $1"},
        {"select id from customers where starts_with(name, 'ab')",
         "customers customers L0 [id name] | customers.name like_prefix ^@ 'ab'"},
        {"select id from customers where starts_with(name, $1)",
         "customers customers L0 [id name] | customers.name like_unknown ^@ $1"},
        {"select id from customers where name ^@ 'ab'",
         "customers customers L0 [id name] | customers.name like_prefix ^@ 'ab'"},
        {"select id from customers where name similar to 'ab%'",
         "customers customers L0 [id name] | customers.name like_prefix ~"},
        {"select id from customers where name similar to '%(ab|c)%'",
         "customers customers L0 [id name] | customers.name like_any ~"},
        {"select id from customers where name like any(array['a%','b%'])",
         "customers customers L0 [id name] | customers.name like_any ~~ ARRAY['a%', 'b%'] #2"},
        {"select id from customers where lower(name) like 'abc%'",
         "customers customers L0 [id name] | customers.{lower(name)} like_prefix ~~ 'abc%'"},
        {"select c.id from customers c join products p on c.name like p.name",
         "customers c L0 [id name]; products p L0 [name] | c.name other ~~ p.name | p.name other ~~ c.name"},
        {"select id from customers where 'abc' like name",
         "customers customers L0 [id name] | customers.name other ~~ 'abc'"},
    };
    analyses_check(cases, FETTLE_COUNT_OF(cases));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_has_a_prefix_or_none_or_is_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
