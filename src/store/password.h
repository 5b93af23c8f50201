// SPDX-License-Identifier: PostgreSQL
/*
 * Password hashes: argon2id with libsodium's interactive limits (64 MiB, about 0.3 s). At most two are
 * computed at a time in the process, so that a flood of logins takes 128 MiB and no more; others wait.
 */
#ifndef FETTLE_STORE_PASSWORD_H
#define FETTLE_STORE_PASSWORD_H

#include "base/error.h"

#define PASSWORD_HASH_BYTES 128
#define PASSWORD_HASHES_AT_ONCE 2

bool password_hash(const char *password, char ret_hash[PASSWORD_HASH_BYTES], Error *error) FETTLE_MUST_USE;

/* hash NULL: of nobody; false, after as much work as for somebody. */
bool password_verify(const char *hash, const char *password) FETTLE_MUST_USE;

#endif
