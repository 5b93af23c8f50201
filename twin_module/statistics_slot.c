// SPDX-License-Identifier: PostgreSQL
/*
 * Whether a row of pg_statistic is one that the server itself could have written.
 *
 * The planner trusts these rows: values of another type than the column's are read as if they were of it, and
 * numbers are looked up by the values' places. A foreign row must therefore have the right types and counts,
 * or no slot. The type of a slot's values never has to come from outside: it follows from column and kind.
 */
#include "twin_module.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

/* Type that ANALYZE gathers: of a column, or of an index's expression. Invalid when there is none. */
static Oid
attribute_type(Oid relation_id, AttrNumber number)
{
    Relation index;
    Oid type = InvalidOid;
    char kind = get_rel_relkind(relation_id);
    if (number <= 0)
        return InvalidOid;
    if (kind != RELKIND_INDEX && kind != RELKIND_PARTITIONED_INDEX)
        return get_atttype(relation_id, number);
    index = index_open(relation_id, AccessShareLock);
    if (number <= IndexRelationGetNumberOfAttributes(index) &&
        index->rd_index->indkey.values[number - 1] == 0) {
        List *expressions = RelationGetIndexExpressions(index);
        int place = 0, i;
        for (i = 0; i < number - 1; i++)
            place += index->rd_index->indkey.values[i] == 0;
        if (place < list_length(expressions))
            type = exprType(list_nth(expressions, place));
    }
    index_close(index, AccessShareLock);
    return type;
}

/* Element type of the values of a slot; invalid when its kind has none, or is not the server's own. */
static Oid
values_type(Oid type, int kind)
{
    Oid base = OidIsValid(type) ? getBaseType(type) : InvalidOid;
    if (!OidIsValid(base))
        return InvalidOid;
    switch (kind) {
        case STATISTIC_KIND_MCV:
        case STATISTIC_KIND_HISTOGRAM: return type;
        case STATISTIC_KIND_MCELEM: return base == TSVECTOROID ? TEXTOID : get_base_element_type(base);
        case STATISTIC_KIND_RANGE_LENGTH_HISTOGRAM: return FLOAT8OID;
        case STATISTIC_KIND_BOUNDS_HISTOGRAM:
#if PG_VERSION_NUM >= 140000
            if (type_is_multirange(base))
                return get_multirange_range(base);
#endif
            return type_is_range(base) ? type : InvalidOid;
        default: return InvalidOid;
    }
}

TWIN_SQL_FUNCTION(fettle_twin_values_type);
Datum
fettle_twin_values_type(PG_FUNCTION_ARGS)
{
    Oid type = values_type(attribute_type(PG_GETARG_OID(0), PG_GETARG_INT16(1)), PG_GETARG_INT16(2));
    if (!OidIsValid(type))
        PG_RETURN_NULL();
    PG_RETURN_OID(type);
}

/* The same for expression number (from 1) of a statistics object. */
TWIN_SQL_FUNCTION(fettle_twin_expression_values_type);
Datum
fettle_twin_expression_values_type(PG_FUNCTION_ARGS)
{
    Oid type = InvalidOid;
#if PG_VERSION_NUM >= 140000
    HeapTuple row = SearchSysCache1(STATEXTOID, ObjectIdGetDatum(PG_GETARG_OID(0)));
    int number = PG_GETARG_INT32(1);
    if (HeapTupleIsValid(row)) {
        bool is_null;
        Datum tree = SysCacheGetAttr(STATEXTOID, row, Anum_pg_statistic_ext_stxexprs, &is_null);
        List *expressions = is_null ? NIL : (List *)stringToNode(TextDatumGetCString(tree));
        if (number >= 1 && number <= list_length(expressions))
            type = values_type(exprType(list_nth(expressions, number - 1)), PG_GETARG_INT16(2));
        ReleaseSysCache(row);
    }
#endif
    if (!OidIsValid(type))
        PG_RETURN_NULL();
    PG_RETURN_OID(type);
}

/* How many elements; -1: not a plain list of this type. */
static int
array_count(ArrayType *array, Oid type)
{
    if (ARR_NDIM(array) > 1 || ARR_HASNULL(array) || ARR_ELEMTYPE(array) != type)
        return -1;
    return ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
}

static bool
numbers_are_finite(ArrayType *array, int count)
{
    const float4 *numbers = (const float4 *)ARR_DATA_PTR(array);
    int i;
    for (i = 0; i < count; i++) {
        if (!isfinite(numbers[i]))
            return false;
    }
    return true;
}

TWIN_SQL_FUNCTION(fettle_twin_slot_is_sound);
Datum
fettle_twin_slot_is_sound(PG_FUNCTION_ARGS)
{
    int kind = PG_ARGISNULL(2) ? -1 : PG_GETARG_INT16(2), number_count = -1, value_count = -1;
    Oid type;
    if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
        PG_RETURN_BOOL(false);
    type = values_type(attribute_type(PG_GETARG_OID(0), PG_GETARG_INT16(1)), kind);
    if (!PG_ARGISNULL(3)) {
        ArrayType *numbers = PG_GETARG_ARRAYTYPE_P(3);
        number_count = array_count(numbers, FLOAT4OID);
        if (number_count < 0 || !numbers_are_finite(numbers, number_count))
            PG_RETURN_BOOL(kind == 0);
    }
    if (!PG_ARGISNULL(4) && OidIsValid(type))
        value_count = array_count(PG_GETARG_ARRAYTYPE_P(4), type);
    switch (kind) {
        case 0: PG_RETURN_BOOL(true);
        case STATISTIC_KIND_MCV: PG_RETURN_BOOL(value_count > 0 && value_count == number_count);
        case STATISTIC_KIND_HISTOGRAM: PG_RETURN_BOOL(value_count > 1);
        case STATISTIC_KIND_CORRELATION: PG_RETURN_BOOL(number_count == 1);
        case STATISTIC_KIND_MCELEM:
            PG_RETURN_BOOL(value_count > 0 &&
                           (number_count == value_count + 2 || number_count == value_count + 3));
        case STATISTIC_KIND_DECHIST: PG_RETURN_BOOL(number_count > 2);
        case STATISTIC_KIND_RANGE_LENGTH_HISTOGRAM: /* may be empty, with the share of empty ranges as its
                                                     * number
                                                     */
            PG_RETURN_BOOL(value_count >= 0 && number_count == 1);
        case STATISTIC_KIND_BOUNDS_HISTOGRAM: PG_RETURN_BOOL(value_count > 1);
        default: PG_RETURN_BOOL(false); /* of an extension: nobody here knows what it must look like */
    }
}
