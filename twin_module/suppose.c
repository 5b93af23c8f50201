// SPDX-License-Identifier: PostgreSQL
/*
 * CREATE INDEX without a file, for an index that will be asked about and rolled back.
 *
 * Most of what creating an empty index costs is its file: created, written, its buffers dropped, unlinked at
 * ROLLBACK. With fettle_twin.suppose_indexes on, a plain CREATE INDEX of a B-tree on a twin table makes the
 * same catalog rows by the server's own DefineIndex(), with the same checks, but names the file of
 * fettle_twin.nothing_k, an index that is empty for ever. The planner finds what it would find in a new file:
 * a metapage and no root.
 *
 * Many indexes then share one file, which is safe as long as no transaction that made one commits (a commit
 * could unlink or keep it) and nobody writes to it:
 * 1. COMMIT and PREPARE TRANSACTION are refused after a supposed index. ROLLBACK unlinks only what the
 *    transaction created, and REINDEX and DROP INDEX act on the old file at commit only.
 * 2. Twin tables take no rows, and index_ends_set() refuses supposed indexes.
 * 3. TRUNCATE would empty the indexes of a table whose file is of this transaction in place: refused after a
 *    supposed index, and a table whose file is new gets real ones.
 * 4. The empty index is locked until the transaction ends, so that no other session gives it another file.
 *    The table is locked against being altered only: several sessions suppose indexes on it, and plan what
 *    writes it. So it is with what else CREATE INDEX makes in such a session.
 * Whatever is not such a CREATE INDEX is left to the server.
 */
#include "twin_module.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_opclass.h"
#include "commands/defrem.h"
#include "commands/tablecmds.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "nodes/value.h"
#include "parser/parse_utilcmd.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#define NOTHING_INDEX "nothing_k"

static bool suppose_indexes;
static bool
    has_supposed; /* in the open transaction; stays after ROLLBACK TO SAVEPOINT, which is on the safe side */

static Oid supposed_file; /* of the indexes supposed last */

/* CREATE INDEX keeps its lock on the table until the transaction ends, for those who write it: they must see
 * the index. This one nobody will see, and other sessions plan what writes the table. What is left of the
 * lock keeps them from altering it. */
static void
table_unlock(Oid table_id)
{
    LOCKTAG tag;
    LockRelationOid(table_id, AccessShareLock);
    SET_LOCKTAG_RELATION(tag, MyDatabaseId, table_id);
    while (twin_lock_is_held(&tag, ShareLock) && LockRelease(&tag, ShareLock, false))
        ;
}

void
twin_suppose_unlock(const IndexStmt *statement)
{
    Oid table_id;
    ListCell *cell;
    if (!suppose_indexes || statement->concurrent)
        return;
    table_id = RangeVarGetRelid(statement->relation, NoLock, true);
    if (!OidIsValid(table_id))
        return;
    foreach (cell, find_all_inheritors(table_id, NoLock, NULL)) {
        Oid part_id = lfirst_oid(cell);
        if (get_rel_relkind(part_id) == RELKIND_PARTITIONED_TABLE || twin_relation_id_is_twin(part_id))
            table_unlock(part_id);
    }
}

/* The empty index, and its file; InvalidOid: this database has none that would do. */
static Oid
nothing_index(Oid *ret_file)
{
    Oid schema = get_namespace_oid("fettle_twin", true);
    Oid index_id = OidIsValid(schema) ? get_relname_relid(NOTHING_INDEX, schema) : InvalidOid;
    HeapTuple row = OidIsValid(index_id) ? SearchSysCache1(RELOID, ObjectIdGetDatum(index_id)) : NULL;
    *ret_file = InvalidOid;
    if (!HeapTupleIsValid(row))
        return InvalidOid;
    if (((Form_pg_class)GETSTRUCT(row))->reltablespace == InvalidOid)
        *ret_file = ((Form_pg_class)GETSTRUCT(row))->relfilenode;
    ReleaseSysCache(row);
    return index_id;
}

bool
twin_index_is_supposed_here(Relation index)
{
    return has_supposed && index->rd_rel->relfilenode == supposed_file;
}

bool
twin_index_is_supposed(Relation index)
{
    Oid file;
    return OidIsValid(nothing_index(&file)) && OidIsValid(file) && index->rd_rel->relfilenode == file;
}

bool
twin_table_can_go_without_file(Relation table)
{
    return table->rd_rel->relkind != RELKIND_PARTITIONED_TABLE && twin_relation_is_twin(table) &&
           table->rd_rel->relpersistence == RELPERSISTENCE_PERMANENT &&
           !OidIsValid(GetDefaultTablespace(RELPERSISTENCE_PERMANENT, false));
}

static bool
table_can_have_supposed(Relation table)
{
    return twin_table_can_go_without_file(table) && table->rd_createSubid == InvalidSubTransactionId &&
           table->twin_first_file_subtransaction == InvalidSubTransactionId;
}

/* Over columns alone, and of no use to tell how many rows are alike. */
static bool
tells_nothing(const IndexStmt *statement)
{
    ListCell *cell;
    if (statement->unique || statement->whereClause != NULL)
        return false;
    foreach (cell, statement->indexParams)
        if (lfirst_node(IndexElem, cell)->expr != NULL)
            return false;
    return true;
}

/* A type's default operator class, as it was looked up last. */
typedef struct DefaultClass {
    Oid type;
    Oid operators;
} DefaultClass;

#define DEFAULT_CLASSES 64
static DefaultClass default_classes[DEFAULT_CLASSES];

/* The server reads all of pg_opclass for it, for every column. */
Oid
twin_default_class(Oid type)
{
    DefaultClass *known = &default_classes[type % DEFAULT_CLASSES];
    if (known->type != type || !SearchSysCacheExists1(CLAOID, ObjectIdGetDatum(known->operators)))
        *known = (DefaultClass){type, GetDefaultOpClass(type, BTREE_AM_OID)};
    return known->operators;
}

/* Its name with schema; NIL: the type has none. */
static List *
default_class_name(Oid type)
{
    HeapTuple row = SearchSysCache1(CLAOID, ObjectIdGetDatum(twin_default_class(type)));
    Form_pg_opclass form;
    List *name;
    if (!HeapTupleIsValid(row))
        return NIL;
    form = (Form_pg_opclass)GETSTRUCT(row);
    name = list_make2(makeString(get_namespace_name(form->opcnamespace)),
                      makeString(pstrdup(NameStr(form->opcname))));
    ReleaseSysCache(row);
    return name;
}

/* Says what the server would look up. */
static void
default_classes_name(Oid table_id, const IndexStmt *statement)
{
    ListCell *cell;
    foreach (cell, statement->indexParams) {
        IndexElem *element = lfirst_node(IndexElem, cell);
        AttrNumber attnum = element->name == NULL ? InvalidAttrNumber : get_attnum(table_id, element->name);
        if (element->opclass == NIL && attnum > 0)
            element->opclass = default_class_name(get_atttype(table_id, attnum));
    }
}

static ObjectAddress
index_define(Oid table_id, IndexStmt *statement)
{
    ObjectAddress address = InvalidObjectAddress;
    if (!tells_nothing(statement))
        return twin_define_index(table_id, statement);
    twin_estimates_hold(table_id);
    PG_TRY();
    {
        address = twin_define_index(table_id, statement);
        CommandCounterIncrement();
    }
    PG_FINALLY();
    {
        twin_estimates_release(address.objectId);
    }
    PG_END_TRY();
    return address;
}

bool
twin_suppose_index(IndexStmt *statement, const char *text)
{
    IndexStmt *copy;
    ObjectAddress address;
    Relation table, index;
    Oid table_id, file, nothing_id;
    bool can;
    if (!suppose_indexes || XactReadOnly || statement->concurrent || statement->isconstraint ||
        statement->tableSpace != NULL || statement->transformed ||
        strcmp(statement->accessMethod, DEFAULT_INDEX_TYPE) != 0)
        return false;
    nothing_id = nothing_index(&file);
    if (!OidIsValid(file))
        return false;
    /* As the server does it: the lock and the owner's right first. */
    table_id =
        RangeVarGetRelidExtended(statement->relation, ShareLock, 0, RangeVarCallbackOwnsRelation, NULL);
    table = relation_open(table_id, NoLock);
    can = table->rd_tableam != NULL && table_can_have_supposed(table);
    relation_close(table, NoLock);
    if (!can)
        return false;
    LockRelationOid(nothing_id, AccessShareLock);
    nothing_index(&file); /* another session could have given it another file before the lock */
    copy = transformIndexStmt(table_id, copyObject(statement), text);
    copy->twin_existing_file = file;
    default_classes_name(table_id, copy);
    has_supposed = true;
    supposed_file = file;
    address = index_define(table_id, copy);
    if (!OidIsValid(address.objectId))
        return true; /* IF NOT EXISTS */
    /* Its file is not this transaction's: as ALTER TABLE says it of an index whose file it keeps. */
    index = index_open(address.objectId, NoLock);
    index->rd_createSubid = InvalidSubTransactionId;
    index->twin_first_file_subtransaction = InvalidSubTransactionId;
    index_close(index, NoLock);
    table_unlock(table_id);
    return true;
}

void
twin_suppose_check_truncate(void)
{
    if (has_supposed)
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("cannot truncate in a transaction that supposes indexes"),
                        errdetail("A planner twin's supposed indexes have no files of their own.")));
}

static void
suppose_at_end(XactEvent event, void *context)
{
    switch (event) {
        case XACT_EVENT_PRE_COMMIT:
        case XACT_EVENT_PRE_PREPARE:
            if (has_supposed)
                ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                                errmsg("cannot commit supposed indexes of a planner twin"),
                                errhint("Use ROLLBACK, or set fettle_twin.suppose_indexes to off before "
                                        "CREATE INDEX.")));
            break;
        case XACT_EVENT_COMMIT:
        case XACT_EVENT_ABORT:
        case XACT_EVENT_PREPARE: has_supposed = false; break;
        default: break;
    }
}

void
twin_suppose_install(void)
{
    DefineCustomBoolVariable("fettle_twin.suppose_indexes",
                             "Makes CREATE INDEX of B-trees on twin tables cheap and uncommittable.", NULL,
                             &suppose_indexes, false, PGC_USERSET, 0, NULL, NULL, NULL);
    RegisterXactCallback(suppose_at_end, NULL);
}
