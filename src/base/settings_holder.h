// SPDX-License-Identifier: PostgreSQL
/*
 * SettingsHolder: the settings of a running server, replaced as a whole on a reload.
 *
 * A reader takes the current snapshot, reads it as long as it likes, and gives it back; a reload puts another
 * one in place without waiting. A snapshot is freed when the last reader has given it back and it is not
 * current any more. Any thread may call.
 *
 *     FETTLE_CLEANUP(settings_give_at) const SettingsSnapshot *held = settings_take(holder);
 *     int64_t interval_ms = settings_get_int(settings_of(held), SETTING_COLLECT_INTERVAL);
 */
#ifndef FETTLE_BASE_SETTINGS_HOLDER_H
#define FETTLE_BASE_SETTINGS_HOLDER_H

#include "base/settings.h"

typedef struct SettingsHolder SettingsHolder;
typedef struct SettingsSnapshot SettingsSnapshot;

/* Takes over arena, in which the settings live. */
SettingsHolder *settings_holder_new(Arena *arena, const Settings *settings);
/* Every snapshot must have been given back. NULL is allowed. */
void settings_holder_free(SettingsHolder *holder);

const SettingsSnapshot *settings_take(SettingsHolder *holder);
void settings_give(const SettingsSnapshot *snapshot);
void settings_give_at(const SettingsSnapshot **snapshot);
const Settings *settings_of(const SettingsSnapshot *snapshot);

/* Puts other settings in place; takes over arena. */
void settings_replace(SettingsHolder *holder, Arena *arena, const Settings *settings);

#endif
