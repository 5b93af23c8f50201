// SPDX-License-Identifier: PostgreSQL
#include "advise/index/hygiene_internal.h"

#include <math.h>

#define DAY_US ((int64_t)24 * 3600 * 1000000)
#define COUNTERS_US_LEAST (7 * DAY_US)

double
review_size_bytes(const HygieneReview *review, const SnapshotIndex *index)
{
    return index->size_blocks < 0 ? NAN
                                  : (double)index->size_blocks * review->input->primary.snapshot->block_bytes;
}

const HygieneUse *
review_use(const HygieneServer *server, uint32_t index_id)
{
    size_t low = 0;
    size_t high = server->use_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (server->uses[middle].index_id < index_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < server->use_count && server->uses[low].index_id == index_id ? &server->uses[low] : NULL;
}

static const SnapshotIndex *
index_on(const HygieneServer *server, const SnapshotIndex *index)
{
    return server->snapshot == NULL ? NULL : snapshot_index(server->snapshot, index->id);
}

static void
use_add(const HygieneServer *server, const SnapshotIndex *index, HygieneFinding *finding)
{
    const SnapshotIndex *there = index_on(server, index);
    const HygieneUse *use = review_use(server, index->id);
    if (there != NULL && there->scans > 0)
        finding->scans += there->scans;
    if (use != NULL && use->last_used_at_us > finding->last_used_at_us)
        finding->last_used_at_us = use->last_used_at_us;
}

void
review_use_sum(const HygieneReview *review, const SnapshotIndex *index, HygieneFinding *finding)
{
    use_add(&review->input->primary, index, finding);
    for (size_t i = 0; i < review->input->replica_count; i++)
        use_add(&review->input->replicas[i], index, finding);
}

/* Since when a server is known not to have used the index; INT64_MAX: it has, or nothing is known of it. */
static int64_t
watched_from(const HygieneServer *server, const SnapshotIndex *index)
{
    const HygieneUse *use = review_use(server, index->id);
    const SnapshotIndex *there = index_on(server, index);
    if (use == NULL || there == NULL || there->scans < 0)
        return INT64_MAX;
    return use->last_used_at_us > use->observed_from_us ? use->last_used_at_us : use->observed_from_us;
}

/* The server of which we know the least; *ret_from_us as above. */
static const HygieneServer *
least_watched(const HygieneReview *review, const SnapshotIndex *index, int64_t *ret_from_us)
{
    const HygieneServer *least = &review->input->primary;
    *ret_from_us = watched_from(least, index);
    for (size_t i = 0; i < review->input->replica_count; i++) {
        int64_t from_us = watched_from(&review->input->replicas[i], index);
        if (from_us > *ret_from_us) {
            *ret_from_us = from_us;
            least = &review->input->replicas[i];
        }
    }
    return least;
}

static int64_t
days_since(const HygieneReview *review, int64_t at_us)
{
    return at_us >= review->input->now_us ? 0 : (review->input->now_us - at_us) / DAY_US;
}

/* An index that its history shows unused long enough is proposed, whatever its counter held before. */
static bool
idle_find(const HygieneReview *review, HygieneFinding *finding)
{
    int64_t from_us;
    const HygieneServer *least = least_watched(review, finding->index, &from_us);
    if (from_us == INT64_MAX || review->input->now_us - from_us < review->input->observation_us)
        return false;
    finding->class = HYGIENE_UNUSED;
    finding->is_proposed = true;
    finding->confidence = 0.95;
    finding->reason = arena_printf(
        review->arena, "not scanned for %lld days, watched without a gap on %s%s; nothing is seen to miss it",
        (long long)days_since(review, from_us), least->name,
        review->input->replica_count > 0 ? " and every other known server" : "");
    return true;
}

/* What the counters alone say: enough to name it, not to propose its removal. */
static bool
counters_find(const HygieneReview *review, HygieneFinding *finding)
{
    const HygieneServer *primary = &review->input->primary;
    int64_t reset_us = primary->statistics_reset_at_us;
    int64_t from_us;
    const HygieneServer *least = least_watched(review, finding->index, &from_us);
    if (finding->scans > 0 || finding->index->scans < 0 || finding->last_used_at_us != 0 ||
        (reset_us != 0 && review->input->now_us - reset_us < COUNTERS_US_LEAST))
        return false;
    for (size_t i = 0; i < review->input->replica_count; i++)
        if (review->input->replicas[i].snapshot == NULL)
            return false;
    finding->class = HYGIENE_UNUSED;
    finding->confidence = 0.5;
    const char *since = reset_us == 0
                            ? "since its counters began"
                            : arena_printf(review->arena, "for the %lld days since its counters began",
                                           (long long)days_since(review, reset_us));
    if (from_us == INT64_MAX)
        finding->reason =
            arena_printf(review->arena,
                         "not scanned %s, but %s does not have its use on record: its age and a "
                         "monthly job are not known; have the service collect it",
                         since, least->name);
    else
        finding->reason = arena_printf(
            review->arena,
            "not scanned %s, and watched on %s for only %lld of %lld days: a monthly job may need it", since,
            least->name, (long long)days_since(review, from_us),
            (long long)(review->input->observation_us / DAY_US));
    return true;
}

static bool
rare_find(const HygieneReview *review, HygieneFinding *finding)
{
    const SnapshotActivity *activity = &finding->relation->activity;
    double scans = (double)activity->sequential_scans + (double)activity->index_scans;
    if (finding->scans == 0 || finding->scans >= review->input->rare_scans ||
        (activity->is_known && scans > 0 &&
         (double)finding->index->scans >= scans * review->input->rare_ratio))
        return false;
    finding->class = HYGIENE_RARELY_USED;
    finding->confidence = 0.5;
    finding->reason = arena_printf(
        review->arena, "%lld scans since its counters began%s: a monthly job looks like this, too",
        (long long)finding->scans,
        activity->is_known && scans > 0 ? arena_printf(review->arena, ", of %.0f of its table", scans) : "");
    return true;
}

bool
review_use_judge(const HygieneReview *review, HygieneFinding *finding)
{
    if (finding->index->is_unique || finding->index->is_exclusion)
        return false;
    return idle_find(review, finding) || counters_find(review, finding) || rare_find(review, finding);
}
