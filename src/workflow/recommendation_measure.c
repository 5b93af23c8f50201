// SPDX-License-Identifier: PostgreSQL
#include "workflow/recommendation_measure.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

bool
recommendation_measure(const IndexManager *manager, Arena *arena, int64_t implementation_id,
                       Implementation *ret_implementation, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    return store_session_take(manager->store, 0, &session, error) &&
           implementation_measure_simply(session.connection, implementation_id, error) &&
           implementation_get(session.connection, arena, implementation_id, ret_implementation, error);
}

bool
recommendation_wants_undo(Arena *arena, const Implementation *implementation, const char **ret_reason)
{
    /* of one query, or with an interval: a whole database's mean moves with what it is asked */
    bool is_certain = implementation->query_hash != 0 || implementation->actual_high < 0;
    bool is_harmful = is_certain && implementation->index_change_id != 0 &&
                      implementation->undo_change_id == 0 &&
                      strcmp(implementation->status, "regressed") == 0 &&
                      implementation->actual_percent <= -MEASURE_HARM_PERCENT;
    if (is_harmful)
        *ret_reason = arena_printf(arena, "measured %.1f %% slower", -implementation->actual_percent);
    return is_harmful;
}
