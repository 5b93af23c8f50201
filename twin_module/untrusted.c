// SPDX-License-Identifier: PostgreSQL
/*
 * Foreign code under a role without rights (untrusted.h), and untrusted_array(): texts of statistics to
 * arrays.
 *
 * The function is declared to return anyarray, which is what pg_statistic.stavalues is; CREATE FUNCTION
 * refuses such a declaration, so install.sql alters the catalog row. Its plain name for C is array_in() with
 * a guard.
 */
#include "untrusted.h"

#include "access/detoast.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#define VALUE_BYTES_MAX (64 * 1024 * 1024) /* of one text; an array of 10,000 values of 1 kB has 10 MB */

void
twin_untrusted_begin(TwinUntrusted *run, Oid role)
{
    run->context = CurrentMemoryContext;
    run->owner = CurrentResourceOwner;
    GetUserIdAndSecContext(&run->user, &run->security);
    BeginInternalSubTransaction(NULL);
    MemoryContextSwitchTo(run->context);
    run->settings_level = NewGUCNestLevel();
    SetUserIdAndSecContext(role,
                           run->security | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
}

void
twin_untrusted_end(TwinUntrusted *run)
{
    AtEOXact_GUC(false, run->settings_level);
    SetUserIdAndSecContext(run->user, run->security);
    ReleaseCurrentSubTransaction();
    MemoryContextSwitchTo(run->context);
    CurrentResourceOwner = run->owner;
}

static bool
is_fatal_to_batch(const ErrorData *error)
{
    return error->sqlerrcode == ERRCODE_QUERY_CANCELED || error->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN ||
           error->sqlerrcode == ERRCODE_CRASH_SHUTDOWN || error->sqlerrcode == ERRCODE_OUT_OF_MEMORY ||
           error->sqlerrcode == ERRCODE_DISK_FULL || error->sqlerrcode == ERRCODE_DATA_CORRUPTED;
}

void
twin_untrusted_fail(TwinUntrusted *run, const char *subject)
{
    ErrorData *error;
    MemoryContextSwitchTo(run->context);
    error = CopyErrorData();
    FlushErrorState();
    RollbackAndReleaseCurrentSubTransaction(); /* also gives role and settings back */
    MemoryContextSwitchTo(run->context);
    CurrentResourceOwner = run->owner;
    if (is_fatal_to_batch(error))
        ReThrowError(error);
    ereport(NOTICE, (errcode(error->sqlerrcode), errmsg("left out %s: %s", subject, error->message)));
    FreeErrorData(error);
}

TWIN_SQL_FUNCTION(fettle_twin_untrusted_array);
Datum
fettle_twin_untrusted_array(PG_FUNCTION_ARGS)
{
    text *value;
    char *input;
    Oid element, role;
    TwinUntrusted run;
    volatile bool is_read = false;
    volatile Datum array = (Datum)0;
    if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
        PG_RETURN_NULL();
    if (toast_raw_datum_size(PG_GETARG_DATUM(0)) > VALUE_BYTES_MAX) {
        ereport(NOTICE, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                         errmsg("left out an array: its text is over %d bytes", VALUE_BYTES_MAX)));
        PG_RETURN_NULL();
    }
    value = PG_GETARG_TEXT_PP(0);
    input = text_to_cstring(value);
    element = PG_GETARG_OID(1);
    role = PG_GETARG_OID(2);
    if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role)))
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("role with OID %u does not exist", role)));
    if (get_typtype(element) == TYPTYPE_PSEUDO || !get_typisdefined(element)) {
        ereport(NOTICE, (errcode(ERRCODE_UNDEFINED_OBJECT),
                         errmsg("left out an array: type with OID %u has no values", element)));
        PG_RETURN_NULL();
    }
    twin_untrusted_begin(&run, role);
    PG_TRY();
    {
        array = OidFunctionCall3(F_ARRAY_IN, CStringGetDatum(input), ObjectIdGetDatum(element),
                                 Int32GetDatum(-1));
        is_read = true;
        twin_untrusted_end(&run);
    }
    PG_CATCH();
    {
        is_read = false;
        twin_untrusted_fail(&run, "an array");
    }
    PG_END_TRY();
    pfree(input);
    if (!is_read)
        PG_RETURN_NULL();
    PG_RETURN_DATUM(array);
}
