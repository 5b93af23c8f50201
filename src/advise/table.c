// SPDX-License-Identifier: PostgreSQL
/* The advisors, one line each. */
#include "advise/advisor.h"
#include "advise/index/index_advisor.h"

const Advisor *const advisors[] = {
    &index_advisor,
    NULL,
};
