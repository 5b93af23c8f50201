// SPDX-License-Identifier: PostgreSQL
/*
 * IndexPlan: what is to be done on the target for an order to create or drop an index, checked before any of
 * it is done: names that exist, rights, a server that can be written, nothing that something else needs,
 * room on the disk; and the statement that undoes it.
 *
 *     index_plan_create(&manager, arena, &order, &plan, error)   asks the target, changes nothing
 *     index_plan_record(&manager, arena, &plan, &id, error)      the history's row, before the first
 * statement index_run(&manager, arena, id, error)                      index_run.h
 *
 * Refusals, by code: ERROR_INPUT what is named wrongly; ERROR_CONFLICT a name that is taken by something
 * else; ERROR_UNSUPPORTED and ERROR_PERMISSION what the object or the role cannot take; ERROR_DISK_FULL.
 * ERROR_CONNECTION and the like are the target's own.
 */
#ifndef FETTLE_WORKFLOW_INDEX_PLAN_H
#define FETTLE_WORKFLOW_INDEX_PLAN_H

#include "base/list.h"
#include "store/index_change.h"
#include "store/index_recommendation.h"
#include "workflow/index_session.h"

#define INDEX_COLUMNS_MOST 32
/* More than any change or undo has, with the marks of all columns. */
#define INDEX_STATEMENTS_MOST 40
/* In the ERROR_CONFLICT of an index that is being built: it passes by itself. */
#define INDEX_SQLSTATE_BUSY "55006"

typedef struct IndexOrder {
    int64_t target_id;
    const char *database; /* NULL: that of the target's connection string */
    const char *schema;   /* NULL: the table's name must be enough */
    const char *table;
    const char *name;
    const char *const *columns; /* names; at most INDEX_COLUMNS_MOST with the included ones */
    size_t column_count;
    const char *const *included;
    size_t included_count;
    const char *method; /* "btree" ... */
    bool is_unique;
    const char *replaced;   /* index of the same table that goes once the new one is there; NULL: none */
    const char *definition; /* a CREATE INDEX in place of columns, method and uniqueness; NULL: none */
    const char *marks;      /* further statements of the definition, joined by ";" (IndexFacts); NULL: none */
    const char *made_by; /* what made the index that goes, for an undo: no other one goes; NULL: whichever */
    bool only_invalid;   /* to drop: not one that is valid by now */
    int64_t recommendation_id;
    const char *performed_by;
} IndexOrder;

typedef struct IndexPlan {
    IndexChange change;  /* as it will be recorded */
    bool is_done;        /* the target is as wanted: nothing to do, nothing to record */
    const char *message; /* for people: what will happen, or why nothing has to */
    const char *note;    /* a warning: what does the same already, or may have been meant; NULL: none */
    double wanted_bytes; /* of the disk, at most, while it is built; estimated; 0 for a drop */
    int64_t free_bytes;  /* -1 not known */
} IndexPlan;

/* PostgreSQL's own. */
#define INDEX_METHODS "btree, hash, gist, spgist, gin, brin"
/* Whether it is one of them. */
bool index_method_is_known(const char *method);
/* The CREATE INDEX of an order without a definition; names are quoted. */
char *index_order_statement(Arena *arena, const IndexOrder *order, const char *schema);
/* The order that carries out a recommendation, but for performed_by: for index_plan_drop() when its type is
 * drop, else for index_plan_create(). ERROR_UNSUPPORTED: one to rebuild. */
bool index_order_of_recommendation(const IndexRecommendation *recommendation, IndexOrder *ret_order,
                                   Error *error) FETTLE_MUST_USE;
char *index_drop_statement(Arena *arena, const char *schema, const char *name);
/* The CREATE INDEX that what a change or its undo does begins with; "" where it has no statement. */
const char *index_first_statement(Arena *arena, const char *text);
/* Those of its statements that are marks of the index. */
TextList index_marks_of(Arena *arena, const char *text, const char *schema, const char *name);

/* With replaced the change's action is "modify": two statements, and two that undo them. */
bool index_plan_create(const IndexManager *manager, Arena *arena, const IndexOrder *order,
                       IndexPlan *ret_plan, Error *error) FETTLE_MUST_USE;
/* From target_id to name, recommendation_id and performed_by are read. table NULL: whichever it is of. */
bool index_plan_drop(const IndexManager *manager, Arena *arena, const IndexOrder *order, IndexPlan *ret_plan,
                     Error *error) FETTLE_MUST_USE;
/* A change that takes back a change that ended; the other way round again when that is undone.
 * ERROR_CONFLICT: it came to nothing, or what it made was replaced by another index since. Where only the
 * server can tell the two apart (an expression, a predicate), index_run() does. */
bool index_plan_undo(const IndexManager *manager, Arena *arena, const IndexChange *change,
                     const char *performed_by, IndexPlan *ret_plan, Error *error) FETTLE_MUST_USE;
/* ERROR_CONFLICT while another change of the table is open. */
bool index_plan_record(const IndexManager *manager, Arena *arena, const IndexPlan *plan, int64_t *ret_id,
                       Error *error) FETTLE_MUST_USE;

/* Refuses to drop what something else needs, or what this session may not drop. */
bool index_facts_check_drop(Arena *arena, const IndexFacts *facts, Error *error) FETTLE_MUST_USE;
/* What was made may be taken back, whatever it is good for and whatever owns its table by now: there was
 * nothing before, and nobody will want it made again. */
void index_facts_excuse(IndexFacts *facts);

#endif
