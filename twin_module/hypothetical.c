// SPDX-License-Identifier: PostgreSQL
/*
 * Indexes that no catalog knows.
 *
 * A search for indexes makes hundreds of them, once in each session, and of what it asks much of the time was
 * the making: rows in four catalogs, and a relation cache entry, built from them at the first planning. With
 * fettle_twin.hypothetical_indexes on, a plain CREATE INDEX of a B-tree over columns, in a transaction block
 * and on a twin table, makes none of that: the index is what the planner is told of it, until the transaction
 * (or the savepoint) ends.
 *
 * What the planner and the estimator see is what get_relation_info() would read of such an index: a Relation
 * of this file's own holds it, with the fields that are read there, and no other. Nothing can open it, so the
 * planner hears of it only for the query of an EXPLAIN that runs nothing, which is known by its text's place
 * in memory: not for those that functions run meanwhile. Plans that were kept are forgotten before it and
 * after it. Whatever is not as plain as that is made as ever: unique, partial, with expressions, operator
 * classes, collations, parameters or a tablespace; and whatever the server would refuse, so that it says why.
 * DDL does not find the index; one whose column changes is gone.
 */
#include "twin_module.h"

#include "access/amapi.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_opclass.h"
#include "commands/defrem.h"
#include "commands/explain.h"
#include "commands/prepare.h"
#include "commands/tablecmds.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

typedef struct Hypothetical {
    Relation index;
    SubTransactionId made_by;
} Hypothetical;

static bool makes_hypothetical;
static List *indexes;         /* of the open transaction, in its memory context */
static const char *explained; /* the text that is; NULL: none */
static bool is_seen;          /* by the planner, now */
static explain_get_index_name_hook_type previous_index_name;

static Hypothetical *
by_id(Oid index_id)
{
    ListCell *cell;
    foreach (cell, indexes) {
        Hypothetical *one = lfirst(cell);
        if (RelationGetRelid(one->index) == index_id)
            return one;
    }
    return NULL;
}

/* Have its columns stayed as they were? One that is dropped takes its indexes with it. */
static bool
columns_are_there(Relation table, Relation index)
{
    int i;
    for (i = 0; i < index->rd_index->indnatts; i++) {
        Form_pg_attribute column =
            TupleDescAttr(RelationGetDescr(table), index->rd_index->indkey.values[i] - 1);
        Form_pg_attribute own = TupleDescAttr(RelationGetDescr(index), i);
        if (column->attisdropped || column->atttypid != own->atttypid ||
            column->attcollation != own->attcollation)
            return false;
    }
    return true;
}

/* The transaction holds the table's lock, and may itself have dropped it. */
static bool
is_there(Relation index)
{
    Relation table = try_relation_open(index->rd_index->indrelid, NoLock);
    bool has_columns = table != NULL && columns_are_there(table, index);
    if (table != NULL)
        relation_close(table, NoLock);
    return has_columns;
}

/* An index is in its table's schema, wherever that goes. */
static Hypothetical *
by_name(Oid schema_id, const char *name)
{
    ListCell *cell;
    foreach (cell, indexes) {
        Hypothetical *one = lfirst(cell);
        if (strcmp(RelationGetRelationName(one->index), name) == 0 &&
            get_rel_namespace(one->index->rd_index->indrelid) == schema_id && is_there(one->index))
            return one;
    }
    return NULL;
}

const char *
twin_index_name(Oid index_id)
{
    const Hypothetical *one = by_id(index_id);
    return one == NULL ? get_rel_name(index_id) : RelationGetRelationName(one->index);
}

static const char *
hypothetical_name(Oid index_id)
{
    const Hypothetical *one = by_id(index_id);
    if (one != NULL)
        return RelationGetRelationName(one->index);
    return previous_index_name == NULL ? NULL : previous_index_name(index_id);
}

/* Over columns alone, and nothing said of them but the order of keys. */
static bool
elements_are_plain(List *elements, bool are_keys)
{
    ListCell *cell;
    foreach (cell, elements) {
        const IndexElem *element = lfirst_node(IndexElem, cell);
        bool has_order =
            element->ordering != SORTBY_DEFAULT || element->nulls_ordering != SORTBY_NULLS_DEFAULT;
        if (element->name == NULL || element->expr != NULL || element->collation != NIL ||
            element->opclass != NIL || element->opclassopts != NIL || (has_order && !are_keys))
            return false;
    }
    return true;
}

static bool
statement_is_plain(const IndexStmt *statement)
{
    return !XactReadOnly && IsTransactionBlock() && statement->idxname != NULL && !statement->unique &&
           !statement->primary && !statement->isconstraint && !statement->concurrent &&
           !statement->if_not_exists && !statement->transformed && statement->tableSpace == NULL &&
           statement->whereClause == NULL && statement->options == NIL && statement->excludeOpNames == NIL &&
           strcmp(statement->accessMethod, DEFAULT_INDEX_TYPE) == 0 &&
           strchr(statement->idxname, ',') == NULL && /* it could not be hidden */
           list_length(statement->indexParams) + list_length(statement->indexIncludingParams) <=
               INDEX_MAX_KEYS &&
           elements_are_plain(statement->indexParams, true) &&
           elements_are_plain(statement->indexIncludingParams, false);
}

/* A type's default operator class, unless it stores another type than the column's. */
typedef struct KeyClass {
    Oid family;
    Oid input;
} KeyClass;

static bool
key_class_find(Oid type, KeyClass *ret_class)
{
    Oid operators = twin_default_class(type);
    HeapTuple row = SearchSysCache1(CLAOID, ObjectIdGetDatum(operators));
    bool is_found = false;
    if (!HeapTupleIsValid(row))
        return false;
    is_found = !OidIsValid(((Form_pg_opclass)GETSTRUCT(row))->opckeytype);
    *ret_class = (KeyClass){.family = ((Form_pg_opclass)GETSTRUCT(row))->opcfamily,
                            .input = ((Form_pg_opclass)GETSTRUCT(row))->opcintype};
    ReleaseSysCache(row);
    return is_found;
}

/* What a Relation of an index has of a key; false: the server is to say what it thinks of it. */
static bool
key_fill(Relation index, int i, const IndexElem *element)
{
    Form_pg_attribute column = TupleDescAttr(RelationGetDescr(index), i);
    bool is_descending = element->ordering == SORTBY_DESC;
    KeyClass class;
    if (!key_class_find(column->atttypid, &class) ||
        (type_is_collatable(column->atttypid) && !OidIsValid(column->attcollation)))
        return false;
    index->rd_opfamily[i] = class.family;
    index->rd_opcintype[i] = class.input;
    index->rd_indcollation[i] = column->attcollation;
    if (is_descending)
        index->rd_indoption[i] |= INDOPTION_DESC;
    if (element->nulls_ordering == SORTBY_NULLS_FIRST ||
        (element->nulls_ordering == SORTBY_NULLS_DEFAULT && is_descending))
        index->rd_indoption[i] |= INDOPTION_NULLS_FIRST;
    return true;
}

static bool
column_fill(Relation table, Relation index, int i, const IndexElem *element)
{
    AttrNumber number = get_attnum(RelationGetRelid(table), element->name);
    if (number <= 0 || twin_column_is_virtual(TupleDescAttr(RelationGetDescr(table), number - 1)))
        return false;
    index->rd_index->indkey.values[i] = number;
    TupleDescCopyEntry(RelationGetDescr(index), (AttrNumber)(i + 1), RelationGetDescr(table), number);
    return i >= index->rd_index->indnkeyatts || key_fill(index, i, element);
}

/* Empty: room for so many columns. */
static Relation
index_new(Relation table, const char *name, int key_count, int column_count)
{
    Relation index = palloc0(sizeof(*index));
    index->rd_rel = palloc0(sizeof(*index->rd_rel));
    namestrcpy(&index->rd_rel->relname, name);
    index->rd_rel->relam = BTREE_AM_OID;
    index->rd_rel->relkind = RELKIND_INDEX;
    index->rd_rel->relpersistence = RELPERSISTENCE_PERMANENT;
    index->rd_rel->relnatts = (int16)column_count;
    index->rd_index = palloc0(sizeof(*index->rd_index) + sizeof(int16) * (Size)column_count);
    index->rd_index->indrelid = RelationGetRelid(table);
    index->rd_index->indnatts = (int16)column_count;
    index->rd_index->indnkeyatts = (int16)key_count;
    index->rd_att = CreateTemplateTupleDesc(column_count);
    index->rd_opfamily = palloc0(sizeof(Oid) * (Size)key_count);
    index->rd_opcintype = palloc0(sizeof(Oid) * (Size)key_count);
    index->rd_indcollation = palloc0(sizeof(Oid) * (Size)key_count);
    index->rd_indoption = palloc0(sizeof(int16) * (Size)key_count);
    return index;
}

/* NULL: the server is to say what it thinks of it. */
static Relation
index_make(Relation table, const IndexStmt *statement)
{
    int key_count = list_length(statement->indexParams), i = 0;
    List *elements = list_concat_copy(statement->indexParams, statement->indexIncludingParams);
    Relation index = index_new(table, statement->idxname, key_count, list_length(elements));
    ListCell *cell;
    foreach (cell, elements)
        if (!column_fill(table, index, i++, lfirst_node(IndexElem, cell)))
            return NULL;
    index->rd_id = GetNewObjectId();
    return index;
}

/* The catalog does not know that it is taken. */
static bool
name_is_taken(const IndexStmt *statement)
{
    Oid table_id = indexes == NIL || statement->idxname == NULL
                       ? InvalidOid
                       : RangeVarGetRelid(statement->relation, NoLock, true);
    if (!OidIsValid(table_id) || by_name(get_rel_namespace(table_id), statement->idxname) == NULL)
        return false;
    ereport(statement->if_not_exists ? NOTICE : ERROR,
            (errcode(ERRCODE_DUPLICATE_TABLE), errmsg("relation \"%s\" already exists%s", statement->idxname,
                                                      statement->if_not_exists ? ", skipping" : "")));
    return true;
}

bool
twin_hypothetical_index(const IndexStmt *statement)
{
    MemoryContext before;
    Relation table, index = NULL;
    Oid table_id;
    if (name_is_taken(statement))
        return true;
    if (!makes_hypothetical || !statement_is_plain(statement))
        return false;
    /* As the server does it: the owner's right first. The lock keeps the table from being altered. */
    table_id =
        RangeVarGetRelidExtended(statement->relation, AccessShareLock, 0, RangeVarCallbackOwnsRelation, NULL);
    table = relation_open(table_id, NoLock);
    before = MemoryContextSwitchTo(TopTransactionContext);
    if (twin_table_can_go_without_file(table) && twin_may_create_in(RelationGetNamespace(table)) &&
        !OidIsValid(get_relname_relid(statement->idxname, RelationGetNamespace(table))))
        index = index_make(table, statement);
    if (index != NULL) {
        Hypothetical *one = palloc(sizeof(*one));
        *one = (Hypothetical){.index = index, .made_by = GetCurrentSubTransactionId()};
        indexes = lappend(indexes, one);
    }
    MemoryContextSwitchTo(before);
    relation_close(table, NoLock);
    return index != NULL;
}

/* Those that were kept for EXECUTE without these indexes, or with them. */
static void
plans_forget(void)
{
    if (indexes != NIL)
        ResetPlanCache();
}

static bool
runs(const ExplainStmt *statement)
{
    ListCell *cell;
    bool is_analyze = false;
    foreach (cell, statement->options) {
        DefElem *option = lfirst_node(DefElem, cell);
        if (strcmp(option->defname, "analyze") == 0)
            is_analyze = defGetBoolean(option);
    }
    return is_analyze;
}

/* Where the planner is given it: a prepared statement keeps its own. NULL: it says what is wrong by itself.
 */
static const char *
text_explained(const ExplainStmt *statement, const char *text)
{
    Query *query = castNode(Query, statement->query);
    Node *inner = query->utilityStmt;
    PreparedStatement *prepared;
    if (inner != NULL && IsA(inner, CreateTableAsStmt))
        inner = castNode(Query, ((CreateTableAsStmt *)inner)->query)->utilityStmt;
    if (inner == NULL || !IsA(inner, ExecuteStmt))
        return text;
    prepared = FetchPreparedStatement(((ExecuteStmt *)inner)->name, false);
    return prepared == NULL ? NULL : prepared->plansource->query_string;
}

const char *
twin_hypothetical_enter(const ExplainStmt *statement, const char *text)
{
    const char *before = explained;
    bool is_run = runs(statement);
    plans_forget();
    explained = is_run ? NULL : text_explained(statement, text);
    return before;
}

void
twin_hypothetical_leave(const char *before)
{
    explained = before;
    plans_forget();
}

bool
twin_hypothetical_show(const char *text)
{
    bool was_seen = is_seen;
    is_seen = indexes != NIL && text != NULL && text == explained;
    return was_seen;
}

void
twin_hypothetical_show_again(bool was_seen)
{
    is_seen = was_seen;
}

List *
twin_hypothetical_of(Relation table)
{
    List *found = NIL;
    ListCell *cell;
    foreach (cell, indexes) {
        Relation index = ((Hypothetical *)lfirst(cell))->index;
        if (index->rd_index->indrelid == RelationGetRelid(table) && columns_are_there(table, index))
            found = lappend(found, index);
    }
    return found;
}

bool
twin_hypothetical_any(void)
{
    return indexes != NIL && is_seen;
}

static const IndexAmRoutine *
btree_routine(void)
{
    static IndexAmRoutine *routine;
    if (routine == NULL) {
        MemoryContext before = MemoryContextSwitchTo(TopMemoryContext);
        IndexAmRoutine *kept = palloc(sizeof(*kept));
        *kept = *GetIndexAmRoutineByAmId(BTREE_AM_OID, false);
        MemoryContextSwitchTo(before);
        routine = kept;
    }
    return routine;
}

static void
info_fill_columns(IndexOptInfo *info, Relation table, Relation index)
{
    int i;
    info->ncolumns = index->rd_index->indnatts;
    info->nkeycolumns = index->rd_index->indnkeyatts;
    info->indexkeys = palloc(sizeof(int) * (Size)info->ncolumns);
    info->canreturn = palloc(sizeof(bool) * (Size)info->ncolumns);
    info->indexcollations = palloc(sizeof(Oid) * (Size)info->nkeycolumns);
    info->opfamily = palloc(sizeof(Oid) * (Size)info->nkeycolumns);
    info->opcintype = palloc(sizeof(Oid) * (Size)info->nkeycolumns);
    info->reverse_sort = palloc(sizeof(bool) * (Size)info->nkeycolumns);
    info->nulls_first = palloc(sizeof(bool) * (Size)info->nkeycolumns);
    for (i = 0; i < info->ncolumns; i++) {
        AttrNumber number = index->rd_index->indkey.values[i];
        Form_pg_attribute column = TupleDescAttr(RelationGetDescr(table), number - 1);
        Var *variable = makeVar((int)info->rel->relid, number, column->atttypid, column->atttypmod,
                                column->attcollation, 0);
        info->indexkeys[i] = number;
        info->canreturn[i] = true;
        info->indextlist =
            lappend(info->indextlist, makeTargetEntry((Expr *)variable, (AttrNumber)(i + 1), NULL, false));
    }
    for (i = 0; i < info->nkeycolumns; i++) {
        info->indexcollations[i] = index->rd_indcollation[i];
        info->opfamily[i] = index->rd_opfamily[i];
        info->opcintype[i] = index->rd_opcintype[i];
        info->reverse_sort[i] = (index->rd_indoption[i] & INDOPTION_DESC) != 0;
        info->nulls_first[i] = (index->rd_indoption[i] & INDOPTION_NULLS_FIRST) != 0;
    }
    info->sortopfamily = info->opfamily;
}

IndexOptInfo *
twin_hypothetical_info(RelOptInfo *rel, Relation table, Relation index)
{
    const IndexAmRoutine *routine = btree_routine();
    IndexOptInfo *info = makeNode(IndexOptInfo);
    info->indexoid = RelationGetRelid(index);
    info->rel = rel;
    info->relam = BTREE_AM_OID;
    info->amcanorderbyop = routine->amcanorderbyop;
    info->amoptionalkey = routine->amoptionalkey;
    info->amsearcharray = routine->amsearcharray;
    info->amsearchnulls = routine->amsearchnulls;
    info->amcanparallel = routine->amcanparallel;
    info->amhasgettuple = routine->amgettuple != NULL;
    info->amhasgetbitmap = routine->amgetbitmap != NULL; /* a twin is a heap */
    info->amcanmarkpos = routine->ammarkpos != NULL && routine->amrestrpos != NULL;
    info->amcostestimate = routine->amcostestimate;
    info->immediate = true;
    info->hypothetical = true;
    info_fill_columns(info, table, index);
    return info;
}

/* Of the index by that name, as SQL writes it; the catalog's, when it is none of these. */
TWIN_SQL_FUNCTION(fettle_twin_named_index_blocks);
Datum
fettle_twin_named_index_blocks(PG_FUNCTION_ARGS)
{
    RangeVar *name = makeRangeVarFromNameList(textToQualifiedNameList(PG_GETARG_TEXT_PP(0)));
    Oid schema_id = name->schemaname == NULL ? InvalidOid : get_namespace_oid(name->schemaname, true);
    const Hypothetical *one = by_name(schema_id, name->relname);
    Oid index_id = one == NULL ? RangeVarGetRelid(name, AccessShareLock, false) : InvalidOid;
    TwinIndexEstimate estimate;
    Relation table;
    if (one == NULL) {
        twin_index_estimate_by_id(index_id, &estimate);
    } else {
        table = table_open(one->index->rd_index->indrelid, AccessShareLock);
        twin_index_estimate_remember(table, one->index, &estimate);
        table_close(table, AccessShareLock);
    }
    PG_RETURN_INT64((int64)estimate.pages);
}

static void
indexes_at_end(XactEvent event, void *context)
{
    if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
        indexes = NIL; /* their memory is the transaction's */
}

static void
indexes_at_savepoint(SubXactEvent event, SubTransactionId own, SubTransactionId parent, void *context)
{
    ListCell *cell;
    bool is_aborted = event == SUBXACT_EVENT_ABORT_SUB;
    if (!is_aborted && event != SUBXACT_EVENT_COMMIT_SUB)
        return;
    foreach (cell, indexes) {
        Hypothetical *one = lfirst(cell);
        if (one->made_by != own)
            continue;
        one->made_by = parent;
        if (is_aborted)
            indexes = foreach_delete_current(indexes, cell);
    }
}

void
twin_hypothetical_install(void)
{
    DefineCustomBoolVariable("fettle_twin.hypothetical_indexes",
                             "CREATE INDEX of plain B-trees on twin tables tells the planner only.", NULL,
                             &makes_hypothetical, false, PGC_USERSET, 0, NULL, NULL, NULL);
    previous_index_name = explain_get_index_name_hook;
    explain_get_index_name_hook = hypothetical_name;
    RegisterXactCallback(indexes_at_end, NULL);
    RegisterSubXactCallback(indexes_at_savepoint, NULL);
}
