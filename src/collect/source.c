// SPDX-License-Identifier: PostgreSQL
#include "collect/source.h"

static const SourceOps *const drivers[] = {&source_postgres};

bool
source_open(const SourceOptions *options, SourceSession **ret_session, Error *error)
{
    for (size_t i = 0; i < FETTLE_COUNT_OF(drivers); i++)
        if (drivers[i]->accepts(options->dsn))
            return drivers[i]->open(options, ret_session, error);
    return error_set(error, ERROR_INPUT, "there is no driver for this connection string");
}

void
source_close(SourceSession *session)
{
    if (session != NULL)
        session->ops->close(session);
}

void
source_close_at(SourceSession **session)
{
    source_close(*session);
    *session = NULL;
}
