// SPDX-License-Identifier: PostgreSQL
/*
 * Running what a foreign database made us run - domain checks, input and comparison functions - as someone
 * without rights, and going on when it fails.
 *
 *     TwinUntrusted run;
 *     twin_untrusted_begin(&run, role);
 *     PG_TRY();
 *     { ...; twin_untrusted_end(&run); }
 *     PG_CATCH();
 *     { twin_untrusted_fail(&run, "values of ..."); }
 *     PG_END_TRY();
 *
 * begin() opens a subtransaction, becomes the role in a security-restricted operation and nests settings, all
 * of which end() and fail() undo. fail() turns the error into a NOTICE; cancellation, shutdown, exhausted
 * memory and internal errors are thrown on.
 */
#ifndef FETTLE_TWIN_UNTRUSTED_H
#define FETTLE_TWIN_UNTRUSTED_H

#include "twin_module.h"

#include "utils/resowner.h"

typedef struct TwinUntrusted {
    MemoryContext context;
    ResourceOwner owner;
    Oid user;
    int security;
    int settings_level;
} TwinUntrusted;

void twin_untrusted_begin(TwinUntrusted *run, Oid role);
void twin_untrusted_end(TwinUntrusted *run);
void twin_untrusted_fail(TwinUntrusted *run, const char *subject);

#endif
