// SPDX-License-Identifier: PostgreSQL
/*
 * Secrets of a connection: learnt before the first message can be written, blanked in every text of libpq or
 * of the server.
 */
#include "pg/connection_internal.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

const char *const pg_secret_options[] = {"password",         "sslpassword",         "scram_client_key",
                                         "scram_server_key", "oauth_client_secret", NULL};

bool
pg_option_is_secret(const char *keyword)
{
    for (const char *const *name = pg_secret_options; *name != NULL; name++)
        if (strcmp(keyword, *name) == 0)
            return true;
    return false;
}

static void
secret_add(PgConnection *connection, const char *secret, size_t length)
{
    if (secret == NULL || length == 0 || connection->secret_count == PG_SECRETS_MOST)
        return;
    for (int i = 0; i < connection->secret_count; i++)
        if (strlen(connection->secrets[i]) == length && memcmp(connection->secrets[i], secret, length) == 0)
            return;
    char *copy = strndup(secret, length);
    fettle_assert(copy != NULL);
    connection->secrets[connection->secret_count++] = copy;
}

static void
secret_add_options(PgConnection *connection, PQconninfoOption *options)
{
    for (const PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++)
        if (option->val != NULL && pg_option_is_secret(option->keyword))
            secret_add(connection, option->val, strlen(option->val));
    PQconninfoFree(options);
}

/* As it stands in a URI, with its %-codes: "postgres://user:SECRET@host", "?password=SECRET&". */
static void
secret_add_raw(PgConnection *connection, const char *dsn)
{
    const char *user = strstr(dsn, "://");
    if (user == NULL)
        return;
    user += strlen("://");
    size_t user_length = strcspn(user, "@/");
    const char *colon = memchr(user, ':', user_length);
    if (user[user_length] == '@' && colon != NULL)
        secret_add(connection, colon + 1, (size_t)(user + user_length - colon - 1));
    for (const char *option = strpbrk(user, "?&"); option != NULL; option = strpbrk(option + 1, "?&")) {
        const char *value = option + 1 + strcspn(option + 1, "=");
        for (size_t i = 0; *value == '=' && pg_secret_options[i] != NULL; i++)
            if (strlen(pg_secret_options[i]) == (size_t)(value - option - 1) &&
                text_starts_with(option + 1, pg_secret_options[i]))
                secret_add(connection, value + 1, strcspn(value + 1, "&"));
    }
}

void
pg_secrets_learn(PgConnection *connection, const char *dsn)
{
    secret_add_options(connection, PQconninfoParse(dsn, NULL));
    secret_add_raw(connection, dsn);
    const char *environment = getenv("PGPASSWORD");
    secret_add(connection, environment, environment == NULL ? 0 : strlen(environment));
}

/* What libpq has found by itself since: a service file, a password file, the entry of the current host. */
void
pg_secrets_learn_current(PgConnection *connection)
{
    secret_add_options(connection, PQconninfo(connection->libpq));
    const char *password = PQpass(connection->libpq);
    secret_add(connection, password, password == NULL ? 0 : strlen(password));
}

void
pg_secrets_hide(const PgConnection *connection, char *text)
{
    for (int i = 0; i < connection->secret_count; i++) {
        const char *secret = connection->secrets[i];
        size_t length = strlen(secret);
        size_t stars = length < 3 ? length : 3;
        for (char *found = strstr(text, secret); found != NULL; found = strstr(found + stars, secret)) {
            memset(found, '*', stars);
            memmove(found + stars, found + length, strlen(found + length) + 1);
        }
    }
}

void
pg_secrets_forget(PgConnection *connection)
{
    for (int i = 0; i < connection->secret_count; i++) {
        explicit_bzero(connection->secrets[i], strlen(connection->secrets[i]));
        free(connection->secrets[i]);
    }
    connection->secret_count = 0;
}
