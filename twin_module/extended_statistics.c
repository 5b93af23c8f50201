// SPDX-License-Identifier: PostgreSQL
/*
 * Extended statistics from the texts that pg_stats_ext shows.
 *
 * The server's binary forms hold attribute numbers and type OIDs, so they cannot be copied between databases.
 * Here they are made anew by the server's own serialisers, with the numbers of the twin's columns, for a
 * statistics object that exists on the twin:
 *
 *     ndistinct      {"1, 2": 33178, "1, -1": 27435}
 *     dependencies   {"1 => 2": 0.250000, "1, 2 => 3": 1.000000}
 *     mcv            one text, one null flag per item and column; two frequencies per item
 *
 * The numbers in the texts are the target's; the caller names them (attribute_numbers[i] is the target's
 * column attribute_names[i]). A negative number is an expression, the same on both sides. What does not fit
 * the object gives NULL and a NOTICE, for the planner raises errors on statistics that do not.
 */
#include "untrusted.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "statistics/extended_stats_internal.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

/* All combinations of 2 to 8 columns; of dependencies, each with every last column: 8 * (2^7 - 1). */
#define ITEMS_MAX 1016

typedef struct StatisticsObject {
    Oid table_id;
    int column_count;
    AttrNumber columns[STATS_MAX_DIMENSIONS]; /* ascending */
    List *expressions;
} StatisticsObject;

/* Source of the numbers in a text; count 0: they are the twin's own. */
typedef struct AttributeMap {
    int count;
    AttrNumber from[INDEX_MAX_KEYS];
    AttrNumber to[INDEX_MAX_KEYS]; /* 0: no such column of the object */
} AttributeMap;

typedef struct Combination {
    int count;
    AttrNumber attributes[STATS_MAX_DIMENSIONS];
    double value;
} Combination;

static void
object_read(Oid object_id, StatisticsObject *ret_object)
{
    HeapTuple row = SearchSysCache1(STATEXTOID, ObjectIdGetDatum(object_id));
    Form_pg_statistic_ext form;
    int i;
    if (!HeapTupleIsValid(row))
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                        errmsg("statistics object with OID %u does not exist", object_id)));
    form = (Form_pg_statistic_ext)GETSTRUCT(row);
    memset(ret_object, 0, sizeof(*ret_object));
    ret_object->table_id = form->stxrelid;
    ret_object->column_count = Min(form->stxkeys.dim1, STATS_MAX_DIMENSIONS);
    for (i = 0; i < ret_object->column_count; i++)
        ret_object->columns[i] = form->stxkeys.values[i];
#if PG_VERSION_NUM >= 140000
    {
        bool is_null;
        Datum expressions = SysCacheGetAttr(STATEXTOID, row, Anum_pg_statistic_ext_stxexprs, &is_null);
        if (!is_null)
            ret_object->expressions = (List *)stringToNode(TextDatumGetCString(expressions));
    }
#endif
    ReleaseSysCache(row);
}

static bool
object_has(const StatisticsObject *object, AttrNumber number)
{
    int i;
    if (number < 0)
        return -number <= list_length(object->expressions);
    for (i = 0; i < object->column_count; i++) {
        if (object->columns[i] == number)
            return true;
    }
    return false;
}

/* Elements of a one- or more-dimensional array in row order. */
static int
array_read(FunctionCallInfo fcinfo, int argument, Oid type, Datum **ret_values, bool **ret_nulls)
{
    ArrayType *array = PG_GETARG_ARRAYTYPE_P(argument);
    int16 length;
    bool by_value;
    char alignment;
    int count;
    if (ARR_ELEMTYPE(array) != type)
        ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("array has elements of another type")));
    get_typlenbyvalalign(type, &length, &by_value, &alignment);
    deconstruct_array(array, type, length, by_value, alignment, ret_values, ret_nulls, &count);
    return count;
}

static void
map_read(FunctionCallInfo fcinfo, const StatisticsObject *object, AttributeMap *ret_map)
{
    Datum *names, *numbers;
    bool *name_nulls, *number_nulls;
    int i, count;
    memset(ret_map, 0, sizeof(*ret_map));
    if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
        return;
    count = array_read(fcinfo, 1, TEXTOID, &names, &name_nulls);
    if (count != array_read(fcinfo, 2, INT2OID, &numbers, &number_nulls) || count > INDEX_MAX_KEYS)
        ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
                        errmsg("attribute_names and attribute_numbers must have the same length, at most %d",
                               INDEX_MAX_KEYS)));
    for (i = 0; i < count; i++) {
        if (name_nulls[i] || number_nulls[i] || DatumGetInt16(numbers[i]) <= 0)
            continue; /* an expression, which keeps its number */
        ret_map->from[ret_map->count] = DatumGetInt16(numbers[i]);
        ret_map->to[ret_map->count] = get_attnum(object->table_id, TextDatumGetCString(names[i]));
        ret_map->count++;
    }
}

static AttrNumber
map_attribute(const AttributeMap *map, long number)
{
    int i;
    for (i = 0; number > 0 && i < map->count; i++) {
        if (map->from[i] == number)
            return map->to[i];
    }
    return map->count > 0 && number > 0 ? InvalidAttrNumber : (AttrNumber)number;
}

static const char *
skip_blanks(const char *at)
{
    while (*at == ' ' || *at == '\n' || *at == '\t')
        at++;
    return at;
}

static bool
skip_word(const char **at, const char *word)
{
    const char *here = skip_blanks(*at);
    if (strncmp(here, word, strlen(word)) != 0)
        return false;
    *at = here + strlen(word);
    return true;
}

/* "1, 2" or "1, 2 => 3", then the closing quote. */
static bool
parse_attributes(const char **at, const StatisticsObject *object, const AttributeMap *map, bool wants_arrow,
                 Combination *ret_item)
{
    bool has_arrow = false;
    ret_item->count = 0;
    do {
        char *end;
        long number;
        int i;
        *at = skip_blanks(*at);
        number = strtol(*at, &end, 10);
        if (end == *at || number < -STATS_MAX_DIMENSIONS || number > MaxAttrNumber ||
            ret_item->count == STATS_MAX_DIMENSIONS)
            return false;
        *at = end;
        number = map_attribute(map, number);
        if (number == InvalidAttrNumber || !object_has(object, (AttrNumber)number))
            return false;
        for (i = 0; i < ret_item->count; i++) {
            if (ret_item->attributes[i] == number)
                return false;
        }
        ret_item->attributes[ret_item->count++] = (AttrNumber)number;
        if (has_arrow)
            break; /* one implied column, at the end */
        has_arrow = wants_arrow && skip_word(at, "=>");
    } while (has_arrow || skip_word(at, ","));
    return has_arrow == wants_arrow && ret_item->count >= 2 && skip_word(at, "\"");
}

/* The whole text; -1 when it is not one of an object like this. */
static int
parse_items(const char *text, const StatisticsObject *object, const AttributeMap *map, bool wants_arrow,
            Combination *items)
{
    const char *at = text;
    int count = 0;
    if (!skip_word(&at, "{"))
        return -1;
    do {
        char *end;
        if (count == ITEMS_MAX || !skip_word(&at, "\"") ||
            !parse_attributes(&at, object, map, wants_arrow, &items[count]) || !skip_word(&at, ":"))
            return -1;
        at = skip_blanks(at);
        items[count].value = strtod(at, &end);
        if (end == at || !isfinite(items[count].value) || items[count].value < 0)
            return -1;
        at = end;
        count++;
    } while (skip_word(&at, ","));
    if (!skip_word(&at, "}") || *skip_blanks(at) != '\0')
        return -1;
    return count;
}

/* Reads the arguments shared by ndistinct and dependencies; -1 after a NOTICE when the text does not fit. */
static int
items_read(FunctionCallInfo fcinfo, bool wants_arrow, Combination **ret_items)
{
    StatisticsObject object;
    AttributeMap map;
    int count;
    object_read(PG_GETARG_OID(0), &object);
    map_read(fcinfo, &object, &map);
    *ret_items = palloc(sizeof(Combination) * ITEMS_MAX);
    count = parse_items(text_to_cstring(PG_GETARG_TEXT_PP(3)), &object, &map, wants_arrow, *ret_items);
    if (count < 0)
        ereport(NOTICE, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
                         errmsg("left out %s: the text does not fit the statistics object",
                                wants_arrow ? "functional dependencies" : "distinct counts")));
    return count;
}

TWIN_SQL_FUNCTION(fettle_twin_ndistinct_build);
Datum
fettle_twin_ndistinct_build(PG_FUNCTION_ARGS)
{
    MVNDistinct *distinct;
    Combination *items;
    int i, count;
    if (PG_ARGISNULL(0) || PG_ARGISNULL(3))
        PG_RETURN_NULL();
    count = items_read(fcinfo, false, &items);
    if (count < 0)
        PG_RETURN_NULL();
    distinct = palloc0(offsetof(MVNDistinct, items) + sizeof(MVNDistinctItem) * count);
    distinct->magic = STATS_NDISTINCT_MAGIC;
    distinct->type = STATS_NDISTINCT_TYPE_BASIC;
    distinct->nitems = count;
    for (i = 0; i < count; i++) {
        distinct->items[i].ndistinct = items[i].value;
        twin_distinct_item_set(&distinct->items[i], items[i].attributes, items[i].count);
    }
    PG_RETURN_BYTEA_P(statext_ndistinct_serialize(distinct));
}

TWIN_SQL_FUNCTION(fettle_twin_dependencies_build);
Datum
fettle_twin_dependencies_build(PG_FUNCTION_ARGS)
{
    MVDependencies *dependencies;
    Combination *items;
    int i, count;
    if (PG_ARGISNULL(0) || PG_ARGISNULL(3))
        PG_RETURN_NULL();
    count = items_read(fcinfo, true, &items);
    if (count < 0)
        PG_RETURN_NULL();
    dependencies = palloc0(offsetof(MVDependencies, deps) + sizeof(MVDependency *) * count);
    dependencies->magic = STATS_DEPS_MAGIC;
    dependencies->type = STATS_DEPS_TYPE_BASIC;
    dependencies->ndeps = count;
    for (i = 0; i < count; i++) {
        MVDependency *dependency =
            palloc0(offsetof(MVDependency, attributes) + sizeof(AttrNumber) * items[i].count);
        dependency->degree = Min(items[i].value, 1);
        dependency->nattributes = items[i].count;
        memcpy(dependency->attributes, items[i].attributes, sizeof(AttrNumber) * items[i].count);
        dependencies->deps[i] = dependency;
    }
    PG_RETURN_BYTEA_P(statext_dependencies_serialize(dependencies));
}

/* Most common values as they came: item by item, column by column in the target's order. */
typedef struct CommonValues {
    int item_count;
    int dimension_count;
    Datum *values;
    bool *value_nulls;
    Datum *nulls;
    bool *null_nulls;
    Datum *frequencies;
    Datum *base_frequencies;
    int from[STATS_MAX_DIMENSIONS]; /* column of the item for each dimension of the twin's object */
} CommonValues;

static VacAttrStats *
dimension_make(Oid type, Oid collation)
{
    VacAttrStats *dimension = palloc0(sizeof(*dimension));
    HeapTuple row = SearchSysCacheCopy1(TYPEOID, ObjectIdGetDatum(type));
    if (!HeapTupleIsValid(row))
        elog(ERROR, "type with OID %u does not exist", type);
    dimension->attrtypid = type;
    dimension->attrtypmod = -1;
    dimension->attrtype = (Form_pg_type)GETSTRUCT(row);
    dimension->attrcollid = collation;
    return dimension;
}

/* Types of the object's dimensions: its columns in ascending order, then its expressions. */
static bool
dimensions_make(const StatisticsObject *object, VacAttrStats **dimensions)
{
    ListCell *cell;
    int count = 0, i;
    for (i = 0; i < object->column_count; i++) {
        Oid type, collation;
        int32 modifier;
        get_atttypetypmodcoll(object->table_id, object->columns[i], &type, &modifier, &collation);
        dimensions[count++] = dimension_make(type, collation);
    }
    foreach (cell, object->expressions) {
        Node *expression = lfirst(cell);
        if (count == STATS_MAX_DIMENSIONS)
            return false;
        dimensions[count++] = dimension_make(exprType(expression), exprCollation(expression));
    }
    for (i = 0; i < count; i++) {
        if (!OidIsValid(lookup_type_cache(dimensions[i]->attrtypid, TYPECACHE_LT_OPR)->lt_opr))
            return false;
    }
    return true;
}

/* Where each dimension's values stand in an item: columns by name, expressions after all named columns. */
static bool
dimensions_place(FunctionCallInfo fcinfo, const StatisticsObject *object, CommonValues *common)
{
    Datum *names;
    bool *nulls;
    int i, dimension, named = 0, count = array_read(fcinfo, 1, TEXTOID, &names, &nulls);
    for (dimension = 0; dimension < common->dimension_count; dimension++)
        common->from[dimension] = -1;
    for (i = 0; i < count; i++) {
        AttrNumber number;
        if (nulls[i])
            return false;
        number = get_attnum(object->table_id, TextDatumGetCString(names[i]));
        if (number == InvalidAttrNumber && VARSIZE_ANY_EXHDR(DatumGetPointer(names[i])) > 0 &&
            *VARDATA_ANY(DatumGetPointer(names[i])) == '(')
            continue; /* "(1)": the first expression */
        for (dimension = 0; dimension < object->column_count; dimension++) {
            if (object->columns[dimension] == number && common->from[dimension] < 0) {
                common->from[dimension] = named;
                break;
            }
        }
        if (dimension == object->column_count)
            return false;
        named++;
    }
    for (i = 0; i < list_length(object->expressions); i++)
        common->from[object->column_count + i] = named + i;
    return named == object->column_count;
}

static bool
frequency_is_sane(Datum value)
{
    double frequency = DatumGetFloat8(value);
    return frequency >= 0 && frequency <= 1; /* also not NaN */
}

static bool
common_values_read(FunctionCallInfo fcinfo, const StatisticsObject *object, CommonValues *common)
{
    bool *nulls, *base_nulls;
    int i, cells;
    memset(common, 0, sizeof(*common));
    common->dimension_count = object->column_count + list_length(object->expressions);
    if (common->dimension_count < 1 || common->dimension_count > STATS_MAX_DIMENSIONS)
        return false;
    common->item_count = array_read(fcinfo, 4, FLOAT8OID, &common->frequencies, &nulls);
    if (common->item_count < 1 || common->item_count > STATS_MCVLIST_MAX_ITEMS ||
        array_read(fcinfo, 5, FLOAT8OID, &common->base_frequencies, &base_nulls) != common->item_count)
        return false;
    cells = common->item_count * common->dimension_count;
    if (array_read(fcinfo, 2, TEXTOID, &common->values, &common->value_nulls) != cells ||
        array_read(fcinfo, 3, BOOLOID, &common->nulls, &common->null_nulls) != cells)
        return false;
    for (i = 0; i < common->item_count; i++) {
        if (nulls[i] || base_nulls[i] || !frequency_is_sane(common->frequencies[i]) ||
            !frequency_is_sane(common->base_frequencies[i]))
            return false;
    }
    return dimensions_place(fcinfo, object, common);
}

static bytea *
common_values_build(const CommonValues *common, VacAttrStats **dimensions)
{
    MCVList *list = palloc0(offsetof(MCVList, items) + sizeof(MCVItem) * common->item_count);
    FmgrInfo inputs[STATS_MAX_DIMENSIONS];
    Oid parameters[STATS_MAX_DIMENSIONS];
    int i, d;
    list->magic = STATS_MCV_MAGIC;
    list->type = STATS_MCV_TYPE_BASIC;
    list->nitems = common->item_count;
    list->ndimensions = common->dimension_count;
    for (d = 0; d < common->dimension_count; d++) {
        Oid input;
        list->types[d] = dimensions[d]->attrtypid;
        getTypeInputInfo(dimensions[d]->attrtypid, &input, &parameters[d]);
        fmgr_info(input, &inputs[d]);
    }
    for (i = 0; i < common->item_count; i++) {
        MCVItem *item = &list->items[i];
        item->frequency = DatumGetFloat8(common->frequencies[i]);
        item->base_frequency = DatumGetFloat8(common->base_frequencies[i]);
        item->values = palloc0(sizeof(Datum) * common->dimension_count);
        item->isnull = palloc0(sizeof(bool) * common->dimension_count);
        for (d = 0; d < common->dimension_count; d++) {
            int cell = i * common->dimension_count + common->from[d];
            item->isnull[d] =
                common->value_nulls[cell] || (!common->null_nulls[cell] && DatumGetBool(common->nulls[cell]));
            if (!item->isnull[d])
                item->values[d] = InputFunctionCall(&inputs[d], TextDatumGetCString(common->values[cell]),
                                                    parameters[d], -1);
        }
    }
    return statext_mcv_serialize(list, dimensions);
}

TWIN_SQL_FUNCTION(fettle_twin_mcv_build);
Datum
fettle_twin_mcv_build(PG_FUNCTION_ARGS)
{
    StatisticsObject object;
    CommonValues common;
    VacAttrStats *dimensions[STATS_MAX_DIMENSIONS];
    TwinUntrusted run;
    bytea *volatile list = NULL;
    int i;
    for (i = 0; i < 7; i++) {
        if (PG_ARGISNULL(i))
            PG_RETURN_NULL();
    }
    if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(PG_GETARG_OID(6))))
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                        errmsg("role with OID %u does not exist", PG_GETARG_OID(6))));
    object_read(PG_GETARG_OID(0), &object);
    if (!common_values_read(fcinfo, &object, &common) || !dimensions_make(&object, dimensions)) {
        ereport(NOTICE, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
                         errmsg("left out most common values: they do not fit the statistics object")));
        PG_RETURN_NULL();
    }
    twin_untrusted_begin(&run, PG_GETARG_OID(6));
    PG_TRY();
    {
        list = common_values_build(&common, dimensions);
        twin_untrusted_end(&run);
    }
    PG_CATCH();
    {
        list = NULL;
        twin_untrusted_fail(&run, "most common values");
    }
    PG_END_TRY();
    if (list == NULL)
        PG_RETURN_NULL();
    PG_RETURN_BYTEA_P(list);
}
