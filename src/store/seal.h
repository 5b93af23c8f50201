// SPDX-License-Identifier: PostgreSQL
/*
 * Sealing: secrets of targets as they are kept in the store (libsodium's secretbox: XSalsa20 and Poly1305).
 *
 * The key is in a file of mode 0600 outside the store, 32 random bytes as hexadecimal text, made when the
 * first secret is sealed. So neither the store, nor its backup, nor a copy of its disk gives a password away;
 * who moves a store takes the key file along. A file that others may read, or that is not ours, is refused.
 *
 * A sealed secret is bound to the connection string it belongs to: it opens beside that one only, so that who
 * can write to the store cannot have a password sent to a server of their choice.
 */
#ifndef FETTLE_STORE_SEAL_H
#define FETTLE_STORE_SEAL_H

#include "store/store.h"

typedef struct SealKey SealKey;

/* The sealed form as hexadecimal text, in the arena. session: to see that no key is made over a lost one. */
bool seal_close(Store *store, PgConnection *session, Arena *arena, const char *conninfo, const char *secrets,
                char **ret_sealed, Error *error) FETTLE_MUST_USE;

/* The secrets; ERROR_DAMAGED when the key or the connection string is not the one they were sealed with. */
bool seal_open(Store *store, Arena *arena, const char *conninfo, const char *sealed, const char **ret_secrets,
               Error *error) FETTLE_MUST_USE;

#endif
