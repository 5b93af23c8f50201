// SPDX-License-Identifier: PostgreSQL
#include "cli/result_report_text.h"

#include "base/json_writer.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>

#define BAR_CELLS 20
#define PERCENT 100

static const char *
share_text(Arena *arena, const ResultShare *share)
{
    if (share->count == 0)
        return "nothing measured";
    return arena_printf(arena, "%3.0f %% (%.0f to %.0f)", share->share * PERCENT, share->low * PERCENT,
                        share->high * PERCENT);
}

static void
append_kind(Text *text, const char *name, const ResultKind *kind)
{
    Arena *arena = text->arena;
    text_append_format(text, "%-26s n %-5" PRId64 " succeeded %s%s\n", name, kind->success.count,
                       share_text(arena, &kind->success), kind->success.is_thin ? ", not enough data" : "");
    if (!isnan(kind->predicted_percent) && isnan(kind->actual_low))
        text_append_format(text, "  predicted %.1f %%, measured %+.1f %%; too few for an interval\n",
                           kind->predicted_percent, kind->actual_percent);
    else if (!isnan(kind->predicted_percent))
        text_append_format(text, "  predicted %.1f %%, measured %+.1f %% (%.1f to %.1f)\n",
                           kind->predicted_percent, kind->actual_percent, kind->actual_low,
                           kind->actual_high);
    if (!isnan(kind->accuracy))
        text_append_format(text, "  accuracy %.2f%s\n", kind->accuracy,
                           isnan(kind->factor)
                               ? ""
                               : arena_printf(arena, ", confidence is multiplied by %.2f", kind->factor));
    if (kind->failed > 0)
        text_append_format(text, "  %" PRId64 " failed on the target\n", kind->failed);
}

static void
append_bin(Text *text, const ResultBin *bin)
{
    text_append_format(text, "  %.1f-%.1f  stated %.2f  held %-20s n %-5" PRId64 " ", bin->from, bin->to,
                       bin->stated, share_text(text->arena, &bin->held), bin->held.count);
    for (int cell = 0; cell < (int)lround(bin->held.share * BAR_CELLS); cell++)
        text_append(text, "#");
    text_append(text, bin->held.is_thin ? " not enough data\n" : "\n");
}

void
result_report_append_text(Text *text, const ResultReport *report)
{
    if (report->all.success.count == 0 && report->all.failed == 0) {
        text_append(text, "nothing was measured yet\n");
        return;
    }
    for (size_t i = 0; i < report->kind_count; i++) {
        const ResultKind *kind = &report->kinds[i];
        append_kind(text,
                    kind->kind[0] == '\0' ? kind->source_type
                                          : arena_printf(text->arena, "%s %s", kind->source_type, kind->kind),
                    kind);
    }
    append_kind(text, "all", &report->all);
    text_append(text, "\ncalibration: the confidence that was stated, and the share that held\n");
    for (size_t i = 0; i < RESULT_REPORT_BINS; i++)
        if (report->bins[i].held.count > 0)
            append_bin(text, &report->bins[i]);
}

void
result_report_append_json(Text *text, const ResultReport *report)
{
    JsonWriter json = json_writer_new(text, true);
    json_object_begin(&json);
    result_report_json(&json, report);
    json_object_end(&json);
    text_append_char(text, '\n');
}
