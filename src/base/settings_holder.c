// SPDX-License-Identifier: PostgreSQL
#include "base/settings_holder.h"

#include <pthread.h>
#include <stdlib.h>

struct SettingsSnapshot {
    SettingsHolder *holder;
    Arena *arena;
    const Settings *settings;
    int users; /* readers, and the holder itself while it is current */
};

struct SettingsHolder {
    pthread_mutex_t mutex;
    SettingsSnapshot *current;
    int snapshots; /* not freed yet */
};

static SettingsSnapshot *
snapshot_new(SettingsHolder *holder, Arena *arena, const Settings *settings)
{
    SettingsSnapshot *snapshot = malloc(sizeof(*snapshot));
    fettle_assert(snapshot != NULL);
    *snapshot = (SettingsSnapshot){.holder = holder, .arena = arena, .settings = settings, .users = 1};
    return snapshot;
}

/* Under the mutex. */
static void
snapshot_leave(SettingsSnapshot *snapshot)
{
    fettle_assert(snapshot->users > 0);
    if (--snapshot->users > 0)
        return;
    snapshot->holder->snapshots--;
    arena_free(snapshot->arena);
    free(snapshot);
}

SettingsHolder *
settings_holder_new(Arena *arena, const Settings *settings)
{
    SettingsHolder *holder = calloc(1, sizeof(*holder));
    fettle_assert(holder != NULL);
    pthread_mutex_init(&holder->mutex, NULL);
    holder->current = snapshot_new(holder, arena, settings);
    holder->snapshots = 1;
    return holder;
}

void
settings_holder_free(SettingsHolder *holder)
{
    if (holder == NULL)
        return;
    snapshot_leave(holder->current);
    fettle_assert(holder->snapshots == 0);
    pthread_mutex_destroy(&holder->mutex);
    free(holder);
}

const SettingsSnapshot *
settings_take(SettingsHolder *holder)
{
    pthread_mutex_lock(&holder->mutex);
    SettingsSnapshot *snapshot = holder->current;
    snapshot->users++;
    pthread_mutex_unlock(&holder->mutex);
    return snapshot;
}

void
settings_give(const SettingsSnapshot *snapshot)
{
    SettingsHolder *holder = snapshot->holder;
    pthread_mutex_lock(&holder->mutex);
    /* only readers see it as constant */
    snapshot_leave((SettingsSnapshot *)snapshot);
    pthread_mutex_unlock(&holder->mutex);
}

void
settings_give_at(const SettingsSnapshot **snapshot)
{
    if (*snapshot != NULL)
        settings_give(*snapshot);
}

const Settings *
settings_of(const SettingsSnapshot *snapshot)
{
    return snapshot->settings;
}

void
settings_replace(SettingsHolder *holder, Arena *arena, const Settings *settings)
{
    SettingsSnapshot *next = snapshot_new(holder, arena, settings);
    pthread_mutex_lock(&holder->mutex);
    SettingsSnapshot *before = holder->current;
    holder->current = next;
    holder->snapshots++;
    snapshot_leave(before);
    pthread_mutex_unlock(&holder->mutex);
}
