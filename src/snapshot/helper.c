// SPDX-License-Identifier: PostgreSQL
#include "snapshot/read.h"

#include "base/text.h"

/* The body is the query that a superuser's read uses, behind a function that returns only what planning
 * needs. */
static const char helper_head[] = "CREATE SCHEMA IF NOT EXISTS fettle;\n"
                                  "CREATE OR REPLACE FUNCTION fettle.column_statistics()\n"
                                  "RETURNS TABLE (relation_id oid, attnum smallint, column_name name, "
                                  "is_inherited boolean, null_fraction real,\n"
                                  "               average_width_bytes integer, n_distinct real,\n";

static const char helper_slot_columns[] =
    "               kind%d smallint, operator%d text, collation%d text, numbers%d text, values%d text%s\n";

static const char helper_middle[] =
    "LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $fettle$\n"
    "  SELECT s.starelid, s.staattnum, a.attname, s.stainherit, s.stanullfrac, s.stawidth, s.stadistinct,\n";

static const char helper_slot_values[] =
    "         s.stakind%d, nullif(s.staop%d, 0)::regoperator::text,\n"
    "         (SELECT format('%%I.%%I', n.nspname, c.collname) FROM pg_collation c\n"
    "          JOIN pg_namespace n ON n.oid = c.collnamespace WHERE c.oid = s.stacoll%d),\n"
    "         s.stanumbers%d::text, s.stavalues%d::text%s\n";

static const char helper_tail[] =
    "  FROM pg_statistic s\n"
    "       JOIN pg_attribute a ON a.attrelid = s.starelid AND a.attnum = s.staattnum\n"
    "       JOIN pg_class r ON r.oid = s.starelid\n"
    "       JOIN pg_namespace rn ON rn.oid = r.relnamespace\n"
    "  WHERE r.relpersistence <> 't'\n"
    "    AND rn.nspname NOT IN ('pg_catalog', 'information_schema') AND rn.nspname !~ '^pg_(toast|temp)'\n"
    "$fettle$;\n"
    "REVOKE ALL ON FUNCTION fettle.column_statistics() FROM PUBLIC;\n"
    "GRANT USAGE ON SCHEMA fettle TO pg_monitor;\n"
    "GRANT EXECUTE ON FUNCTION fettle.column_statistics() TO pg_monitor;\n";

char *
snapshot_helper_function_sql(Arena *arena)
{
    Text sql = text_new(arena);
    text_append(&sql, helper_head);
    for (int i = 1; i <= SNAPSHOT_STATISTICS_SLOTS; i++)
        text_append_format(&sql, helper_slot_columns, i, i, i, i, i,
                           i < SNAPSHOT_STATISTICS_SLOTS ? "," : ")");
    text_append(&sql, helper_middle);
    for (int i = 1; i <= SNAPSHOT_STATISTICS_SLOTS; i++)
        text_append_format(&sql, helper_slot_values, i, i, i, i, i, i < SNAPSHOT_STATISTICS_SLOTS ? "," : "");
    text_append(&sql, helper_tail);
    return sql.data;
}
