// SPDX-License-Identifier: PostgreSQL
#include "whatif/index_text.h"

#include "sql/lexical.h"

#include <string.h>

bool
index_text_begins(const char *text)
{
    static const char *const beginnings[] = {"CREATE INDEX ", "CREATE UNIQUE INDEX "};
    for (size_t i = 0; i < FETTLE_COUNT_OF(beginnings); i++)
        if (strncmp(text, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

bool
index_text_is_whole(const char *text)
{
    size_t length = strlen(text);
    Lexeme lexeme;
    if (strpbrk(text, ";$\\") != NULL)
        return false;
    for (size_t at = 0; at < length; at += lexeme.length) {
        lexeme = sql_lexeme_at(text, at, length);
        if (lexeme.is_open || lexeme.kind == LEXEME_COMMENT)
            return false;
    }
    return true;
}
