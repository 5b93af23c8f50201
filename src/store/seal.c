// SPDX-License-Identifier: PostgreSQL
#include "store/seal.h"

#include "base/file.h"
#include "store/store_handle_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_TEXT_BYTES (crypto_secretbox_KEYBYTES * 2)
#define SEALED_BYTES_MOST 65536

struct SealKey {
    unsigned char bytes[crypto_secretbox_KEYBYTES];
};

static const char *
key_path(const Store *store, Arena *arena)
{
    const char *told = settings_get_text(store->settings, SETTING_STORE_KEY_FILE);
    return told[0] != '\0' ? told : path_join(arena, store->data_directory, "key");
}

static bool
key_check_file(int descriptor, const char *path, Error *error)
{
    struct stat status;
    if (fstat(descriptor, &status) != 0)
        return error_set_errno(error, errno, "could not look at the key file %s", path);
    if (!S_ISREG(status.st_mode))
        return error_set(error, ERROR_INPUT, "the key file %s is no file", path);
    if ((status.st_mode & 077) != 0) {
        error_set(error, ERROR_PERMISSION, "others may read or write the key file %s (mode %04o)", path,
                  status.st_mode & 07777U);
        return error_set_hint(error, "run: chmod 600 %s", path);
    }
    if (status.st_uid != geteuid() && status.st_uid != 0)
        return error_set(error, ERROR_PERMISSION, "the key file %s belongs to another user", path);
    return true;
}

/* *ret_key NULL when there is no such file. */
static bool
key_read(const char *path, SealKey **ret_key, Error *error)
{
    *ret_key = NULL;
    FETTLE_CLEANUP(descriptor_close_at) int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 && errno == ENOENT)
        return true;
    if (descriptor < 0)
        return error_set_errno(error, errno, "could not open the key file %s", path);
    if (!key_check_file(descriptor, path, error))
        return false;
    char text[KEY_TEXT_BYTES + 2];
    ssize_t length = read(descriptor, text, sizeof(text));
    SealKey *key = sodium_malloc(sizeof(*key));
    fettle_assert(key != NULL);
    size_t count = 0;
    bool is_key =
        (length == KEY_TEXT_BYTES || (length == KEY_TEXT_BYTES + 1 && text[KEY_TEXT_BYTES] == '\n')) &&
        sodium_hex2bin(key->bytes, sizeof(key->bytes), text, KEY_TEXT_BYTES, NULL, &count, NULL) == 0 &&
        count == sizeof(key->bytes);
    sodium_memzero(text, sizeof(text));
    if (is_key) {
        *ret_key = key;
        return true;
    }
    sodium_free(key);
    error_set(error, ERROR_DAMAGED, "the key file %s does not hold a key", path);
    return error_set_hint(error, "put back the file from before: 64 hexadecimal digits");
}

/* Made under another name and linked, so that of two processes at once both get the first one's key. */
static bool
key_make(Arena *arena, const char *path, Error *error)
{
    unsigned char bytes[crypto_secretbox_KEYBYTES];
    char text[KEY_TEXT_BYTES + 2];
    char *temporary = arena_printf(arena, "%s.XXXXXX", path);
    FETTLE_CLEANUP(descriptor_close_at) int descriptor = mkostemp(temporary, O_CLOEXEC);
    if (descriptor < 0)
        return error_set_errno(error, errno, "could not make the key file %s", path);
    randombytes_buf(bytes, sizeof(bytes));
    sodium_bin2hex(text, sizeof(text), bytes, sizeof(bytes));
    text[KEY_TEXT_BYTES] = '\n';
    bool made = write(descriptor, text, KEY_TEXT_BYTES + 1) == KEY_TEXT_BYTES + 1 &&
                fchmod(descriptor, 0600) == 0 && fsync(descriptor) == 0 &&
                (link(temporary, path) == 0 || errno == EEXIST);
    int reason = errno;
    unlink(temporary);
    sodium_memzero(bytes, sizeof(bytes));
    sodium_memzero(text, sizeof(text));
    return made || error_set_errno(error, reason, "could not write the key file %s", path);
}

static bool
key_refuse_lost(const char *path, Error *error)
{
    error_set(error, ERROR_NOT_FOUND,
              "the key file %s is missing, and passwords in the store are sealed with it", path);
    return error_set_hint(error, "put the file back, or set store.key_file to where it is");
}

/* A new key over a lost one would hide that the sealed passwords are lost. */
static bool
key_make_first(const Store *store, PgConnection *session, Arena *arena, const char *path, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *has = NULL;
    if (!store_query(session, "target_has_secrets", NULL, 0, &has, error))
        return false;
    if (pg_result_bool(has, 0, 0))
        return key_refuse_lost(path, error);
    /* beside a store on another server there may be no data directory yet */
    return directory_make(store->data_directory, 0700, error) && key_make(arena, path, error);
}

/* session NULL: only a key that is there. With the mutex held. */
static bool
key_load(Store *store, PgConnection *session, Arena *arena, Error *error)
{
    const char *path = key_path(store, arena);
    if (store->key != NULL)
        return true;
    if (!key_read(path, &store->key, error))
        return false;
    if (store->key != NULL)
        return true;
    if (session == NULL)
        return key_refuse_lost(path, error);
    return key_make_first(store, session, arena, path, error) && key_read(path, &store->key, error) &&
           (store->key != NULL || key_refuse_lost(path, error));
}

static bool
key_take(Store *store, PgConnection *session, Arena *arena, Error *error)
{
    pthread_mutex_lock(&store->key_mutex);
    bool loaded = key_load(store, session, arena, error);
    pthread_mutex_unlock(&store->key_mutex);
    return loaded;
}

void
store_key_forget(Store *store)
{
    sodium_free(store->key);
    store->key = NULL;
}

bool
seal_close(Store *store, PgConnection *session, Arena *arena, const char *conninfo, const char *secrets,
           char **ret_sealed, Error *error)
{
    if (!key_take(store, session, arena, error))
        return false;
    size_t conninfo_bytes = strlen(conninfo) + 1;
    size_t plain_bytes = conninfo_bytes + strlen(secrets) + 1;
    if (plain_bytes > SEALED_BYTES_MOST)
        return error_set(error, ERROR_LIMIT, "the connection string is longer than %d bytes",
                         SEALED_BYTES_MOST);
    unsigned char *plain = arena_alloc(arena, plain_bytes);
    memcpy(plain, conninfo, conninfo_bytes);
    memcpy(plain + conninfo_bytes, secrets, strlen(secrets) + 1);
    size_t sealed_bytes = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + plain_bytes;
    unsigned char *sealed = arena_alloc(arena, sealed_bytes);
    randombytes_buf(sealed, crypto_secretbox_NONCEBYTES);
    crypto_secretbox_easy(sealed + crypto_secretbox_NONCEBYTES, plain, plain_bytes, sealed,
                          store->key->bytes);
    sodium_memzero(plain, plain_bytes);
    *ret_sealed = arena_alloc(arena, sealed_bytes * 2 + 1);
    sodium_bin2hex(*ret_sealed, sealed_bytes * 2 + 1, sealed, sealed_bytes);
    return true;
}

static bool
seal_refuse(const Store *store, Arena *arena, Error *error)
{
    error_set(error, ERROR_DAMAGED, "the sealed password does not open with the key in %s",
              key_path(store, arena));
    return error_set_hint(error,
                          "put back the key file it was sealed with, or set the target's password again");
}

bool
seal_open(Store *store, Arena *arena, const char *conninfo, const char *sealed, const char **ret_secrets,
          Error *error)
{
    size_t sealed_bytes = strlen(sealed) / 2;
    size_t overhead = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
    if (!key_take(store, NULL, arena, error))
        return false;
    if (sealed_bytes <= overhead || sealed_bytes > overhead + SEALED_BYTES_MOST)
        return seal_refuse(store, arena, error);
    unsigned char *bytes = arena_alloc(arena, sealed_bytes);
    char *plain = arena_alloc(arena, sealed_bytes - overhead + 1);
    size_t count = 0;
    if (sodium_hex2bin(bytes, sealed_bytes, sealed, strlen(sealed), NULL, &count, NULL) != 0 ||
        crypto_secretbox_open_easy((unsigned char *)plain, bytes + crypto_secretbox_NONCEBYTES,
                                   count - crypto_secretbox_NONCEBYTES, bytes, store->key->bytes) != 0)
        return seal_refuse(store, arena, error);
    size_t conninfo_bytes = strlen(plain) + 1;
    if (conninfo_bytes >= sealed_bytes - overhead || strcmp(plain, conninfo) != 0) {
        error_set(error, ERROR_DAMAGED, "the sealed password belongs to another connection string");
        return error_set_hint(error, "set the target's connection string again, with its password");
    }
    *ret_secrets = plain + conninfo_bytes;
    return true;
}
