// SPDX-License-Identifier: PostgreSQL
/*
 * Shape of an index that nobody has built: its columns' widths, NULLs and distinct values, as the table's
 * statistics tell, from which each access method's file derives pages. Lives in the estimator's memory
 * context.
 *
 * A column's widths are a few stored widths (from most common values and histogram), so that alignment is
 * summed over plausible tuples and not over an average tuple that does not exist.
 */
#ifndef FETTLE_TWIN_ESTIMATE_H
#define FETTLE_TWIN_ESTIMATE_H

#include "twin_module.h"

#include "utils/lsyscache.h"

#define TWIN_VALUE_SAMPLES 100
#define TWIN_TUPLE_SAMPLES 64

typedef struct TwinColumn {
    Node *expression; /* over the table as range table entry 1 */
    Oid type;         /* of the expression */
    bool is_opaque;   /* stored as another type than the expression's, by the operator class */
    int16 length;     /* of the stored type: > 0, -1 variable, -2 C string */
    char alignment;
    double null_fraction;
    bool is_known; /* as a column of the table with statistics, of which the next three are */
    float4 null_stored;
    float4 distinct_stored;
    double order;       /* correlation with the rows' order; 0: none or unknown */
    double distinct;    /* of the whole table's non-null values that the predicate allows, at least 1 */
    bool is_restricted; /* by the predicate to fewer of them */
    double share;       /* of the rows, that the predicate's clauses on it leave */
    double width_mean;
    int width_count;
    double widths[TWIN_VALUE_SAMPLES]; /* stored bytes, header included */
    int common_count;                  /* most common values */
    float4 *common_fractions;
    /* of a GIN column's elements; element_count 0: unknown */
    double element_mean; /* distinct elements per row */
    int element_count;
    float4 *element_fractions; /* of rows that have the element */
    Datum *elements;
    double element_width;
} TwinColumn;

typedef struct TwinIndexShape {
    Relation table;
    Relation index;
    PlannerInfo *root;
    RelOptInfo *rel;
    double table_pages;
    double rows; /* of the table that the index holds: the predicate's */
    bool is_partial;
    int key_count;
    int column_count; /* keys and INCLUDE columns */
    TwinColumn columns[INDEX_MAX_KEYS];
} TwinIndexShape;

/* estimate.c. Mean MAXALIGNed size of an index tuple of the first columns. */
double twin_shape_tuple_size(const TwinIndexShape *shape, int columns);
/* Distinct combinations of the first key columns among the indexed rows; between 1 and rows. */
double twin_shape_distinct(const TwinIndexShape *shape, int columns);
/* The same two of the rows in which these of the columns, a bit each, are NULL and no other is: that share of
 * all. */
double twin_shape_tuple_size_where(const TwinIndexShape *shape, int columns, uint32 nulls);
double twin_shape_distinct_where(const TwinIndexShape *shape, int columns, uint32 nulls, double share);
bool twin_columns_are_null_together(const TwinColumn *column, const TwinColumn *other);
/* Distinct values seen when drawing this many rows from so many. */
double twin_distinct_drawn(double possible, double rows);
/* Distinct combinations of these columns among the indexed rows. */
double twin_shape_distinct_variables(const TwinIndexShape *shape, List *variables);

/* estimate_expression.c: of an expression, or of a column, without statistics of its own. */
/* From the values of the expression's only column, or, without one, of its columns; false: it cannot be
 * computed for them. Distinct values of all that there can be, in however many rows. estimate_evaluate.c */
bool twin_expression_evaluate(const TwinIndexShape *shape, Node *expression, Var *variable,
                              double *ret_distinct, double *ret_width);
/* What the expression gives for each value of its only column that statistics show, with the share of the
 * rows that have it, or, without one, for rows drawn from several; false: it cannot be computed for them.
 * First what it gives for NULL, where there are NULLs, then of the common values, then of the histogram's
 * bounds in their order. Where there are more than TWIN_EVALUATED_MOST, evenly chosen ones stand for all: a
 * common value then for OTHERS, with their share. A result goes when the visit returns. Where the column has
 * most whole numbers of its histogram, each but the first and the last bound stands for a number up to the
 * next, and is followed by that number's next. */
#define TWIN_EVALUATED_MOST 400
typedef enum TwinResultOrigin {
    TWIN_OF_NULL,
    TWIN_OF_COMMON,
    TWIN_OF_OTHERS,
    TWIN_OF_HISTOGRAM,
    TWIN_OF_NEXT, /* of the whole number after the last one: no row's, its share is 0 */
    TWIN_OF_ROW   /* of several columns */
} TwinResultOrigin;
typedef void TwinResultVisit(const Const *result, double share, TwinResultOrigin origin, void *context);
bool twin_expression_results(const TwinIndexShape *shape, Node *expression, Var *variable,
                             TwinResultVisit *visit, void *context);
/* Of immutable functions of the server's own. */
bool twin_expression_is_computable(Node *expression);
typedef struct TwinValue {
    const Var *variable;
    Const *constant;
} TwinValue;
TwinValue *twin_value_make(const Var *variable, Datum datum, bool is_null);
/* For a row of TwinValue; NULL: it has no value there, or a wide one. */
const Const *twin_expression_compute(Node *expression, List *row);

/* estimate_rows.c: rows of the expression's columns, at most TWIN_EVALUATED_MOST, no two alike; 0: the
 * columns' values are not known. */
typedef struct TwinRow {
    List *values; /* TwinValue */
    double share;
} TwinRow;
int twin_rows_draw(const TwinIndexShape *shape, Node *expression, TwinRow **ret_rows);
/* The same in which only the column of most values varies, and how many that has. */
int twin_rows_vary(const TwinIndexShape *shape, Node *expression, TwinRow **ret_rows, double *ret_distinct);
/* How many there can be that differ. */
double twin_rows_possible(const TwinIndexShape *shape, Node *expression);
/* Whole numbers. Dense: of which the column has most between the first bound and the last. */
#define TWIN_DISTANCE_MOST 1e15 /* that is exact as double */
bool twin_is_integer(Oid type);
int64 twin_integer_read(Datum value, Oid type);
Datum twin_integer_form(int64 value, Oid type);
bool twin_histogram_is_dense(const AttStatsSlot *histogram, Oid type, double distinct);
/* A slot of values of that type; else the slot stays empty. */
bool twin_slot_read(AttStatsSlot *slot, HeapTuple statistics, int kind, int flags, Oid type);

/* Without a cast that changes nothing. */
Node *twin_expression_bare(Node *expression);
/* The columns that the expression is made of, each once. */
List *twin_expression_variables(Node *expression);
/* The only one, or NULL. */
Var *twin_expression_variable(Node *expression);
double twin_expression_width(const TwinIndexShape *shape, const TwinColumn *column);
double twin_expression_distinct(const TwinIndexShape *shape, const TwinColumn *column);
/* Share of the rows for which it is NULL; 0 where that is unknown. */
double twin_expression_null_share(const TwinIndexShape *shape, const TwinColumn *column);

/* estimate_range.c: how many values numbers can have, written as such; INFINITY where one was none, or too
 * few differ. */
typedef struct TwinRange {
    double least;
    double greatest;
    int scale; /* most digits behind the point */
    bool is_numeric;
} TwinRange;
void twin_range_begin(TwinRange *range);
void twin_range_add(TwinRange *range, const char *text, int length);
double twin_range_values(const TwinRange *range, double distinct);

/* estimate_json.c: elements of documents (jsonb), as GIN's operator classes have them: so many that are in so
 * many rows each. */
typedef struct TwinDocuments {
    double distinct; /* of the table */
    int count;       /* at most TWIN_EVALUATED_MOST, no two alike, none NULL */
    Datum *values;
    double *shares; /* of the rows that are not NULL */
} TwinDocuments;
typedef void TwinElementAdd(void *context, double count, double rows, double key_bytes);
void twin_json_elements(const TwinDocuments *documents, bool is_path_ops, double rows, TwinElementAdd *add,
                        void *context);

/* estimate_predicate.c: share of the rows for which all clauses hold; NAN where the planner's is. */
double twin_predicate_share(const TwinIndexShape *shape, List *predicate);

/* estimate.c: a shape of a table and an index without columns' figures. */
void twin_shape_begin(TwinIndexShape *shape, Relation table, Relation index);
/* Runs within a memory context of its own, as the estimator: the planner's hooks leave it alone. */
void twin_estimate_run(void (*run)(void *context), void *context);

/* One per access method; ret_estimate comes with tuples set, height -1. */
void twin_estimate_btree(const TwinIndexShape *shape, TwinIndexEstimate *ret_estimate);
void twin_estimate_hash(const TwinIndexShape *shape, TwinIndexEstimate *ret_estimate);
void twin_estimate_gist(const TwinIndexShape *shape, TwinIndexEstimate *ret_estimate);
void twin_estimate_spgist(const TwinIndexShape *shape, TwinIndexEstimate *ret_estimate);
void twin_estimate_brin(const TwinIndexShape *shape, TwinIndexEstimate *ret_estimate);
void twin_estimate_gin(const TwinIndexShape *shape, TwinIndexEstimate *ret_estimate);
/* Of an access method of an extension: tuples on pages three quarters full. */
void twin_estimate_other(const TwinIndexShape *shape, TwinIndexEstimate *ret_estimate);

#endif
