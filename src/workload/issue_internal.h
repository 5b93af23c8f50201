// SPDX-License-Identifier: PostgreSQL
/*
 * What the files of issues share.
 *
 *   issue.c            the types' words, one issue an object, order and limits
 *   issue_catalog.c    tables and indexes as they were last seen
 *   issue_plan.c       what a statement's plan tells
 *   issue_statement.c  what a statement's text and figures tell
 *   issue_server.c     what tables and settings tell
 */
#ifndef FETTLE_WORKLOAD_ISSUE_INTERNAL_H
#define FETTLE_WORKLOAD_ISSUE_INTERNAL_H

#include "workload/issue.h"

#define ISSUE_NO_STATEMENT SIZE_MAX

typedef struct IssueWork {
    Arena *arena;
    const IssueInput *input;
    IssueList list;
    Map *places;      /* IssuePlace * of the list's items, by type and object: issue.c */
    Map *index_users; /* size_t *, by database and index: the one statement whose plan uses it */
    Issues counts;
} IssueWork;

/* What was found of one object; the first table is NULL when no table is meant. */
typedef struct IssueFound {
    IssueType type;
    IssueSeverity severity;
    const char *database_name;
    const char *object; /* that has one issue of the type: a table, an index, a text */
    const char *table;  /* "public.orders"; NULL: none of its own, the statement's are named */
    size_t statement;   /* place of its template, or ISSUE_NO_STATEMENT */
    const char *figure;
    double value;
    double threshold;
    const char *description;
    const char *action;
} IssueFound;

/* The gravest of an object is what is told of it, with all statements. What is found of a statement in one
 * look at it, or at the object, comes without another statement between. */
void issue_add(IssueWork *work, const IssueFound *found);

/* By a figure whose greater values are worse; more than high is ISSUE_HIGH. */
IssueSeverity issue_severity_above(double value, double high);

/* "public.orders" */
const char *issue_table_name(Arena *arena, const IssueTable *table);
/* For people: "SELECT ... FROM orders WHERE ..." */
const char *issue_statement_label(const IssueWork *work, size_t place);

/* The table that a plan means by the name, helped by the statement's own tables; NULL: none, or several. */
const IssueTable *issue_table_of_plan(const IssueWork *work, size_t place, const char *name);
const IssueTable *issue_table_named(const IssueCatalog *catalog, const char *database_name,
                                    const char *schema, const char *name);
/* NAN: not known. */
double issue_index_rows(const IssueCatalog *catalog, const char *database_name, const char *name);

/* Fills index_users, before any plan is looked at; ISSUE_NO_STATEMENT: several use it. */
void issue_index_users_find(IssueWork *work);
void issues_of_plan(IssueWork *work, size_t place);
void issues_of_statement(IssueWork *work, size_t place);
void issues_of_similar(IssueWork *work);
void issues_of_tables(IssueWork *work);
void issues_of_settings(IssueWork *work);

#endif
